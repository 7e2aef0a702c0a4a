//! How is a device named that could not be judged? By its serial number, unless that names one that was.

use std::collections::HashSet;

use lastgood_core::id::Name;
use lastgood_core::observation::{Failure, Place, RepositoryObservation};

/// Settles the place of every device that was lost, which bears both a serial number and a place in the document until
/// then.
///
/// 1. A serial number that is no key of a judged device names the lost one.
/// 2. One that is would blame the wrong device: the place in the document names the lost one, the reason its serial
///    number.
/// 3. A line that the place says already is not said again.
pub(super) fn settle(failures: &mut [Failure], judged: &[RepositoryObservation]) {
    if failures.is_empty() {
        return;
    }
    let judged: HashSet<&Name> = judged.iter().map(|repository| &repository.key).collect();
    for Failure { place, reason, .. } in failures {
        let Place { repository, position: Some(position), .. } = place else { continue };
        let mut twin_of = String::new();
        match repository {
            Some(serial) if !judged.contains(serial) => {
                place.position = None;
                continue;
            }
            Some(serial) => twin_of = serial.text().into_owned(),
            None => {}
        }
        *repository = None;
        let line = position.rsplit(' ').next().unwrap_or_default();
        if let Some(rest) = reason.strip_prefix(&format!("line {line}: ")) {
            *reason = rest.to_owned();
        }
        if !twin_of.is_empty() {
            *reason =
                format!("{reason}; its serial number {twin_of} is that of another device, which was judged");
        }
    }
}
