//! How is an LDAP directory asked, and where does it keep what?
//!
//! Connections, searches and modifications, whole or as an error; it knows no check, no recipient and no source.
//! [`Layout`] says where accounts, people and resellers stand.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lastgood_core::id::Escaped;
use rustls::ClientConfig;

use crate::causes;
use crate::secret::{Secret, SecretError, SecretFrom};

mod address;
mod connection;
mod entry;
mod error;
mod escape;
mod layout;
mod session;
mod trust;

pub use address::server_url;
pub use entry::Entry;
pub use error::LdapError;
pub use escape::{
    dn_value, filter_value, is_attribute, is_dn, is_filter, normalised_dn, normalised_value, rdn_values,
};
pub use layout::{Field, Layout};
pub use session::{Change, Found, Session};

/// How long one operation may take where the configuration does not say.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// How many entries are asked for at once where the configuration does not say: what Active Directory gives at most.
pub const PAGE_SIZE: i32 = 1000;

/// How a connection is kept from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// It begins in the clear and is encrypted before anything is said.
    StartTls,
    /// It is encrypted from its first byte on.
    Ldaps,
    /// It stays in the clear.
    None,
}

impl Tls {
    /// Every way, the usual one first.
    pub const ALL: [Self; 3] = [Self::StartTls, Self::Ldaps, Self::None];

    /// Returns its word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StartTls => "starttls",
            Self::Ldaps => "ldaps",
            Self::None => "none",
        }
    }
}

/// Who we say we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind {
    /// The name of our entry.
    pub dn: String,
    /// Where its password is read from.
    pub password: SecretFrom,
}

/// How a directory is reached, every value valid on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LdapConfig {
    /// The servers, in the order they are tried; at least one, each as [`server_url`] takes it.
    pub servers: Vec<String>,
    /// The entry everything stands below.
    pub base: String,
    /// How connections are kept from others.
    pub tls: Tls,
    /// Certificates of authorities in PEM that are trusted beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// Who we say we are; `None` is anonymous.
    pub bind: Option<Bind>,
    /// How long one operation may take: a connection, a bind, a page, a modification.
    pub deadline: Duration,
    /// How many entries are asked for at once; above 0.
    pub page_size: i32,
}

impl LdapConfig {
    /// A directory of which only this is set: anonymous, over `StartTLS`.
    pub fn new(servers: Vec<String>, base: &str) -> Self {
        Self {
            servers,
            base: base.to_owned(),
            tls: Tls::StartTls,
            ca_file: None,
            bind: None,
            deadline: DEADLINE,
            page_size: PAGE_SIZE,
        }
    }
}

/// `[directory.ldap]`: a directory, and what follows from its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LdapDirectory {
    /// How it is reached.
    pub ldap: LdapConfig,
    /// Where it keeps what.
    pub layout: Layout,
    /// The name of the channel that people are mailed through.
    pub mail_channel: String,
    /// The name of the channel for those who want short messages; `None`: they are not told.
    pub sms_channel: Option<String>,
    /// Where somebody changes what they are told, with `{uid}` for the account.
    pub settings_url: Option<String>,
    /// The language of those whose entries name none.
    pub language: String,
    /// The folder with texts that stand above ours.
    pub templates: Option<PathBuf>,
    /// The mailbox that messages come from, where no reseller sets another one.
    pub from: Option<String>,
}

impl LdapDirectory {
    /// The channel that people are mailed through where none is named and none is of the kind mail.
    pub const MAIL_CHANNEL: &str = "mail";

    /// The language of those whose entries name none, unless said.
    pub const LANGUAGE: &str = "en-GB";

    /// A directory of which only this is set.
    pub fn new(ldap: LdapConfig) -> Self {
        let layout = Layout::new(&ldap.base);
        Self {
            ldap,
            layout,
            mail_channel: Self::MAIL_CHANNEL.to_owned(),
            sms_channel: None,
            settings_url: None,
            language: Self::LANGUAGE.to_owned(),
            templates: None,
            from: None,
        }
    }
}

/// Why a directory could not be opened: a mistake in the configuration.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The password could not be read.
    #[error("the password of the directory `ldap` cannot be read")]
    Password(#[from] SecretError),
    /// A server is not written as one.
    #[error("`servers` of the directory `ldap`: {0}")]
    Server(String),
    /// There is none.
    #[error("the directory `ldap` has no server; write for example servers = [\"ldap://ldap.example.org\"]")]
    NoServer,
    /// The certificates are none.
    #[error("`ca_file` of the directory `ldap`: {0}")]
    Authorities(String),
}

/// A directory that can be connected to, again and again.
#[derive(Clone)]
pub struct Ldap {
    config: LdapConfig,
    trust: Option<Arc<ClientConfig>>,
    password: Option<Secret>,
}

impl fmt::Debug for Ldap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ldap").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Ldap {
    /// Reads the password and the certificates, checks the servers; connects to none. Warns of connections in the clear
    /// to another machine.
    pub fn open(config: LdapConfig) -> Result<Self, OpenError> {
        if config.servers.is_empty() {
            return Err(OpenError::NoServer);
        }
        for server in &config.servers {
            let url = server_url(server, config.tls).map_err(OpenError::Server)?;
            if config.tls == Tls::None && !address::is_loopback(&url) {
                tracing::warn!(
                    "the directory `ldap` is asked in the clear at {}: everybody on the way reads what it says{}; set \
                     tls = \"starttls\"",
                    Escaped(server),
                    if config.bind.is_some() { " and the password" } else { "" }
                );
            }
        }
        let trust = match config.tls {
            Tls::StartTls | Tls::Ldaps => {
                let trust = trust::client_config(config.ca_file.as_deref());
                Some(trust.map_err(OpenError::Authorities)?)
            }
            Tls::None => None,
        };
        let password = config.bind.as_ref().map(|bind| bind.password.read()).transpose()?;
        Ok(Self { config, trust, password })
    }

    /// Connects to the first server that takes us, in the order of the configuration.
    ///
    /// The error says why each did not. Where one of them refused us, that is what it is about: the others being down is
    /// not what somebody has to repair first.
    pub async fn connect(&self) -> Result<Session, LdapError> {
        let mut failures = Vec::new();
        for server in &self.config.servers {
            match connection::connect(self, server).await {
                Ok(session) => return Ok(session),
                Err(failure) => failures.push(failure),
            }
        }
        Err(LdapError::of_all(failures))
    }
}

/// Says an error of another crate in one line, without our password, escaped and cut.
fn said(error: &dyn std::error::Error, password: Option<&Secret>) -> String {
    shown(&causes::said(error), password)
}

/// The longest text of a server that is repeated, in characters.
const SHOWN_MAX: usize = 300;

/// Shows text of a server without our password, escaped and cut.
fn shown(text: &str, password: Option<&Secret>) -> String {
    let text = password.map_or(text.to_owned(), |password| text.replace(password.expose(), "[redacted]"));
    Escaped(&text).to_string().chars().take(SHOWN_MAX).collect()
}
