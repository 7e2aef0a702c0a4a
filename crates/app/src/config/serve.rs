//! What does the daemon need to know besides what to look at?
//!
//! Valid values with their defaults; the keys they are written as stand in `raw`.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use lastgood_core::incident::Damping;
use lastgood_core::time::Seconds;

use super::mistake::Mistakes;
use super::place::{Placed, Written};
use super::raw::{RawServe, RawWatchdog};
use super::reading::Table;
use super::valid::{Document, shown};
use super::value::{length_above_0, length_within, not_empty, web_url};

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

/// How often is judged: more often only costs, less often tells late.
const TICKS: RangeInclusive<Seconds> = Seconds(1)..=Seconds::minutes(5);

/// Turns `[serve]` into what the daemon needs to know; what is wrong is noted and stays as if it were unset.
pub(super) fn serve(table: &Table<RawServe>, document: &Document<'_>, mistakes: &mut Mistakes) -> Serve {
    let raw = &table.value;
    let unset = Serve::default();
    let database = not_empty("database", raw.database.as_ref(), mistakes);
    let listen = raw.listen.as_ref().and_then(|listen| address(listen, mistakes));
    let public_url = raw.public_url.as_ref().and_then(|url| public_url(url, mistakes));
    let link_key_file = not_empty("link_key_file", raw.link_key_file.as_ref(), mistakes);
    if let Some(file) = raw.link_key_file.as_ref().filter(|_| !table.has("public_url")) {
        mistakes.add(
            file.at,
            "`link_key_file` signs links, and there are none without `public_url`; write for example public_url = \
             \"https://backups.example.org\", or remove it",
        );
    }
    let tick = length_within("tick", raw.tick.as_ref(), TICKS, mistakes);
    let keep = length_above_0("keep", raw.keep.as_ref(), mistakes);
    let count = |written: &Option<Placed<NonZeroU32>>| written.as_ref().map(|count| count.value.get());
    let assets_max = raw.metrics_assets_max.as_ref().map(|count| count.value);
    Serve {
        database: database.map_or(unset.database, |database| document.beside_file(&database)),
        listen: listen.unwrap_or(unset.listen),
        public_url,
        link_key_file: link_key_file.map(|file| document.beside_file(&file)),
        tick: tick.map_or(unset.tick, |tick| Duration::from_secs(tick.0.into())),
        damping: Damping {
            open_after: count(&raw.open_after).unwrap_or(unset.damping.open_after),
            close_after: count(&raw.close_after).unwrap_or(unset.damping.close_after),
        },
        repeat_after: repeat_after(raw.repeat_after.as_ref(), unset.repeat_after, mistakes),
        keep: keep.unwrap_or(unset.keep),
        metrics_assets_max: assets_max
            .map_or(unset.metrics_assets_max, |count| usize::try_from(count).unwrap_or(usize::MAX)),
        watchdog_url: None,
    }
}

/// Returns how long after a telling people are reminded; `None` is never.
fn repeat_after(
    written: Option<&Placed<Written>>,
    unset: Option<Seconds>,
    mistakes: &mut Mistakes,
) -> Option<Seconds> {
    let text = match written.map(|written| &written.value) {
        Some(Written::Text(text)) => text.trim(),
        Some(Written::Other) | None => "",
    };
    if text.eq_ignore_ascii_case("off") {
        return None;
    }
    if let Some(written) = written.filter(|_| text.parse::<Seconds>().is_err()) {
        let text = "`repeat_after` takes a length of time or off; write for example repeat_after = \"24h\"";
        mistakes.add(written.at, text);
        return unset;
    }
    length_above_0("repeat_after", written, mistakes).or(unset)
}

fn address(listen: &Placed<String>, mistakes: &mut Mistakes) -> Option<SocketAddr> {
    let address = listen.value.trim().parse();
    if address.is_err() {
        let text = format!(
            "`listen` takes an IP address and a port, and `{}` is none; write for example listen = \
             \"127.0.0.1:8470\", or \"[::]:8470\" for every address of this machine",
            shown(&listen.value)
        );
        mistakes.add(listen.at, text);
    }
    address.ok()
}

/// Returns the URL without a slash at its end.
fn public_url(written: &Placed<String>, mistakes: &mut Mistakes) -> Option<String> {
    let is_plain = |url: &reqwest::Url| {
        let has_user = !url.username().is_empty() || url.password().is_some();
        !has_user && url.query().is_none() && url.fragment().is_none()
    };
    let url = web_url(written.value.trim()).filter(is_plain);
    if url.is_none() {
        mistakes.add(
            written.at,
            "`public_url` takes an http or https URL without user, query and fragment; write for example public_url = \
             \"https://backups.example.org\"",
        );
    }
    url.map(|url| url.as_str().trim_end_matches('/').to_owned())
}

/// Reads `[watchdog]`. Its URL often holds a secret: no message repeats it.
pub(super) fn watchdog_url(table: &Table<RawWatchdog>, mistakes: &mut Mistakes) -> Option<String> {
    let written = table.value.url.as_ref()?;
    let url = web_url(written.value.trim());
    if url.is_none() {
        let text = "`url` takes an http or https URL; write for example url = \"https://watchdog.example/ping/lastgood\"";
        mistakes.add(written.at, text);
    }
    url.map(String::from)
}
