//! Which certificates of a server are believed?
//!
//! Those of the authorities the system trusts, and of the ones that a file names beside them. There is no way to turn
//! that off.

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;

/// The largest file of certificates, in bytes.
const CA_FILE_MAX_BYTES: u64 = 1024 * 1024;

/// Prepares TLS; `Err` says what is wrong with the file.
pub(super) fn client_config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let authorities = ca_file.map(authorities).transpose()?.unwrap_or_default();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let unusable =
        |error: rustls::Error| format!("a certificate cannot be used: {error}; write another file");
    let verifier = Verifier::new_with_extra_roots(authorities, Arc::clone(&provider)).map_err(unusable)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let shown = path.display();
    let none = || {
        format!("{shown} is no readable file of certificates in PEM; give its path and let this user read it")
    };
    let is_small =
        path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= CA_FILE_MAX_BYTES);
    let text = if is_small { std::fs::read(path).unwrap_or_default() } else { Vec::new() };
    let found = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>().map_err(|_| none())?;
    if found.is_empty() { Err(none()) } else { Ok(found) }
}
