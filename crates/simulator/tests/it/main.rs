//! Does the portal behave as it says, seen by an ordinary HTTP client? Nothing here knows the client that lastgood has.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic like tests")]

mod damage;
mod feeds;
mod fleet;
mod refusals;
mod rest;
mod support;
