//! What is the program lastgood made of? See ARCHITECTURE.md for the map; this library is the program, for its tests.

pub mod causes;
pub mod channels;
pub mod clock;
pub mod collect;
pub mod commands;
pub mod config;
pub mod deliver;
pub mod directory;
pub mod exit;
pub mod ldap;
pub mod letter;
pub mod links;
pub mod measure;
pub mod metrics;
pub mod pipeline;
pub mod program;
pub mod publish;
pub mod push;
pub mod report;
pub mod secret;
pub mod sources;
pub mod store;
pub mod telemetry;
pub mod tree;
pub mod watch;
pub mod web;
