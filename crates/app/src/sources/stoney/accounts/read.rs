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
use crate::ldap::{Entry, Field, Layout, normalised_value, rdn_values};

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

/// Whether an account is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Active, provisioned, and not on its way out.
    InUse,
    /// Not, or not yet, or not for long.
    NotInUse,
    /// Its entry does not say whether it is active: that is no reason to take it for gone.
    NotSaid,
}

/// Reads whether an account is in use. A state that is neither `0` nor a time counts as provisioned. One that is `known`
/// and being changed is provisioned anew, so that its state is `0`: it did not go.
pub(super) fn standing(entry: &Entry, layout: &Layout, known: &BTreeSet<Box<str>>) -> Standing {
    let has_mode =
        |word: &str| any(entry, layout, Field::Mode, |mode| mode.to_ascii_lowercase().starts_with(word));
    let has_state = |word: &str| any(entry, layout, Field::State, |state| state == word);
    let is_active =
        |word: &str| any(entry, layout, Field::Active, |active| active.eq_ignore_ascii_case(word));
    let is_changed = || has_mode(CHANGING) && key(entry, layout).is_some_and(|key| known.contains(&*key));
    if has_mode(DELETING) || has_state(NOT_YET) && !is_changed() {
        return Standing::NotInUse;
    }
    match (is_active("TRUE"), is_active("FALSE")) {
        (true, _) => Standing::InUse,
        (false, true) => Standing::NotInUse,
        (false, false) => Standing::NotSaid,
    }
}

/// The key of an entry: of several the one that its name has, else the smallest. The order of the server means nothing.
pub(super) fn key(entry: &Entry, layout: &Layout) -> Option<String> {
    let keys =
        || layout.values(entry, Field::Uid).into_iter().map(lossy).filter(|key| !key.trim().is_empty());
    let named = rdn_values(&entry.dn);
    keys().filter(|key| named.contains(&normalised_value(key))).min().or_else(|| keys().min())
}

fn any(entry: &Entry, layout: &Layout, field: Field, is: impl Fn(&str) -> bool) -> bool {
    layout.values(entry, field).iter().any(|value| is(String::from_utf8_lossy(value).trim()))
}

/// Reads an account; the error says why the entry is none.
pub(super) fn account(entry: &Entry, layout: &Layout, owners: &Owners) -> Result<Account, &'static str> {
    let first = |field: Field| layout.values(entry, field).first().map(|value| lossy(value));
    let uid =
        key(entry, layout).ok_or("it has no uid; give it one, or name its attribute in `attributes`")?;
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
    #[case::being_changed("Modifying", "0", false)]
    #[case::to_be_added("add", "0", false)]
    #[case::being_added("adding", "0", false)]
    #[case::to_be_removed("delete", "20130923T063554Z", false)]
    #[case::being_removed("Deleting", "20130923T063554Z", false)]
    #[case::removed("DELETED", "20130923T063554Z", false)]
    fn an_account_is_in_use_once_provisioned_and_until_it_is_removed(
        #[case] mode: &str,
        #[case] state: &str,
        #[case] is_in_use: bool,
    ) {
        let entry = entry().with("sstProvisioningMode", &[mode]).with("sstProvisioningState", &[state]);
        assert_eq!(standing(&entry, &layout(), &BTreeSet::new()) == Standing::InUse, is_in_use);
    }

    #[rstest]
    #[case(&["true"], "added", "1", Standing::InUse)]
    #[case(&["FALSE"], "added", "1", Standing::NotInUse)]
    #[case(&["FALSE"], "modify", "0", Standing::NotInUse)]
    #[case::hidden_from_us(&[], "added", "1", Standing::NotSaid)]
    #[case::hidden_while_it_is_changed(&[], "modify", "0", Standing::NotInUse)]
    #[case::neither(&["yes"], "added", "1", Standing::NotSaid)]
    #[case::not_there_yet_anyway(&[], "add", "0", Standing::NotInUse)]
    #[case::going_anyway(&[], "delete", "1", Standing::NotInUse)]
    fn an_account_that_does_not_say_whether_it_is_active_is_not_taken_for_gone(
        #[case] active: &[&str],
        #[case] mode: &str,
        #[case] state: &str,
        #[case] expected: Standing,
    ) {
        let entry = Entry::new("uid=1").with("sstIsActive", active);
        let entry = entry.with("sstProvisioningMode", &[mode]).with("sstProvisioningState", &[state]);
        assert_eq!(standing(&entry, &layout(), &BTreeSet::new()), expected);
    }

    #[rstest]
    #[case::to_be_changed("modify", "TRUE", Standing::InUse)]
    #[case::being_changed("Modifying", "TRUE", Standing::InUse)]
    #[case::to_be_removed("delete", "TRUE", Standing::NotInUse)]
    #[case::added_anew("add", "TRUE", Standing::NotInUse)]
    #[case::not_active("modify", "FALSE", Standing::NotInUse)]
    fn an_account_that_is_changed_stays_where_it_was_known(
        #[case] mode: &str,
        #[case] active: &str,
        #[case] expected: Standing,
    ) {
        let entry = Entry::new("uid=1").with("uid", &["1"]).with("sstIsActive", &[active]);
        let entry = entry.with("sstProvisioningMode", &[mode]).with("sstProvisioningState", &["0"]);
        assert_eq!(standing(&entry, &layout(), &BTreeSet::from([Box::from("1")])), expected);
        assert_eq!(standing(&entry, &layout(), &BTreeSet::from([Box::from("2")])), Standing::NotInUse);
    }

    #[rstest]
    #[case::that_of_its_name("uid=1208,ou=x", &["zzz", "1208", "1100"], "1208")]
    #[case::as_the_entry_spells_it("UID=ab\\43 d,ou=x", &["zzz", "ABc  d"], "ABc  d")]
    #[case::of_a_name_of_two("cn=x+uid=7,ou=x", &["3", "7"], "7")]
    #[case::no_name_of_ours("cn=x,ou=x", &["zzz", "1208"], "1208")]
    #[case::the_only_one("uid=5,ou=x", &["1208"], "1208")]
    fn the_key_is_that_of_the_name_whatever_the_order_of_the_server(
        #[case] dn: &str,
        #[case] uids: &[&str],
        #[case] expected: &str,
    ) {
        let turned: Vec<&str> = uids.iter().rev().copied().collect();
        for uids in [uids, &turned] {
            let entry = Entry::new(dn).with("uid", uids);
            assert_eq!(key(&entry, &layout()).as_deref(), Some(expected));
        }
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
