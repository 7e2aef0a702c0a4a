//! How is somebody told by mail?
//!
//! Settings of the channel `mail`, and its parts: `letter` writes, `pool` and `connection` carry, `reply` reads refusals,
//! `wire` and `wrapped` are the socket. TLS is verified, always; a password goes nowhere without it, but to this machine.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;

use self::pool::Pool;
use self::wrapped::Wrapper;
use super::settings::Mistakes;
use super::words::Words;
use super::{
    Channel, ChannelConfig, ChannelError, Entry, Message, OpenError, Receipt, in_time, place, places,
};
use crate::mailbox;
use crate::secret::Secret;

mod connection;
mod letter;
mod pool;
mod reply;
mod wire;
mod wrapped;

/// The channel `mail`.
pub static ENTRY: Entry = Entry {
    kind: "mail",
    about: "mails over SMTP, one to each recipient",
    address: "a mailbox, such as `anna@example.org` or `Anna <anna@example.org>`",
    schema: || schemars::schema_for!(RawMail),
    open,
};

/// How long one mail may take where the settings do not say: connecting, TLS, login and a server that scans it.
const DEADLINE: Duration = Duration::from_mins(1);

/// Mails over SMTP.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Mail")]
struct RawMail {
    /// The mail server. Required.
    #[schemars(example = &"mail.example.org")]
    host: Option<String>,
    /// Its port. Unset: 587 with `starttls`, 465 with `tls`, 25 with `none`.
    #[schemars(example = json!(587))]
    port: Option<u16>,
    /// How the connection is protected: `starttls` (begins in the clear, then TLS or nothing), `tls` from the first
    /// byte, `none`. Certificates are always verified. Unset: `starttls`.
    tls: Option<Tls>,
    /// A file of certificates (PEM) of authorities that are trusted beside those of the system. Unset: none.
    #[schemars(example = &"/etc/lastgood/ca.pem")]
    ca_file: Option<PathBuf>,
    /// Who logs in; needs `password_file` or `password_env`. Unset: nobody does.
    #[schemars(example = &"lastgood@example.org")]
    user: Option<String>,
    /// The file that holds the password as its only line. Not together with `password_env`.
    #[schemars(example = &"/etc/lastgood/mail.password")]
    password_file: Option<PathBuf>,
    /// The environment variable that holds the password. Not together with `password_file`.
    #[schemars(example = &"LASTGOOD_MAIL_PASSWORD")]
    password_env: Option<String>,
    /// Who the mails are from; answers and bounces go there. Required.
    #[schemars(example = &"Backups <backups@example.org>")]
    from: Option<String>,
    /// The name we introduce ourselves with. Unset: the domain of `from`.
    #[schemars(example = &"monitor.example.org")]
    hello: Option<String>,
    /// How long one mail may take, from 1s to 10min. Unset: 1min.
    #[schemars(example = &"30s")]
    deadline: Option<String>,
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Tls {
    /// TLS after STARTTLS; without it nothing is sent.
    #[default]
    Starttls,
    /// TLS from the first byte.
    #[serde(rename = "tls")]
    Wrapped,
    /// None.
    None,
}

/// What is known of the server before anybody connects.
struct Server {
    host: String,
    port: u16,
    security: Security,
    hello_name: ClientId,
    credentials: Option<Credentials>,
    words: Words,
}

/// How connections are protected, made ready.
enum Security {
    Starttls(TlsParameters),
    Tls(Wrapper),
    None,
}

/// A mail server that takes our mails.
struct MailChannel {
    from: Mailbox,
    deadline: Duration,
    places: Semaphore,
    pool: Pool,
}

impl Channel for MailChannel {
    fn send<'a>(
        &'a self,
        message: &'a Message,
        _at: Timestamp,
    ) -> BoxFuture<'a, Result<Receipt, ChannelError>> {
        Box::pin(async {
            message.check()?;
            let letter = letter::write(message, &self.from)?;
            let _place = place(&self.places).await;
            in_time(self.deadline, self.pool.send(&letter)).await
        })
    }
}

impl std::fmt::Debug for MailChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Server { host, port, .. } = self.pool.server();
        f.debug_struct("MailChannel").field("host", host).field("port", port).finish_non_exhaustive()
    }
}

fn open(config: ChannelConfig) -> Result<Box<dyn Channel>, OpenError> {
    let name = config.name.clone();
    let (raw, mut mistakes): (RawMail, _) = Mistakes::reading(config);
    let deadline = mistakes.deadline(raw.deadline.clone(), DEADLINE);
    let from = mistakes.required("from", raw.from.clone(), "\"backups@example.org\"");
    let from = from.and_then(|from| {
        let mailbox = mailbox::read(&from).filter(letter::can_be_sender);
        if mailbox.is_none() {
            mistakes.add("from", "is no mailbox; write such as \"Backups <backups@example.org>\"");
        }
        mailbox
    });
    let server = server(raw, from.as_ref(), &mut mistakes);
    let channel = from.zip(server).map(|(from, server)| {
        if matches!(server.security, Security::None) && !is_this_machine(&server.host) {
            let host = &server.host;
            tracing::warn!(
                "channel {name}: mails to {host} can be read on their way; set `tls` to starttls or tls"
            );
        }
        MailChannel { from, deadline, places: places(), pool: Pool::new(server) }
    });
    mistakes.check(channel).map(|channel| Box::new(channel) as Box<dyn Channel>)
}

fn server(raw: RawMail, from: Option<&Mailbox>, mistakes: &mut Mistakes) -> Option<Server> {
    let tls = raw.tls.unwrap_or_default();
    let host = mistakes.required("host", raw.host, "\"mail.example.org\"");
    let authorities = mistakes.certificates(raw.ca_file.as_deref());
    let has_password = raw.password_file.is_some() || raw.password_env.is_some();
    let password = mistakes.secret("password", raw.password_file, raw.password_env);
    let credentials = match (raw.user, password) {
        (None, None) => None,
        (Some(user), Some(password)) => Some((user, password)),
        // Why it could not be read is told already.
        (Some(_), None) if has_password => None,
        (Some(_), None) => {
            mistakes.required::<()>(
                "password_file",
                None,
                "\"/etc/lastgood/mail.password\", since `user` is set",
            );
            None
        }
        (None, Some(_)) => {
            mistakes.add("user", "is required, since a password is set");
            None
        }
    };
    let hello = raw.hello.or_else(|| from.map(|from| from.email.domain().to_owned()));
    if hello
        .as_ref()
        .is_some_and(|hello| hello.is_empty() || !hello.bytes().all(|byte| byte.is_ascii_graphic()))
    {
        mistakes.add("hello", "is no name of a machine; write such as \"monitor.example.org\"");
    }
    let host = host?;
    if credentials.is_some() && tls == Tls::None && !is_this_machine(&host) {
        mistakes.add(
            "tls",
            "is \"none\", and a password must not go to another machine in the clear; use starttls or tls",
        );
    }
    let security = match security(tls, &host, authorities.as_deref()) {
        Ok(security) => security,
        Err((key, text)) => {
            mistakes.add(key, text);
            return None;
        }
    };
    let port = raw.port.unwrap_or(match tls {
        Tls::Starttls => 587,
        Tls::Wrapped => 465,
        Tls::None => 25,
    });
    let words = credentials.as_ref().map_or_else(Words::new, |(user, password)| words(user, password));
    let credentials =
        credentials.map(|(user, password)| Credentials::new(user, password.expose().to_owned()));
    Some(Server { host, port, security, hello_name: ClientId::Domain(hello?), credentials, words })
}

/// Everything a server could repeat of the password: itself, in base64, and as AUTH PLAIN sends it.
fn words(user: &str, password: &Secret) -> Words {
    let password = password.expose();
    Words::new().without(password).without(&format!("\0{user}\0{password}"))
}

fn security(tls: Tls, host: &str, authorities: Option<&[u8]>) -> Result<Security, (&'static str, String)> {
    if tls == Tls::None {
        return Ok(Security::None);
    }
    // Also where lettre does the rest: it would find a bad name or certificate only at the first mail.
    let wrapper = Wrapper::new(host, authorities)
        .map_err(|why| ("host", format!("TLS with it is impossible: {why}")))?;
    if tls == Tls::Wrapped {
        return Ok(Security::Tls(wrapper));
    }
    let unusable = |_| ("ca_file", "holds a certificate that cannot be used".to_owned());
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(authorities) = authorities {
        builder = builder.add_root_certificate(Certificate::from_pem(authorities).map_err(unusable)?);
    }
    Ok(Security::Starttls(builder.build().map_err(unusable)?))
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
