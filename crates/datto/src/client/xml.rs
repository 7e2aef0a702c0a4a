//! How is an XML feed fetched? One GET, read while it comes, within a deadline and within bounds.

use std::io::{self, BufReader, Read, Write};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use lastgood_core::observation::{Collection, Extent, Failure, FailureKind, Place};
use reqwest::Response;
use tokio::sync::mpsc;
use tokio::time::Sleep;
use tokio_util::bytes::Bytes;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use super::redact::Secrets;
use super::trouble::{Interface, Trouble, of_error, of_status};
use super::{CONNECT_TIMEOUT, ClientError, address, http};
use crate::key::ApiKey;
use crate::kinds::DATTO_XML;
use crate::look::{DOCUMENT_MAX_BYTES, Look};
use crate::xml;

/// The feed of the partner portal: the status tree.
pub const PORTAL_FEED: &str = "https://portal.dattobackup.com/external/api/xml/status/{key}";

/// The old partner feed, the one `Backup::Datto` read: the status tree.
pub const OLD_FEED: &str = "https://partners.dattobackup.com/xml2.php?type=status&apiKey={key}";

/// The xmlstatus feed: a smaller tree without offsite copies, storage or check-ins.
pub const XML_STATUS_FEED: &str =
    "https://device.dattobackup.com/integrateXML.php?feed=xmlstatus&apiKey={key}";

/// How many bytes are read at once.
const BLOCK_BYTES: usize = 64 * 1024;

/// How many chunks of an answer may wait to be read.
const CHUNKS_AHEAD: usize = 4;

/// How many blocks of a raw document may wait to be written.
const BLOCKS_AHEAD: usize = 4;

/// How much time a look at a feed may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XmlLimits {
    /// The whole look, from connecting to the last byte. What was read until then stands. 2 minutes by default.
    pub deadline: Duration,
    /// Connecting alone. 10 seconds by default.
    pub connect_timeout: Duration,
}

impl Default for XmlLimits {
    fn default() -> Self {
        Self { deadline: Duration::from_mins(2), connect_timeout: CONNECT_TIMEOUT }
    }
}

/// Why the raw document could not be handed over as a whole.
#[derive(Debug, thiserror::Error)]
pub enum RawError {
    /// The portal did not give it, or not all of it.
    #[error("{}", .0.reason)]
    Look(Failure),
    /// It could not be written.
    #[error("the document could not be written")]
    Write(#[from] io::Error),
}

/// Asks one XML feed.
#[derive(Debug)]
pub struct XmlClient {
    http: reqwest::Client,
    /// Holds the key: shown nowhere.
    url: HiddenUrl,
    host: String,
    secrets: Secrets,
    limits: XmlLimits,
}

struct HiddenUrl(Url);

impl std::fmt::Debug for HiddenUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(crate::key::REDACTED)
    }
}

impl XmlClient {
    /// Prepares to ask the feed at `template`, an address with `{key}` where the key stands, such as [`PORTAL_FEED`].
    ///
    /// `Err` if the address is no https address (http is taken to this machine only) or has no `{key}`, or if the
    /// program has installed no cryptography for TLS.
    pub fn new(template: &str, key: &ApiKey, limits: XmlLimits) -> Result<Self, ClientError> {
        let url = address::feed(template, key.expose())?;
        let http = http(limits.connect_timeout, address::is_local(&url))?;
        let secrets = Secrets::new(&[key.expose()]);
        Ok(Self { http, host: address::shown(&url), url: HiddenUrl(url), secrets, limits })
    }

    /// Prepares to ask for a document at an address that stands as it is: a mirror, or a feed behind a proxy that adds
    /// the key. What looks like a key in it is still shown nowhere.
    ///
    /// `Err` if the address is no https address (http is taken to this machine only), or if the program has installed
    /// no cryptography for TLS.
    pub fn without_key(address: &str, limits: XmlLimits) -> Result<Self, ClientError> {
        let url = address::whole(address)?;
        let http = http(limits.connect_timeout, address::is_local(&url))?;
        let likely = address::likely_keys(&url);
        let secrets = Secrets::new(&likely.iter().map(String::as_str).collect::<Vec<_>>());
        Ok(Self { http, host: address::shown(&url), url: HiddenUrl(url), secrets, limits })
    }

    /// Fetches the fleet. Never fails: what could not be seen is a failure in the Collection.
    pub async fn look(&self, look: &Look) -> Collection {
        self.read(look, false).await.0
    }

    /// Fetches the fleet and keeps the document as it was read, unpacked, without the key.
    pub async fn look_with_raw(&self, look: &Look) -> (Collection, Vec<u8>) {
        self.read(look, true).await
    }

    /// Writes the document as it came, unpacked, with the key redacted wherever it stands in it. What came before a
    /// failure is written.
    pub async fn raw(&self, out: &mut (dyn Write + Send)) -> Result<(), RawError> {
        let of_look = |trouble: Trouble| RawError::Look(trouble.of_source());
        let mut deadline = Box::pin(tokio::time::sleep(self.limits.deadline));
        let response = self.ask(&mut deadline).await.map_err(of_look)?;
        let broken = Arc::new(OnceLock::new());
        let (_pouring, poured) = self.pour(response, deadline, Arc::clone(&broken));
        let secrets = self.secrets.clone();
        let (sender, mut receiver) = mpsc::channel(BLOCKS_AHEAD);
        let reading = tokio::task::spawn_blocking(move || hand_over(poured, &secrets, &sender));
        while let Some(block) = receiver.recv().await {
            out.write_all(&block)?;
        }
        out.flush()?;
        let read = joined(reading.await).flatten();
        match broken.get() {
            Some(trouble) => Err(of_look(trouble.clone())),
            None => read.map_err(of_look),
        }
    }

    async fn read(&self, look: &Look, keep: bool) -> (Collection, Vec<u8>) {
        let mut deadline = Box::pin(tokio::time::sleep(self.limits.deadline));
        let response = match self.ask(&mut deadline).await {
            Ok(response) => response,
            Err(trouble) => return (failed(look, trouble), Vec::new()),
        };
        let broken = Arc::new(OnceLock::new());
        let (_pouring, poured) = self.pour(response, deadline, Arc::clone(&broken));
        let secrets = self.secrets.clone();
        let look_there = look.clone();
        let parsed = tokio::task::spawn_blocking(move || parse(poured, &secrets, &look_there, keep)).await;
        match joined(parsed) {
            Err(trouble) => (failed(look, trouble), Vec::new()),
            Ok((collection, raw)) => match broken.get() {
                Some(trouble) => (explain_break(collection, trouble, look), raw),
                None => (collection, raw),
            },
        }
    }

    /// Sends the request and waits for the head of a good answer.
    async fn ask(&self, deadline: &mut Pin<Box<Sleep>>) -> Result<Response, Trouble> {
        let sent =
            self.http.get(self.url.0.clone()).header("accept", "text/xml, application/xml, */*;q=0.1").send();
        let response = tokio::select! {
            sent = sent => sent.map_err(|error| of_error(error, &self.host).without(&self.secrets))?,
            () = deadline => {
                return Err(Trouble::timed_out(&format!("{} did not answer", self.host), self.seconds()));
            }
        };
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let target = redirect_host(&response, &self.url.0);
        Err(of_status(Interface::Feed, status, &self.host, target.as_deref()).without(&self.secrets))
    }

    /// The body of an answer for a thread that may wait; it breaks off at the deadline, or when this is dropped, and why
    /// the answer broke is left in `broken`.
    fn pour(
        &self,
        response: Response,
        deadline: Pin<Box<Sleep>>,
        broken: Arc<OnceLock<Trouble>>,
    ) -> (AbortOnDropHandle<()>, Poured) {
        let late = Trouble::timed_out(&format!("{} did not finish its answer", self.host), self.seconds());
        let body = Body { response, deadline, late, host: self.host.clone(), secrets: self.secrets.clone() };
        let (to, chunks) = mpsc::channel(CHUNKS_AHEAD);
        let pouring = AbortOnDropHandle::new(tokio::spawn(body.pour(to, broken)));
        (pouring, Poured { chunks, rest: Bytes::new(), is_whole: false })
    }

    fn seconds(&self) -> f64 {
        self.limits.deadline.as_secs_f64()
    }
}

/// The body of an answer while it comes; it breaks off at the deadline.
struct Body {
    response: Response,
    deadline: Pin<Box<Sleep>>,
    /// What is said when the deadline passes.
    late: Trouble,
    host: String,
    secrets: Secrets,
}

impl Body {
    /// Waits for the next bytes; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, Trouble> {
        tokio::select! {
            biased;
            () = &mut self.deadline => Err(self.late.clone()),
            chunk = self.response.chunk() => chunk.map_err(|error| of_error(error, &self.host).without(&self.secrets)),
        }
    }

    /// Hands it over as it comes, then `None`; nothing more after the first trouble, which is left in `broken`.
    async fn pour(mut self, to: mpsc::Sender<io::Result<Option<Bytes>>>, broken: Arc<OnceLock<Trouble>>) {
        loop {
            let chunk = self.next().await.map_err(|trouble| {
                let error = io::Error::other(trouble.reason.clone());
                // Nobody else sets it: nothing follows.
                broken.get_or_init(|| trouble);
                error
            });
            let is_last = !matches!(chunk, Ok(Some(_)));
            if to.send(chunk).await.is_err() || is_last {
                return;
            }
        }
    }
}

/// The chunks of a body, read by a thread that may wait. It needs no runtime: one that ends while it waits ends it too.
struct Poured {
    chunks: mpsc::Receiver<io::Result<Option<Bytes>>>,
    /// What is not read yet of the newest chunk.
    rest: Bytes,
    /// The end was handed over.
    is_whole: bool,
}

impl Read for Poured {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() && !self.is_whole {
            let given_up = || Err(io::Error::other("the look was given up"));
            match self.chunks.blocking_recv().unwrap_or_else(given_up)? {
                Some(chunk) => self.rest = chunk,
                None => self.is_whole = true,
            }
        }
        let count = buffer.len().min(self.rest.len());
        buffer[..count].copy_from_slice(&self.rest.split_to(count));
        Ok(count)
    }
}

/// Parses a document without its key; `keep` says whether to keep its bytes too.
fn parse(packed: impl Read + 'static, secrets: &Secrets, look: &Look, keep: bool) -> (Collection, Vec<u8>) {
    // What could not even begin to come is an empty document here; why is known to the one who reads.
    let plain = unpack(packed).unwrap_or_else(|_| Box::new(io::empty()));
    let mut kept = Kept { inner: secrets.reader(plain), bytes: keep.then(Vec::new) };
    let collection = xml::parse(BufReader::with_capacity(BLOCK_BYTES, &mut kept), look);
    (collection, kept.bytes.unwrap_or_default())
}

/// Hands a document without its key over block by block, up to the size that is read.
fn hand_over(
    packed: impl Read + 'static,
    secrets: &Secrets,
    to: &mpsc::Sender<Vec<u8>>,
) -> Result<(), Trouble> {
    let broke_off = |error: io::Error| {
        Trouble::new(FailureKind::Malformed, format!("the document broke off: {error}; look again"))
    };
    let mut plain = secrets.reader(unpack(packed).map_err(broke_off)?).take(DOCUMENT_MAX_BYTES + 1);
    loop {
        let mut block = Vec::with_capacity(BLOCK_BYTES);
        plain.by_ref().take(BLOCK_BYTES as u64).read_to_end(&mut block).map_err(broke_off)?;
        if block.is_empty() {
            break;
        }
        if to.blocking_send(block).is_err() {
            // Nobody takes it any more: who asked knows why.
            return Ok(());
        }
    }
    if plain.limit() > 0 {
        return Ok(());
    }
    let size = DOCUMENT_MAX_BYTES >> 20;
    Err(Trouble::new(
        FailureKind::Malformed,
        format!("the document is larger than {size} MiB; the rest was not read"),
    ))
}

/// Unpacks gzip that no header announced: a key within it could not be seen otherwise.
fn unpack(mut packed: impl Read + 'static) -> io::Result<Box<dyn Read>> {
    let mut first = Vec::with_capacity(2);
    packed.by_ref().take(2).read_to_end(&mut first)?;
    let is_packed = first == [0x1f, 0x8b];
    let whole = io::Cursor::new(first).chain(packed);
    Ok(if is_packed { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) })
}

/// Keeps what is read through it, if it is asked to.
struct Kept<R> {
    inner: R,
    bytes: Option<Vec<u8>>,
}

impl<R: Read> Read for Kept<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if let Some(bytes) = &mut self.bytes {
            bytes.extend_from_slice(&buffer[..count]);
        }
        Ok(count)
    }
}

/// Takes what a thread gave; its panic is ours.
fn joined<T>(result: Result<T, tokio::task::JoinError>) -> Result<T, Trouble> {
    result.map_err(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Trouble::new(FailureKind::TimedOut, "the program ended while the feed was read"),
    })
}

fn failed(look: &Look, trouble: Trouble) -> Collection {
    Collection::failed(look.source.clone(), &DATTO_XML, look.at, trouble.of_source())
}

/// Says why a document broke off: the parser only saw that it did. A look that saw nothing has this one reason.
fn explain_break(mut collection: Collection, trouble: &Trouble, look: &Look) -> Collection {
    if collection.repositories.is_empty() {
        return failed(look, trouble.clone());
    }
    collection.listing = collection.listing.max(Extent::Partial);
    let about_source = |failure: &&mut Failure| failure.place == Place::source();
    match collection.failures.iter_mut().rfind(about_source) {
        Some(failure) => *failure = trouble.clone().of_source(),
        None => collection.failures.push(trouble.clone().of_source()),
    }
    collection
}

/// Returns the host a redirect leads to, where that is another one.
pub(super) fn redirect_host(response: &Response, from: &Url) -> Option<String> {
    let location = response.headers().get("location")?.to_str().ok()?;
    let target = from.join(location).ok()?;
    (target.host_str() != from.host_str()).then(|| address::shown(&target))
}
