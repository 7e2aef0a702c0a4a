//! A mail server that takes every mail and sends none.
//!
//! It speaks SMTP (RFC 5321) on loopback: EHLO, HELO, MAIL, RCPT, DATA, RSET, NOOP, QUIT, several mails per connection,
//! commands sent ahead of their answers (PIPELINING). It has no TLS and no login. What it takes is handed on before it is
//! answered, so that whoever was told "taken" finds it there.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

mod conversation;
mod mail;

pub use conversation::{COMMAND_MAX_BYTES, MAIL_MAX_BYTES, RECIPIENTS_MAX};
pub use mail::Mail;

/// How many connections are open at once; further ones wait.
pub const CONNECTIONS_MAX: usize = 256;

/// How long nothing is accepted after accepting failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// What goes wrong at a mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Every connection is closed as soon as it is accepted.
    Close,
    /// Every mail is refused once it was sent, with this code and text, such as `451 4.3.0 come again later`.
    Refuse(String),
    /// Every answer takes this much longer.
    Delay(Duration),
    /// Every mail is taken, and the connection closed instead of saying so: the sender cannot know, and sends it again.
    TakeUnanswered,
}

/// A mail server on a free port of 127.0.0.1. When it is dropped it is down, its connections broken off.
#[derive(Debug)]
pub struct MailServer {
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    address: SocketAddr,
    fault: RwLock<Option<Fault>>,
    take: Box<dyn Fn(Mail) + Send + Sync>,
    connections: AtomicU64,
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shared").field("address", &self.address).finish_non_exhaustive()
    }
}

impl MailServer {
    /// Starts a server that hands every mail to `take`, from several connections at once, in no set order. Wants a tokio
    /// runtime with its network and timers on; `Err` if no port can be had.
    pub async fn start(take: impl Fn(Mail) + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let shared = Arc::new(Shared {
            address: listener.local_addr()?,
            fault: RwLock::new(None),
            take: Box::new(take),
            connections: AtomicU64::new(0),
        });
        let server = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self { shared, server })
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.shared.address.port()
    }

    /// Puts a fault in the place of the one it had; `None`: nothing goes wrong. Holds from the next command on.
    pub fn replace_fault(&self, fault: Option<Fault>) {
        *self.shared.fault.write().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// How many connections it has accepted.
    pub fn connection_count(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        // The connections belong to that task, and end with it.
        self.server.abort();
    }
}

impl Shared {
    fn fault(&self) -> Option<Fault> {
        self.fault.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut conversations = JoinSet::new();
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("nobody closes it");
        let accepted = listener.accept().await;
        while conversations.try_join_next().is_some() {}
        match accepted {
            Ok((stream, _)) => {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let shared = Arc::clone(&shared);
                conversations.spawn(async move {
                    converse(stream, &shared).await;
                    drop(place);
                });
            }
            // No file is left to open; some connection will end.
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn converse(stream: TcpStream, shared: &Shared) {
    // Answers go out at once; where that cannot be set they go out a little later.
    let _ = stream.set_nodelay(true);
    // A client that went away has ended the conversation.
    let _ = conversation::hold(stream, shared).await;
}
