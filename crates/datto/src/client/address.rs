//! Is an address fit for a key, and what may be shown of it?

use url::{Host, Url};

use super::ClientError;

/// Where the key stands in the address of a feed.
const PLACEHOLDER: &str = "{key}";

/// Puts the key into the address of a feed, escaped.
pub(super) fn feed(template: &str, key: &str) -> Result<Url, ClientError> {
    let Some((before, _)) = template.split_once(PLACEHOLDER) else {
        return Err(ClientError::Address(
            "the address of the feed does not say where the key goes; write {key} in its place, and the key elsewhere",
        ));
    };
    let in_path = before.split_once("://").is_some_and(|(_, rest)| rest.contains(['/', '?']));
    if !in_path {
        return Err(ClientError::Address("the key may stand in the path or the query of an address only"));
    }
    checked(&template.trim().replace(PLACEHOLDER, &escape(key)))
}

/// Reads the address of a feed that stands as it is, without a placeholder.
pub(super) fn whole(address: &str) -> Result<Url, ClientError> {
    checked(address.trim())
}

/// Finds what is most likely a key in the address of a feed: the value of `apiKey`, and the last part of the path.
pub(super) fn likely_keys(url: &Url) -> Vec<String> {
    let in_query = url.query_pairs().filter(|(name, _)| name.eq_ignore_ascii_case("apiKey"));
    let mut keys: Vec<String> = in_query.map(|(_, value)| value.into_owned()).collect();
    let last = url.path_segments().and_then(|mut segments| segments.next_back());
    keys.extend(last.filter(|_| url.path().contains("/xml/status/")).map(str::to_owned));
    keys.retain(|key| !key.is_empty());
    keys
}

/// Reads the address of the REST API; one without a path is that of version 1.
pub(super) fn api(base: &str) -> Result<Url, ClientError> {
    let mut url = checked(base.trim())?;
    url.set_query(None);
    if url.path() == "/" {
        url.set_path("/v1");
    }
    Ok(url)
}

/// Wants HTTPS, or HTTP to this machine, and no user name in the address.
fn checked(text: &str) -> Result<Url, ClientError> {
    let mut url = Url::parse(text)
        .map_err(|_| ClientError::Address("the address is no URL; write https://, the host and the path"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(ClientError::Address(
            "the address holds a user name or password; give keys on their own",
        ));
    }
    match url.scheme() {
        "https" => {}
        "http" if is_local(&url) => {}
        _ => return Err(ClientError::Address("the key would be sent in the clear; use an https:// address")),
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(ClientError::Address("the address names no host"));
    }
    url.set_fragment(None);
    Ok(url)
}

/// True for an address of this machine.
pub(super) fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(domain)) => domain == "localhost",
        None => false,
    }
}

/// Returns host and port: all of an address that is ever shown.
pub(super) fn shown(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Escapes everything but the characters that are safe anywhere in an address.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            escaped.extend(
                [byte >> 4, byte & 15].map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)])),
            );
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{OLD_FEED, PORTAL_FEED, REST_API, XML_STATUS_FEED};

    #[test]
    fn a_key_is_escaped_wherever_it_stands() {
        let key = "a/b?c&d=e#f %ü";
        let escaped = "a%2Fb%3Fc%26d%3De%23f%20%25%C3%BC";
        for (template, start) in [
            (PORTAL_FEED, "https://portal.dattobackup.com/external/api/xml/status/"),
            (OLD_FEED, "https://partners.dattobackup.com/xml2.php?type=status&apiKey="),
            (XML_STATUS_FEED, "https://device.dattobackup.com/integrateXML.php?feed=xmlstatus&apiKey="),
        ] {
            assert_eq!(feed(template, key).unwrap().as_str(), format!("{start}{escaped}"));
        }
    }

    #[test]
    fn a_key_is_never_sent_in_the_clear_or_to_a_host_it_names() {
        for template in [
            "http://partners.dattobackup.com/xml2.php?type=status&apiKey={key}",
            "http://127.0.0.1.example.com/{key}",
            "ftp://127.0.0.1/{key}",
            "https://{key}.example.com/",
            "https://{key}/x",
            "https://user:{key}@example.com/",
            "https://user@example.com/{key}",
            "https://example.com/status",
            "{key}",
            "",
        ] {
            assert!(feed(template, "secret").is_err(), "{template}");
        }
        for template in ["http://127.0.0.1:8080/{key}", "http://[::1]/{key}", "http://localhost/?k={key}"] {
            assert!(feed(template, "secret").is_ok(), "{template}");
        }
    }

    #[test]
    fn an_api_without_a_path_is_that_of_version_1() {
        for base in [REST_API, "https://api.datto.com", "https://api.datto.com/"] {
            assert_eq!(api(base).unwrap().as_str(), "https://api.datto.com/v1");
        }
        assert_eq!(api("http://127.0.0.1:1/api/v1/").unwrap().path(), "/api/v1/");
        assert!(api("http://api.datto.com/v1").is_err());
    }

    #[test]
    fn host_and_port_are_all_that_is_shown() {
        assert_eq!(shown(&feed("https://a.example:8443/x/{key}?y={key}", "k").unwrap()), "a.example:8443");
    }
}
