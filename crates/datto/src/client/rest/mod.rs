//! How is a fleet fetched from the REST API? The list of devices, then one list of assets per device, at a bounded pace.

use std::pin::Pin;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use lastgood_core::observation::{Collection, FailureKind};
use tokio::time::Sleep;
use url::Url;

use self::pace::Pace;
use super::redact::Secrets;
use super::trouble::Trouble;
use super::{CONNECT_TIMEOUT, ClientError, address, http};
use crate::key::KeyPair;
use crate::look::Look;
use crate::rest::{AssetsFailure, DeviceAnswer, Object, collect, serial_of, stated_asset_count};

mod list;
mod pace;
mod raw;
mod request;

/// Where the REST API is: one host for everyone.
pub const REST_API: &str = "https://api.datto.com/v1";

/// After how many devices a look says how far it is.
const PROGRESS_DEVICES: usize = 100;

/// How many requests are sent within which time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// So many, at least 1.
    pub requests: u32,
    /// Within any span of this length.
    pub per: Duration,
}

/// How much a look at the REST API may take and ask.
///
/// A look needs a request per device: with the default rate a fleet of 1 000 devices takes 10 minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestLimits {
    /// The whole look. What was read until then stands. 15 minutes by default.
    pub deadline: Duration,
    /// Connecting alone. 10 seconds by default.
    pub connect_timeout: Duration,
    /// One request, from sending it to the last byte of its answer. 90 seconds by default: some answers take 60.
    pub request_timeout: Duration,
    /// How many requests run at once, at least 1. 4 by default.
    pub concurrency: usize,
    /// How many are sent within which time. 100 a minute by default: several clients report 120, Datto states none.
    pub rate: Rate,
    /// How often a request that was refused for the moment (429, 502, 503, 504) is sent again. 3 by default.
    pub retries: u32,
    /// How long to wait before that where the portal does not say; twice as long each time. 5 seconds by default.
    pub backoff: Duration,
    /// The longest wait before another request, whatever the portal asks for. 2 minutes by default.
    pub wait_max: Duration,
    /// The largest answer, in bytes after unpacking. 16 MiB by default.
    pub answer_max_bytes: usize,
    /// The most bytes of all answers of a look. 1 GiB by default.
    pub look_max_bytes: u64,
    /// The most pages of one list. 1 000 by default, which is 100 000 devices.
    pub pages_max: u64,
}

impl Default for RestLimits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_mins(15),
            connect_timeout: CONNECT_TIMEOUT,
            request_timeout: Duration::from_secs(90),
            concurrency: 4,
            rate: Rate { requests: 100, per: Duration::from_mins(1) },
            retries: 3,
            backoff: Duration::from_secs(5),
            wait_max: Duration::from_mins(2),
            answer_max_bytes: 16 * 1024 * 1024,
            look_max_bytes: 1024 * 1024 * 1024,
            pages_max: 1_000,
        }
    }
}

/// Asks the REST API. Several looks of one client share its rate.
#[derive(Debug)]
pub struct RestClient {
    http: reqwest::Client,
    base: Url,
    host: String,
    keys: KeyPair,
    secrets: Secrets,
    limits: RestLimits,
    pace: Pace,
    /// Why the portal refused a request for the moment, the last time it did: what a look that ran out of time says.
    last_refusal: std::sync::Mutex<Option<Trouble>>,
}

impl RestClient {
    /// Prepares to ask the API at `base`, such as [`REST_API`]; one without a path is that of version 1.
    ///
    /// `Err` if the address is no https address (http is taken to this machine only), or if the program has installed
    /// no cryptography for TLS.
    pub fn new(base: &str, keys: &KeyPair, limits: RestLimits) -> Result<Self, ClientError> {
        let base = address::api(base)?;
        let http = http(limits.connect_timeout, address::is_local(&base))?;
        let secrets = Secrets::new(&[keys.expose_secret(), &request::token(keys)]);
        let pace = Pace::new(limits.rate);
        Ok(Self {
            http,
            host: address::shown(&base),
            base,
            keys: keys.clone(),
            secrets,
            limits,
            pace,
            last_refusal: std::sync::Mutex::default(),
        })
    }

    /// Fetches the fleet. Never fails: what could not be seen is a failure in the Collection.
    ///
    /// 1. The list of devices, page by page, hidden devices included. Without it the look has failed; if it breaks off,
    ///    what was read of it stands. One that repeats devices is read again.
    /// 2. The assets of each device, several devices at once. One that fails costs its own assets alone.
    /// 3. At the deadline every device that was not read yet has failed.
    pub async fn look(&self, look: &Look) -> Collection {
        let budget = Budget::new(self.limits.look_max_bytes);
        let mut deadline = Box::pin(tokio::time::sleep(self.limits.deadline));
        let mut devices = Vec::new();
        let devices_url = self.devices_url();
        let listed = tokio::select! {
            biased;
            listed = self.read_list(&devices_url, None, &budget, &mut devices) => listed,
            () = &mut deadline => Err(self.late("the list of devices was not read")),
        };
        tracing::info!(source = %look.source, devices = devices.len(), "read the list of devices");
        let answers = self.read_assets(devices, &budget, &mut deadline, look).await;
        let listing_failure = listed.err().map(|trouble| AssetsFailure::from(trouble.without(&self.secrets)));
        collect(answers, listing_failure, look)
    }

    /// Step 2 and 3 of [`look`](Self::look).
    async fn read_assets(
        &self,
        devices: Vec<Object>,
        budget: &Budget,
        deadline: &mut Pin<Box<Sleep>>,
        look: &Look,
    ) -> Vec<DeviceAnswer> {
        let count = devices.len();
        let mut answers: Vec<Option<DeviceAnswer>> = Vec::new();
        answers.resize_with(count, || None);
        let mut waiting = devices.iter().enumerate();
        let mut running = FuturesUnordered::new();
        let mut done = 0;
        loop {
            while running.len() < self.limits.concurrency.max(1) {
                let Some((index, device)) = waiting.next() else { break };
                running.push(self.assets_of(index, device, budget));
            }
            tokio::select! {
                biased;
                next = running.next() => {
                    let Some((index, assets)) = next else { break };
                    answers[index] = Some(self.answer(devices[index].clone(), assets, look));
                }
                () = &mut *deadline => break,
            }
            done += 1;
            if done % PROGRESS_DEVICES == 0 {
                tracing::info!(source = %look.source, done, of = count, "read the assets of devices");
            }
        }
        drop(running);
        let late = || (Vec::new(), Some(self.late("its assets were not read")));
        let pairs = answers.into_iter().zip(devices);
        pairs.map(|(answer, device)| answer.unwrap_or_else(|| self.answer(device, late(), look))).collect()
    }

    /// Reads what was asked of a device; the JSON of its assets is needed no longer then.
    fn answer(&self, device: Object, (assets, trouble): Assets, look: &Look) -> DeviceAnswer {
        let failure = trouble.map(|trouble| AssetsFailure::from(trouble.without(&self.secrets)));
        DeviceAnswer::new(device, &assets, failure, look)
    }

    /// Asks for the assets of one device.
    async fn assets_of(&self, index: usize, device: &Object, budget: &Budget) -> (usize, Assets) {
        let Some(url) = serial_of(device).and_then(|serial| self.assets_url(&serial)) else {
            let reason = "it states no usable serial number, so its assets cannot be asked for";
            return (index, (Vec::new(), Some(Trouble::new(FailureKind::Malformed, reason))));
        };
        let mut assets = Vec::new();
        let read = self.read_list(&url, stated_asset_count(device), budget, &mut assets).await;
        (index, (assets, read.err()))
    }

    fn devices_url(&self) -> Url {
        let mut url = self.below(&["bcdr", "device"]);
        url.query_pairs_mut()
            .append_pair("showHiddenDevices", "1")
            .append_pair("showChildResellerDevices", "1");
        url
    }

    /// Returns where the assets of a device are listed; `None` for a serial number that is no path segment.
    fn assets_url(&self, serial: &str) -> Option<Url> {
        let is_segment = !serial.bytes().all(|byte| byte == b'.');
        is_segment.then(|| self.below(&["bcdr", "device", serial, "asset"]))
    }

    fn below(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("an http address has a path").pop_if_empty().extend(segments);
        url
    }

    /// Says that the deadline came; and if the portal refused requests for the moment until then, what it said.
    fn late(&self, what: &str) -> Trouble {
        let refusal = self.last_refusal.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match refusal.as_ref() {
            Some(Trouble { kind, reason }) => {
                Trouble::new(*kind, format!("{what} within the deadline: {reason}"))
            }
            None => Trouble::timed_out(what, self.limits.deadline.as_secs_f64()),
        }
    }

    fn note_refusal(&self, trouble: Option<&Trouble>) {
        let mut refusal = self.last_refusal.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *refusal = trouble.cloned();
    }
}

/// What asking for the assets of a device gave: those that were read, and what went wrong.
type Assets = (Vec<Object>, Option<Trouble>);

/// How many bytes a look may still read.
#[derive(Debug)]
struct Budget {
    left: std::sync::atomic::AtomicU64,
    max: u64,
}

impl Budget {
    fn new(max: u64) -> Self {
        Self { left: max.into(), max }
    }

    /// Takes so many bytes; `Err` once there are not enough left.
    fn take(&self, bytes: usize) -> Result<(), Trouble> {
        use std::sync::atomic::Ordering::Relaxed;
        let taken = self.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(bytes as u64));
        taken.map(|_| ()).map_err(|_| {
            self.left.store(0, Relaxed);
            let reason = format!(
                "all answers of this look are larger than {} MiB; the rest was not read",
                self.max >> 20
            );
            Trouble::new(FailureKind::Malformed, reason)
        })
    }

    /// `Err` once nothing is left.
    fn check(&self) -> Result<(), Trouble> {
        self.take(1)
    }
}
