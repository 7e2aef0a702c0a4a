//! How is a mail server reached, and how is one mail handed to it?
//!
//! lettre speaks the protocol; here stand the order of the steps, the socket, and what each answer must be. It does not
//! know how many connections there are.

use std::net::SocketAddr;
use std::time::Duration;

use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Data, Mail, Quit, Rcpt, Rset};
use lettre::transport::smtp::extension::{Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::{Response, Severity};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::letter::Letter;
use super::reply::{Broken, Fate, Step, no_connection};
use super::wire::Wire;
use super::{Security, Server};
use crate::channels::{ChannelError, FailureKind, Receipt};

/// How long one address of a host is tried before the next one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How many addresses of a host are tried.
const ADDRESSES_MAX: usize = 8;

/// How long a server may take to say goodbye.
const QUIT_TIMEOUT: Duration = Duration::from_secs(1);

/// How we prove who we are; both only inside TLS or on this machine.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// A connection that is open and logged in.
pub(super) struct Connection(AsyncSmtpConnection);

impl Connection {
    /// Connects, in this order: socket, TLS if it comes first, greeting, STARTTLS, login.
    pub(super) async fn open(server: &Server) -> Result<Self, ChannelError> {
        let wire = connect(server).await?;
        let broken = |step| move |error| Broken::at(step, &error, &server.words).error;
        let stream: Box<dyn AsyncTokioStream> = match &server.security {
            Security::Tls(wrapper) => {
                let begun = wrapper.begin(wire).await;
                Box::new(begun.map_err(|error| no_connection(Step::Tls, &error, &server.words))?)
            }
            Security::Starttls(_) | Security::None => Box::new(wire),
        };
        let name = &server.hello_name;
        let smtp = AsyncSmtpConnection::connect_with_transport(stream, name).await;
        let mut smtp = smtp.map_err(broken(Step::Greeting))?;
        if let Security::Starttls(parameters) = &server.security {
            if !smtp.can_starttls() {
                let reason = "the mail server offers no STARTTLS, so nothing was sent; set `tls = \"tls\"` with its \
                              port (465), or ask its operator";
                return Err(ChannelError::new(FailureKind::Unsupported, reason));
            }
            smtp.starttls(parameters.clone(), name).await.map_err(broken(Step::Tls))?;
        }
        if let Some(credentials) = &server.credentials {
            if smtp.server_info().get_auth_mechanism(&MECHANISMS).is_none() {
                let reason =
                    "the mail server offers neither PLAIN nor LOGIN; remove `user`, or ask its operator";
                return Err(ChannelError::new(FailureKind::Unsupported, reason));
            }
            smtp.auth(&MECHANISMS, credentials).await.map_err(broken(Step::Login))?;
        }
        Ok(Self(smtp))
    }

    /// Hands one mail over. Only an answer 2xx to the whole mail means that it was taken.
    pub(super) async fn exchange(&mut self, letter: &Letter, server: &Server) -> Result<Receipt, Broken> {
        let answered = self.steps(letter, server).await;
        if let Err(broken) = &answered
            && broken.fate == Fate::Usable
        {
            // What is left of this mail must not become part of the next one.
            let fate = if self.0.command(Rset).await.is_ok() { Fate::Usable } else { Fate::Lost };
            return answered.map_err(|broken| Broken { fate, ..broken });
        }
        answered
    }

    async fn steps(&mut self, letter: &Letter, server: &Server) -> Result<Receipt, Broken> {
        let smtp = &mut self.0;
        let broken = |step| move |error| Broken::at(step, &error, &server.words);
        let parameters = parameters(smtp, letter)?;
        let sender = Mail::new(letter.envelope.from().cloned(), parameters);
        smtp.command(sender).await.map_err(broken(Step::Sender)).and_then(completed(Step::Sender))?;
        for recipient in letter.envelope.to() {
            let recipient = Rcpt::new(recipient.clone(), Vec::new());
            smtp.command(recipient)
                .await
                .map_err(broken(Step::Recipient))
                .and_then(completed(Step::Recipient))?;
        }
        let go_ahead = smtp.command(Data).await.map_err(broken(Step::Content))?;
        if !go_ahead.has_code(354) {
            return Err(Broken::nonsense(Step::Content));
        }
        let answer =
            smtp.message(&letter.bytes).await.map_err(broken(Step::End)).and_then(completed(Step::End))?;
        let lines: Vec<&str> = answer.message().collect();
        Ok(Receipt { answer: server.words.said(&format!("{} {}", answer.code(), lines.join(" "))) })
    }

    /// Says goodbye.
    pub(super) async fn close(mut self) {
        // A server that does not answer has been left all the same.
        let _ = timeout(QUIT_TIMEOUT, self.0.command(Quit)).await;
    }
}

/// An answer that must be 2xx: 3xx would mean that answers and commands no longer belong together.
fn completed(step: Step) -> impl FnOnce(Response) -> Result<Response, Broken> {
    move |response| match response.code().severity {
        Severity::PositiveCompletion => Ok(response),
        _ => Err(Broken::nonsense(step)),
    }
}

/// What the server has to know beforehand: an address or headers beyond ASCII.
fn parameters(smtp: &AsyncSmtpConnection, letter: &Letter) -> Result<Vec<MailParameter>, Broken> {
    let mut parameters = Vec::new();
    let can = |extension| smtp.server_info().supports_feature(extension);
    if !letter.is_ascii_addressed() {
        if !can(Extension::SmtpUtfEight) {
            let reason = "the address holds letters beyond ASCII, which this mail server does not take; give its ASCII \
                          form (xn--…), or use another server";
            let error = ChannelError::new(FailureKind::Refused, reason);
            return Err(Broken { error, fate: Fate::Usable });
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !letter.bytes.is_ascii() && can(Extension::EightBitMime) {
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    Ok(parameters)
}

/// Opens a socket to the first address of the host that answers.
async fn connect(server: &Server) -> Result<Wire, ChannelError> {
    let (host, port) = (server.host.as_str(), server.port);
    let unreachable = |why: String| {
        let reason = format!(
            "the mail server {host}:{port} cannot be reached: {why}; see whether it runs, and `host`"
        );
        ChannelError::new(FailureKind::Unreachable, reason)
    };
    let found = tokio::net::lookup_host((host, port)).await;
    let addresses: Vec<SocketAddr> = found.map_err(|error| unreachable(error.to_string()))?.collect();
    let mut why = "its name has no address".to_owned();
    for address in addresses.into_iter().take(ADDRESSES_MAX) {
        match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => match Wire::new(stream) {
                Ok(wire) => return Ok(wire),
                Err(error) => why = error.to_string(),
            },
            Ok(Err(error)) => why = error.to_string(),
            Err(_) => why = format!("no answer within {} s", CONNECT_TIMEOUT.as_secs()),
        }
    }
    Err(unreachable(why))
}
