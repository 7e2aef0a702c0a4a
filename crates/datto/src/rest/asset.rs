//! What does the REST API state about one agent or share?

use jiff::Timestamp;
use lastgood_core::id::Name;
use lastgood_core::kind::Kind;
use lastgood_core::observation::{AssetObservation, Evidence, Exemption, Stated, Verification, cut};
use serde_json::Value;

use super::Object;
use super::runs::{Run, Runs, SUCCESS};
use super::value::{filled, is_yes, note, time};
use crate::kinds::{OTHER, SHARE, VERIFIED_AGENT};
use crate::look::Look;

/// The longest error message that is kept for people, in bytes.
const DETAIL_MAX_BYTES: usize = 500;

/// Reads an asset. `position` counts the assets of the device from 1, for one without any name. An `Err` says why it
/// cannot be judged at all.
pub(super) fn read(
    object: &Object,
    position: usize,
    offsite: Option<Exemption>,
    look: &Look,
) -> Result<AssetObservation, String> {
    let identity = filled(object, "volume").map(|volume| volume.trim().to_owned());
    let name = filled(object, "name").map(|name| name.trim().to_owned());
    let name = name.or_else(|| identity.clone()).unwrap_or_else(|| format!("asset {position}"));
    let mut asset = AssetObservation::new(kind_of(object), Name::new(name));
    let mut evidence = Vec::new();
    let runs = Runs::read(object, look.at, &mut evidence)?;
    asset.more.identity = identity.map(String::into_boxed_str);
    asset.exempt = exemption(object);
    asset.offsite_exempt = offsite;
    asset.last_run = runs.last();
    asset.last_good = last_good(time(object, "lastSnapshot", look.at, &mut evidence), &runs);
    asset.last_offsite = time(object, "latestOffsite", look.at, &mut evidence);
    asset.more.verification = verification(object, &runs, look.at, &mut evidence);
    if look.keep_details {
        asset.more.details = details(object, &runs);
    }
    asset.more.evidence = evidence;
    Ok(asset)
}

fn kind_of(object: &Object) -> &'static Kind {
    match filled(object, "type").unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "agent" => &VERIFIED_AGENT,
        "share" => &SHARE,
        _ => &OTHER,
    }
}

fn exemption(object: &Object) -> Option<Exemption> {
    match (is_yes(object, "isArchived"), is_yes(object, "isPaused")) {
        (true, _) => Some(Exemption::Archived),
        (false, true) => Some(Exemption::Paused),
        (false, false) => None,
    }
}

/// The newer of the last snapshot and the newest run that succeeded.
fn last_good(snapshot: Stated<Timestamp>, runs: &Runs<'_>) -> Stated<Timestamp> {
    match runs.last_success().max(snapshot.value()) {
        Some(newest) => Stated::Value(newest),
        None => snapshot,
    }
}

/// Reads both verifications of an agent: the screenshot of a test boot, whose age is judged, and the local one of the
/// newest run that succeeded (a failed run has nothing to verify), and of those whose time cannot be true.
fn verification(
    object: &Object,
    runs: &Runs<'_>,
    at: Timestamp,
    evidence: &mut Vec<Evidence>,
) -> Verification {
    let attempt = time(object, "lastScreenshotAttempt", at, evidence);
    let attempted = matches!(attempt, Stated::Value(_) | Stated::Unreadable);
    let newest_status = || runs.iter().find_map(screenshot_of_run);
    let screenshot = status(object.get("lastScreenshotAttemptStatus")).or_else(newest_status);
    let screenshot_failed = attempted && screenshot == Some(false);
    if screenshot_failed {
        note(object, "lastScreenshotAttemptStatus", "the screenshot verification failed", evidence);
    }
    let mut succeeded = runs.iter().filter(|run| run.succeeded);
    // Runs that have a place come first. A verification of one that has none may be the newest.
    let newest = succeeded.next();
    let judged = newest.into_iter().chain(succeeded.filter(|run| !run.is_placed()));
    let mut failed_at: Vec<Option<Timestamp>> =
        screenshot_failed.then_some(attempt.value()).into_iter().collect();
    for run in judged.filter(|run| local_verification_failed(run.object)) {
        note(run.object, "localVerification", "the local verification failed", evidence);
        failed_at.push(run.made_at());
    }
    if failed_at.is_empty() {
        return Verification { at: attempt, failed: false };
    }
    // The one that failed is said, however old or new the other is.
    let at = failed_at.into_iter().flatten().max().map_or(Stated::Missing, Stated::Value);
    Verification { at, failed: true }
}

/// Reads the screenshot status of one run: `"1"` ok, `""` failed, null not run.
fn screenshot_of_run(run: &Run<'_>) -> Option<bool> {
    status(run.object.get("advancedVerification")?.get("screenshotVerification")?.get("status"))
}

/// Reads a status that is a flag, a number or a text; `None` if there was no attempt.
fn status(status: Option<&Value>) -> Option<bool> {
    match status? {
        Value::Bool(ok) => Some(*ok),
        Value::Number(number) => Some(number.as_f64() != Some(0.0)),
        Value::String(text) => {
            Some(crate::reading::is_yes(text) || text.trim().eq_ignore_ascii_case(SUCCESS))
        }
        Value::Null => None,
        Value::Array(_) | Value::Object(_) => Some(false),
    }
}

fn local_verification_failed(backup: &Object) -> bool {
    let Some(Value::Object(local)) = backup.get("localVerification") else { return false };
    let has_errors = local.get("errors").and_then(Value::as_array).is_some_and(|errors| !errors.is_empty());
    let status = filled(local, "status");
    has_errors || status.is_some_and(|status| status.trim() != SUCCESS)
}

fn details(object: &Object, runs: &Runs<'_>) -> Vec<(&'static str, Box<str>)> {
    let fields = [
        ("operating system", "os"),
        ("full name", "fqdn"),
        ("address", "localIp"),
        ("agent version", "agentVersion"),
        ("screenshot", "lastScreenshotUrl"),
    ];
    let shown = |(label, field)| Some((label, cut(filled(object, field)?.trim(), DETAIL_MAX_BYTES).into()));
    let mut details: Vec<_> = fields.into_iter().filter_map(shown).collect();
    let newest_error =
        runs.iter().next().and_then(|run| filled(run.object.get("backup")?.as_object()?, "errorMessage"));
    if let Some(error) = newest_error {
        details.push(("error of the newest run", cut(error.trim(), DETAIL_MAX_BYTES).into()));
    }
    let unprotected = object.get("unprotectedVolumesCount").and_then(Value::as_u64).unwrap_or_default();
    if unprotected > 0 {
        details.push(("unprotected volumes", unprotected.to_string().into()));
    }
    details
}
