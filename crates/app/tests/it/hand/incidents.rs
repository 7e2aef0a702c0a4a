//! Does `lastgood incidents` show and change what a daemon found, beside it?

use lastgood::store::Store;
use lastgood_core::incident::Closing;

use super::remembered::Remembered;
use crate::support::binary::{Ran, run};

/// Compares an answer with its snapshot, the instant it was read at left out.
#[track_caller]
fn compare(name: &str, ran: &Ran) {
    let text = ran.text();
    insta::with_settings!({
        filters => vec![(r"; at \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "; at NOW"), (r#""at": "2[^"]*Z",\n  "(has_more|incident|silences)"#, "\"at\": \"NOW\",\n  \"$1"), (r"\d+ d(ays)?( \d+ h)? ago", "SOME TIME ago")],
        omit_expression => true,
        prepend_module_to_snapshot => false,
    }, {
        insta::assert_snapshot!(name, text);
    });
}

#[tokio::test]
async fn incidents_are_listed_beside_the_daemon() {
    let remembered = Remembered::with_incidents().await;
    compare("incidents", &remembered.run(&["incidents"]));
    assert_eq!(
        remembered.run(&["incidents", "list"]).stdout.lines().next(),
        remembered.run(&["incidents"]).stdout.lines().next()
    );
    compare("incidents_all", &remembered.run(&["incidents", "list", "--state", "all"]));
    compare("incidents_json", &remembered.run(&["incidents", "--state", "all", "--format", "json"]));
}

#[tokio::test]
async fn incidents_are_filtered_and_limited() {
    let remembered = Remembered::with_incidents().await;
    let ids = |arguments: &[&str]| {
        let ran = remembered.run(&[&["incidents", "list", "--format", "json"], arguments].concat());
        assert_eq!((ran.code, &*ran.stderr), (0, ""), "{arguments:?}");
        let answer = ran.json();
        let found = answer["incidents"].as_array().expect("a list");
        let ids = found.iter().map(|one| one["id"].as_i64().expect("a number")).collect::<Vec<_>>();
        (ids, answer["has_more"].as_bool().expect("a bool"))
    };
    assert_eq!(ids(&[]), (vec![4, 1], false));
    assert_eq!(ids(&["--state", "all"]), (vec![4, 3, 2, 1], false));
    assert_eq!(ids(&["--state", "all", "--limit", "3"]), (vec![4, 3, 2], true));
    assert_eq!(ids(&["--state", "suspected"]), (vec![2], false));
    assert_eq!(ids(&["--state", "closed"]), (vec![3], false));
    assert_eq!(ids(&["--state", "all", "--check", "behind_local"]), (vec![2], false));
    assert_eq!(ids(&["--source", "vault", "--limit", "2"]), (vec![4, 1], false));
    assert_eq!(ids(&["--source", "other"]), (vec![], false));
    let ran = remembered.run(&["incidents", "--check", "behind"]);
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("there is no such check; write one of offline,"), "{}", ran.stderr);
}

#[tokio::test]
async fn the_story_of_an_incident_says_who_was_told_and_who_was_not() {
    let remembered = Remembered::with_incidents().await;
    compare("incident_told", &remembered.run(&["incidents", "show", "1"]));
    compare("incident_closed", &remembered.run(&["incidents", "show", "3"]));
    compare("incident_withheld", &remembered.run(&["incidents", "show", "4"]));
    compare("incident_json", &remembered.run(&["incidents", "show", "1", "--format", "json"]));
    let ran = remembered.run(&["incidents", "show", "99"]);
    assert_eq!((ran.code, &*ran.stdout), (3, ""));
    assert!(ran.stderr.contains("there is no incident 99"), "{}", ran.stderr);
}

#[tokio::test]
async fn the_first_who_knows_stays_and_who_closes_is_named() {
    let remembered = Remembered::with_incidents().await;
    let ran = remembered.run(&["incidents", "ack", "4", "--by", "ada"]);
    assert_eq!((ran.code, &*ran.stderr), (0, ""));
    assert_eq!(ran.stdout, "incident 4 (unsuccessful of vault/repo/four) is acknowledged by ada\n");
    let ran = remembered.run(&["incidents", "ack", "4", "--by", "bob"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.contains("is acknowledged already, by ada on "), "{}", ran.text());
    let story =
        async || remembered.store.incident(4).await.expect("it is read").expect("it is there").recorded;
    assert_eq!(story().await.incident.acknowledged.expect("known").by, "ada");
    assert!(remembered.run(&["incidents"]).stdout.contains("acknowledged by ada"));
    let ran = remembered.run(&["incidents", "close", "4", "--by", "ada", "--reason", "sold"]);
    assert_eq!((ran.code, &*ran.stderr), (0, ""));
    assert_eq!(story().await.closed.expect("it is closed").1, Closing::ByHand("sold (by ada)".to_owned()));
    for arguments in [&["close", "4", "--by", "ada", "--reason", "x"][..], &["ack", "3", "--by", "ada"]] {
        let ran = remembered.run(&[&["incidents"], arguments].concat());
        assert_eq!(ran.code, 3, "{arguments:?}");
        assert!(ran.stderr.contains("is closed since"), "{}", ran.stderr);
    }
    let ran = remembered.run(&["incidents", "close", "2", "--by", "ada", "--reason", "x"]);
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("is only suspected"), "{}", ran.stderr);
}

#[tokio::test]
async fn who_says_so_must_be_known_and_why() {
    let remembered = Remembered::with_incidents().await;
    for (arguments, why) in [
        (&["ack", "4"][..], "who says so is not known: name them with --by"),
        (&["ack", "4", "--by", " "], "--by is empty"),
        (&["close", "4", "--by", "ada", "--reason", ""], "--reason is empty"),
        (
            &["close", "4", "--by", "ada", "--reason", &"x".repeat(501)],
            "--reason is longer than 500 characters",
        ),
    ] {
        let ran = remembered.run(&[&["incidents"], arguments].concat());
        assert_eq!((ran.code, &*ran.stdout), (3, ""), "{arguments:?}");
        assert!(ran.stderr.contains(why), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn a_database_that_is_not_there_is_said_and_never_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let config = folder.path().join("config.toml");
    std::fs::write(&config, format!("[serve]\ndatabase = {path:?}\n")).expect("a writable folder");
    let (path_text, config) = (path.to_str().expect("UTF-8"), config.to_str().expect("UTF-8"));
    for place in [["--database", path_text], ["--config", config]] {
        for command in [&["incidents"][..], &["silence", "list"], &["incidents", "ack", "1", "--by", "x"]] {
            let ran = run(&[command, &place].concat());
            assert_eq!((ran.code, &*ran.stdout), (3, ""), "{command:?} {place:?}: {}", ran.text());
            assert!(
                ran.stderr.contains("there is no database") && ran.stderr.contains(path_text),
                "{}",
                ran.stderr
            );
        }
    }
    assert!(!path.exists());
}
