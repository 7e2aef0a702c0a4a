//! How is every entity looked at once, without a schedule?

use std::fmt;

use futures::StreamExt;
use jiff::Timestamp;
use lastgood_collector::Second;
use lastgood_collector::grafolean::{Client, Error};
use lastgood_core::verdict::Outcome;

use super::entity::Entity;
use super::judge::Judge;
use super::said::Said;
use crate::clock;
use crate::exit::Exit;

/// How many entities are looked at at once.
const LOOKS_AT_ONCE: usize = 8;

/// What became of it.
#[derive(Debug)]
pub(crate) struct Done {
    /// How many entities were looked at.
    pub(crate) entity_count: usize,
    /// How many values the backend took.
    pub(crate) value_count: usize,
    /// How the program ends.
    pub(crate) exit: Exit,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entities = if self.entity_count == 1 { "entity" } else { "entities" };
        write!(f, "looked at {} {entities}, published {} values", self.entity_count, self.value_count)
    }
}

/// Looks at every entity of a protocol once and publishes its numbers. `now` stands for the clock where it is given.
///
/// An account that cannot be listed, or numbers that do not get to the backend, are our own failure, said in the log; an
/// error is one of the whole.
pub(super) async fn look_once(
    client: &Client,
    protocol: &str,
    judge: &Judge,
    now: Option<Timestamp>,
) -> Result<Done, Error> {
    let mut configs = client.fetch_job_configs(protocol).await?;
    let mut entities = Vec::new();
    let mut exits = Vec::new();
    while let Some(next) = configs.next().await {
        match next {
            Ok(config) => entities.push(Entity::new(config)),
            Err(failed) => {
                tracing::error!("{failed}");
                exits.push(Exit::OwnFailure);
            }
        }
    }
    let entity_count = entities.len();
    let said = &Said::default();
    let looks = entities.iter().map(|entity| async move {
        let at = now.unwrap_or_else(clock::now).as_second();
        let instant = Timestamp::from_second(at).unwrap_or_default();
        let looked = entity.look(instant, now, judge, said).await;
        (entity, at, looked)
    });
    let mut looks = futures::stream::iter(looks).buffer_unordered(LOOKS_AT_ONCE);
    let mut value_count = 0;
    while let Some((entity, at, looked)) = looks.next().await {
        let count = looked.samples.len();
        exits.push(looked.exit);
        match client.send_results(entity.account_id(), Second(at), looked.samples).await {
            Ok(()) => value_count += count,
            Err(error) => {
                tracing::error!("{}: {error}", entity.id());
                exits.push(Exit::OwnFailure);
            }
        }
    }
    Ok(Done { entity_count, value_count, exit: worst(&exits) })
}

/// Our own failure before bad before unknown before ok; nothing looked at is unknown.
fn worst(exits: &[Exit]) -> Exit {
    let order = [Exit::OwnFailure, Exit::Usage, Exit::SomethingBad, Exit::SomethingUnknown, Exit::AllOk];
    let found = order.into_iter().find(|exit| exits.contains(exit));
    found.unwrap_or_else(|| Exit::from(Outcome::Unknown))
}
