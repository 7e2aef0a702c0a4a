//! What is a source that pushes whole looks?
//!
//! Its kinds and how it is configured. Looking at it once sees nothing: only the daemon hears of it. How its looks are
//! read stands in `push`.

use std::time::Duration;

use lastgood_core::checks::{
    behind_local, behind_offsite, never_used, quota, stuck, unsuccessful, visibility,
};
use lastgood_core::kind::{Kind, SourceKind, SubjectType};

use super::unheard::Unheard;
use super::{Entry, OpenError};

/// A repository of which somebody tells.
pub static REPOSITORY: Kind = Kind {
    id: "pushed-repository",
    subject: SubjectType::Repository,
    checks: &[quota::ID, never_used::ID, visibility::ID],
    defaults: &[],
};

/// An asset of which somebody tells.
pub static ASSET: Kind = Kind {
    id: "pushed-asset",
    subject: SubjectType::Asset,
    checks: &[unsuccessful::ID, behind_local::ID, behind_offsite::ID, never_used::ID, stuck::ID],
    defaults: &[],
};

/// The kind of source.
pub static KIND: SourceKind = SourceKind { id: "push", kinds: &[&REPOSITORY, &ASSET] };

/// How it is configured and opened.
pub static ENTRY: Entry = Entry {
    kind: &KIND,
    location: "",
    about: "whatever a script knows, pushed as JSON with a token",
    example: "push",
    keys: &["interval", "secret_file", "secret_env"],
    pushes: true,
    deadline: Duration::from_mins(1),
    secret_variable: None,
    open: |config| {
        let Some(secret) = &config.secret else {
            let what = "a token: name the file that holds it with secret_file".to_owned();
            return Err(OpenError::Missing { source_id: config.id, what });
        };
        secret.read()?;
        Ok(Box::new(Unheard::new(config)))
    },
};
