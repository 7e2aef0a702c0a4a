//! Which database do the tests of commands beside a daemon ask?

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use lastgood::sources;
use lastgood::store::sqlite::{Options, Sqlite};
use lastgood::store::{Cover, Decision, FailedAttempt, NewMessage, Store};
use lastgood_core::checks::{behind_local, unsuccessful};
use lastgood_core::id::{CheckId, Name, SourceId, SubjectId};
use lastgood_core::incident::{Change, Closing, Incident, Matter};
use lastgood_core::notify::{Episode, Why, Withheld};
use lastgood_core::observation::{Collection, Failure, FailureKind, Place};
use lastgood_core::recipient::Address;
use lastgood_core::time::Seconds;
use lastgood_core::verdict::Reason;

use crate::support::binary::{Ran, run};

/// A name that would clear a screen and turn its text.
pub(super) const HOSTILE: &str = "db\u{1b}[2J\u{202e}\nx";

/// A daemon's database in a folder of its own.
pub(super) struct Remembered {
    _folder: tempfile::TempDir,
    pub(super) path: PathBuf,
    pub(super) store: Sqlite,
}

impl Remembered {
    /// One that is open, as by a daemon, and holds a look at the source `vault` that failed.
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("db");
        let find_kind = |word: &str| sources::find(word).map(|entry| entry.kind);
        let store = Sqlite::open(Options::new(&path, find_kind)).await.expect("it is opened");
        let kind = find_kind("restic").expect("there is one");
        let reason = "nobody answered".to_owned();
        let failure = Failure { place: Place::source(), kind: FailureKind::Unreachable, reason };
        let look = Collection::failed(vault(), kind, noon(), failure);
        store.append(&look).await.expect("it is kept");
        Self { _folder: folder, path, store }
    }

    /// Decides at this minute.
    pub(super) async fn decide(&self, minutes: i64, changes: Vec<Change>, told: Vec<Cover>) {
        let standing = self.store.standing(minute(minutes)).await.expect("what stands");
        let message = NewMessage {
            key: format!("m{minutes}"),
            address: ada(),
            thread: None,
            content: b"told".to_vec(),
            covers: told,
        };
        let messages = if message.covers.is_empty() { Vec::new() } else { vec![message] };
        let decision = Decision {
            revision: standing.revision,
            decided_at: minute(minutes),
            changes,
            messages,
            withheld: Vec::new(),
        };
        self.store.decide(decision).await.expect("it is kept");
    }

    /// Four incidents: 1 open about a hostile name, told in vain and then delivered; 2 suspected; 3 closed; 4 open and
    /// withheld.
    pub(super) async fn with_incidents() -> Self {
        let remembered = Self::new().await;
        let one = incident(HOSTILE, unsuccessful::ID);
        let two = Incident { opened_at: None, ..incident("two", behind_local::ID) };
        let three = incident("three", unsuccessful::ID);
        let cover = Cover { episode: Episode::of(&one), why: Why::First, affected_count: 0 };
        let changes =
            vec![Change::Opened(one.clone()), Change::Suspected(two), Change::Opened(three.clone())];
        remembered.decide(1, changes, vec![cover]).await;
        remembered.decide(2, vec![Change::Closed(three, Closing::Left)], Vec::new()).await;
        let four = Incident { noticed_at: minute(3), ..incident("four", unsuccessful::ID) };
        let four = Incident { opened_at: Some(minute(3)), ..four };
        let standing = remembered.store.standing(minute(3)).await.expect("what stands");
        let withheld = vec![(Episode::of(&four), Some(ada()), Withheld::Patience)];
        let decision = Decision {
            revision: standing.revision,
            decided_at: minute(3),
            changes: vec![Change::Opened(four)],
            messages: Vec::new(),
            withheld,
        };
        remembered.store.decide(decision).await.expect("it is kept");
        let message = remembered.store.due_messages(minute(3), 10).await.expect("messages")[0].id;
        let attempt = FailedAttempt {
            at: minute(4),
            kind: FailureKind::Denied,
            words: "535 \u{1b}[1mwrong password".to_owned(),
            next_try_at: Some(minute(9)),
        };
        remembered.store.failed(message, attempt).await.expect("it is kept");
        remembered.store.delivered(message, minute(9), "250 queued".to_owned()).await.expect("it is kept");
        remembered
    }

    /// Runs a command beside the daemon.
    pub(super) fn run(&self, arguments: &[&str]) -> Ran {
        let place = ["--database", self.path.to_str().expect("UTF-8")];
        run(&[arguments, &place].concat())
    }
}

pub(super) fn vault() -> SourceId {
    SourceId::new("vault").expect("a name")
}

pub(super) fn noon() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().expect("an instant")
}

pub(super) fn minute(minutes: i64) -> Timestamp {
    noon() + SignedDuration::from_mins(minutes)
}

pub(super) fn ada() -> Address {
    Address { channel: "mail".to_owned(), to: "ada@example.org".to_owned() }
}

fn incident(asset: &str, check: CheckId) -> Incident {
    let (repository, asset) = (Some(Name::new("repo")), Some(Name::new(asset)));
    let reason = if check == behind_local::ID {
        Reason::TooOld(noon() - SignedDuration::from_hours(30), Seconds::hours(24))
    } else {
        Reason::Failed(1, 1, Some(noon()))
    };
    Incident {
        matter: Matter { subject: SubjectId { source: vault(), repository, asset }, check },
        noticed_at: minute(1),
        began_at: None,
        opened_at: Some(minute(1)),
        acknowledged: None,
        looked_at: minute(1),
        bad_looks: 1,
        ok_looks: 0,
        reason,
    }
}
