//! When is nobody told, although it is bad?
//!
//! A silence withholds notifications about some subjects for a time, of every check or of some, from everybody or from
//! one address; judging goes on, incidents open and close. It does not know who would have been told.

use jiff::Timestamp;

use crate::id::CheckId;
use crate::incident::Matter;
use crate::recipient::Address;

/// Says that notifications about some subjects are withheld for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// Its number.
    pub id: u64,
    /// Which subjects, as a pattern over their paths; how it is read is the caller's matter.
    pub pattern: String,
    /// Which checks of these subjects; `None` for every check, an empty list for none.
    pub checks: Option<Vec<CheckId>>,
    /// Whose notifications: those of this address only; `None` for everybody's.
    pub address: Option<Address>,
    /// From when on.
    pub from: Timestamp,
    /// Until when; at this instant it is over.
    pub until: Timestamp,
    /// Why, in words.
    pub reason: String,
    /// Who said so, in their own words.
    pub by: String,
}

impl Silence {
    /// True at its first instant and until before its last.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }

    /// True if it withholds what this check says of its subjects.
    pub fn is_of(&self, check: CheckId) -> bool {
        self.checks.as_ref().is_none_or(|checks| checks.contains(&check))
    }

    /// True if notifications to this address are withheld while it is in force.
    pub fn is_for(&self, address: &Address) -> bool {
        self.address.as_ref().is_none_or(|own| own == address)
    }
}

/// A silence with its pattern as it was read.
pub struct Silenced<'a> {
    /// The silence.
    pub silence: &'a Silence,
    /// True for the path of a subject it speaks of.
    pub speaks_of: Box<dyn Fn(&str) -> bool + 'a>,
}

/// Returns the silence that keeps a matter from an address now: of several, the one that lasts longest.
pub fn covering<'a>(
    silences: &[Silenced<'a>],
    matter: &Matter,
    address: &Address,
    now: Timestamp,
) -> Option<&'a Silence> {
    let concerns = |silence: &Silence| {
        silence.is_in_force(now) && silence.is_for(address) && silence.is_of(matter.check)
    };
    let mut in_force = silences.iter().filter(|silenced| concerns(silenced.silence)).peekable();
    in_force.peek()?;
    let path = matter.subject.path();
    let speaking = in_force.filter(|silenced| (silenced.speaks_of)(&path));
    speaking.map(|silenced| silenced.silence).max_by_key(|silence| (silence.until, silence.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::{behind_local, offline, unsuccessful};
    use crate::testing::{NANOSECOND, at, noon};

    fn silence(id: u64, until: &str) -> Silence {
        let (pattern, reason, by) = ("acme/*".to_owned(), "a new disk".to_owned(), "the operator".to_owned());
        Silence { id, pattern, checks: None, address: None, from: noon(), until: at(until), reason, by }
    }

    fn mail(to: &str) -> Address {
        Address { channel: "mail".to_owned(), to: to.to_owned() }
    }

    fn matter(path: &str) -> Matter {
        crate::testing::matter(path, unsuccessful::ID)
    }

    fn of<'a>(silence: &'a Silence, prefix: &'a str) -> Silenced<'a> {
        Silenced { silence, speaks_of: Box::new(move |path| path.starts_with(prefix)) }
    }

    #[test]
    fn a_silence_begins_with_its_first_instant_and_ends_before_its_last() {
        let night = silence(1, "2026-03-03T06:00:00Z");
        let covers =
            |now| covering(&[of(&night, "acme/")], &matter("acme/nas1/db"), &mail("ada"), now).is_some();
        assert!(!covers(noon() - NANOSECOND));
        assert!(covers(noon()));
        assert!(covers(at("2026-03-03T06:00:00Z") - NANOSECOND));
        assert!(!covers(at("2026-03-03T06:00:00Z")));
    }

    #[test]
    fn only_a_silence_that_speaks_of_the_subject_covers_it_and_the_longest_is_named() {
        let (night, week) = (silence(1, "2026-03-03T06:00:00Z"), silence(2, "2026-03-09T12:00:00Z"));
        let silences = [of(&week, "acme/nas1"), of(&night, "acme/")];
        let id = |path| covering(&silences, &matter(path), &mail("ada"), noon()).map(|silence| silence.id);
        assert_eq!(id("acme/nas1/db"), Some(2));
        assert_eq!(id("acme/nas2/db"), Some(1));
        assert_eq!(id("other/nas2/db"), None);
    }

    #[test]
    fn a_silence_of_one_address_covers_that_address_only() {
        let mut own = silence(1, "2026-03-09T12:00:00Z");
        own.address = Some(mail("ada"));
        let everybody = silence(2, "2026-03-03T06:00:00Z");
        let silences = [of(&own, "acme/nas1"), of(&everybody, "acme/nas1/db")];
        let id = |path, address: &Address| {
            covering(&silences, &matter(path), address, noon()).map(|silence| silence.id)
        };
        assert_eq!(id("acme/nas1/db", &mail("ada")), Some(1));
        assert_eq!(id("acme/nas1/db", &mail("bob")), Some(2));
        assert_eq!(id("acme/nas1/web", &mail("ada")), Some(1));
        assert_eq!(id("acme/nas1/web", &mail("bob")), None);
        let pager = Address { channel: "pager".to_owned(), to: "ada".to_owned() };
        assert_eq!(id("acme/nas1/web", &pager), None);
    }

    #[test]
    fn a_silence_of_some_checks_covers_nothing_else_of_its_subjects() {
        let mut late = silence(1, "2026-03-09T12:00:00Z");
        late.checks = Some(vec![behind_local::ID, offline::ID]);
        let covers = |silence: &Silence, check| {
            let matter = crate::testing::matter("acme/nas1/db", check);
            covering(&[of(silence, "acme/")], &matter, &mail("ada"), noon()).is_some()
        };
        assert!(covers(&late, behind_local::ID) && covers(&late, offline::ID));
        assert!(!covers(&late, unsuccessful::ID));
        late.checks = Some(Vec::new());
        assert!(!covers(&late, behind_local::ID), "a check that is not known here silences nothing");
    }
}
