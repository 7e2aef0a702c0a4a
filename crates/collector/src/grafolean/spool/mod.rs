//! Where do values wait until the backend has taken them, also across a crash?

use std::path::PathBuf;

/// Why a spool cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The folder or what lies in it could not be read or written.
    #[error("the spool in {folder} cannot be used; let this user read and write it, or name another folder")]
    Io {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Somebody else could put values into it.
    #[error("the spool in {folder} may be written by others (mode {mode:o}); run: chmod go-w {folder}")]
    Open {
        /// The folder.
        folder: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Another process uses it.
    #[error("the spool in {0} is used by another process; stop it, or give each bot a folder of its own")]
    InUse(PathBuf),
}
