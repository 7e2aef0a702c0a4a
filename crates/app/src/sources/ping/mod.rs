//! What is a source whose jobs ping?
//!
//! Its kinds and how it is configured. Looking at it once sees nothing: only the daemon hears of it. What is made of
//! pings stands in `push`.

use std::time::Duration;

use lastgood_core::checks::{never_used, schedule, stuck, unsuccessful, visibility};
use lastgood_core::kind::{Kind, SourceKind, SubjectType};

use super::Entry;
use super::unheard::Unheard;

/// Jobs that are listed together.
pub static GROUP: Kind =
    Kind { id: "ping-group", subject: SubjectType::Repository, checks: &[visibility::ID], defaults: &[] };

/// A job that pings.
pub static JOB: Kind = Kind {
    id: "ping",
    subject: SubjectType::Asset,
    checks: &[unsuccessful::ID, schedule::ID, stuck::ID, never_used::ID],
    defaults: &[],
};

/// The kind of source.
pub static KIND: SourceKind = SourceKind { id: "ping", kinds: &[&GROUP, &JOB] };

/// How it is configured and opened.
pub static ENTRY: Entry = Entry {
    kind: &KIND,
    location: "",
    about: "jobs that tell of their runs, in the words of the Healthchecks ping API",
    example: "ping",
    keys: &["ping_key_hash", "ping"],
    pushes: true,
    deadline: Duration::from_mins(1),
    secret_variable: None,
    open: |config| Ok(Box::new(Unheard::new(config))),
};
