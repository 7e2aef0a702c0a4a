//! How many connections to the mail server are there, and which mail goes over which?
//!
//! As many as there are mails under way. A connection that is free is used again; one that nobody used for a while is closed. It does not
//! know what stands in a mail.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::Server;
use super::connection::Connection;
use super::letter::Letter;
use super::reply::Fate;
use crate::channels::{ChannelError, Receipt};

/// A free connection is closed after this long at the latest twice this long: servers want their places back.
const IDLE: Duration = Duration::from_secs(10);

/// The connections of one channel.
pub(super) struct Pool {
    server: Server,
    free: Arc<Mutex<Free>>,
}

/// Connections nobody uses.
#[derive(Default)]
struct Free {
    /// The last used stands last, with the round in which it came back.
    connections: Vec<(Connection, u64)>,
    /// How often free connections were looked through.
    round: u64,
    /// Whether somebody will look through them.
    is_watched: bool,
}

impl Pool {
    pub(super) fn new(server: Server) -> Self {
        Self { server, free: Arc::default() }
    }

    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    /// Sends a mail.
    ///
    /// 1. Try a free connection. If it turns out to be closed before the mail was sent whole, it failed for having been
    ///    free, and the mail goes over a new one; once the mail was sent whole, nobody knows, and the caller decides.
    /// 2. A connection that can carry another mail is free again, whatever became of this one.
    pub(super) async fn send(&self, letter: &Letter) -> Result<Receipt, ChannelError> {
        if let Some(mut connection) = self.take() {
            match connection.exchange(letter, &self.server).await {
                Ok(receipt) => {
                    self.give_back(connection);
                    return Ok(receipt);
                }
                Err(broken) if broken.fate == Fate::Stale => {}
                Err(broken) => {
                    if broken.fate == Fate::Usable {
                        self.give_back(connection);
                    }
                    return Err(broken.error);
                }
            }
        }
        let mut connection = Connection::open(&self.server).await?;
        let answered = connection.exchange(letter, &self.server).await;
        if answered.as_ref().err().is_none_or(|broken| broken.fate == Fate::Usable) {
            self.give_back(connection);
        }
        answered.map_err(|broken| broken.error)
    }

    fn take(&self) -> Option<Connection> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.connections.pop().map(|(connection, _)| connection)
    }

    fn give_back(&self, connection: Connection) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let round = free.round;
        free.connections.push((connection, round));
        if !free.is_watched {
            free.is_watched = true;
            tokio::spawn(watch(Arc::downgrade(&self.free)));
        }
    }
}

/// Closes connections that nobody used for a whole round, until none is left or the channel is gone.
async fn watch(free: Weak<Mutex<Free>>) {
    loop {
        tokio::time::sleep(IDLE).await;
        let Some(free) = free.upgrade() else { return };
        let (unused, is_over) = free.lock().unwrap_or_else(PoisonError::into_inner).unused();
        for connection in unused {
            connection.close().await;
        }
        if is_over {
            return;
        }
    }
}

impl Free {
    /// Takes out what came back before this round began, and says whether nothing is left to watch.
    fn unused(&mut self) -> (Vec<Connection>, bool) {
        let round = self.round;
        let (old, recent): (Vec<_>, Vec<_>) =
            self.connections.drain(..).partition(|(_, came_back)| *came_back < round);
        self.connections = recent;
        self.round += 1;
        self.is_watched = !self.connections.is_empty();
        (old.into_iter().map(|(connection, _)| connection).collect(), !self.is_watched)
    }
}
