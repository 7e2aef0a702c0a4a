//! Do the example bots of `lastgood-collector` run as programs, from the environment to the values in the backend?

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use lastgood_simulator::grafolean::{Backend, Bot, Credential, Entity, Faults, Polling, Sensor, World};

use super::programs;
use crate::support::binary::{Ran, answer, clean};

const ACCOUNT: i64 = 7;
const CREDENTIAL: i64 = 70;
const TOKEN: &str = "24b10e42-37e6-41bb-b18b-abd2fd7a7a36";

/// How long values are waited for; far longer than they take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A world with one account, a bot for the protocol, and these sensors: id, interval, details.
fn world(protocol: &str, sensors: &[(i64, i64, &str)]) -> Arc<World> {
    let world = World::new();
    world.put_account(ACCOUNT, "seven");
    world.put_bot(Bot::of_account(77, TOKEN, protocol, ACCOUNT));
    let (name, protocol) = ("one".to_owned(), protocol.to_owned());
    let details = "{}".to_owned();
    world.put_credential(ACCOUNT, Credential { id: CREDENTIAL, name, protocol: protocol.clone(), details });
    for (id, interval, details) in sensors {
        let sensor = Sensor {
            id: *id,
            name: format!("sensor {id}"),
            protocol: protocol.clone(),
            default_interval: Some(*interval),
            details: (*details).to_owned(),
        };
        world.put_sensor(ACCOUNT, sensor);
    }
    world
}

/// Puts a device there that is polled by these sensors.
fn put_device(world: &World, protocol: &str, id: i64, details: &str, sensors: &[i64]) {
    let sensors = sensors.iter().map(|sensor| (*sensor, None)).collect();
    let polling = Polling { credential: CREDENTIAL, sensors, bot: None };
    let device = Entity::device(id, &format!("device {id}")).polled(protocol, polling);
    world.put_entity(ACCOUNT, Entity { details: details.to_owned(), ..device });
}

/// Runs a bot until every path that is wanted has three values, then asks it to stop.
async fn run(name: &str, world: &Arc<World>, wanted: &[&str], token: (&str, &str)) -> Ran {
    let backend = Backend::start(Arc::clone(world), Faults::none()).expect("a free port");
    let mut command = Command::new(programs::example(name));
    clean(&mut command);
    command.env("BACKEND_URL", backend.url()).env(token.0, token.1).env("JOBS_REFRESH_INTERVAL", "1");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let bot = tokio::process::Command::from(command).kill_on_drop(true).spawn().expect("the bot starts");
    let arrived = async {
        while !wanted.iter().all(|path| values(world).get(*path).is_some_and(|values| values.len() >= 3)) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let arrived = tokio::time::timeout(PATIENCE, arrived).await;
    let id = bot.id().expect("it has not ended").to_string();
    let told = Command::new("kill").args(["-TERM", &id]).status().expect("kill starts");
    assert!(told.success(), "it could not be asked to stop");
    let ran = answer(bot).await;
    assert!(arrived.is_ok(), "only {:?} arrived: {}", values(world).keys(), ran.text());
    ran
}

/// What the backend holds, by path: instant and number.
fn values(world: &World) -> BTreeMap<String, Vec<(f64, f64)>> {
    let mut by_path: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for value in world.values(ACCOUNT) {
        by_path.entry(value.path).or_default().push((value.t, value.value));
    }
    by_path
}

/// Checks that there is one value for every interval, at whole seconds, none twice.
#[track_caller]
fn assert_every(seconds: f64, values: &[(f64, f64)]) {
    assert!(values.iter().all(|(at, _)| at.fract() == 0.0), "{values:?}");
    let steps = values.windows(2).map(|pair| pair[1].0 - pair[0].0);
    let mut steps = steps.collect::<Vec<_>>().into_iter();
    // A machine that stalls makes a bot run once for several firings.
    assert!(steps.all(|step| step >= seconds && step % seconds == 0.0), "{values:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bot_of_the_readme_sends_a_value_for_every_sensor_at_its_seconds() {
    let world = world("myprotocol", &[(1, 1, "{}"), (2, 2, "{}"), (3, -5, "{}")]);
    put_device(&world, "myprotocol", 10, r#"{"ipv4":"127.0.0.1"}"#, &[1, 2, 3]);
    put_device(&world, "myprotocol", 11, r#"{"ipv4":"127.0.0.1"}"#, &[1]);
    put_device(&world, "another", 12, r#"{"ipv4":"127.0.0.1"}"#, &[1]);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).expect("a writable folder");
    let token = ("BOT_TOKEN_FROM_FILE", file.to_str().expect("UTF-8"));
    let wanted = ["entity.10.sensor.1", "entity.10.sensor.2", "entity.11.sensor.1"];
    let ran = run("myprotocol_bot", &world, &wanted, token).await;
    assert_eq!(ran.code, 0, "{}", ran.text());
    let values = values(&world);
    assert_eq!(values.keys().map(String::as_str).collect::<Vec<_>>(), wanted);
    for (path, seconds) in wanted.into_iter().zip([1.0, 2.0, 1.0]) {
        assert_every(seconds, &values[path]);
    }
    assert!(ran.stderr.contains("an interval of -5 s cannot be scheduled"), "{}", ran.text());
    assert!(!ran.text().contains(TOKEN), "{}", ran.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bot_that_pings_shows_who_answers_and_who_does_not() {
    let listener = TcpListener::bind((Ipv4Addr::new(127, 3, 2, 1), 0)).expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let (open, text) = (format!(r#"{{"port":{port}}}"#), format!(r#"{{"port":"{port}"}}"#));
    let world = world("ping", &[(1, 1, &open), (2, 2, &text), (3, 1, "{}"), (4, 1, r#"{"port":70000}"#)]);
    for (id, interval) in [(5, Some(0)), (6, Some(-5)), (7, None)] {
        let (name, protocol) = (format!("sensor {id}"), "ping".to_owned());
        let sensor = Sensor { id, name, protocol, default_interval: interval, details: open.clone() };
        world.put_sensor(ACCOUNT, sensor);
    }
    // Three of its sensors have no interval, which silences none of the others.
    put_device(&world, "ping", 10, r#"{"ipv4":" 127.3.2.1\n"}"#, &[1, 2, 3, 4, 5, 6, 7]);
    // Nobody listens there.
    put_device(&world, "ping", 11, r#"{"ipv4":"127.3.2.2"}"#, &[1]);
    put_device(&world, "ping", 12, r#"{"ipv4":"no such host"}"#, &[2]);
    put_device(&world, "ping", 13, "{}", &[1]);
    let names = [(10, port, "ok"), (10, port, "rtt"), (10, 80, "ok"), (11, port, "ok"), (12, port, "ok")];
    let wanted = names.map(|(entity, port, name)| format!("entity.{entity}.ping.{port}.{name}"));
    let wanted = wanted.each_ref().map(String::as_str);
    let ran = run("ping_bot", &world, &wanted, ("BOT_TOKEN", TOKEN)).await;
    assert_eq!(ran.code, 0, "{}", ran.text());
    let mut values = values(&world);
    // Whether this machine has a web server is its own business.
    values.remove("entity.10.ping.80.rtt");
    assert_eq!(values.keys().map(String::as_str).collect::<BTreeSet<_>>(), wanted.into());
    for (path, seconds, expected) in [(wanted[0], 1.0, 1.0), (wanted[3], 1.0, 0.0), (wanted[4], 2.0, 0.0)] {
        assert_every(seconds, &values[path]);
        assert!(
            values[path].iter().all(|(_, value)| value.total_cmp(&expected).is_eq()),
            "{path}: {values:?}"
        );
    }
    assert!(values[wanted[1]].iter().all(|(_, rtt)| (0.0..2.0).contains(rtt)), "{values:?}");
    assert!(ran.stderr.contains("entity_id=10"), "{}", ran.text());
    for wrong in ["sensor 4: ", "sensor 5: 0 s", "sensor 6: -5 s", "sensor 7: it has no interval"] {
        assert!(ran.stderr.contains(wrong), "{wrong}: {}", ran.text());
    }
    assert!(ran.stderr.contains("entity_id=13"), "{}", ran.text());
}

/// Runs a bot that cannot start.
#[track_caller]
fn refuse(name: &str, variables: &[(&str, &str)], words: &str) {
    let mut command = Command::new(programs::example(name));
    clean(&mut command);
    command.envs(variables.iter().copied());
    let ran: Ran = command.output().expect("the bot starts").into();
    assert_eq!(ran.code, 1, "{}", ran.text());
    assert!(ran.stderr.starts_with(words), "{}", ran.text());
    assert!(!ran.text().contains("hunter2") && !ran.text().contains(TOKEN), "{}", ran.text());
}

#[test]
fn a_bot_that_cannot_start_says_why_and_does_not_show_its_token() {
    let url = ("BACKEND_URL", "http://127.0.0.1:9/api");
    let token = ("BOT_TOKEN", TOKEN);
    refuse("myprotocol_bot", &[url, ("BOT_TOKEN", "hunter2")], "the token of a bot is a UUID");
    refuse("myprotocol_bot", &[token], "set BACKEND_URL to");
    refuse("myprotocol_bot", &[url], "set BOT_TOKEN, or");
    refuse(
        "myprotocol_bot",
        &[url, token, ("BOT_TOKEN_FROM_FILE", "x")],
        "BOT_TOKEN and BOT_TOKEN_FROM_FILE",
    );
    for interval in ["0", "-1", "x", "1.5"] {
        refuse(
            "ping_bot",
            &[url, token, ("JOBS_REFRESH_INTERVAL", interval)],
            "JOBS_REFRESH_INTERVAL must be",
        );
    }
    let missing =
        "the token file /none could not be read; give its path and let this user read it: No such file";
    refuse("ping_bot", &[url, ("BOT_TOKEN_FROM_FILE", "/none")], missing);
    refuse("fetch_configs", &[token], "set BACKEND_URL to");
    refuse("fetch_configs", &[url], "set BOT_TOKEN to");
}
