//! Which facts do a checkpoint and the looks after it make?
//!
//! Each look is made whole again from what was known before it, then the fold of the core goes on with it: so that what
//! is rebuilt is what running on would have given. Statements are moved, not copied. What does not fit together is
//! damage, never a guess.

use std::collections::HashMap;

use jiff::Timestamp;
use lastgood_core::facts::{AssetFacts, History, RepositoryFacts, SourceFacts, Unread};
use lastgood_core::id::{Name, SourceId};
use lastgood_core::kind::SourceKind;
use lastgood_core::observation::{AssetObservation, Collection, Extent, Failure, RepositoryObservation};

use super::difference::Stated;
use super::entry::{
    ASSET, ASSETS, FIRST_SEEN, HISTORY, KNOWN_REPOSITORY, KNOWN_SOURCE, Parts, REPOSITORIES, REPOSITORY,
    SAME_REPOSITORY, SOURCE_SINCE, UNREAD, each_entry, read_keys,
};
use crate::store::codec::history;
use crate::store::codec::statement::{
    extent_code, read_asset, read_extent, read_failures, read_repository, write_asset, write_failures,
    write_repository,
};
use crate::store::codec::{Damage, Reading, bytes, instant, length, number, optional};

/// The row of a look.
#[derive(Clone, Debug)]
pub(in super::super) struct LookRow {
    pub(in super::super) observed_at: Timestamp,
    pub(in super::super) listing: Extent,
    pub(in super::super) failures: Vec<Failure>,
    pub(in super::super) repository_count: usize,
    pub(in super::super) asset_count: usize,
}

/// Facts about one source, and what must be known to go on.
pub(in super::super) struct Rebuilt {
    pub(in super::super) facts: SourceFacts,
    /// Of repositories with assets that the newest statement did not hold: how many it did; those stand first.
    stated_counts: HashMap<Name, usize>,
}

/// What one look stated anew.
#[derive(Default)]
struct New {
    list: Option<Vec<Name>>,
    repositories: HashMap<Name, NewRepository>,
}

#[derive(Default)]
struct NewRepository {
    statement: Option<RepositoryObservation>,
    list: Option<Vec<Name>>,
    assets: Vec<AssetObservation>,
}

impl Rebuilt {
    /// What the next look is compared with.
    pub(in super::super) fn stated(&self) -> Stated {
        Stated::of(&self.facts, &self.stated_counts)
    }

    /// Goes on with a look; the first one of a source goes on from nothing.
    pub(in super::super) fn look<'a>(
        before: Option<Self>,
        source: (&SourceId, &'static SourceKind),
        row: LookRow,
        parts: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, Damage> {
        let (id, kind) = source;
        let LookRow { observed_at, listing, failures, repository_count, asset_count } = row;
        let mut before = before;
        let repositories = whole(before.as_mut(), read(parts, kind)?)?;
        let found_count: usize = repositories.iter().map(|repository| repository.assets.len()).sum();
        if repositories.len() != repository_count || found_count != asset_count {
            return Err(Damage("a look does not have as many repositories and assets as its row says"));
        }
        let counts: Vec<_> =
            repositories.iter().map(|repository| (repository.key.clone(), repository.assets.len())).collect();
        let collection =
            Collection { source: id.clone(), kind, observed_at, listing, repositories, failures };
        let Some(Self { mut facts, mut stated_counts }) = before else {
            return Ok(Self { facts: SourceFacts::first(collection), stated_counts: HashMap::new() });
        };
        facts.renew(collection);
        // What was stated stands first, in the order of the look.
        for ((key, stated_count), repository) in counts.into_iter().zip(&facts.repositories) {
            if repository.stated.assets.len() == stated_count {
                stated_counts.remove(&key);
            } else {
                stated_counts.insert(key, stated_count);
            }
        }
        Ok(Self { facts, stated_counts })
    }

    /// Writes a checkpoint.
    pub(in super::super) fn write(&self) -> Vec<Vec<u8>> {
        let facts = &self.facts;
        let mut parts = Parts::default();
        parts.push(KNOWN_SOURCE, |out| {
            instant(out, facts.looked_at);
            out.extend([extent_code(facts.look), extent_code(facts.listing)]);
            optional(out, facts.listed_at, instant);
            write_failures(out, &facts.failures);
        });
        parts.push(SOURCE_SINCE, |out| {
            instant(out, facts.first_looked_at);
            optional(out, facts.filled_at, instant);
        });
        for repository in &facts.repositories {
            parts.push(KNOWN_REPOSITORY, |out| self.write_repository(repository, out));
            if repository.first_seen_at != repository.observed_at {
                parts.push(FIRST_SEEN, |out| instant(out, repository.first_seen_at));
            }
            if let Some(Unread { since, why }) = &repository.unread {
                parts.push(UNREAD, |out| {
                    instant(out, *since);
                    bytes(out, why.as_bytes());
                });
            }
            for asset in &repository.stated.assets {
                parts.push(ASSET, |out| write_asset(out, asset));
                let known = repository.asset(asset);
                let remembered = known.history.filter(|history| **history != alone(known));
                if let Some(remembered) = remembered {
                    parts.push(HISTORY, |out| history::write(out, remembered));
                }
            }
        }
        parts.into_parts()
    }

    fn write_repository(&self, repository: &RepositoryFacts, out: &mut Vec<u8>) {
        let stated = &repository.stated;
        instant(out, repository.observed_at);
        optional(out, repository.listed_at, instant);
        optional(out, self.stated_counts.get(&stated.key), |out, count| number(out, *count as u64));
        length(out, repository.unseen.len());
        for (key, at) in &repository.unseen {
            bytes(out, key.bytes());
            instant(out, *at);
        }
        write_repository(out, stated);
    }

    /// Reads what [`Rebuilt::write`] wrote.
    pub(in super::super) fn read<'a>(
        source: (&SourceId, &'static SourceKind),
        parts: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, Damage> {
        let mut rebuilt: Option<Self> = None;
        each_entry(parts, |tag, reading| match (tag, &mut rebuilt) {
            (KNOWN_SOURCE, None) => {
                let facts = read_source(source, reading)?;
                rebuilt = Some(Self { facts, stated_counts: HashMap::new() });
                Ok(())
            }
            (SOURCE_SINCE, Some(Self { facts, .. })) => {
                facts.first_looked_at = reading.instant()?;
                facts.filled_at = reading.optional(Reading::instant)?;
                Ok(())
            }
            (KNOWN_REPOSITORY, Some(rebuilt)) => rebuilt.read_repository(source.1, reading),
            (FIRST_SEEN | UNREAD | ASSET | HISTORY, Some(rebuilt)) => {
                let repository = rebuilt.facts.repositories.last_mut();
                let repository =
                    repository.ok_or(Damage("a checkpoint has an asset before its repository"))?;
                read_of_repository(tag, repository, source.1, reading)
            }
            _ => Err(Damage("a checkpoint has an entry that does not belong there")),
        })?;
        rebuilt.ok_or(Damage("a checkpoint is empty"))
    }

    fn read_repository(
        &mut self,
        kind: &'static SourceKind,
        reading: &mut Reading<'_>,
    ) -> Result<(), Damage> {
        let observed_at = reading.instant()?;
        let listed_at = reading.optional(Reading::instant)?;
        let stated_count = reading.optional(Reading::number)?;
        let unseen_count = reading.length()?;
        let unseen = (0..unseen_count).map(|_| Ok((reading.name()?, reading.instant()?)));
        let unseen = unseen.collect::<Result<_, Damage>>()?;
        let stated = read_repository(reading, kind)?;
        if let Some(count) = stated_count {
            let count = usize::try_from(count).map_err(|_| Damage("a count is too large"))?;
            self.stated_counts.insert(stated.key.clone(), count);
        }
        let mut facts = RepositoryFacts::first(stated, observed_at);
        (facts.listed_at, facts.unseen) = (listed_at, unseen);
        self.facts.repositories.push(facts);
        Ok(())
    }
}

/// Reads what follows a repository in a checkpoint.
fn read_of_repository(
    tag: u8,
    repository: &mut RepositoryFacts,
    kind: &'static SourceKind,
    reading: &mut Reading<'_>,
) -> Result<(), Damage> {
    match tag {
        FIRST_SEEN => repository.first_seen_at = reading.instant()?,
        UNREAD => {
            let (since, why) = (reading.instant()?, reading.text()?.into());
            repository.unread = Some(Unread { since, why });
        }
        ASSET => {
            let asset = read_asset(reading, kind)?;
            let last_at = repository.unseen.get(asset.key()).copied().unwrap_or(repository.observed_at);
            repository.histories.push(History::first(&asset, last_at));
            repository.stated.assets.push(asset);
        }
        _ => {
            let last = repository.histories.last_mut();
            *last.ok_or(Damage("a checkpoint remembers an asset that it does not have"))? =
                history::read(reading)?;
        }
    }
    Ok(())
}

/// What would be remembered of an asset if its newest statement were the only one.
fn alone(asset: AssetFacts<'_>) -> History {
    History::first(asset.stated, asset.observed_at)
}

fn read_source(
    source: (&SourceId, &'static SourceKind),
    reading: &mut Reading<'_>,
) -> Result<SourceFacts, Damage> {
    let looked_at = reading.instant()?;
    Ok(SourceFacts {
        id: source.0.clone(),
        kind: source.1,
        // Both follow, but in what an older version wrote.
        first_looked_at: looked_at,
        filled_at: None,
        looked_at,
        look: read_extent(reading)?,
        listing: read_extent(reading)?,
        listed_at: reading.optional(Reading::instant)?,
        failures: read_failures(reading)?,
        repositories: Vec::new(),
    })
}

/// Reads what one look stated anew.
fn read<'a>(parts: impl IntoIterator<Item = &'a [u8]>, kind: &'static SourceKind) -> Result<New, Damage> {
    let mut new = New::default();
    let mut current: Option<(Name, NewRepository)> = None;
    each_entry(parts, |tag, reading| {
        match (tag, &mut current) {
            (REPOSITORIES, None) => new.list = Some(read_keys(reading)?),
            (REPOSITORY, _) => {
                let statement = read_repository(reading, kind)?;
                let key = statement.key.clone();
                let next = NewRepository { statement: Some(statement), ..NewRepository::default() };
                new.take(current.replace((key, next)))?;
            }
            (SAME_REPOSITORY, _) => {
                let key = reading.name()?;
                new.take(current.replace((key, NewRepository::default())))?;
            }
            (ASSETS, Some((_, repository))) => repository.list = Some(read_keys(reading)?),
            (ASSET, Some((_, repository))) => repository.assets.push(read_asset(reading, kind)?),
            _ => return Err(Damage("a look has an entry that does not belong there")),
        }
        Ok(())
    })?;
    new.take(current)?;
    Ok(new)
}

impl New {
    fn take(&mut self, repository: Option<(Name, NewRepository)>) -> Result<(), Damage> {
        let Some((key, repository)) = repository else { return Ok(()) };
        match self.repositories.insert(key, repository) {
            None => Ok(()),
            Some(_) => Err(Damage("a look states a repository twice")),
        }
    }
}

/// Makes every repository that a look stated whole again. What of `before` the fold still needs stays in it: of a list
/// that was read completely only what is remembered of each asset, else all.
fn whole(before: Option<&mut Rebuilt>, new: New) -> Result<Vec<RepositoryObservation>, Damage> {
    let New { list, repositories: mut news } = new;
    let mut before = before;
    let looked_at = before.as_ref().map(|before| before.facts.looked_at);
    let known =
        before.as_mut().map_or_else(Vec::new, |before| std::mem::take(&mut before.facts.repositories));
    let stated_count = |before: &Option<&mut Rebuilt>, key: &Name| {
        before.as_ref().and_then(|before| before.stated_counts.get(key).copied())
    };
    let keys: Vec<Name> =
        list.unwrap_or_else(|| known.iter().map(|repository| repository.stated.key.clone()).collect());
    let mut known: HashMap<Name, RepositoryFacts> =
        known.into_iter().map(|repository| (repository.stated.key.clone(), repository)).collect();
    let mut repositories = Vec::with_capacity(keys.len());
    let mut needed = Vec::new();
    for key in keys {
        let stated_count = stated_count(&before, &key);
        let one = Before { facts: known.remove(&key), stated_count, looked_at };
        let repository = one.whole(news.remove(&key).unwrap_or_default(), &mut needed)?;
        repositories.push(repository);
    }
    if !news.is_empty() {
        return Err(Damage("a look states a repository that is not in its list"));
    }
    if let Some(before) = before {
        before.facts.repositories = known.into_values().chain(needed).collect();
    }
    Ok(repositories)
}

/// What is known of a repository before a look.
struct Before {
    facts: Option<RepositoryFacts>,
    stated_count: Option<usize>,
    looked_at: Option<Timestamp>,
}

impl Before {
    fn whole(
        self,
        new: NewRepository,
        needed: &mut Vec<RepositoryFacts>,
    ) -> Result<RepositoryObservation, Damage> {
        let NewRepository { statement, list, assets: news } = new;
        let Some(facts) = self.facts else {
            let mut repository =
                statement.ok_or(Damage("a look says that an unknown repository is the same"))?;
            repository.assets = assets(Vec::new(), list, news)?;
            return Ok(repository);
        };
        if statement.is_none() && Some(facts.observed_at) != self.looked_at {
            return Err(Damage("a look says that a repository is the same as one that was not seen"));
        }
        let is_complete = statement.as_ref().unwrap_or(&facts.stated).listing == Extent::Complete;
        let stated_count = self.stated_count.unwrap_or(facts.stated.assets.len());
        // An empty list is not believed where assets are known: then the fold keeps them.
        let is_empty = list.as_ref().map_or(stated_count == 0, Vec::is_empty);
        needed.push(if is_complete && !is_empty { facts.outline() } else { facts.clone() });
        let mut stated = facts.stated;
        let mut known = std::mem::take(&mut stated.assets);
        known.truncate(stated_count);
        let mut repository = statement.unwrap_or(stated);
        repository.assets = assets(known, list, news)?;
        Ok(repository)
    }
}

/// Puts what is new among the assets that were stated before.
fn assets(
    known: Vec<AssetObservation>,
    list: Option<Vec<Name>>,
    news: Vec<AssetObservation>,
) -> Result<Vec<AssetObservation>, Damage> {
    let mut news = news.into_iter().peekable();
    let mut known = known;
    let assets = match list {
        None => {
            for asset in &mut known {
                if let Some(new) = news.next_if(|new| new.key() == asset.key()) {
                    *asset = new;
                }
            }
            known
        }
        Some(keys) => {
            let mut known: HashMap<Name, AssetObservation> =
                known.into_iter().map(|asset| (asset.key().clone(), asset)).collect();
            let mut one = |key: Name| {
                let new = news.next_if(|new| *new.key() == key);
                new.or_else(|| known.remove(&key)).ok_or(Damage("a look lists an asset that nobody stated"))
            };
            keys.into_iter().map(&mut one).collect::<Result<_, Damage>>()?
        }
    };
    if news.next().is_some() {
        Err(Damage("a look states an asset that is not in its list"))
    } else {
        Ok(assets)
    }
}
