//! How is what is known from pings written down and read again?

use std::borrow::Cow;
use std::sync::Arc;

use lastgood_core::id::{Name, SourceId};
use serde::{Deserialize, Serialize};

use super::{HeardBefore, HeardOf};
use crate::push::ping::Heard;
use crate::store::StoreError;

/// Rises when the meaning of what is written changes.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Kept<J> {
    version: u32,
    jobs: Vec<J>,
}

#[derive(Serialize)]
struct JobRef<'a> {
    source: &'a str,
    name: Cow<'a, str>,
    heard: &'a Heard,
}

#[derive(Deserialize)]
struct Job {
    source: String,
    name: String,
    heard: Heard,
}

/// Writes down what was heard of every job.
pub(super) fn write(sources: &[HeardOf]) -> Vec<u8> {
    let mut jobs = Vec::new();
    for (expected, heard) in sources {
        for (ping, heard) in expected.pings.iter().zip(heard) {
            jobs.push(JobRef { source: expected.id.as_str(), name: ping.name.text(), heard });
        }
    }
    serde_json::to_vec(&Kept { version: VERSION, jobs }).expect("numbers and texts are JSON")
}

/// Reads what [`write`] wrote.
pub(super) fn read(content: &[u8]) -> Result<HeardBefore, StoreError> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let Version { version } = serde_json::from_slice(content).map_err(damaged)?;
    if version != VERSION {
        let what = format!("what is known from pings has version {version}, this program knows {VERSION}");
        return Err(StoreError::NotKnown { what });
    }
    let kept: Kept<Job> = serde_json::from_slice(content).map_err(damaged)?;
    let jobs = kept.jobs.into_iter().map(|job| {
        let source = SourceId::new(&job.source).map_err(damaged)?;
        Ok(((source, Name::new(job.name)), Arc::new(job.heard)))
    });
    jobs.collect()
}

fn damaged(error: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged { what: format!("what is known from pings: {error}") }
}
