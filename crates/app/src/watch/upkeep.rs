//! What must be done now and then, so that what is remembered stays small and a start stays quick?

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use lastgood_core::time::Seconds;
use tokio::time::MissedTickBehavior;

use super::Clock;
use crate::store::{Store, StoreError};

/// How often the newest knowledge is written down.
const CHECKPOINT_EVERY: Duration = Duration::from_hours(1);

/// How many checkpoints pass from thinning to thinning.
const THIN_EVERY: u32 = 24;

/// Keeps on until it is dropped. The first checkpoint and the first thinning come an hour after the start: a program that
/// is started again and again does not spend its time on them.
pub async fn keep_up(store: Arc<dyn Store>, clock: Clock, keep: Seconds) {
    let mut hourly = tokio::time::interval(CHECKPOINT_EVERY);
    hourly.set_missed_tick_behavior(MissedTickBehavior::Delay);
    hourly.tick().await;
    let mut until_thinning = 1;
    loop {
        hourly.tick().await;
        until_thinning -= 1;
        let is_thinning = until_thinning == 0;
        if is_thinning {
            until_thinning = THIN_EVERY;
        }
        if let Err(error) = once(&*store, &clock, keep, is_thinning).await {
            tracing::warn!("what is remembered could not be made smaller: {error}; it is tried again");
            until_thinning = 1;
        }
    }
}

async fn once(store: &dyn Store, clock: &Clock, keep: Seconds, is_thinning: bool) -> Result<(), StoreError> {
    let now = clock();
    if !is_thinning {
        return store.checkpoint(now).await;
    }
    let thinned = store.thin(now, keep).await?;
    let before = now.checked_sub(SignedDuration::from_secs(keep.0.into())).unwrap_or(jiff::Timestamp::MIN);
    let forgotten = store.forget_events(before).await?;
    tracing::info!(
        looks_before = thinned.looks_before,
        looks_after = thinned.looks_after,
        forgotten,
        "what is remembered was made smaller"
    );
    Ok(())
}
