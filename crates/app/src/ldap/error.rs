//! Why did a directory not do what it was asked, and what can somebody do about it?
//!
//! Words and kinds of failures; the codes are those of RFC 4511, 4.1.9 and appendix A. No reason holds a password.

use std::fmt;

use lastgood_core::observation::FailureKind;
use ldap3::LdapResult;

use super::{said, shown};
use crate::secret::Secret;

/// Why an operation on a directory failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LdapError {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// Which server, which operation, why, and what to do; one line, without a secret.
    pub reason: String,
    /// The result code of the server; `None` where it gave none.
    pub code: Option<u32>,
}

/// The result code of an entry that is not there.
const NO_SUCH_OBJECT: u32 = 32;

/// The result code of more entries than a server gives.
const SIZE_LIMIT: u32 = 4;

impl LdapError {
    /// True if the server says that the entry, or the base of the search, is not there. Servers also say so where we may
    /// not know of it.
    pub fn is_no_such_object(&self) -> bool {
        self.code == Some(NO_SUCH_OBJECT)
    }

    /// Puts the failures of all servers into one.
    pub(super) fn of_all(mut failures: Vec<Self>) -> Self {
        let denied = failures.iter().position(|failure| failure.kind == FailureKind::Denied);
        let reasons: Vec<String> = failures.iter().map(|failure| failure.reason.clone()).collect();
        let decisive = failures.swap_remove(denied.unwrap_or(0));
        Self { reason: reasons.join("; "), ..decisive }
    }
}

impl fmt::Display for LdapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for LdapError {}

/// What was being done, and where: the first half of every reason.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// The URL of the server.
    pub(super) server: &'a str,
    /// What it was asked, such as "searching below `dc=x`".
    pub(super) operation: &'a str,
    /// What no reason may hold.
    pub(super) password: Option<&'a Secret>,
}

impl Asked<'_> {
    /// An error of our own.
    pub(super) fn error(&self, kind: FailureKind, why: &str) -> LdapError {
        let reason = format!("{}: {} failed: {why}", shown(self.server, None), self.operation);
        LdapError { kind, reason, code: None }
    }

    /// No answer came in time.
    pub(super) fn timed_out(&self, deadline: std::time::Duration) -> LdapError {
        let why = format!(
            "no answer within {} s; see whether the server is busy, or set a longer `deadline`",
            deadline.as_secs()
        );
        self.error(FailureKind::TimedOut, &why)
    }

    /// The connection did not carry an answer, or carried one nobody can read.
    pub(super) fn broken(&self, error: &ldap3::LdapError) -> LdapError {
        use ldap3::LdapError as Broken;
        match error {
            Broken::LdapResult { result } => self.answered(result),
            Broken::FilterParsing => {
                let why =
                    "the filter is none (RFC 4515); correct `accounts_filter` and the names of attributes";
                self.error(FailureKind::Unsupported, why)
            }
            Broken::OpSend { .. }
            | Broken::ResultRecv { .. }
            | Broken::IdScrubSend { .. }
            | Broken::EndOfStream => {
                let why = "the server cut the connection before its answer was whole; see its log";
                self.error(FailureKind::Unreachable, why)
            }
            Broken::Rustls { .. } | Broken::DNSName { .. } => self.not_encrypted(error),
            Broken::Io { source } if is_of_tls(source) => self.not_encrypted(error),
            Broken::Io { .. } => {
                let why = format!("{}; see whether the server runs, and `servers`", self.said(error));
                self.error(FailureKind::Unreachable, &why)
            }
            _ => self.error(FailureKind::Malformed, &self.said(error)),
        }
    }

    fn not_encrypted(&self, error: &ldap3::LdapError) -> LdapError {
        let why = format!(
            "no encrypted connection: {}; name the authority of its certificate with `ca_file`, and the server as its \
             certificate does",
            self.said(error)
        );
        self.error(FailureKind::Denied, &why)
    }

    fn said(&self, error: &ldap3::LdapError) -> String {
        said(error, self.password)
    }

    /// The server answered with a result code that is no success.
    pub(super) fn answered(&self, result: &LdapResult) -> LdapError {
        let Outcome { name, kind, remedy } = outcome(result.rc);
        let said = shown(result.text.trim(), self.password);
        let said = if said.is_empty() { said } else { format!(", \"{said}\"") };
        let why =
            format!("{name} ({}){said}{}{remedy}", result.rc, if remedy.is_empty() { "" } else { "; " });
        LdapError { code: Some(result.rc), ..self.error(kind, &why) }
    }
}

/// True if it is about certificates or the protocol of TLS.
fn is_of_tls(error: &std::io::Error) -> bool {
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
}

/// What a result code means to us.
struct Outcome {
    /// Its name in RFC 4511.
    name: &'static str,
    /// What kind of failure it is.
    kind: FailureKind,
    /// What to do; empty where the diagnostic has to say it.
    remedy: &'static str,
}

fn outcome(code: u32) -> Outcome {
    use FailureKind::{Denied, Malformed, RateLimited, Refused, TimedOut, Unsupported};
    let (name, kind, remedy) = match code {
        1 => ("operationsError", Refused, "set bind_dn if the directory takes no anonymous searches"),
        2 => (
            "protocolError",
            Unsupported,
            "see whether the server is set up for what was asked, such as StartTLS",
        ),
        3 => {
            ("timeLimitExceeded", TimedOut, "raise the time limit of the server for us (slapd: olcTimeLimit)")
        }
        SIZE_LIMIT => (
            "sizeLimitExceeded",
            Refused,
            "raise the size limit of the server for us (slapd: `sizelimit`, olcSizeLimit, or olcLimits with size.prtotal)",
        ),
        7 => ("authMethodNotSupported", Denied, "let the server take simple binds from us"),
        8 => ("strongerAuthRequired", Denied, "set tls = \"starttls\" or \"ldaps\""),
        10 => ("referral", Refused, "the entries stand on another server; name that one in `servers`"),
        11 => ("adminLimitExceeded", Refused, "raise the limits of the server for us (slapd: olcLimits)"),
        12 => ("unavailableCriticalExtension", Unsupported, ""),
        13 => ("confidentialityRequired", Denied, "set tls = \"starttls\" or \"ldaps\""),
        16 => ("noSuchAttribute", Refused, ""),
        17 => (
            "undefinedAttributeType",
            Unsupported,
            "see [directory.ldap.attributes] and the schema of the server",
        ),
        18 => ("inappropriateMatching", Unsupported, ""),
        19 => ("constraintViolation", Refused, ""),
        20 => ("attributeOrValueExists", Refused, ""),
        21 => (
            "invalidAttributeSyntax",
            Unsupported,
            "see [directory.ldap.attributes] and the schema of the server",
        ),
        NO_SUCH_OBJECT => ("noSuchObject", Refused, "see whether that entry is there and we may read it"),
        34 => ("invalidDNSyntax", Unsupported, "write it as uid=x,dc=example,dc=org"),
        48 => ("inappropriateAuthentication", Denied, "set bind_dn and password_file"),
        49 => ("invalidCredentials", Denied, "see bind_dn and the password"),
        50 => ("insufficientAccessRights", Denied, "grant it to bind_dn (slapd: olcAccess)"),
        51 => ("busy", RateLimited, ""),
        52 => ("unavailable", Refused, "see whether the server is starting or ending"),
        53 => ("unwillingToPerform", Refused, ""),
        65 => ("objectClassViolation", Unsupported, "see the schema of the server"),
        0 => ("success", Malformed, ""),
        _ => ("another result", Refused, ""),
    };
    Outcome { name, kind, remedy }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn result(rc: u32, text: &str) -> LdapResult {
        LdapResult { rc, matched: String::new(), text: text.to_owned(), refs: Vec::new(), ctrls: Vec::new() }
    }

    const ASKED: Asked<'_> =
        Asked { server: "ldap://a", operation: "searching below `dc=x`", password: None };

    #[rstest]
    #[case(4, FailureKind::Refused, "olcSizeLimit")]
    #[case(3, FailureKind::TimedOut, "olcTimeLimit")]
    #[case(10, FailureKind::Refused, "another server")]
    #[case(49, FailureKind::Denied, "bind_dn")]
    #[case(50, FailureKind::Denied, "olcAccess")]
    #[case(51, FailureKind::RateLimited, "busy (51)")]
    #[case(32, FailureKind::Refused, "noSuchObject (32)")]
    #[case(999, FailureKind::Refused, "another result (999)")]
    fn a_result_says_what_to_do(#[case] code: u32, #[case] kind: FailureKind, #[case] words: &str) {
        let error = ASKED.answered(&result(code, ""));
        assert_eq!((error.kind, error.code), (kind, Some(code)));
        assert!(error.reason.starts_with("ldap://a: searching below `dc=x` failed: "), "{error}");
        assert!(error.reason.contains(words), "{error}");
        assert_eq!(error.is_no_such_object(), code == 32);
    }

    #[test]
    fn what_a_server_says_is_shown_escaped_and_without_our_password() {
        let password = Secret::new("hunter2");
        let asked = Asked { password: Some(&password), ..ASKED };
        let error = asked.answered(&result(53, "no \u{1b}[31m for hunter2"));
        assert!(error.reason.contains("[redacted]"), "{error}");
        assert!(!error.reason.contains("hunter2") && !error.reason.contains('\u{1b}'), "{error}");
    }

    #[test]
    fn all_servers_are_named_and_a_refusal_counts_more_than_silence() {
        let down = ASKED.error(FailureKind::Unreachable, "connection refused");
        let denied = ASKED.answered(&result(49, ""));
        let error = LdapError::of_all(vec![down.clone(), denied.clone()]);
        assert_eq!((error.kind, error.code), (FailureKind::Denied, Some(49)));
        assert_eq!(error.reason, format!("{down}; {denied}"));
        assert_eq!(LdapError::of_all(vec![down.clone(), down]).kind, FailureKind::Unreachable);
    }
}
