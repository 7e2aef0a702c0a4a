//! What does the REST API state about one agent or share?

use std::cmp::Reverse;

use jiff::Timestamp;
use lastgood_core::id::Name;
use lastgood_core::kind::Kind;
use lastgood_core::observation::{AssetObservation, Evidence, Exemption, LastRun, Stated, Verification, cut};
use lastgood_core::time::FUTURE_TOLERANCE;
use serde_json::Value;

use super::Object;
use super::value::{filled, is_yes, note, text, time};
use crate::kinds::{OTHER, SHARE, VERIFIED_AGENT};
use crate::look::Look;

/// The one text that means that a backup or a local verification succeeded.
const SUCCESS: &str = "success";

/// The longest error message that is kept for people, in bytes.
const DETAIL_MAX_BYTES: usize = 500;

/// One entry of `backups`, which come in no promised order.
struct Backup<'o> {
    at: Stated<Timestamp>,
    succeeded: bool,
    object: &'o Object,
}

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
    let backups = backups(object, look.at, &mut evidence)?;
    asset.more.identity = identity.map(String::into_boxed_str);
    asset.exempt = exemption(object);
    asset.offsite_exempt = offsite;
    asset.last_run = last_run(&backups);
    asset.last_good = last_good(time(object, "lastSnapshot", look.at, &mut evidence), &backups);
    asset.last_offsite = time(object, "latestOffsite", look.at, &mut evidence);
    asset.more.verification = verification(object, &backups, look.at, &mut evidence);
    if look.keep_details {
        asset.more.details = details(object, &backups);
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

/// Reads the runs, newest first; a run without a readable time counts as the newest, so that its failure is not lost.
fn backups<'o>(
    object: &'o Object,
    at: Timestamp,
    evidence: &mut Vec<Evidence>,
) -> Result<Vec<Backup<'o>>, String> {
    let list = match object.get("backups") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err("its list of backups is no list; the asset was not judged".to_owned()),
    };
    let mut backups = Vec::with_capacity(list.len());
    for entry in list {
        let Value::Object(entry) = entry else {
            return Err("its list of backups holds something else; the asset was not judged".to_owned());
        };
        let run = entry.get("backup").and_then(Value::as_object);
        let status = run.and_then(|run| text(run, "status"));
        let succeeded = status.is_some_and(|status| status.trim() == SUCCESS);
        backups.push(Backup { at: time(entry, "timestamp", at, evidence), succeeded, object: entry });
    }
    // A run dated ahead says nothing while others do: one wrong clock would hide every failure after it.
    let is_ahead =
        |backup: &Backup<'_>| backup.at.value().is_some_and(|run| run.duration_since(at) > FUTURE_TOLERANCE);
    if backups.iter().any(is_ahead) && !backups.iter().all(is_ahead) {
        backups.retain(|backup| !is_ahead(backup));
        note(object, "backups", "runs dated in the future are left out", evidence);
    }
    backups.sort_by_key(|backup| Reverse(backup.at.value().unwrap_or(Timestamp::MAX)));
    Ok(backups)
}

fn last_run(backups: &[Backup<'_>]) -> LastRun {
    let Some(newest) = backups.first() else { return LastRun::NoneYet };
    if newest.succeeded {
        return LastRun::Succeeded;
    }
    let in_row = backups.iter().take_while(|backup| !backup.succeeded).count();
    LastRun::Failed { in_row: u32::try_from(in_row).unwrap_or(u32::MAX), at: newest.at.value() }
}

/// The newer of the last snapshot and the newest run that succeeded.
fn last_good(snapshot: Stated<Timestamp>, backups: &[Backup<'_>]) -> Stated<Timestamp> {
    let succeeded =
        backups.iter().filter(|backup| backup.succeeded).filter_map(|backup| backup.at.value()).max();
    match succeeded.max(snapshot.value()) {
        Some(newest) => Stated::Value(newest),
        None => snapshot,
    }
}

/// Reads both verifications of an agent: the screenshot of a test boot, whose age is judged, and the local one of the
/// newest run that succeeded (a failed run has nothing to verify).
fn verification(
    object: &Object,
    backups: &[Backup<'_>],
    at: Timestamp,
    evidence: &mut Vec<Evidence>,
) -> Verification {
    let attempt = time(object, "lastScreenshotAttempt", at, evidence);
    let attempted = matches!(attempt, Stated::Value(_) | Stated::Unreadable);
    let newest_status = || backups.iter().find_map(screenshot_of_run);
    let screenshot = status(object.get("lastScreenshotAttemptStatus")).or_else(newest_status);
    let screenshot_failed = attempted && screenshot == Some(false);
    if screenshot_failed {
        note(object, "lastScreenshotAttemptStatus", "the screenshot verification failed", evidence);
    }
    let local_failed = backups.iter().find(|backup| backup.succeeded).is_some_and(|newest| {
        let failed = local_verification_failed(newest.object);
        if failed {
            note(newest.object, "localVerification", "the local verification failed", evidence);
        }
        failed
    });
    Verification { at: attempt, failed: screenshot_failed || local_failed }
}

/// Reads the screenshot status of one run: `"1"` ok, `""` failed, null not run.
fn screenshot_of_run(backup: &Backup<'_>) -> Option<bool> {
    status(backup.object.get("advancedVerification")?.get("screenshotVerification")?.get("status"))
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

fn details(object: &Object, backups: &[Backup<'_>]) -> Vec<(&'static str, Box<str>)> {
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
        backups.first().and_then(|backup| filled(backup.object.get("backup")?.as_object()?, "errorMessage"));
    if let Some(error) = newest_error {
        details.push(("error of the newest run", cut(error.trim(), DETAIL_MAX_BYTES).into()));
    }
    let unprotected = object.get("unprotectedVolumesCount").and_then(Value::as_u64).unwrap_or_default();
    if unprotected > 0 {
        details.push(("unprotected volumes", unprotected.to_string().into()));
    }
    details
}
