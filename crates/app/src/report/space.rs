//! How full is a repository, as far as its figures say?

use lastgood_core::observation::{Space, SpaceUnit, Stated};

/// Figures of one repository in bytes; `None` where they are not stated, not readable or not in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bytes {
    /// What is used.
    pub(super) used: Option<u64>,
    /// What is free.
    pub(super) free: Option<u64>,
    /// What may be used: as stated, else used + free unless both are 0. 128 bits hold the largest sum.
    pub(super) quota: Option<u128>,
}

/// Returns the figures in bytes.
pub(super) fn bytes(space: &Space) -> Bytes {
    match space.unit {
        SpaceUnit::Bytes => {
            Bytes { used: space.used.value(), free: space.free.value(), quota: capacity(space) }
        }
        SpaceUnit::Unstated => Bytes::default(),
    }
}

/// Returns the used share in hundredths of a percent, cut and not rounded; it needs no known unit.
pub(super) fn share(space: &Space) -> Option<u128> {
    let used = space.used.value()?;
    let capacity = capacity(space)?;
    (u128::from(used) * 10_000).checked_div(capacity)
}

/// A quota that is stated and cannot be read is not replaced by a guess.
fn capacity(space: &Space) -> Option<u128> {
    match space.quota {
        Stated::Value(quota) => Some(u128::from(quota)),
        Stated::Unreadable => None,
        Stated::Missing | Stated::Never => match (space.used.value()?, space.free.value()?) {
            (0, 0) => None,
            (used, free) => Some(u128::from(used) + u128::from(free)),
        },
    }
}

const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// Shows bytes for people, in binary units with one decimal, cut and not rounded: `1.5 TiB`.
pub(super) fn size(bytes: u128) -> String {
    let mut unit = 0;
    let mut divisor: u128 = 1;
    while bytes / divisor >= 1024 && unit + 1 < UNITS.len() {
        divisor *= 1024;
        unit += 1;
    }
    let name = UNITS[unit];
    if unit == 0 {
        return format!("{bytes} {name}");
    }
    format!("{}.{} {name}", bytes / divisor, bytes % divisor * 10 / divisor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(used: Stated<u64>, free: Stated<u64>, quota: Stated<u64>) -> Space {
        Space { used, free, quota, unit: SpaceUnit::Bytes }
    }

    #[test]
    fn the_quota_is_the_stated_one_else_used_and_free_else_nothing() {
        use Stated::{Missing, Unreadable, Value};
        let quota = |used, free, quota| bytes(&space(used, free, quota)).quota;
        assert_eq!(quota(Value(1), Value(2), Value(9)), Some(9));
        assert_eq!(quota(Value(1), Value(2), Missing), Some(3));
        assert_eq!(quota(Value(u64::MAX), Value(u64::MAX), Missing), Some(2 * u128::from(u64::MAX)));
        assert_eq!(quota(Value(0), Value(0), Missing), None);
        assert_eq!(quota(Value(0), Missing, Missing), None);
        assert_eq!(quota(Value(1), Value(2), Unreadable), None);
        assert_eq!(quota(Missing, Missing, Value(9)), Some(9));
    }

    #[test]
    fn figures_without_a_unit_are_no_bytes_but_have_a_share() {
        let mut figures = space(Stated::Value(85), Stated::Value(15), Stated::Missing);
        figures.unit = SpaceUnit::Unstated;
        assert_eq!(bytes(&figures), Bytes::default());
        assert_eq!(share(&figures), Some(8500));
        assert_eq!(share(&space(Stated::Value(1), Stated::Missing, Stated::Value(0))), None);
    }

    #[test]
    fn a_size_is_cut_in_binary_units() {
        let shown = [0, 1023, 1024, 1536, 1_048_575, 1 << 40, u128::from(u64::MAX) * 2].map(size);
        assert_eq!(shown, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1023.9 KiB", "1.0 TiB", "31.9 EiB"]);
    }
}
