//! What is a repository called, and which part of its location is secret?
//!
//! Reads locations as restic and borg write them: paths, `sftp:user@host:/path`, `rest:https://user:password@host/`.

use std::ops::Range;

/// Returns the last part of the location's path, without user or password: what tells one repository from another on
/// the same storage, and stays what it is when the storage is mounted elsewhere.
pub(in crate::sources) fn repository_key(location: &str) -> String {
    let mut plain = location.to_owned();
    if let Some(user) = user_of(location) {
        plain.replace_range(user.start..=user.end, "");
    }
    let path = plain.trim_end_matches('/');
    let last = match path.rsplit_once('/') {
        Some((_, last)) => last,
        None => path.rsplit_once(':').map_or(path, |(_, last)| last),
    };
    if last.is_empty() { plain } else { last.to_owned() }
}

/// Returns the location with its password replaced.
pub(in crate::sources) fn shown_location(location: &str) -> String {
    let mut shown = location.to_owned();
    if let Some(secret) = secret_range(location) {
        shown.replace_range(secret, "[redacted]");
    }
    shown
}

/// Returns the password that stands in a location.
pub(super) fn secret_of_location(location: &str) -> Option<String> {
    secret_range(location).map(|range| location[range].to_owned())
}

/// Where the password stands: behind the user's colon; for HTTP a lone user is a token and as secret.
fn secret_range(location: &str) -> Option<Range<usize>> {
    let user = user_of(location)?;
    match location[user.clone()].find(':') {
        Some(colon) => Some(user.start + colon + 1..user.end),
        None => location[..user.start].contains("http").then_some(user),
    }
    .filter(|secret| !secret.is_empty())
}

/// Where `user` or `user:password` stands in a URL, the `@` not included.
///
/// A password may hold a `/` though it must not: then the authority seems to end inside of it, behind a colon that no
/// port follows.
fn user_of(location: &str) -> Option<Range<usize>> {
    let start = location.find("://")? + "://".len();
    let rest = &location[start..];
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    if let Some(end) = authority.rfind('@') {
        return Some(start..start + end);
    }
    let behind_colon = authority.split_once(':').map_or("", |(_, behind)| behind);
    let is_port = behind_colon.bytes().all(|byte| byte.is_ascii_digit());
    if is_port {
        return None;
    }
    rest.rfind('@').map(|end| start..start + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_called_by_the_last_part_of_its_path() {
        for (location, key) in [
            ("/srv/restic/web1", "web1"),
            ("/srv/restic/web1//", "web1"),
            ("web1", "web1"),
            ("local:web1", "web1"),
            ("/", "/"),
            ("/srv/a b\nü", "a b\nü"),
            ("sftp:u@h:/srv/web1", "web1"),
            ("sftp:u@h:web1", "web1"),
            ("sftp://u@h:22//srv/web1", "web1"),
            ("ssh://u:pw@h/./web1", "web1"),
            ("rest:https://u:pw@h:8000/web1/", "web1"),
            ("rest:https://u:pw@h:8000/", "h:8000"),
            ("rest:https://u:p/w@h", "h"),
            ("rest:https://token@h", "h"),
            ("s3:s3.amazonaws.com/bucket", "bucket"),
            ("b2:bucket:web1", "web1"),
            ("/srv/user@host:x/web1", "web1"),
        ] {
            assert_eq!(repository_key(location), key, "of {location}");
        }
    }

    #[test]
    fn a_password_in_a_location_is_never_shown() {
        for (location, shown) in [
            ("/srv/web1", "/srv/web1"),
            ("/srv/http/a:b@c", "/srv/http/a:b@c"),
            ("ssh://borg@h:22/./web1", "ssh://borg@h:22/./web1"),
            ("ssh://borg:geheim@h/./web1", "ssh://borg:[redacted]@h/./web1"),
            ("rest:https://u:geheim@h/x", "rest:https://u:[redacted]@h/x"),
            ("rest:https://u:ge@heim@h/x", "rest:https://u:[redacted]@h/x"),
            ("rest:https://u:ge/heim@h/x", "rest:https://u:[redacted]@h/x"),
            ("rest:https://u:@h/x", "rest:https://u:@h/x"),
            ("rest:https://geheim@h/x", "rest:https://[redacted]@h/x"),
            ("rest:https://h:8000/a@b", "rest:https://h:8000/a@b"),
        ] {
            assert_eq!(shown_location(location), shown);
            let secret = secret_of_location(location);
            assert_eq!(secret.is_some(), location != shown, "{location}");
        }
    }
}
