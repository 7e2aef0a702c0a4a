//! Does slapd's end in the middle of a look, or of writing back, leave every verdict true and every mail told once?

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use lastgood::clock::Stopwatch;
use lastgood_simulator::stoney::{Directory, End, Reading, SizeLimit, SlapdOptions};

use super::gate::{Cut, Gate};
use super::post::Post;
use super::world::{World, clients, run_of};

/// So many accounts, of which the first is in trouble.
const ACCOUNTS: usize = 9;

/// Who hears of the source itself, and of nothing else.
const OPERATOR: &str = "operator@many.example.org";
const OWNER: &str =
    "[[owner]]\nsubject = 'stoney'\nrole = 'operator'\nto = ['mail:operator@many.example.org']\n";

fn uid(number: usize) -> String {
    format!("{}", 3_700_000 + number)
}

fn mail(number: usize) -> String {
    format!("c{number}@many.example.org")
}

fn world() -> World {
    world_with(SlapdOptions { size_limit: SizeLimit::Unlimited, ..SlapdOptions::default() }, 0)
}

/// Accounts of customers who hear of each failure, half of them through a person, and a reseller who wants nothing; and
/// so many accounts more, of which nothing is there.
fn world_with(options: SlapdOptions, more: usize) -> World {
    let mut directory = Directory::default();
    directory.put(directory.reseller("4000000").set("sstIsDefault", &["TRUE"]));
    directory.put(directory.notifications("4000000", &[], &[]));
    for number in 0..ACCOUNTS {
        let account = directory
            .account(&uid(number))
            .set("sstBackupWarningNumbers", &["1"])
            .set("sstBelongsToResellerUID", &["4000000"]);
        let person = format!("{}", 5_000_000 + number);
        directory.put(match number % 2 {
            0 => account.set("mail", &[&mail(number)]),
            _ => account.set("sstBelongsToPersonUID", &[&person]),
        });
        directory.put(directory.person(&person, &mail(number)));
    }
    for number in 0..more {
        directory.put(directory.account(&format!("{}", 6_000_000 + number)));
    }
    let world = World::with(directory, options);
    for number in 0..ACCOUNTS {
        back_up(&world, number, 60, if number == 0 { End::Failed } else { End::Clean });
    }
    world
}

fn back_up(world: &World, number: usize, minutes_ago: i64, end: End) {
    let [sepiola, perl] = clients();
    let client = if number.is_multiple_of(2) { sepiola } else { perl };
    let computer = world.computer(&uid(number), "pc");
    computer.back_up(&run_of(client, minutes_ago, end)).expect("a writable folder");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_was_cut_anywhere_is_no_list() {
    let world = Arc::new(world());
    let gate = Gate::before(&world.slapd).await;
    world.write_for(&gate.url, "", "page_size = 2\ndeadline = '1s'", "");
    let look = async || {
        let world = Arc::clone(&world);
        let ran = tokio::task::spawn_blocking(move || world.outcomes());
        ran.await.expect("it does not panic")
    };
    let (code, truth) = look().await;
    let all_bytes = gate.answered_bytes();
    assert_eq!(
        (code, truth.len() > 4 * ACCOUNTS, all_bytes > 2_000),
        (1, true, true),
        "{truth:?} {all_bytes}"
    );
    // The last bytes may be an answer nobody waits for.
    let killed = (0..10).map(|share| Cut::KilledAfter(all_bytes * share / 10));
    for cut in killed.chain([0, 1_000].map(Cut::HangsAfter)) {
        gate.set(Some(cut));
        let (code, said) = look().await;
        assert!(gate.is_cut(), "{cut:?}");
        assert_eq!(code, 2, "{cut:?}: {said:?}");
        let source = said.get(&("stoney".to_owned(), "visibility".to_owned()));
        assert_eq!(source.map(String::as_str), Some("unknown"), "{cut:?}");
        let others = said.keys().filter(|(subject, _)| subject != "stoney").count();
        assert_eq!(others, 0, "{cut:?}: a part of the accounts is none: {said:?}");
        world.slapd.restart().expect("it starts again");
    }
    gate.set(None);
    assert_eq!(look().await, (1, truth));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_is_gone_is_told_after_its_patience_and_nothing_else_is_lost_or_said_twice() {
    let (world, post) = (world(), Post::start().await);
    let gate = Gate::before(&world.slapd).await;
    let people = post.channel() + OWNER;
    world.write_for(&gate.url, "thresholds = { blind_after = '25s' }", "page_size = 2", &people);
    // Gone in the middle of the first look, and back before the next one.
    gate.set(Some(Cut::KilledAfter(1_000)));
    let serving = world.serve();
    serving.wait_until("it is gone", async || gate.is_cut()).await;
    world.slapd.restart().expect("it starts again");
    serving.wait_until("the first is told", async || count(&post, &mail(0)) == 1).await;
    // Gone for long; meanwhile one fails, and one that failed succeeds.
    gate.set(Some(Cut::KilledAfter(1_500)));
    serving.wait_until("it is gone again", async || gate.is_cut()).await;
    let gone = Stopwatch::start();
    back_up(&world, 1, 40, End::Failed);
    serving.wait_until("the operator is told", async || count(&post, OPERATOR) == 1).await;
    assert!(gone.read() > Duration::from_secs(10), "the last look that was good was at most one before");
    // That the accounts are not seen either follows from it.
    let of_accounts: Vec<_> =
        (0..ACCOUNTS).map(|number| format!("stoney/{} visibility", uid(number))).collect();
    let open: Vec<_> = open(&world).into_iter().filter(|open| !of_accounts.contains(open)).collect();
    assert_eq!(open, ["stoney visibility", &format!("stoney/{}/pc unsuccessful", uid(0))]);
    assert_eq!(post.letters().len(), 2, "{:#?}", post.letters());
    world.slapd.restart().expect("it starts again");
    serving.wait_until("it is over", async || count(&post, OPERATOR) == 2).await;
    serving.wait_until("the second is told", async || count(&post, &mail(1)) == 1).await;
    world.look_anew(serving).await.stop().await;
    let letters = post.letters();
    let ids: BTreeSet<_> = letters.iter().map(|letter| &letter.id).collect();
    assert_eq!(ids.len(), letters.len(), "{letters:#?}");
    let told: Vec<_> = letters.iter().map(|letter| (letter.delivered_to.as_str(), &letter.subject)).collect();
    assert_eq!(told.len(), 4, "{letters:#?}");
    let of_source = |word: &str| {
        told.iter().any(|(to, subject)| {
            *to == OPERATOR && subject.starts_with(word) && subject.contains("visibility")
        })
    };
    assert!(of_source("BAD stoney") && of_source("OVER stoney"), "{letters:#?}");
    assert_eq!((count(&post, &mail(0)), count(&post, &mail(1))), (1, 1), "{letters:#?}");
}

#[test]
fn accounts_that_slapd_keeps_back_are_a_look_that_failed() {
    let options = SlapdOptions { size_limit: SizeLimit::Default, ..SlapdOptions::default() };
    let world = world_with(options, 500);
    world.write("", "", "");
    let (code, said) = world.outcomes();
    assert_eq!((code, said.keys().filter(|(subject, _)| subject != "stoney").count()), (2, 0), "{said:?}");
    let explained = world.run(&["explain", "stoney"]);
    assert!(explained.stdout.contains("olcSizeLimit"), "{}", explained.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_shows_nothing_any_more_is_no_fleet_that_left() {
    let options = SlapdOptions {
        size_limit: SizeLimit::Unlimited,
        reading: Reading::BoundElseEmpty,
        ..SlapdOptions::default()
    };
    let (world, post) = (world_with(options, 0), Post::start().await);
    world.write("thresholds = { blind_after = '12s' }", "", &(post.channel() + OWNER));
    let serving = world.serve();
    serving.wait_until("the first is told", async || count(&post, &mail(0)) == 1).await;
    serving.stop().await;
    // Whoever is not bound finds no entry.
    let config = world.path("lastgood.toml");
    let bound = fs::read_to_string(&config).expect("it is there");
    let unbound: Vec<_> = bound
        .lines()
        .filter(|line| !line.starts_with("bind_dn") && !line.starts_with("password_file = 'ldap"))
        .collect();
    fs::write(&config, unbound.join("\n")).expect("a writable folder");
    let serving = world.serve();
    serving.wait_until("the operator is told", async || count(&post, OPERATOR) == 1).await;
    assert!(open(&world).contains(&format!("stoney/{}/pc unsuccessful", uid(0))), "{:?}", open(&world));
    serving.stop().await;
    assert_eq!(post.letters().len(), 2, "{:#?}", post.letters());
}

/// How many mails somebody got.
fn count(post: &Post, address: &str) -> usize {
    post.letters().iter().filter(|letter| letter.delivered_to == address).count()
}

/// What is open, as `subject check`.
#[track_caller]
fn open(world: &World) -> Vec<String> {
    let ran = world.run(&["incidents", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.text());
    let document = ran.json();
    let incidents = document["incidents"].as_array().expect("a list").iter();
    let text = |incident: &serde_json::Value, key: &str| incident[key].as_str().expect("a text").to_owned();
    let mut open: Vec<_> = incidents
        .map(|incident| format!("{} {}", text(incident, "subject"), text(incident, "check")))
        .collect();
    open.sort();
    open
}
