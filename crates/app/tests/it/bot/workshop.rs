//! How are repositories made that a bot can look at? With the real restic and borg.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::support::packages::program;

/// What opens every repository of these tests.
pub(super) const PASSWORD: &str = "geheimes-wort";

/// A folder with a restic and a borg repository.
pub(super) struct Workshop {
    pub(super) folder: TempDir,
}

impl Workshop {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("file"), "content").expect("a writable folder");
        Self { folder }
    }

    pub(super) fn restic_repository(&self) -> PathBuf {
        self.folder.path().join("restic-1")
    }

    pub(super) fn borg_repository(&self) -> PathBuf {
        self.folder.path().join("borg-1")
    }

    /// Makes a restic repository with one backup of the host `web.1`, made now.
    pub(super) fn restic(&self) -> Json {
        self.run_restic(&["init"]);
        self.run_restic(&["backup", "--host", "web.1", "--no-cache", &self.file()]);
        json!({"kind": "restic", "location": self.restic_repository(), "secret": PASSWORD})
    }

    /// Makes a borg repository with one archive of long ago.
    pub(super) fn borg(&self) -> Json {
        self.run_borg(&["init", "--encryption", "repokey"]);
        self.run_borg(&["create", "--timestamp", "2021-06-01T00:00:00", "::db-2021-06-01", &self.file()]);
        json!({"kind": "borg", "location": self.borg_repository(), "secret": PASSWORD})
    }

    fn file(&self) -> String {
        self.folder.path().join("file").to_str().expect("UTF-8").to_owned()
    }

    fn run_restic(&self, arguments: &[&str]) {
        let mut command = Command::new(program("restic"));
        command.arg("--quiet").args(arguments).env("RESTIC_REPOSITORY", self.restic_repository());
        self.run(command.env("RESTIC_PASSWORD", PASSWORD));
    }

    fn run_borg(&self, arguments: &[&str]) {
        let mut command = Command::new(program("borg"));
        command.args(arguments).env("BORG_REPO", self.borg_repository()).env("TZ", "UTC");
        self.run(command.env("BORG_PASSPHRASE", PASSWORD));
    }

    fn run(&self, command: &mut Command) {
        let home = self.folder.path().join("home");
        command.env("HOME", &home).env("BORG_BASE_DIR", &home).stdin(Stdio::null());
        let output = command.output().expect("the program runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
