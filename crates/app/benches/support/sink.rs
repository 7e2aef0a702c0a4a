//! Which mail server takes every mail, and how fast can it be given mails at all? Those of Debian's package postfix.

use std::collections::HashSet;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use lastgood::channels::{self, Channel, ChannelConfig};

/// A mail server that takes everything; dropping it ends it.
pub(super) struct Sink {
    port: u16,
    child: Child,
}

impl Sink {
    pub(super) fn start(options: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let mut command = Command::new("smtp-sink");
        let is_root =
            std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
        if is_root {
            command.args(["-u", "postfix"]);
        }
        command.args(options).arg(format!("127.0.0.1:{port}")).arg("1000");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command
            .spawn()
            .expect("smtp-sink starts: install the Debian package postfix (as root, ./test does it)");
        let sink = Self { port, child };
        for _ in 0..500 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return sink;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("smtp-sink does not listen");
    }

    pub(super) fn channel(&self) -> Arc<dyn Channel> {
        let settings =
            format!("host = '127.0.0.1'\nport = {}\ntls = 'none'\nfrom = 'a@example.org'", self.port);
        let settings = settings.parse().expect("TOML");
        let config = ChannelConfig { name: "mail".to_owned(), settings, ..ChannelConfig::default() };
        let channel = (channels::mail::ENTRY.open)(config).expect("good settings");
        Arc::from(channel)
    }

    /// Lets Postfix's generator send so many mails of so many bytes over 8 connections.
    pub(super) fn smtp_source(&self, count: usize, bytes: usize) {
        let (count, bytes) = (count.to_string(), bytes.to_string());
        let to = format!("127.0.0.1:{}", self.port);
        let mut command = Command::new("smtp-source");
        command.args(["-s", "8", "-m", &count, "-l", &bytes, "-f", "a@example.org", "-t", "u@example.org"]);
        let sent = command.args(["-d", &to]).stdout(Stdio::null()).status();
        assert!(sent.expect("smtp-source starts").success());
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // It has no children; what it was told to keep is on disk.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The sink gives up root's rights and writes as another user. What stands in the folder stays its owner's.
pub(super) fn open_to_everybody(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o1777)).expect("our own folder");
}

/// So many mails were kept, and none twice. Returns how many bytes they have.
pub(super) fn expect_each_once(kept: &Path, count: usize) -> usize {
    let kept = std::fs::read(kept).expect("the sink kept the mails");
    let text = String::from_utf8_lossy(&kept);
    let ids: Vec<&str> = text.lines().filter(|line| line.starts_with("Message-ID: ")).collect();
    let distinct: HashSet<&str> = ids.iter().copied().collect();
    assert_eq!((ids.len(), distinct.len()), (count, count), "each mail arrives exactly once");
    kept.len()
}
