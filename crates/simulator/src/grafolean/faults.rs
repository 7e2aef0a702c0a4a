//! What goes wrong, where, and how often? The faults a backend can be asked for, as values; how each is carried out stands
//! in `server`. Knows nothing of accounts and values.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::reply::Reply;

/// One thing that goes wrong. A latency works together with whatever else is met, and so does damage to the bytes; of the
/// others the first that is met decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The answer comes this much later.
    Latency(Duration),

    // Instead of the answer; nothing is stored.
    /// This answer is given.
    Answer(Reply),
    /// The connection is closed without an answer.
    Drop,
    /// The request is read and never answered.
    Hang,
    /// 413 from a proxy, if the body of the request is longer than this many bytes. One MiB is nginx's default.
    BodyLimit(usize),
    /// 200 with an endless JSON list.
    EndlessBody,
    /// 200 with a valid JSON list of about this many bytes: one entity over and over.
    HugeBody(usize),

    // The request is carried out, what it sent is stored, and then:
    /// This answer is given.
    AnswerAfter(Reply),
    /// The connection is closed without an answer.
    DropAfter,
    /// Nothing is ever answered.
    HangAfter,

    // The bytes of the answer.
    /// The body ends after this many bytes as if that were all.
    CutCleanly(usize),
    /// The body ends after this many bytes and the connection is closed, though `Content-Length` announced more.
    CutShort(usize),
}

impl Fault {
    /// 500 in plain text, nothing stored.
    pub fn internal_error() -> Self {
        Self::Answer(Reply::crash())
    }

    /// 400 `{"detail":"Invalid input format"}`: two requests made the same new path at once; nothing stored.
    pub fn race() -> Self {
        Self::Answer(Reply::detail(400, "Invalid input format"))
    }

    /// 401: the token is revoked.
    pub fn unauthorized() -> Self {
        Self::Answer(Reply::plain(401, "Access denied"))
    }

    /// 403: a permission was taken away.
    pub fn forbidden() -> Self {
        Self::Answer(Reply::plain(403, "Access to resource denied, insufficient permissions"))
    }

    /// 429 from a proxy, with `Retry-After` as given: seconds, a date, or nonsense; without the header if `None`.
    pub fn too_many_requests(retry_after: Option<&str>) -> Self {
        let reply = Reply::html(429, "Too Many Requests");
        Self::Answer(match retry_after {
            Some(value) => reply.with_header("retry-after", value),
            None => reply,
        })
    }

    /// 502 from a proxy: the backend is down.
    pub fn bad_gateway() -> Self {
        Self::Answer(Reply::html(502, "Bad Gateway"))
    }

    /// 200 with an HTML page: something else answers.
    pub fn html() -> Self {
        Self::Answer(Reply::html(200, "Welcome to nginx!"))
    }

    /// 200 that calls itself JSON and is none.
    pub fn garbage() -> Self {
        Self::Answer(Reply::json(200, "{\"list\": [\u{1}\u{fffd} nonsense"))
    }

    /// Does it decide what is answered? Then it is the only one that does.
    fn is_deciding(&self) -> bool {
        match self {
            Self::Latency(_) | Self::CutCleanly(_) | Self::CutShort(_) => false,
            Self::Answer(_)
            | Self::Drop
            | Self::Hang
            | Self::BodyLimit(_)
            | Self::EndlessBody
            | Self::HugeBody(_)
            | Self::AnswerAfter(_)
            | Self::DropAfter
            | Self::HangAfter => true,
        }
    }
}

/// Which requests a fault is met by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    pattern: String,
    method: Option<String>,
}

impl Scope {
    /// All requests.
    pub fn everything() -> Self {
        Self::path("/**")
    }

    /// Requests for this path below `/api`, a slash at its end or none. `*` is any one segment, and `**` at the end any
    /// number of them, none included: `/accounts/*/credentials` is the list of each account and `/accounts/12/**` all of
    /// one account.
    pub fn path(pattern: &str) -> Self {
        Self { pattern: pattern.to_owned(), method: None }
    }

    /// The same scope for one method only.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Is a request met? `path` has no `/api` at its start.
    fn covers(&self, method: &str, path: &str) -> bool {
        if self.method.as_deref().is_some_and(|own| own != method) {
            return false;
        }
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        for wanted in self.pattern.split('/').filter(|segment| !segment.is_empty()) {
            if wanted == "**" {
                return true;
            }
            let Some(segment) = segments.next() else { return false };
            if wanted != "*" && wanted != segment {
                return false;
            }
        }
        segments.next().is_none()
    }
}

/// Everything that goes wrong at a backend, in the order given. Empty: nothing does.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    scope: Scope,
    fault: Fault,
    turn: Turn,
    /// Requests of the scope so far. Shared by clones, so that what is spent stays spent.
    seen: Arc<AtomicU32>,
}

/// Which requests of the scope it is.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Every,
    First(u32),
    Nth(u32),
}

impl Faults {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a fault that every request of its scope meets.
    #[must_use]
    pub fn with(self, scope: Scope, fault: Fault) -> Self {
        self.add(scope, fault, Turn::Every)
    }

    /// Adds a fault that the next `times` requests of its scope meet, and none after them.
    #[must_use]
    pub fn with_next(self, times: u32, scope: Scope, fault: Fault) -> Self {
        self.add(scope, fault, Turn::First(times))
    }

    /// Adds a fault that only the `nth` request of its scope meets, counted from 1.
    #[must_use]
    pub fn with_nth(self, nth: u32, scope: Scope, fault: Fault) -> Self {
        self.add(scope, fault, Turn::Nth(nth))
    }

    fn add(mut self, scope: Scope, fault: Fault, turn: Turn) -> Self {
        self.rules.push(Rule { scope, fault, turn, seen: Arc::default() });
        self
    }

    /// Decides what one request meets. A deciding fault behind another that decides is not counted by this request.
    pub(super) fn meet(&self, method: &str, path: &str) -> Met {
        let mut met = Met::default();
        for rule in self.rules.iter().filter(|rule| rule.scope.covers(method, path)) {
            let is_taken = rule.fault.is_deciding() && met.decision.is_some();
            if is_taken || !rule.is_due() {
                continue;
            }
            match &rule.fault {
                Fault::Latency(latency) => met.latency += *latency,
                Fault::CutCleanly(at) => met.cut = Some(Cut { at: *at, announces: Announced::Rest }),
                Fault::CutShort(at) => met.cut = Some(Cut { at: *at, announces: Announced::Whole }),
                deciding => met.decision = Some(deciding.clone()),
            }
        }
        met
    }
}

impl Rule {
    fn is_due(&self) -> bool {
        let before = self.seen.fetch_add(1, Ordering::SeqCst);
        match self.turn {
            Turn::Every => true,
            Turn::First(times) => before < times,
            Turn::Nth(nth) => before + 1 == nth,
        }
    }
}

/// What one request meets.
#[derive(Debug, Default)]
pub(super) struct Met {
    pub(super) latency: Duration,
    pub(super) decision: Option<Fault>,
    pub(super) cut: Option<Cut>,
}

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) at: usize,
    pub(super) announces: Announced,
}

/// What `Content-Length` says of a body that is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Announced {
    /// The length that is left.
    Rest,
    /// The length there was.
    Whole,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_covers_its_own_requests_and_no_others() {
        let table = [
            (Scope::everything(), [true, true, true]),
            (Scope::everything().method("POST"), [false, false, true]),
            (Scope::path("/accounts/*/sensors"), [true, false, false]),
            (Scope::path("/accounts/1/**"), [true, true, true]),
            (Scope::path("/accounts/11/**"), [false, false, false]),
            (Scope::path("/accounts/*/sensors/**"), [true, true, false]),
            (Scope::path("/accounts"), [false, false, false]),
        ];
        let requests = [
            ("GET", "/accounts/1/sensors/"),
            ("GET", "/accounts/1/sensors/5"),
            ("POST", "/accounts/1/values"),
        ];
        for (scope, expected) in table {
            assert_eq!(requests.map(|(method, path)| scope.covers(method, path)), expected, "{scope:?}");
        }
    }

    #[test]
    fn each_turn_is_met_and_the_others_are_not() {
        let faults = Faults::none()
            .with_nth(3, Scope::everything(), Fault::Drop)
            .with_next(2, Scope::everything(), Fault::Hang)
            .with(Scope::everything(), Fault::Latency(Duration::from_millis(1)));
        let met = [(); 4].map(|()| faults.clone().meet("GET", "/"));
        assert!(met.iter().all(|met| met.latency == Duration::from_millis(1)));
        let decisions = met.map(|met| met.decision);
        assert_eq!(decisions, [Some(Fault::Hang), Some(Fault::Hang), Some(Fault::Drop), None]);
    }
}
