//! Is a customer's folder read, measured and left alone, whatever the customer planted in it?
//!
//! All on a real file system. What a planted link leads to holds [`SECRET`], in its content and in its name: no byte of
//! it may stand in any answer.

mod atime;
mod command;
mod computers;
mod files;
mod hostile;
mod sizes;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use lastgood::tree::{Computer, Found, Home};
use lastgood_core::observation::FailureKind;
use tempfile::TempDir;

/// What must never be seen.
const SECRET: &str = "hunter2-of-somebody-else";

/// The three files of a client.
const FILES: [&str; 3] = ["backupStarted.xml", "backupEnded.xml", "scheduler.xml"];

/// A folder of its own for each test: `home` with an empty `incoming`, and beside it what links lead to.
struct Account(TempDir);

impl Account {
    fn new() -> Self {
        let account = Self(tempfile::tempdir().expect("a folder"));
        fs::create_dir_all(account.path("incoming")).expect("incoming");
        let target = account.target().join(".sepiola_backup");
        fs::create_dir_all(&target).expect("a target");
        for name in FILES {
            fs::write(target.join(name), SECRET).expect("a file of the target");
            fs::write(account.target().join(name), SECRET).expect("a file of the target");
        }
        account
    }

    /// A path below the home.
    fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.0.path().join("home").join(path)
    }

    /// A folder outside of the home that looks like a computer.
    fn target(&self) -> PathBuf {
        self.0.path().join(SECRET)
    }

    /// Writes a file below the home, and its folders.
    fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("its folders");
        fs::write(path, content).expect("a file");
    }

    /// Plants a link below the home.
    fn link(&self, path: impl AsRef<Path>, target: impl AsRef<Path>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("its folders");
        symlink(target, path).expect("a link");
    }

    fn home(&self) -> Home {
        Home::open(None, self.path("").to_str().expect("UTF-8")).expect("the home opens")
    }

    fn computers(&self) -> Vec<Computer> {
        self.home().computers().expect("incoming can be listed")
    }

    /// The only computer there is.
    fn computer(&self) -> Computer {
        let [computer] = self.computers().try_into().expect("one computer");
        computer
    }
}

/// Why something is untrusted; panics where it is trusted or absent, or where a byte of a target is shown.
#[track_caller]
fn untrusted(found: Found) -> (FailureKind, String) {
    assert!(!format!("{found:?}").contains(SECRET), "{found:?}");
    match found {
        Found::Untrusted { kind, reason, .. } => (kind, reason),
        found @ (Found::Absent | Found::There { .. }) => panic!("it is believed: {found:?}"),
    }
}
