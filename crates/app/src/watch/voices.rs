//! How does somebody want to be written to of whom no directory says so any more?
//!
//! What belonged to them left, and its ownership with it; they are still to be told that what they heard of is over. It is
//! kept in memory only. It knows no incident and writes nothing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use lastgood_core::facts::Facts;
use lastgood_core::notify::{Digest, Telling, Why};
use lastgood_core::recipient::{Address, Voice};

use crate::directory::who::{Directories, Nominated, Who};
use crate::store::Standing;

/// The newest voice of each address that some directory named.
#[derive(Clone, Debug, Default)]
pub(super) struct Voices(HashMap<Address, Arc<Voice>>);

impl Voices {
    /// Of everybody who is named for what is not over, or whose end was not told.
    pub(super) fn of(directories: &Directories, facts: &Facts, standing: &Standing) -> Self {
        let who = Who::new(directories, facts);
        let mut voices = Self::default();
        let closed = standing.closed.iter().map(|(incident, _)| &incident.matter);
        for matter in standing.known.keys().chain(closed) {
            voices.hear(&who.name(matter));
        }
        voices
    }

    /// Remembers those who are named, whether they wish to be told or not. Who is named twice keeps the first voice.
    pub(super) fn hear(&mut self, nominated: &Nominated) {
        let Nominated::Known(nomination) = nominated else { return };
        for named in &nomination.named {
            let recipient = &named.recipient;
            if let Some(voice) = &recipient.voice
                && !self.0.contains_key(&recipient.address)
            {
                self.0.insert(recipient.address.clone(), Arc::clone(voice));
            }
        }
    }

    /// Goes on with what was heard at a tick. Who was not named then is kept as long as an end is to be told to them.
    pub(super) fn renew(&mut self, newest: &Self, told: &Telling) {
        let mut older = std::mem::replace(&mut self.0, newest.0.clone());
        older.retain(|address, _| !self.0.contains_key(address));
        if older.is_empty() {
            return;
        }
        let awaited: HashSet<&Address> = told.values().flat_map(|told| told.keys()).collect();
        self.0.extend(older.into_iter().filter(|(address, _)| awaited.contains(address)));
    }

    /// Gives a voice to digests without one which tell the end of something that a directory speaks of: the newest that is
    /// remembered, else that of the directory itself. An owner of the configuration is given none of the directory.
    pub(super) fn lend(&self, digests: &mut [Digest], directories: &Directories) {
        for digest in digests.iter_mut().filter(|digest| digest.voice.is_none()) {
            let over = digest.entries.iter().filter(|entry| entry.why == Why::Resolved);
            let mut sources = over.map(|entry| &entry.incident.matter.subject.source);
            let Some(directory) = sources.find_map(|source| directories.by_source.get(source)) else {
                continue;
            };
            let of_directory = || Voice {
                language: directory.language.as_str().into(),
                from: directory.from.as_deref().map(Box::from),
                brand: None,
            };
            let unknown = || (!directories.owners.have(&digest.address)).then(|| Arc::new(of_directory()));
            digest.voice = self.0.get(&digest.address).cloned().or_else(unknown);
        }
    }
}
