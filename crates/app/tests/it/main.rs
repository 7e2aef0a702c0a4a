//! Does the whole program keep its promises, from the outside?

mod borg;
mod config;
mod report;
mod restic;
mod support;
mod tidy;
