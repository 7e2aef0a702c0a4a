//! How is TLS begun before anybody says a word (port 465)?
//!
//! lettre begins it after STARTTLS only, or on a socket of its own. Certificates are verified as reqwest does for
//! sources: by what the system trusts, and the authorities that were named beside it. There is no way to turn that off.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use lettre::transport::smtp::client::AsyncTokioStream;
use rustls::ClientConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::wire::Wire;

/// Begins TLS with one server.
#[derive(Clone)]
pub(super) struct Wrapper {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Wrapper {
    /// Prepares TLS with a server of that name; `Err` says what is wrong with the settings.
    pub(super) fn new(host: &str, authorities: Option<&[u8]>) -> Result<Self, String> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| "is neither a name nor an address".to_owned())?;
        let provider = CryptoProvider::get_default().ok_or("no cryptography for TLS is installed")?;
        let authorities = CertificateDer::pem_slice_iter(authorities.unwrap_or_default());
        let authorities = authorities.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
        let verifier = Verifier::new_with_extra_roots(authorities, Arc::clone(provider));
        let verifier = verifier.map_err(|error| error.to_string())?;
        let config = ClientConfig::builder_with_provider(Arc::clone(provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }

    /// Begins TLS on a socket.
    pub(super) async fn begin(&self, wire: Wire) -> io::Result<Wrapped> {
        self.connector.connect(self.name.clone(), wire).await.map(Wrapped)
    }
}

/// A socket inside TLS.
#[derive(Debug)]
pub(super) struct Wrapped(TlsStream<Wire>);

impl AsyncRead for Wrapped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, out)
    }
}

impl AsyncWrite for Wrapped {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

impl AsyncTokioStream for Wrapped {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().0.peer_addr()
    }
}
