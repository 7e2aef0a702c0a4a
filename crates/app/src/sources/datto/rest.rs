//! The REST API of Datto.

use std::io::Write;
use std::num::NonZeroU32;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use lastgood_core::id::SourceId;
use lastgood_core::observation::Collection;
use lastgood_datto::client::{Rate, RestClient, RestLimits};
use lastgood_datto::key::KeyPair;
use lastgood_datto::kinds::DATTO_REST;
use lastgood_datto::look::Zones;

use super::super::{Entry, Keep, OpenError, RawError, Source, SourceConfig};
use crate::secret::SecretFrom;

/// The REST API.
pub static ENTRY: Entry = Entry {
    kind: &DATTO_REST,
    location: "URL",
    about: "the REST API of a Datto partner portal, with a key pair",
    example: "datto-rest:https://api.datto.com/v1",
    keys: &["secret_file", "secret_env", "public_key", "deadline", "concurrency", "requests_per_minute"],
    pushes: false,
    deadline: Duration::from_mins(15),
    secret_variable: Some(SECRET_VARIABLE),
    open,
};

/// Where the secret key is read from, for a SOURCE on the command line.
const SECRET_VARIABLE: &str = "LASTGOOD_DATTO_REST_SECRET_KEY";

/// Where the public key is read from where the configuration has none.
const PUBLIC_VARIABLE: &str = "LASTGOOD_DATTO_REST_PUBLIC_KEY";

fn open(config: SourceConfig) -> Result<Box<dyn Source>, OpenError> {
    let missing = |what: &str| OpenError::Missing { source_id: config.id.clone(), what: what.to_owned() };
    let location = |error: &dyn std::fmt::Display| OpenError::Location {
        source_id: config.id.clone(),
        why: error.to_string(),
    };
    let from_environment = || SecretFrom::Environment(PUBLIC_VARIABLE.to_owned()).read().ok();
    let public = config.public_key.clone().or_else(|| Some(from_environment()?.expose().to_owned()));
    let public = public.ok_or_else(|| {
        missing("a public key; set public_key in the configuration, or LASTGOOD_DATTO_REST_PUBLIC_KEY")
    })?;
    let secret = config.secret.as_ref().ok_or_else(|| {
        missing(
            "a secret key; set secret_file or secret_env in the configuration, or for a SOURCE on the command line \
             LASTGOOD_DATTO_REST_SECRET_KEY or LASTGOOD_DATTO_REST_SECRET_KEY_FILE",
        )
    })?;
    let keys = KeyPair::new(&public, secret.read()?.expose()).map_err(|error| location(&error))?;
    let client =
        RestClient::new(&config.location, &keys, limits(&config)).map_err(|error| location(&error))?;
    Ok(Box::new(Api { zones: super::zones(&config), id: config.id, client }))
}

fn limits(config: &SourceConfig) -> RestLimits {
    let defaults = RestLimits::default();
    let per_minute = config.requests_per_minute.and_then(NonZeroU32::new);
    let rate = per_minute
        .map_or(defaults.rate, |requests| Rate { requests: requests.get(), per: Duration::from_mins(1) });
    RestLimits {
        deadline: config.deadline,
        concurrency: config.concurrency.unwrap_or(defaults.concurrency),
        rate,
        ..defaults
    }
}

/// The API of a portal.
struct Api {
    id: SourceId,
    client: RestClient,
    zones: Zones,
}

impl Source for Api {
    fn look(&self, at: Timestamp, keep: Keep) -> BoxFuture<'_, Collection> {
        let look = super::look_of(&self.id, at, &self.zones, keep);
        async move { self.client.look(&look).await }.boxed()
    }

    fn raw<'a>(&'a self, out: &'a mut (dyn Write + Send)) -> BoxFuture<'a, Result<(), RawError>> {
        async move { self.client.raw(out).await.map_err(super::raw_error) }.boxed()
    }
}
