//! Where does the portal run, and what has it been asked? One server on loopback over one fleet, with the faults it has at
//! the moment. Each request passes here once: it is recorded, meets its faults, is answered and delivered.

mod bytes;
mod journal;
mod pages;
mod routes;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::faults::{Fault, Faults, Met};
use super::fleet::Fleet;
use super::time_text::Dates;
use journal::Journal;
pub use journal::Request;
use pages::Interface;

/// How long a portal that ends waits for answers under way. Longer than any answer on loopback takes.
const STOP_PATIENCE: Duration = Duration::from_secs(3);

/// The keys that open a portal. Invented, and the same everywhere unless set: they protect nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// Key of the XML feeds: 32 lower-case letters and digits, part of their addresses.
    pub xml: String,
    /// Public key of the REST API: the user of HTTP Basic.
    pub rest_public: String,
    /// Secret key of the REST API: the password of HTTP Basic.
    pub rest_secret: String,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            xml: "0simulator0invented0xml0key00001".to_owned(),
            rest_public: "simpub".to_owned(),
            rest_secret: "simulator-invented-secret".to_owned(),
        }
    }
}

/// A Datto partner portal on a free port of 127.0.0.1, in plain HTTP. It ends when it is dropped; answers under way are
/// finished first, those that would never end are broken off.
#[derive(Debug)]
pub struct Portal {
    world: Arc<World>,
    stop: watch::Sender<bool>,
    server: JoinHandle<io::Result<()>>,
}

/// What every request sees.
#[derive(Debug)]
struct World {
    address: SocketAddr,
    keys: Keys,
    served: RwLock<Arc<Served>>,
    faults: RwLock<Faults>,
    journal: Arc<Journal>,
    stop: watch::Receiver<bool>,
}

/// A fleet, and its large document once it was asked for.
#[derive(Debug)]
struct Served {
    fleet: Fleet,
    tree_a: OnceLock<Bytes>,
}

impl Portal {
    /// The address that only a client who follows outer entities asks for. A test asserts that nobody did.
    pub const OUTER_ENTITY_PATH: &'static str = "/outer-entity";

    /// Starts a portal with the default keys. Wants a tokio runtime with its network and timers on; `Err` if no port can
    /// be had.
    pub async fn start(fleet: Fleet, faults: Faults) -> io::Result<Self> {
        Self::start_with_keys(fleet, faults, Keys::default()).await
    }

    /// Starts a portal with keys of its own.
    pub async fn start_with_keys(fleet: Fleet, faults: Faults, keys: Keys) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (stop, mut stopped) = watch::channel(false);
        let world = Arc::new(World {
            address: listener.local_addr()?,
            keys,
            served: RwLock::new(Arc::new(Served { fleet, tree_a: OnceLock::new() })),
            faults: RwLock::new(faults),
            journal: Arc::default(),
            stop: stop.subscribe(),
        });
        let router = routes::router(Arc::clone(&world))
            .layer(middleware::from_fn_with_state(Arc::clone(&world), receive));
        let server = axum::serve(listener, router).with_graceful_shutdown(async move {
            // Both a word and a dropped portal end it.
            let _ = stopped.changed().await;
        });
        let server = tokio::spawn(async move { server.await });
        Ok(Self { world, stop, server })
    }

    /// Ends the portal and waits until it has ended: at most three seconds, as a client may have stopped reading.
    pub async fn stop(self) -> io::Result<()> {
        let _ = self.stop.send(true);
        let abort = self.server.abort_handle();
        let ended = tokio::time::timeout(STOP_PATIENCE, self.server).await;
        // Ends what still runs; the end of what has ended is no news.
        abort.abort();
        ended.map_or(Ok(()), |ended| ended.unwrap_or_else(|panic| Err(io::Error::other(panic))))
    }

    /// `http://127.0.0.1:port`, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.world.address)
    }

    /// Address of the portal feed (tree A), key included.
    pub fn xml_url(&self) -> String {
        format!("{}/external/api/xml/status/{}", self.url(), self.world.keys.xml)
    }

    /// Address of the old partner feed (tree A), key included.
    pub fn old_xml_url(&self) -> String {
        format!("{}/xml2.php?type=status&apiKey={}", self.url(), self.world.keys.xml)
    }

    /// Address of the `xmlstatus` feed (tree B), key included.
    pub fn xmlstatus_url(&self) -> String {
        format!("{}/integrateXML.php?feed=xmlstatus&apiKey={}", self.url(), self.world.keys.xml)
    }

    /// Address of the REST API up to and with `/v1`.
    pub fn rest_url(&self) -> String {
        format!("{}/v1", self.url())
    }

    /// The keys that open it.
    pub fn keys(&self) -> &Keys {
        &self.world.keys
    }

    /// Puts these faults in the place of all that were; requests under way keep theirs.
    pub fn replace_faults(&self, faults: Faults) {
        *self.world.faults.write().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// Puts another fleet in the place of the one served: time went on, an appliance fell silent.
    pub fn replace_fleet(&self, fleet: Fleet) {
        let served = Arc::new(Served { fleet, tree_a: OnceLock::new() });
        *self.world.served.write().unwrap_or_else(PoisonError::into_inner) = served;
    }

    /// The first 100 000 requests, in the order they came in.
    pub fn requests(&self) -> Vec<Request> {
        self.world.journal.requests()
    }

    /// How many requests came in, those beyond the first 100 000 included.
    pub fn request_count(&self) -> u64 {
        self.world.journal.count()
    }

    /// How many of [`requests`](Self::requests) have a path that starts with `prefix`.
    pub fn request_count_below(&self, prefix: &str) -> usize {
        self.world.journal.count_below(prefix)
    }

    /// How many of [`requests`](Self::requests) each path had.
    pub fn requests_by_path(&self) -> BTreeMap<String, usize> {
        self.world.journal.by_path()
    }

    /// The methods of [`requests`](Self::requests): a client that only reads shows `GET` alone.
    pub fn methods(&self) -> BTreeSet<String> {
        self.world.journal.methods()
    }

    /// The most requests that ran at once, each from its arrival until the last piece of its answer was handed to its
    /// connection. Never more than the client had open.
    pub fn highest_concurrency(&self) -> usize {
        self.world.journal.highest_concurrency()
    }

    /// How many requests run now.
    pub fn in_flight(&self) -> usize {
        self.world.journal.in_flight()
    }

    /// Forgets all requests so far.
    pub fn forget_requests(&self) {
        self.world.journal.forget();
    }
}

impl World {
    fn served(&self) -> Arc<Served> {
        Arc::clone(&self.served.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn meet(&self, path: &str) -> Met {
        if [routes::LOGIN_PATH, Portal::OUTER_ENTITY_PATH].contains(&path) {
            return Met::default();
        }
        self.faults.read().unwrap_or_else(PoisonError::into_inner).meet(path)
    }

    /// Resolves when the portal ends.
    fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stop = self.stop.clone();
        async move {
            let _ = stop.changed().await;
        }
    }
}

impl Served {
    fn tree_a(&self, dates: Dates) -> Bytes {
        match dates {
            Dates::Stated => self.tree_a.get_or_init(|| self.fleet.xml_tree_a().into()).clone(),
            Dates::Year9999 => self.fleet.xml_tree_a_dated(dates).into(),
        }
    }
}

/// One request: 1 record it, 2 decide what it meets, 3 answer, or give what stands in place of the answer, 4 damage and mark
/// the bytes, 5 deliver them, counted as running until the end.
async fn receive(
    State(world): State<Arc<World>>,
    mut request: axum::extract::Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let running = world.journal.enter(Request {
        method: request.method().to_string(),
        path: path.clone(),
        query: request.uri().query().unwrap_or_default().to_owned(),
    });
    let id = request.headers().get("x-request-id").cloned();
    let met = world.meet(&path);
    let answer = if let Some(fault) = &met.replacement {
        replacement(&world, fault, &path).await
    } else {
        request.extensions_mut().insert(met.clone());
        next.run(request).await
    };
    let mut answer = bytes::mark(answer, &met.marks).await;
    routes::echo_request_id(id.as_ref(), answer.headers_mut());
    bytes::hold(answer, running)
}

/// The answer that a fault gives instead.
async fn replacement(world: &World, fault: &Fault, path: &str) -> Response {
    let interface = Interface::of(path);
    let refuse = |status, message| pages::refusal(interface, status, message);
    match fault {
        Fault::TooManyRequests { retry_after } => {
            let mut answer = refuse(StatusCode::TOO_MANY_REQUESTS, "API limit exceeded");
            if let Some(value) = retry_after.as_deref().and_then(|text| HeaderValue::from_str(text).ok()) {
                answer.headers_mut().insert(header::RETRY_AFTER, value);
            }
            answer
        }
        Fault::Unauthorized => refuse(StatusCode::UNAUTHORIZED, "Invalid API key"),
        Fault::Forbidden => refuse(StatusCode::FORBIDDEN, "The key has no right to this"),
        Fault::NotFound => refuse(StatusCode::NOT_FOUND, "There is nothing at this address"),
        Fault::InternalError => refuse(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong"),
        Fault::BadGateway => refuse(StatusCode::BAD_GATEWAY, "Bad gateway"),
        Fault::Unavailable => refuse(StatusCode::SERVICE_UNAVAILABLE, "Down for maintenance"),
        Fault::GatewayTimeout => refuse(StatusCode::GATEWAY_TIMEOUT, "Gateway timeout"),
        Fault::LoginPage => pages::login(),
        Fault::RedirectToLogin => {
            (StatusCode::FOUND, [(header::LOCATION, routes::LOGIN_PATH)]).into_response()
        }
        Fault::EmptyBody => StatusCode::OK.into_response(),
        Fault::ErrorObject => pages::error_object(interface),
        Fault::Dtd => pages::dtd(&format!("http://{}{}", world.address, Portal::OUTER_ENTITY_PATH)),
        Fault::NestedEntities => pages::nested_entities(),
        Fault::Endless { bytes, filler } => {
            let content = if interface == Interface::Rest { "application/json" } else { "text/xml" };
            let body =
                Body::from_stream(bytes::endless(interface, *filler, *bytes).take_until(world.stopped()));
            ([(header::CONTENT_TYPE, content)], body).into_response()
        }
        Fault::NeverAnswer => {
            world.stopped().await;
            Body::empty().into_response()
        }
        Fault::Shape(_)
        | Fault::PageCap(_)
        | Fault::ClaimedPages(_)
        | Fault::Uncounted
        | Fault::ListMoves(_)
        | Fault::Year9999
        | Fault::RateLimit { .. }
        | Fault::CutShort { .. }
        | Fault::CutCleanly { .. }
        | Fault::Drip { .. }
        | Fault::Gzip
        | Fault::GzipUnannounced
        | Fault::LimitHeaders { .. } => unreachable!("{fault:?} never stands in place of an answer"),
    }
}

/// An address at which nothing listens: connections to it are refused, for as long as this value lives.
#[derive(Debug)]
pub struct ClosedPort {
    address: SocketAddr,
    /// Bound but never listening, so that no other program can be given the port meanwhile.
    _socket: TcpSocket,
}

impl ClosedPort {
    /// Takes a free port of 127.0.0.1. `Err` if none can be had.
    pub fn reserve() -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        Ok(Self { address: socket.local_addr()?, _socket: socket })
    }

    /// `http://127.0.0.1:port`, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}
