//! What does the reader of a message see behind its link, and what becomes of what they say there?
//!
//! Looking changes nothing; only an act does. What a role may do is decided here, whatever a request asks for. Everything
//! done is remembered with who it was, and said again it changes nothing. It knows no HTTP.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use lastgood_core::id::CheckId;
use lastgood_core::incident::{Acknowledged, Incident, Matter};
use lastgood_core::notify::Episode;
use lastgood_core::recipient::{Address, Role};
use lastgood_core::silence::Silence;

use super::{Link, LinkError, Links};
use crate::clock;
use crate::directory::Pattern;
use crate::store::{Covered, Recorded, Store, StoreError};

/// How many incidents a page lists, and one act speaks of; of more, their number.
pub const LISTED_MAX: usize = 500;

/// How far back among all silences is looked for the same one.
const SILENCES_MAX: u32 = 10_000;

/// Something a reader can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// They know of it.
    Acknowledge,
    /// Nothing of it for a day.
    SilenceDay,
    /// Nothing of it for a week.
    SilenceWeek,
    /// It is meant to be so: nothing of it for a year.
    Expected,
}

impl Act {
    /// Every act, the mildest first.
    pub const ALL: [Self; 4] = [Self::Acknowledge, Self::SilenceDay, Self::SilenceWeek, Self::Expected];

    /// The word in requests and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::SilenceDay => "silence_day",
            Self::SilenceWeek => "silence_week",
            Self::Expected => "expected",
        }
    }

    /// True if somebody in this role may say it.
    pub fn is_for(self, role: Role) -> bool {
        role >= match self {
            Self::Acknowledge | Self::SilenceDay => Role::Customer,
            Self::SilenceWeek => Role::Reseller,
            Self::Expected => Role::Operator,
        }
    }

    /// How long it silences, and the reason that is kept; `None` where it does not.
    const fn silences(self) -> Option<(SignedDuration, &'static str)> {
        match self {
            Self::Acknowledge => None,
            Self::SilenceDay => Some((SignedDuration::from_hours(24), "silenced for a day")),
            Self::SilenceWeek => Some((SignedDuration::from_hours(7 * 24), "silenced for a week")),
            Self::Expected => Some((SignedDuration::from_hours(365 * 24), "expected")),
        }
    }
}

/// What of a message is still open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// Who reads.
    pub address: Address,
    /// What they may do.
    pub role: Role,
    /// When the link ends.
    pub expires_at: Timestamp,
    /// What is still open, in the order of the message.
    pub lines: Vec<Line>,
    /// So many more are open than are listed.
    pub more_count: usize,
    /// So many are over.
    pub over_count: usize,
}

/// One incident of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its place in the message, from 1.
    pub number: usize,
    /// The number of the incident.
    pub id: i64,
    /// The incident as it is.
    pub incident: Incident,
    /// Since when this reader knows of it, for themselves.
    pub known_at: Option<Timestamp>,
    /// Silences in force that this reader set for exactly this: until when.
    pub silent_until: Option<Timestamp>,
}

/// Which incidents an act speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All that are listed.
    All,
    /// The one of this number.
    One(i64),
}

/// Why there is nothing behind a link, or an act was not done.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// The link does not work.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The message is not kept any more.
    #[error("The message of this link is not kept any more.")]
    Gone,
    /// The role of the reader does not go that far.
    #[error("This link does not allow that. Ask who runs the backups.")]
    NotAllowed,
    /// Nothing of that is open.
    #[error("That is over already; there is nothing to do.")]
    Over,
    /// The store failed.
    #[error("That could not be kept. Nothing, or only a part of it, was done; try again in a minute.")]
    Store(#[from] StoreError),
}

/// What stands behind the links.
pub struct Acts {
    store: Arc<dyn Store>,
    links: Arc<Links>,
    /// Asks for a tick.
    wake: Box<dyn Fn() + Send + Sync>,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// One act after the other, so that the same one twice at once is done once.
    turn: tokio::sync::Mutex<()>,
}

impl Acts {
    /// `wake` is called after something was done.
    pub fn new(store: Arc<dyn Store>, links: Arc<Links>, wake: Box<dyn Fn() + Send + Sync>) -> Self {
        Self { store, links, wake, clock: Box::new(clock::now), turn: tokio::sync::Mutex::new(()) }
    }

    /// Takes the time from somewhere else.
    #[must_use]
    pub fn with_clock(self, clock: Box<dyn Fn() -> Timestamp + Send + Sync>) -> Self {
        Self { clock, ..self }
    }

    /// Reads what stands behind a link, and says as of when. It changes nothing.
    pub async fn look(&self, token: &str) -> Result<(Sheet, Timestamp), ActError> {
        let now = (self.clock)();
        let link = self.links.open(token, now)?;
        Ok((self.sheet(link, now).await?, now))
    }

    /// Acts, and returns how many incidents it was done for, and in which role.
    pub async fn act(&self, token: &str, act: Act, which: Which) -> Result<(usize, Role), ActError> {
        let now = (self.clock)();
        let link = self.links.open(token, now)?;
        if !act.is_for(link.role) {
            return Err(ActError::NotAllowed);
        }
        let _turn = self.turn.lock().await;
        let sheet = self.sheet(link, now).await?;
        let is_meant = |line: &&Line| which == Which::All || which == Which::One(line.id);
        let meant: Vec<_> = sheet.lines.iter().filter(is_meant).collect();
        if meant.is_empty() {
            return Err(ActError::Over);
        }
        let done = self.keep(act, &sheet, &meant, now).await;
        // Also where it failed: a part of it may be kept.
        (self.wake)();
        done?;
        let (by, role) = (&sheet.address, sheet.role.as_str());
        let incidents: Vec<i64> = meant.iter().map(|line| line.id).collect();
        tracing::info!(act = act.as_str(), by = %by, role, ?incidents, "said by link");
        Ok((meant.len(), sheet.role))
    }

    async fn sheet(&self, link: Link, now: Timestamp) -> Result<Sheet, ActError> {
        let Covered { message, covers, known } =
            self.store.message(link.message_key).await?.ok_or(ActError::Gone)?;
        let mut covers: Vec<_> = covers.into_iter().zip(known).collect();
        // The order of the digest, so that numbers are those of the message.
        covers.sort_by(|((a, a_why), _), ((b, b_why), _)| {
            (a_why, &a.incident.matter).cmp(&(b_why, &b.incident.matter))
        });
        let silences = self.store.silences(SILENCES_MAX).await?;
        let own = |silence: &&Silence| silence.is_in_force(now) && silence.by == by(&message.address);
        let own: Vec<_> = silences.iter().filter(own).collect();
        let all_count = covers.len();
        let open = covers.into_iter().enumerate().filter(|(_, ((found, _), _))| found.closed.is_none());
        let mut lines: Vec<_> =
            open.map(|(index, ((recorded, _), known_at))| line(index + 1, recorded, known_at)).collect();
        let open_count = lines.len();
        lines.truncate(LISTED_MAX);
        for line in &mut lines {
            let (pattern, check) = silenced(&line.incident);
            let own = own.iter().filter(|silence| silence.pattern == pattern && silence.is_of(check));
            line.silent_until = own.map(|silence| silence.until).max();
        }
        Ok(Sheet {
            address: message.address,
            role: link.role,
            expires_at: link.expires_at,
            more_count: open_count - lines.len(),
            over_count: all_count - open_count,
            lines,
        })
    }

    async fn keep(&self, act: Act, sheet: &Sheet, lines: &[&Line], now: Timestamp) -> Result<(), ActError> {
        let by = by(&sheet.address);
        let Some((length, reason)) = act.silences() else {
            for line in lines {
                let episode = Episode::of(&line.incident);
                // Who runs it knows for everybody; whose backup it is, or who sold it, for themselves.
                let kept = if sheet.role == Role::Operator {
                    self.store.acknowledge(episode, Acknowledged { at: now, by: by.clone() }).await
                } else {
                    self.store.know(episode, sheet.address.clone(), now).await
                };
                match kept {
                    // It closed meanwhile.
                    Ok(()) | Err(StoreError::NotThere { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            return Ok(());
        };
        let address = (sheet.role != Role::Operator).then(|| sheet.address.clone());
        let mut wanted: Vec<_> = lines.iter().map(|line| silenced(&line.incident)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let kept = self.store.silences(SILENCES_MAX).await?;
        let kept: Vec<_> = kept.into_iter().filter(|silence| silence.is_in_force(now)).collect();
        for (pattern, check) in wanted {
            let checks = Some(vec![check]);
            let is_same = |silence: &Silence| {
                (silence.pattern == pattern && silence.checks == checks && silence.address == address)
                    && (silence.by == by && silence.reason == reason)
            };
            if kept.iter().any(is_same) {
                continue;
            }
            let (reason, by, address) = (reason.to_owned(), by.clone(), address.clone());
            let until = now + length;
            let silence = Silence { id: 0, pattern, checks, address, from: now, until, reason, by };
            self.store.add_silence(silence).await?;
        }
        Ok(())
    }
}

fn line(number: usize, recorded: Recorded, known_at: Option<Timestamp>) -> Line {
    Line { number, id: recorded.id, incident: recorded.incident, known_at, silent_until: None }
}

/// What a silence of an incident covers: exactly its subject, and its check only.
fn silenced(incident: &Incident) -> (String, CheckId) {
    let Matter { subject, check } = &incident.matter;
    (Pattern::exactly(&subject.path()).text().to_owned(), *check)
}

/// Who said so, as it is kept.
fn by(address: &Address) -> String {
    format!("{address} by link")
}
