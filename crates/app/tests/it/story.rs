//! Does the whole pipeline keep its promises whatever a source does? In process, with sources made up here.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use lastgood::config::Config;
use lastgood::exit::Exit;
use lastgood::ldap::{LdapConfig, LdapDirectory, Tls};
use lastgood::pipeline::{Seen, see};
use lastgood::report;
use lastgood::secret::{Secret, SecretFrom};
use lastgood::sources::{self, Entry, Keep, OpenError, RawError, Source, SourceConfig};
use lastgood_core::checks::visibility;
use lastgood_core::id::{Name, SourceId};
use lastgood_core::judge::judge;
use lastgood_core::kind::SourceKind;
use lastgood_core::observation::{Collection, Extent, Failure, FailureKind, Place};
use lastgood_core::testing::{APPLIANCE, FleetBuilder, appliance};
use lastgood_core::verdict::Outcome;
use lastgood_simulator::ClosedPort;

const AT: &str = "2026-03-02T12:00:00Z";

/// How long a look at a made-up source that hangs may take; the pipeline gives it up five seconds later.
const DEADLINE: Duration = Duration::from_millis(100);

/// How long any other may take: what it never needs, on a machine that is busy.
const AMPLE: Duration = Duration::from_mins(2);

/// What the pipeline may take for a source that hangs, on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(5);

static MADE_UP: Entry = Entry {
    kind: &SourceKind { id: "made-up", kinds: &[&APPLIANCE] },
    location: "what it does",
    about: "a source that does what its location says",
    example: "made-up:fine",
    keys: &[],
    pushes: false,
    deadline: DEADLINE,
    secret_variable: None,
    open,
};

fn open(config: SourceConfig) -> Result<Box<dyn Source>, OpenError> {
    match config.location.as_str() {
        "cannot be opened" => Err(OpenError::Missing { source_id: config.id, what: "a key".to_owned() }),
        _ => Ok(Box::new(MadeUp { id: config.id, does: config.location })),
    }
}

/// A source that does what it is told.
struct MadeUp {
    id: SourceId,
    does: String,
}

impl MadeUp {
    fn fine(&self, at: Timestamp) -> Collection {
        let mut repository = appliance("R1", at);
        repository.name = Name::new(format!("seen at {at}"));
        let builder = FleetBuilder::new(self.id.as_str(), at).repository(repository);
        Collection { kind: MADE_UP.kind, ..builder.collection() }
    }

    fn failure(&self, at: Timestamp) -> Collection {
        let reason = "the cable was cut; mend it".to_owned();
        let failure = Failure { place: Place::source(), kind: FailureKind::Unreachable, reason };
        Collection::failed(self.id.clone(), MADE_UP.kind, at, failure)
    }
}

impl Source for MadeUp {
    fn look(&self, at: Timestamp, _keep: Keep) -> BoxFuture<'_, Collection> {
        async move {
            match self.does.as_str() {
                "is fine" => self.fine(at),
                "is fine and slow" => {
                    tokio::time::sleep(DEADLINE).await;
                    self.fine(at)
                }
                "fails" => self.failure(at),
                "panics" => panic!("a made-up panic"),
                "hangs" => std::future::pending().await,
                "hangs and holds its thread" => loop {
                    std::thread::park();
                },
                other => unreachable!("nobody told it how to {other}"),
            }
        }
        .boxed()
    }

    fn raw<'a>(&'a self, _out: &'a mut (dyn Write + Send)) -> BoxFuture<'a, Result<(), RawError>> {
        async { Ok(()) }.boxed()
    }
}

fn made_up(name: &str, does: &str) -> SourceConfig {
    let deadline = if does.starts_with("hangs") { DEADLINE } else { AMPLE };
    SourceConfig::new(SourceId::new(name).expect("a name"), &MADE_UP, does.to_owned(), deadline)
}

fn instant() -> Timestamp {
    AT.parse().expect("an instant")
}

/// Looks at sources as the program does: several threads, and none of them is waited for in the end.
fn see_all(sources: Vec<SourceConfig>, at: Option<Timestamp>) -> Result<Seen, OpenError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime");
    let config = Config { sources, ..Config::default() };
    let seen =
        runtime.block_on(async { tokio::time::timeout(PATIENCE, see(config, at, Keep::Judged)).await });
    runtime.shutdown_background();
    seen.expect("the pipeline waits for nobody")
}

fn look_at(sources: &[(&str, &str)]) -> Seen {
    let sources = sources.iter().map(|(name, does)| made_up(name, does)).collect();
    see_all(sources, Some(instant())).expect("every source opens")
}

/// The name of each source, how much was seen of it and what its visibility is, in the order of the report.
fn sources_of(seen: &Seen) -> Vec<(String, Extent, Outcome)> {
    let judgement = judge(&seen.facts, &seen.expectations, seen.now);
    let sources = seen.facts.sources.iter().map(|source| {
        let (_, verdicts) = judgement
            .subjects()
            .find(|(subject, _)| subject.path() == source.id.as_str())
            .expect("every source is judged");
        let verdict =
            verdicts.iter().find(|verdict| verdict.check == visibility::ID).expect("every source is judged");
        (source.id.as_str().to_owned(), source.look, verdict.outcome)
    });
    sources.collect()
}

fn exit_of(seen: &Seen) -> Exit {
    report::exit(judge(&seen.facts, &seen.expectations, seen.now).worst(), &seen.facts)
}

#[test]
fn a_source_that_is_fine_is_all_ok() {
    let seen = look_at(&[("one", "is fine")]);
    assert_eq!(sources_of(&seen), [("one".to_owned(), Extent::Complete, Outcome::Ok)]);
    assert_eq!(exit_of(&seen), Exit::AllOk);
}

#[test]
fn a_source_that_panics_is_a_failed_look_and_no_end_of_the_program() {
    let seen = look_at(&[("bomb", "panics"), ("other", "is fine")]);
    assert_eq!(
        sources_of(&seen),
        [
            ("bomb".to_owned(), Extent::Failed, Outcome::Unknown),
            ("other".to_owned(), Extent::Complete, Outcome::Ok)
        ]
    );
    assert_eq!(exit_of(&seen), Exit::SomethingUnknown);
    let failure = &seen.facts.sources[0].failures[0];
    assert!(failure.reason.contains("please report it"), "{}", failure.reason);
}

#[test]
fn a_source_that_hangs_is_given_up_after_its_deadline() {
    let seen =
        look_at(&[("sleeper", "hangs"), ("stone", "hangs and holds its thread"), ("quick", "is fine")]);
    assert_eq!(
        sources_of(&seen),
        [
            ("sleeper".to_owned(), Extent::Failed, Outcome::Unknown),
            ("stone".to_owned(), Extent::Failed, Outcome::Unknown),
            ("quick".to_owned(), Extent::Complete, Outcome::Ok)
        ]
    );
    for source in &seen.facts.sources[..2] {
        let failure = &source.failures[0];
        assert_eq!(failure.kind, FailureKind::TimedOut);
        assert!(failure.reason.contains("set a longer one"), "{}", failure.reason);
    }
}

#[test]
fn one_that_fails_does_not_darken_another() {
    let seen = look_at(&[("dark", "fails"), ("bright", "is fine")]);
    assert_eq!(
        sources_of(&seen),
        [
            ("dark".to_owned(), Extent::Failed, Outcome::Unknown),
            ("bright".to_owned(), Extent::Complete, Outcome::Ok)
        ]
    );
    assert_eq!(seen.facts.sources[0].failures[0].reason, "the cable was cut; mend it");
    assert_eq!(exit_of(&seen), Exit::SomethingUnknown);
}

#[test]
fn sources_stand_in_the_order_they_were_given_however_long_each_takes() {
    let names: Vec<String> = (0..20).map(|index| format!("s{}", (index * 7) % 20)).collect();
    let does = |index: usize| if index.is_multiple_of(3) { "is fine and slow" } else { "is fine" };
    let sources = names.iter().enumerate().map(|(index, name)| made_up(name, does(index)));
    let seen = see_all(sources.collect(), Some(instant())).unwrap();
    let found: Vec<&str> = seen.facts.sources.iter().map(|source| source.id.as_str()).collect();
    assert_eq!(found, names);
}

#[test]
fn the_given_instant_stands_for_the_clock_everywhere() {
    let seen = look_at(&[("one", "is fine"), ("bomb", "panics"), ("dark", "fails")]);
    assert_eq!(seen.now, instant());
    assert!(seen.facts.sources.iter().all(|source| source.looked_at == instant()));
    let judgement = judge(&seen.facts, &seen.expectations, seen.now);
    assert!(judgement.subjects().any(|(subject, _)| subject.name() == format!("seen at {AT}")));
}

#[test]
fn without_an_instant_now_is_read_after_the_looks() {
    let seen = see_all(vec![made_up("slow", "is fine and slow")], None).unwrap();
    let looked_at = seen.facts.sources[0].looked_at;
    assert!(looked_at < seen.now, "{looked_at} {}", seen.now);
    assert_eq!(exit_of(&seen), Exit::AllOk);
}

#[test]
fn a_source_that_cannot_be_opened_is_a_mistake_and_nothing_is_looked_at() {
    let sources = vec![made_up("bomb", "panics"), made_up("locked", "cannot be opened")];
    let error = see_all(sources, Some(instant())).err().unwrap();
    assert_eq!(error.to_string(), "locked needs a key");
}

/// The monitor's first duty: each kind of source, killed, is told as blindness, and never as good.
#[test]
fn every_kind_of_source_that_is_killed_is_unknown_and_worth_an_incident() {
    // Another test of this process may have installed it first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let closed = ClosedPort::reserve().unwrap();
    for entry in sources::ALL {
        for location in killed(entry, folder.path(), &closed.url()) {
            let id = SourceId::new(entry.kind.id).unwrap();
            let mut source = SourceConfig::new(id, entry, location.clone(), Duration::from_secs(30));
            source.secret = Some(SecretFrom::Given(Secret::new("0123456789abcdef0123456789abcdef")));
            source.public_key = Some("public".to_owned());
            source.directory = Some(Arc::new(dead_directory(&closed.url())));
            let seen = see_all(vec![source], Some(instant())).unwrap();
            assert_eq!(
                sources_of(&seen),
                [(entry.kind.id.to_owned(), Extent::Failed, Outcome::Unknown)],
                "{location}"
            );
            assert_eq!(exit_of(&seen), Exit::SomethingUnknown, "{location}");
            let failures = &seen.facts.sources[0].failures;
            assert!(!failures.is_empty() && failures.iter().all(|failure| !failure.reason.is_empty()));
        }
    }
}

/// A directory whose server is gone.
fn dead_directory(dead: &str) -> LdapDirectory {
    let server = dead.replace("http://", "ldap://");
    LdapDirectory::new(LdapConfig { tls: Tls::None, ..LdapConfig::new(vec![server], "dc=example,dc=org") })
}

/// Where a source of this kind was, and is no more. A new kind must say here how it dies.
fn killed(entry: &Entry, folder: &Path, dead: &str) -> Vec<String> {
    let gone = folder.join("gone").display().to_string();
    match entry.kind.id {
        "datto-xml" => {
            vec![gone, format!("{dead}/external/api/xml/status/{{key}}"), format!("{dead}/feed.xml")]
        }
        "datto-rest" => vec![format!("{dead}/v1")],
        "restic" | "borg" => vec![gone],
        // The accounts of the first stand in the directory that is not there. Nobody looks for the others: only the daemon
        // hears of them, and notices their silence.
        "stoney" | "ping" | "push" => vec![String::new()],
        other => panic!("say how a source of kind {other} dies"),
    }
}
