//! What does the server say to a client, and when is a mail whole? One connection, command by command. Every length is
//! bounded. Knows nothing of what a mail says.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::{Fault, Mail, Shared};

/// Longest command, its line break included. RFC 5321 asks for at least 512; extensions add to that.
pub const COMMAND_MAX_BYTES: u64 = 4096;

/// Longest mail as it is sent; one that is longer is read to its end and refused.
pub const MAIL_MAX_BYTES: usize = 32 * 1024 * 1024;

/// Most recipients of one mail. RFC 5321 asks for at least 100.
pub const RECIPIENTS_MAX: usize = 1000;

/// Longest piece of a mail that is read at once.
const PIECE_BYTES: u64 = 64 * 1024;

/// How long the client may say nothing, as RFC 5321 has it.
const PATIENCE: Duration = Duration::from_mins(5);

/// A mail that is being announced.
#[derive(Default)]
struct Envelope {
    /// `None` before MAIL.
    from: Option<String>,
    to: Vec<String>,
}

/// What comes after a command.
enum Next {
    Say(String),
    /// The mail follows.
    Take,
    End,
}

/// Holds one conversation: greet, then command by command, until the client leaves, or says QUIT, or a fault ends it.
pub(super) async fn hold(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    if shared.fault() == Some(Fault::Close) {
        return Ok(());
    }
    say(&mut stream, shared, "220 simulator ESMTP, which takes every mail and sends none").await?;
    let mut envelope = Envelope::default();
    while let Some(command) = command(&mut stream).await? {
        match answer(&command, &mut envelope) {
            Next::Say(words) => say(&mut stream, shared, &words).await?,
            Next::End => return say(&mut stream, shared, "221 2.0.0 goodbye").await,
            Next::Take => {
                say(&mut stream, shared, "354 end the mail with a line that is a dot").await?;
                let Some(raw) = content(&mut stream).await? else { return Ok(()) };
                let Some(words) = take(raw, std::mem::take(&mut envelope), shared) else { return Ok(()) };
                say(&mut stream, shared, &words).await?;
            }
        }
        if shared.fault() == Some(Fault::Close) {
            return Ok(());
        }
    }
    // The client left, or sent a line without end.
    Ok(())
}

async fn say(stream: &mut BufReader<TcpStream>, shared: &Shared, words: &str) -> io::Result<()> {
    if let Some(Fault::Delay(longer)) = shared.fault() {
        tokio::time::sleep(longer).await;
    }
    // In one piece: a client that waits for the rest of a line costs 40 ms.
    stream.write_all(format!("{words}\r\n").as_bytes()).await
}

/// Reads a command without its line break; `None` at the end of the conversation, or of what is bearable.
async fn command(stream: &mut BufReader<TcpStream>) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    let mut limited = stream.take(COMMAND_MAX_BYTES);
    let reading = limited.read_until(b'\n', &mut line);
    tokio::time::timeout(PATIENCE, reading).await.map_err(io::Error::other)??;
    let is_whole = line.pop() == Some(b'\n');
    Ok(is_whole.then(|| String::from_utf8_lossy(&line).trim_end().to_owned()))
}

fn answer(command: &str, envelope: &mut Envelope) -> Next {
    let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
    let words = match verb.to_ascii_uppercase().as_str() {
        "EHLO" => {
            *envelope = Envelope::default();
            format!(
                "250-simulator\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE {MAIL_MAX_BYTES}"
            )
        }
        "HELO" => {
            *envelope = Envelope::default();
            "250 simulator".to_owned()
        }
        "MAIL" => match (path(rest, "FROM:"), &envelope.from) {
            (Some(_), Some(_)) => "503 5.5.1 one mail at a time: DATA or RSET first".to_owned(),
            (Some(from), None) => {
                envelope.from = Some(from);
                "250 2.1.0 ok".to_owned()
            }
            (None, _) => "501 5.5.4 say MAIL FROM:<address>".to_owned(),
        },
        "RCPT" => recipient(rest, envelope),
        "DATA" if envelope.to.is_empty() => "503 5.5.1 MAIL and RCPT first".to_owned(),
        "DATA" => return Next::Take,
        "RSET" => {
            *envelope = Envelope::default();
            "250 2.0.0 ok".to_owned()
        }
        "NOOP" => "250 2.0.0 ok".to_owned(),
        "QUIT" => return Next::End,
        _ => "502 5.5.1 not known here".to_owned(),
    };
    Next::Say(words)
}

fn recipient(rest: &str, envelope: &mut Envelope) -> String {
    let words = match path(rest, "TO:") {
        _ if envelope.from.is_none() => "503 5.5.1 MAIL first",
        None => "501 5.5.4 say RCPT TO:<address>",
        Some(to) if to.is_empty() => "553 5.1.3 to whom?",
        Some(_) if envelope.to.len() >= RECIPIENTS_MAX => "452 4.5.3 too many recipients",
        Some(to) => {
            envelope.to.push(to);
            "250 2.1.5 ok"
        }
    };
    words.to_owned()
}

/// The address of `FROM:<anna@example.org> SIZE=123`; empty for `<>`.
fn path(rest: &str, word: &str) -> Option<String> {
    let (named, rest) = rest.split_at_checked(word.len())?;
    let rest = rest.trim_start().strip_prefix('<').filter(|_| named.eq_ignore_ascii_case(word))?;
    rest.split_once('>').map(|(address, _)| address.to_owned())
}

/// A mail as it was sent, or that it was longer than is kept.
enum Content {
    Whole(Vec<u8>),
    TooLong,
}

/// Reads a mail to the line that is a dot, and takes the second dot off lines that begin with two. `None` if the client
/// left before its end. Only CR LF ends a line: a lone LF before a dot would let one mail pass for two.
async fn content(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Content>> {
    let (mut raw, mut is_too_long) = (Vec::new(), false);
    let (mut piece, mut is_line_start, mut before) = (Vec::new(), true, 0);
    loop {
        piece.clear();
        let mut limited = (&mut *stream).take(PIECE_BYTES);
        let reading = limited.read_until(b'\n', &mut piece);
        tokio::time::timeout(PATIENCE, reading).await.map_err(io::Error::other)??;
        let Some(last) = piece.last().copied() else { return Ok(None) };
        if is_line_start && piece == b".\r\n" {
            return Ok(Some(if is_too_long { Content::TooLong } else { Content::Whole(raw) }));
        }
        let has_two_dots = is_line_start && piece.starts_with(b"..");
        is_line_start = piece.ends_with(b"\r\n") || (piece == b"\n" && before == b'\r');
        before = last;
        is_too_long |= raw.len() + piece.len() > MAIL_MAX_BYTES;
        if is_too_long {
            raw = Vec::new();
        } else {
            raw.extend_from_slice(&piece[usize::from(has_two_dots)..]);
        }
    }
}

/// Hands a mail on and says so; `None` where nothing is said any more.
fn take(content: Content, envelope: Envelope, shared: &Shared) -> Option<String> {
    let raw = match content {
        Content::Whole(raw) => raw,
        Content::TooLong => return Some("552 5.3.4 the mail is too long".to_owned()),
    };
    let fault = shared.fault();
    if let Some(Fault::Refuse(words)) = fault {
        return Some(words);
    }
    (shared.take)(Mail { from: envelope.from.unwrap_or_default(), to: envelope.to, raw });
    (fault != Some(Fault::TakeUnanswered)).then(|| "250 2.0.0 taken".to_owned())
}
