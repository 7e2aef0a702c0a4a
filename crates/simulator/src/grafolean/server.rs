//! How does the backend stand on the network? A thread with a server of its own, so that neither a busy nor a paused runtime
//! of a test holds it up; connections that close when idle as gunicorn's do; and faults carried out. Knows nothing of what
//! answers mean.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use futures::stream::{self, Stream, StreamExt as _};
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{oneshot, watch};

use super::faults::{Announced, Cut, Fault, Faults, Met};
use super::ledger::Request;
use super::reply::Reply;
use super::routes::{self, Asked};
use super::values::Answered;
use super::world::World;

/// Longest body of a request that is read.
const REQUEST_MAX_BYTES: usize = 256 * 1024 * 1024;

/// Length of a piece of a body made on the fly, in bytes.
const PIECE_BYTES: usize = 64 * 1024;

/// How long nothing is accepted after accepting failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// How a backend is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// The port of 127.0.0.1; 0 for any free one.
    pub port: u16,
    /// What goes wrong.
    pub faults: Faults,
    /// After how long without a request a connection is closed; gunicorn's 2 seconds unless set.
    pub idle_timeout: Duration,
    /// After how long a worker that does not come back is killed, and its connection closed without an answer; 30 seconds
    /// unless set.
    pub worker_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            faults: Faults::none(),
            idle_timeout: Duration::from_secs(2),
            worker_timeout: Duration::from_secs(30),
        }
    }
}

/// A Grafolean backend on 127.0.0.1, in plain HTTP. When it is dropped it is down: its connections are broken off at once
/// and its port is free, so that another can be started there over the same world.
#[derive(Debug)]
pub struct Backend {
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A backend that is down: nobody answers on its port, and nobody else gets it meanwhile.
#[derive(Debug)]
pub struct Down {
    port: u16,
    _held: TcpSocket,
}

impl Down {
    /// Comes back on the port that was held.
    pub fn come_up(self, world: Arc<World>, faults: Faults) -> io::Result<Backend> {
        Backend::start_on(self.port, world, faults)
    }
}

#[derive(Debug)]
struct Shared {
    world: Arc<World>,
    address: SocketAddr,
    faults: RwLock<Faults>,
    idle_timeout: Duration,
    worker_timeout: Duration,
    connections: AtomicU64,
}

impl Backend {
    /// Starts a backend on a free port. `Err` if none can be had.
    pub fn start(world: Arc<World>, faults: Faults) -> io::Result<Self> {
        Self::start_with(world, Options { faults, ..Options::default() })
    }

    /// Starts a backend on this port, such as that of one that was dropped.
    pub fn start_on(port: u16, world: Arc<World>, faults: Faults) -> io::Result<Self> {
        Self::start_with(world, Options { port, faults, ..Options::default() })
    }

    /// Starts a backend. `Err` if the port cannot be had.
    pub fn start_with(world: Arc<World>, options: Options) -> io::Result<Self> {
        let (started, starting) = mpsc::sync_channel(1);
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("grafolean".to_owned());
        let thread = thread.spawn(move || run(world, options, stopped, &started))?;
        let shared = starting.recv().map_err(io::Error::other)??;
        Ok(Self { shared, stop: Some(stop), thread: Some(thread) })
    }

    /// Goes down, to come back on the same port later. `Err` if somebody else took the port in that instant.
    pub fn go_down(self) -> io::Result<Down> {
        let port = self.port();
        drop(self);
        Ok(Down { port, _held: bind(port)? })
    }

    /// `http://127.0.0.1:port/api`: what a collector takes as its address.
    pub fn url(&self) -> String {
        format!("http://{}/api", self.shared.address)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.shared.address.port()
    }

    /// The world it shows.
    pub fn world(&self) -> &Arc<World> {
        &self.shared.world
    }

    /// Puts these faults in the place of all that were; requests under way keep theirs.
    pub fn replace_faults(&self, faults: Faults) {
        *self.shared.faults.write().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// How many connections it has accepted.
    pub fn connection_count(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It has ended already if nobody listens.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            // A panic there has been shown there.
            let _ = thread.join();
        }
    }
}

/// The life of the thread. Its runtime begins and ends here, as one must not be dropped inside another.
fn run(
    world: Arc<World>,
    options: Options,
    stopped: oneshot::Receiver<()>,
    started: &mpsc::SyncSender<io::Result<Arc<Shared>>>,
) {
    let begin = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (listener, shared) = runtime.block_on(async { listen(world, options) })?;
        Ok((runtime, listener, shared))
    };
    // Whoever starts it waits for the word, or no longer wants it.
    match begin() {
        Ok((runtime, listener, shared)) => {
            let _ = started.send(Ok(Arc::clone(&shared)));
            runtime.block_on(serve(listener, shared, stopped));
        }
        Err(failure) => {
            let _ = started.send(Err(failure));
        }
    }
}

/// Takes a port without answering on it.
fn bind(port: u16) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // The port of a backend that was dropped a moment ago still has connections that wait for their end, and may be held
    // for it by another socket that does not answer.
    socket.set_reuseaddr(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
    Ok(socket)
}

fn listen(world: Arc<World>, options: Options) -> io::Result<(TcpListener, Arc<Shared>)> {
    let listener = bind(options.port)?.listen(1024)?;
    let shared = Shared {
        world,
        address: listener.local_addr()?,
        faults: RwLock::new(options.faults),
        idle_timeout: options.idle_timeout,
        worker_timeout: options.worker_timeout,
        connections: AtomicU64::new(0),
    };
    Ok((listener, Arc::new(shared)))
}

/// Accepts until it is told to stop. Connections end with the runtime, broken off wherever they are.
async fn serve(listener: TcpListener, shared: Arc<Shared>, mut stopped: oneshot::Receiver<()>) {
    loop {
        tokio::select! {
            _ = &mut stopped => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    tokio::spawn(converse(stream, Arc::clone(&shared)));
                }
                // No file is left to open; some connection will end.
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
        }
    }
}

type AnyBody = http_body_util::combinators::BoxBody<Bytes, io::Error>;

/// One connection, until the client leaves it, a fault breaks it off, or it was idle for too long after an answer.
async fn converse(stream: TcpStream, shared: Arc<Shared>) {
    let number = shared.connections.fetch_add(1, Ordering::SeqCst) + 1;
    // Answers go out at once; where that cannot be set they go out a little later.
    let _ = stream.set_nodelay(true);
    // Was the last request answered? Before the first there is nothing to wait after.
    let (is_answered, mut seen) = watch::channel(false);
    let service = service_fn(|request| {
        is_answered.send_replace(false);
        let is_answered = &is_answered;
        let reply = receive(Arc::clone(&shared), request, number);
        async move {
            let reply = reply.await;
            is_answered.send_replace(true);
            reply
        }
    });
    let mut connection = pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    loop {
        let is_idle = *seen.borrow_and_update();
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = seen.changed() => {}
            () = tokio::time::sleep(shared.idle_timeout), if is_idle => break,
        }
    }
    connection.as_mut().graceful_shutdown();
    // The client may have left already.
    let _ = connection.await;
}

/// Why a connection is broken off.
#[derive(Debug)]
struct BrokenOff;

impl std::fmt::Display for BrokenOff {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("broken off on purpose")
    }
}

impl std::error::Error for BrokenOff {}

/// Counts a request as running until it is answered or its client has left.
struct Running<'a>(&'a World);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.ledger.leave();
    }
}

/// One request: 1 read and record it, 2 meet what stands in place of an answer, 3 answer, 4 meet what comes after that,
/// 5 cut the bytes.
async fn receive(
    shared: Arc<Shared>,
    request: hyper::Request<Incoming>,
    connection: u64,
) -> Result<Response<AnyBody>, BrokenOff> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, REQUEST_MAX_BYTES).collect().await.map_err(|_| BrokenOff)?.to_bytes();
    let query = routes::parameters(parts.uri.query().unwrap_or_default());
    let world = &*shared.world;
    world.ledger.enter(recorded(&parts, &query, body.len(), connection));
    let _running = Running(world);
    let path = parts.uri.path();
    let below = path.strip_prefix("/api").unwrap_or(path);
    let met = shared.faults.read().unwrap_or_else(PoisonError::into_inner).meet(parts.method.as_str(), below);
    if !met.latency.is_zero() {
        tokio::time::sleep(met.latency).await;
    }
    if let Some(instead) = before(&met, body.len()).await? {
        return Ok(instead);
    }
    let header = |name| parts.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let asked = Asked {
        method: parts.method.as_str(),
        path: &routes::decoded(path),
        query: &query,
        has_authorization: parts.headers.contains_key(header::AUTHORIZATION),
        content_type: header(header::CONTENT_TYPE),
        host: header(header::HOST).unwrap_or_default(),
        raw_query: parts.uri.query().unwrap_or_default(),
        body: &body,
    };
    let answered = routes::answer(world, &asked);
    let reply = after(&shared, met.decision, answered).await?;
    Ok(deliver(reply, met.cut))
}

fn recorded(
    parts: &hyper::http::request::Parts,
    query: &[(String, String)],
    body_bytes: usize,
    connection: u64,
) -> Request {
    let text = |name| {
        parts
            .headers
            .get(name)
            .map(|value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    Request {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        token: query.iter().rev().find(|(name, _)| name == "b").map(|(_, token)| token.clone()),
        has_authorization: parts.headers.contains_key(header::AUTHORIZATION),
        content_type: text(header::CONTENT_TYPE),
        user_agent: text(header::USER_AGENT),
        body_bytes,
        connection,
    }
}

/// What stands in place of an answer, if anything does.
async fn before(met: &Met, body_bytes: usize) -> Result<Option<Response<AnyBody>>, BrokenOff> {
    match &met.decision {
        Some(Fault::Answer(reply)) => Ok(Some(deliver(reply.clone(), met.cut))),
        Some(Fault::Drop) => Err(BrokenOff),
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::BodyLimit(limit)) if body_bytes > *limit => {
            Ok(Some(deliver(Reply::html(413, "Request Entity Too Large"), None)))
        }
        Some(Fault::EndlessBody) => Ok(Some(repeated(None))),
        Some(Fault::HugeBody(bytes)) => Ok(Some(repeated(Some(*bytes)))),
        // These come after the answer was made, or work on its bytes.
        Some(
            Fault::BodyLimit(_)
            | Fault::AnswerAfter(_)
            | Fault::DropAfter
            | Fault::HangAfter
            | Fault::Latency(_)
            | Fault::CutCleanly(_)
            | Fault::CutShort(_),
        )
        | None => Ok(None),
    }
}

/// What is said once the request was carried out.
async fn after(shared: &Shared, decision: Option<Fault>, answered: Answered) -> Result<Reply, BrokenOff> {
    match (decision, answered) {
        (Some(Fault::DropAfter), _) => Err(BrokenOff),
        (Some(Fault::HangAfter), _) => std::future::pending().await,
        (Some(Fault::AnswerAfter(reply)), _) | (_, Answered::With(reply)) => Ok(reply),
        (_, Answered::Never) => {
            tokio::time::sleep(shared.worker_timeout).await;
            Err(BrokenOff)
        }
    }
}

fn deliver(reply: Reply, cut: Option<Cut>) -> Response<AnyBody> {
    let mut body = reply.body;
    let announced = body.len();
    body.truncate(cut.map_or(usize::MAX, |cut| cut.at));
    let is_short = body.len() < announced && cut.is_some_and(|cut| cut.announces == Announced::Whole);
    let mut response = Response::new(if is_short { broken(body) } else { whole(body) });
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if is_short {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(announced));
    }
    if let Some(content_type) = &reply.content_type {
        set(headers, "content-type", content_type);
    }
    for (name, value) in &reply.headers {
        set(headers, name, value);
    }
    response
}

fn set(headers: &mut HeaderMap, name: &str, value: &str) {
    let name = HeaderName::from_bytes(name.as_bytes()).expect("the name of a header");
    headers.insert(name, HeaderValue::from_str(value).expect("the text of a header"));
}

fn whole(body: Bytes) -> AnyBody {
    Full::new(body).map_err(|never: Infallible| match never {}).boxed()
}

/// A body that breaks the connection off at its end. What was written before is on its way by then.
fn broken(body: Bytes) -> AnyBody {
    let end = stream::once(async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    boxed(stream::iter([Ok(Frame::data(body))]).chain(end))
}

fn boxed(pieces: impl Stream<Item = io::Result<Frame<Bytes>>> + Send + Sync + 'static) -> AnyBody {
    BodyExt::boxed(StreamBody::new(pieces))
}

/// A list of one entity over and over, about this long or without end, which takes no more memory than one piece.
fn repeated(bytes: Option<usize>) -> Response<AnyBody> {
    let entity = r#"{"id":1,"name":"a","entity_type":"device","parent":null,"details":{},"protocols":{}}"#;
    let unit = format!("{entity},");
    let piece = Bytes::from(unit.repeat(PIECE_BYTES / unit.len()));
    let count = bytes.map_or(usize::MAX, |bytes| bytes / piece.len());
    let frame = |bytes: Bytes| Ok(Frame::data(bytes));
    let start = stream::iter([frame(Bytes::from_static(br#"{"list":["#))]);
    let end = stream::iter([frame(Bytes::from(format!("{entity}]}}")))]);
    let middle = stream::repeat(piece).take(count).map(frame);
    let mut response = Response::new(boxed(start.chain(middle).chain(end)));
    set(response.headers_mut(), "content-type", "application/json");
    response
}
