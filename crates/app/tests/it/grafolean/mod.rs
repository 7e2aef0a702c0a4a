//! Does the Grafolean client keep its promises against a backend that behaves as a real one was measured to?

mod configs;
mod fussy;
mod outbox;
mod secrets;

use std::path::Path;
use std::time::Duration;

use lastgood_collector::grafolean::{Client, Outbox, OutboxSettings, Token};
use lastgood_collector::{Backoff, Sample, Second};
use lastgood_simulator::grafolean::{Backend, Faults, Scope, Seeded, World};

/// A wait that nothing but a hang can use up.
const AMPLE: Duration = Duration::from_mins(2);

/// The instant most values here belong to.
const AT: Second = Second(1_795_248_300);

fn client(url: &str, token: &str) -> Client {
    Client::new(url, Token::new(token).expect("a UUID")).expect("a client")
}

fn backend(seeded: &Seeded, faults: Faults) -> Backend {
    Backend::start(seeded.world.clone(), faults).expect("a backend on loopback")
}

/// The client of the systemwide bot.
fn systemwide(backend: &Backend, seeded: &Seeded) -> Client {
    client(&backend.url(), &seeded.systemwide_token)
}

/// Requests that store values.
fn storing() -> Scope {
    Scope::path("/accounts/*/values").method("PUT")
}

/// Pauses so short that a test need not wait for them.
fn quick(folder: Option<&Path>) -> OutboxSettings {
    let pause = Duration::from_millis(2);
    OutboxSettings {
        folder: folder.map(Path::to_owned),
        merge: Duration::from_millis(20),
        backoff: Backoff {
            base: pause,
            max: 4 * pause,
            denied_base: pause,
            denied_max: 4 * pause,
            jitter: 0.0,
        },
        ..OutboxSettings::default()
    }
}

async fn open(client: &Client, folder: Option<&Path>) -> Outbox {
    Outbox::open(client.clone(), quick(folder)).await.expect("an outbox")
}

/// Waits until something is so.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let met = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(AMPLE, met).await.is_ok(), "never: {what}");
}

fn samples(count: u32) -> Vec<Sample> {
    (0..count).map(|number| Sample::new(format!("path.{number}"), f64::from(number))).collect()
}

/// What an account holds: path, instant and number, in the order in which it was stored first.
fn stored(world: &World, account_id: i64) -> Vec<(String, i64, f64)> {
    let mut values = world.values(account_id);
    values.sort_by_key(|value| value.order);
    values.into_iter().map(|value| (value.path, whole(value.t), value.value)).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "every instant sent here is a whole second")]
fn whole(t: f64) -> i64 {
    assert!(t.fract() == 0.0, "{t}");
    t as i64
}
