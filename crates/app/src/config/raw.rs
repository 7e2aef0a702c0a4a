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
    /// One `[[override]]` per group of repositories or assets for which other thresholds hold. Later ones stand above
    /// earlier ones, all of them above the thresholds of the source.
    pub(super) r#override: Vec<RawOverride>,
}

/// Something to look at.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Source", extend("required" = ["kind", "location"]))]
pub(super) struct RawSource {
    /// What it is called: the first part of every subject. 1 to 64 letters, digits, `.`, `_` and `-`, unique in the
    /// file. Unset: its kind; the second unnamed source of a kind is `KIND-2`, and so on.
    #[schemars(example = &"acme")]
    pub(super) name: Option<Placed<String>>,
    /// What kind of source it is. Required.
    #[schemars(example = &"datto-xml")]
    pub(super) kind: Option<Placed<String>>,
    /// The file, URL or repository to look at, as its kind understands it. Required. A path that is not absolute is
    /// one beside this file; text with a `:` before its first `/` is no path.
    #[schemars(example = &"https://portal.dattobackup.com/external/api/xml/status/{key}")]
    pub(super) location: Option<Placed<String>>,
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
    /// Thresholds for this source, above those of the whole file.
    #[schemars(example = json!({ "local_after": "48h" }))]
    pub(super) thresholds: RawThresholds,
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
    checks::ALL.into_iter().flat_map(|check| check.thresholds.iter().copied())
}

fn threshold_schema(threshold: &Threshold) -> Value {
    let types = match threshold.unit {
        Unit::Time => json!("string"),
        Unit::Percent | Unit::Count => json!(["string", "number"]),
    };
    let (about, default) = (threshold.meaning, threshold.show(threshold.default));
    json!({ "type": types, "description": about, "default": default })
}
