//! What is the URL of a directory server?
//!
//! Text only: nothing is resolved, nothing connected to.

use std::net::IpAddr;

use lastgood_core::id::Escaped;
use reqwest::Url;

use super::Tls;

/// Reads the URL of a server: `ldap://host`, or `ldaps://host` where `tls` is that, each with a port if it is another
/// than the usual one (389, 636). An error says what is wrong and what to write.
pub fn server_url(text: &str, tls: Tls) -> Result<Url, String> {
    let shown: String = Escaped(text).to_string().chars().take(80).collect();
    let scheme = if tls == Tls::Ldaps { "ldaps" } else { "ldap" };
    let example = format!("write for example \"{scheme}://ldap.example.org\"");
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "ldap" | "ldaps"));
    let Some(url) = url else {
        return Err(format!("`{shown}` is no LDAP URL; {example}"));
    };
    // What stands before the host could be a password: the URL is not repeated.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!(
            "a URL with a user in it is not taken; set bind_dn and password_file, and {example}"
        ));
    }
    let host = url.host_str().unwrap_or_default();
    if host.is_empty() {
        return Err(format!("`{shown}` names no host; {example}"));
    }
    let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    if !is_bare {
        return Err(format!(
            "`{shown}` has more than a host and a port; put the base into `base`, and {example}"
        ));
    }
    match (url.scheme(), tls) {
        ("ldap", Tls::Ldaps) => Err(format!("`{shown}` does not go with tls = \"ldaps\"; {example}")),
        ("ldaps", Tls::StartTls | Tls::None) => Err(format!(
            "`{shown}` does not go with tls = \"{}\"; set tls = \"ldaps\", or {example}",
            tls.as_str()
        )),
        _ if host.starts_with('[') && tls != Tls::None => Err(format!(
            "`{shown}` is an address, and certificates bear names; write the name of the server, for example \
             \"{scheme}://ldap.example.org\""
        )),
        _ => Ok(url),
    }
}

/// True if the server is on this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("ldap://ldap.example.org", Tls::StartTls)]
    #[case("ldap://ldap.example.org:3890/", Tls::None)]
    #[case("ldaps://ldap.example.org", Tls::Ldaps)]
    #[case("ldap://192.0.2.1", Tls::StartTls)]
    #[case("ldap://[::1]:389", Tls::None)]
    fn a_server_is_a_host_and_a_port(#[case] text: &str, #[case] tls: Tls) {
        assert!(server_url(text, tls).is_ok(), "{:?}", server_url(text, tls));
    }

    #[rstest]
    #[case("ldap.example.org", Tls::StartTls, "is no LDAP URL")]
    #[case("https://ldap.example.org", Tls::StartTls, "is no LDAP URL")]
    #[case("ldapi:///run/slapd", Tls::None, "is no LDAP URL")]
    #[case("ldap:ldap.example.org", Tls::StartTls, "names no host")]
    #[case("ldap:///dc=x", Tls::StartTls, "names no host")]
    #[case("ldap://a/dc=x", Tls::StartTls, "more than a host")]
    #[case("ldap://a?uid", Tls::StartTls, "more than a host")]
    #[case("ldap://a#b", Tls::StartTls, "more than a host")]
    #[case("ldap://a", Tls::Ldaps, "does not go with tls = \"ldaps\"")]
    #[case("ldaps://a", Tls::StartTls, "does not go with tls = \"starttls\"")]
    #[case("ldaps://a", Tls::None, "does not go with tls = \"none\"")]
    #[case("ldap://[::1]", Tls::StartTls, "certificates bear names")]
    #[case("ldap://cn=x:hunter2@a", Tls::StartTls, "with a user in it")]
    #[case("", Tls::None, "is no LDAP URL")]
    fn anything_else_is_none_and_no_password_is_repeated(
        #[case] text: &str,
        #[case] tls: Tls,
        #[case] why: &str,
    ) {
        let error = server_url(text, tls).expect_err("this is no server");
        assert!(error.contains(why), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[rstest]
    #[case("ldap://localhost", true)]
    #[case("ldap://LOCALHOST:1", true)]
    #[case("ldap://127.0.0.53", true)]
    #[case("ldap://[::1]", true)]
    #[case("ldap://192.0.2.1", false)]
    #[case("ldap://localhost.example.org", false)]
    fn a_server_on_this_machine_is_known_by_its_address(#[case] text: &str, #[case] loopback: bool) {
        assert_eq!(is_loopback(&Url::parse(text).expect("a URL")), loopback);
    }
}
