//! What answers whatever a test wants it to, where no simulated portal says such a thing?

use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The most bytes of a request that are read: no client of ours sends more.
const REQUEST_MAX_BYTES: usize = 16 * 1024;

/// Serves on loopback until the runtime ends: `answer` gives status and body for a path. Returns `http://host:port`.
pub(crate) async fn serve(answer: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            tokio::spawn(async move { exchange(stream, &*answer).await });
        }
    });
    url
}

/// Reads one request and answers it. A client that goes away gets no answer.
async fn exchange(mut stream: TcpStream, answer: &(impl Fn(&str) -> (u16, String) + Sync)) -> Option<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") && request.len() < REQUEST_MAX_BYTES {
        request.push(stream.read_u8().await.ok()?);
    }
    let request = String::from_utf8(request).ok()?;
    let target = request.split(' ').nth(1)?;
    let (status, body) = answer(target.split('?').next()?);
    let length = body.len();
    let head = format!("HTTP/1.1 {status} Said\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all((head + &body).as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}
