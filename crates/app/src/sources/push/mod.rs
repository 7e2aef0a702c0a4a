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
use super::{Entry, OpenError, SourceConfig};
use crate::secret::Secret;

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

/// Makes sure that no two sources push with one token, as far as their tokens can be read: all looks would be taken for
/// those of one of them, and the other's would be missed.
pub fn check_tokens(sources: &[SourceConfig]) -> Result<(), OpenError> {
    let mut known: Vec<(&SourceConfig, Secret)> = Vec::new();
    for source in sources.iter().filter(|source| source.entry.kind.id == KIND.id) {
        let Some(Ok(token)) = source.secret.as_ref().map(crate::secret::SecretFrom::read) else { continue };
        if let Some((first, _)) = known.iter().find(|(_, other)| *other == token) {
            let same = OpenError::SameToken { first: first.id.clone(), second: source.id.clone() };
            return Err(same.at(source.written_at.clone()));
        }
        known.push((source, token));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use lastgood_core::id::SourceId;

    use super::*;
    use crate::secret::SecretFrom;

    #[test]
    fn no_two_sources_push_with_one_token_and_the_token_is_not_told() {
        let source = |id: &str, token: &str| SourceConfig {
            secret: Some(SecretFrom::Given(Secret::new(token))),
            written_at: Some(format!("{id}.toml:7")),
            ..SourceConfig::new(SourceId::new(id).unwrap(), &ENTRY, String::new(), ENTRY.deadline)
        };
        assert!(check_tokens(&[source("a", "hunter2"), source("b", "hunter3")]).is_ok());
        let error =
            check_tokens(&[source("a", "hunter2"), source("b", "x"), source("c", "hunter2")]).unwrap_err();
        assert_eq!(
            crate::causes::said(&error),
            "c.toml:7: the sources a and c push with the same token; give each its own"
        );
    }
}
