//! What is remembered from run to run, and how is it kept whole?
//!
//! A [`Store`] takes looks, decisions and what people say, and gives back the newest knowledge, what a plan is made of,
//! what is to be sent, and history. It filters and sorts; it judges nothing, knows no source and no channel, and reads
//! no clock. SQL stays inside its implementations.
//!
//! What every implementation promises, and `tests/it/store/contract.rs` asks of it: an operation that failed kept
//! nothing; what was answered is on the disk; repeating a decision changes nothing.

use std::io::Write;
use std::path::Path;

use futures::future::BoxFuture;
use jiff::Timestamp;
use lastgood_core::facts::Facts;
use lastgood_core::id::{CheckId, Name, SourceId};
use lastgood_core::incident::{Acknowledged, Change, Closing, Incident, Known};
use lastgood_core::kind::SourceKind;
use lastgood_core::notify::{Episode, Telling, Why, Withheld};
use lastgood_core::observation::{Collection, FailureKind};
use lastgood_core::recipient::Address;
use lastgood_core::silence::Silence;
use lastgood_core::time::Seconds;

mod codec;
mod error;
mod looks;
pub mod sqlite;

pub use codec::statement::kept;
pub use error::StoreError;

/// What every operation answers.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Finds a kind of source by its word: the store knows none itself.
pub type FindKind = fn(&str) -> Option<&'static SourceKind>;

/// Keeps everything that outlives a run.
pub trait Store: Send + Sync {
    /// Keeps a look: what differs from the last statements, then the row that makes it count. A look must have begun
    /// after every kept look at the same source; one that did not is refused.
    fn append<'a>(&'a self, collection: &'a Collection) -> Answer<'a, ()>;

    /// Returns when the newest kept look at a source began; `None` before the first.
    fn newest(&self, source: SourceId) -> Answer<'_, Option<Timestamp>>;

    /// Returns the newest knowledge: what folding every look that was ever kept gives.
    fn facts(&self) -> Answer<'_, Facts>;

    /// Returns everything a plan is made of, as of one instant. Silences that are over at `now` are left out.
    fn standing(&self, now: Timestamp) -> Answer<'_, Standing>;

    /// Keeps all of a decision or nothing. One that was kept before is [`Decided::Already`]; one that was planned on an
    /// older revision is [`StoreError::Superseded`].
    fn decide(&self, decision: Decision) -> Answer<'_, Decided>;

    /// Returns messages that are due at `now`, at most `limit` of each channel, so that none hides another's: those never
    /// tried first, whatever the clock says, then those that wait longest. A next try that lies more than
    /// [`RETRY_AHEAD_MAX`] ahead was set by a clock that was set back since, and is due.
    ///
    /// To one recipient messages go in the order they were decided: none is due while an earlier one to the same address
    /// is still to be sent. So that what is newer is not held back for long, deciding it makes what waits there due at
    /// once, and its waits are counted anew.
    fn due_messages(&self, now: Timestamp, limit: u32) -> Answer<'_, Vec<Message>>;

    /// Returns the message of this key and what it speaks of; `None` if there is none.
    fn message(&self, key: String) -> Answer<'_, Option<Covered>>;

    /// Returns how much is to be sent, and for how long.
    fn outbox(&self) -> Answer<'_, Outbox>;

    /// Returns the channels through which a message was tried in vain and is still to be sent, by name.
    fn undelivered(&self) -> Answer<'_, Vec<Undelivered>>;

    /// Returns the addresses to which a message was given up, and none has arrived since.
    fn given_up(&self) -> Answer<'_, Vec<GivenUp>>;

    /// Says that a message arrived. Saying so again changes nothing.
    fn delivered(&self, message: i64, at: Timestamp, receipt: String) -> Answer<'_, ()>;

    /// Says that sending a message failed, and when to try again.
    fn failed(&self, message: i64, attempt: FailedAttempt) -> Answer<'_, ()>;

    /// Says that somebody knows of an incident. The first who said so stays.
    fn acknowledge(&self, episode: Episode, acknowledged: Acknowledged) -> Answer<'_, ()>;

    /// Says that somebody who was told of an incident knows of it, for themselves only. When they said so first stays.
    fn know(&self, episode: Episode, address: Address, at: Timestamp) -> Answer<'_, ()>;

    /// Closes an open incident, in the words of whoever did.
    fn close_by_hand(&self, episode: Episode, at: Timestamp, words: String) -> Answer<'_, ()>;

    /// Adds a silence and returns its number; the number it comes with is not used.
    fn add_silence(&self, silence: Silence) -> Answer<'_, u64>;

    /// Ends a silence early. One that is over stays as it is.
    fn end_silence(&self, silence: u64, at: Timestamp) -> Answer<'_, ()>;

    /// Returns every silence there ever was, the newest first.
    fn silences(&self, limit: u32) -> Answer<'_, Vec<Silence>>;

    /// Returns incidents, the newest first.
    fn incidents(&self, filter: Filter) -> Answer<'_, Vec<Recorded>>;

    /// Returns everything about one incident; `None` if there is none of this number.
    fn incident(&self, id: i64) -> Answer<'_, Option<Story>>;

    /// Keeps what was pushed to us; answers once it is on the disk. Returns its number.
    fn append_event(&self, event: Event) -> Answer<'_, i64>;

    /// Returns what was pushed after the event of this number, in order; 0 for the beginning. An event that is kept later
    /// has a higher number than all that could be read before, whoever keeps it.
    fn events(&self, after: i64, limit: u32) -> Answer<'_, Vec<(i64, Event)>>;

    /// Keeps what is to be remembered of all events up to this number, in place of what was kept before.
    fn keep_pushed(&self, upto: i64, content: Vec<u8>) -> Answer<'_, ()>;

    /// Returns what was kept last by [`Store::keep_pushed`], with its number.
    fn pushed(&self) -> Answer<'_, Option<(i64, Vec<u8>)>>;

    /// Removes events that came before this instant and are remembered by [`Store::keep_pushed`]; others stay. Returns how
    /// many. Where it fails, some may be gone.
    fn forget_events(&self, before: Timestamp) -> Answer<'_, u64>;

    /// Writes down the newest knowledge, so that the next start need not go through every look.
    fn checkpoint(&self, now: Timestamp) -> Answer<'_, ()>;

    /// Makes one of all looks at a source within one day (UTC) that began longer ago than `keep`. No statement about an
    /// asset is lost, and of each repository the last one of the day stays. Writes a checkpoint first.
    fn thin(&self, now: Timestamp, keep: Seconds) -> Answer<'_, Thinned>;

    /// Looks for damage and says what it found in words; an empty list is a sound store.
    fn check(&self) -> Answer<'_, Vec<String>>;

    /// Writes a copy of everything, as of one instant, to a new file.
    fn backup<'a>(&'a self, to: &'a Path) -> Answer<'a, ()>;

    /// Gives unused room back to the disk.
    fn compact(&self) -> Answer<'_, ()>;

    /// Writes everything as lines of JSON, as docs/store.md says.
    fn export<'a>(&'a self, out: &'a mut (dyn Write + Send)) -> Answer<'a, ()>;

    /// Ends the store once everything that was handed to it is answered. What is asked afterwards is
    /// [`StoreError::Closed`].
    fn close(&self) -> Answer<'_, ()>;

    /// Says what is wrong with the place where all of it is kept, and what to do, if no operation notices it. Quick.
    fn trouble(&self) -> Option<String>;

    /// Returns what the metrics page shows.
    fn counters(&self) -> Counters;
}

/// A next try that lies further ahead than this is not waited for: no next try may be planned later than so.
pub const RETRY_AHEAD_MAX: Seconds = Seconds::hours(2);

/// Everything a plan is made of, as of one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What a [`Decision`] made of this must name.
    pub revision: u64,
    /// The instant of the newest tick that was decided.
    pub decided_at: Option<Timestamp>,
    /// Incidents that are suspected or open.
    pub known: Known,
    /// What was told about episodes whose end was not told yet.
    pub told: Telling,
    /// Closed incidents of which somebody was told, and not yet that they are over.
    pub closed: Vec<(Incident, Closing)>,
    /// Silences in force or yet to come.
    pub silences: Vec<Silence>,
}

/// Everything that is decided at one tick.
#[derive(Clone, Debug, Default)]
pub struct Decision {
    /// The [`Standing::revision`] it was made of.
    pub revision: u64,
    /// The instant of the tick.
    pub decided_at: Timestamp,
    /// What becomes of incidents.
    pub changes: Vec<Change>,
    /// What is to be sent.
    pub messages: Vec<NewMessage>,
    /// Everybody who is not told at this tick; whoever is not named here any more is not withheld any more.
    pub withheld: Vec<(Episode, Option<Address>, Withheld)>,
}

/// What became of a [`Decision`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// It was kept; this is the revision now.
    Kept(u64),
    /// The same tick was kept before; this is the revision now. Nothing changed.
    Already(u64),
}

/// A message to one address, as it will be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// Names it for ever; no two are the same.
    pub key: String,
    /// Where it goes.
    pub address: Address,
    /// Which thread of messages it continues, in the channel's own words.
    pub thread: Option<String>,
    /// What is sent, frozen.
    pub content: Vec<u8>,
    /// What it speaks of.
    pub covers: Vec<Cover>,
}

/// One line of a message: what is told about, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cover {
    /// What is told about.
    pub episode: Episode,
    /// Why.
    pub why: Why,
    /// How many subjects the address now knows to be affected.
    pub affected_count: usize,
}

/// A message in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its number, which gives its Message-ID.
    pub id: i64,
    /// Its key.
    pub key: String,
    /// Where it goes.
    pub address: Address,
    /// Which thread it continues.
    pub thread: Option<String>,
    /// What is sent.
    pub content: Vec<u8>,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// How often it was tried.
    pub attempt_count: u32,
    /// How many of these attempts were made before its waits were last counted anew.
    pub attempts_before: u32,
    /// A later one to the same address waits for it.
    pub holds_back: bool,
}

/// A message and what it speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Covered {
    /// The message.
    pub message: Message,
    /// What it tells about, as it is, and why it was told: in the order of the numbers of the incidents.
    pub covers: Vec<(Recorded, Why)>,
    /// Since when its reader knows of these, in the same order.
    pub known: Vec<Option<Timestamp>>,
}

/// How much is to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outbox {
    /// So many messages.
    pub due_count: u64,
    /// When the oldest of them was decided.
    pub oldest_decided_at: Option<Timestamp>,
}

/// A channel through which something was tried in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undelivered {
    /// Its name.
    pub channel: String,
    /// When the oldest message that was tried in vain and is still to be sent was first tried.
    pub since: Timestamp,
    /// So many messages are to be sent through it, tried or not.
    pub waiting_count: u64,
}

/// An address that messages do not reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// Which.
    pub address: Address,
    /// When the first message was given up of which, or after which, none arrived.
    pub since: Timestamp,
}

/// An attempt to send a message that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedAttempt {
    /// When it was tried.
    pub at: Timestamp,
    /// Why it failed.
    pub kind: FailureKind,
    /// Why, in words without secrets.
    pub words: String,
    /// When to try again, [`RETRY_AHEAD_MAX`] ahead at most; `None` gives up, which history shows.
    pub next_try_at: Option<Timestamp>,
}

/// Which incidents are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// In which state.
    pub state: IncidentState,
    /// Of this source only.
    pub source: Option<SourceId>,
    /// In this repository only; needs a source.
    pub repository: Option<Name>,
    /// About this asset only; needs a repository.
    pub asset: Option<Name>,
    /// Of this check only.
    pub check: Option<CheckId>,
    /// Noticed before the incident of this number was: where a page goes on.
    pub before: Option<i64>,
    /// So many at most.
    pub limit: u32,
}

impl Default for Filter {
    /// The newest 100 open ones.
    fn default() -> Self {
        let (source, repository, asset, check, before) = (None, None, None, None, None);
        Self { state: IncidentState::Open, source, repository, asset, check, before, limit: 100 }
    }
}

/// What state an incident is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncidentState {
    /// Bad, but not for enough looks.
    Suspected,
    /// Open.
    Open,
    /// Over.
    Closed,
    /// Open or over.
    OpenOrClosed,
}

/// An incident with its number and its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its number.
    pub id: i64,
    /// The incident as it is, or was last.
    pub incident: Incident,
    /// When and why it ended.
    pub closed: Option<(Timestamp, Closing)>,
}

/// Everything about one incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// The incident.
    pub recorded: Recorded,
    /// What was sent about it, in order.
    pub notifications: Vec<Notified>,
    /// Who knows of it for themselves only, and since when.
    pub knowing: Vec<(Address, Timestamp)>,
    /// Who was not told, in order.
    pub withheld: Vec<WithheldSpan>,
}

/// One message about an incident, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notified {
    /// The number of the message.
    pub message: i64,
    /// Where it goes.
    pub address: Address,
    /// Why.
    pub why: Why,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// What became of it.
    pub state: MessageState,
    /// Every attempt to send it.
    pub deliveries: Vec<Delivery>,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageState {
    /// It is still to be sent.
    Due,
    /// It arrived.
    Delivered,
    /// It was given up.
    GivenUp,
}

/// One attempt to send a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// When.
    pub at: Timestamp,
    /// Why it failed; `None` if it arrived.
    pub failure: Option<FailureKind>,
    /// The receipt, or what went wrong.
    pub words: String,
}

/// From when to when somebody was not told about an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithheldSpan {
    /// Who; `None` for everybody.
    pub address: Option<Address>,
    /// Why: a word.
    pub why: String,
    /// Which silence, or which cause; empty otherwise.
    pub about: String,
    /// From the tick that decided so first.
    pub from: Timestamp,
    /// Until the tick that decided otherwise.
    pub until: Option<Timestamp>,
}

/// Something that was pushed to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// A hash of the secret it came with.
    pub key: Vec<u8>,
    /// When it came, by our clock.
    pub received_at: Timestamp,
    /// What it is, in a word.
    pub kind: String,
    /// What came with it.
    pub body: Vec<u8>,
}

/// What was thinned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Thinned {
    /// So many looks were there.
    pub looks_before: u64,
    /// So many rows stand for them.
    pub looks_after: u64,
}

/// What the store did since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Events that wait for the writer.
    pub queued_count: u64,
    /// Transactions on the disk.
    pub committed_count: u64,
    /// Transactions that were taken back.
    pub failed_count: u64,
    /// Events on the disk.
    pub event_count: u64,
}
