//! Which HTTP server takes a webhook, or fails as a test wants it to?

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What it answers.
#[derive(Clone, Debug)]
pub(super) enum Answers {
    /// These bytes, then it closes the connection.
    Bytes(String),
    /// A response without end.
    Flood,
    /// Nothing, for ever.
    Nothing,
}

impl Answers {
    /// A response of that status.
    pub(super) fn status(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        Self::Bytes(format!("HTTP/1.1 {status} Said\r\n{headers}Content-Length: {length}\r\n\r\n{body}"))
    }
}

/// One request, as it came.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// The request line and the headers.
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// A server that runs until the runtime ends.
#[derive(Clone, Debug)]
pub(super) struct Receiver {
    pub(super) port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Receiver {
    pub(super) async fn start(answers: Answers) -> Self {
        Self::start_with(answers, None).await
    }

    /// One that speaks TLS, with `certificate.pem` and `key.pem` of a folder.
    pub(super) async fn start_tls(answers: Answers, folder: &Path) -> Self {
        let certificate =
            CertificateDer::from_pem_file(folder.join("certificate.pem")).expect("a certificate");
        let key = PrivateKeyDer::from_pem_file(folder.join("key.pem")).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.expect("known versions").with_no_client_auth();
        let config = config.with_single_cert(vec![certificate], key).expect("a key for the certificate");
        Self::start_with(answers, Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn start_with(answers: Answers, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let receiver = Self { port, requests: Arc::default() };
        let serving = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (serving, answers, tls) = (serving.clone(), answers.clone(), tls.clone());
                // A client that goes away has ended the conversation.
                tokio::spawn(async move {
                    match tls {
                        None => serving.exchange(stream, &answers).await,
                        Some(tls) => serving.exchange(tls.accept(stream).await.ok()?, &answers).await,
                    }
                });
            }
        });
        receiver
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("nobody panics with it").clone()
    }

    async fn exchange(
        &self,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        answers: &Answers,
    ) -> Option<()> {
        let request = read(&mut stream).await?;
        self.requests.lock().expect("nobody panics with it").push(request);
        match answers {
            Answers::Bytes(bytes) => stream.write_all(bytes.as_bytes()).await.ok()?,
            Answers::Nothing => while stream.read_u8().await.is_ok() {},
            Answers::Flood => {
                stream.write_all(b"HTTP/1.1 200 Fine\r\n\r\n").await.ok()?;
                while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
            }
        }
        stream.shutdown().await.ok()
    }
}

async fn read(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Option<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
        // What a TLS client says first is no HTTP; nobody waits for the rest of it.
        if head.first() == Some(&0x16) {
            stream.write_all(b"HTTP/1.1 400 Said\r\n\r\n").await.ok()?;
            return None;
        }
    }
    let head = String::from_utf8(head).ok()?;
    let mut request = Request { head, body: Vec::new() };
    let length = request.header("content-length")?.parse().ok()?;
    request.body = vec![0; length];
    stream.read_exact(&mut request.body).await.ok()?;
    Some(request)
}
