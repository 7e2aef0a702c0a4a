//! Does the mail server behave as it says, seen by a plain connection? Nothing here knows the channel that lastgood has.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic like tests")]

use std::sync::Arc;
use std::time::Duration;

use lastgood_simulator::smtp::{COMMAND_MAX_BYTES, Fault, MAIL_MAX_BYTES, Mail, MailServer, RECIPIENTS_MAX};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// A server, and what it took.
async fn server() -> (MailServer, mpsc::UnboundedReceiver<Mail>) {
    let (sender, taken) = mpsc::unbounded_channel();
    let server = MailServer::start(move |mail| sender.send(mail).unwrap()).await.unwrap();
    (server, taken)
}

struct Client(BufReader<TcpStream>);

impl Client {
    /// Connects, and reads the greeting.
    async fn greeted(server: &MailServer) -> Self {
        let mut client = Self::connected(server).await;
        assert!(client.answer().await.starts_with("220 "));
        client
    }

    async fn connected(server: &MailServer) -> Self {
        Self(BufReader::new(TcpStream::connect(("127.0.0.1", server.port())).await.unwrap()))
    }

    /// The last line of an answer; empty once the server has closed the connection.
    async fn answer(&mut self) -> String {
        loop {
            let mut line = String::new();
            // A connection that is broken off is closed, too.
            if self.0.read_line(&mut line).await.is_err() {
                return String::new();
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_owned();
            }
        }
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// Sends a line and returns the code of the answer.
    async fn say(&mut self, line: &str) -> String {
        self.send(format!("{line}\r\n").as_bytes()).await;
        self.answer().await.chars().take(3).collect()
    }

    /// Sends a mail from its first command to its last dot, and returns the code of the last answer.
    async fn mail(&mut self, to: &[&str], content: &[u8]) -> String {
        assert_eq!(self.say("MAIL FROM:<us@example.org> SIZE=9").await, "250");
        for to in to {
            assert_eq!(self.say(&format!("RCPT TO:<{to}>")).await, "250");
        }
        assert_eq!(self.say("DATA").await, "354");
        self.send(content).await;
        self.say("\r\n.").await
    }
}

#[tokio::test]
async fn several_mails_on_one_connection_arrive_as_they_were_sent() {
    let (server, mut taken) = server().await;
    let mut client = Client::greeted(&server).await;
    assert_eq!(client.say("EHLO here").await, "250");
    assert_eq!(
        client.mail(&["a@x", "b@x"], b"Subject: 1\r\n\r\n..\r\n...\r\n.a\r\nlone\n.\nLF").await,
        "250"
    );
    assert_eq!(client.say("noop").await, "250");
    assert_eq!(client.mail(&["c@x"], b"Subject: 2\r\n\r\n").await, "250");
    assert_eq!(client.say("QUIT").await, "221");
    assert_eq!(client.answer().await, "");
    let first = taken.recv().await.unwrap();
    assert_eq!((first.from.as_str(), first.to), ("us@example.org", vec!["a@x".to_owned(), "b@x".to_owned()]));
    assert_eq!(String::from_utf8(first.raw).unwrap(), "Subject: 1\r\n\r\n.\r\n..\r\n.a\r\nlone\n.\nLF\r\n");
    assert_eq!(taken.recv().await.unwrap().header("Subject").as_deref(), Some("2"));
    assert_eq!(server.connection_count(), 1);
}

#[tokio::test]
async fn commands_may_come_ahead_of_their_answers() {
    let (server, mut taken) = server().await;
    let mut client = Client::greeted(&server).await;
    client.send(b"HELO here\r\nMAIL FROM:<>\r\nRCPT TO:<a@x>\r\nDATA\r\n").await;
    client.send(b"x\r\n.\r\nQUIT\r\n").await;
    for code in ["250", "250", "250", "354", "250", "221"] {
        assert!(client.answer().await.starts_with(code));
    }
    assert_eq!(taken.recv().await.unwrap().from, "");
}

#[tokio::test]
async fn what_is_out_of_order_or_unknown_is_refused_and_nothing_taken() {
    let (server, mut taken) = server().await;
    let mut client = Client::greeted(&server).await;
    let table = [
        ("DATA", "503"),
        ("RCPT TO:<a@x>", "503"),
        ("MAIL from somebody", "501"),
        ("MAIL FROM:<us@x>", "250"),
        ("MAIL FROM:<us@x>", "503"),
        ("RCPT a@x", "501"),
        ("RCPT TO:<>", "553"),
        ("DATA", "503"),
        ("RCPT TO:<a@x>", "250"),
        ("RSET", "250"),
        ("DATA", "503"),
        ("STARTTLS", "502"),
        ("", "502"),
    ];
    for (line, code) in table {
        assert_eq!(client.say(line).await, code, "{line}");
    }
    drop(client);
    drop(server);
    assert!(taken.recv().await.is_none());
}

#[tokio::test]
async fn no_length_is_without_end() {
    let (server, mut taken) = server().await;
    let mut client = Client::greeted(&server).await;
    assert_eq!(client.say("MAIL FROM:<us@x>").await, "250");
    for _ in 0..RECIPIENTS_MAX {
        assert_eq!(client.say("RCPT TO:<a@x>").await, "250");
    }
    assert_eq!(client.say("RCPT TO:<a@x>").await, "452");
    assert_eq!(client.say("RSET").await, "250");
    let long = vec![b'x'; MAIL_MAX_BYTES];
    assert_eq!(client.mail(&["a@x"], &long).await, "552");
    assert_eq!(client.mail(&["a@x"], b"short").await, "250");
    assert_eq!(taken.recv().await.unwrap().raw, b"short\r\n");
    client.send(&vec![b'x'; usize::try_from(COMMAND_MAX_BYTES).unwrap()]).await;
    assert_eq!(client.answer().await, "");
}

#[tokio::test]
async fn every_fault_is_met_and_ends_when_it_is_taken_away() {
    let (server, mut taken) = server().await;
    let mut client = Client::greeted(&server).await;
    server.replace_fault(Some(Fault::Refuse("451 4.3.0 later".into())));
    assert_eq!(client.mail(&["a@x"], b"refused").await, "451");
    server.replace_fault(Some(Fault::TakeUnanswered));
    assert_eq!(client.mail(&["a@x"], b"unanswered").await, "");
    server.replace_fault(Some(Fault::Close));
    assert_eq!(Client::connected(&server).await.answer().await, "");
    server.replace_fault(None);
    let mut client = Client::greeted(&server).await;
    assert_eq!(client.mail(&["a@x"], b"well").await, "250");
    let mut raws = Vec::new();
    while let Ok(mail) = taken.try_recv() {
        raws.push(String::from_utf8(mail.raw).unwrap());
    }
    assert_eq!(raws, ["unanswered\r\n", "well\r\n"]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_server_answers_after_its_delay() {
    let (server, _taken) = server().await;
    let mut client = Client::greeted(&server).await;
    server.replace_fault(Some(Fault::Delay(Duration::from_mins(1))));
    let slow = tokio::time::timeout(Duration::from_secs(59), client.say("NOOP")).await;
    assert!(slow.is_err());
    assert!(client.answer().await.starts_with("250"));
}

#[tokio::test]
async fn a_dropped_server_breaks_its_connections_off() {
    let (server, _taken) = server().await;
    let server = Arc::new(server);
    let mut client = Client::greeted(&server).await;
    drop(server);
    assert_eq!(client.answer().await, "");
}
