//! What goes wrong, where, and how often? The faults a portal can be asked for, as values; how each is carried out stands
//! in `portal`. Follows the facts "Transport", "Paging and shapes" and "Malformed input", and the list of faults that the
//! original reader of these feeds had.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use super::paging::{ListShape, Paging};
use super::time_text::Dates;

/// One thing that goes wrong. Three sorts work together on one answer: those that change what a list says, one that
/// replaces the answer, and those that damage or mark the bytes of whatever is answered, in the order given (an endless
/// body is left as it is).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    // What a list says.
    /// Asset lists come in this shape, whatever was asked.
    Shape(ListShape),
    /// No page holds more than this many items, whatever `_perPage` asks.
    PageCap(usize),
    /// `pagination.totalPages` claims this; pages beyond the real ones are empty.
    ClaimedPages(usize),
    /// `pagination` has no `count`.
    Uncounted,
    /// The list moves while it is read: once its first page was given, so many items go from its end to its beginning.
    /// The second page then repeats as many of the first, the last items stand on no page, and the count stays the same.
    ListMoves(usize),
    /// Every instant is written as the last second of the year 9999.
    Year9999,

    // Another answer.
    /// 429 with `Retry-After` as given here: seconds, a date, or nonsense; without the header if `None`.
    TooManyRequests {
        /// The header's text.
        retry_after: Option<String>,
    },
    /// A real limit: 429 with `Retry-After` once `requests` were answered within the last `per`.
    RateLimit {
        /// How many requests are answered.
        requests: u32,
        /// Within which time.
        per: Duration,
    },
    /// 401 though the key is right.
    Unauthorized,
    /// 403: the key is right, its scope is not.
    Forbidden,
    /// 404: no such route.
    NotFound,
    /// 500.
    InternalError,
    /// 502.
    BadGateway,
    /// 503.
    Unavailable,
    /// 504.
    GatewayTimeout,
    /// 200 with the HTML of a login page.
    LoginPage,
    /// 302 to a login page, which answers 200.
    RedirectToLogin,
    /// 200 without a body.
    EmptyBody,
    /// 200 with `{"code": …, "message": …}`, or with an error document in XML.
    ErrorObject,
    /// 200 with a document whose DTD names an outer entity: a local file, and an address of this portal
    /// ([`Portal::OUTER_ENTITY_PATH`](super::Portal::OUTER_ENTITY_PATH)) that nobody may ask for.
    Dtd,
    /// 200 with about 1 KB of entities nested in each other, which unfold to 10^10 letters.
    NestedEntities,
    /// 200 and a body made on the fly that never ends, or ends, cut, after `bytes`. Its length is not announced.
    Endless {
        /// After how many bytes it ends.
        bytes: Option<u64>,
        /// What it is made of.
        filler: Filler,
    },
    /// The connection is accepted and the request read; nothing is ever answered.
    NeverAnswer,

    // The bytes of the answer.
    /// The body ends after this many bytes and the connection is closed, though `Content-Length` announced more.
    CutShort {
        /// Where it is cut; a body that is shorter is left whole.
        at: usize,
    },
    /// The body ends after this many bytes as if that were all: `Content-Length` agrees.
    CutCleanly {
        /// Where it is cut; a body that is shorter is left whole.
        at: usize,
    },
    /// The body comes in pieces of `bytes` with `pause` before each; with a long pause the headers come and then nothing.
    Drip {
        /// Length of a piece; 0 is taken as 1.
        bytes: usize,
        /// Wait before each piece.
        pause: Duration,
    },
    /// The body is compressed and says so in `Content-Encoding`, whether or not that was accepted.
    Gzip,
    /// The body is compressed and no header says so.
    GzipUnannounced,
    /// Headers `X-API-Limit-Remaining`, which counts down to 0 with each answer, `X-API-Limit-Resets` and
    /// `X-API-Limit-Cost: 1`.
    LimitHeaders {
        /// What the first answer says remains.
        remaining: u32,
        /// When the count starts anew; written as epoch seconds.
        resets_at: Timestamp,
    },
}

/// What an endless body is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filler {
    /// One value that goes on and on.
    OneValue,
    /// Small, well-formed devices, one after the other.
    ManyDevices,
}

/// Where a fault is met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everywhere.
    Everything,
    /// The XML feeds.
    Feeds,
    /// The REST API.
    Rest,
    /// Paths that start with this text, such as `/v1/bcdr/device`.
    Path(String),
    /// What the REST API answers about one device: its own page, its assets, its alerts.
    Serial(String),
    /// The lists of assets of one device, its own page excepted.
    AssetsOf(String),
}

impl Scope {
    /// Is a request for `path` (without query) met?
    pub fn covers(&self, path: &str) -> bool {
        let below = |serial: &str| path.split("/device/").nth(1).and_then(|rest| rest.strip_prefix(serial));
        match self {
            Self::Everything => true,
            Self::Feeds => !path.starts_with("/v1/"),
            Self::Rest => path.starts_with("/v1/"),
            Self::Path(prefix) => path.starts_with(prefix.as_str()),
            Self::Serial(serial) => {
                below(serial).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            Self::AssetsOf(serial) => below(serial).is_some_and(|rest| rest.starts_with("/asset")),
        }
    }
}

/// Everything that goes wrong at a portal, in the order given. Empty: nothing does.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    scope: Scope,
    fault: Fault,
    /// How often it is still met; `None` for always. Shared by clones, so that what is spent stays spent.
    left: Option<Arc<AtomicU32>>,
    /// Requests that count against a limit.
    counted: Arc<AtomicU32>,
}

impl Faults {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a fault that is always met in its scope.
    #[must_use]
    pub fn with(mut self, scope: Scope, fault: Fault) -> Self {
        self.rules.push(Rule { scope, fault, left: None, counted: Arc::default() });
        self
    }

    /// Adds a fault that the next `times` requests of its scope meet, and none after them.
    #[must_use]
    pub fn with_next(mut self, times: u32, scope: Scope, fault: Fault) -> Self {
        let left = Some(Arc::new(AtomicU32::new(times)));
        self.rules.push(Rule { scope, fault, left, counted: Arc::default() });
        self
    }

    /// Decides what one request meets, and spends the faults that are met only so often. Of those that replace the
    /// answer the first is met; the others are not spent by this request.
    pub(crate) fn meet(&self, path: &str) -> Met {
        let mut met = Met::default();
        for rule in self.rules.iter().filter(|rule| rule.scope.covers(path)) {
            let is_taken = rule.fault.replaces() && met.replacement.is_some();
            if is_taken || !rule.spend() {
                continue;
            }
            rule.apply(&mut met);
        }
        met
    }
}

impl Rule {
    /// Takes one of the times that are left; false if none is.
    fn spend(&self) -> bool {
        let Some(left) = &self.left else { return true };
        left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }

    fn apply(&self, met: &mut Met) {
        match &self.fault {
            Fault::Shape(shape) => met.paging.shape = Some(*shape),
            Fault::PageCap(cap) => met.paging.page_cap = Some(*cap),
            Fault::ClaimedPages(pages) => met.paging.claimed_pages = Some(*pages),
            Fault::Uncounted => met.paging.is_uncounted = true,
            Fault::ListMoves(items) => met.paging.moved = *items,
            Fault::Year9999 => met.dates = Dates::Year9999,
            Fault::RateLimit { requests, per } => {
                if !self.admit(*requests, *per) {
                    let retry_after = Some(per.as_secs().max(1).to_string());
                    met.replacement = Some(Fault::TooManyRequests { retry_after });
                }
            }
            Fault::LimitHeaders { remaining, resets_at } => {
                let spent = self.counted.fetch_add(1, Ordering::SeqCst);
                let remaining = remaining.saturating_sub(spent);
                met.marks.push(Fault::LimitHeaders { remaining, resets_at: *resets_at });
            }
            replacing if replacing.replaces() => met.replacement = Some(replacing.clone()),
            marking => met.marks.push(marking.clone()),
        }
    }

    /// Counts one request until `per` has passed, unless the limit is reached: then it is false. Waiting instead of
    /// remembering instants keeps clocks out.
    fn admit(&self, limit: u32, per: Duration) -> bool {
        let below = |counted: u32| (counted < limit).then_some(counted + 1);
        if self.counted.fetch_update(Ordering::SeqCst, Ordering::SeqCst, below).is_err() {
            return false;
        }
        let counted = Arc::clone(&self.counted);
        tokio::spawn(async move {
            tokio::time::sleep(per).await;
            counted.fetch_sub(1, Ordering::SeqCst);
        });
        true
    }
}

impl Fault {
    /// Does it stand in place of the answer?
    fn replaces(&self) -> bool {
        match self {
            Self::TooManyRequests { .. }
            | Self::RateLimit { .. }
            | Self::Unauthorized
            | Self::Forbidden
            | Self::NotFound
            | Self::InternalError
            | Self::BadGateway
            | Self::Unavailable
            | Self::GatewayTimeout
            | Self::LoginPage
            | Self::RedirectToLogin
            | Self::EmptyBody
            | Self::ErrorObject
            | Self::Dtd
            | Self::NestedEntities
            | Self::Endless { .. }
            | Self::NeverAnswer => true,
            Self::Shape(_)
            | Self::PageCap(_)
            | Self::ClaimedPages(_)
            | Self::Uncounted
            | Self::ListMoves(_)
            | Self::Year9999
            | Self::CutShort { .. }
            | Self::CutCleanly { .. }
            | Self::Drip { .. }
            | Self::Gzip
            | Self::GzipUnannounced
            | Self::LimitHeaders { .. } => false,
        }
    }
}

/// What one request meets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Met {
    pub(crate) paging: Paging,
    pub(crate) dates: Dates,
    /// The fault that stands in place of the answer.
    pub(crate) replacement: Option<Fault>,
    /// Faults on the bytes and headers of the answer, in order.
    pub(crate) marks: Vec<Fault>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_covers_its_own_paths_and_no_others() {
        let device = "/v1/bcdr/device/AB";
        let assets = "/v1/bcdr/device/AB/asset";
        let feed = "/external/api/xml/status/key";
        let table = [
            (Scope::Everything, [true, true, true]),
            (Scope::Feeds, [false, false, true]),
            (Scope::Rest, [true, true, false]),
            (Scope::Path("/v1/bcdr/device/AB/".into()), [false, true, false]),
            (Scope::Serial("AB".into()), [true, true, false]),
            (Scope::Serial("A".into()), [false, false, false]),
            (Scope::AssetsOf("AB".into()), [false, true, false]),
        ];
        for (scope, expected) in table {
            assert_eq!([device, assets, feed].map(|path| scope.covers(path)), expected, "{scope:?}");
        }
    }

    #[test]
    fn a_fault_for_the_next_two_is_gone_after_two() {
        let faults = Faults::none().with_next(2, Scope::Rest, Fault::BadGateway);
        assert!(faults.meet("/feed").replacement.is_none());
        assert!(faults.meet("/v1/x").replacement.is_some());
        assert!(faults.clone().meet("/v1/x").replacement.is_some());
        assert!(faults.meet("/v1/x").replacement.is_none());
    }

    #[test]
    fn of_two_answers_the_first_is_given_and_the_second_waits() {
        let faults = Faults::none()
            .with_next(1, Scope::Everything, Fault::BadGateway)
            .with_next(1, Scope::Everything, Fault::EmptyBody)
            .with(Scope::Everything, Fault::Gzip);
        let replacements = [(); 3].map(|()| faults.meet("/").replacement);
        assert_eq!(replacements, [Some(Fault::BadGateway), Some(Fault::EmptyBody), None]);
        assert_eq!(faults.meet("/").marks, [Fault::Gzip]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_limit_admits_again_what_has_left_its_window() {
        let fault = Fault::RateLimit { requests: 2, per: Duration::from_mins(1) };
        let faults = Faults::none().with(Scope::Rest, fault);
        let is_refused = || faults.meet("/v1/x").replacement.is_some();
        let after = |seconds| tokio::time::sleep(Duration::from_secs(seconds));
        assert!(!is_refused());
        after(40).await;
        assert_eq!([is_refused(), is_refused()], [false, true]);
        after(21).await;
        assert_eq!([is_refused(), is_refused()], [false, true]);
        after(61).await;
        assert_eq!([is_refused(), is_refused(), is_refused()], [false, false, true]);
    }

    #[test]
    fn what_remains_counts_down_to_nothing() {
        let resets_at = Timestamp::UNIX_EPOCH;
        let faults = Faults::none().with(Scope::Rest, Fault::LimitHeaders { remaining: 1, resets_at });
        let remaining = [(); 3].map(|()| match faults.meet("/v1/x").marks.remove(0) {
            Fault::LimitHeaders { remaining, .. } => remaining,
            other => panic!("{other:?}"),
        });
        assert_eq!(remaining, [1, 0, 0]);
    }
}
