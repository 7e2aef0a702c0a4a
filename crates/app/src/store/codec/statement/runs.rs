//! How are a client, and other ways to read the times of runs, written as bytes?

use std::sync::Arc;

use lastgood_core::client::{Client, Version};
use lastgood_core::observation::{Stated, Timing};

use super::{Damage, Reading, bytes, instant, length, optional, plan, stated};

pub(super) fn write_client(out: &mut Vec<u8>, client: &Stated<Arc<Client>>) {
    stated(out, client.clone(), |out, client| {
        let Client { identifier, version, least } = &*client;
        bytes(out, identifier.as_bytes());
        bytes(out, version.as_bytes());
        optional(out, *least, |out, least| bytes(out, least.to_string().as_bytes()));
    });
}

pub(super) fn read_client(reading: &mut Reading<'_>) -> Result<Stated<Arc<Client>>, Damage> {
    reading.stated(|reading| {
        let identifier = reading.text()?.into();
        let version = reading.text()?.into();
        let least = reading.optional(Reading::text)?;
        let parse = |text: &str| Version::parse(text).ok_or(Damage("a least version is none"));
        Ok(Arc::new(Client { identifier, version, least: least.map(parse).transpose()? }))
    })
}

pub(super) fn write_readings(out: &mut Vec<u8>, readings: &[Timing]) {
    length(out, readings.len());
    for Timing { started_at, last_started, planned } in readings {
        stated(out, *started_at, instant);
        stated(out, *last_started, instant);
        optional(out, planned.as_deref(), plan::write);
    }
}

pub(super) fn read_readings(reading: &mut Reading<'_>) -> Result<Vec<Timing>, Damage> {
    let count = reading.length()?;
    let one = |reading: &mut Reading<'_>| {
        let started_at = reading.stated(Reading::instant)?;
        let last_started = reading.stated(Reading::instant)?;
        Ok(Timing { started_at, last_started, planned: reading.optional(plan::read)?.map(Arc::new) })
    };
    (0..count).map(|_| one(reading)).collect()
}
