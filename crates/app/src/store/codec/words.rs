//! With which words are reasons of verdicts and of closings kept?
//!
//! They are kept as JSON, since people read them in a dump of the database too. Each type of the core is mirrored
//! word by word, so that a new variant does not compile before its word is chosen, and a renamed one changes no word.

use std::sync::Arc;

use jiff::Timestamp;
use lastgood_core::client::Version;
use lastgood_core::expectation::Percent;
use lastgood_core::incident::Closing;
use lastgood_core::notify::{Why, Withheld};
use lastgood_core::observation::{Exemption, Extent};
use lastgood_core::time::Seconds;
use lastgood_core::verdict::Reason;
use serde::{Deserialize, Serialize};

use super::Damage;

/// Writes why a verdict is bad.
pub(in super::super) fn write_reason(reason: &Reason) -> String {
    serde_json::to_string(&KeptReason(reason.clone())).expect("a reason has only names, numbers and texts")
}

/// Reads what [`write_reason`] wrote.
pub(in super::super) fn read_reason(text: &str) -> Result<Reason, Damage> {
    let kept: KeptReason =
        serde_json::from_str(text).map_err(|_| Damage("the reason of a verdict is unreadable"))?;
    Ok(kept.0)
}

/// Writes why an incident is over.
pub(in super::super) fn write_closing(closing: &Closing) -> String {
    serde_json::to_string(&KeptClosing(closing.clone())).expect("a closing has only names and texts")
}

/// Reads what [`write_closing`] wrote.
pub(in super::super) fn read_closing(text: &str) -> Result<Closing, Damage> {
    let kept: KeptClosing =
        serde_json::from_str(text).map_err(|_| Damage("the end of an incident is unreadable"))?;
    Ok(kept.0)
}

/// Names why somebody is told, and the number that goes with it.
pub(in super::super) fn why(why: Why) -> (&'static str, i64) {
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    match why {
        Why::First => ("first", 0),
        Why::Escalated => ("escalated", 0),
        Why::MoreSubjects(count) => ("more_subjects", number(count)),
        Why::Reminder(count) => ("reminder", count.into()),
        Why::Resolved => ("resolved", 0),
    }
}

/// Reads what [`why`] named.
pub(in super::super) fn read_why(word: &str, number: i64) -> Result<Why, Damage> {
    let wrong = Damage("the number of a telling is out of range");
    match word {
        "first" => Ok(Why::First),
        "escalated" => Ok(Why::Escalated),
        "more_subjects" => usize::try_from(number).map(Why::MoreSubjects).map_err(|_| wrong),
        "reminder" => u32::try_from(number).map(Why::Reminder).map_err(|_| wrong),
        "resolved" => Ok(Why::Resolved),
        _ => Err(Damage("no such reason of a telling")),
    }
}

/// Names why somebody is not told, and what goes with it.
pub(in super::super) fn withheld(withheld: &Withheld) -> (&'static str, Option<String>) {
    match withheld {
        Withheld::Silence(id) => ("silence", Some(id.to_string())),
        Withheld::Patience => ("patience", None),
        Withheld::Escalation => ("escalation", None),
        Withheld::Cause(matter) => ("cause", Some(format!("{} {}", matter.subject, matter.check))),
        Withheld::DirectoryUnknown => ("directory_unknown", None),
        Withheld::Nobody => ("nobody", None),
    }
}

/// Names how much of a list was read.
pub(in super::super) const fn extent(extent: Extent) -> &'static str {
    match extent {
        Extent::Complete => "complete",
        Extent::Partial => "partial",
        Extent::Failed => "failed",
    }
}

/// Reads what [`extent`] named.
pub(in super::super) fn read_extent(word: &str) -> Result<Extent, Damage> {
    match word {
        "complete" => Ok(Extent::Complete),
        "partial" => Ok(Extent::Partial),
        "failed" => Ok(Extent::Failed),
        _ => Err(Damage("no such extent of a look")),
    }
}

#[derive(Serialize, Deserialize)]
struct KeptReason(#[serde(with = "ReasonWords")] Reason);

#[derive(Serialize, Deserialize)]
struct KeptClosing(#[serde(with = "ClosingWords")] Closing);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Closing", rename_all = "snake_case")]
enum ClosingWords {
    Recovered,
    Exempt(#[serde(with = "ExemptionWords")] Exemption),
    Left,
    SourceRemoved,
    NotAsked,
    ThresholdChanged,
    ByHand(String),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Exemption", rename_all = "snake_case")]
enum ExemptionWords {
    Hidden,
    Archived,
    Paused,
    LocalOnly,
    CloudAppliance,
    NoRunYet,
    NoEndStated,
    NoStorageStated,
    NoCapacitySet,
    NothingPlanned,
    ClientNotStated,
    NoLeastVersion,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Seconds")]
struct SecondsWords(u32);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Percent")]
struct PercentWords(u32);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Reason", rename_all = "snake_case")]
enum ReasonWords {
    Exempt(#[serde(with = "ExemptionWords")] Exemption),
    Recent(#[serde(with = "instant")] Timestamp, #[serde(with = "SecondsWords")] Seconds),
    TooOld(#[serde(with = "instant")] Timestamp, #[serde(with = "SecondsWords")] Seconds),
    Never,
    Ahead(#[serde(with = "instant")] Timestamp),
    NotStated,
    Unreadable,
    Running(u64, #[serde(with = "SecondsWords")] Seconds),
    Filled(u64, u64, #[serde(with = "PercentWords")] Percent),
    NoCapacity,
    Succeeded,
    Failed(u32, u32, #[serde(with = "optional_instant")] Option<Timestamp>),
    Ends(#[serde(with = "instant")] Timestamp, #[serde(with = "SecondsWords")] Seconds),
    VerificationFailed(#[serde(with = "optional_instant")] Option<Timestamp>),
    Used,
    Unused(#[serde(with = "instant")] Timestamp, #[serde(with = "SecondsWords")] Seconds),
    UnusedSinceUnknown,
    UnusedSinceSeen(#[serde(with = "instant")] Timestamp, #[serde(with = "SecondsWords")] Seconds),
    Seen,
    NothingListed,
    SeenInPart,
    NotSeen,
    BlindSince(
        #[serde(with = "instant")] Timestamp,
        #[serde(with = "SecondsWords")] Seconds,
        #[serde(with = "optional_text", default, skip_serializing_if = "Option::is_none")] Option<Arc<str>>,
    ),
    NeverListed(
        #[serde(with = "instant")] Timestamp,
        #[serde(with = "SecondsWords")] Seconds,
        #[serde(with = "optional_text", default, skip_serializing_if = "Option::is_none")] Option<Arc<str>>,
    ),
    PartUnread(
        #[serde(with = "instant")] Timestamp,
        #[serde(with = "SecondsWords")] Seconds,
        #[serde(with = "text")] Arc<str>,
    ),
    EmptySince(#[serde(with = "instant")] Timestamp, #[serde(with = "SecondsWords")] Seconds),
    OnPlan(#[serde(with = "optional_instant")] Option<Timestamp>),
    Missed {
        count: u32,
        limit: u32,
        #[serde(with = "instant")]
        planned_at: Timestamp,
        #[serde(with = "SecondsWords")]
        grace: Seconds,
    },
    MissedAway(#[serde(with = "instant")] Timestamp, #[serde(with = "SecondsWords")] Seconds),
    Away(
        #[serde(with = "instant")] Timestamp,
        #[serde(with = "SecondsWords")] Seconds,
        #[serde(with = "SecondsWords")] Seconds,
    ),
    BackWithout(
        #[serde(with = "instant")] Timestamp,
        #[serde(with = "SecondsWords")] Seconds,
        #[serde(with = "SecondsWords")] Seconds,
    ),
    PlanUnreadable,
    PlannedAhead(#[serde(with = "instant")] Timestamp),
    NothingUnderWay,
    UnderWay(#[serde(with = "instant")] Timestamp, #[serde(with = "SecondsWords")] Seconds),
    NothingWaits,
    Waiting(#[serde(with = "instant")] Timestamp, #[serde(with = "SecondsWords")] Seconds),
    UseNotSeen,
    Ambiguous,
    ClientRecent(#[serde(with = "version")] Version, #[serde(with = "version")] Version),
    ClientOutdated(#[serde(with = "version")] Version, #[serde(with = "version")] Version),
}

/// A version as it is shown.
mod version {
    use lastgood_core::client::Version;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(version: &Version, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(version)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Version, D::Error> {
        let text = String::deserialize(deserializer)?;
        Version::parse(&text).ok_or_else(|| de::Error::custom("no version"))
    }
}

/// A text that many may share.
mod text {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
        String::deserialize(deserializer).map(Into::into)
    }
}

/// The same, where there is one. What an older version wrote has none.
mod optional_text {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "serde calls it with a reference")]
    pub(super) fn serialize<S: Serializer>(
        text: &Option<Arc<str>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        text.as_deref().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<str>>, D::Error> {
        let text: Option<String> = Option::deserialize(deserializer)?;
        Ok(text.map(Into::into))
    }
}

/// An instant as RFC 3339 with every digit it has.
mod instant {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(at)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The same, or null.
mod optional_instant {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    #[expect(clippy::ref_option, reason = "serde calls it with a reference")]
    pub(super) fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        at.map(|at| at.to_string()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        let text: Option<String> = Option::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(de::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use lastgood_core::testing::noon;

    use super::*;

    #[test]
    fn every_reason_is_read_as_it_was_written() {
        let (at, limit) = (Timestamp::MAX, Seconds(u32::MAX));
        let of = |text| Version::parse(text).expect("a version");
        for reason in [
            Reason::Exempt(Exemption::CloudAppliance),
            Reason::Recent(at, limit),
            Reason::TooOld(Timestamp::MIN, limit),
            Reason::Never,
            Reason::Ahead(at),
            Reason::NotStated,
            Reason::Unreadable,
            Reason::Running(u64::MAX, limit),
            Reason::Filled(u64::MAX, 0, Percent(8_500)),
            Reason::NoCapacity,
            Reason::Succeeded,
            Reason::Failed(3, 1, None),
            Reason::Failed(3, 1, Some(at)),
            Reason::Ends(at, limit),
            Reason::VerificationFailed(Some(at)),
            Reason::VerificationFailed(None),
            Reason::Used,
            Reason::Unused(at, limit),
            Reason::UnusedSinceUnknown,
            Reason::UnusedSinceSeen(at, limit),
            Reason::Seen,
            Reason::NothingListed,
            Reason::SeenInPart,
            Reason::NotSeen,
            Reason::BlindSince(at, limit, None),
            Reason::BlindSince(at, limit, Some("acme: \"no\" answer".into())),
            Reason::NeverListed(at, limit, None),
            Reason::NeverListed(at, limit, Some("acme: no answer".into())),
            Reason::PartUnread(at, limit, "acme/nas/db: no answer".into()),
            Reason::EmptySince(at, limit),
            Reason::OnPlan(Some(at)),
            Reason::OnPlan(None),
            Reason::Missed { count: 3, limit: 1, planned_at: at, grace: limit },
            Reason::MissedAway(at, limit),
            Reason::Away(at, limit, Seconds(1)),
            Reason::BackWithout(at, limit, Seconds(1)),
            Reason::PlanUnreadable,
            Reason::PlannedAhead(at),
            Reason::NothingUnderWay,
            Reason::UnderWay(at, limit),
            Reason::NothingWaits,
            Reason::Waiting(at, limit),
            Reason::UseNotSeen,
            Reason::Ambiguous,
            Reason::ClientRecent(of("2.7.1"), of("2.7.0")),
            Reason::ClientOutdated(of("2.0.5_pre"), of("2.0.9")),
        ] {
            assert_eq!(read_reason(&write_reason(&reason)), Ok(reason));
        }
        let before = r#"{"blind_since":["2026-03-02T12:00:00Z",4294967295]}"#;
        assert_eq!(read_reason(before), Ok(Reason::BlindSince(noon(), limit, None)));
        assert_eq!(write_reason(&Reason::BlindSince(noon(), limit, None)), before);
        assert_eq!(
            write_reason(&Reason::TooOld(noon(), limit)),
            r#"{"too_old":["2026-03-02T12:00:00Z",4294967295]}"#
        );
        read_reason("\"unheard_of\"").expect_err("it is no reason");
    }

    #[test]
    fn every_end_and_telling_is_read_as_it_was_written() {
        let closings = [
            Closing::Recovered,
            Closing::Exempt(Exemption::Hidden),
            Closing::Left,
            Closing::SourceRemoved,
            Closing::NotAsked,
            Closing::ThresholdChanged,
            Closing::ByHand("a \"new\" disk".to_owned()),
        ];
        for closing in closings {
            assert_eq!(read_closing(&write_closing(&closing)), Ok(closing));
        }
        for one in [Why::First, Why::Escalated, Why::MoreSubjects(7), Why::Reminder(u32::MAX), Why::Resolved]
        {
            let (word, number) = why(one);
            assert_eq!(read_why(word, number), Ok(one));
        }
        for one in [Extent::Complete, Extent::Partial, Extent::Failed] {
            assert_eq!(read_extent(extent(one)), Ok(one));
        }
    }
}
