//! What is the newest knowledge about every source, repository and asset?
//!
//! [`fold`] makes it from the collections of any number of looks. What a look could not see keeps its older facts; what
//! a complete look did not list is gone. Nothing here judges.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Deref;
use std::sync::Arc;

use jiff::Timestamp;

use crate::id::{Name, SourceId, SubjectId, SubjectRef};
use crate::kind::{Kind, SourceKind};
use crate::observation::{AssetObservation, Collection, Extent, Failure, Place, RepositoryObservation};

pub use self::history::{History, Presence, SIGHTING_GAP, SPANS_MAX, Span};
pub use self::unread::{Unread, said};

mod history;
mod unread;

/// The newest knowledge about a fleet: sources in the order in which they first occurred.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// One entry per source.
    pub sources: Vec<SourceFacts>,
}

/// The newest knowledge about one source and everything in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFacts {
    /// Which source.
    pub id: SourceId,
    /// What kind of source.
    pub kind: &'static SourceKind,
    /// When the first look began.
    pub first_looked_at: Timestamp,
    /// When the newest look began that listed anything.
    pub filled_at: Option<Timestamp>,
    /// When the newest look began.
    pub looked_at: Timestamp,
    /// How much of everything the newest look saw.
    pub look: Extent,
    /// How much of the list of repositories the newest look read.
    pub listing: Extent,
    /// When the list of repositories was last read completely.
    pub listed_at: Option<Timestamp>,
    /// What the newest look could not see.
    pub failures: Vec<Failure>,
    /// What is known, in the order of the source.
    pub repositories: Vec<RepositoryFacts>,
}

/// The newest knowledge about one repository and its assets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryFacts {
    /// When it was first seen.
    pub first_seen_at: Timestamp,
    /// When it was stated.
    pub observed_at: Timestamp,
    /// When the list of its assets was last read completely.
    pub listed_at: Option<Timestamp>,
    /// What was stated.
    pub stated: RepositoryObservation,
    /// Assets that the newest statement did not hold, since only a part of their list was read: when each was stated last.
    /// All others were stated at `observed_at`.
    pub unseen: BTreeMap<Name, Timestamp>,
    /// What looks fail to see of it or of its assets; `None` if the newest one saw all of it.
    pub unread: Option<Unread>,
    /// What is remembered of each asset, in the order of the assets.
    pub histories: Vec<History>,
}

impl RepositoryFacts {
    /// Makes facts of the first statement about it, in a look that began at `at`.
    pub fn first(stated: RepositoryObservation, at: Timestamp) -> Self {
        let listed_at = (stated.listing == Extent::Complete).then_some(at);
        let histories = stated.assets.iter().map(|asset| History::first(asset, at)).collect();
        let (unseen, unread) = (BTreeMap::new(), None);
        Self { first_seen_at: at, observed_at: at, listed_at, stated, unseen, unread, histories }
    }

    /// Returns a copy that goes on as this one would where its list of assets is read completely next: its assets have
    /// only what they are recognised by.
    #[must_use]
    pub fn outline(&self) -> Self {
        let outlined = |asset: &AssetObservation| {
            let mut outline = AssetObservation::new(asset.kind, asset.name.clone());
            if asset.more.key.is_some() || asset.more.identity.is_some() {
                outline.more.key.clone_from(&asset.more.key);
                outline.more.identity.clone_from(&asset.more.identity);
            }
            outline
        };
        let mut stated = RepositoryObservation::new(self.stated.kind, self.stated.key.clone(), Name::new(""));
        stated.assets = self.stated.assets.iter().map(outlined).collect();
        let (histories, unseen, unread) = (self.histories.clone(), BTreeMap::new(), self.unread.clone());
        let Self { first_seen_at, observed_at, listed_at, .. } = *self;
        Self { first_seen_at, observed_at, listed_at, stated, unseen, unread, histories }
    }

    /// Returns how far the list of its assets counts: one that was read completely and is not believed, since it is empty
    /// where assets are known, counts as partial.
    pub fn listing(&self) -> Extent {
        let is_believed = self.unseen.is_empty();
        if is_believed { self.stated.listing } else { self.stated.listing.max(Extent::Partial) }
    }

    /// Returns one of its assets with what is remembered of it.
    pub fn asset<'a>(&'a self, stated: &'a AssetObservation) -> AssetFacts<'a> {
        let index = self.stated.assets.element_offset(stated);
        let history = index.and_then(|index| self.histories.get(index));
        AssetFacts { stated, observed_at: self.stated_at(stated), history }
    }

    /// Returns when one of its assets was stated last.
    fn stated_at(&self, asset: &AssetObservation) -> Timestamp {
        // Nearly always nothing is unseen; then the key, which may lie elsewhere in memory, is not read.
        let unseen = Some(&self.unseen).filter(|unseen| !unseen.is_empty());
        unseen.and_then(|unseen| unseen.get(asset.key()).copied()).unwrap_or(self.observed_at)
    }
}

/// An asset with what is remembered of it.
#[derive(Clone, Copy, Debug)]
pub struct AssetFacts<'a> {
    /// What was stated last.
    pub stated: &'a AssetObservation,
    /// When that was.
    pub observed_at: Timestamp,
    /// What is remembered; `None` where only one statement is known.
    pub history: Option<&'a History>,
}

impl Deref for AssetFacts<'_> {
    type Target = AssetObservation;

    fn deref(&self) -> &AssetObservation {
        self.stated
    }
}

impl Facts {
    /// Walks everything verdicts are about: each source, then each of its repositories followed by its assets.
    pub fn subjects(&self) -> impl Iterator<Item = Subject<'_>> {
        self.sources.iter().flat_map(|source| {
            let repositories = source.repositories.iter().flat_map(move |repository| {
                let assets = repository.stated.assets.iter();
                let assets = assets.map(move |asset| Subject::Asset(source, repository, asset));
                std::iter::once(Subject::Repository(source, repository)).chain(assets)
            });
            std::iter::once(Subject::Source(source)).chain(repositories)
        })
    }
}

/// Something verdicts are about.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// A source.
    Source(&'a SourceFacts),
    /// A repository of a source.
    Repository(&'a SourceFacts, &'a RepositoryFacts),
    /// An asset of a repository.
    Asset(&'a SourceFacts, &'a RepositoryFacts, &'a AssetObservation),
}

impl<'a> Subject<'a> {
    /// Returns `source`, `source/repository` or `source/repository/asset`, names as they are.
    pub fn path(&self) -> String {
        let text = |name: &'a Name| name.text();
        match self {
            Self::Source(source) => source.id.to_string(),
            Self::Repository(source, repository) => format!("{}/{}", source.id, text(&repository.stated.key)),
            Self::Asset(source, repository, asset) => {
                format!("{}/{}/{}", source.id, text(&repository.stated.key), text(asset.key()))
            }
        }
    }

    /// Returns the shown name.
    pub fn name(&self) -> Cow<'a, str> {
        match self {
            Self::Source(source) => Cow::Borrowed(source.id.as_str()),
            Self::Repository(_, repository) => repository.stated.name.text(),
            Self::Asset(_, _, asset) => asset.name.text(),
        }
    }

    /// Returns the bytes of the name in hexadecimal if they are not UTF-8.
    pub fn name_hex(&self) -> Option<String> {
        match self {
            Self::Source(_) => None,
            Self::Repository(_, repository) => repository.stated.name.hex_if_lossy(),
            Self::Asset(_, _, asset) => asset.name.hex_if_lossy(),
        }
    }

    /// True if a directory sets thresholds for it, or for the repository it stands in.
    pub fn has_own_thresholds(&self) -> bool {
        match self {
            Self::Source(_) => false,
            Self::Repository(_, repository) | Self::Asset(_, repository, _) => {
                !repository.stated.thresholds.is_empty()
            }
        }
    }

    /// Returns the kind of the repository or asset; `None` for a source.
    pub fn kind(&self) -> Option<&'static Kind> {
        match self {
            Self::Source(_) => None,
            Self::Repository(_, repository) => Some(repository.stated.kind),
            Self::Asset(_, _, asset) => Some(asset.kind),
        }
    }

    /// Returns the word for its kind, such as `datto-xml`, `appliance` or `agent`.
    pub fn kind_id(&self) -> &'static str {
        match self {
            Self::Source(source) => source.kind.id,
            Self::Repository(_, repository) => repository.stated.kind.id,
            Self::Asset(_, _, asset) => asset.kind.id,
        }
    }

    /// Returns when it was observed last: when the look began that stated it, or, for a source, that was made at all.
    pub fn observed_at(&self) -> Timestamp {
        match self {
            Self::Source(source) => source.looked_at,
            Self::Repository(_, repository) => repository.observed_at,
            Self::Asset(_, repository, asset) => repository.stated_at(asset),
        }
    }

    /// Returns what it is recognised by.
    pub fn id(&self) -> SubjectId {
        self.id_ref().into()
    }

    /// Returns the same without owning it.
    pub fn id_ref(&self) -> SubjectRef<'a> {
        let (repository, asset) = match self {
            Self::Source(_) => (None, None),
            Self::Repository(_, repository) => (Some(&repository.stated.key), None),
            Self::Asset(_, repository, asset) => (Some(&repository.stated.key), Some(asset.key())),
        };
        SubjectRef { source: &self.source().id, repository, asset }
    }

    /// Returns the source it belongs to.
    pub fn source(&self) -> &'a SourceFacts {
        match self {
            Self::Source(source) | Self::Repository(source, _) | Self::Asset(source, _, _) => source,
        }
    }
}

impl SourceFacts {
    /// Makes facts of the first look at a source.
    pub fn first(collection: Collection) -> Self {
        let mut source = Self {
            id: collection.source.clone(),
            kind: collection.kind,
            first_looked_at: collection.observed_at,
            filled_at: None,
            looked_at: collection.observed_at,
            look: Extent::Failed,
            listing: Extent::Failed,
            listed_at: None,
            failures: Vec::new(),
            repositories: Vec::new(),
        };
        source.renew(collection);
        source
    }

    /// Goes on with a newer look at the same source: steps 2 to 5 of [`fold`]. Taking looks in the order in which they
    /// began, one after the other, gives what [`fold`] makes of all of them; an older one must not be taken.
    pub fn renew(&mut self, collection: Collection) {
        let at = collection.observed_at;
        self.looked_at = at;
        self.listing = collection.listing_beside(!self.repositories.is_empty());
        self.look = collection.extent().max(self.listing);
        if self.listing == Extent::Complete {
            self.listed_at = Some(at);
        }
        if !collection.repositories.is_empty() {
            self.filled_at = Some(at);
        }
        let mut whys = unread::by_repository(&collection);
        self.failures = collection.failures;
        let known = std::mem::take(&mut self.repositories);
        let mut known: HashMap<Name, RepositoryFacts> =
            known.into_iter().map(|repository| (repository.stated.key.clone(), repository)).collect();
        self.repositories.reserve_exact(collection.repositories.len());
        for stated in collection.repositories {
            let before = if known.is_empty() { None } else { known.remove(&stated.key) };
            let why = whys.remove(&stated.key);
            let restated = restate(before, stated, why, at);
            self.look = self.look.max(restated.listing().min(Extent::Partial));
            self.repositories.push(restated);
        }
        if self.listing != Extent::Complete {
            let overlooked = |known: RepositoryFacts| {
                let why = whys.remove(&known.stated.key);
                overlooked(known, why, at)
            };
            let mut unseen: Vec<_> = known.into_values().map(overlooked).collect();
            unseen.sort_by(|a, b| a.stated.key.cmp(&b.stated.key));
            self.repositories.append(&mut unseen);
        }
    }

    /// Returns the subject a failure is about, if one is known, else where it stands, else the source.
    pub fn place(&self, place: &Place) -> String {
        place.within(&self.id)
    }
}

/// Folds looks into facts, whatever their order.
///
/// 1. Looks are taken by source, the oldest first; sources keep the order in which they were given. Of looks that began
///    at the same instant the one that saw least is taken last: blindness is not overlooked.
/// 2. The newest look decides how much was seen and what failed.
/// 3. A repository that was stated replaces what was known of it; if the list of its assets was not read completely,
///    known assets that it did not state stay. An empty list where assets were known counts as partial.
/// 4. A repository that was not stated stays only if the list of repositories was not read completely; its own list was
///    not seen then, however complete it was before. An empty list where something was known counts as partial.
/// 5. What failures name of a repository or its assets counts as not seen from the first look on that named any, until one
///    lists the repository completely and names none.
pub fn fold(collections: Vec<Collection>) -> Facts {
    let mut order: HashMap<SourceId, usize> = HashMap::new();
    for collection in &collections {
        let next = order.len();
        order.entry(collection.source.clone()).or_insert(next);
    }
    let mut collections = collections;
    collections.sort_by(|a, b| {
        let place = |collection: &Collection| (order[&collection.source], collection.observed_at);
        place(a).cmp(&place(b)).then_with(|| same_instant(a, b))
    });
    let mut facts = Facts::default();
    for collection in collections {
        match facts.sources.last_mut().filter(|source| source.id == collection.source) {
            Some(source) => source.renew(collection),
            None => facts.sources.push(SourceFacts::first(collection)),
        }
    }
    facts
}

/// Orders two looks at one source that began at the same instant. What else decides does not matter, as long as it does
/// not depend on the order in which they were given: their text does.
fn same_instant(a: &Collection, b: &Collection) -> Ordering {
    a.extent().cmp(&b.extent()).then_with(|| format!("{a:?}").cmp(&format!("{b:?}")))
}

/// A repository that the newest look did not state: what was known of it stays, and it was not seen.
fn overlooked(known: RepositoryFacts, why: Option<Arc<str>>, at: Timestamp) -> RepositoryFacts {
    let mut known = known;
    known.stated.listing = Extent::Failed;
    known.unread = Unread::renewed(known.unread, why, false, at);
    known
}

/// Step 3 of [`fold`], and what the look failed to see of it.
fn restate(
    before: Option<RepositoryFacts>,
    stated: RepositoryObservation,
    why: Option<Arc<str>>,
    at: Timestamp,
) -> RepositoryFacts {
    let knows_assets = before.as_ref().is_some_and(|before| !before.stated.assets.is_empty());
    let is_whole = stated.listing_beside(knows_assets) == Extent::Complete;
    let mut before = before;
    let unread = before.as_mut().and_then(|before| before.unread.take());
    let unread = Unread::renewed(unread, why, is_whole, at);
    let facts = match before {
        Some(before) => restate_assets(before, stated, at),
        None => RepositoryFacts::first(stated, at),
    };
    RepositoryFacts { unread, ..facts }
}

fn restate_assets(before: RepositoryFacts, stated: RepositoryObservation, at: Timestamp) -> RepositoryFacts {
    let is_complete = stated.listing_beside(!before.stated.assets.is_empty()) == Extent::Complete;
    if is_complete && is_same_list(&before, &stated.assets) {
        // Most looks are like this: what is remembered moves on without being searched.
        let renewed = before.histories.into_iter().zip(&stated.assets);
        let histories = renewed.map(|(history, asset)| history.renewed(asset, at)).collect();
        let (first_seen_at, listed_at) = (before.first_seen_at, Some(at));
        let (unseen, unread) = (BTreeMap::new(), None);
        return RepositoryFacts {
            first_seen_at,
            observed_at: at,
            listed_at,
            stated,
            unseen,
            unread,
            histories,
        };
    }
    let mut facts = RepositoryFacts {
        first_seen_at: before.first_seen_at,
        observed_at: at,
        listed_at: if is_complete { Some(at) } else { before.listed_at },
        unseen: BTreeMap::new(),
        unread: None,
        histories: Vec::with_capacity(stated.assets.len()),
        stated,
    };
    let (histories, is_unseen) = remembered(&before, &facts.stated.assets);
    facts.histories.extend(facts.stated.assets.iter().zip(histories).map(|(asset, history)| match history {
        Some(history) => history.clone().renewed(asset, at),
        None => History::first(asset, at),
    }));
    if is_complete {
        return facts;
    }
    let RepositoryFacts { observed_at, stated, unseen, histories, .. } = before;
    let mut histories = histories.into_iter();
    for (asset, is_unseen) in stated.assets.into_iter().zip(is_unseen) {
        let last_at = unseen.get(asset.key()).copied().unwrap_or(observed_at);
        let history = histories.next().unwrap_or_else(|| History::first(&asset, last_at));
        if is_unseen {
            facts.unseen.insert(asset.key().clone(), last_at);
            facts.stated.assets.push(asset);
            facts.histories.push(history);
        }
    }
    facts
}

/// True if a new statement holds the same assets in the same order, and something is remembered of each.
fn is_same_list(before: &RepositoryFacts, assets: &[AssetObservation]) -> bool {
    let known = &before.stated.assets;
    before.histories.len() == known.len()
        && known.iter().map(recognised_by).eq(assets.iter().map(recognised_by))
}

/// Returns what is remembered of each asset of a new statement, and which of the older ones do not stand in it.
fn remembered<'a>(
    before: &'a RepositoryFacts,
    assets: &[AssetObservation],
) -> (Vec<Option<&'a History>>, Vec<bool>) {
    let known = before.stated.assets.iter().map(recognised_by);
    let stated = assets.iter().map(recognised_by);
    let seen: HashSet<Recognised<'_>> = stated.clone().collect();
    let is_unseen = known.clone().map(|known| !seen.contains(&known)).collect();
    let by_asset: HashMap<Recognised<'_>, &History> = known.zip(&before.histories).collect();
    (stated.map(|asset| by_asset.get(&asset).copied()).collect(), is_unseen)
}

/// What an asset is recognised by from look to look: the permanent id of its source where there is one, else its key.
/// Keys of twins may be handed on when one of them leaves; permanent ids are not.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Recognised<'a> {
    Identity(&'a str),
    Key(&'a Name),
}

fn recognised_by(asset: &AssetObservation) -> Recognised<'_> {
    asset.more.identity.as_deref().map_or_else(|| Recognised::Key(asset.key()), Recognised::Identity)
}

#[cfg(test)]
mod tests;
