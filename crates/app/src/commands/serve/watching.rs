//! How does the demonstration run the daemon? As `lastgood serve` does, with another reason to end.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

use super::daemon::Daemon;
use super::{Arguments, read};
use crate::commands::looking::{Trouble, complain};
use crate::exit::Exit;
use crate::watch::Published;

/// A daemon that runs until it is stopped.
pub(in crate::commands) struct Watching(Daemon);

impl Watching {
    /// Starts it with this configuration file; what is wrong is said.
    pub(in crate::commands) async fn start(file: &Path) -> Result<Self, Exit> {
        let read = read(&Arguments { config: Some(file.to_path_buf()) }).map_err(Trouble::say)?;
        let daemon = Daemon::start(read).await.map_err(|error| complain(&error, error.exit()))?;
        Ok(Self(daemon))
    }

    /// Follows what it decides.
    pub(in crate::commands) fn follow(&self) -> watch::Receiver<Arc<Published>> {
        self.0.follow()
    }

    /// Ends it.
    pub(in crate::commands) async fn stop(self) {
        self.0.stop().await;
    }
}
