//! Does what customers change themselves in the directory hold from the next telling on, over restarts of the daemon?
//!
//! The daemon is stopped before each step and started after it, so that it sees each step as a whole; the customer
//! [`MARK`] is told in every step, which shows that it was decided.

use std::collections::BTreeMap;

use lastgood_simulator::stoney::{Directory, End};

use super::post::Post;
use super::world::{PAUSE, World, ago, clients, run_of};

/// Told in every step.
const MARK: &str = "3700000";
/// Wants to hear of the third failure in a row.
const THIRD: &str = "3700001";
/// Wants to hear of no failure, later of each.
const NEVER: &str = "3700002";
/// Moves to another mailbox and another language.
const MOVING: &str = "3700003";
/// Wants short messages later.
const SHORT: &str = "3700004";
/// Wants to hear of the second failure in a row.
const SECOND: &str = "3700005";
/// Wants to hear three days after the last success, later after one.
const DAYS: &str = "3700006";
/// Wants no warnings later.
const OFF: &str = "3700007";

/// The reseller, who hears of every failure at once.
const DESK: &str = "desk@many.example.org";

fn address(uid: &str) -> String {
    format!("c{uid}@many.example.org")
}

fn world() -> World {
    let mut directory = Directory::default();
    directory.put(directory.reseller("4000000").set("sstIsDefault", &["TRUE"]));
    directory.put(directory.settings("4000000"));
    directory.put(directory.notifications("4000000", &[DESK], &["unsuccessful"]));
    for (uid, numbers, days) in [
        (MARK, "1", "0"),
        (THIRD, "3", "0"),
        (NEVER, "0", "0"),
        (MOVING, "1", "0"),
        (SHORT, "1", "0"),
        (SECOND, "2", "0"),
        (DAYS, "0", "3"),
        (OFF, "1", "0"),
    ] {
        let account = directory
            .account(uid)
            .set("mail", &[&address(uid)])
            .set("sstBackupWarningNumbers", &[numbers])
            .set("sstBackupWarningDays", &[days]);
        let since = ago(2 * 24 * 60).strftime("pc:%Y%m%dT%H%M%SZ").to_string();
        directory.put(if uid == DAYS {
            account.set("sstBackupLastSuccessfulBackup", &[&since])
        } else {
            account
        });
    }
    World::new(directory)
}

/// How many letters everybody but the reseller got.
type Told = BTreeMap<String, usize>;

fn told(post: &Post) -> Told {
    post.letters().into_iter().filter(|letter| letter.delivered_to != DESK).fold(
        Told::new(),
        |mut told, letter| {
            *told.entry(letter.delivered_to).or_default() += 1;
            told
        },
    )
}

/// Uploads what ended how so long ago, and lets the daemon see it; then exactly these have got one letter more.
async fn step(world: &World, post: &Post, minutes_ago: i64, runs: &[(&str, End)], more: &[&str]) {
    for (uid, end) in runs {
        let [sepiola, perl] = clients();
        let client = if uid.ends_with(['1', '3', '5']) { perl } else { sepiola };
        let computer = world.computer(uid, "pc");
        computer.back_up(&run_of(client, minutes_ago, *end)).expect("a writable folder");
    }
    let mut expected = told(post);
    for to in more {
        *expected.entry((*to).to_owned()).or_default() += 1;
    }
    let serving = world.serve();
    let is_sent = async || {
        let page = serving.page("/metrics").await.unwrap_or_default();
        told(post).get(&address(MARK)) == expected.get(&address(MARK))
            && page.contains("\nlastgood_outbox_messages 0\n")
    };
    serving.wait_until("the mark is told, and everything sent", is_sent).await;
    serving.stop().await;
    // Postfix delivers a little after it took them.
    for _ in 0..250 {
        if told(post) == expected {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
    assert_eq!(told(post), expected, "{minutes_ago}: {:#?}", post.letters());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_customers_change_holds_from_the_next_telling_on() {
    let (world, post) = (world(), Post::start().await);
    world.write("", "", &post.channel());
    let set = |uid: &str, attribute: &str, values: &[&str]| {
        let account = world.directory.account_dn(uid);
        world.slapd.set(&account, attribute, values).expect("it is changed");
    };
    let [mark, third, never, moving, short, second, days, off] =
        [MARK, THIRD, NEVER, MOVING, SHORT, SECOND, DAYS, OFF].map(address);
    let moved = "moved@many.example.org";
    let all = [MARK, THIRD, NEVER, MOVING, SHORT, SECOND, DAYS, OFF];
    let failed = all.map(|uid| (uid, End::Failed));
    step(&world, &post, 40, &failed, &[&mark, &moving, &short, &off]).await;

    let well = |uid| (uid, End::Clean);
    let ill = |uid| (uid, End::Failed);
    set(NEVER, "sstBackupWarningNumbers", &["1"]);
    set(DAYS, "sstBackupWarningDays", &["1"]);
    let runs = [well(MARK), ill(THIRD), well(MOVING), well(SHORT), well(SECOND), well(OFF)];
    step(&world, &post, 30, &runs, &[&mark, &never, &moving, &short, &days, &off]).await;

    set(MOVING, "mail", &[moved]);
    set(MOVING, "preferredLanguage", &["de-CH"]);
    set(SHORT, "sstNotificationWarningMedium", &["sms"]);
    set(OFF, "sstBackupWarningOn", &["FALSE"]);
    let runs = [MARK, THIRD, MOVING, SHORT, SECOND, OFF].map(ill);
    step(&world, &post, 20, &runs, &[&mark, &third, moved]).await;
    let letters = post.letters();
    let letter = letters.iter().find(|letter| letter.delivered_to == moved).expect("they were told");
    assert!(letter.text.contains("Was zu tun ist"), "{letter:#?}");

    let runs = [well(MARK), well(THIRD), well(NEVER), ill(SECOND), well(DAYS)];
    step(&world, &post, 10, &runs, &[&mark, &third, &never, &second, &days]).await;
    let desk: String =
        letters.into_iter().filter(|letter| letter.delivered_to == DESK).map(|letter| letter.text).collect();
    for uid in all {
        assert!(desk.contains(uid), "the reseller hears of everything at once: {uid} in {desk}");
    }
}
