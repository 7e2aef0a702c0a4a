//! How is the bot run beside a test, watched, and ended?

use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;
use tokio::task::JoinHandle;

use super::grafolean::{Grafolean, TOKEN, wait_showing};
use crate::support::binary::{Ran, answer, program};

/// A bot that runs.
pub(super) struct Running {
    child: Child,
    said: Arc<Mutex<String>>,
    reading: JoinHandle<()>,
    /// Its home, which goes with it.
    _folder: TempDir,
}

impl Running {
    /// Starts the bot with a home of its own, listing its entities anew every second.
    pub(super) fn start(grafolean: &Grafolean, arguments: &[&str]) -> Self {
        Self::start_with(grafolean, arguments, &[])
    }

    pub(super) fn start_with(grafolean: &Grafolean, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let token = folder.path().join("token");
        std::fs::write(&token, format!("{TOKEN}\n")).expect("a writable folder");
        let mut command = program(&["bot"]);
        command.args(arguments).env("HOME", folder.path());
        command.env("BACKEND_URL", grafolean.url()).env("BOT_TOKEN_FROM_FILE", token);
        command.env("JOBS_REFRESH_INTERVAL", "1").envs(variables.iter().copied());
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child =
            tokio::process::Command::from(command).kill_on_drop(true).spawn().expect("the bot starts");
        let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let said = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&said);
        let reading = tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                heard.lock().expect("no panic").push_str(&(line + "\n"));
            }
        });
        Self { child, said, reading, _folder: folder }
    }

    /// All it said on standard error.
    pub(super) fn said(&self) -> String {
        self.said.lock().expect("no panic").clone()
    }

    pub(super) async fn wait_until_said(&self, words: &str) {
        let show = || format!("waited in vain for {words:?} in {}", self.said());
        wait_showing(|| self.said().contains(words), show).await;
    }

    /// Asks it to end, as a container does, and returns its exit code and all it said.
    pub(super) async fn end(self) -> Ran {
        let pid = self.child.id().expect("it runs").to_string();
        let killed = Command::new("sh").args(["-c", &format!("kill -TERM {pid}")]).status();
        assert!(killed.expect("sh runs").success());
        let mut ran = answer(self.child).await;
        self.reading.await.expect("reading does not panic");
        ran.stderr.clone_from(&self.said.lock().expect("no panic"));
        ran
    }
}
