//! Does a text hold for whatever may be told in it?
//!
//! Letters with every check and every state, for every role, with and without what may be missing, and with names that
//! want to break out. A text is tried with all of them before anybody gets a letter.

use std::sync::Arc;

use jiff::Timestamp;
use lastgood_core::checks::{self, Check};
use lastgood_core::client::Version;
use lastgood_core::expectation::Percent;
use lastgood_core::id::{CheckId, Name, SourceId, SubjectId};
use lastgood_core::incident::{Closing, Incident, Matter};
use lastgood_core::kind::SubjectType;
use lastgood_core::message::{Called, compose};
use lastgood_core::notify::{Digest, Entry, Why};
use lastgood_core::observation::Exemption;
use lastgood_core::recipient::{Address, Role, Voice};
use lastgood_core::time::Seconds;
use lastgood_core::verdict::Reason;

use super::super::spoken::Speech;
use super::super::{Letter, Reply, Said};
use super::{File, Mistake, Set, Templates};

/// When everything here began, and when it is told: seconds since 1970.
const BEGAN_AT: i64 = 1_772_449_200;
const TOLD_AT: i64 = BEGAN_AT + 3 * 86_400 + 7200;

/// A name that wants to be HTML, and what of it must not stand in any.
const NAME: &str = "<i>Büro & Co</i> {{ 7 * 7 }}\r\nBcc: \u{202e}eve";
const BROKEN_OUT: &str = "<i>Büro";

/// Where the settings of these letters are.
const SETTINGS_URL: &str = "https://selfcare.example/login?uid={uid}";

/// After so many mistakes of one language, most often the same one, the rest is not tried.
const MISTAKES_MAX: usize = 4;

/// Every so many entries are a letter of their own, too: each check and each state is at least once.
const ALONE_EVERY: usize = 5;

/// A letter to try.
pub(super) struct Sample {
    digest: Digest,
    reply: Option<Role>,
    settings_url: Option<&'static str>,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("an instant of our time")
}

fn called(subject: &SubjectId) -> Called {
    let name = subject.asset.as_ref().map_or("Muster & Söhne".to_owned(), |asset| asset.text().into_owned());
    Called { name, kind: "computer" }
}

/// All of them.
pub(super) fn letters() -> Vec<Sample> {
    let whole = |role, reply, settings_url| {
        let entries = entries(role);
        Sample { digest: digest(entries), reply, settings_url }
    };
    let mut letters = vec![
        whole(Role::Customer, Some(Role::Customer), Some(SETTINGS_URL)),
        whole(Role::Reseller, Some(Role::Reseller), Some(SETTINGS_URL)),
        whole(Role::Operator, Some(Role::Operator), None),
    ];
    for entry in entries(Role::Customer).into_iter().step_by(ALONE_EVERY) {
        letters.push(Sample { digest: digest(vec![entry]), reply: None, settings_url: None });
    }
    letters
}

/// Says every letter; what goes wrong is what is wrong with the texts.
pub(super) fn trial(templates: &Templates, set: &Set, letters: &[Sample]) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for sample in letters {
        let count = sample.digest.entries.len();
        for shown in [count, count.div_ceil(2)] {
            match said(templates, set, sample, Some(shown)) {
                Ok(said) if said.html.contains(BROKEN_OUT) => mistakes.push(Mistake {
                    path: set.name(File::Html).to_owned(),
                    line: None,
                    text: "lets names into the HTML as they are; remove {% autoescape false %}".to_owned(),
                }),
                Ok(said) => mistakes.extend(blank(set, &said)),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        if mistakes.len() >= MISTAKES_MAX {
            break;
        }
    }
    mistakes
}

/// What says nothing at all would be sent as a letter without a word.
fn blank(set: &Set, said: &Said) -> Option<Mistake> {
    let parts = [(File::Subject, &said.subject), (File::Text, &said.text), (File::Html, &said.html)];
    let (file, _) = parts.into_iter().find(|(_, words)| words.trim().is_empty())?;
    let text = "says nothing: write the letter, or remove the file to have the words that are built in";
    Some(Mistake { path: set.name(file).to_owned(), line: None, text: text.to_owned() })
}

/// Says a letter, with so many of its entries shown; all of them unless said.
pub(super) fn said(
    templates: &Templates,
    set: &Set,
    sample: &Sample,
    shown: Option<usize>,
) -> Result<Said, Mistake> {
    let Sample { digest, reply, settings_url } = sample;
    let reply = reply.map(|role| {
        let url = "https://backup.example/act/AWMAAAAA".to_owned();
        Reply { url, role, expires_at: at(TOLD_AT) + crate::links::LASTS }
    });
    let letter = Letter { digest, called: &called, reply: reply.as_ref(), now: at(TOLD_AT) };
    let items = compose(digest, &called, letter.now).items;
    let speech = Speech::new(templates, set, &letter, &items, *settings_url)?;
    speech.say(shown.unwrap_or(items.len()))
}

fn digest(entries: Vec<Entry>) -> Digest {
    let voice = Voice {
        language: "de-CH".into(),
        from: Some("Backup AG <backup@reseller.example>".into()),
        brand: Some("4000080".into()),
    };
    let address = Address { channel: "mail".to_owned(), to: "anna@example.org".to_owned() };
    Digest { voice: Some(Arc::new(voice)), address, entries }
}

/// Every check with every reason that is bad for it, and the first of them in every state.
fn entries(role: Role) -> Vec<Entry> {
    let mut entries = Vec::new();
    for check in checks::ALL {
        let reasons = reasons(check.id);
        for reason in &reasons {
            entries.push(entry(check, reason.clone(), Why::First, role));
        }
        for why in [Why::Escalated, Why::MoreSubjects(3), Why::Reminder(2), Why::Resolved] {
            entries.push(entry(check, reasons[0].clone(), why, role));
        }
    }
    let mut at_the_top = entry(&checks::unsuccessful::CHECK, Reason::Failed(1, 1, None), Why::First, role);
    at_the_top.incident.matter.subject = subject(SubjectType::Asset, ".");
    entries.push(at_the_top);
    for closing in [
        Closing::Exempt(Exemption::Paused),
        Closing::Left,
        Closing::SourceRemoved,
        Closing::NotAsked,
        Closing::ThresholdChanged,
        Closing::ByHand(NAME.to_owned()),
    ] {
        let full = reasons(checks::quota::ID).swap_remove(0);
        let over = entry(&checks::quota::CHECK, full, Why::Resolved, role);
        // Who is not named any more is nobody in particular to it.
        let role = over.role.filter(|_| closing != Closing::Left);
        entries.push(Entry { closing: Some(closing), role, ..over });
    }
    entries
}

fn entry(check: &Check, reason: Reason, why: Why, role: Role) -> Entry {
    let is_over = why == Why::Resolved;
    let subject = subject(check.subjects[0], NAME);
    let matter = |number: usize| Matter {
        subject: self::subject(SubjectType::Asset, &format!("pc-{number:02}")),
        check: check.id,
    };
    let affected =
        if matches!(why, Why::MoreSubjects(_)) { (1..=12).map(matter).collect() } else { Vec::new() };
    let other = |to: &str, role| (Address { channel: "mail".to_owned(), to: to.to_owned() }, role);
    let others = match why {
        Why::First => vec![
            other("anna.muster@example.org", Some(Role::Customer)),
            other("support@reseller.example", Some(Role::Reseller)),
            other("ops@hoster.example", Some(Role::Operator)),
            other("gone@example.org", None),
        ],
        Why::Escalated => vec![other("ops@hoster.example", Some(Role::Operator))],
        Why::MoreSubjects(_) | Why::Reminder(_) => Vec::new(),
        Why::Resolved => vec![other("support@reseller.example", None)],
    };
    Entry {
        incident: Incident {
            matter: Matter { subject, check: check.id },
            noticed_at: at(BEGAN_AT),
            began_at: None,
            opened_at: Some(at(BEGAN_AT)),
            acknowledged: None,
            looked_at: at(TOLD_AT),
            bad_looks: 1,
            ok_looks: 0,
            reason,
        },
        why,
        closing: is_over.then_some(Closing::Recovered),
        affected,
        role: Some(role),
        because: Vec::new(),
        others,
    }
}

fn subject(kind: SubjectType, computer: &str) -> SubjectId {
    let source = SourceId::new("stoney").expect("a name");
    let account = || Some(Name::new("3723707"));
    match kind {
        SubjectType::Source => SubjectId { source, repository: None, asset: None },
        SubjectType::Repository => SubjectId { source, repository: account(), asset: None },
        SubjectType::Asset => SubjectId { source, repository: account(), asset: Some(Name::new(computer)) },
    }
}

/// The reasons for which a check is bad; at least one, also for a check that is not listed here.
fn reasons(check: CheckId) -> Vec<Reason> {
    let (began, day) = (at(BEGAN_AT), Seconds::days(1));
    let late = || vec![Reason::TooOld(began, day), Reason::Never, Reason::BackWithout(began, day, day)];
    let version = |text: &str| Version::parse(text).expect("a version");
    let missed = |count| Reason::Missed { count, limit: 1, planned_at: began, grace: Seconds::hours(2) };
    if check == checks::quota::ID {
        let (used, total) = (91 << 30, 100 << 30);
        [(used, total), (9, 10), (1, 0)]
            .map(|(used, total)| Reason::Filled(used, total, Percent(8500)))
            .to_vec()
    } else if check == checks::schedule::ID {
        vec![missed(1), missed(3), Reason::BackWithout(began, day, day)]
    } else if check == checks::stuck::ID {
        vec![Reason::UnderWay(began, day)]
    } else if check == checks::unsuccessful::ID {
        vec![Reason::Failed(1, 1, Some(began)), Reason::Failed(4, 1, Some(began)), Reason::Failed(1, 1, None)]
    } else if check == checks::outdated_client::ID {
        vec![Reason::ClientOutdated(version("2.0.5_pre"), version("2.0.9"))]
    } else if check == checks::never_used::ID {
        vec![Reason::Unused(began, day), Reason::UnusedSinceSeen(began, day), Reason::UnusedSinceUnknown]
    } else if check == checks::reboot_due::ID {
        vec![Reason::Running(40 * 86_400, Seconds::days(30))]
    } else if check == checks::service_expiry::ID {
        vec![Reason::Ends(at(TOLD_AT), Seconds::days(30))]
    } else if check == checks::unverified::ID {
        vec![Reason::VerificationFailed(Some(began)), Reason::TooOld(began, day), Reason::Never]
    } else if check == checks::visibility::ID {
        let why = || NAME.into();
        vec![
            Reason::BlindSince(began, day, None),
            Reason::NeverListed(began, day, Some(why())),
            Reason::EmptySince(began, day),
            Reason::PartUnread(began, day, why()),
        ]
    } else if check == checks::undelivered::ID {
        vec![Reason::Waiting(began, day)]
    } else {
        late()
    }
}
