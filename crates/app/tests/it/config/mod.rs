//! Is every mistake in a configuration told, with its place and its remedy, and does every good one load?
//!
//! One `config/invalid-<mistake>.toml` per mistake, its message in a snapshot beside it. The kinds of sources here are
//! made up, so that no real one decides what is a mistake; only the examples use the real ones.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lastgood::config::{self, Config, ConfigError, Request, Surroundings};
use lastgood::secret::SecretFrom;
use lastgood::sources::{self, Entry, OpenError, Source, SourceConfig};
use lastgood_core::expectation::{Origin, Scope};
use lastgood_core::kind::SourceKind;
use rstest::rstest;

mod directory;
mod serving;

const ENTRIES: &[&Entry] = &[&PORTAL, &DISK, &POST, &BELL, &REGISTRY];

static PORTAL: Entry = Entry {
    kind: &SourceKind { id: "portal", kinds: &[] },
    location: "the URL of a portal",
    about: "a portal on the network",
    example: "portal:https://portal.example/{key}",
    keys: &[
        "secret_file",
        "secret_env",
        "public_key",
        "zone",
        "zones",
        "capacity",
        "program",
        "deadline",
        "concurrency",
        "requests_per_minute",
        "stats_interval",
    ],
    pushes: false,
    deadline: Duration::from_mins(2),
    secret_variable: Some("LASTGOOD_PORTAL_KEY"),
    open,
};

static DISK: Entry = Entry {
    kind: &SourceKind { id: "disk", kinds: &[] },
    location: "a folder",
    about: "a folder on this machine",
    example: "disk:/srv/backups",
    keys: &["deadline"],
    pushes: false,
    deadline: Duration::from_mins(2),
    secret_variable: None,
    open,
};

static POST: Entry = Entry {
    kind: &SourceKind { id: "post", kinds: &[] },
    location: "",
    about: "what scripts hand in",
    example: "post",
    keys: &["secret_file", "secret_env", "interval"],
    pushes: true,
    deadline: Duration::from_mins(2),
    secret_variable: None,
    open,
};

static BELL: Entry = Entry {
    kind: &SourceKind { id: "bell", kinds: &[] },
    location: "",
    about: "jobs that ring when they ran",
    example: "bell",
    keys: &["ping_key_hash", "ping"],
    pushes: true,
    deadline: Duration::from_mins(2),
    secret_variable: None,
    open,
};

static REGISTRY: Entry = Entry {
    kind: &SourceKind { id: "registry", kinds: &[] },
    location: "",
    about: "folders that a directory names",
    example: "registry",
    keys: &["directory", "root", "write_back", "least_clients"],
    pushes: false,
    deadline: Duration::from_mins(2),
    secret_variable: None,
    open,
};

fn open(config: SourceConfig) -> Result<Box<dyn Source>, OpenError> {
    Err(OpenError::Missing { source_id: config.id, what: "nothing, it is made up".to_owned() })
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/config")
}

/// Name and text of every fixture with a mistake.
fn invalid() -> BTreeMap<String, String> {
    let files =
        fs::read_dir(fixtures()).expect("the folder of fixtures").map(|file| file.expect("a file").path());
    let tomls = files.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    let name = |path: &Path| path.file_stem().expect("a name").to_string_lossy().into_owned();
    let texts = tomls.map(|path| (name(&path), fs::read_to_string(&path).expect("a readable fixture")));
    texts.filter(|(name, _)| name.starts_with("invalid-")).collect()
}

fn parse(path: &str, text: &str) -> Result<Config, ConfigError> {
    Config::from_text(Path::new(path), text, ENTRIES)
}

#[track_caller]
fn message(result: Result<Config, ConfigError>) -> String {
    result.err().expect("this is no valid configuration").to_string()
}

#[test]
fn every_mistake_is_told_with_its_place_and_remedy() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(fixtures());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let all = invalid();
    assert!(all.len() > 20, "only {} fixtures found", all.len());
    for (name, text) in all {
        let told = message(parse("config.toml", &text));
        settings.bind(|| insta::assert_snapshot!(name, told));
    }
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once_in_the_order_of_its_lines() {
    let result = parse("config.toml", &invalid()["invalid-five-mistakes"]);
    let Err(ConfigError::Invalid { mistakes, .. }) = result else { panic!("the file is invalid") };
    assert_eq!(mistakes.iter().map(|mistake| mistake.line).collect::<Vec<_>>(), [2, 5, 7, 8, 9]);
}

#[test]
fn no_message_holds_a_secret_that_was_written_into_the_file() {
    for (name, text) in invalid() {
        let told = message(parse("config.toml", &text));
        assert!(!told.contains("hunter2"), "{name}: {told}");
    }
}

#[test]
fn no_message_holds_a_secret_wherever_a_file_is_cut_or_damaged() {
    let text =
        "[[source]]\nkind = \"portal\"\nlocation = \"x\"\npassword = \"hunter2\"\nzone = \"Europe/Zurich\"\n";
    for at in 0..text.len() {
        let cut = parse("config.toml", &text[..at]);
        assert!(!format!("{:?}", cut.err()).contains("hunter2"), "cut at {at}");
        for damage in ["\"", "=", "[", "]", "{", "\n", "'", "\\", ",", ".", "\u{0}"] {
            let told = message(parse("config.toml", &format!("{}{damage}{}", &text[..at], &text[at..])));
            assert!(!told.contains("hunter2"), "{damage:?} at {at}: {told}");
        }
    }
}

#[test]
fn a_full_source_comes_out_as_it_was_written() {
    let path = fixtures().join("full.toml");
    let config = Config::from_file(&path, ENTRIES).expect("a valid file");
    let acme = &config.sources[0];
    assert_eq!(acme.id.as_str(), "acme");
    assert_eq!(acme.location, "https://portal.example/status/{key}");
    assert_eq!(acme.secret, Some(SecretFrom::Environment("ACME_KEY".to_owned())));
    assert_eq!(acme.public_key.as_deref(), Some("a1b2c3"));
    let zone_name = |zone: &jiff::tz::TimeZone| zone.iana_name().map(str::to_owned);
    assert_eq!(acme.zone.as_ref().and_then(zone_name).as_deref(), Some("America/New_York"));
    assert_eq!(zone_name(&acme.zones["D05099A1B2C3"]).as_deref(), Some("Europe/Zurich"));
    assert_eq!(acme.capacity_bytes, Some(2_000_000_000_000));
    assert_eq!(acme.program, Some(fixtures().join("tools/portal")));
    assert_eq!(acme.deadline, Duration::from_secs(30));
    assert_eq!((acme.concurrency, acme.requests_per_minute), (Some(4), Some(100)));
    assert_eq!(acme.stats_interval, Some(Duration::from_hours(24)));
}

#[test]
fn paths_are_those_beside_the_file_and_other_locations_stay() {
    let config = Config::from_file(&fixtures().join("full.toml"), ENTRIES).expect("a valid file");
    let locations: Vec<_> = config.sources[1..].iter().map(|source| source.location.clone()).collect();
    let beside = fixtures().join("backups").to_string_lossy().into_owned();
    assert_eq!(locations, [beside.as_str(), "/srv/backups", "host:backups"]);
    let text =
        "[[source]]\nkind = \"portal\"\nlocation = \"a\"\nsecret_file = \"key\"\nprogram = \"restic\"\n";
    let source = parse("etc/config.toml", text).expect("a valid file").sources.remove(0);
    assert_eq!(source.secret, Some(SecretFrom::File("etc/key".into())));
    assert_eq!(source.program, Some("restic".into()), "a bare name is looked for in PATH");
    assert_eq!(source.deadline, Duration::from_mins(2));
}

#[test]
fn an_unnamed_source_is_called_by_its_kind_and_avoids_names_that_are_taken() {
    let config = Config::from_file(&fixtures().join("full.toml"), ENTRIES).expect("a valid file");
    let names: Vec<_> = config.sources.iter().map(|source| source.id.as_str()).collect();
    assert_eq!(names, ["acme", "disk", "disk-3", "disk-2"]);
}

#[test]
fn layers_rise_from_the_file_over_sources_and_overrides_and_know_their_lines() {
    let text = fs::read_to_string(fixtures().join("full.toml")).expect("a fixture");
    let config = parse("config.toml", &text).expect("a valid file");
    let shown: Vec<_> = config
        .layers
        .iter()
        .flat_map(|layer| {
            layer.values.iter().map(|(name, value, origin)| format!("{name} {value:?} {origin}"))
        })
        .collect();
    let expected = [
        "local_after Some(93600) [thresholds], config.toml:2",
        "quota_level Some(9250) [thresholds], config.toml:3",
        "local_after Some(172800) thresholds of the source, config.toml:19",
        "local_after None [[override]], config.toml:36",
        "unsuccessful_count Some(2) [[override]], config.toml:36",
    ];
    assert_eq!(shown, expected);
    assert!(matches!(&config.layers[1].scope, Scope::Source(id) if id.as_str() == "acme"));
    let Scope::Pattern(matches) = &config.layers[2].scope else { panic!("an override has a pattern") };
    assert!(matches("acme/D05099A1B2C3/db"));
    assert!(matches("acme/D05099A1B2C3/C:/Users/x"), "* crosses /");
    assert!(!matches("acme/E05099A1B2C3/db"));
    assert!(!matches("acme2/D05099A1B2C3/db"));
}

#[test]
fn a_file_that_is_no_file_is_told_apart() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("config.toml");
    let told = |content: &[u8]| {
        fs::write(&path, content).expect("a writable folder");
        message(Config::from_file(&path, ENTRIES)).replace(&folder.path().display().to_string(), "DIR")
    };
    insta::assert_snapshot!(told(b"# a\n# b\xff\n"), @"DIR/config.toml:2: this line is not UTF-8; save the file as UTF-8");
    insta::assert_snapshot!(told(&vec![b'#'; 1024 * 1024 + 1]), @"DIR/config.toml is larger than 1048576 bytes and so no configuration file; give the right file with --config");
    let limit: Vec<u8> = vec![b'#'; 1024 * 1024];
    fs::write(&path, limit).expect("a writable folder");
    assert!(Config::from_file(&path, ENTRIES).is_ok(), "exactly at the limit");
    let shown = |path: &Path| {
        message(Config::from_file(path, ENTRIES)).replace(&folder.path().display().to_string(), "DIR")
    };
    insta::assert_snapshot!(shown(folder.path()), @"DIR is a folder; give the configuration file itself, such as DIR/config.toml");
    insta::assert_snapshot!(shown(&folder.path().join("none.toml")), @"the configuration file DIR/none.toml could not be read; give its path with --config and let this user read it");
}

/// What a test says in place of the command line and the environment.
#[derive(Default)]
struct Said {
    sources: Vec<String>,
    set: Vec<String>,
    file: Option<PathBuf>,
    environment: BTreeMap<&'static str, OsString>,
    default_file: PathBuf,
}

impl Said {
    fn sources(sources: &[&str]) -> Self {
        Self { sources: sources.iter().map(|source| (*source).to_owned()).collect(), ..Self::default() }
    }

    fn with_file(self) -> Self {
        Self { file: Some(fixtures().join("full.toml")), ..self }
    }

    fn set(self, set: &[&str]) -> Self {
        Self { set: set.iter().map(|set| (*set).to_owned()).collect(), ..self }
    }

    fn load(&self) -> Result<Config, ConfigError> {
        let request = Request { sources: &self.sources, file: self.file.as_deref(), set: &self.set };
        let environment = |name: &str| self.environment.get(name).cloned();
        let default_file = &self.default_file;
        config::load(&request, &Surroundings { entries: ENTRIES, environment: &environment, default_file })
    }

    fn names(&self) -> Vec<String> {
        let config = self.load().unwrap_or_else(|error| panic!("{error}"));
        config.sources.iter().map(|source| source.id.to_string()).collect()
    }
}

#[rstest]
#[case(&["portal:https://a", "disk:/b", "portal:https://c"], &["portal", "disk", "portal-2"])]
#[case(&["disk:a:b"], &["disk"])]
fn sources_of_the_command_line_are_called_by_their_kind(#[case] sources: &[&str], #[case] names: &[&str]) {
    assert_eq!(Said::sources(sources).names(), names);
}

#[test]
fn a_file_names_sources_and_its_names_are_left_free() {
    assert_eq!(Said::default().with_file().names(), ["acme", "disk", "disk-3", "disk-2"]);
    assert_eq!(
        Said::sources(&["disk:/x", "acme", "disk-3"]).with_file().names(),
        ["disk-4", "acme", "disk-3"]
    );
    let config = Said::sources(&["disk:/x"]).with_file().load().expect("valid");
    assert_eq!(config.layers.len(), 3, "the thresholds of a named file hold for every source");
    assert_eq!(config.sources[0].location, "/x");
}

#[test]
fn the_default_file_is_read_only_if_a_source_needs_it() {
    let default_file = fixtures().join("full.toml");
    let with_default =
        |sources: &[&str]| Said { default_file: default_file.clone(), ..Said::sources(sources) };
    assert_eq!(with_default(&[]).names().len(), 4);
    assert_eq!(with_default(&["acme"]).names(), ["acme"]);
    assert_eq!(with_default(&["disk:/x"]).names(), ["disk"]);
    assert!(with_default(&["disk:/x"]).load().expect("valid").layers.is_empty());
}

#[test]
fn the_variable_names_a_file_unless_the_command_line_does() {
    let mut said = Said::default();
    said.environment.insert("LASTGOOD_CONFIG", fixtures().join("full.toml").into());
    assert_eq!(said.names().len(), 4);
    said.file = Some("none.toml".into());
    assert!(message(said.load()).starts_with("the configuration file none.toml could not be read"));
    said.file = None;
    said.environment.insert("LASTGOOD_CONFIG", "".into());
    assert!(matches!(said.load(), Err(ConfigError::NoSource { .. })), "an empty variable is none");
}

#[test]
fn a_secret_of_the_command_line_comes_from_the_environment() {
    let secret = |environment: &[(&'static str, &str)]| {
        let environment = environment.iter().map(|(name, value)| (*name, OsString::from(*value))).collect();
        let said = Said { environment, ..Said::sources(&["portal:https://a"]) };
        said.load().map(|mut config| config.sources.remove(0).secret)
    };
    let variable = SecretFrom::Environment("LASTGOOD_PORTAL_KEY".to_owned());
    assert_eq!(secret(&[]).expect("valid"), None);
    assert_eq!(secret(&[("LASTGOOD_PORTAL_KEY", "hunter2")]).expect("valid"), Some(variable));
    let file = SecretFrom::File("/key".into());
    assert_eq!(secret(&[("LASTGOOD_PORTAL_KEY_FILE", "/key")]).expect("valid"), Some(file));
    let both = secret(&[("LASTGOOD_PORTAL_KEY", "hunter2"), ("LASTGOOD_PORTAL_KEY_FILE", "/key")]);
    insta::assert_snapshot!(both.expect_err("both are set"), @"the environment variables LASTGOOD_PORTAL_KEY and LASTGOOD_PORTAL_KEY_FILE are both set; set one of them");
}

#[test]
fn all_mistakes_of_the_command_line_are_told_at_once() {
    let sources =
        ["protal:hunter2", "https://hunter2", "disk:", "portal", "acne", "status.xml", "acme", "acme"];
    let said = Said::sources(&sources).with_file();
    let said = said.set(&["local_afer=2d", "local_after", "quota_level=101", "offsite_after=3d"]);
    let told = message(said.load());
    assert!(!told.contains("hunter2"), "{told}");
    insta::assert_snapshot!(told, @r#"
SOURCE `protal:…` does not begin with a kind of source; did you mean `portal`?
SOURCE `https:…` does not begin with a kind of source; the kinds are portal, disk, post, bell, registry
SOURCE `disk:` lacks a folder; write for example disk:/srv/backups
SOURCE `portal` lacks the URL of a portal; write for example portal:https://portal.example/{key}
no source is called `acne`; did you mean `acme`?
no source is called `status.xml`; the configured sources are acme, disk, disk-3, disk-2; one that is not configured is written like portal:https://portal.example/{key}
the source `acme` is named twice; name it once
--set: there is no threshold `local_afer`; did you mean `local_after`?
--set local_after lacks `=`; write THRESHOLD=VALUE, such as local_after=26h
--set: quota_level takes a percentage from 0 to 100 such as 85 or 92.5, or off; "101" is none
"#);
}

#[test]
fn a_threshold_of_the_command_line_stands_above_everything() {
    let config =
        Said::default().with_file().set(&["local_after = 26h", "local_after=off"]).load().expect("valid");
    let top = config.layers.last().expect("a layer");
    assert!(matches!(top.scope, Scope::Everything));
    let values =
        [("local_after", Some(93_600), Origin::CommandLine), ("local_after", None, Origin::CommandLine)];
    assert_eq!(top.values, values);
}

#[test]
fn without_any_source_an_example_is_shown() {
    let said = Said { default_file: "/nowhere/config.toml".into(), ..Said::default() };
    insta::assert_snapshot!(message(said.load()), @"there is nothing to look at: no SOURCE is given, and there is no /nowhere/config.toml; name a SOURCE, such as `lastgood check portal:https://portal.example/{key}`, or a file with --config FILE (`lastgood config example` prints one)");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("config.toml");
    fs::write(&file, "[thresholds]\n").expect("a writable folder");
    let told = message(Said { file: Some(file), ..Said::default() }.load());
    assert!(told.contains("config.toml has no [[source]]"), "{told}");
}

#[test]
fn the_example_loads_as_it_stands_and_with_every_setting_in_force() {
    for entries in [ENTRIES, &sources::ALL] {
        let example = config::example_of(entries);
        let path = Path::new("example.toml");
        let config = Config::from_text(path, &example, entries).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(config.sources.len(), entries.len());
        let in_force = |line: &str| match line.strip_prefix('#') {
            // Of these keys either stands for another one.
            Some(setting)
                if ["secret_env", "password_env", "period"]
                    .iter()
                    .any(|other| setting.starts_with(other)) =>
            {
                line.to_owned()
            }
            Some(setting) if !setting.starts_with([' ', '#']) => setting.to_owned(),
            _ => line.to_owned(),
        };
        let all: Vec<_> = example.lines().map(in_force).collect();
        let config =
            Config::from_text(path, &all.join("\n"), entries).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(config.channels.len(), lastgood::channels::ALL.len());
        assert_eq!((config.owners.len(), config.serve.public_url.is_some()), (1, true));
        assert!(config.directory.is_some_and(|directory| directory.ldap.bind.is_some()));
        let set: usize = config.layers[0].values.len();
        let thresholds = lastgood_core::checks::thresholds().len();
        assert_eq!(set, thresholds, "the example shows every threshold");
        for (name, value, _) in &config.layers[0].values {
            let threshold = lastgood_core::checks::find_threshold(name).expect("a known threshold");
            assert_eq!(*value, threshold.default, "the example shows the default of {name}");
        }
    }
}

#[test]
fn every_kind_names_only_keys_there_are() {
    let schema = config::schema();
    for entry in sources::ALL {
        for key in entry.keys {
            let known = &schema["$defs"]["Source"]["properties"][*key];
            assert!(known.is_object(), "{} names the key {key}, which no [[source]] has", entry.kind.id);
        }
    }
}

#[test]
fn the_schema_knows_every_threshold_and_what_is_required() {
    let schema = config::schema();
    let thresholds = &schema["$defs"]["Thresholds"];
    assert_eq!(thresholds["additionalProperties"], false);
    assert_eq!(thresholds["properties"]["local_after"]["default"], "24 h");
    assert_eq!(schema["$defs"]["Source"]["required"], serde_json::json!(["kind"]));
    assert_eq!(schema["$defs"]["Override"]["required"], serde_json::json!(["subject", "thresholds"]));
    assert_eq!(schema["$defs"]["Source"]["additionalProperties"], false);
    assert_eq!(schema["$defs"]["Source"]["properties"]["ping"]["items"]["$ref"], "#/$defs/Ping");
    let channels = schema["$defs"]["Channel"]["oneOf"].as_array().expect("the kinds of channels");
    let kinds: Vec<_> = channels.iter().map(|channel| &channel["properties"]["kind"]["const"]).collect();
    assert_eq!(kinds, lastgood::channels::ALL.map(|entry| entry.kind));
    assert_eq!(channels[0]["properties"]["host"]["type"], "string");
    assert!(!schema.to_string().contains("null"), "TOML has no null");
}

/// Compares a generated document with the tree; with `UPDATE_DOCS=1` writes it.
#[track_caller]
fn is_current(document: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(document);
    if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        fs::write(&path, text).expect("docs/ is writable");
    }
    let current = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        current == text,
        "docs/{document} is not current: run UPDATE_DOCS=1 cargo test -p lastgood config"
    );
}

#[test]
fn the_reference_of_the_configuration_is_current() {
    is_current("config.md", &config::reference());
}

#[test]
fn the_schema_of_the_configuration_is_current() {
    is_current("config.schema.json", &format!("{:#}\n", config::schema()));
}

#[test]
fn every_example_loads() {
    // Named one by one, so that an example that is lost is a failure.
    let named = ["datto.toml", "repositories.toml", "fleet.toml", "serve.toml", "stoney.toml"];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let files = fs::read_dir(&folder).expect("examples/").map(|file| file.expect("a file").path());
    let tomls = files.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    let name = |path: PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
    let mut found: Vec<String> = tomls.map(name).collect();
    found.sort();
    let mut expected = named.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
    for name in named {
        let config =
            Config::from_file(&folder.join(name), &sources::ALL).unwrap_or_else(|error| panic!("{error}"));
        assert!(!config.sources.is_empty(), "{name} looks at nothing");
    }
}
