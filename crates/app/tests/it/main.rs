//! Does the whole program keep its promises, from the outside?

mod config;
mod report;
mod support;
mod tidy;
