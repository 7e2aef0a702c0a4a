//! When was the last good backup, is that good enough, and what does it take to say so?
//!
//! This crate is the judging core of lastgood: it turns what sources stated ([`observation`]) into the newest
//! knowledge ([`facts`]), holds it against what must be true ([`expectation`]) and answers every question
//! ([`checks`]) with a [`verdict`]. [`judge`] does that for a whole fleet, [`summary`] counts it.
//!
//! It is pure: no IO, no async, no clock, no randomness, no logging. The same input gives the same output, and `now`
//! is always an argument. It does not know which kinds of sources exist: a source brings its [`kind::SourceKind`].
//!
//! The modules stand in order: each one uses only modules above it in this list.

pub mod id;
pub mod time;
pub mod schedule;
pub mod kind;
pub mod client;
pub mod ownership;
pub mod observation;
pub mod facts;
pub mod expectation;
pub mod verdict;
pub mod checks;
pub mod judge;
pub mod incident;
pub mod recipient;
pub mod silence;
pub mod notify;
pub mod message;
pub mod summary;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
