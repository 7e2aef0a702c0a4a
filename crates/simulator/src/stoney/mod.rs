//! A stoney backup host and its directory, as a monitor meets them: LDAP, the customers' trees, and the clients' files.
//!
//! What is deliberately absent: provisioning, rsync, SSH, rsnapshot, and the server's own scripts, whose sources are not
//! public. Numbers, names and quirks follow the facts on stoney backup.
//!
//! ```
//! use lastgood_simulator::stoney::{Client, Directory, End, Home, Plan, Run, Wall};
//!
//! # fn main() -> std::io::Result<()> {
//! let mut directory = Directory::default();
//! let account = directory.account("3723707").set("mail", &["customer@example.org"]);
//! let root = tempfile::tempdir()?;
//! let home = Home::make(root.path(), account.value("homeDirectory").expect("every account has one"))?;
//! directory.put(account);
//! let client = Client::perl("2.0.9");
//! home.computer("server.example.org")?.back_up(&Run {
//!     id: client.run_id(1),
//!     client,
//!     plan: Plan::daily(0, 30),
//!     started: Wall::at("2026-03-02T00:30:00", "+01:00"),
//!     ended: Wall::at("2026-03-02T00:45:00", "+01:00"),
//!     end: End::Clean,
//! })?;
//! // … and start `Slapd` with `directory.ldif()` as its entries.
//! assert!(directory.ldif().contains("homeDirectory: /var/backup/7/707/723/3723707/chroot/./home/3723707"));
//! # Ok(())
//! # }
//! ```

pub mod client;
pub mod directory;
pub mod ldif;
mod slapd;
pub mod tree;

pub use client::{Client, End, Family, Plan, Wall};
pub use directory::Directory;
pub use ldif::Entry;
pub use slapd::{Reading, SizeLimit, Slapd, SlapdOptions, Tls};
pub use tree::{Computer, Home, Run, Upload};
