//! Whom does a run tell?
//!
//! Reads what the command line, the environment and files say, and holds the secret in it. It sends nothing.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use lastgood_core::id::{Escaped, SourceId};
use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::secret::{Secret, SecretError, SecretFrom};

/// The variable that holds the ping URL of a job.
pub(super) const URL_VARIABLE: &str = "LASTGOOD_PING_URL";
/// The variable that holds a ping key.
pub(super) const KEY_VARIABLE: &str = "LASTGOOD_PING_KEY";

/// The shortest part of an address that is looked for in outputs: keys are longer, words shorter.
const SECRET_MIN_BYTES: usize = 16;

/// Whom a run tells.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Whom {
    /// A file that holds the ping URL of the job as its only line [default: the variable `LASTGOOD_PING_URL`]
    #[arg(long, value_name = "FILE", conflicts_with = "server")]
    url_file: Option<PathBuf>,
    /// The server, where the job is named by a ping key and NAME
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// A file that holds the ping key as its only line [default: the variable `LASTGOOD_PING_KEY`]
    #[arg(long, value_name = "FILE", requires = "server")]
    ping_key_file: Option<PathBuf>,
    /// The database of a lastgood on this machine, to write to without a server
    #[arg(long, value_name = "FILE", conflicts_with_all = ["url_file", "server"], requires = "source")]
    database: Option<PathBuf>,
    /// Which source of that lastgood the job belongs to
    #[arg(long, value_name = "SOURCE", requires = "database", value_parser = SourceId::new)]
    source: Option<SourceId>,
    /// Allow plain HTTP to another machine: everybody on the way can read the key
    #[arg(long)]
    plain_http: bool,
}

/// Where a ping goes, the secret of it included: never shown, kept only in files that are the owner's alone.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Target {
    /// A ping URL, to which the word is added.
    Url(String),
    /// A job in a database on this machine.
    Database { file: PathBuf, source: String, asset: String },
}

/// Why nobody can be told; holds no secret.
#[derive(Debug, thiserror::Error)]
pub(super) enum TargetError {
    #[error(
        "whom to tell is not known: set {URL_VARIABLE}, or give --url-file, --server with --ping-key-file, or --database \
         with --source"
    )]
    Nobody,
    #[error("the ping URL cannot be read")]
    Url(#[source] SecretError),
    #[error("the ping key cannot be read")]
    Key(#[source] SecretError),
    #[error("the {0} is no address of HTTP; it looks like https://backup.example.org{1}")]
    NoAddress(&'static str, &'static str),
    #[error(
        "the {0} is plain HTTP to another machine, which shows the key to everybody on the way; use https, or allow it with --plain-http"
    )]
    PlainHttp(&'static str),
    #[error("the path of the database is no text")]
    NoText,
    #[error(
        "{0:?} cannot name a job behind a ping key: use 1 to 100 lower-case letters, digits, `-` and `_`"
    )]
    NoSlug(String),
}

impl Whom {
    /// Finds out where pings of this job go. `variable` reads the environment.
    pub(super) fn target(&self, asset: &str) -> Result<Target, TargetError> {
        match (&self.server, &self.database, &self.source) {
            (Some(server), _, _) => self.behind_key(server, asset),
            (None, Some(file), Some(source)) => database(file, source, asset),
            (None, _, _) => self.own_url(),
        }
    }

    fn own_url(&self) -> Result<Target, TargetError> {
        let from = match &self.url_file {
            Some(file) => SecretFrom::File(file.clone()),
            None => SecretFrom::Environment(URL_VARIABLE.to_owned()),
        };
        let secret = match from.read() {
            Err(SecretError::NotSet(_)) => return Err(TargetError::Nobody),
            read => read.map_err(TargetError::Url)?,
        };
        let url = self.address(secret.expose(), "ping URL", "/ping/…")?;
        Ok(Target::Url(url.into()))
    }

    fn behind_key(&self, server: &str, asset: &str) -> Result<Target, TargetError> {
        let is_allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        if asset.is_empty() || asset.len() > 100 || !asset.bytes().all(is_allowed) {
            return Err(TargetError::NoSlug(asset.chars().take(120).collect()));
        }
        let mut url = self.address(server, "server", "")?;
        let key = self.key()?;
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["ping", key.expose(), asset]);
        }
        Ok(Target::Url(url.into()))
    }

    fn key(&self) -> Result<Secret, TargetError> {
        let from = match &self.ping_key_file {
            Some(file) => SecretFrom::File(file.clone()),
            None => SecretFrom::Environment(KEY_VARIABLE.to_owned()),
        };
        from.read().map_err(TargetError::Key)
    }

    fn address(&self, text: &str, what: &'static str, path: &'static str) -> Result<Url, TargetError> {
        let is_http = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        let url = Url::parse(text).ok().filter(is_http).ok_or(TargetError::NoAddress(what, path))?;
        if url.scheme() == "http" && !self.plain_http && !is_this_machine(&url) {
            return Err(TargetError::PlainHttp(what));
        }
        Ok(url)
    }
}

fn database(file: &Path, source: &SourceId, asset: &str) -> Result<Target, TargetError> {
    // What waits is sent by another run, in another folder.
    let file = std::path::absolute(file).map_err(|_| TargetError::NoText)?;
    // It may have to be written into a file of text.
    file.to_str().ok_or(TargetError::NoText)?;
    Ok(Target::Database { file, source: source.to_string(), asset: asset.to_owned() })
}

impl Target {
    /// What of it may be shown.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Url(url) => Url::parse(url).map_or_else(|_| "no address".to_owned(), |url| shown(&url)),
            Self::Database { file, .. } => Escaped(&file.to_string_lossy()).to_string(),
        }
    }

    /// Takes out of a text what is secret here: a job may print the address it was given.
    pub(super) fn redact(&self, text: &str) -> String {
        match self {
            Self::Url(url) => {
                let parts =
                    url.split(['/', '?', '&', '=', '#']).filter(|part| part.len() >= SECRET_MIN_BYTES);
                let secrets = parts.filter(|part| !part.contains(['.', ':']));
                secrets.fold(text.to_owned(), |text, secret| text.replace(secret, "[redacted]"))
            }
            Self::Database { .. } => text.to_owned(),
        }
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown())
    }
}

/// What of an address may be shown: scheme, host and port.
fn shown(url: &Url) -> String {
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

/// True for an address on this machine.
pub(super) fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://backup.example.org/ping/0a1b2c3d-0000-4000-8000-00000000feed";

    fn whom(url: &str) -> Result<Target, TargetError> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("url");
        std::fs::write(&file, url).expect("a writable folder");
        Whom { url_file: Some(file), ..Whom::default() }.target("web")
    }

    #[test]
    fn the_file_holds_the_whole_address() {
        assert_eq!(whom(&format!("{URL}\n")).expect("a target"), Target::Url(URL.to_owned()));
        assert!(matches!(whom("ftp://backup.example.org/x"), Err(TargetError::NoAddress(..))));
        assert!(matches!(whom("backup.example.org/ping/x"), Err(TargetError::NoAddress(..))));
        assert!(matches!(whom("http://backup.example.org/ping/x"), Err(TargetError::PlainHttp(_))));
        assert!(whom("http://127.0.0.1:1/ping/x").is_ok() && whom("http://[::1]:1/ping/x").is_ok());
    }

    #[test]
    fn a_job_behind_a_ping_key_is_named_by_its_slug() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("key");
        std::fs::write(&file, "a key/with?odd#parts\n").expect("a writable folder");
        let server = Some("https://backup.example.org/below/".to_owned());
        let whom = Whom { server, ping_key_file: Some(file), ..Whom::default() };
        let expected = "https://backup.example.org/below/ping/a%20key%2Fwith%3Fodd%23parts/web-1";
        assert_eq!(whom.target("web-1").expect("a target"), Target::Url(expected.to_owned()));
        assert!(matches!(whom.target("Web 1"), Err(TargetError::NoSlug(_))));
        assert!(matches!(whom.target(""), Err(TargetError::NoSlug(_))));
    }

    #[test]
    fn neither_errors_nor_texts_show_the_secret() {
        let target = whom(URL).expect("a target");
        assert_eq!(format!("{target:?}"), "https://backup.example.org");
        let said = target.redact(&format!("+ curl {URL}/start\nuploading to backup.example.org"));
        assert!(!said.contains("feed") && said.contains("uploading to backup.example.org"), "{said}");
        let error = whom("ftp://x/0a1b2c3d-0000-4000-8000-00000000feed").expect_err("no address of HTTP");
        assert!(!format!("{error} {error:?}").contains("feed"));
    }
}
