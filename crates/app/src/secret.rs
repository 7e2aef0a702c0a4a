//! How is a secret held so that no output, log or error can carry it?

use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A secret: prints as `[redacted]`, is handed out only by [`Secret::expose`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text without surrounding white space: a file's last line break is no part of a secret.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// Returns the secret itself, to be sent and never to be shown.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Where a secret is read from when a source is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretFrom {
    /// An environment variable.
    Environment(String),
    /// A file, read whole.
    File(PathBuf),
    /// The program itself, for a source it made up (the demo).
    Given(Secret),
}

/// Why a secret could not be read; never holds any of it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The environment variable is not set, or is empty.
    #[error("the environment variable {0} is not set or empty; set it, or name a file that holds the secret")]
    NotSet(String),
    /// The file could not be read.
    #[error("the secret file {path} could not be read; give its path and let this user read it")]
    Unreadable {
        /// The path.
        path: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file holds nothing, or more than one line.
    #[error("the secret file {0} must hold exactly one line that is not empty")]
    NotOneLine(String),
}

/// The largest secret file, in bytes: anything larger is another file.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

impl SecretFrom {
    /// Reads the secret.
    pub fn read(&self) -> Result<Secret, SecretError> {
        match self {
            Self::Given(secret) => Ok(secret.clone()),
            Self::Environment(variable) => {
                let value = std::env::var(variable).unwrap_or_default();
                let secret = Secret::new(&value);
                if secret.0.is_empty() { Err(SecretError::NotSet(variable.clone())) } else { Ok(secret) }
            }
            Self::File(path) => {
                let shown = path.display().to_string();
                note_if_exposed(path);
                let text = read_limited(path)
                    .map_err(|source| SecretError::Unreadable { path: shown.clone(), source })?;
                let secret = Secret::new(&text);
                if secret.0.is_empty() || secret.0.lines().count() > 1 {
                    return Err(SecretError::NotOneLine(shown));
                }
                Ok(secret)
            }
        }
    }
}

/// Files of secrets that were read though anybody may read them, each with its mode.
static EXPOSED: Mutex<BTreeMap<PathBuf, u32>> = Mutex::new(BTreeMap::new());

fn note_if_exposed(path: &Path) {
    let Ok(about) = std::fs::metadata(path) else { return };
    let mode = about.permissions().mode() & 0o7777;
    if about.is_file() && mode & 0o004 != 0 {
        EXPOSED.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), mode);
    }
}

/// Returns, once each, a warning for every file of a secret that was read though all users of this machine may read it.
pub fn exposed_files() -> Vec<String> {
    let exposed = std::mem::take(&mut *EXPOSED.lock().unwrap_or_else(PoisonError::into_inner));
    let warning = |(path, mode): (PathBuf, u32)| {
        let path = path.display();
        format!(
            "every user of this machine may read the secret file {path} (mode {mode:04o}); run chmod 600 {path}"
        )
    };
    exposed.into_iter().map(warning).collect()
}

fn read_limited(path: &std::path::Path) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX_SECRET_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_SECRET_BYTES {
        return Err(std::io::Error::other("it is larger than 64 KiB, so it is another file"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        let secret = Secret::new(" hunter2\n");
        assert_eq!(format!("{secret:?}"), "[redacted]");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn a_secret_file_that_anybody_may_read_is_told() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let warnings = |mode: u32| {
            let path = folder.path().join(format!("key-{mode:o}"));
            std::fs::write(&path, "abc").expect("a writable folder");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("our own file");
            note_if_exposed(&path);
            let noted = EXPOSED.lock().expect("no panic").remove(&path);
            noted.map(|mode| format!("{mode:04o}"))
        };
        assert_eq!(warnings(0o600), None);
        assert_eq!(warnings(0o640), None);
        assert_eq!(warnings(0o644).as_deref(), Some("0644"));
    }

    #[test]
    fn a_secret_file_holds_one_line() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("key");
        for (content, ok) in [("abc\n", true), ("", false), ("\n", false), ("a\nb\n", false)] {
            std::fs::write(&path, content).expect("a writable folder");
            assert_eq!(SecretFrom::File(path.clone()).read().is_ok(), ok, "{content:?}");
        }
        assert!(SecretFrom::File(folder.path().join("none")).read().is_err());
        assert!(SecretFrom::Environment("LASTGOOD_TEST_UNSET".to_owned()).read().is_err());
    }
}
