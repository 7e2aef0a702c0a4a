//! A stoney backup host and its directory, as a monitor meets them: LDAP, the customers' trees, and the clients' files.
//!
//! What is deliberately absent: provisioning, rsync, SSH, rsnapshot, and the server's own scripts, whose sources are not
//! public. Numbers, names and quirks follow the facts on stoney backup.

pub mod ldif;
mod slapd;

pub use slapd::{Reading, SizeLimit, Slapd, SlapdOptions, Tls};
