//! Does the library keep its promises, seen from outside: against the facts, and against a portal with every fault?

#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

mod facts;
mod robustness;
mod sample;

#[cfg(feature = "client")]
mod agreement;
#[cfg(feature = "client")]
mod api;
#[cfg(feature = "client")]
mod feeds;
#[cfg(feature = "client")]
mod pages;
#[cfg(feature = "client")]
mod secrets;
#[cfg(feature = "client")]
mod support;
