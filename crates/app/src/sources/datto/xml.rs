//! The XML status feeds of Datto, from a file or a URL.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use lastgood_core::id::SourceId;
use lastgood_core::observation::{Collection, Failure, FailureKind, Place};
use lastgood_datto::client::{XmlClient, XmlLimits};
use lastgood_datto::key::ApiKey;
use lastgood_datto::kinds::DATTO_XML;
use lastgood_datto::look::Zones;
use lastgood_datto::xml;
use tokio::sync::mpsc;

use super::super::{Entry, Keep, OpenError, RawError, Source, SourceConfig};

/// The XML status feeds.
pub static ENTRY: Entry = Entry {
    kind: &DATTO_XML,
    location: "FILE-or-URL",
    about: "the XML status feed of a Datto partner portal, or a document saved from one",
    example: "datto-xml:https://portal.dattobackup.com/external/api/xml/status/{key}",
    keys: &["secret_file", "secret_env", "zone", "zones", "deadline"],
    pushes: false,
    deadline: Duration::from_mins(2),
    secret_variable: Some(KEY_VARIABLE),
    open,
};

/// Where the key is read from, for a SOURCE on the command line.
const KEY_VARIABLE: &str = "LASTGOOD_DATTO_XML_KEY";

/// Where the key stands in the address of a feed.
const KEY_PLACEHOLDER: &str = "{key}";

/// The domain of the real portals.
const DATTO_DOMAIN: &str = "dattobackup.com";

/// How many bytes of a file are read at once.
const BLOCK_BYTES: usize = 64 * 1024;

/// How many blocks of a file may wait to be written.
const BLOCKS_AHEAD: usize = 4;

fn open(config: SourceConfig) -> Result<Box<dyn Source>, OpenError> {
    let zones = super::zones(&config);
    let scheme = config.location.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    if matches!(scheme.as_deref(), Some("http" | "https")) {
        return Ok(Box::new(Feed { client: client(&config)?, id: config.id, zones }));
    }
    if config.location.contains("://") {
        let why = "write the path of a file, or a URL that begins with https://".to_owned();
        return Err(OpenError::Location { source_id: config.id, why });
    }
    // The text is not repeated: it may hold the key.
    if config.location.split(['/', ':']).next().is_some_and(is_of_datto) {
        let why = "write https:// before the address of the portal".to_owned();
        return Err(OpenError::Location { source_id: config.id, why });
    }
    Ok(Box::new(Document {
        id: config.id,
        path: PathBuf::from(config.location),
        zones,
        deadline: config.deadline,
    }))
}

/// True for a host of the real portals.
fn is_of_datto(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host.strip_suffix(DATTO_DOMAIN).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// True for an address whose query gives something that is called a key.
fn names_a_key(address: &str) -> bool {
    const NAMES: [&str; 6] = ["key", "apikey", "token", "accesstoken", "secret", "password"];
    let query = address.split('#').next().unwrap_or_default().split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter_map(|pair| pair.split_once('=')).any(|(name, value)| {
        let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        !value.is_empty() && NAMES.contains(&name.to_ascii_lowercase().as_str())
    })
}

/// Prepares to ask a feed. A `{key}` in its address is filled with the secret; an address of Datto
/// must have one, and so must one whose query names a key, so that no key stands in a command line that every process of
/// the machine can read.
fn client(config: &SourceConfig) -> Result<XmlClient, OpenError> {
    let location = |error: &dyn std::fmt::Display| OpenError::Location {
        source_id: config.id.clone(),
        why: error.to_string(),
    };
    let limits = XmlLimits { deadline: config.deadline, ..XmlLimits::default() };
    if config.location.contains(KEY_PLACEHOLDER) {
        let missing = || OpenError::Missing {
            source_id: config.id.clone(),
            what: format!(
                "a key; set secret_file or secret_env in the configuration, or for a SOURCE on the command line \
                 {KEY_VARIABLE} or {KEY_VARIABLE}_FILE"
            ),
        };
        let secret = config.secret.as_ref().ok_or_else(missing)?.read()?;
        let key = ApiKey::new(secret.expose()).map_err(|error| location(&error))?;
        return XmlClient::new(&config.location, &key, limits).map_err(|error| location(&error));
    }
    let authority = config.location.split("://").nth(1).and_then(|rest| rest.split(['/', '?', ':']).next());
    if authority.is_some_and(is_of_datto) || names_a_key(&config.location) {
        return Err(location(&format_args!(
            "write {KEY_PLACEHOLDER} in place of the key, and the key in {KEY_VARIABLE}"
        )));
    }
    XmlClient::without_key(&config.location, limits).map_err(|error| location(&error))
}

/// A feed of a portal.
struct Feed {
    id: SourceId,
    client: XmlClient,
    zones: Zones,
}

impl Source for Feed {
    fn look(&self, at: Timestamp, keep: Keep) -> BoxFuture<'_, Collection> {
        let look = super::look_of(&self.id, at, &self.zones, keep);
        async move { self.client.look(&look).await }.boxed()
    }

    fn raw<'a>(&'a self, out: &'a mut (dyn Write + Send)) -> BoxFuture<'a, Result<(), RawError>> {
        async move { self.client.raw(out).await.map_err(super::raw_error) }.boxed()
    }
}

/// A saved document.
struct Document {
    id: SourceId,
    path: PathBuf,
    zones: Zones,
    deadline: Duration,
}

impl Source for Document {
    fn look(&self, at: Timestamp, keep: Keep) -> BoxFuture<'_, Collection> {
        let look = super::look_of(&self.id, at, &self.zones, keep);
        let path = self.path.clone();
        let read = tokio::task::spawn_blocking(move || match open_file(&path) {
            Ok(file) => xml::parse(BufReader::with_capacity(BLOCK_BYTES, file), &look),
            Err(failure) => Collection::failed(look.source, &DATTO_XML, look.at, failure),
        });
        async move {
            match tokio::time::timeout(self.deadline, read).await {
                Ok(read) => read.expect("reading a document does not panic"),
                Err(_) => Collection::failed(self.id.clone(), &DATTO_XML, at, self.timed_out()),
            }
        }
        .boxed()
    }

    fn raw<'a>(&'a self, out: &'a mut (dyn Write + Send)) -> BoxFuture<'a, Result<(), RawError>> {
        async move {
            let (to, mut blocks) = mpsc::channel(BLOCKS_AHEAD);
            let path = self.path.clone();
            let reading = tokio::task::spawn_blocking(move || hand_over(&path, &to));
            let mut deadline = pin!(tokio::time::sleep(self.deadline));
            loop {
                let block = tokio::select! {
                    biased;
                    block = blocks.recv() => block,
                    () = &mut deadline => return Err(RawError::Look(self.timed_out())),
                };
                let Some(block) = block else { break };
                out.write_all(&block)?;
            }
            out.flush()?;
            reading.await.expect("reading a document does not panic").map_err(RawError::Look)
        }
        .boxed()
    }
}

impl Document {
    fn timed_out(&self) -> Failure {
        let reason = format!(
            "{} could not be read within the deadline of {} s; is it a pipe nobody writes to, or one without an end?",
            self.path.display(),
            self.deadline.as_secs()
        );
        Failure { place: Place::source(), kind: FailureKind::TimedOut, reason }
    }
}

/// Hands a document over block by block, until its end or until nobody takes it any more.
fn hand_over(path: &Path, to: &mpsc::Sender<Vec<u8>>) -> Result<(), Failure> {
    let mut file = open_file(path)?;
    loop {
        let mut block = vec![0; BLOCK_BYTES];
        let count = match file.read(&mut block) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(unread(path, &error)),
        };
        block.truncate(count);
        if count == 0 || to.blocking_send(block).is_err() {
            return Ok(());
        }
    }
}

fn open_file(path: &Path) -> Result<File, Failure> {
    let opened = File::open(path).and_then(|file| {
        let is_folder = file.metadata()?.is_dir();
        if is_folder { Err(ErrorKind::IsADirectory.into()) } else { Ok(file) }
    });
    opened.map_err(|error| unread(path, &error))
}

fn unread(path: &Path, error: &std::io::Error) -> Failure {
    let (kind, advice) = match error.kind() {
        ErrorKind::NotFound => (FailureKind::Unreachable, "check the path"),
        ErrorKind::PermissionDenied => (FailureKind::Denied, "let this user read it"),
        ErrorKind::IsADirectory => (FailureKind::Malformed, "give the document itself"),
        _ => (FailureKind::Unreachable, "check the disk"),
    };
    let reason = format!("{} could not be read: {error}; {advice}", path.display());
    Failure { place: Place::source(), kind, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_that_gives_a_key_is_known_by_its_name() {
        for query in ["apiKey=x", "type=status&api_key=x", "KEY=x", "a=b&token=x#y", "access-token=x"] {
            assert!(names_a_key(&format!("https://mirror.example/x?{query}")), "{query}");
        }
        for query in ["type=status", "keyboard=x", "apiKey=", "a=key", "x#?key=y"] {
            assert!(!names_a_key(&format!("https://mirror.example/x?{query}")), "{query}");
        }
        assert!(!names_a_key("https://mirror.example/key=x"));
    }
}
