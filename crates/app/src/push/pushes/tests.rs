//! Pings in whatever order they are answered, across ends and other configurations.

use std::sync::atomic::{AtomicBool, Ordering};

use lastgood_core::kind::{Kind, SourceKind, SubjectType};
use lastgood_core::observation::{LastRun, Stated};
use lastgood_core::time::Seconds;

use super::*;
use crate::push::expected::{Kinds, PingExpected, Plan};
use crate::store::Event;
use crate::store::sqlite::{Options, Sqlite};

static GROUP: Kind = Kind { id: "group", subject: SubjectType::Repository, checks: &[], defaults: &[] };
static JOB: Kind = Kind { id: "job", subject: SubjectType::Asset, checks: &[], defaults: &[] };
static JOBS: SourceKind = SourceKind { id: "jobs", kinds: &[&GROUP, &JOB] };

fn find_kind(_: &str) -> Option<&'static SourceKind> {
    None
}

async fn memory() -> Arc<dyn Store> {
    Arc::new(Sqlite::in_memory(find_kind).await.unwrap())
}

/// Nothing is stated.
const NONE: [Stated<Timestamp>; 0] = [];

fn minute(count: i64) -> Timestamp {
    let first: Timestamp = "2026-11-21T00:00:00Z".parse().unwrap();
    first + SignedDuration::from_mins(count)
}

/// Two jobs with keys of their own, `key-a` and `key-b`; both behind `key-of-all`, too.
fn source(names: &[&str]) -> PingSource {
    let ping = |name: &&str| PingExpected {
        name: Name::new(name),
        slug: (*name).to_owned(),
        key_hash: Some(KeyHash::of(&format!("key-{name}"))),
        plan: Plan::Period(Seconds::days(1)),
        grace: Seconds::hours(1),
        repository: Name::new("pings"),
    };
    PingSource {
        id: SourceId::new("jobs").unwrap(),
        kinds: Kinds { source: &JOBS, repository: &GROUP, asset: &JOB },
        key_hash: Some(KeyHash::of("key-of-all")),
        pings: names.iter().map(ping).collect(),
    }
}

async fn open(store: &Arc<dyn Store>, now: Timestamp) -> Pushes {
    Pushes::open(vec![PushSource::Pings(source(&["a", "b"]))], Arc::clone(store), now).await.unwrap()
}

/// Returns whether the answer changes.
async fn ping(pushes: &Pushes, path: &str, minutes: i64) -> Result<bool, PingError> {
    let asked = pushes.ask(path, None)?;
    pushes.take(asked, Vec::new(), false, minute(minutes)).await
}

/// What is stated of each job: when it was good last. Nothing, if nothing is stated.
async fn stated(pushes: &Pushes, now: Timestamp) -> Vec<Stated<Timestamp>> {
    let collections = pushes.collections(now).await;
    let repositories = collections.into_iter().flat_map(|collection| collection.repositories);
    repositories.flat_map(|repository| repository.assets).map(|asset| asset.last_good).collect()
}

fn good(minutes: i64) -> Stated<Timestamp> {
    Stated::Value(minute(minutes))
}

fn of(a: Stated<Timestamp>, b: Stated<Timestamp>) -> [Stated<Timestamp>; 2] {
    [a, b]
}

#[tokio::test]
async fn a_source_is_stated_when_something_was_heard_of_it_and_now_and_then() {
    let memory = memory().await;
    let pushes = open(&memory, minute(0)).await;
    assert_eq!(stated(&pushes, minute(0)).await, of(Stated::Never, Stated::Never));
    assert_eq!(stated(&pushes, minute(1)).await, NONE);
    ping(&pushes, "key-a", 1).await.unwrap();
    ping(&pushes, "key-of-all/b", 2).await.unwrap();
    assert_eq!(stated(&pushes, minute(2)).await, of(good(1), good(2)));
    assert_eq!(stated(&pushes, minute(6)).await, NONE);
    assert_eq!(stated(&pushes, minute(7)).await, of(good(1), good(2)), "looks are counted");
    assert_eq!(stated(&pushes, minute(6)).await, of(good(1), good(2)), "the clock was set back");
    assert_eq!(stated(&pushes, minute(6)).await, NONE);
    pushes.restate(&SourceId::new("jobs").unwrap());
    assert_eq!(stated(&pushes, minute(6)).await, of(good(1), good(2)), "it could not be kept");
}

#[tokio::test]
async fn an_unknown_key_and_an_unknown_slug_are_the_same() {
    let memory = memory().await;
    let pushes = open(&memory, minute(0)).await;
    for path in
        ["key-c", "key-c/start", "key-of-all/c", "key-of-all", "key-a/b", "", "key-c/256", "key-a/b/256"]
    {
        let error = pushes.ask(path, Some("rid=x")).unwrap_err();
        assert!(matches!(error, PingError::Unknown), "{path}");
        assert_eq!(error.to_string(), "not found");
    }
    assert!(matches!(
        pushes.ask("key-a/256", None).unwrap_err(),
        PingError::Malformed(Malformed::ExitStatus)
    ));
    assert!(matches!(pushes.ask("key-a", Some("rid=x")).unwrap_err(), PingError::Malformed(Malformed::Rid)));
    assert!(matches!(pushes.ask("key-a", Some("at=x")).unwrap_err(), PingError::Malformed(Malformed::At)));
}

#[tokio::test]
async fn what_cannot_be_kept_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let is_failing = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&is_failing);
    let mut options = Options::new(folder.path().join("db"), find_kind);
    options.interrupt = Some(Arc::new(move || asked.load(Ordering::Relaxed)));
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(options).await.unwrap());
    let pushes = open(&store, minute(0)).await;
    is_failing.store(true, Ordering::Relaxed);
    let error = ping(&pushes, "key-a", 1).await.unwrap_err();
    assert!(matches!(error, PingError::NotKept(_)) && !error.to_string().contains("key-a"));
    assert_eq!(stated(&pushes, minute(1)).await, of(Stated::Never, Stated::Never));
    is_failing.store(false, Ordering::Relaxed);
    ping(&pushes, "key-a", 2).await.unwrap();
    assert_eq!(stated(&pushes, minute(2)).await, of(good(2), Stated::Never));
}

#[tokio::test]
async fn everything_is_there_again_after_an_end_whenever_it_was_written_down() {
    for keep_after in [None, Some(1), Some(2), Some(3)] {
        let memory = memory().await;
        let pushes = open(&memory, minute(0)).await;
        for minutes in 1..=3 {
            ping(&pushes, "key-a/fail", minutes).await.unwrap();
            if keep_after == Some(minutes) {
                pushes.keep().await;
            }
        }
        drop(pushes);
        let pushes = open(&memory, minute(9)).await;
        let asset = pushes.collections(minute(9)).await[0].repositories[0].assets[0].clone();
        assert_eq!(asset.last_run, LastRun::Failed { in_row: 3, at: Some(minute(3)) }, "{keep_after:?}");
        assert_eq!(asset.more.created_at, good(0), "{keep_after:?}");
    }
}

#[tokio::test]
async fn what_another_program_wrote_is_found_and_nothing_is_folded_twice() {
    let memory = memory().await;
    let pushes = open(&memory, minute(0)).await;
    let beside = |minutes: i64| {
        let (source, name) = (SourceId::new("jobs").unwrap(), Name::new("b"));
        let (word, body) = (Word::Fail, Vec::new());
        let ping = Ping { source, name, word, rid: None, at: None, body, is_cut: false };
        ping.event(KeyHash([0; 32]), minute(minutes))
    };
    memory.append_event(beside(1)).await.unwrap();
    for minutes in 2..=4 {
        ping(&pushes, "key-a/fail", minutes).await.unwrap();
    }
    let unknown = Event { kind: "later".to_owned(), ..beside(5) };
    for event in [beside(5), unknown, beside(6)] {
        memory.append_event(event).await.unwrap();
    }
    let collections = pushes.collections(minute(6)).await;
    let runs: Vec<_> = collections[0].repositories[0].assets.iter().map(|asset| asset.last_run).collect();
    let failed = |in_row, minutes| LastRun::Failed { in_row, at: Some(minute(minutes)) };
    assert_eq!(runs, [failed(3, 4), failed(3, 6)]);
}

#[test]
fn pings_are_folded_in_the_order_of_their_numbers_whoever_is_answered_first() {
    let mut known = Known::new(0);
    known.expect(vec![PushSource::Pings(source(&["a", "b"]))], HashMap::new(), minute(0));
    let heard = |word| {
        let at = minute(1);
        Some((
            SourceId::new("jobs").unwrap(),
            Name::new("a"),
            Sign { word, rid: None, at, tail: None, is_cut: false, came_at: minute(9) },
        ))
    };
    // All at the same instant: the last one counts.
    known.take(3, heard(Word::Success));
    known.take(2, heard(Word::Fail));
    assert_eq!(known.upto, 0);
    known.take(1, heard(Word::Success));
    assert_eq!((known.upto, known.ahead.len()), (3, 0));
    known.take(5, heard(Word::Fail));
    known.read(vec![(3, heard(Word::Fail)), (4, heard(Word::Success)), (5, heard(Word::Fail))]);
    known.take(4, heard(Word::Success));
    known.take(2, heard(Word::Success));
    assert_eq!((known.upto, known.ahead.len()), (5, 0));
    let mut expected = Heard::new("every 86400", minute(0));
    for word in [Word::Success, Word::Fail, Word::Success, Word::Success, Word::Fail] {
        expected.hear(&heard(word).unwrap().2);
    }
    assert_eq!(*known.sources[0].heard[0], expected);
}

#[test]
fn too_many_that_wait_are_left_to_the_store() {
    let mut known = Known::new(0);
    let heard = || {
        let at = minute(1);
        let sign = Sign { word: Word::Log, rid: None, at, tail: None, is_cut: false, came_at: minute(9) };
        Some((SourceId::new("jobs").unwrap(), Name::new("a"), sign))
    };
    for number in 2..=i64::try_from(AHEAD_MAX).unwrap() + 10 {
        known.take(number, heard());
    }
    assert_eq!((known.ahead.len(), known.upto), (AHEAD_MAX, 0));
    known.take(1, heard());
    assert_eq!(known.upto, i64::try_from(AHEAD_MAX).unwrap() + 1);
}

#[tokio::test]
async fn other_expectations_close_doors_and_keep_what_was_heard() {
    let memory = memory().await;
    let pushes = open(&memory, minute(0)).await;
    ping(&pushes, "key-a", 1).await.unwrap();
    ping(&pushes, "key-b", 1).await.unwrap();
    let asked = pushes.ask("key-b/start", None).unwrap();
    let mut changed = source(&["a", "c"]);
    changed.pings[0].plan = Plan::Period(Seconds::hours(1));
    pushes.reload(vec![PushSource::Pings(changed)], minute(90));
    assert!(pushes.ask("key-b", None).is_err() && pushes.ask("key-of-all/b", None).is_err());
    pushes.take(asked, Vec::new(), false, minute(91)).await.unwrap();
    let collections = pushes.collections(minute(91)).await;
    let assets = &collections[0].repositories[0].assets;
    let names: Vec<_> = assets.iter().map(|asset| asset.name.to_string()).collect();
    assert_eq!((names, collections[0].listing), (vec!["a".to_owned(), "c".to_owned()], Extent::Complete));
    assert_eq!((assets[0].last_good, assets[0].more.created_at), (good(1), good(0)));
    assert_eq!((assets[1].last_good, assets[1].more.created_at), (Stated::Never, good(90)));
    let since = |place: usize| assets[place].more.planned.as_ref().map(|planned| planned.since);
    assert_eq!((since(0), since(1)), (Some(minute(90)), Some(minute(90))));
    pushes.reload(vec![PushSource::Pings(source(&["a", "b"]))], minute(99));
    assert_eq!(stated(&pushes, minute(99)).await, of(good(1), Stated::Never), "what is gone is forgotten");
}

#[tokio::test]
async fn what_is_kept_of_a_newer_version_or_damaged_is_not_overwritten() {
    for (content, word) in
        [("{\"version\":2,\"jobs\":7}", "version 2"), ("{\"version\":1}", "jobs"), ("", "EOF")]
    {
        let memory = memory().await;
        memory.keep_pushed(0, content.into()).await.unwrap();
        let error = Pushes::open(Vec::new(), Arc::clone(&memory), minute(0)).await.err().unwrap();
        assert!(error.to_string().contains(word), "{error}");
        assert_eq!(memory.pushed().await.unwrap(), Some((0, content.into())));
    }
}

#[tokio::test]
async fn a_token_says_who_pushes() {
    let looker = |name: &str| {
        let kinds = Kinds { source: &JOBS, repository: &GROUP, asset: &JOB };
        let token = KeyHash::of(&format!("token-{name}"));
        PushSource::Looks(LookSource { id: SourceId::new(name).unwrap(), kinds, token })
    };
    let pushes = Pushes::open(vec![looker("x"), looker("y")], memory().await, minute(0)).await.unwrap();
    let id = |token: &str| pushes.looker(token).map(|looker| looker.id.to_string());
    assert_eq!((id("token-x"), id("token-y")), (Some("x".to_owned()), Some("y".to_owned())));
    assert_eq!((id("token-z"), id(""), id("token-x ")), (None, None, None));
    pushes.reload(vec![looker("y")], minute(1));
    assert_eq!((id("token-x"), id("token-y")), (None, Some("y".to_owned())));
}

#[tokio::test]
async fn only_what_changes_the_answer_is_told() {
    let memory = memory().await;
    let pushes = open(&memory, minute(0)).await;
    let mut minutes = 0;
    for (path, changes) in [
        ("key-a/start", false),
        ("key-a", false),
        ("key-a/fail", true),
        ("key-b", false),
        ("key-a/start", false),
        ("key-a/log", false),
        ("key-a/7", true),
        ("key-a/0", true),
        ("key-a/0", false),
    ] {
        minutes += 1;
        assert_eq!(ping(&pushes, path, minutes).await.unwrap(), changes, "{path} at {minutes}");
    }
    // What waits for its predecessor is not folded yet: an end may change anything.
    let mut known = pushes.known();
    let upto = known.upto;
    let heard = |word| {
        let sign = Sign { word, rid: None, at: minute(20), tail: None, is_cut: false, came_at: minute(20) };
        Some((SourceId::new("jobs").unwrap(), Name::new("a"), sign))
    };
    assert!(known.take(upto + 3, heard(Word::Fail)));
    assert!(!known.take(upto + 2, heard(Word::Start)));
    assert!(known.take(upto + 1, heard(Word::Success)));
    assert!(known.sources[0].heard[0].is_failing());
}

#[test]
fn what_belongs_to_no_job_is_noted_once_and_not_without_end() {
    let mut known = Known::new(0);
    known.expect(vec![PushSource::Pings(source(&["a"]))], HashMap::new(), minute(0));
    let heard = |source: &str, name: &str| {
        let at = minute(1);
        let sign = Sign { word: Word::Log, rid: None, at, tail: None, is_cut: false, came_at: at };
        Some((SourceId::new(source).unwrap(), Name::new(name), sign))
    };
    let long = "x".repeat(1_000);
    let strange = ["typo\n\u{1b}[31m", long.as_str()];
    known.take(1, heard("jobs", "a"));
    known.read(vec![(2, heard("jobs", strange[0])), (3, heard("job", "a")), (4, heard("jobs", strange[0]))]);
    known.take(5, heard("jobs", strange[1]));
    let noted = known.unplaced.unsaid();
    let texts: Vec<_> = noted.iter().map(|one| (one.source.as_str(), one.name.as_str())).collect();
    let cut = format!("{}…", "x".repeat(100));
    assert_eq!(texts, [("jobs", "typo\\n\\u{1b}[31m"), ("job", "a"), ("jobs", cut.as_str())]);
    known.take(6, heard("job", "a"));
    assert!(known.unplaced.unsaid().is_empty());
    for number in 7..1_000 {
        known.take(number, heard("jobs", &number.to_string()));
    }
    assert_eq!(known.unplaced.unsaid().len() + 3, unplaced::NAMES_MAX);
    known.expect(vec![PushSource::Pings(source(&["a"]))], HashMap::new(), minute(2));
    known.take(1_000, heard("job", "a"));
    assert_eq!(known.unplaced.unsaid().len(), 1, "another configuration is another question");
}
