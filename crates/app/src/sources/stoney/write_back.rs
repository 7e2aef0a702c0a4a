//! What is written back to the directory after a look, so that clients and other programs see it there?
//!
//! Only what differs from what stood there when it was read, one change per account. It measures and judges nothing.

use std::collections::{BTreeMap, HashSet};

use icu_normalizer::ComposingNormalizerBorrowed;
use jiff::Timestamp;
use lastgood_core::id::{Escaped, Name};
use lastgood_core::observation::{Failure, FailureKind, Place};

use super::accounts::{Account, Figure, written};
use crate::ldap::{Change, Field, Layout, Ldap, LdapError, Session};
use crate::measure::Measured;

/// What is to be changed in one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The account.
    pub uid: Box<str>,
    /// Its entry.
    pub dn: Box<str>,
    /// At least one change, unless something is left out.
    pub changes: Vec<Change>,
    /// How many hosts are not written, since the entry holds as many as it may.
    pub left_out_count: usize,
}

/// So many hosts stand in one entry at most. A customer who makes more costs their own entry, not the directory.
const HOSTS_MAX: usize = 1000;

/// No host was backed up yet.
const NEVER: &str = "0";

/// Finds what is to be changed for an account; `None` where all stands there already.
///
/// 1. Each size that was measured, where another one or none stands there.
/// 2. For each computer whose newest success is later than what stands there for it: the values of that host give way to
///    the new one. Those of other hosts stay, and `0` goes with the first success. A value that the directory takes for
///    one that stands there, or for that of another computer, is left out: it would refuse the whole change.
pub fn wanted(
    account: &Account,
    measured: Option<Measured>,
    successes: &[(Name, Timestamp)],
    (layout, at): (&Layout, Timestamp),
) -> Option<Wanted> {
    let mut changes = Vec::new();
    if let Some(Measured { incoming_bytes, snapshots_bytes, .. }) = measured {
        let sizes = [
            (Field::BackupSize, account.backup_size, incoming_bytes),
            (Field::IncrementSize, account.increment_size, snapshots_bytes),
        ];
        for (field, there, bytes) in sizes {
            if there != Figure::Value(bytes) {
                let attribute = layout.attribute(field).to_owned();
                changes.push(Change::Replace { attribute, values: vec![bytes.to_string()] });
            }
        }
    }
    let (of_hosts, left_out_count) = success_changes(account, successes, (layout, at));
    changes.extend(of_hosts);
    let (uid, dn) = (account.uid.clone(), account.dn.clone());
    let is_any = !changes.is_empty() || left_out_count > 0;
    is_any.then_some(Wanted { uid, dn, changes, left_out_count })
}

/// The changes, and how many hosts are left out. A computer whose name is no text of one line cannot be written there.
fn success_changes(
    account: &Account,
    successes: &[(Name, Timestamp)],
    (layout, at): (&Layout, Timestamp),
) -> (Vec<Change>, usize) {
    let mut newer: BTreeMap<&str, Timestamp> = BTreeMap::new();
    for (computer, success) in successes {
        let Ok(host) = std::str::from_utf8(computer.bytes()) else { continue };
        let is_newer =
            account.last_success(host.as_bytes(), at).is_none_or(|there| there < seconds(*success));
        if is_newer && !host.chars().any(char::is_control) {
            newer.insert(host, *success);
        }
    }
    if newer.is_empty() {
        return (Vec::new(), 0);
    }
    let attribute = || layout.attribute(Field::LastSuccess).to_owned();
    let gives_way = |value: &&str| {
        let host = value.rsplit_once(':').map(|(host, _)| host);
        value.trim() == NEVER || host.is_some_and(|host| newer.contains_key(host))
    };
    let values = || account.last_successes.iter().map(|value| &**value);
    let old: Vec<String> = values().filter(gives_way).map(str::to_owned).collect();
    let mut there: HashSet<String> = values().filter(|value| !gives_way(value)).map(folded).collect();
    let new = newer.iter().map(|(host, success)| format!("{host}:{}", written(*success)));
    let room = HOSTS_MAX.saturating_sub(there.len());
    let mut new: Vec<String> = new.filter(|value| there.insert(folded(value))).collect();
    let left_out_count = new.len().saturating_sub(room);
    new.truncate(room);
    if new.is_empty() {
        return (Vec::new(), left_out_count);
    }
    let remove = (!old.is_empty()).then(|| Change::Remove { attribute: attribute(), values: old });
    let add = Change::Add { attribute: attribute(), values: new };
    (remove.into_iter().chain([add]).collect(), left_out_count)
}

/// What two values have in common that are one to a directory (RFC 4518, 2.2 to 2.6): what nobody sees is nothing, every
/// blank is a space, every way to write a letter is one, and neither case nor the number of blanks counts. Where that
/// takes more for one than a directory does, one computer is left out; where it took less, the whole entry would be.
fn folded(value: &str) -> String {
    let normalizer = ComposingNormalizerBorrowed::new_nfkc();
    let seen: String = value.chars().filter(|&character| !is_nothing(character)).collect();
    let lower = normalizer.normalize(&seen).to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    normalizer.normalize(&words.join(" ")).into_owned()
}

/// What a directory maps to nothing (RFC 4518, 2.2), but for blanks among the controls.
fn is_nothing(character: char) -> bool {
    (character.is_control() && !character.is_whitespace())
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{6dd}' | '\u{70f}' | '\u{1806}' | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2063}' | '\u{206a}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffc}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0001}' | '\u{e0020}'..='\u{e007f}')
}

/// Values have no fractions of a second.
fn seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// Changes the entries one after the other; what failed is said per account. Where the connection is gone, the rest is
/// left to the next look.
pub async fn write(ldap: &Ldap, wanted: Vec<Wanted>) -> Vec<Failure> {
    if wanted.is_empty() {
        return Vec::new();
    }
    let session = match ldap.connect().await {
        Ok(session) => session,
        Err(error) => {
            let reason = format!("sizes and successes were not written back: {}", error.reason);
            return vec![Failure { place: Place::source(), kind: error.kind, reason }];
        }
    };
    let mut failures = Vec::new();
    for Wanted { uid, dn, changes, left_out_count } in wanted {
        if left_out_count > 0 {
            let reason = format!(
                "the last successes of {left_out_count} computers are not written to {}: {HOSTS_MAX} stand there; remove \
                 those of computers that are gone",
                Escaped(&dn)
            );
            let place = Place::repository(Name::new(uid.as_bytes()));
            failures.push(Failure { place, kind: FailureKind::Refused, reason });
        }
        if changes.is_empty() {
            continue;
        }
        let Err((what, error)) = change(&session, &dn, changes).await else { continue };
        let is_cut = error.code.is_none();
        let reason = format!("its {what} were not written to {}: {}", Escaped(&dn), error.reason);
        failures.push(Failure {
            place: Place::repository(Name::new(uid.as_bytes())),
            kind: error.kind,
            reason,
        });
        if is_cut {
            break;
        }
    }
    session.end().await;
    failures
}

/// Changes one entry at once. Where the directory refuses that, the sizes are written alone: a success that it does not
/// take must not keep them from being seen. The error says what was not written.
async fn change(session: &Session, dn: &str, changes: Vec<Change>) -> Result<(), (&'static str, LdapError)> {
    const ALL: &str = "sizes and successes";
    let sizes: Vec<Change> =
        changes.iter().filter(|change| matches!(change, Change::Replace { .. })).cloned().collect();
    let is_mixed = !sizes.is_empty() && sizes.len() < changes.len();
    let Err(error) = session.modify(dn, changes).await else { return Ok(()) };
    if !is_mixed || error.code.is_none() {
        return Err((ALL, error));
    }
    match session.modify(dn, sizes).await {
        Ok(()) => Err(("successes", error)),
        Err(error) => Err((ALL, error)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lastgood_core::ownership::Ownership;
    use rstest::rstest;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn now() -> Timestamp {
        at("2026-03-02T12:00:00Z")
    }

    fn account(last_successes: &[&str]) -> Account {
        Account {
            uid: "3723707".into(),
            dn: "uid=3723707,ou=accounts".into(),
            home: None,
            name: "".into(),
            provisioned_at: None,
            quota: Figure::Absent,
            level: Figure::Absent,
            last_successes: last_successes.iter().map(|value| (*value).into()).collect(),
            backup_size: Figure::Value(4096),
            increment_size: Figure::Absent,
            ownership: Arc::new(Ownership::default()),
        }
    }

    fn changes(account: &Account, measured: Option<Measured>, successes: &[(&str, &str)]) -> Vec<Change> {
        let named = |(name, when): &(&str, &str)| (Name::new(*name), at(when));
        let successes: Vec<_> = successes.iter().map(named).collect();
        let layout = Layout::new("dc=x");
        wanted(account, measured, &successes, (&layout, now())).map_or_else(Vec::new, |wanted| wanted.changes)
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    const ATTRIBUTE: &str = "sstBackupLastSuccessfulBackup";

    #[test]
    fn only_sizes_that_differ_are_written() {
        let measured = Measured { incoming_bytes: 4096, snapshots_bytes: 0, regular_file_seen: false };
        let replaced = |attribute: &str, value: &str| Change::Replace {
            attribute: attribute.to_owned(),
            values: texts(&[value]),
        };
        let changed = changes(&account(&[]), Some(measured), &[]);
        assert_eq!(changed, [replaced("sstIncrementSize", "0")]);
        let measured = Measured { incoming_bytes: 8192, ..measured };
        let mut known = account(&[]);
        known.increment_size = Figure::Value(0);
        assert_eq!(changes(&known, Some(measured), &[]), [replaced("sstBackupSize", "8192")]);
        known.backup_size = Figure::Value(8192);
        assert_eq!(changes(&known, Some(measured), &[]), []);
        assert_eq!(changes(&known, None, &[]), []);
    }

    #[test]
    fn a_later_success_takes_the_place_of_what_stood_there_for_that_host() {
        let there = account(&["db:20260301T000000Z", "web:20260301T000000Z", "web:nonsense"]);
        let successes = [("web", "2026-03-02T01:02:03.5Z"), ("db", "2026-03-01T00:00:00.9Z")];
        let removed = texts(&["web:20260301T000000Z", "web:nonsense"]);
        let expected = [
            Change::Remove { attribute: ATTRIBUTE.to_owned(), values: removed },
            Change::Add { attribute: ATTRIBUTE.to_owned(), values: texts(&["web:20260302T010203Z"]) },
        ];
        assert_eq!(changes(&there, None, &successes), expected);
    }

    #[test]
    fn the_first_success_takes_the_place_of_zero() {
        let successes = [("a b:c", "2026-03-02T01:02:03Z"), (".", "2026-03-02T01:02:03Z")];
        let expected = [
            Change::Remove { attribute: ATTRIBUTE.to_owned(), values: texts(&["0"]) },
            Change::Add {
                attribute: ATTRIBUTE.to_owned(),
                values: texts(&[".:20260302T010203Z", "a b:c:20260302T010203Z"]),
            },
        ];
        assert_eq!(changes(&account(&["0"]), None, &successes), expected);
    }

    #[test]
    fn of_names_that_the_directory_takes_for_one_only_one_is_written() {
        let successes = [("PC", "2026-03-02T01:02:03Z"), ("pc", "2026-03-02T01:02:03Z")];
        let added = |value: &str| Change::Add { attribute: ATTRIBUTE.to_owned(), values: texts(&[value]) };
        assert_eq!(changes(&account(&[]), None, &successes), [added("PC:20260302T010203Z")]);
        let there = account(&["PC:20260302T010203Z"]);
        assert_eq!(changes(&there, None, &successes), []);
        let blanks = [(" a  b ", "2026-03-02T01:02:03Z")];
        assert_eq!(changes(&account(&["a b:20260302T010203Z"]), None, &blanks).len(), 1);
        assert_eq!(changes(&account(&[" a b :20260302T010203Z"]), None, &blanks), []);
        assert_eq!(changes(&account(&[" a  b :20260302T010203Z"]), None, &blanks), []);
    }

    #[rstest]
    #[case::composed_or_not("B\u{fc}ro", "Bu\u{308}ro")]
    #[case::a_ligature("o\u{fb01}ce", "ofice")]
    #[case::a_blank_that_does_not_break("a\u{a0}b", "a b")]
    #[case::of_no_width("a\u{200b}b", "ab")]
    #[case::a_soft_hyphen("a\u{ad}b", "ab")]
    #[case::of_full_width("\u{ff30}\u{ff23}1", "pc1")]
    #[case::a_capital_that_is_composed("\u{c4}", "a\u{308}")]
    fn of_names_that_are_spelt_in_two_ways_only_one_is_written(#[case] one: &str, #[case] other: &str) {
        let when = "2026-03-02T01:02:03Z";
        let [Change::Add { values, .. }] = &changes(&account(&[]), None, &[(one, when), (other, when)])[..]
        else {
            panic!("one change")
        };
        assert_eq!(values.len(), 1, "{values:?}");
        let there = format!("{one}:20260302T010203Z");
        assert_eq!(changes(&account(&[&there]), None, &[(other, when)]), []);
        assert_ne!(folded("Buro"), folded("B\u{fc}ro"));
    }

    #[test]
    fn an_entry_holds_so_many_hosts_and_no_more() {
        let names: Vec<String> = (0..=HOSTS_MAX).map(|number| format!("pc{number}")).collect();
        let successes: Vec<_> =
            names.iter().map(|name| (Name::new(name), at("2026-03-02T01:02:03Z"))).collect();
        let layout = Layout::new("dc=x");
        let wanted = wanted(&account(&[]), None, &successes, (&layout, now())).expect("changes");
        let [Change::Add { values, .. }] = &wanted.changes[..] else { panic!("{:?}", wanted.changes) };
        assert_eq!((values.len(), wanted.left_out_count), (HOSTS_MAX, 1));
        let there: Vec<&str> = values.iter().map(String::as_str).collect();
        let full =
            super::wanted(&account(&there), None, &successes, (&layout, now())).expect("one is left out");
        assert_eq!((full.changes, full.left_out_count), (Vec::new(), 1));
    }

    #[test]
    fn a_name_that_is_no_line_of_text_is_not_written() {
        assert_eq!(changes(&account(&[]), None, &[("a\nb", "2026-03-02T01:02:03Z")]), []);
        let successes = [(Name::new(&b"\xff"[..]), at("2026-03-02T01:02:03Z"))];
        let layout = Layout::new("dc=x");
        assert_eq!(wanted(&account(&[]), None, &successes, (&layout, now())), None);
    }
}
