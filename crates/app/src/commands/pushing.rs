//! What of the configuration does push need to know, and how does it reach the watch?

use futures::future::BoxFuture;
use jiff::Timestamp;
use lastgood_core::id::SourceId;
use lastgood_core::observation::Collection;

use crate::push::key::KeyHash;
use crate::push::{Kinds, LookSource, PingExpected, PingSource, Plan, PushSource, Pushes};
use crate::sources::{self, OpenError, PingConfig, PingPlan, SourceConfig};
use crate::watch::Pushed;

impl PushSource {
    /// Opens a source that tells us of its own accord; reads its secret.
    pub fn new(config: SourceConfig) -> Result<Self, OpenError> {
        if config.entry.kind.id == sources::ping::KIND.id {
            return Ok(Self::Pings(pinging(config)));
        }
        let written_at = config.written_at.clone();
        Self::looks(config).map_err(|error| error.at(written_at))
    }

    fn looks(config: SourceConfig) -> Result<Self, OpenError> {
        let Some(secret) = &config.secret else {
            let what = "a token: name the file that holds it with secret_file".to_owned();
            return Err(OpenError::Missing { source_id: config.id, what });
        };
        let token = KeyHash::of(secret.read()?.expose());
        let (repository, asset) = (&sources::push::REPOSITORY, &sources::push::ASSET);
        let kinds = Kinds { source: config.entry.kind, repository, asset };
        Ok(Self::Looks(LookSource { id: config.id, kinds, token }))
    }
}

fn pinging(config: SourceConfig) -> PingSource {
    let (repository, asset) = (&sources::ping::GROUP, &sources::ping::JOB);
    PingSource {
        id: config.id,
        kinds: Kinds { source: config.entry.kind, repository, asset },
        key_hash: config.ping_key_hash.map(KeyHash),
        pings: config.pings.into_iter().map(expected).collect(),
    }
}

fn expected(ping: PingConfig) -> PingExpected {
    let plan = match ping.plan {
        PingPlan::Cron { schedule, text } => Plan::Cron { schedule, text },
        PingPlan::Period(period) => Plan::Period(period),
    };
    PingExpected {
        name: ping.name,
        slug: ping.slug,
        key_hash: ping.key_hash.map(KeyHash),
        plan,
        grace: ping.grace,
        repository: ping.repository,
    }
}

impl Pushed for Pushes {
    fn collections(&self, now: Timestamp) -> BoxFuture<'_, Vec<Collection>> {
        Box::pin(Self::collections(self, now))
    }

    fn restate(&self, source: &SourceId) {
        Self::restate(self, source);
    }
}
