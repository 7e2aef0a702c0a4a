//! What messages say, read as their readers would.

use jiff::SignedDuration;

use super::*;
use crate::checks::{behind_local, offline, unsuccessful};
use crate::id::{CheckId, Name};
use crate::observation::Exemption;
use crate::recipient::{Address, Role};
use crate::testing::{noon, source_id};
use crate::time::Seconds;
use crate::verdict::Reason;

fn incident(asset: Option<&str>, check: CheckId, reason: Reason) -> Incident {
    let subject = SubjectId {
        source: source_id("acme"),
        repository: Some(Name::new("BDR01")),
        asset: asset.map(Name::new),
    };
    Incident {
        matter: Matter { subject, check },
        noticed_at: noon(),
        began_at: None,
        opened_at: Some(noon()),
        acknowledged: None,
        looked_at: noon(),
        bad_looks: 1,
        ok_looks: 0,
        reason,
    }
}

fn entry(incident: Incident, why: Why) -> Entry {
    let because = vec!["owner of acme/*".to_owned()];
    Entry {
        incident,
        why,
        closing: None,
        affected: Vec::new(),
        role: Some(Role::Customer),
        because,
        others: Vec::new(),
    }
}

/// Composes two hours after noon.
fn composed(entries: Vec<Entry>) -> Content {
    let digest = Digest {
        voice: None,
        address: Address { channel: "mail".to_owned(), to: "ada".to_owned() },
        entries,
    };
    let called = |subject: &SubjectId| Called {
        name: subject.asset.as_ref().map_or_else(String::new, |asset| asset.text().into_owned()),
        kind: "agent",
    };
    compose(&digest, &called, noon() + SignedDuration::from_hours(2))
}

fn failed(name: &str) -> Incident {
    incident(Some(name), unsuccessful::ID, Reason::Failed(1, 1, None))
}

#[test]
fn one_entry_is_told_whole() {
    let late = Reason::TooOld(noon() - SignedDuration::from_hours(25), Seconds::hours(24));
    let content = composed(vec![entry(incident(Some("db"), behind_local::ID, late), Why::First)]);
    assert_eq!(content.subject, "BAD acme/BDR01/db: behind_local");
    let text = content.to_string();
    let mut lines = text.lines();
    assert_eq!(
        lines.next(),
        Some(
            "BAD acme/BDR01/db: the last good backup was 27 h ago (2026-03-01 11:00:00Z), more than 24 h (behind_local)"
        )
    );
    assert_eq!(lines.next(), Some("  Open for 2 h, since 2026-03-02 12:00:00Z"));
    assert!(lines.next().is_some_and(|line| line.starts_with("  What to do: ")), "{text}");
    assert_eq!(lines.next(), Some("  Why you: owner of acme/*"));
    assert_eq!(lines.next(), None);
}

#[test]
fn what_is_known_by_another_name_is_called_so_too() {
    let digest = Digest {
        voice: None,
        address: Address { channel: "mail".to_owned(), to: "ada".to_owned() },
        entries: vec![entry(incident(None, offline::ID, Reason::Never), Why::First)],
    };
    let called =
        |name: &'static str| move |_: &SubjectId| Called { name: name.to_owned(), kind: "appliance" };
    let content = compose(&digest, &called("Harbor\n1"), noon());
    assert_eq!(content.subject, "BAD acme/BDR01 (Harbor\\n1): offline");
    assert!(content.to_string().starts_with("BAD acme/BDR01 (Harbor\\n1): "), "{content}");
    assert_eq!(compose(&digest, &called("BDR01"), noon()).subject, "BAD acme/BDR01: offline");
}

#[test]
fn a_cause_counts_what_it_affects_and_names_ten() {
    let affected = |count| {
        let matters = (0..count)
            .map(|number| incident(Some(&format!("a{number:02}")), behind_local::ID, Reason::Never));
        matters.map(|incident| incident.matter).collect::<Vec<_>>()
    };
    let cause = entry(incident(None, offline::ID, Reason::Never), Why::First);
    let content = composed(vec![Entry { affected: affected(14), ..cause.clone() }]);
    assert_eq!(content.subject, "BAD acme/BDR01: offline (14 agents affected)");
    assert_eq!(
        content.items[0].lines[1],
        "14 agents affected: a00, a01, a02, a03, a04, a05, a06, a07, a08, a09 and 4 more"
    );
    let content = composed(vec![Entry { affected: affected(1), ..cause }]);
    assert_eq!(content.subject, "BAD acme/BDR01: offline (1 agent affected)");
}

#[test]
fn a_subject_that_is_bad_in_two_ways_is_affected_once() {
    let db = |check| incident(Some("db"), check, Reason::Never).matter;
    let affected = vec![db(behind_local::ID), db(crate::checks::behind_offsite::ID)];
    let cause = entry(incident(None, offline::ID, Reason::Never), Why::First);
    let content = composed(vec![Entry { affected, ..cause }]);
    assert_eq!(content.items[0].lines[1], "1 agent affected: db");
}

#[test]
fn many_entries_are_counted_in_the_subject() {
    let over = Entry { closing: Some(Closing::Recovered), ..entry(failed("mail"), Why::Resolved) };
    let content = composed(vec![entry(failed("db"), Why::First), entry(failed("web"), Why::First), over]);
    assert_eq!(content.subject, "2 BAD, 1 OVER: acme/BDR01/db, acme/BDR01/web and 1 more");
    let two = composed(vec![entry(failed("db"), Why::First), entry(failed("web"), Why::First)]);
    assert_eq!(two.subject, "2 BAD: acme/BDR01/db, acme/BDR01/web");
}

#[test]
fn a_subject_that_is_bad_in_two_ways_is_named_once_in_the_subject() {
    let late = || incident(Some("db"), behind_local::ID, Reason::Never);
    let of_db = || vec![entry(failed("db"), Why::First), entry(late(), Why::First)];
    assert_eq!(composed(of_db()).subject, "2 BAD: acme/BDR01/db");
    let with_others = of_db().into_iter().chain(["web", "mail"].map(|name| entry(failed(name), Why::First)));
    assert_eq!(composed(with_others.collect()).subject, "4 BAD: acme/BDR01/db, acme/BDR01/web and 1 more");
}

#[test]
fn two_ends_of_one_subject_say_what_ended() {
    let over = |incident| Entry { closing: Some(Closing::Recovered), ..entry(incident, Why::Resolved) };
    let late = incident(Some("db"), behind_local::ID, Reason::Never);
    let content = composed(vec![over(failed("db")), over(late)]);
    let headlines: Vec<_> = content.items.iter().map(|item| item.headline.as_str()).collect();
    assert_eq!(headlines, ["ok again (unsuccessful)", "ok again (behind_local)"]);
    assert_eq!(content.subject, "2 OVER: acme/BDR01/db");
}

#[test]
fn only_what_is_ok_again_reads_like_a_recovery() {
    let by_hand = || Closing::ByHand("sold (by ada)".to_owned());
    let unwatched = "NOT WATCHED ANY MORE";
    for (closing, state) in [
        (Closing::Recovered, "OVER"),
        (Closing::Exempt(Exemption::Paused), unwatched),
        (Closing::Left, unwatched),
        (Closing::SourceRemoved, unwatched),
        (Closing::NotAsked, unwatched),
        (Closing::ThresholdChanged, "THRESHOLD CHANGED"),
        (by_hand(), "CLOSED BY HAND"),
    ] {
        let content = composed(vec![Entry { closing: Some(closing), ..entry(failed("db"), Why::Resolved) }]);
        assert_eq!(content.subject, format!("{state} acme/BDR01/db: unsuccessful"));
    }
    let ends = [Closing::Recovered, Closing::Left, by_hand()];
    let ends = ends.map(|closing| Entry { closing: Some(closing), ..entry(failed("db"), Why::Resolved) });
    assert_eq!(
        composed(ends.to_vec()).subject,
        "1 OVER, 1 NOT WATCHED ANY MORE, 1 CLOSED BY HAND: acme/BDR01/db"
    );
}

#[test]
fn what_is_over_says_why_and_asks_for_nothing() {
    let over = Entry { closing: Some(Closing::Left), ..entry(failed("db"), Why::Resolved) };
    let item = &composed(vec![over]).items[0];
    assert_eq!((item.state, item.remedy), ("NOT WATCHED ANY MORE", None));
    assert_eq!(item.headline, "it left: the list it stood in was read completely without it (unsuccessful)");
    assert_eq!(item.lines, ["Lasted 2 h, since 2026-03-02 12:00:00Z"]);
}

#[test]
fn reminders_and_escalations_say_why_they_come() {
    let lines = |why| composed(vec![entry(failed("db"), why)]).items[0].lines[1].clone();
    assert_eq!(lines(Why::Reminder(2)), "Reminder 2: nobody has said that they know");
    assert_eq!(lines(Why::Escalated), "Told to you now because nobody has said that they know");
    assert_eq!(lines(Why::MoreSubjects(3)), "Told again because it affects 3 more");
}

#[test]
fn no_name_breaks_out_of_its_line() {
    let content = composed(vec![entry(failed("db\r\nBcc: eve\u{1b}[2J"), Why::First)]);
    assert!(!content.subject.contains(['\r', '\n', '\u{1b}']), "{}", content.subject);
    assert!(content.to_string().lines().all(|line| !line.starts_with("Bcc")));
}
