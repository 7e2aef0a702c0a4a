//! Which mail server says whatever a test wants it to?
//!
//! Speaks enough SMTP on loopback to be talked to, fails at the step it is told to, and keeps what it took. It does no
//! TLS: that is tested with a real server.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What the server says at each step; a step that is not named is answered as it should be.
#[derive(Clone, Debug, Default)]
pub(super) struct Script(BTreeMap<&'static str, Says>);

/// One answer.
#[derive(Clone, Debug)]
pub(super) enum Says {
    /// This, with a line break behind it.
    Line(String),
    /// Nothing, for ever.
    Nothing,
    /// Nothing, and it closes the connection.
    Goodbye,
    /// Letters without end.
    Flood,
}

impl Script {
    /// Says something else at `greeting`, `EHLO`, `STARTTLS`, `AUTH`, `MAIL`, `RCPT`, `DATA`, `mail` (all of it was
    /// sent), at the recipient `RCPT TO:<…>`, or at `MAIL again`, every mail of a connection but its first.
    pub(super) fn at(mut self, step: &'static str, says: Says) -> Self {
        self.0.insert(step, says);
        self
    }

    pub(super) fn line(self, step: &'static str, line: impl Into<String>) -> Self {
        self.at(step, Says::Line(line.into()))
    }
}

/// What the server saw.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// How many connections there were.
    pub(super) connection_count: usize,
    /// The most connections at one time.
    pub(super) most_at_once: usize,
    open: usize,
    /// Every command, in order.
    pub(super) commands: Vec<String>,
    /// Every mail that was sent whole, taken or not.
    pub(super) mails: Vec<String>,
}

/// A server that runs until the runtime ends.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) port: u16,
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    pub(super) async fn start(script: Script) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let server = Self { port, seen: Arc::default() };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (serving, script) = (serving.clone(), script.clone());
                tokio::spawn(async move {
                    serving.opened();
                    // A client that goes away has ended the conversation.
                    let _ = serving.converse(stream, &script).await;
                    serving.state().open -= 1;
                });
            }
        });
        server
    }

    pub(super) fn seen(&self) -> Seen {
        self.state().clone()
    }

    fn state(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("nobody panics with it")
    }

    fn opened(&self) {
        let mut state = self.state();
        state.connection_count += 1;
        state.open += 1;
        state.most_at_once = state.most_at_once.max(state.open);
    }

    async fn converse(&self, stream: TcpStream, script: &Script) -> Option<()> {
        let mut stream = BufReader::new(stream);
        say(&mut stream, script.0.get("greeting"), "220 test ESMTP").await?;
        let mut mail_count = 0;
        loop {
            let command = line(&mut stream).await?;
            self.state().commands.push(command.clone());
            let verb = command.split([' ', ':']).next().unwrap_or_default().to_owned();
            mail_count += usize::from(verb == "MAIL");
            let again = if verb == "MAIL" && mail_count > 1 { script.0.get("MAIL again") } else { None };
            let scripted =
                again.or_else(|| script.0.get(command.as_str())).or_else(|| script.0.get(verb.as_str()));
            let usual = match verb.as_str() {
                "EHLO" => "250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN",
                "AUTH" => "235 welcome",
                "DATA" => "354 go on",
                "QUIT" => "221 bye",
                _ => "250 ok",
            };
            say(&mut stream, scripted, usual).await?;
            let may_send =
                !scripted.is_some_and(|says| !matches!(says, Says::Line(line) if line.starts_with("354")));
            if verb == "DATA" && may_send {
                let mail = mail(&mut stream).await?;
                self.state().mails.push(mail);
                say(&mut stream, script.0.get("mail"), "250 2.0.0 taken").await?;
            }
            if verb == "QUIT" {
                return Some(());
            }
        }
    }
}

async fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let count = stream.read_line(&mut line).await.ok()?;
    (count > 0).then(|| line.trim_end().to_owned())
}

/// Reads to the lone dot.
async fn mail(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut mail = String::new();
    while !mail.ends_with("\r\n.\r\n") {
        if stream.read_line(&mut mail).await.ok()? == 0 {
            return None;
        }
    }
    Some(mail)
}

async fn say(stream: &mut BufReader<TcpStream>, scripted: Option<&Says>, usual: &str) -> Option<()> {
    let line = match scripted {
        None => usual,
        Some(Says::Line(line)) => line,
        Some(Says::Goodbye) => return None,
        Some(Says::Nothing) => {
            // Until the client goes away.
            while stream.read_u8().await.is_ok() {}
            return None;
        }
        Some(Says::Flood) => loop {
            stream.write_all(&[b'2'; 4096]).await.ok()?;
        },
    };
    stream.write_all(format!("{line}\r\n").as_bytes()).await.ok()
}
