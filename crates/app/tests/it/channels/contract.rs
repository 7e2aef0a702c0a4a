//! Does every channel keep every promise of a channel?
//!
//! One stage per channel plays every failure; one suite runs on all of them. A secret stands in every place another side
//! can repeat it from.

use std::fmt::Debug;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use lastgood::channels::{self, Channel, FailureKind, MESSAGE_MAX_BYTES, Message, Repeat};
use rstest::rstest;
use serde_json::json;
use tempfile::TempDir;
use tracing_subscriber::fmt::MakeWriter;

use super::receiver::{Answers, Receiver};
use super::smtp::{Says, Script, Server};
use super::{SECRET, instant, message, opened};

/// What the other side plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plays {
    Taking,
    Nobody,
    Silence,
    LockedDoor,
    LaterPlease,
    Gibberish,
    Never,
    WrongSetting,
}

const FAILURES: [(Plays, FailureKind, Repeat); 7] = [
    (Plays::Nobody, FailureKind::Unreachable, Repeat::Soon),
    (Plays::Silence, FailureKind::TimedOut, Repeat::Soon),
    (Plays::LockedDoor, FailureKind::Denied, Repeat::Late),
    (Plays::LaterPlease, FailureKind::RateLimited, Repeat::Soon),
    (Plays::Gibberish, FailureKind::Malformed, Repeat::Late),
    (Plays::Never, FailureKind::Refused, Repeat::Never),
    (Plays::WrongSetting, FailureKind::Unsupported, Repeat::Late),
];

/// A channel on a stage.
struct Stage {
    channel: Box<dyn Channel>,
    /// What came through, one entry per message.
    received: Box<dyn Fn() -> Vec<String>>,
    _folder: TempDir,
}

type Open = fn(Plays) -> BoxFuture<'static, Stage>;

#[rstest]
#[case::mail(mail)]
#[case::webhook(webhook)]
#[case::command(command)]
#[tokio::test]
async fn every_failure_has_its_kind_and_no_secret(#[case] open: Open) {
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    for (plays, kind, repeat) in FAILURES {
        let stage = open(plays).await;
        let message = message("m-1");
        let sending = stage.channel.send(&message, instant());
        let answer = tokio::time::timeout(Duration::from_mins(1), sending).await.expect("an end in time");
        let error = answer.expect_err("a failure");
        assert_eq!((error.kind, channels::repeat(error.kind)), (kind, repeat), "{plays:?}: {error}");
        assert_eq!(error.is_worth_retrying(), repeat != Repeat::Never);
        assert!(error.reason.len() < 1000 && !error.reason.chars().any(char::is_control), "{error}");
        assert!(error.reason.starts_with(char::is_lowercase), "{error}");
        shows_no_secret(&[&error, &error.to_string(), &stage.channel]);
    }
    drop(guard);
    assert!(!log.text().contains(SECRET), "{}", log.text());
}

#[rstest]
#[case::mail(mail)]
#[case::webhook(webhook)]
#[case::command(command)]
#[tokio::test]
async fn what_is_taken_has_a_receipt_without_secrets(#[case] open: Open) {
    let stage = open(Plays::Taking).await;
    let receipt = stage.channel.send(&message("m-1"), instant()).await.expect("it is taken");
    assert!(receipt.answer.contains("taken"), "{receipt:?}");
    shows_no_secret(&[&receipt]);
    assert_eq!((stage.received)().len(), 1);
}

#[rstest]
#[case::mail(mail)]
#[case::webhook(webhook)]
#[case::command(command)]
#[tokio::test]
async fn the_same_message_sent_twice_carries_the_same_key(#[case] open: Open) {
    let stage = open(Plays::Taking).await;
    for message in [message("m-7"), message("m-7"), message("m-8")] {
        stage.channel.send(&message, instant()).await.expect("it is taken");
    }
    let received = (stage.received)();
    let carry = |key: &str| received.iter().filter(|message| message.contains(key)).count();
    assert_eq!((received.len(), carry("m-7"), carry("m-8")), (3, 2, 1));
}

#[rstest]
#[case::mail(mail)]
#[case::webhook(webhook)]
#[case::command(command)]
#[tokio::test]
async fn hostile_content_stays_where_it_belongs(#[case] open: Open) {
    let stage = open(Plays::Taking).await;
    let hostile = Message {
        subject: "BAD\r\nBcc: eve@example.org\r\n\r\n\0$(touch owned) `id` \"; exit 9 #".to_owned(),
        text: format!("a\r\n.\r\nMAIL FROM:<eve@example.org>\r\n\0{}", "ä".repeat(500_000)),
        html: Some("<p>&lt;script&gt;</p>\r\n.\r\nQUIT\r\n\0".to_owned()),
        details: json!({ "\"}": "\0\r\n'" }),
        ..message("m-1")
    };
    for message in [hostile, message("m-2")] {
        stage.channel.send(&message, instant()).await.expect("it is taken");
    }
    let received = (stage.received)();
    assert_eq!(received.len(), 2, "nothing broke out into a message of its own");
    assert!(!received[0].lines().any(|line| line.starts_with("Bcc:") || line == "QUIT\r"));
    assert!(received[1].contains("m-2"));
}

#[rstest]
#[case::mail(mail)]
#[case::webhook(webhook)]
#[case::command(command)]
#[tokio::test]
async fn what_no_channel_should_carry_is_refused_before_anybody_hears_of_it(#[case] open: Open) {
    let stage = open(Plays::Taking).await;
    let mut broken_address = message("m-1");
    broken_address.address.to = "anna@example.org\r\nRCPT TO:<eve@example.org>".to_owned();
    let too_large = Message { text: "x".repeat(MESSAGE_MAX_BYTES), ..message("m-1") };
    for message in [broken_address, too_large] {
        let error = stage.channel.send(&message, instant()).await.expect_err("a refusal");
        assert_eq!(error.kind, FailureKind::Refused, "{error}");
    }
    assert_eq!((stage.received)(), Vec::<String>::new());
}

#[test]
fn every_kind_of_channel_is_on_stage() {
    let kinds: Vec<_> = channels::ALL.into_iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, ["mail", "webhook", "command"]);
}

fn shows_no_secret(shown: &[&dyn Debug]) {
    for shown in shown {
        let shown = format!("{shown:?}");
        assert!(!shown.contains(SECRET), "{shown}");
    }
}

/// A folder with the secret in the file `secret`.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("secret"), SECRET).expect("a writable folder");
    folder
}

/// How long a stage may take: only the one that says nothing is meant to meet it.
fn deadline(plays: Plays) -> &'static str {
    if plays == Plays::Silence { "1s" } else { "1min" }
}

fn mail(plays: Plays) -> BoxFuture<'static, Stage> {
    Box::pin(async move {
        let script = Script::default();
        let script = match plays {
            Plays::Taking => script.line("mail", format!("250 taken {SECRET}")),
            Plays::Nobody | Plays::WrongSetting => script,
            Plays::Silence => script.at("RCPT", Says::Nothing),
            Plays::LockedDoor => script.line("AUTH", format!("535 5.7.8 not with {SECRET}")),
            Plays::LaterPlease => script.line("RCPT", format!("450 4.2.0 {SECRET}: come\x07 again")),
            Plays::Gibberish => script.line("greeting", format!("* OK IMAP4rev1 {SECRET}")),
            Plays::Never => script.line("RCPT", format!("550 5.1.1 {SECRET}: nobody\x1b[2J here")),
        };
        let server = Server::start(script).await;
        let port = if plays == Plays::Nobody { nobodys_port().await } else { server.port };
        let tls = if plays == Plays::WrongSetting { "starttls" } else { "none" };
        let settings = format!(
            "host = '127.0.0.1'\nport = {port}\ntls = '{tls}'\nfrom = 'backups@example.org'\nuser = 'lastgood'\n\
             password_file = 'secret'\ndeadline = '{}'",
            deadline(plays)
        );
        let folder = folder();
        let channel = opened("mail", folder.path(), &settings);
        let received = Box::new(move || server.seen().mails);
        Stage { channel, received, _folder: folder }
    })
}

fn webhook(plays: Plays) -> BoxFuture<'static, Stage> {
    Box::pin(async move {
        let answers = match plays {
            Plays::Taking => Answers::status(200, "", &format!("taken {SECRET}")),
            Plays::Nobody | Plays::WrongSetting => Answers::status(200, "", ""),
            Plays::Silence => Answers::Nothing,
            Plays::LockedDoor => Answers::status(401, "", &format!("not with {SECRET}")),
            Plays::LaterPlease => Answers::status(429, "Retry-After: 120\r\n", SECRET),
            Plays::Gibberish => Answers::Bytes(format!("220 {SECRET} ESMTP\r\n")),
            Plays::Never => Answers::status(410, "", &format!("\x1b[2J no {SECRET} here")),
        };
        let receiver = Receiver::start(answers).await;
        let port = if plays == Plays::Nobody { nobodys_port().await } else { receiver.port };
        let scheme = if plays == Plays::WrongSetting { "https" } else { "http" };
        let folder = folder();
        let url = format!("{scheme}://127.0.0.1:{port}/hook/{SECRET}?token={SECRET}");
        std::fs::write(folder.path().join("url"), url).expect("a writable folder");
        let settings = format!(
            "url_file = 'url'\nsecret_file = 'secret'\ntoken_file = 'secret'\ndeadline = '{}'",
            deadline(plays)
        );
        let channel = opened("webhook", folder.path(), &settings);
        let bodies = Box::new(move || {
            let bodies = receiver.requests().into_iter().map(|request| request.body);
            bodies.map(|body| String::from_utf8(body).expect("JSON is UTF-8")).collect()
        });
        Stage { channel, received: bodies, _folder: folder }
    })
}

fn command(plays: Plays) -> BoxFuture<'static, Stage> {
    Box::pin(async move {
        let folder = folder();
        let line = match plays {
            Plays::Taking => "cat >\"$LASTGOOD_KEY.$$\"; echo taken $PAGER_TOKEN",
            Plays::Nobody => "kill -9 $$",
            Plays::Silence => "echo $PAGER_TOKEN >&2; sleep 600",
            Plays::LockedDoor => "echo not with $PAGER_TOKEN >&2; exit 77",
            Plays::LaterPlease => "printf 'no \\a line %s\\n' $PAGER_TOKEN >&2; exit 75",
            Plays::Gibberish => "exec cat /dev/zero",
            Plays::Never => "printf 'a\\n\\033[2J%s' $PAGER_TOKEN >&2; exit 67",
            Plays::WrongSetting => "",
        };
        let script = format!("cd {}; {line}", folder.path().display());
        let program = if plays == Plays::WrongSetting { "./nowhere" } else { "/bin/sh" };
        let settings = format!(
            "command = ['{program}', '-c', '''{script}''']\nenvironment = ['PAGER_TOKEN']\ndeadline = '{}'",
            deadline(plays)
        );
        let channel = opened("command", folder.path(), &settings);
        let place = folder.path().to_owned();
        let received = Box::new(move || inputs(&place));
        Stage { channel, received, _folder: folder }
    })
}

/// What the programs read, the first one first.
fn inputs(folder: &std::path::Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path());
    let mut files: Vec<PathBuf> =
        files.filter(|file| file.file_name().is_some_and(|name| name != "secret")).collect();
    files.sort();
    files.into_iter().map(|file| std::fs::read_to_string(file).expect("JSON is UTF-8")).collect()
}

/// A port that was free a moment ago.
async fn nobodys_port() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("nobody panics with it")).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics with it").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
