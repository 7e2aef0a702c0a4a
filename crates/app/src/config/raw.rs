//! What may stand in the configuration file?
//!
//! The file as written: every key is optional here, nothing is judged. The doc comment of a field is its reference
//! page: `docs/config.md`, the JSON Schema and the example file are made from it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZeroU32;

use lastgood_core::checks;
use lastgood_core::expectation::{Threshold, Unit};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::place::{Placed, Written};
use crate::ldap::Field;

/// The configuration of lastgood.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Configuration")]
pub(super) struct RawFile {
    /// Thresholds for every source. What a source, an override or `--set` says stands above them.
    #[schemars(example = json!({ "local_after": "26h", "quota_level": 90 }))]
    pub(super) thresholds: RawThresholds,
    /// One `[[source]]` per source to look at.
    pub(super) source: Vec<RawSource>,
    /// The LDAP directory that accounts, the people they belong to and their resellers stand in. Sources use it that say
    /// `directory = "ldap"`. Unset: there is none.
    pub(super) directory: RawDirectories,
    /// One `[[override]]` per group of repositories or assets for which other thresholds hold. Later ones stand above
    /// earlier ones, all of them above the thresholds of the source.
    pub(super) r#override: Vec<RawOverride>,
    /// One `[[channel]]` per way to tell somebody something. Only `lastgood serve` and `lastgood notify` use them.
    pub(super) channel: Vec<RawChannel>,
    /// One `[[owner]]` per group of subjects and those who are to be told of them. Only `lastgood serve` and `lastgood
    /// notify` use them. An address that several of them name for the same subject is told once, as the first says.
    pub(super) owner: Vec<RawOwner>,
    /// What `lastgood serve` needs to know besides.
    pub(super) serve: RawServe,
    /// Who notices that `lastgood serve` itself does not live any more.
    pub(super) watchdog: RawWatchdog,
}

/// Something to look at.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Source", extend("required" = ["kind"]))]
pub(super) struct RawSource {
    /// What it is called: the first part of every subject. 1 to 64 letters, digits, `.`, `_` and `-`, unique in the
    /// file. Unset: its kind; the second unnamed source of a kind is `KIND-2`, and so on.
    #[schemars(example = &"acme")]
    pub(super) name: Option<Placed<String>>,
    /// What kind of source it is. Required.
    #[schemars(example = &"datto-xml")]
    pub(super) kind: Option<Placed<String>>,
    /// The file, URL or repository to look at, as its kind understands it. Required, but for kinds that do not take it: they
    /// push, or their directory says what to look at. A path that is not absolute is one beside this file; text with a `:` before its first `/` is
    /// no path.
    #[schemars(example = &"https://portal.dattobackup.com/external/api/xml/status/{key}")]
    pub(super) location: Option<Placed<String>>,
    /// How often `lastgood serve` looks at it, or how often a source that pushes is expected to; from 10s to 30d. Where
    /// `blind_after` is not set it is three times that long. Unset: 15min, and 24h for a source that pushes.
    #[schemars(example = &"15min")]
    pub(super) interval: Option<Placed<Written>>,
    /// The file that holds the secret (key, password or passphrase) as its only line. A relative path is one beside
    /// this file. Not together with `secret_env`. Unset: no secret.
    #[schemars(example = &"/etc/lastgood/acme.key")]
    pub(super) secret_file: Option<Placed<String>>,
    /// The environment variable that holds the secret. Not together with `secret_file`. Unset: no secret.
    #[schemars(example = &"ACME_KEY")]
    pub(super) secret_env: Option<Placed<String>>,
    /// The public half of a key pair, which is no secret.
    #[schemars(example = &"a1b2c3")]
    pub(super) public_key: Option<Placed<String>>,
    /// The time zone of times that are stated without one, by its IANA name. Unset: the default of the kind.
    #[schemars(example = &"America/New_York")]
    pub(super) zone: Option<Placed<String>>,
    /// Time zones of single repositories, by serial number, where they differ from `zone`.
    #[schemars(example = json!({ "D05099A1B2C3": "Europe/Zurich" }))]
    pub(super) zones: Option<BTreeMap<Placed<String>, Placed<Written>>>,
    /// How much may be used, where the source itself does not know: bytes, or a number with a unit. kB, MB, GB, TB and
    /// PB count in thousands, KiB, MiB, GiB, TiB and PiB in 1024s. Unset: quota is not judged.
    #[schemars(example = &"2 TB")]
    pub(super) capacity: Option<Placed<Written>>,
    /// The program to run. A name without `/` is looked for in `PATH`, a relative path is one beside this file. Unset:
    /// the usual name, looked for in `PATH`.
    #[schemars(example = &"/usr/bin/restic")]
    pub(super) program: Option<Placed<String>>,
    /// How long one look may take as a whole, as a length of time above 0. Unset: 2 min, and 15 min for
    /// `datto-rest`, which sends one request per appliance.
    #[schemars(example = &"2min")]
    pub(super) deadline: Option<Placed<Written>>,
    /// How many requests may be under way at once, 1 to 256. Unset: the default of the kind.
    #[schemars(example = 4, range(min = 1, max = 256))]
    pub(super) concurrency: Option<Placed<NonZeroU32>>,
    /// How many requests may be started within a minute, from 1 on. Unset: the default of the kind.
    #[schemars(example = 100, range(min = 1))]
    pub(super) requests_per_minute: Option<Placed<NonZeroU32>>,
    /// How often costly figures, such as the size of a repository, are taken; between, none are stated. `0s` takes
    /// them at every look. Unset: the default of the kind.
    #[schemars(example = &"24h")]
    pub(super) stats_interval: Option<Placed<Written>>,
    /// The directory that says what it looks at: `ldap`, which stands in `[directory.ldap]`. Required by the kinds that take
    /// it.
    #[schemars(example = &"ldap", extend("enum" = ["ldap"]))]
    pub(super) directory: Option<Placed<String>>,
    /// The folder that stands before every path the directory names, where its trees are mounted elsewhere. A relative path
    /// is one beside this file. Unset: paths are taken as the directory names them.
    #[schemars(example = &"/mnt/backup")]
    pub(super) root: Option<Placed<String>>,
    /// Whether what was measured is written into the directory; needs `bind_dn`. Unset: false, the directory is only read.
    pub(super) write_back: Option<Placed<bool>>,
    /// The least version of a backup client that is not outdated, by the name it gives itself. Unset, and for names that
    /// are not written: Sepiola Online Backup Client 2.7.0, Online Backup Perl Script 2.0.9.
    #[schemars(example = json!({ "Sepiola Online Backup Client": "2.7.1" }))]
    pub(super) least_clients: Option<BTreeMap<Placed<String>, Placed<String>>>,
    /// What the ping key of the source is known by, as `lastgood ping-key` prints it. With that key and the `slug` of a
    /// ping its job is heard, at `/ping/KEY/SLUG`. Unset: only the keys of the single pings are.
    #[schemars(example = &"sha256:0d92d920bfd5251b8cb8ad0fd5e2e73426bfdb890f38a7557916765d253be158")]
    pub(super) ping_key_hash: Option<Placed<String>>,
    /// One `[[source.ping]]` per job that pings, below the `[[source]]` it belongs to.
    pub(super) ping: Vec<RawPing>,
    /// Thresholds for this source, above those of the whole file.
    #[schemars(example = json!({ "local_after": "48h" }))]
    pub(super) thresholds: RawThresholds,
}

/// A job that tells of its own accord that it ran.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Ping", extend("required" = ["name"]))]
pub(super) struct RawPing {
    /// What the job is called: the last part of its subject. Unique in its source. Required.
    #[schemars(example = &"nightly-db")]
    pub(super) name: Option<Placed<String>>,
    /// What names it behind the ping key of the source: 1 to 100 of `a` to `z`, digits, `-` and `_`, unique in its source.
    /// Unset: the name in lower case, with a `-` for everything else.
    #[schemars(example = &"nightly-db")]
    pub(super) slug: Option<Placed<String>>,
    /// What its own key is known by, as `lastgood ping-key` prints it: `sha256:` and 64 hexadecimal digits. With that
    /// key it is heard at `/ping/KEY`. The key itself stands nowhere but with the job. Unset: it is heard by its slug only,
    /// and the source needs `ping_key_hash`.
    #[schemars(example = &"sha256:8f689487d43ae2eee287237a78b1f67e97847c35cf8dcc441c3b586f44e01eca")]
    pub(super) key_hash: Option<Placed<String>>,
    /// When it is to run, as five cron fields: minute, hour, day of month, month, day of week. Not together with
    /// `period`; one of them is required.
    #[schemars(example = &"30 2 * * *")]
    pub(super) schedule: Option<Placed<String>>,
    /// The time zone of `schedule`, by its IANA name. Unset: UTC.
    #[schemars(example = &"Europe/Zurich")]
    pub(super) zone: Option<Placed<String>>,
    /// How long after the newest start or end of a run the next one is due at the latest, above 0. Not together with
    /// `schedule`.
    #[schemars(example = &"24h")]
    pub(super) period: Option<Placed<Written>>,
    /// How late a run may begin before it is missed, above 0; a run of which only the end is told begins with that. How long
    /// it may take is `stuck_after`. Unset: 1h.
    #[schemars(example = &"2h")]
    pub(super) grace: Option<Placed<Written>>,
    /// The repository it is listed in: the middle part of its subject. Unset: `pings`.
    #[schemars(example = &"db1")]
    pub(super) repository: Option<Placed<String>>,
}

/// The directories there are.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Directories")]
pub(super) struct RawDirectories {
    /// An LDAP directory.
    pub(super) ldap: RawLdap,
}

/// How an LDAP directory is reached, and where it keeps what.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Ldap", extend("required" = ["servers", "base"]))]
pub(super) struct RawLdap {
    /// The servers, in the order they are tried: `ldap://host`, or `ldaps://host` where `tls` is `ldaps`, with `:port` where
    /// it is not 389 or 636. At least one. Required.
    #[schemars(example = &["ldap://ldap1.example.org", "ldap://ldap2.example.org"])]
    pub(super) servers: Option<Vec<Placed<String>>>,
    /// The entry that everything stands below. Required.
    #[schemars(example = &"dc=example,dc=org")]
    pub(super) base: Option<Placed<String>>,
    /// How connections are encrypted: `starttls` begins in the clear and encrypts before anything is said, `ldaps` encrypts
    /// from the first byte on, `none` does not, and everybody on the way reads all of it, the password included. Unset:
    /// `starttls`.
    #[schemars(example = &"starttls", extend("enum" = ["starttls", "ldaps", "none"]))]
    pub(super) tls: Option<Placed<String>>,
    /// A file of certificates in PEM whose authorities are trusted beside those of the system. A relative path is one
    /// beside this file. Unset: only those of the system.
    #[schemars(example = &"/etc/lastgood/ldap-ca.pem")]
    pub(super) ca_file: Option<Placed<String>>,
    /// The name of the entry we bind as; needs a password. Unset: anonymous.
    #[schemars(example = &"cn=lastgood,dc=example,dc=org")]
    pub(super) bind_dn: Option<Placed<String>>,
    /// The file that holds the password of `bind_dn` as its only line. A relative path is one beside this file. Not together
    /// with `password_env`.
    #[schemars(example = &"/etc/lastgood/ldap.password")]
    pub(super) password_file: Option<Placed<String>>,
    /// The environment variable that holds the password of `bind_dn`. Not together with `password_file`.
    #[schemars(example = &"LDAP_PASSWORD")]
    pub(super) password_env: Option<Placed<String>>,
    /// How many entries are asked for at once, 1 to 100000. A server may give less: slapd lets everybody but its root have
    /// 500 entries of a search in all, pages or not, until its `sizelimit` says more. Unset: 1000.
    #[schemars(example = 1000, range(min = 1, max = 100_000))]
    pub(super) page_size: Option<Placed<NonZeroU32>>,
    /// How long one operation may take: a connection (10s at most), a bind, a page, a change. A length of time above 0.
    /// Unset: 30s.
    #[schemars(example = &"30s")]
    pub(super) deadline: Option<Placed<Written>>,
    /// The entry that all accounts stand below. Unset: `ou=backup,ou=services,` and `base`.
    #[schemars(example = &"ou=backup,ou=services,dc=example,dc=org")]
    pub(super) accounts_base: Option<Placed<String>>,
    /// Which entries below that are accounts, as an LDAP filter. Unset: `(objectClass=sstBackup)`.
    #[schemars(example = &"(objectClass=inetOrgPerson)")]
    pub(super) accounts_filter: Option<Placed<String>>,
    /// The entry that all people stand below. Unset: `ou=people,` and `base`.
    #[schemars(example = &"ou=people,dc=example,dc=org")]
    pub(super) people_base: Option<Placed<String>>,
    /// The attribute of a person that the `person` of an account names. Unset: `uid`.
    #[schemars(example = &"uid")]
    pub(super) person_key: Option<Placed<String>>,
    /// The entry that all resellers stand below. Unset: `ou=reseller,ou=configuration,ou=backup,ou=services,` and `base`.
    #[schemars(example = &"ou=resellers,dc=example,dc=org")]
    pub(super) resellers_base: Option<Placed<String>>,
    /// How the directory calls what we read, where it is not the name stoney backup has for it. The keys of this table are
    /// listed below. Unset: those of stoney backup.
    #[schemars(example = json!({ "home": "unixHomeDirectory", "mobile": "mobile" }))]
    pub(super) attributes: RawFields,
    /// The value that counts where an entry lacks the attribute, by the same keys. Unset: an attribute that is not there has
    /// no value.
    #[schemars(example = json!({ "active": "TRUE", "warning_on": "TRUE", "medium": "mail" }))]
    pub(super) absent: RawFields,
    /// The `name` of the `[[channel]]` that people of the directory are mailed through. Unset: the first of the kind `mail`.
    #[schemars(example = &"mail")]
    pub(super) mail_channel: Option<Placed<String>>,
    /// The `name` of the `[[channel]]` for those whose medium is `sms`; their address is the number of their telephone.
    /// Unset: they are not told.
    #[schemars(example = &"webhook")]
    pub(super) sms_channel: Option<Placed<String>>,
    /// Where customers change what they are told: an http or https URL with `{uid}` in the place of the account. Unset: no
    /// message says it.
    #[schemars(example = &"https://selfcare.example.org/accounts/{uid}")]
    pub(super) settings_url: Option<Placed<String>>,
    /// The language of those whose entries name none, as `de-CH` and `en-GB` are written. Unset: `en-GB`.
    #[schemars(example = &"de-CH")]
    pub(super) language: Option<Placed<String>>,
    /// The folder with texts of messages that stand above ours. A relative path is one beside this file. Unset: ours.
    #[schemars(example = &"/etc/lastgood/templates")]
    pub(super) templates: Option<Placed<String>>,
    /// The mailbox that messages to people of the directory come from, where their reseller sets no other. Unset: that of
    /// the channel.
    #[schemars(example = &"Backup <backup@example.org>")]
    pub(super) from: Option<Placed<String>>,
}

/// Texts by the fields of a directory, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct RawFields(pub(super) BTreeMap<Placed<String>, Placed<String>>);

impl JsonSchema for RawFields {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Fields".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let text = |field: Field| (field.as_str().to_owned(), json!({ "type": "string" }));
        let properties: Map<String, Value> = Field::ALL.into_iter().map(text).collect();
        json_schema!({ "type": "object", "properties": properties, "additionalProperties": false })
    }
}

/// Other thresholds for some repositories and assets.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Override", extend("required" = ["subject", "thresholds"]))]
pub(super) struct RawOverride {
    /// Which subjects, as a pattern over `source/repository/asset`: `*` stands for any text, `/` included, `?` for one
    /// character, `[abc]` for one of several, `{a,b}` for alternatives; `\` takes the next character as it is. Required.
    #[schemars(example = &"acme/D050*/*")]
    pub(super) subject: Option<Placed<String>>,
    /// Thresholds for them; at least one. Required.
    #[schemars(example = json!({ "local_after": "8d", "offsite_after": "off" }))]
    pub(super) thresholds: RawThresholds,
}

/// A way to tell somebody something. Its kind has further keys of its own.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Channel", extend("required" = ["name", "kind"]))]
pub(super) struct RawChannel {
    /// What it is called: the first part of every address in `to`. 1 to 64 letters, digits, `.`, `_` and `-`, unique in
    /// the file. Required.
    #[schemars(example = &"mail")]
    pub(super) name: Option<Placed<String>>,
    /// What kind of channel it is. Required.
    #[schemars(example = &"mail")]
    pub(super) kind: Option<Placed<String>>,
}

/// Who is to be told of some subjects.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Owner", extend("required" = ["role", "to"]))]
pub(super) struct RawOwner {
    /// Which subjects, as a pattern like that of an `[[override]]`. Unset: `*`, all.
    #[schemars(example = &"acme/*")]
    pub(super) subject: Option<Placed<String>>,
    /// What they are to them: `customer`, `reseller` or `operator`. It decides what the links in a message let them do.
    /// Required.
    #[schemars(example = &"customer", extend("enum" = ["customer", "reseller", "operator"]))]
    pub(super) role: Option<Placed<String>>,
    /// Where they are told: each the name of a channel, a `:`, and an address as that channel understands it. At least
    /// one. Required.
    #[schemars(example = &["mail:anna@example.org"])]
    pub(super) to: Option<Vec<Placed<String>>>,
    /// Of failed and missed runs they hear once so many in a row failed or were missed, from 1 on. Unset, and
    /// `after_days` unset, too: at once. Where both are set, whichever comes first.
    #[schemars(example = 2, range(min = 1))]
    pub(super) after_count: Option<Placed<NonZeroU32>>,
    /// Of failed and missed runs they hear once the last success is more than so many days ago, 1 to 10000. Unset, and
    /// `after_count` unset, too: at once.
    #[schemars(example = 3, range(min = 1, max = 10000))]
    pub(super) after_days: Option<Placed<NonZeroU32>>,
    /// They hear of an incident only once it has been open for so long without anybody saying that they know; a length of
    /// time above 0. Unset: they are told first.
    #[schemars(example = &"4h")]
    pub(super) escalate_after: Option<Placed<Written>>,
}

/// What `lastgood serve` needs to know.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Serve")]
pub(super) struct RawServe {
    /// The file everything is remembered in. A relative path is one beside this file. Unset:
    /// `/var/lib/lastgood/lastgood.db`.
    #[schemars(example = &"/var/lib/lastgood/lastgood.db")]
    pub(super) database: Option<Placed<String>>,
    /// The address and port where pings, the API, links and pages are answered. Plain HTTP: beyond this machine it
    /// belongs behind a server that speaks HTTPS. Unset: `127.0.0.1:8470`.
    #[schemars(example = &"127.0.0.1:8470")]
    pub(super) listen: Option<Placed<String>>,
    /// How others reach that address: an http or https URL. Unset: messages have no links.
    #[schemars(example = &"https://backups.example.org")]
    pub(super) public_url: Option<Placed<String>>,
    /// The file that holds the key that signs links as its only line, at least 32 bytes. A relative path is one beside
    /// this file. Needs `public_url`. Unset: messages have no links.
    #[schemars(example = &"/etc/lastgood/links.key")]
    pub(super) link_key_file: Option<Placed<String>>,
    /// How often is judged at least, from 1s to 5min. Unset: 15s.
    #[schemars(example = &"15s")]
    pub(super) tick: Option<Placed<Written>>,
    /// How many observations in a row must be bad until an incident opens, from 1 on; `visibility` opens at once. Unset: 1.
    #[schemars(example = 2, range(min = 1))]
    pub(super) open_after: Option<Placed<NonZeroU32>>,
    /// How many observations in a row must be ok until an incident closes, from 1 on. Unset: 1.
    #[schemars(example = 2, range(min = 1))]
    pub(super) close_after: Option<Placed<NonZeroU32>>,
    /// How long after they were told people are reminded of an incident nobody acknowledged, a length of time above 0;
    /// `off`: never. Unset: 24h.
    #[schemars(example = &"24h")]
    pub(super) repeat_after: Option<Placed<Written>>,
    /// How long looks and pings are kept whole, a length of time above 0; after that looks are thinned to one a day, and
    /// pings dropped. Unset: 7d.
    #[schemars(example = &"7d")]
    pub(super) keep: Option<Placed<Written>>,
    /// How many assets have series of their own in `/metrics`, from 0 on; of a larger fleet only counts are there.
    /// Unset: 10000.
    #[schemars(example = 10000)]
    pub(super) metrics_assets_max: Option<Placed<u32>>,
}

/// Who notices that we do not live any more.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Watchdog")]
pub(super) struct RawWatchdog {
    /// An http or https URL that is asked with GET after every good tick: whoever stands behind it knows that we live, and
    /// tells somebody once it is not asked any more. Unset: nobody is told.
    #[schemars(example = &"https://watchdog.example/ping/lastgood")]
    pub(super) url: Option<Placed<String>>,
}

/// Thresholds by name, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct RawThresholds(pub(super) BTreeMap<Placed<String>, Placed<Written>>);

impl JsonSchema for RawThresholds {
    fn schema_name() -> Cow<'static, str> {
        "Thresholds".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let properties: Map<String, Value> =
            thresholds().map(|threshold| (threshold.name.to_owned(), threshold_schema(threshold))).collect();
        json_schema!({ "type": "object", "properties": properties, "additionalProperties": false })
    }
}

/// Every threshold of every check, in the order of the documentation.
pub(super) fn thresholds() -> impl Iterator<Item = &'static Threshold> {
    checks::thresholds().into_iter()
}

fn threshold_schema(threshold: &Threshold) -> Value {
    let (about, default) = (threshold.meaning, threshold.show(threshold.default));
    let types = match threshold.unit {
        Unit::Choice(words) => return json!({ "enum": words, "description": about, "default": default }),
        Unit::Time => json!("string"),
        Unit::Percent | Unit::Count => json!(["string", "number"]),
    };
    json!({ "type": types, "description": about, "default": default })
}
