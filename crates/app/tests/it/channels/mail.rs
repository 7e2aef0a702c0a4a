//! Does the channel mail use its connections well, and never believe a server more than it should?

use std::path::Path;

use futures::future::join_all;
use lastgood::channels::{Channel, ChannelError, FailureKind, Message, Receipt};

use super::smtp::{Says, Script, Seen, Server};
use super::{instant, mail_to, message, opened};

async fn send(channel: &dyn Channel, message: &Message) -> Result<Receipt, ChannelError> {
    channel.send(message, instant()).await
}

fn to(key: &str, address: &str) -> Message {
    let mut message = message(key);
    address.clone_into(&mut message.address.to);
    message
}

#[tokio::test]
async fn mails_share_connections_and_each_is_sent_once() {
    let server = Server::start(Script::default()).await;
    let channel = mail_to(&server);
    let messages: Vec<_> =
        (0..200).map(|number| to(&format!("m-{number}"), &format!("u{number}@example.org"))).collect();
    let answers = join_all(messages.iter().map(|message| send(&*channel, message))).await;
    assert!(answers.iter().all(Result::is_ok));
    let seen = server.seen();
    assert!(seen.most_at_once <= 8, "{} at once", seen.most_at_once);
    assert!(seen.connection_count <= 8, "{} connections", seen.connection_count);
    for Message { key, address, .. } in &messages {
        let carrying = |mail: &&String| mail.contains(&format!("Message-ID: <{key}@example.org>"));
        let mails: Vec<_> = seen.mails.iter().filter(carrying).collect();
        assert_eq!(mails.len(), 1, "{key}");
        assert!(mails[0].contains(&format!("To: {}\r\n", address.to)));
        let recipient = format!("RCPT TO:<{}>", address.to);
        assert_eq!(seen.commands.iter().filter(|command| **command == recipient).count(), 1);
    }
}

#[tokio::test]
async fn an_address_that_needs_quotes_is_reached() {
    let server = Server::start(Script::default()).await;
    let channel = mail_to(&server);
    let addresses = [
        r#""quoted local"@a.example"#,
        r#""a@b"@a.example"#,
        r#""x\"y"@a.example"#,
        r#""a,b@c.example"@a.example"#,
    ];
    for (number, address) in addresses.into_iter().enumerate() {
        send(&*channel, &to(&format!("m-{number}"), address)).await.expect("it is taken");
        send(&*channel, &to(&format!("n-{number}"), &format!("Anna <{address}>")))
            .await
            .expect("it is taken");
    }
    let Seen { commands, mails, .. } = server.seen();
    let recipients: Vec<_> = commands.iter().filter_map(|command| command.strip_prefix("RCPT TO:")).collect();
    let twice = addresses.iter().flat_map(|address| [format!("<{address}>"), format!("<{address}>")]);
    assert_eq!(recipients, twice.collect::<Vec<_>>());
    for (mail, address) in mails.iter().step_by(2).zip(addresses) {
        assert!(mail.contains(&format!("To: {address}\r\n")), "{mail}");
    }
}

#[tokio::test]
async fn a_refused_recipient_leaves_the_connection_to_the_next_mail() {
    let script = Script::default().line("RCPT TO:<gone@example.org>", "550 5.1.1 nobody");
    let server = Server::start(script).await;
    let channel = mail_to(&server);
    let error = send(&*channel, &to("m-1", "gone@example.org")).await.expect_err("a refusal");
    assert_eq!(
        error.reason,
        "the mail server refused the recipient with 550: \"5.1.1 nobody\"; the message is not sent again; correct the \
         address, or tell them another way"
    );
    send(&*channel, &message("m-2")).await.expect("it is taken");
    let seen = server.seen();
    assert_eq!(seen.connection_count, 1);
    let verbs: Vec<_> = seen.commands.iter().map(|command| command.split([' ', ':']).next()).collect();
    assert_eq!(verbs, ["EHLO", "MAIL", "RCPT", "RSET", "MAIL", "RCPT", "DATA"].map(Some));
}

#[tokio::test]
async fn a_connection_that_was_closed_while_free_is_replaced_at_once() {
    // The first mail over each connection is taken, then the server closes it: after its answer, or with a 421.
    for script in [Closing::Silently, Closing::With421] {
        let server = script.start().await;
        let channel = mail_to(&server);
        for number in 1..=3 {
            let key = format!("m-{number}");
            send(&*channel, &message(&key))
                .await
                .unwrap_or_else(|error| panic!("{key} with {script:?}: {error}"));
        }
        let seen = server.seen();
        assert_eq!((seen.connection_count, seen.mails.len()), (3, 3), "{script:?}");
    }
}

/// How a server ends a connection after one mail.
#[derive(Clone, Copy, Debug)]
enum Closing {
    Silently,
    With421,
}

impl Closing {
    async fn start(self) -> Server {
        let script = Script::default();
        Server::start(match self {
            Self::Silently => script.at("MAIL again", Says::Goodbye),
            Self::With421 => script.line("MAIL again", "421 4.7.0 one mail per connection"),
        })
        .await
    }
}

#[tokio::test]
async fn a_connection_that_nobody_uses_is_closed_with_a_goodbye() {
    let server = Server::start(Script::default()).await;
    let channel = mail_to(&server);
    send(&*channel, &message("m-1")).await.expect("it is taken");
    ten_seconds_later().await;
    send(&*channel, &message("m-1")).await.expect("over the same connection");
    assert_eq!(server.seen().connection_count, 1);
    ten_seconds_later().await;
    ten_seconds_later().await;
    heard(&server, "QUIT").await;
    send(&*channel, &message("m-2")).await.expect("over a new connection");
    assert_eq!(server.seen().connection_count, 2);
}

async fn ten_seconds_later() {
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(10)).await;
    tokio::time::resume();
    // Whoever slept goes on before anybody sleeps again.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_new_connection_that_is_closed_is_not_tried_again() {
    for (step, says, kind) in [
        ("greeting", Says::Goodbye, FailureKind::Unreachable),
        ("greeting", Says::Line("421 too many connections".to_owned()), FailureKind::RateLimited),
        ("greeting", Says::Line("554 not you".to_owned()), FailureKind::Denied),
        ("EHLO", Says::Goodbye, FailureKind::Unreachable),
        ("MAIL", Says::Goodbye, FailureKind::Unreachable),
        ("MAIL", Says::Line("550 not from you".to_owned()), FailureKind::Denied),
        ("RCPT", Says::Line("421 shutting down".to_owned()), FailureKind::RateLimited),
        ("DATA", Says::Goodbye, FailureKind::Unreachable),
        ("DATA", Says::Line("250 what?".to_owned()), FailureKind::Malformed),
        ("mail", Says::Line("354 more, please".to_owned()), FailureKind::Malformed),
        ("mail", Says::Line("452 disk full".to_owned()), FailureKind::RateLimited),
        ("mail", Says::Line("554 spam".to_owned()), FailureKind::Denied),
        ("mail", Says::Line("552 5.3.4 too big".to_owned()), FailureKind::Refused),
        (
            "mail",
            Says::Line("552-5.2.2 the mailbox\r\n552 5.2.2 is full".to_owned()),
            FailureKind::RateLimited,
        ),
        ("greeting", Says::Flood, FailureKind::Malformed),
        ("RCPT", Says::Flood, FailureKind::Malformed),
    ] {
        let shown = format!("{says:?} at {step}");
        let server = Server::start(Script::default().at(step, says)).await;
        let error = send(&*mail_to(&server), &message("m-1")).await.expect_err(&shown);
        assert_eq!(error.kind, kind, "{shown}: {error}");
        assert_eq!(server.seen().connection_count, 1, "{shown}");
    }
}

#[tokio::test]
async fn a_mail_whose_fate_is_unknown_is_left_to_whoever_repeats() {
    let server = Server::start(Script::default().at("mail", Says::Goodbye)).await;
    let channel = mail_to(&server);
    for _ in 0..2 {
        let error = send(&*channel, &message("m-1")).await.expect_err("nobody knows");
        assert_eq!(error.kind, FailureKind::Unreachable);
        assert!(error.reason.ends_with("whether it was taken is not known"), "{error}");
    }
    assert_eq!(server.seen().mails.len(), 2, "one per attempt");
}

#[tokio::test]
async fn without_starttls_no_password_and_no_mail_goes_out() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("password"), "geheim").expect("a writable folder");
    // The second one has slipped an answer in behind that of STARTTLS, to be read as one from inside TLS.
    for starttls in
        ["502 no", "220 go on\r\n250-trap\r\n250 AUTH PLAIN\r\n235 welcome\r\n250 ok\r\n250 ok\r\n354 go"]
    {
        let script = Script::default().line("EHLO", "250-test\r\n250 STARTTLS").line("STARTTLS", starttls);
        let server = Server::start(script).await;
        let settings = format!(
            "host = '127.0.0.1'\nport = {}\nfrom = 'a@example.org'\nuser = 'a'\npassword_file = 'password'",
            server.port
        );
        let channel = opened("mail", folder.path(), &settings);
        let error = send(&*channel, &message("m-1")).await.expect_err("no TLS");
        assert_eq!(error.kind, FailureKind::Unsupported, "{error}");
        let commands = server.seen().commands;
        assert!(
            commands.iter().all(|command| command != "MAIL" && !command.contains("AUTH")),
            "{commands:?}"
        );
    }
}

#[tokio::test]
async fn an_address_that_the_server_cannot_read_is_refused() {
    let server = Server::start(Script::default()).await;
    let channel = mail_to(&server);
    for address in ["änna@example.org", "anna", "anna@example.org, eve@example.org"] {
        let error = send(&*channel, &to("m-1", address)).await.expect_err(address);
        assert_eq!(error.kind, FailureKind::Refused, "{error}");
    }
    assert!(server.seen().mails.is_empty());
}

#[tokio::test]
async fn a_sending_that_is_given_up_leaves_nothing_in_the_next_mail() {
    let server = Server::start(Script::default().at("RCPT TO:<slow@example.org>", Says::Nothing)).await;
    let channel = mail_to(&server);
    send(&*channel, &message("m-1")).await.expect("it is taken");
    let slow = to("m-2", "slow@example.org");
    tokio::select! {
        _ = send(&*channel, &slow) => panic!("the server says nothing"),
        () = heard(&server, "RCPT TO:<slow@example.org>") => {}
    }
    send(&*channel, &message("m-3")).await.expect("it is taken");
    let seen = server.seen();
    assert_eq!((seen.mails.len(), seen.connection_count), (2, 2));
}

async fn heard(server: &Server, command: &str) {
    while !server.seen().commands.iter().any(|heard| heard == command) {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[test]
fn a_password_goes_nowhere_in_the_clear() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("password"), "geheim").expect("a writable folder");
    let settings = "host = 'mail.example.org'\ntls = 'none'\nfrom = 'a@example.org'\nuser = 'a'\npassword_file = 'password'";
    let error = super::open("mail", folder.path(), settings).expect_err("a mistake");
    assert!(error.to_string().contains("in the clear"), "{error}");
    assert!(
        super::open(
            "mail",
            Path::new("/"),
            "host = 'mail.example.org'\ntls = 'none'\nfrom = 'a@example.org'"
        )
        .is_ok()
    );
}
