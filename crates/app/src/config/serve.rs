//! What does the daemon need to know besides what to look at?
//!
//! Valid values with their defaults; the keys they are written as stand in `raw`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use lastgood_core::incident::Damping;
use lastgood_core::time::Seconds;

/// `[serve]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serve {
    /// The file everything is remembered in.
    pub database: PathBuf,
    /// Where pings, the API, links and pages are answered.
    pub listen: SocketAddr,
    /// How the world reaches that, as a URL without a slash at its end; needed for links in messages.
    pub public_url: Option<String>,
    /// The file with the key that signs links; at least 32 bytes of its line count.
    pub link_key_file: Option<PathBuf>,
    /// How often is judged at least.
    pub tick: Duration,
    /// How many looks in a row it takes to open and to close an incident.
    pub damping: Damping,
    /// How long after a telling people are reminded; `None` never.
    pub repeat_after: Option<Seconds>,
    /// How long looks and pings are kept whole, before looks are thinned to one a day and pings dropped.
    pub keep: Seconds,
    /// How many assets have series of their own in `/metrics`; of more, only the counts.
    pub metrics_assets_max: usize,
    /// Whom we tell after every good tick that we live: a URL that is asked with GET.
    pub watchdog_url: Option<String>,
}

impl Serve {
    /// Where everything is remembered unless said.
    pub const DATABASE: &str = "/var/lib/lastgood/lastgood.db";
}

impl Default for Serve {
    fn default() -> Self {
        Self {
            database: PathBuf::from(Self::DATABASE),
            listen: SocketAddr::from(([127, 0, 0, 1], 8470)),
            public_url: None,
            link_key_file: None,
            tick: Duration::from_secs(15),
            damping: Damping::default(),
            repeat_after: Some(Seconds::days(1)),
            keep: Seconds::days(7),
            metrics_assets_max: 10_000,
            watchdog_url: None,
        }
    }
}
