//! Does the Grafolean backend behave as the real one did, seen by an ordinary HTTP client? Nothing here knows the collector.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic like tests")]

mod access;
mod changes;
mod connections;
mod faults;
mod received;
mod replay;
mod support;
