//! What does the credential of an entity say is to be looked at, and may it be?
//!
//! Whoever may write to the backend chooses what stands here: it is read as if by an enemy, and nothing of it but the
//! names of keys is repeated in a message. Pure; opens nothing.

use lastgood_core::id::{Escaped, SourceId};
use lastgood_core::observation::cut;
use serde_json::{Map, Value as Json};

use crate::secret::{Secret, SecretFrom};
use crate::sources::{self, Entry, SourceConfig, borg, datto, restic};

/// The keys a credential may have.
const KEYS: [&str; 4] = ["kind", "location", "secret", "public_key"];

/// How many unknown keys are named in one message.
const UNKNOWN_NAMED_MAX: usize = 5;

/// The longest location, in bytes: longer than any path or address that works.
const LOCATION_MAX_BYTES: usize = 4096;

/// A credential that can be opened.
#[derive(Debug)]
pub(super) struct Credential {
    /// What to look at.
    pub(super) source: SourceConfig,
    /// What it holds beside that and means nothing, in words.
    pub(super) remark: Option<String>,
}

/// Why a credential cannot be opened; repeats nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CredentialError {
    #[error("the details of the credential must be an object with kind, location and secret")]
    NoObject,
    #[error("the credential lacks `{0}`; set it in its details")]
    Missing(&'static str),
    #[error("`{0}` of the credential must be a text that is not empty")]
    NoText(&'static str),
    #[error("`kind` of the credential is none we know; write one of {0}")]
    Kind(String),
    #[error("`location` of the credential is refused: {0}")]
    Location(&'static str),
}

/// Reads the details of a credential; `id` is what its source is called.
pub(super) fn read(details: &Json, id: SourceId) -> Result<Credential, CredentialError> {
    let details = details.as_object().ok_or(CredentialError::NoObject)?;
    let kind = text(details, "kind")?.ok_or(CredentialError::Missing("kind"))?;
    let entry = sources::find(kind).ok_or_else(|| {
        let known: Vec<_> = sources::ALL.iter().map(|entry| entry.kind.id).collect();
        CredentialError::Kind(known.join(", "))
    })?;
    let location = text(details, "location")?.ok_or(CredentialError::Missing("location"))?;
    check_location(location).map_err(CredentialError::Location)?;
    let secret = text(details, "secret")?;
    let public_key = text(details, "public_key")?;
    let (public_key, secret) = keys(entry, location, public_key, secret)?;
    let source = SourceConfig {
        secret: secret.map(|secret| SecretFrom::Given(Secret::new(secret))),
        public_key: public_key.map(str::to_owned),
        ..SourceConfig::new(id, entry, location.to_owned(), entry.deadline)
    };
    Ok(Credential { source, remark: remark(details) })
}

fn text<'a>(details: &'a Map<String, Json>, key: &'static str) -> Result<Option<&'a str>, CredentialError> {
    match details.get(key) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) if !text.trim().is_empty() => Ok(Some(text.trim())),
        Some(_) => Err(CredentialError::NoText(key)),
    }
}

/// Returns the public key and the secret, such that nothing is left to be taken from the environment of the bot: what
/// stands there is not for whatever location a backend names.
fn keys<'a>(
    entry: &'static Entry,
    location: &str,
    public_key: Option<&'a str>,
    secret: Option<&'a str>,
) -> Result<(Option<&'a str>, Option<&'a str>), CredentialError> {
    if is(entry, &datto::rest::ENTRY) {
        let secret = secret.ok_or(CredentialError::Missing("secret"))?;
        let pair = match public_key {
            Some(public) => Some((public, secret)),
            None => secret.split_once(':'),
        };
        let (public, secret) = pair.ok_or(CredentialError::Missing("public_key"))?;
        return Ok((Some(public), Some(secret)));
    }
    let is_needed = is(entry, &restic::ENTRY) || is(entry, &datto::xml::ENTRY) && location.contains("{key}");
    if is_needed && secret.is_none() {
        return Err(CredentialError::Missing("secret"));
    }
    // A borg repository may have no passphrase; that of the environment is not tried.
    let unset = is(entry, &borg::ENTRY).then_some("");
    Ok((public_key, secret.or(unset)))
}

/// True if both are the same kind of source.
pub(super) fn is(entry: &'static Entry, other: &'static Entry) -> bool {
    std::ptr::eq(entry, other)
}

/// Refuses what a program could take for an option, or a terminal for a command.
fn check_location(location: &str) -> Result<(), &'static str> {
    if location.len() > LOCATION_MAX_BYTES {
        return Err("it is longer than 4096 bytes");
    }
    if location.chars().any(char::is_control) {
        return Err("it holds a control character");
    }
    if location.starts_with('-') {
        return Err("it begins with `-`, which a program takes for an option");
    }
    // Users, hosts and paths stand behind these in every way restic, borg and ssh write locations.
    if ["://-", "@-", ":-"].iter().any(|risk| location.contains(risk)) {
        return Err("a user, host or path in it begins with `-`, which a program takes for an option");
    }
    Ok(())
}

/// Names the keys that mean nothing.
fn remark(details: &Map<String, Json>) -> Option<String> {
    let unknown: Vec<&String> = details.keys().filter(|key| !KEYS.contains(&key.as_str())).collect();
    if unknown.is_empty() {
        return None;
    }
    let named = unknown.iter().take(UNKNOWN_NAMED_MAX).map(|key| format!("`{}`", Escaped(&cut(key, 40))));
    let mut named = named.collect::<Vec<_>>().join(", ");
    if unknown.len() > UNKNOWN_NAMED_MAX {
        named = format!("{named} and {} more", unknown.len() - UNKNOWN_NAMED_MAX);
    }
    Some(format!("its credential holds {named}, which means nothing; known are {}", KEYS.join(", ")))
}

/// Says which looks share a server, so that a dead one holds up no others: the host of a location, else all of it.
pub(super) fn group(source: &SourceConfig) -> String {
    let kind = source.entry.kind.id;
    let location = source.location.as_str();
    let behind_scheme = location.split_once("://").map(|(_, rest)| rest);
    let behind_kind = location.strip_prefix("sftp:").unwrap_or(location);
    let before_path = |text: &str| text.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
    let authority = match behind_scheme {
        Some(rest) => before_path(rest),
        // `user@host:path`, as ssh and scp write it.
        None => match behind_kind.split_once(':') {
            Some((host, _)) if !host.contains('/') && !host.is_empty() => host.to_owned(),
            _ => return format!("{kind} {location}"),
        },
    };
    let host = authority.rsplit('@').next().unwrap_or_default();
    if host.is_empty() { format!("{kind} {location}") } else { host.to_ascii_lowercase() }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn read_json(details: &Json) -> Result<Credential, CredentialError> {
        read(details, SourceId::new("entity-1-2").expect("a name"))
    }

    #[rstest]
    #[case::xml(json!({"kind": "datto-xml", "location": "https://p/{key}", "secret": "s"}))]
    #[case::a_document(json!({"kind": "datto-xml", "location": "/srv/status.xml"}))]
    #[case::rest(json!({"kind": "datto-rest", "location": "https://p/v1", "public_key": "p", "secret": "s"}))]
    #[case::restic(json!({"kind": "restic", "location": "sftp:u@h:/srv/a-b", "secret": "s", "public_key": null}))]
    #[case::borg(json!({"kind": "borg", "location": "ssh://u@h/./a-b", "secret": "s"}))]
    fn what_is_complete_is_taken(#[case] details: Json) {
        let credential = read_json(&details).expect("a complete credential");
        assert_eq!(credential.remark, None);
        assert_eq!(credential.source.entry.kind.id, details["kind"]);
        assert_eq!(credential.source.location, details["location"]);
        assert!(!format!("{credential:?}").contains("\"s\""), "{credential:?}");
    }

    #[test]
    fn a_pair_of_keys_may_stand_in_one_text() {
        let details = json!({"kind": "datto-rest", "location": "https://p/v1", "secret": "pub:se:cret"});
        let source = read_json(&details).expect("a complete credential").source;
        assert_eq!(source.public_key.as_deref(), Some("pub"));
        assert_eq!(source.secret, Some(SecretFrom::Given(Secret::new("se:cret"))));
    }

    #[test]
    fn a_borg_repository_without_a_passphrase_never_gets_that_of_the_bot() {
        let source = read_json(&json!({"kind": "borg", "location": "/srv/b"})).expect("complete").source;
        assert_eq!(source.secret, Some(SecretFrom::Given(Secret::new(""))));
    }

    #[rstest]
    #[case::nothing(json!(null), "an object")]
    #[case::a_text(json!("restic"), "an object")]
    #[case::empty(json!({}), "lacks `kind`")]
    #[case::no_location(json!({"kind": "restic", "secret": "s"}), "lacks `location`")]
    #[case::no_secret(json!({"kind": "restic", "location": "/srv/r"}), "lacks `secret`")]
    #[case::no_key(json!({"kind": "datto-xml", "location": "https://p/{key}"}), "lacks `secret`")]
    #[case::one_key(json!({"kind": "datto-rest", "location": "https://p", "secret": "s"}), "lacks `public_key`")]
    #[case::an_unknown_kind(json!({"kind": "hunter2", "location": "x"}), "one of datto-xml, datto-rest, restic, borg")]
    #[case::a_number(json!({"kind": "restic", "location": 7, "secret": "s"}), "`location` of the credential must")]
    #[case::an_empty_secret(json!({"kind": "restic", "location": "/r", "secret": " "}), "`secret` of the credential must")]
    fn what_is_incomplete_is_told_and_not_repeated(#[case] details: Json, #[case] words: &str) {
        let error = read_json(&details).expect_err("an incomplete credential").to_string();
        assert!(error.contains(words), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[rstest]
    #[case("-oProxyCommand=x")]
    #[case("sftp:-oProxyCommand=x:/srv")]
    #[case("sftp:user@-oProxyCommand=x:/srv")]
    #[case("ssh://-oProxyCommand=x/srv")]
    #[case("ssh://user@-oProxyCommand=x/srv")]
    #[case("ssh://user:-x@host/srv")]
    #[case("rclone:-x")]
    #[case("user@host:-x")]
    #[case("/srv/a\nb")]
    #[case("/srv/\u{1b}[2J")]
    #[case("/srv/\u{0}")]
    #[case(&"a".repeat(4097))]
    fn a_location_that_could_be_an_option_or_a_command_is_refused(#[case] location: &str) {
        for kind in ["datto-xml", "datto-rest", "restic", "borg"] {
            let details = json!({"kind": kind, "location": location, "secret": "a:b"});
            assert!(matches!(read_json(&details), Err(CredentialError::Location(_))), "{kind} {location}");
        }
    }

    #[test]
    fn unknown_keys_are_told_and_bounded() {
        let mut details = json!({"kind": "restic", "location": "/r", "secret": "s", "sercet\n": "hunter2"});
        let remark = read_json(&details).expect("usable all the same").remark.expect("a remark");
        assert!(remark.contains("`sercet\\n`") && !remark.contains("hunter2"), "{remark}");
        for number in 0..50 {
            details[format!("k{number}{}", "x".repeat(500))] = json!(1);
        }
        let remark = read_json(&details).expect("usable all the same").remark.expect("a remark");
        assert!(remark.ends_with("known are kind, location, secret, public_key") && remark.len() < 500);
        assert!(remark.contains("and 46 more"), "{remark}");
    }

    #[rstest]
    #[case("datto-xml", "https://Portal.example:8443/x/{key}", "portal.example:8443")]
    #[case("restic", "rest:https://u:pw@h:8000/r", "h:8000")]
    #[case("restic", "sftp:u@h:/srv/r", "h")]
    #[case("restic", "/srv/r", "restic /srv/r")]
    #[case("restic", "s3:s3.example.com/bucket", "s3")]
    #[case("borg", "ssh://u@h:22/./r", "h:22")]
    #[case("borg", "u@h:r", "h")]
    #[case("borg", "/srv/a:b", "borg /srv/a:b")]
    #[case("borg", "./r", "borg ./r")]
    fn looks_at_one_server_stand_in_one_group(
        #[case] kind: &str,
        #[case] location: &str,
        #[case] wanted: &str,
    ) {
        let entry = sources::find(kind).expect("a kind");
        let id = SourceId::new("a").expect("a name");
        let source = SourceConfig::new(id, entry, location.to_owned(), entry.deadline);
        assert_eq!(group(&source), wanted);
    }
}
