//! Who pushes what, when is it expected, and under which keys?
//!
//! Valid values; where they are configured stands elsewhere.

use lastgood_core::id::{Name, SourceId};
use lastgood_core::kind::{Kind, SourceKind};
use lastgood_core::schedule::Schedule;
use lastgood_core::time::Seconds;

use super::key::KeyHash;

/// A source that tells us of its own accord.
#[derive(Clone, Debug)]
pub enum PushSource {
    /// Its jobs ping.
    Pings(PingSource),
    /// It pushes whole looks.
    Looks(LookSource),
}

/// A source that pushes whole looks.
#[derive(Clone, Debug)]
pub struct LookSource {
    /// Its name.
    pub id: SourceId,
    /// As what everything in it is listed.
    pub kinds: Kinds,
    /// What its token is known by.
    pub token: KeyHash,
}

/// A source whose jobs ping.
#[derive(Clone, Debug)]
pub struct PingSource {
    /// Its name.
    pub id: SourceId,
    /// As what everything in it is listed.
    pub kinds: Kinds,
    /// What its ping key is known by, which with a slug names a ping; `None`: only keys of pings do.
    pub key_hash: Option<KeyHash>,
    /// Its jobs, in the order in which they are listed; names are unique.
    pub pings: Vec<PingExpected>,
}

/// As what a source and everything in it is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds {
    /// The source.
    pub source: &'static SourceKind,
    /// Its repositories.
    pub repository: &'static Kind,
    /// Its assets.
    pub asset: &'static Kind,
}

/// A job that pings.
#[derive(Clone, Debug)]
pub struct PingExpected {
    /// The key of its asset.
    pub name: Name,
    /// What names it behind the ping key of its source.
    pub slug: String,
    /// What its own key is known by; `None`: only its slug names it.
    pub key_hash: Option<KeyHash>,
    /// When it is to run.
    pub plan: Plan,
    /// How late a run may be.
    pub grace: Seconds,
    /// The key of the repository it is listed in.
    pub repository: Name,
}

/// When a job that pings is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// At planned instants.
    Cron {
        /// Which.
        schedule: Schedule,
        /// The same in words: a change of them is a change of the plan.
        text: String,
    },
    /// So long after the last run at the latest; above 0.
    Period(Seconds),
}

impl Plan {
    /// Says it in words: two plans are the same if their words are.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Cron { text, .. } => text.clone(),
            Self::Period(period) => format!("every {}", period.0),
        }
    }
}
