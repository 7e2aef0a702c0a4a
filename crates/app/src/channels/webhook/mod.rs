//! How is a program somewhere else told over HTTP?
//!
//! One POST of JSON, signed if there is a key. No redirect is followed, no answer read beyond its begin. The address of
//! a webhook is often a secret itself: no message shows more of it than its host.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Certificate, Client, Response, StatusCode, Url};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::Semaphore;

use self::signature::Signer;
use self::template::Template;
use super::error::RETRY_AFTER_MAX;
use super::settings::Mistakes;
use super::words::Words;
use super::{
    Channel, ChannelConfig, ChannelError, Entry, FailureKind, Message, OpenError, Receipt, advice, causes,
    in_time, place, places, tls_trouble,
};
use crate::secret::Secret;

mod signature;
mod template;

/// The channel `webhook`.
pub static ENTRY: Entry = Entry {
    kind: "webhook",
    about: "posts JSON over HTTP, signed",
    address: "any name; the receiver finds it as `to`",
    schema: || schemars::schema_for!(RawWebhook),
    open,
};

/// How long one request may take where the settings do not say.
const DEADLINE: Duration = Duration::from_secs(30);

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How much of an answer is read, in bytes: enough to tell why not.
const ANSWER_MAX_BYTES: usize = 16 * 1024;

/// What we call ourselves.
const USER_AGENT: &str = concat!("lastgood/", env!("CARGO_PKG_VERSION"));

/// Posts JSON over HTTP.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Webhook")]
struct RawWebhook {
    /// Where to post to, if that is no secret. Exactly one of `url`, `url_file`, `url_env` is required. HTTPS, but to
    /// this machine.
    #[schemars(example = &"https://hooks.example.org/lastgood")]
    url: Option<String>,
    /// The file that holds the URL as its only line.
    #[schemars(example = &"/etc/lastgood/chat.url")]
    url_file: Option<PathBuf>,
    /// The environment variable that holds the URL.
    #[schemars(example = &"LASTGOOD_CHAT_URL")]
    url_env: Option<String>,
    /// Whether plain HTTP to another machine is allowed: everybody on the way can read and change what is sent. Unset:
    /// false.
    plain_http: bool,
    /// The file that holds the key for signatures as its only line: `whsec_` and base64, or the key itself, at least 16
    /// bytes. Unset: requests are not signed.
    #[schemars(example = &"/etc/lastgood/webhook.key")]
    secret_file: Option<PathBuf>,
    /// The environment variable that holds the key for signatures.
    #[schemars(example = &"LASTGOOD_WEBHOOK_KEY")]
    secret_env: Option<String>,
    /// The file that holds a token as its only line, sent as `Authorization: Bearer`. Unset: none.
    #[schemars(example = &"/etc/lastgood/webhook.token")]
    token_file: Option<PathBuf>,
    /// The environment variable that holds the token.
    #[schemars(example = &"LASTGOOD_WEBHOOK_TOKEN")]
    token_env: Option<String>,
    /// A file of certificates (PEM) of authorities that are trusted beside those of the system. Unset: none.
    #[schemars(example = &"/etc/lastgood/ca.pem")]
    ca_file: Option<PathBuf>,
    /// The JSON to post, with `{subject}`, `{text}`, `{html}`, `{to}`, `{key}`, `{thread}`, `{written_at}` or `{details}`
    /// in its texts. Unset: an object of these without `html`.
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    body: Option<toml::Table>,
    /// How long one request may take, from 1s to 10min. Unset: 30s.
    #[schemars(example = &"10s")]
    deadline: Option<String>,
}

/// Somebody who takes our requests.
struct Webhook {
    client: Client,
    url: Url,
    signer: Option<Signer>,
    authorization: Option<HeaderValue>,
    template: Option<Template>,
    deadline: Duration,
    places: Semaphore,
    words: Words,
}

impl Channel for Webhook {
    fn send<'a>(
        &'a self,
        message: &'a Message,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<Receipt, ChannelError>> {
        Box::pin(async move {
            message.check()?;
            let _place = place(&self.places).await;
            in_time(self.deadline, self.post(message, at)).await
        })
    }
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("host", &shown(&self.url)).finish_non_exhaustive()
    }
}

impl Webhook {
    async fn post(&self, message: &Message, at: Timestamp) -> Result<Receipt, ChannelError> {
        let body =
            self.template.as_ref().map_or_else(|| message.document(), |template| template.fill(message));
        let body = body.to_string().into_bytes();
        let mut request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", message.key.as_str())
            .header("webhook-timestamp", at.as_second());
        if let Some(signer) = &self.signer {
            request = request.header("webhook-signature", signer.sign(&message.key, at, &body));
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let response = request.body(body).send().await.map_err(|error| self.unsent(&error))?;
        self.read(response, at).await
    }

    /// Reads the answer. Its status decides; what it says is for people.
    async fn read(&self, mut response: Response, at: Timestamp) -> Result<Receipt, ChannelError> {
        let status = response.status();
        let retry_after = retry_after(&response, at);
        let mut body = Vec::new();
        // An answer that breaks off has told its status: that stands.
        while body.len() < ANSWER_MAX_BYTES
            && let Ok(Some(chunk)) = response.chunk().await
        {
            body.extend_from_slice(&chunk[..chunk.len().min(ANSWER_MAX_BYTES - body.len())]);
        }
        let said = self.words.said(&String::from_utf8_lossy(&body));
        if status.is_success() {
            return Ok(Receipt { answer: format!("{} {said}", status.as_u16()).trim_end().to_owned() });
        }
        let kind = kind_of(status);
        let said = if said.is_empty() { said } else { format!(": \"{said}\"") };
        let reason = format!("{} answered {status}{said}; {}", shown(&self.url), advice(kind));
        Err(ChannelError { retry_after, ..ChannelError::new(kind, reason) })
    }

    /// Says why there was no answer. The error itself would show the whole address.
    fn unsent(&self, error: &reqwest::Error) -> ChannelError {
        let causes = causes(error);
        let why = self.words.said(&causes.last().map(ToString::to_string).unwrap_or_default());
        let kind = if causes.iter().any(|error| tls_trouble(*error).is_some()) {
            FailureKind::Unsupported
        } else if causes.iter().any(|error| is_no_http(*error)) {
            FailureKind::Malformed
        } else if error.is_timeout() {
            FailureKind::TimedOut
        } else {
            FailureKind::Unreachable
        };
        let reason = format!("{} gave no answer: {why}; {}", shown(&self.url), advice(kind));
        ChannelError::new(kind, reason)
    }
}

/// What a status means. Only what is said of this very message, or of an address that is gone for good, is for ever: a
/// receiver that is being deployed, or a proxy before it, answers 404 or 400 for a while.
fn kind_of(status: StatusCode) -> FailureKind {
    match status.as_u16() {
        // A redirect is an address that has moved: nobody but the operator says where secrets go.
        300..=399 => FailureKind::Unsupported,
        401 | 403 | 407 => FailureKind::Denied,
        408 => FailureKind::TimedOut,
        425 | 429 | 503 => FailureKind::RateLimited,
        410 | 413 | 422 => FailureKind::Refused,
        500..=599 => FailureKind::Unreachable,
        _ => FailureKind::Malformed,
    }
}

/// How long the answer asks us to wait: seconds or a date, at most an hour.
fn retry_after(response: &Response, at: Timestamp) -> Option<Duration> {
    let written = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if let Ok(seconds) = written.parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let until = DateTimeParser::new().parse_timestamp(written).ok()?;
        Duration::try_from(until.duration_since(at)).unwrap_or_default()
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

/// What of an address may be shown: scheme, host and port.
fn shown(url: &Url) -> String {
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

/// Whether something answered that does not speak HTTP.
fn is_no_http(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse)
}

fn open(config: ChannelConfig) -> Result<Box<dyn Channel>, OpenError> {
    let (mut raw, mut mistakes): (RawWebhook, _) = Mistakes::reading(config);
    let deadline = mistakes.deadline(raw.deadline.take(), DEADLINE);
    let url = address(&mut raw, &mut mistakes);
    let key = mistakes.secret("secret", raw.secret_file, raw.secret_env);
    let token = mistakes.secret("token", raw.token_file, raw.token_env);
    let words = words(url.as_ref(), [&key, &token]);
    let signer = key.and_then(|key| {
        Signer::new(&key).map_err(|why| mistakes.add("secret_file", format!("or `secret_env` {why}"))).ok()
    });
    let authorization = token.and_then(|token| {
        let header = bearer(&token);
        if header.is_none() {
            mistakes.add(
                "token_file",
                "or `token_env` holds characters that no header can; give the token alone",
            );
        }
        header
    });
    let template =
        raw.body.and_then(|body| Template::new(body).map_err(|why| mistakes.add("body", why)).ok());
    let authorities = mistakes.certificates(raw.ca_file.as_deref());
    let channel = url.and_then(|url| {
        let client = client(&url, authorities.as_deref());
        let client =
            client.map_err(|why| mistakes.add("ca_file", format!("HTTP cannot be set up: {why}"))).ok()?;
        Some(Webhook { client, url, signer, authorization, template, deadline, places: places(), words })
    });
    mistakes.check(channel).map(|channel| Box::new(channel) as Box<dyn Channel>)
}

/// Reads the address; nothing that is said of it shows it.
fn address(raw: &mut RawWebhook, mistakes: &mut Mistakes) -> Option<Url> {
    let is_elsewhere = raw.url_file.is_some() || raw.url_env.is_some();
    let secret = mistakes.secret("url", raw.url_file.take(), raw.url_env.take());
    let written = match (raw.url.take(), secret) {
        (Some(_), _) if is_elsewhere => {
            mistakes.add("url", "cannot stand together with `url_file` or `url_env`; remove one");
            return None;
        }
        (Some(url), _) => url,
        (None, Some(secret)) => secret.expose().to_owned(),
        // Why it could not be read is told already.
        (None, None) if is_elsewhere => return None,
        (None, None) => mistakes.required("url", None, "\"https://hooks.example.org/lastgood\"")?,
    };
    let url =
        Url::parse(&written).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(url) = url else {
        mistakes.add("url", "is no address of HTTP; write such as \"https://hooks.example.org/lastgood\"");
        return None;
    };
    if !url.username().is_empty() || url.password().is_some() {
        mistakes.add("url", "holds a user or a password; use `token_file`, or a secret path and `url_file`");
    }
    if url.scheme() == "http" && !raw.plain_http && !is_this_machine(&url) {
        mistakes.add(
            "url",
            "is plain HTTP to another machine; write https, or allow it with `plain_http = true`",
        );
    }
    Some(url)
}

/// Everything an answer could repeat of our secrets.
fn words(url: Option<&Url>, secrets: [&Option<Secret>; 2]) -> Words {
    let mut words = Words::new();
    for secret in secrets.into_iter().flatten() {
        words = words.without(secret.expose());
    }
    let Some(url) = url else { return words };
    words = words.without(url.as_str());
    for part in url.path_segments().into_iter().flatten() {
        words = words.without_part(part);
    }
    for (_, value) in url.query_pairs() {
        words = words.without_part(&value);
    }
    words
}

fn bearer(token: &Secret) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(&format!("Bearer {}", token.expose())).ok()?;
    header.set_sensitive(true);
    Some(header)
}

fn client(url: &Url, authorities: Option<&[u8]>) -> Result<Client, reqwest::Error> {
    let mut builder = Client::builder()
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT);
    if is_this_machine(url) {
        builder = builder.no_proxy();
    }
    if let Some(authorities) = authorities {
        builder = builder.tls_certs_merge(Certificate::from_pem_bundle(authorities)?);
    }
    builder.build()
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
