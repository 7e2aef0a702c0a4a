//! Which document does a script push? The doc comments here are its reference.

use std::num::NonZeroU32;

use jiff::Timestamp;
use lastgood_core::observation::Stated;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// One look: everything that is there now, and what is known of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PushedLook {
    /// When the look began. Left out, or ahead of our clock: when it came.
    #[serde(default, deserialize_with = "there")]
    #[schemars(with = "Instant")]
    pub(super) observed_at: Option<Instant>,
    /// Whether these are all repositories there are: what a complete list does not hold any more has left the fleet.
    pub(super) listing: PushedListing,
    /// The repositories.
    pub(super) repositories: Vec<PushedRepository>,
}

/// How much of a list this is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum PushedListing {
    /// All of it: what is not in it is not there.
    #[default]
    Complete,
    /// Some of it: what is not in it may be there.
    Partial,
}

/// Where backups are kept.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PushedRepository {
    /// Tells it apart from every other repository of the source, and stays the same: 1 to 500 bytes.
    pub(super) key: String,
    /// The name people know it by. Left out: the key.
    #[serde(default, deserialize_with = "there")]
    #[schemars(with = "String")]
    pub(super) name: Option<String>,
    /// What is used of its storage, in bytes.
    #[serde(default, deserialize_with = "there")]
    #[schemars(with = "u64")]
    pub(super) used_bytes: Option<u64>,
    /// What may be used, in bytes.
    #[serde(default, deserialize_with = "there")]
    #[schemars(with = "u64")]
    pub(super) quota_bytes: Option<u64>,
    /// When it was made.
    #[serde(default, deserialize_with = "there")]
    #[schemars(with = "Instant")]
    pub(super) created_at: Option<Instant>,
    /// Whether these are all of its assets. Left out: they are.
    #[serde(default)]
    pub(super) listing: PushedListing,
    /// What is protected in it. Left out: nothing.
    #[serde(default)]
    pub(super) assets: Vec<PushedAsset>,
}

/// What is protected.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PushedAsset {
    /// Tells it apart from every other asset of the repository, and stays the same: 1 to 500 bytes.
    pub(super) key: String,
    /// The name people know it by. Left out: the key.
    #[serde(default, deserialize_with = "there")]
    #[schemars(with = "String")]
    pub(super) name: Option<String>,
    /// When the last good backup was; null: never. Left out: when the last run succeeded, if that is said.
    #[serde(default)]
    pub(super) last_good: Given,
    /// When the last offsite copy was; null: never. Left out: none is kept, and none is missed.
    #[serde(default)]
    pub(super) last_offsite: Given,
    /// How the newest finished run ended. Left out: none is known.
    #[serde(default, deserialize_with = "there")]
    #[schemars(with = "PushedRun")]
    pub(super) last_run: Option<PushedRun>,
    /// When the run that is under way began. Left out: none is.
    #[serde(default, deserialize_with = "there")]
    #[schemars(with = "Instant")]
    pub(super) started_at: Option<Instant>,
    /// When the newest run began, whether or not it ended.
    #[serde(default, deserialize_with = "there")]
    #[schemars(with = "Instant")]
    pub(super) last_started: Option<Instant>,
    /// When the device itself was last seen; null: never. Left out: not known.
    #[serde(default)]
    pub(super) last_seen: Given,
    /// When it was set up.
    #[serde(default, deserialize_with = "there")]
    #[schemars(with = "Instant")]
    pub(super) created_at: Option<Instant>,
}

/// A finished run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PushedRun {
    /// How it ended.
    pub(super) outcome: PushedOutcome,
    /// When it ended.
    #[serde(default, deserialize_with = "there")]
    #[schemars(with = "Instant")]
    pub(super) at: Option<Instant>,
    /// How many failed in a row, this one included. Only of a failed run. Left out: 1.
    #[serde(default, deserialize_with = "there")]
    #[schemars(with = "NonZeroU32")]
    pub(super) in_row: Option<NonZeroU32>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum PushedOutcome {
    /// Well.
    Succeeded,
    /// Not well.
    Failed,
}

/// An instant as in RFC 3339, with an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Instant(pub(super) Timestamp);

impl TryFrom<String> for Instant {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let shown: String = text.chars().take(40).collect();
        text.parse().map(Self).map_err(|_| {
            format!("{shown:?} is no instant; write it as in RFC 3339, such as 2026-11-21T02:00:00Z")
        })
    }
}

impl JsonSchema for Instant {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Instant".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An instant as in RFC 3339, with an offset.",
            "type": "string",
            "format": "date-time"
        })
    }
}

/// An instant, null for never, or nothing at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Given {
    /// Left out.
    #[default]
    Nothing,
    /// It never happened.
    Never,
    /// It happened then.
    At(Instant),
}

impl Given {
    /// What was said, if anything was.
    pub(super) fn stated(self) -> Option<Stated<Timestamp>> {
        match self {
            Self::Nothing => None,
            Self::Never => Some(Stated::Never),
            Self::At(at) => Some(Stated::Value(at.0)),
        }
    }
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Never, Self::At))
    }
}

impl JsonSchema for Given {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Given".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "null"], "format": "date-time" })
    }
}

/// Reads what must not be null: who writes null means something that we would only guess.
fn there<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Returns the JSON Schema of the document.
pub fn schema() -> String {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<PushedLook>().to_value();
    without_default_null(&mut schema);
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
    text.push('\n');
    text
}

/// What may be left out must not be null: no default is.
fn without_default_null(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.retain(|name, member| name != "default" || !member.is_null());
            members.values_mut().for_each(without_default_null);
        }
        Value::Array(elements) => elements.iter_mut().for_each(without_default_null),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
