//! How is one server of a directory reached?
//!
//! Socket, TLS, bind, in this order, each within its deadline. It does not know which server comes next.

use std::time::Duration;

use ldap3::{LdapConnAsync, LdapConnSettings};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::error::Asked;
use super::session::Session;
use super::{Ldap, LdapError, Tls};

/// How long one server may take until the next one is tried.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Connects to one server.
///
/// 1. Socket and TLS; a certificate that is not believed ends it before anything is said.
/// 2. The bind. Without a name there is none: a connection is anonymous from the start.
pub(super) async fn connect(ldap: &Ldap, server: &str) -> Result<Session, LdapError> {
    let config = &ldap.config;
    let password = ldap.password.as_ref();
    let asked = Asked { server, operation: "connecting", password };
    let mut settings = LdapConnSettings::new().set_starttls(config.tls == Tls::StartTls);
    if let Some(trust) = &ldap.trust {
        settings = settings.set_config(trust.clone());
    }
    let patience = config.deadline.min(CONNECT_TIMEOUT);
    let connected = timeout(patience, LdapConnAsync::with_settings(settings, server)).await;
    let (connection, mut handle) =
        connected.map_err(|_| asked.timed_out(patience))?.map_err(|error| asked.broken(&error))?;
    // How it ended, the operations that were under way say.
    let carrier = AbortOnDropHandle::new(tokio::spawn(async move {
        connection.drive().await.ok();
    }));
    let mut bind_count = 0;
    if let (Some(bind), Some(password)) = (&config.bind, password) {
        let operation = format!("the bind as `{}`", super::shown(&bind.dn, None));
        let asked = Asked { operation: &operation, ..asked };
        bind_count = 1;
        let answer = timeout(config.deadline, handle.simple_bind(&bind.dn, password.expose())).await;
        let result =
            answer.map_err(|_| asked.timed_out(config.deadline))?.map_err(|error| asked.broken(&error))?;
        if result.rc != 0 {
            return Err(asked.answered(&result));
        }
    }
    Ok(Session::new(handle, carrier, ldap, (server, bind_count)))
}
