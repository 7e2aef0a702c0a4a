//! What do the values of an account's entry mean?
//!
//! Pure: texts in, values out. Lenient in reading, and what cannot be read is said, never taken for something good.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use lastgood_core::time::{Elapsed, elapsed};

use super::Account;
use super::owners::Owners;
use crate::ldap::{Entry, Field, Layout};

/// A number of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure<T> {
    /// The entry lacks it.
    Absent,
    /// It stands there and is no number that it could be.
    Unreadable,
    /// It is this.
    Value(T),
}

/// How an instant is written: UTC, with or without the `Z`.
const INSTANT_FORMAT: &str = "%Y%m%dT%H%M%S";

/// Not provisioned yet.
const NOT_YET: &str = "0";

/// Every mode of an account that is about to go, or gone, begins so.
const DELETING: &str = "delet";

/// Every mode of an account that is to be changed begins so, and that of one that was.
const CHANGING: &str = "modif";

/// True for an account that was in use when it was asked for last, and is being changed: it is provisioned anew.
pub(super) fn is_changed(entry: &Entry, layout: &Layout, known: &BTreeSet<Box<str>>) -> bool {
    let uid = layout.values(entry, Field::Uid).first().map(|uid| lossy(uid));
    is_active(entry, layout)
        && any(entry, layout, Field::Mode, |mode| mode.to_ascii_lowercase().starts_with(CHANGING))
        && uid.is_some_and(|uid| known.contains(&*uid))
}

fn is_active(entry: &Entry, layout: &Layout) -> bool {
    any(entry, layout, Field::Active, |value| value.eq_ignore_ascii_case("TRUE"))
}

fn any(entry: &Entry, layout: &Layout, field: Field, is: impl Fn(&str) -> bool) -> bool {
    layout.values(entry, field).iter().any(|value| is(String::from_utf8_lossy(value).trim()))
}

/// True for an account that is in use: active, provisioned, and not on its way out. A state that is neither `0` nor a
/// time counts as provisioned.
pub(super) fn is_live(entry: &Entry, layout: &Layout) -> bool {
    is_active(entry, layout)
        && !any(entry, layout, Field::State, |state| state == NOT_YET)
        && !any(entry, layout, Field::Mode, |mode| mode.to_ascii_lowercase().starts_with(DELETING))
}

/// Reads an account; the error says why the entry is none.
pub(super) fn account(entry: &Entry, layout: &Layout, owners: &Owners) -> Result<Account, &'static str> {
    let first = |field: Field| layout.values(entry, field).first().map(|value| lossy(value));
    let uid = first(Field::Uid).filter(|uid| !uid.trim().is_empty());
    let uid = uid.ok_or("it has no uid; give it one, or name its attribute in `attributes`")?;
    if uid.contains('/') {
        return Err("its uid holds a `/`, which separates the parts of a subject; give it another");
    }
    let mut last_successes: Vec<Box<str>> =
        layout.values(entry, Field::LastSuccess).iter().map(|value| lossy(value).into()).collect();
    last_successes.sort_unstable();
    Ok(Account {
        ownership: owners.of(entry, &uid, layout).into(),
        dn: entry.dn.as_str().into(),
        home: first(Field::Home).map(Into::into),
        name: first(Field::Name).unwrap_or_default().into(),
        provisioned_at: first(Field::State).and_then(|state| instant(&state)),
        quota: figure(first(Field::Quota)),
        level: figure(first(Field::Level)),
        last_successes,
        backup_size: figure(first(Field::BackupSize)),
        increment_size: figure(first(Field::IncrementSize)),
        uid: uid.into(),
    })
}

/// Reads bytes as text; what is none is replaced.
pub(super) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn figure<T: std::str::FromStr>(text: Option<String>) -> Figure<T> {
    match text {
        None => Figure::Absent,
        Some(text) => text.trim().parse().map_or(Figure::Unreadable, Figure::Value),
    }
}

/// Reads `20130923T063554Z`; the `Z` may be missing.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let local = DateTime::strptime(INSTANT_FORMAT, text.strip_suffix('Z').unwrap_or(text)).ok()?;
    TimeZone::UTC.to_timestamp(local).ok()
}

/// Writes what [`instant`] reads.
pub(in crate::sources::stoney) fn written(at: Timestamp) -> String {
    format!("{}Z", at.strftime(INSTANT_FORMAT))
}

/// False for what lies ahead by more than clocks differ.
pub(super) fn is_believed(when: Timestamp, at: Timestamp) -> bool {
    elapsed(when, at) != Elapsed::Ahead
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn layout() -> Layout {
        Layout::new("dc=stoney-cloud,dc=org")
    }

    fn entry() -> Entry {
        Entry::new("uid=3723707,ou=accounts,ou=backup,ou=services,dc=stoney-cloud,dc=org")
            .with("uid", &["3723707"])
            .with("sstIsActive", &["TRUE"])
    }

    #[rstest]
    #[case::done("modified", "20130923T063554Z", true)]
    #[case::done_without_z("add", "20100824T105847", true)]
    #[case::neither_zero_nor_a_time("added", "nonsense", true)]
    #[case::to_be_changed("modify", "0", false)]
    #[case::to_be_removed("delete", "20130923T063554Z", false)]
    #[case::being_removed("Deleting", "20130923T063554Z", false)]
    #[case::removed("DELETED", "20130923T063554Z", false)]
    fn an_account_is_in_use_once_provisioned_and_until_it_is_removed(
        #[case] mode: &str,
        #[case] state: &str,
        #[case] is_in_use: bool,
    ) {
        let entry = entry().with("sstProvisioningMode", &[mode]).with("sstProvisioningState", &[state]);
        assert_eq!(is_live(&entry, &layout()), is_in_use);
    }

    #[rstest]
    #[case::known("modify", "TRUE", true)]
    #[case::known_too("Modifying", "TRUE", true)]
    #[case::to_be_removed("delete", "TRUE", false)]
    #[case::not_active("modify", "FALSE", false)]
    fn an_account_that_is_changed_stays_where_it_was_known(
        #[case] mode: &str,
        #[case] active: &str,
        #[case] stays: bool,
    ) {
        let entry = Entry::new("uid=1").with("uid", &["1"]).with("sstIsActive", &[active]);
        let entry = entry.with("sstProvisioningMode", &[mode]).with("sstProvisioningState", &["0"]);
        assert!(!is_live(&entry, &layout()));
        let known = BTreeSet::from([Box::from("1")]);
        assert_eq!(is_changed(&entry, &layout(), &known), stays);
        assert!(!is_changed(&entry, &layout(), &BTreeSet::new()));
    }

    #[rstest]
    #[case(&["true"], true)]
    #[case(&["FALSE"], false)]
    #[case(&[], false)]
    fn only_an_active_account_is_in_use(#[case] active: &[&str], #[case] is_in_use: bool) {
        let entry = Entry::new("uid=1").with("sstIsActive", active);
        assert_eq!(is_live(&entry, &layout()), is_in_use);
    }

    #[rstest]
    #[case("20130923T063554Z", Some("2013-09-23T06:35:54Z"))]
    #[case(" 20130923T063554 ", Some("2013-09-23T06:35:54Z"))]
    #[case("20130923T063554+0200", None)]
    #[case("20131323T063554Z", None)]
    #[case("0", None)]
    #[case("", None)]
    fn an_instant_is_in_utc(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(instant(text).map(|at| at.to_string()).as_deref(), expected);
    }

    #[test]
    fn an_instant_is_written_as_it_is_read() {
        let at = instant("20130923T063554Z").expect("an instant");
        assert_eq!(written(at), "20130923T063554Z");
    }

    #[rstest]
    #[case(&["1073741824"], Figure::Value(1_073_741_824))]
    #[case(&["0"], Figure::Value(0))]
    #[case(&["-1"], Figure::Unreadable)]
    #[case(&["99999999999999999999"], Figure::Unreadable)]
    #[case(&[], Figure::Absent)]
    fn a_quota_is_a_number_of_bytes(#[case] quota: &[&str], #[case] expected: Figure<u64>) {
        let account = account(&entry().with("sstQuota", quota), &layout(), &Owners::default());
        assert_eq!(account.expect("an account").quota, expected);
    }

    #[test]
    fn a_host_has_the_newest_of_its_own_values_that_can_be_read() {
        let values = [
            "web:20130921T063554Z",
            "web:20130923T063554Z",
            "web:20990101T000000Z",
            "web:nonsense",
            "a:web:20130924T063554Z",
            "WEB:20130925T000000Z",
            "0",
        ];
        let entry = entry().with("sstBackupLastSuccessfulBackup", &values);
        let account = account(&entry, &layout(), &Owners::default()).expect("an account");
        let at = instant("20130926T000000Z").expect("an instant");
        let last = |host: &str| account.last_success(host.as_bytes(), at).map(written);
        assert_eq!(last("web").as_deref(), Some("20130923T063554Z"));
        assert_eq!(last("a:web").as_deref(), Some("20130924T063554Z"));
        assert_eq!(last("db"), None);
        assert!(account.was_backed_up());
    }

    #[rstest]
    #[case(&["0"], false)]
    #[case(&[], false)]
    #[case(&["web:nonsense"], true)]
    fn any_value_but_zero_says_that_it_was_used(#[case] values: &[&str], #[case] was_used: bool) {
        let entry = entry().with("sstBackupLastSuccessfulBackup", values);
        let account = account(&entry, &layout(), &Owners::default()).expect("an account");
        assert_eq!(account.was_backed_up(), was_used);
    }

    #[test]
    fn an_entry_without_a_key_is_no_account() {
        for uid in [&[][..], &[" "], &["a/b"]] {
            assert!(account(&Entry::new("cn=x").with("uid", uid), &layout(), &Owners::default()).is_err());
        }
    }
}
