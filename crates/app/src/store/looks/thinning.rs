//! How do the looks of a day become one?
//!
//! Every statement about an asset and every list stays, with when it was observed; of each repository only the newest
//! statement stays, since figures that differ at every look are what makes looks large. Nothing goes on from a look that
//! was thinned: a checkpoint of a later one was written before.

use std::collections::HashMap;

use jiff::Timestamp;
use lastgood_core::kind::SourceKind;

use super::entry::{
    ASSET, ASSETS, OBSERVED, Parts, REPOSITORIES, REPOSITORY, SAME_REPOSITORY, each_entry, read_keys,
};
use crate::store::codec::statement::{key, read_asset, read_repository};
use crate::store::codec::{Damage, Reading, bytes, instant};

/// Makes one of several looks at a source, given in the order in which they began, each with its parts.
pub(in super::super) fn thinned(
    looks: &[(Timestamp, Vec<Vec<u8>>)],
    kind: &'static SourceKind,
) -> Result<Vec<Vec<u8>>, Damage> {
    let newest = newest_statements(looks, kind)?;
    let mut thinned = Parts::default();
    for (number, (observed_at, parts)) in looks.iter().enumerate() {
        let mut is_dated = false;
        each_entry(parts.iter().map(Vec::as_slice), |tag, reading| {
            let content = content(tag, reading, kind)?;
            if tag == OBSERVED {
                is_dated = true;
            } else if !is_dated {
                thinned.push(OBSERVED, |out| instant(out, *observed_at));
                is_dated = true;
            }
            if tag == REPOSITORY && newest.get(key(content)?) != Some(&number) {
                let key = key(content)?;
                thinned.push(SAME_REPOSITORY, |out| bytes(out, key));
            } else {
                thinned.push(tag, |out| out.extend_from_slice(content));
            }
            Ok(())
        })?;
    }
    Ok(thinned.into_parts())
}

/// In which look each repository was stated last.
fn newest_statements<'a>(
    looks: &'a [(Timestamp, Vec<Vec<u8>>)],
    kind: &'static SourceKind,
) -> Result<HashMap<&'a [u8], usize>, Damage> {
    let mut newest = HashMap::new();
    for (number, (_, parts)) in looks.iter().enumerate() {
        each_entry(parts.iter().map(Vec::as_slice), |tag, reading| {
            let content = content(tag, reading, kind)?;
            if tag == REPOSITORY {
                newest.insert(key(content)?, number);
            }
            Ok(())
        })?;
    }
    Ok(newest)
}

/// Reads an entry and returns its bytes without the tag.
fn content<'a>(tag: u8, reading: &mut Reading<'a>, kind: &'static SourceKind) -> Result<&'a [u8], Damage> {
    let before = reading.0;
    match tag {
        OBSERVED => drop(reading.instant()?),
        REPOSITORIES | ASSETS => drop(read_keys(reading)?),
        REPOSITORY => drop(read_repository(reading, kind)?),
        SAME_REPOSITORY => drop(reading.bytes()?),
        ASSET => drop(read_asset(reading, kind)?),
        _ => return Err(Damage("a look has an entry that does not belong there")),
    }
    Ok(&before[..before.len() - reading.0.len()])
}
