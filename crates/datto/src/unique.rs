//! How are things with the same name told apart?

use std::collections::{HashMap, HashSet};

use lastgood_core::id::Name;
use lastgood_core::observation::{AssetObservation, RepositoryObservation};

/// Gives every asset of a repository a key of its own: the first of a name keeps it, the second is `name#2` in document
/// order; of those with a permanent id the one with the smallest keeps the name, the others are `name#id`, so that their
/// order does not matter and a newcomer changes no key. A store recognises assets by the permanent id, not by this.
pub(crate) fn make_unique(assets: &mut [AssetObservation]) {
    if !has_twins(assets) {
        return;
    }
    let mut taken: HashSet<Name> = HashSet::with_capacity(assets.len());
    let mut twins = Vec::new();
    let mut order: Vec<usize> = (0..assets.len()).collect();
    order.sort_by(|&a, &b| assets[a].more.identity.cmp(&assets[b].more.identity));
    for index in order {
        if !taken.insert(assets[index].name.clone()) {
            twins.push(index);
        }
    }
    let mut numbers = HashMap::new();
    for index in twins {
        let asset = &mut assets[index];
        let key = match asset.more.identity.as_deref() {
            Some(identity) => free_key(&joined(&asset.name, identity), &mut numbers, &mut taken),
            None => free_number(&asset.name, &mut numbers, &mut taken),
        };
        asset.more.key = Some(key);
    }
}

/// Up to this many names each one is simply compared with each other one: no allocation for nearly every appliance.
const FEW: usize = 16;

fn has_twins(assets: &[AssetObservation]) -> bool {
    if assets.len() <= FEW {
        let mut before = (0..assets.len()).map(|end| &assets[..end]);
        return assets.iter().any(|asset| {
            before.next().is_some_and(|before| before.iter().any(|other| other.name == asset.name))
        });
    }
    let mut seen = HashSet::with_capacity(assets.len());
    assets.iter().any(|asset| !seen.insert(&asset.name))
}

/// Gives every repository of a source a key of its own, in document order.
pub(crate) struct UniqueKeys {
    taken: HashSet<Name>,
    numbers: Numbers,
}

impl UniqueKeys {
    pub(crate) fn new() -> Self {
        Self { taken: HashSet::new(), numbers: HashMap::new() }
    }

    pub(crate) fn claim(&mut self, repository: &mut RepositoryObservation) {
        repository.key = free_key(&repository.key, &mut self.numbers, &mut self.taken);
    }
}

/// The last number that was given to a twin of each name, so that the next one need not try all of them again.
type Numbers = HashMap<Name, usize>;

fn joined(name: &Name, suffix: &str) -> Name {
    Name::new([name.bytes(), b"#", suffix.as_bytes()].concat())
}

/// Takes a key as it is, or the first free one of `key#2`, `key#3`, ….
fn free_key(key: &Name, numbers: &mut Numbers, taken: &mut HashSet<Name>) -> Name {
    if taken.insert(key.clone()) { key.clone() } else { free_number(key, numbers, taken) }
}

/// Takes the first free one of `name#2`, `name#3`, ….
fn free_number(name: &Name, numbers: &mut Numbers, taken: &mut HashSet<Name>) -> Name {
    let number = numbers.entry(name.clone()).or_insert(1);
    loop {
        *number += 1;
        let key = joined(name, &number.to_string());
        if taken.insert(key.clone()) {
            return key;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::AGENT;

    fn keys(named: &[(&str, Option<&str>)]) -> Vec<String> {
        let asset = |(name, identity): &(&str, Option<&str>)| {
            let mut asset = AssetObservation::new(&AGENT, Name::new(name));
            asset.more.identity = identity.map(Into::into);
            asset
        };
        let mut assets: Vec<_> = named.iter().map(asset).collect();
        make_unique(&mut assets);
        assets.iter().map(|asset| asset.key().text().into_owned()).collect()
    }

    #[test]
    fn twins_are_numbered_in_document_order() {
        assert_eq!(keys(&[("a", None), ("b", None), ("a", None), ("a", None)]), ["a", "b", "a#2", "a#3"]);
    }

    #[test]
    fn an_agent_that_is_named_like_a_twin_keeps_its_name() {
        assert_eq!(keys(&[("a", None), ("a#2", None), ("a", None)]), ["a", "a#2", "a#3"]);
        assert_eq!(
            keys(&[("a#2", None), ("a#2", None), ("a", None), ("a", None)]),
            ["a#2", "a#2#2", "a", "a#3"]
        );
    }

    #[test]
    fn twins_with_permanent_ids_keep_their_keys_whatever_the_order() {
        assert_eq!(keys(&[("a", Some("7")), ("a", Some("3"))]), ["a#7", "a"]);
        assert_eq!(keys(&[("a", Some("3")), ("a", Some("7"))]), ["a", "a#7"]);
    }

    #[test]
    fn many_twins_among_many_names_like_theirs_take_no_more_time_than_many_names() {
        let others: Vec<String> = (2..20_000).map(|number| format!("a#{number}")).collect();
        let mut named: Vec<(&str, Option<&str>)> = others.iter().map(|name| (name.as_str(), None)).collect();
        named.extend(std::iter::repeat_n(("a", None), 20_000));
        assert_eq!(keys(&named).last().map(String::as_str), Some("a#39998"));
    }
}
