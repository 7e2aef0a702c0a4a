//! Does `lastgood silence` say whom it concerns, and refuse what nobody means?

use jiff::{SignedDuration, Timestamp};
use lastgood::clock;
use lastgood::store::Store;
use lastgood_core::checks::{behind_local, offline};
use lastgood_core::silence::Silence;

use super::remembered::{HOSTILE, Remembered, ada};

async fn silences(remembered: &Remembered) -> Vec<Silence> {
    remembered.store.silences(10).await.expect("they are read")
}

fn later(hours: i64) -> Timestamp {
    clock::now() + SignedDuration::from_hours(hours)
}

#[tokio::test]
async fn a_silence_is_added_beside_the_daemon_and_says_of_how_many_it_speaks() {
    let remembered = Remembered::new().await;
    let before = clock::now();
    let add = ["silence", "add", "vault*", "--for", "8h", "--reason", "a new disk", "--by", "ada"];
    let ran = remembered.run(&add);
    assert_eq!((ran.code, &*ran.stderr), (0, ""));
    assert!(
        ran.stdout.starts_with("silence 1 until ") && ran.stdout.ends_with(": it speaks of 1 subject\n"),
        "{}",
        ran.stdout
    );
    let added = &silences(&remembered).await[0];
    assert_eq!(
        (&*added.pattern, &*added.reason, &*added.by, &added.address),
        ("vault*", "a new disk", "ada", &None)
    );
    assert!(added.from >= before && added.until.duration_since(added.from) == SignedDuration::from_hours(8));
    let standing = remembered.store.standing(clock::now()).await.expect("what stands");
    assert_eq!(standing.silences.len(), 1);
}

#[tokio::test]
async fn a_silence_may_be_for_one_address_and_until_an_instant() {
    let remembered = Remembered::new().await;
    let until = later(24);
    let until_text = until.to_string();
    let add = [
        "silence",
        "add",
        "*",
        "--until",
        &until_text,
        "--reason",
        "x",
        "--by",
        "ada",
        "--for-address",
        "mail:ada@example.org",
    ];
    assert_eq!(remembered.run(&add).code, 0);
    let added = &silences(&remembered).await[0];
    assert_eq!((&added.address, added.until), (&Some(ada()), until));
    let listed = remembered.run(&["silence", "list"]).stdout;
    assert!(listed.contains("in force") && listed.contains("mail:ada@example.org"), "{listed}");
}

#[tokio::test]
async fn a_silence_may_be_of_some_checks_and_is_listed_so() {
    let remembered = Remembered::new().await;
    let add = ["silence", "add", "vault*", "--for", "8h", "--reason", "x", "--by", "ada"];
    let some = ["--check", "behind_local", "--check", "offline"];
    let ran = remembered.run(&[&add[..], &some[..]].concat());
    assert!(ran.stdout.ends_with(": it speaks of 1 subject, behind_local, offline only\n"), "{}", ran.text());
    assert_eq!(silences(&remembered).await[0].checks, Some(vec![behind_local::ID, offline::ID]));
    assert_eq!(remembered.run(&add).code, 0);
    let listed = remembered.run(&["silence", "list"]).stdout;
    assert!(listed.contains("  all  ") && listed.contains("  behind_local, offline  "), "{listed}");
    let json = remembered.run(&["silence", "list", "--format", "json"]).json();
    assert_eq!(json["silences"][0]["checks"], serde_json::Value::Null);
    assert_eq!(json["silences"][1]["checks"], serde_json::json!(["behind_local", "offline"]));
    let ran = remembered.run(&[&add[..], &["--check", "lateness"]].concat());
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("there is no such check; write one of"), "{}", ran.stderr);
}

#[tokio::test]
async fn a_pattern_that_matches_nothing_is_warned_about_and_kept() {
    let remembered = Remembered::new().await;
    let ran = remembered.run(&["silence", "add", "valut/*", "--for", "1h", "--reason", "x", "--by", "ada"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.ends_with("it speaks of no subject\n"), "{}", ran.stdout);
    assert!(ran.stderr.contains("no subject that was ever looked at matches valut/*"), "{}", ran.stderr);
    assert_eq!(silences(&remembered).await.len(), 1);
}

#[tokio::test]
async fn what_nobody_means_is_refused() {
    let remembered = Remembered::new().await;
    let (past, far) = (later(-1).to_string(), later(24 * 401).to_string());
    for (arguments, why) in [
        (&["a[", "--for", "1h"][..], "is no pattern"),
        (&["", "--for", "1h"], "is no pattern"),
        (&["*", "--until", &past], "which is over: give a later end"),
        (&["*", "--for", "0s"], "which is over: give a later end"),
        (&["*", "--until", &far], "a silence lasts 400 days at most"),
        (&["*", "--for", "401d"], "a silence lasts 400 days at most"),
        (&["*", "--for", "soon"], "is no length of time"),
        (&["*", "--until", "tomorrow"], "write date, time and offset"),
        (&["*"], "--until <TIME>|--for <LENGTH>"),
        (&["*", "--for", "1h", "--until", &far], "cannot be used with"),
        (&["*", "--for", "1h", "--for-address", "ada@example.org"], "write the name of a channel"),
    ] {
        let ran = remembered.run(&[&["silence", "add", "--reason", "x", "--by", "ada"], arguments].concat());
        assert_eq!((ran.code, &*ran.stdout), (3, ""), "{arguments:?}");
        assert!(ran.stderr.contains(why), "{arguments:?}: {}", ran.stderr);
    }
    assert_eq!(silences(&remembered).await, []);
}

#[tokio::test]
async fn a_silence_is_ended_once_and_listed_as_over_only_when_asked_for() {
    let remembered = Remembered::new().await;
    let reason = format!("hostile {HOSTILE}");
    let ran =
        remembered.run(&["silence", "add", "vault", "--for", "1h", "--reason", &reason, "--by", HOSTILE]);
    assert_eq!(ran.code, 0, "{}", ran.text());
    let listed = remembered.run(&["silence", "list"]);
    assert!(
        listed.stdout.contains("\\u{1b}[2J\\u{202e}\\nx") && !listed.stdout.contains('\u{1b}'),
        "{}",
        listed.text()
    );
    let ran = remembered.run(&["silence", "end", "1"]);
    assert_eq!((ran.code, &*ran.stdout), (0, "silence 1 is over; what is still open is told now\n"));
    let ran = remembered.run(&["silence", "end", "1"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.starts_with("silence 1 is over since "), "{}", ran.stdout);
    assert!(remembered.run(&["silence", "list"]).stdout.starts_with("0 silences in force; at "));
    let listed = remembered.run(&["silence", "list", "--all"]).stdout;
    assert!(listed.contains("over") && listed.contains("0 silences in force"), "{listed}");
    let json = remembered.run(&["silence", "list", "--all", "--format", "json"]).json();
    let one = &json["silences"][0];
    assert_eq!(
        (one["id"].as_u64(), one["state"].as_str(), one["reason"].as_str()),
        (Some(1), Some("over"), Some(&*reason))
    );
    assert_eq!((&one["channel"], &one["to"]), (&serde_json::Value::Null, &serde_json::Value::Null));
    let ran = remembered.run(&["silence", "end", "7"]);
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("there is no silence 7"), "{}", ran.stderr);
}
