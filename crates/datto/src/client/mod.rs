//! How is a fleet fetched from the portal?
//!
//! Two clients: [`XmlClient`] asks one of the XML feeds, [`RestClient`] the REST API. Both only ever send GET, follow no
//! redirect, and turn whatever happens into a [`Collection`](lastgood_core::observation::Collection): what could not be
//! seen is a failure in it that says what to do. Each look has a deadline; what was read until then stands.
//!
//! Keys go over HTTPS alone (plain HTTP only to this machine) and stand in no error, log or document.
//!
//! TLS is rustls, and which cryptography it uses is the choice of the program: install one first in `main`, such as
//! `rustls::crypto::ring::default_provider().install_default()`; without one both constructors are an `Err`.

mod address;
mod redact;
mod trouble;
mod rest;
mod xml;

use std::time::Duration;

pub use self::rest::{REST_API, Rate, RestClient, RestLimits};
pub use self::xml::{OLD_FEED, PORTAL_FEED, RawError, XML_STATUS_FEED, XmlClient, XmlLimits};

/// Why a client cannot be made; never holds a key.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address cannot be used.
    #[error("{0}")]
    Address(&'static str),
    /// The program chose no cryptography for TLS.
    #[error(
        "no cryptography for TLS is installed; call rustls::crypto::ring::default_provider().install_default() \
         first in main"
    )]
    NoTlsProvider,
    /// The HTTP client could not be set up.
    #[error("the HTTP client could not be set up")]
    Http(#[source] reqwest::Error),
}

/// How long connecting may take by default.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What we call ourselves.
const USER_AGENT: &str = concat!("lastgood-datto/", env!("CARGO_PKG_VERSION"));

/// Sets up HTTP: no redirects, and no proxy to this machine.
fn http(connect_timeout: Duration, is_local: bool) -> Result<reqwest::Client, ClientError> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        return Err(ClientError::NoTlsProvider);
    }
    let builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(connect_timeout);
    let builder = if is_local { builder.no_proxy() } else { builder };
    builder.build().map_err(ClientError::Http)
}
