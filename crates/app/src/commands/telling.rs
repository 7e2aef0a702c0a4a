//! Who would be told of a verdict, without a daemon and what it remembers?
//!
//! Decides as a tick would of an incident that opens now: who is named, whether they wish to be told, whether their
//! patience is over. Silences, and what was told before, are known to a daemon only.

use jiff::Timestamp;
use lastgood_core::facts::{Facts, Subject};
use lastgood_core::incident::Matter;
use lastgood_core::recipient::{Address, Patience, Streak};
use lastgood_core::time::{Age, Elapsed, elapsed};
use lastgood_core::verdict::{Outcome, Verdict};

use crate::directory::who::{Directories, Named, Nominated, Who};
use crate::mailbox;
use crate::report::{self, TellingRow};
use crate::watch::tick::streak;

/// Who says who is told, with what is known at an instant.
pub(super) struct Telling<'a> {
    who: Who<'a>,
    at: Timestamp,
}

impl<'a> Telling<'a> {
    /// Asks these about what was seen.
    pub(super) fn new(directories: &'a Directories, facts: &'a Facts, at: Timestamp) -> Self {
        Self { who: Who::new(directories, facts), at }
    }

    /// Returns everybody who is named for a verdict, in the order of the roles, then of the addresses.
    pub(super) fn of(&self, subject: &Subject<'_>, verdict: &Verdict) -> report::Telling {
        let matter = Matter { subject: subject.id(), check: verdict.check };
        let Nominated::Known(nomination) = self.who.name(&matter) else {
            return report::Telling { known: false, recipients: Vec::new(), notes: Vec::new() };
        };
        let mut named = nomination.named;
        named.sort_by(|a, b| order(a).cmp(&order(b)));
        let streak = (verdict.outcome == Outcome::Bad).then(|| streak(asset(subject), Some(&verdict.reason)));
        let recipients = named.into_iter().map(|named| self.row(named, streak));
        report::Telling { known: true, recipients: recipients.collect(), notes: nomination.notes }
    }

    /// Without a streak nothing is bad yet, and nobody has waited.
    fn row(&self, named: Named, streak: Option<Streak>) -> TellingRow {
        let Named { recipient, is_wanted, mut steps } = named;
        let mut told = is_wanted;
        if let Some(streak) = streak.filter(|_| is_wanted) {
            if recipient.patience != Patience::None {
                told = recipient.patience.is_over(streak, self.at);
                let state = if told { "is over" } else { "is not over" };
                steps.push(format!("their patience {state}: {}", self.waited(streak)));
            }
            if let Some(escalation) = recipient.escalation.filter(|_| told) {
                told = false;
                steps.push(format!("they are told only when nobody says for {escalation} that they know"));
            }
        }
        let Address { channel, to } = recipient.address;
        let address = mailbox::read(&to).map_or(to, |mailbox| mailbox.email.to_string());
        TellingRow { role: recipient.role.as_str(), channel, address, told, because: steps }
    }

    fn waited(&self, streak: Streak) -> String {
        let success = match streak.last_success_at.map(|at| elapsed(at, self.at)) {
            None => "no success is known".to_owned(),
            Some(Elapsed::Past(passed)) => format!("the last success was {} ago", Age(passed)),
            Some(Elapsed::Ahead) => "the last success lies ahead".to_owned(),
        };
        format!("{} in a row, {success}", streak.in_row)
    }
}

fn order(named: &Named) -> (lastgood_core::recipient::Role, &str, &str) {
    let recipient = &named.recipient;
    (recipient.role, &recipient.address.to, &recipient.address.channel)
}

fn asset<'a>(subject: &Subject<'a>) -> Option<lastgood_core::facts::AssetFacts<'a>> {
    match subject {
        Subject::Source(_) | Subject::Repository(..) => None,
        Subject::Asset(_, repository, stated) => Some(repository.asset(stated)),
    }
}
