//! What does a look state that was not stated before?
//!
//! [`Stated`] is what each repository and asset stated last, as the bytes it is written in: comparing bytes forgets no
//! field, and a hundred thousand assets take a few megabytes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use lastgood_core::facts::SourceFacts;
use lastgood_core::id::Name;
use lastgood_core::kind::SourceKind;
use lastgood_core::observation::{Collection, Extent, RepositoryObservation};

use super::entry::{ASSET, ASSETS, Parts, REPOSITORIES, REPOSITORY, SAME_REPOSITORY, write_keys};
use crate::store::codec::bytes;
use crate::store::codec::statement::{key, write_asset, write_repository};

/// What was last stated about everything that is known of one source, in the order of the facts.
#[derive(Clone, Debug)]
pub(in super::super) struct Stated {
    kind: &'static SourceKind,
    repositories: Vec<Arc<StatedRepository>>,
}

#[derive(Clone, Debug)]
struct StatedRepository {
    key: Name,
    /// Empty if the newest look did not state it: then whatever is stated next is new.
    statement: Box<[u8]>,
    /// As the newest look that stated the repository did.
    assets: Vec<Arc<[u8]>>,
}

/// The keys two things share that a source should tell apart.
pub(in super::super) struct Twin(pub(in super::super) String);

/// What a look states anew, and what was last stated once it counts.
pub(in super::super) struct Difference {
    pub(in super::super) parts: Vec<Vec<u8>>,
    pub(in super::super) stated: Stated,
    pub(in super::super) asset_count: usize,
}

impl Stated {
    /// Nothing was ever stated.
    pub(in super::super) fn nothing(kind: &'static SourceKind) -> Self {
        Self { kind, repositories: Vec::new() }
    }

    /// The kind of the source.
    pub(in super::super) fn kind(&self) -> &'static SourceKind {
        self.kind
    }

    /// What was last stated, of facts that were rebuilt. `stated_counts` names repositories of which not all assets stem
    /// from the newest statement: those that do stand first.
    pub(in super::super) fn of(facts: &SourceFacts, stated_counts: &HashMap<Name, usize>) -> Self {
        let repositories = facts.repositories.iter().map(|repository| {
            let stated = &repository.stated;
            let count = stated_counts.get(&stated.key).copied().unwrap_or(stated.assets.len());
            let mut statement = Vec::new();
            if repository.observed_at == facts.looked_at {
                write_repository(&mut statement, stated);
            }
            let assets = stated.assets[..count].iter().map(|asset| {
                let mut statement = Vec::new();
                write_asset(&mut statement, asset);
                statement.into()
            });
            let (key, assets) = (stated.key.clone(), assets.collect());
            Arc::new(StatedRepository { key, statement: statement.into(), assets })
        });
        Self { kind: facts.kind, repositories: repositories.collect() }
    }

    /// Compares a look with it.
    ///
    /// 1. The keys of all repositories are written if they are others than are known, or in another order.
    /// 2. A repository is written if it states something new; then the keys of its assets if they changed, then each
    ///    asset that states something new.
    /// 3. What the look did not list is known no more if the list counts as complete, else it goes on as not seen.
    pub(in super::super) fn difference(&self, collection: &Collection) -> Result<Difference, Twin> {
        let mut parts = Parts::default();
        let keys = collection.repositories.iter().map(|repository| repository.key.bytes());
        let known_keys = self.repositories.iter().map(|repository| repository.key.bytes());
        let is_same_list = keys.clone().eq(known_keys);
        if !is_same_list {
            parts.push(REPOSITORIES, |out| write_keys(out, keys));
        }
        let mut by_key: HashMap<&[u8], &Arc<StatedRepository>> = HashMap::new();
        if !is_same_list {
            by_key = self.repositories.iter().map(|known| (known.key.bytes(), known)).collect();
        }
        let mut seen: HashSet<&[u8]> = HashSet::with_capacity(collection.repositories.len());
        let mut repositories = Vec::with_capacity(collection.repositories.len());
        for (index, repository) in collection.repositories.iter().enumerate() {
            let key = repository.key.bytes();
            if !seen.insert(key) {
                return Err(Twin(repository.key.to_string()));
            }
            let known = if is_same_list { self.repositories.get(index) } else { by_key.get(key).copied() };
            repositories.push(repository_difference(known, repository, &mut parts)?);
        }
        if collection.listing_beside(!self.repositories.is_empty()) != Extent::Complete {
            let unseen = self.repositories.iter().filter(|known| !seen.contains(known.key.bytes()));
            let mut unseen: Vec<_> = unseen.map(overlooked).collect();
            unseen.sort_by(|a, b| a.key.cmp(&b.key));
            repositories.append(&mut unseen);
        }
        let asset_count = collection.repositories.iter().map(|repository| repository.assets.len()).sum();
        Ok(Difference {
            parts: parts.into_parts(),
            stated: Self { kind: self.kind, repositories },
            asset_count,
        })
    }
}

fn overlooked(known: &Arc<StatedRepository>) -> Arc<StatedRepository> {
    let (key, assets) = (known.key.clone(), known.assets.clone());
    Arc::new(StatedRepository { key, statement: Box::default(), assets })
}

/// Step 2 of [`Stated::difference`].
fn repository_difference(
    known: Option<&Arc<StatedRepository>>,
    repository: &RepositoryObservation,
    parts: &mut Parts,
) -> Result<Arc<StatedRepository>, Twin> {
    let mut statement = Vec::new();
    write_repository(&mut statement, repository);
    let is_same = known.is_some_and(|known| *known.statement == *statement);
    let Assets { statements, is_same_list, new } =
        assets(known.map_or(&[], |known| &known.assets), repository)?;
    if let Some(known) = known.filter(|_| is_same && is_same_list && new.is_empty()) {
        return Ok(Arc::clone(known));
    }
    if is_same {
        parts.push(SAME_REPOSITORY, |out| bytes(out, repository.key.bytes()));
    } else {
        parts.push(REPOSITORY, |out| out.extend_from_slice(&statement));
    }
    if !is_same_list {
        let keys = repository.assets.iter().map(|asset| asset.key().bytes());
        parts.push(ASSETS, |out| write_keys(out, keys));
    }
    for index in new {
        parts.push(ASSET, |out| out.extend_from_slice(&statements[index]));
    }
    let (key, statement) = (repository.key.clone(), statement.into());
    Ok(Arc::new(StatedRepository { key, statement, assets: statements }))
}

/// What the assets of a repository state.
struct Assets {
    statements: Vec<Arc<[u8]>>,
    /// The same keys as before, in the same order.
    is_same_list: bool,
    /// Which of them state something new.
    new: Vec<usize>,
}

/// Writes down every asset, and takes the known bytes where nothing differs.
fn assets(known: &[Arc<[u8]>], repository: &RepositoryObservation) -> Result<Assets, Twin> {
    let known_keys = known.iter().map(|statement| key(statement).unwrap_or_default());
    let is_same_list = known_keys.clone().eq(repository.assets.iter().map(|asset| asset.key().bytes()));
    let mut by_key: HashMap<&[u8], &Arc<[u8]>> = HashMap::new();
    if !is_same_list {
        by_key = known_keys.zip(known).collect();
        unique(repository)?;
    }
    let mut assets =
        Assets { statements: Vec::with_capacity(repository.assets.len()), is_same_list, new: Vec::new() };
    let mut statement = Vec::new();
    for (index, asset) in repository.assets.iter().enumerate() {
        let known = if is_same_list { known.get(index) } else { by_key.get(asset.key().bytes()).copied() };
        statement.clear();
        write_asset(&mut statement, asset);
        let kept = known.filter(|known| ***known == *statement);
        if kept.is_none() {
            assets.new.push(index);
        }
        assets.statements.push(kept.map_or_else(|| statement.as_slice().into(), Arc::clone));
    }
    Ok(assets)
}

fn unique(repository: &RepositoryObservation) -> Result<(), Twin> {
    let mut seen: HashSet<&[u8]> = HashSet::with_capacity(repository.assets.len());
    match repository.assets.iter().find(|asset| !seen.insert(asset.key().bytes())) {
        None => Ok(()),
        Some(twin) => Err(Twin(format!("{}/{}", repository.key, twin.key()))),
    }
}
