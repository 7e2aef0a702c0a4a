//! What of a look is new, and what do the looks that were kept say together?
//!
//! [`difference`] compares a look with what was last stated and writes only what differs; [`replay`] goes the other way
//! and makes facts, always through the fold of the core; [`thinning`] makes one look of many. Nothing here knows SQL: an
//! implementation of the store only moves the parts.

pub(super) mod difference;
pub(super) mod entry;
pub(super) mod replay;
pub(super) mod spelling;
pub(super) mod thinning;

#[cfg(test)]
mod tests;
