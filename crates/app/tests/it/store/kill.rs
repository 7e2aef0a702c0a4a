//! Killed at any moment, it has kept what it answered.
//!
//! The test starts itself as another process, which works and says on its output what it was answered; it is killed at
//! random places of that, twenty times on the same database.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lastgood::store::{Cover, Decision, Event, FailedAttempt, NewMessage, Store};
use lastgood_core::incident::Change;
use lastgood_core::notify::{Episode, Why};
use lastgood_core::observation::FailureKind;
use lastgood_core::recipient::Address;

use super::{failed, look, minute, open};

const DATABASE: &str = "LASTGOOD_TEST_STORE";
const ROUNDS: u32 = 20;

/// What was answered, so far.
#[derive(Debug, Default)]
struct Answered {
    look: i64,
    message_count: usize,
    attempt_count: u32,
    /// The number of the newest event.
    event: i64,
    /// Up to which event is remembered.
    pushed: i64,
}

/// The other process. Without its variable it is no test.
#[tokio::test]
async fn works_until_it_is_killed() {
    let Some(path) = std::env::var_os(DATABASE).map(PathBuf::from) else { return };
    let store = open(&path).await;
    let newest = store.facts().await.expect("facts").sources.first().map(|source| source.looked_at);
    let first = newest.map_or(0, |at| at.duration_since(minute(0)).as_mins() + 1);
    let mut out = std::io::stdout();
    let mut say =
        |words: String| writeln!(out, "answered {words}").and_then(|()| out.flush()).expect("it is read");
    for minutes in first..first + 10_000 {
        store.append(&look(minutes, 1_200)).await.expect("it is kept");
        say(format!("look {minutes}"));
        let revision = store.standing(minute(minutes)).await.expect("what stands").revision;
        let incident = failed(&format!("agent{minutes}"), minutes);
        let covers = vec![Cover { episode: Episode::of(&incident), why: Why::First, affected_count: 0 }];
        let (key, content) = (format!("m{minutes}"), vec![0; 100]);
        // Each to another one: of those to one address only the first is due.
        let address = Address { channel: "mail".to_owned(), to: format!("{minutes}@example.org") };
        let messages = vec![NewMessage { key: key.clone(), address, thread: None, content, covers }];
        let (decided_at, changes) = (minute(minutes), vec![Change::Opened(incident)]);
        let decision = Decision { revision, decided_at, changes, messages, withheld: Vec::new() };
        store.decide(decision).await.expect("it is kept");
        say("message".to_owned());
        let event = Event {
            key: vec![1],
            received_at: minute(minutes),
            kind: "success".to_owned(),
            body: vec![0; 50],
        };
        let number = store.append_event(event).await.expect("it is kept");
        say(format!("event {number}"));
        let message = store.message(key).await.expect("it is read").expect("it is there").message.id;
        let (at, kind, words) = (minute(minutes), FailureKind::Refused, "greylisted".to_owned());
        let attempt = FailedAttempt { at, kind, words, next_try_at: Some(minute(minutes + 5)) };
        store.failed(message, attempt).await.expect("it is kept");
        say("attempt".to_owned());
        store.keep_pushed(number, number.to_string().into_bytes()).await.expect("it is kept");
        say(format!("pushed {number}"));
        if minutes % 3 == 0 {
            store.forget_events(minute(minutes)).await.expect("they go");
        }
        if minutes % 7 == 0 {
            store.checkpoint(minute(minutes)).await.expect("a checkpoint");
        }
    }
}

#[tokio::test]
async fn whatever_was_answered_is_there_after_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let mut random = u64::from(std::process::id());
    println!("seed {random}");
    let mut answered = Answered { look: -1, ..Answered::default() };
    for round in 0..ROUNDS {
        // A step of a linear congruential generator, Knuth's MMIX.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let line_count = 1 + (random >> 33) % 20;
        work_and_kill(&path, line_count, &mut answered);
        let store = open(&path).await;
        let found = store.check().await.expect("it is checked");
        assert_eq!(found, Vec::<String>::new(), "round {round}: {answered:?}");
        let facts = store.facts().await.expect("facts");
        let looked_at = facts.sources.first().map(|source| source.looked_at);
        assert!(looked_at >= Some(minute(answered.look)), "round {round}: {answered:?}, found {looked_at:?}");
        let due = store.due_messages(minute(100_000), 100_000).await.expect("messages");
        let (messages, attempts) = (due.len(), due.iter().map(|message| message.attempt_count).sum::<u32>());
        assert!(messages >= answered.message_count, "round {round}: {answered:?}, found {messages}");
        assert!(attempts >= answered.attempt_count, "round {round}: {answered:?}, found {attempts}");
        let events = store.events(0, 100_000).await.expect("events");
        let event = events.last().map_or(0, |(number, _)| *number);
        assert!(event >= answered.event, "round {round}: {answered:?}, found {event}");
        let (pushed, content) = store.pushed().await.expect("it is read").unwrap_or((0, b"0".to_vec()));
        assert!(pushed >= answered.pushed, "round {round}: {answered:?}, found {pushed}");
        assert_eq!(content, pushed.to_string().into_bytes(), "round {round}: {answered:?}");
        let incidents = store.standing(minute(0)).await.expect("what stands").known.len();
        assert_eq!(
            incidents, messages,
            "round {round}: an incident without its message, or the other way round"
        );
        // At most the one that was under way when it was killed is there beyond what was answered.
        (answered.message_count, answered.attempt_count) = (messages, attempts);
        (answered.event, answered.pushed) = (event, pushed);
        // Every second time it is left to end while the next one works.
        if round % 2 == 0 {
            store.close().await.expect("it is closed");
        }
    }
}

fn work_and_kill(path: &Path, line_count: u64, answered: &mut Answered) {
    let program = std::env::current_exe().expect("this test");
    let mut command = Command::new(program);
    command.args(["--exact", "store::kill::works_until_it_is_killed", "--nocapture", "--test-threads=1"]);
    let mut child = command.env(DATABASE, path).stdout(Stdio::piped()).spawn().expect("it starts");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut count = 0;
    for line in lines {
        let line = line.expect("text");
        let Some((_, words)) = line.split_once("answered ") else { continue };
        let (what, number) = words.split_once(' ').unwrap_or((words, "0"));
        let number = number.parse().expect("a number");
        match what {
            "look" => answered.look = number,
            "message" => answered.message_count += 1,
            "event" => answered.event = number,
            "attempt" => answered.attempt_count += 1,
            _ => answered.pushed = number,
        }
        count += 1;
        if count == line_count {
            child.kill().expect("it is killed");
        }
    }
    child.wait().expect("it has ended");
    assert!(count >= line_count, "it ended by itself after {count} answers");
}
