//! What does a configuration come to, once everything in it is open?
//!
//! All of it is built before any of it is used: at a start, and at a reload, where the old one stays if anything in the
//! new one is wrong.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use lastgood_core::facts::Facts;
use lastgood_core::id::SourceId;
use lastgood_core::recipient::Role;

use crate::channels::{self, Channel};
use crate::collect::{Polled, first_look};
use crate::config::{Config, Serve};
use crate::pipeline::Opened;
use crate::push::PushSource;
use crate::sources;
use crate::watch::Written;

/// Channels by their names.
pub(super) type Channels = HashMap<String, Arc<dyn Channel>>;

/// A configuration with everything in it open.
pub(super) struct Built {
    /// Its text.
    pub(super) written: Written,
    /// What the daemon needs to know.
    pub(super) serve: Serve,
    /// What is polled.
    pub(super) polled: Vec<Polled>,
    /// What pushes.
    pub(super) pushing: Vec<PushSource>,
    /// How people are told.
    pub(super) channels: Channels,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum BuildError {
    /// A source cannot be opened.
    #[error(transparent)]
    Source(#[from] sources::OpenError),
    /// A channel cannot be opened.
    #[error("the channel `{name}` cannot be used")]
    Channel {
        /// Its name.
        name: String,
        /// Why.
        source: channels::OpenError,
    },
}

impl Built {
    /// Opens everything. `looked_at` tells when each source was looked at last.
    pub(super) fn new(
        written: Written,
        config: Config,
        looked_at: &HashMap<SourceId, Timestamp>,
        now: Timestamp,
    ) -> Result<Self, BuildError> {
        warn_of_nobody(&config);
        sources::push::check_tokens(&config.sources)?;
        let mut built = Self {
            written,
            serve: config.serve,
            polled: Vec::new(),
            pushing: Vec::new(),
            channels: Channels::new(),
        };
        for (place, source) in (0..).zip(config.sources) {
            if source.entry.pushes {
                built.pushing.push(PushSource::new(source)?);
                continue;
            }
            let (id, deadline, interval) = (source.id.clone(), source.deadline, source.interval);
            let seconds = i64::try_from(interval.as_secs()).unwrap_or(i64::MAX);
            let start_at =
                first_look(looked_at.get(&id).map(|at| at.as_second()), seconds, now.as_second(), place);
            let source = Opened::new(source)?;
            built.polled.push(Polled { id, source, deadline, interval, start_at });
        }
        for channel in config.channels {
            let name = channel.config.name.clone();
            let opened = (channel.kind.open)(channel.config);
            let opened = opened.map_err(|source| BuildError::Channel { name: name.clone(), source })?;
            built.channels.insert(name, Arc::from(opened));
        }
        for warning in crate::secret::exposed_files() {
            tracing::warn!("{warning}");
        }
        Ok(built)
    }

    /// Tells every source what was known of it.
    pub(super) fn recall(&self, facts: &Facts) {
        for polled in &self.polled {
            polled.source.recall(facts);
        }
    }
}

/// Warns where nobody would ever be told, or nobody where a directory names nobody.
fn warn_of_nobody(config: &Config) {
    let has_directory = config.sources.iter().any(|source| source.directory.is_some());
    let has_operator = config.owners.iter().any(|owner| owner.role == Role::Operator);
    if config.owners.is_empty() && !has_directory {
        tracing::warn!("nobody is told of anything: the configuration has no [[owner]]");
    } else if has_directory && !has_operator {
        tracing::warn!(
            "where the directory leaves nobody to tell, nobody is told: add an [[owner]] with the role `operator`"
        );
    }
}
