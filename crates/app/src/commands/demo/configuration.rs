//! What does the configuration file of the demonstration say? A real one, as somebody would write it; only the intervals
//! are shorter than anybody needs them.

use jiff::Timestamp;

use super::fleet;
use crate::push::key::KeyHash;

/// The operator's address.
pub(super) const OPERATOR: &str = "operator@msp.example";

/// The address of the customer whose appliance falls silent.
pub(super) const CUSTOMER: &str = "anna@customer.example";

/// The names of the files that hold secrets.
pub(super) const PORTAL_KEY: &str = "portal.key";
pub(super) const LINKS_KEY: &str = "links.key";
pub(super) const RESTIC_PASSWORD: &str = "restic.password";

/// The folder of the restic repository, and the one that is backed up.
pub(super) const REPOSITORY: &str = "repository";

/// The folder below which the homes of the stoney backup server lie.
pub(super) const HOMES: &str = "homes";

/// How often portal and accounts are looked at, as short as is allowed, and for how long the portal may not be seen, in
/// seconds.
pub(super) const INTERVAL: u32 = 10;
pub(super) const BLIND_AFTER: u32 = 20;

/// What differs from one demonstration to the next.
pub(super) struct Places {
    /// The port of lastgood.
    pub(super) port: u16,
    /// The address of the portal's feed.
    pub(super) feed: String,
    /// The port of the mail server.
    pub(super) mail_port: u16,
    /// The serial number of the customer's appliance.
    pub(super) serial: String,
    /// What the key of the job is known by.
    pub(super) key_hash: KeyHash,
    /// Is there a restic repository?
    pub(super) has_repository: bool,
    /// The URL of the directory of a stoney backup server; `None` where there is none.
    pub(super) directory: Option<String>,
}

/// The file with places such as there could be.
pub(super) fn example(devices: u16) -> String {
    let fleet = fleet::well(devices, Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(24 * 365 * 50));
    text(&Places {
        port: 8470,
        feed: "http://127.0.0.1:8471/external/api/xml/status/{key}".to_owned(),
        mail_port: 8472,
        serial: fleet::silent_one(&fleet).serial.clone(),
        key_hash: KeyHash::of("5eeded00-0000-4000-8000-000000000001"),
        has_repository: true,
        directory: Some("ldap://127.0.0.1:8473".to_owned()),
    })
}

/// The file.
pub(super) fn text(places: &Places) -> String {
    let Places { port, feed, mail_port, serial, key_hash, has_repository, directory } = places;
    let hash = key_hash.hexadecimal();
    let repository = if *has_repository { repository() } else { String::new() };
    let accounts = directory.as_deref().map(accounts).unwrap_or_default();
    format!(
        r#"# What `lastgood demo` runs with. Paths are beside this file.

[serve]
database = "lastgood.db"
listen = "127.0.0.1:{port}"
# Mails have a link to answer them, signed with this key.
public_url = "http://127.0.0.1:{port}"
link_key_file = "{LINKS_KEY}"
tick = "1s"

# A Datto partner portal.
[[source]]
name = "portal"
kind = "datto-xml"
location = "{feed}"
secret_file = "{PORTAL_KEY}"
interval = "{INTERVAL}s"
thresholds = {{ blind_after = "{BLIND_AFTER}s" }}

{repository}{accounts}# A job that says by HTTP when it starts and how it ends.
[[source]]
name = "jobs"
kind = "ping"

[[source.ping]]
name = "nightly-db"
key_hash = "sha256:{hash}"
period = "24h"

[[channel]]
name = "mail"
kind = "mail"
host = "127.0.0.1"
port = {mail_port}
tls = "none"
from = "lastgood <backups@msp.example>"

# The operator hears of everything, a customer of their own appliance. Who hears of accounts stands in the directory.
[[owner]]
role = "operator"
to = ["mail:{OPERATOR}"]

[[owner]]
subject = "portal/{serial}*"
role = "customer"
to = ["mail:{CUSTOMER}"]
"#
    )
}

fn repository() -> String {
    format!(
        r#"# A restic repository, read with the program restic.
[[source]]
name = "files"
kind = "restic"
location = "{REPOSITORY}"
secret_file = "{RESTIC_PASSWORD}"
interval = "30s"

"#
    )
}

/// The part of a stoney backup server.
pub(super) fn accounts(directory_url: &str) -> String {
    format!(
        r#"# A stoney backup server: its accounts stand in a directory, the customers' folders below `root`.
[[source]]
name = "stoney"
kind = "stoney"
directory = "ldap"
root = "{HOMES}"
interval = "{INTERVAL}s"
# How often sizes are measured: at every look.
stats_interval = "5s"

[directory.ldap]
servers = ["{directory_url}"]
base = "dc=stoney-cloud,dc=org"
# Only on this machine.
tls = "none"
# Where customers change what they are told.
settings_url = "https://selfcare.example/accounts/{{uid}}"

"#
    )
}
