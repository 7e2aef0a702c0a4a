//! What would a tick decide if it were one at this instant? For whoever asks: nothing is kept and nobody is told.

use jiff::Timestamp;
use lastgood_core::facts::SourceFacts;
use lastgood_core::incident::Change;
use lastgood_core::judge::judge;
use lastgood_core::message::{Content, compose};
use lastgood_core::notify::{Episode, Withheld};
use lastgood_core::observation::{Collection, Extent};
use lastgood_core::recipient::Address;

use super::ourselves::Outward;
use super::{Written, keeper, ourselves, tick};
use crate::config::ConfigError;
use crate::store::{Store, StoreError};

/// What would be decided.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// The instant that was judged at.
    pub at: Timestamp,
    /// What each address would be told.
    pub told: Vec<(Address, Content)>,
    /// Who would not be told about what, and why; `None` for everybody.
    pub withheld: Vec<(Episode, Option<Address>, Withheld)>,
    /// So many incidents would be open then.
    pub open_count: usize,
    /// So many would be opened.
    pub opened_count: usize,
    /// So many would be closed.
    pub closed_count: usize,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Decides as a tick at this instant would, from what the store holds.
pub async fn rehearse(
    written: &Written,
    store: &dyn Store,
    now: Timestamp,
) -> Result<Rehearsal, RehearsalError> {
    let config = keeper::read(written)?;
    let (watched, channels) = (keeper::watched_of(&config), keeper::channels_of(&config));
    let mut facts = store.facts().await?;
    keeper::forget_others(&mut facts, &config);
    for source in facts.sources.iter_mut().filter(|source| watched.restated.contains(&source.id)) {
        restate(source, now);
    }
    let (rules, expectations) = keeper::rules_of(config);
    let outward = Outward::read(store, &channels, (&rules.directories, &facts)).await?;
    let standing = store.standing(now).await?;
    let was_blind = standing.known.contains_key(&ourselves::blindness());
    let us = ourselves::facts(&facts, &expectations, &outward, was_blind, now);
    facts.sources.push(us);
    let judgement = judge(&facts, &expectations, now);
    let proposal = tick::propose(&judgement, &facts, &standing, (&watched, &rules));
    let names = tick::Names::of_digests(&facts, &proposal.plan.digests);
    let called = |subject: &_| names.called(subject);
    let count = |is: fn(&Change) -> bool| proposal.changes.iter().filter(|change| is(change)).count();
    let digests = proposal.plan.digests.iter();
    Ok(Rehearsal {
        at: now,
        told: digests.map(|digest| (digest.address.clone(), compose(digest, &called, now))).collect(),
        withheld: proposal.plan.withheld.clone(),
        open_count: proposal.known.values().filter(|incident| incident.is_open()).count(),
        opened_count: count(|change| matches!(change, Change::Opened(_))),
        closed_count: count(|change| matches!(change, Change::Closed(..))),
    })
}

/// What was heard of jobs that ping is restated by the daemon as long as it runs: it sees them at any instant to come.
fn restate(source: &mut SourceFacts, now: Timestamp) {
    if now <= source.looked_at || source.listing != Extent::Complete {
        return;
    }
    let repositories = source.repositories.iter().map(|repository| repository.stated.clone());
    source.renew(Collection {
        source: source.id.clone(),
        kind: source.kind,
        observed_at: now,
        listing: Extent::Complete,
        repositories: repositories.collect(),
        failures: Vec::new(),
    });
}
