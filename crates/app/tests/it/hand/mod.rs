//! Do the commands somebody types beside a daemon, or in front of a backup, do what they promise?

mod incidents;
mod remembered;
mod run;
mod server;
mod silence;
mod spool;
mod unit;
