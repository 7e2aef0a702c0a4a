//! What do the accounts of a stoney backup server hold, and how do the computers in them fare?

pub mod client;
