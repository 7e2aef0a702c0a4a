//! Does the stoney host behave as it says, seen by the programs of the package ldap-utils and by plain reading of files?
//! Nothing here knows the client that lastgood has.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic like tests")]

mod directory;
mod slapd;
mod tree;
