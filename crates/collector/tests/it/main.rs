//! Does the engine keep its promises to those who write bots? Only its public interface is used.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic like tests")]

mod clock;
mod failing;
mod faults;
mod firing;
mod limits;
mod real;
mod refreshing;
mod showing;
mod stopping;
mod support;
