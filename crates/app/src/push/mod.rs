//! What is pushed to us, and what is known from it?
//!
//! Pings are written to the store before they are answered, and folded into what is known of each job ([`ping`]); whole
//! looks come through the API ([`observations`]). Both leave as Collections, after which nobody knows that they were
//! pushed. This room knows no HTTP server and no configuration.

mod expected;
pub mod key;
pub mod observations;
pub mod ping;
mod pushes;
pub mod record;
pub mod request;

pub use expected::{Kinds, LookSource, PingExpected, PingSource, Plan, PushSource};
pub use pushes::{Asked, PingError, Pushes};
