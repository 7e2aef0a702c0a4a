//! What stands between the program and slapd, and takes slapd away in the middle of an answer or a change?

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use lastgood_simulator::stoney::Slapd;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// When something becomes of slapd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// It is killed once it has answered so many bytes.
    KilledAfter(usize),
    /// It hangs once it has answered so many bytes.
    HangsAfter(usize),
    /// It is killed before it hears of so many changes and one.
    KilledBeforeChange(usize),
    /// It is killed when it has carried out so many changes and one, and nobody hears that.
    KilledAfterChange(usize),
}

/// Passes everything on between the program and slapd.
pub(super) struct Gate {
    /// What to configure as the server.
    pub(super) url: String,
    passing: Arc<Passing>,
}

struct Passing {
    slapd: Arc<Slapd>,
    cut: Mutex<Option<Cut>>,
    answered_bytes: AtomicUsize,
    changes: AtomicUsize,
}

impl Gate {
    pub(super) async fn before(slapd: &Arc<Slapd>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("ldap://{}", listener.local_addr().expect("an address"));
        let passing = Arc::new(Passing {
            slapd: Arc::clone(slapd),
            cut: Mutex::default(),
            answered_bytes: AtomicUsize::new(0),
            changes: AtomicUsize::new(0),
        });
        let accepting = Arc::clone(&passing);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, Arc::clone(&accepting)));
            }
        });
        Self { url, passing }
    }

    /// How many bytes were answered since the last cut was set.
    pub(super) fn answered_bytes(&self) -> usize {
        self.passing.answered_bytes.load(Ordering::SeqCst)
    }

    /// Sets what becomes of slapd; bytes and changes count from now on.
    pub(super) fn set(&self, cut: Option<Cut>) {
        let mut set = self.passing.cut.lock().expect("nobody panics with it");
        self.passing.answered_bytes.store(0, Ordering::SeqCst);
        self.passing.changes.store(0, Ordering::SeqCst);
        *set = cut;
    }

    /// Whether the cut that was set has been made.
    pub(super) fn is_cut(&self) -> bool {
        self.passing.cut.lock().expect("nobody panics with it").is_none()
    }
}

async fn pass(mut client: TcpStream, passing: Arc<Passing>) {
    // Where slapd is down, its client is left as well.
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", passing.slapd.port())).await else { return };
    let (asked, asking) = client.split();
    let (answering, answered) = server.split();
    tokio::select! {
        () = answers(answering, asking, &passing) => {}
        () = requests(asked, answered, &passing) => {}
    }
}

async fn answers(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, passing: &Passing) {
    let mut buffer = [0; 512];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let before = passing.answered_bytes.fetch_add(count, Ordering::SeqCst);
        let cut = *passing.cut.lock().expect("nobody panics with it");
        let limit = match cut {
            Some(Cut::KilledAfter(limit) | Cut::HangsAfter(limit)) => limit,
            // The answer to the change is the next thing slapd says.
            Some(Cut::KilledAfterChange(limit)) if passing.changes.load(Ordering::SeqCst) > limit => before,
            Some(Cut::KilledBeforeChange(_) | Cut::KilledAfterChange(_)) | None => usize::MAX,
        };
        let passed = count.min(limit.saturating_sub(before));
        if to.write_all(&buffer[..passed]).await.is_err() {
            return;
        }
        if passed < count {
            return passing.make(cut.is_some_and(|cut| matches!(cut, Cut::HangsAfter(_)))).await;
        }
    }
}

async fn requests(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, passing: &Passing) {
    let mut buffer = [0; 16_384];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if is_change(&buffer[..count]) {
            let before = passing.changes.fetch_add(1, Ordering::SeqCst);
            let cut = *passing.cut.lock().expect("nobody panics with it");
            if cut == Some(Cut::KilledBeforeChange(before)) {
                return passing.make(false).await;
            }
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

impl Passing {
    /// Makes the cut; where slapd hangs the connection stays open until its client has enough.
    async fn make(&self, hangs: bool) {
        *self.cut.lock().expect("nobody panics with it") = None;
        if hangs {
            self.slapd.stop_answering().expect("it runs");
            std::future::pending::<()>().await;
        }
        self.slapd.kill().expect("it can be killed");
    }
}

/// Whether a message of LDAP (RFC 4511) is a `ModifyRequest`: a sequence of a number and what that tag begins.
fn is_change(message: &[u8]) -> bool {
    let length = |rest: &[u8]| match rest.first() {
        Some(&long @ 0x81..) => usize::from(long & 0x7f) + 1,
        Some(_) | None => 1,
    };
    let Some((0x30, rest)) = message.split_first() else { return false };
    let Some((0x02, rest)) = rest.get(length(rest)..).and_then(|rest| rest.split_first()) else {
        return false;
    };
    let number_bytes = usize::from(rest.first().copied().unwrap_or_default());
    rest.get(1 + number_bytes) == Some(&0x66)
}
