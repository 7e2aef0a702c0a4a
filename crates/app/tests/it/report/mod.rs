//! Does every format say the whole truth about a fleet, whatever its names are?

use jiff::Timestamp;
use lastgood::exit::Exit;
use lastgood::report::{self, ExplainFormat, Explaining, Format, Only};
use lastgood_core::expectation::Expectations;
use lastgood_core::facts::{Facts, fold};
use lastgood_core::id::Name;
use lastgood_core::judge::judge;
use lastgood_core::observation::{
    Evidence, Exemption, Extent, Failure, FailureKind, LastRun, Place, Space, SpaceUnit, Stated,
};
use lastgood_core::summary::summarize;
use lastgood_core::testing::{
    FleetBuilder, agent, ago, appliance, at, defaults, noon, set, share, unreachable,
};
use lastgood_core::time::Seconds;
use lastgood_core::verdict::Outcome;

use crate::support::packages::program;

const FORMATS: [Format; 5] = [Format::Table, Format::Json, Format::Csv, Format::Nagios, Format::Prometheus];

/// One appliance that is well and one that is not, a hidden one, every sort of asset, a look that saw only a part and
/// one that saw nothing.
fn fleet() -> Facts {
    let now = noon();
    let mut well = appliance("1A2B3C", now);
    well.name = Name::new("BDR01");
    well.space.used = Stated::Value(3 << 40);
    well.space.free = Stated::Value(1 << 40);
    let mut late = agent("db02", now);
    late.last_run = LastRun::Failed { in_row: 3, at: Some(ago(now, Seconds::hours(2))) };
    late.last_good = Stated::Value(ago(now, Seconds::days(4)));
    late.last_offsite = Stated::Never;
    late.more.evidence = Vec::from([Evidence::new("lastOffsite", Some(57), "0", "read as never")]);
    late.more.details = Vec::from([("operating system", "Debian 12".into())]);
    let mut ahead = agent("ahead", now);
    ahead.last_good = Stated::Value(at("2027-01-01T00:00:00Z"));
    let mut archived = agent("old", now);
    archived.exempt = Some(Exemption::Archived);
    archived.last_good = Stated::Never;
    let mut local = share("files", now);
    local.offsite_exempt = Some(Exemption::LocalOnly);
    well.assets = vec![agent("db01", now), late, ahead, archived, local];

    let mut ill = appliance("4D5E6F", now);
    ill.name = Name::new("BDR01");
    ill.last_seen = Stated::Value(ago(now, Seconds::hours(30)));
    ill.space.used = Stated::Value(900);
    ill.space.free = Stated::Value(100);
    ill.space.unit = SpaceUnit::Unstated;
    ill.service_end = Stated::Value(ago(now, Seconds::days(2)));
    ill.listing = Extent::Failed;

    let mut hidden = appliance("HIDDEN", now);
    hidden.exempt = Some(Exemption::Hidden);
    hidden.last_seen = Stated::Never;
    hidden.space = Space::default();
    let mut of_hidden = agent("db03", now);
    of_hidden.last_good = Stated::Never;
    hidden.assets = vec![of_hidden];

    let builder = FleetBuilder::new("acme", now).repository(well).repository(ill).repository(hidden);
    let mut collection = builder.collection();
    collection.failures.push(Failure {
        place: Place::repository(Name::new("4D5E6F")),
        kind: FailureKind::TimedOut,
        reason: "the list of assets did not come within 30 s; raise `deadline` or look again".to_owned(),
    });
    fold(vec![collection, unreachable("beta", now)])
}

/// Names that try to move the cursor, to end a line, a field or a label, to reverse the text, or that are no text.
fn hostile() -> Facts {
    let now = noon();
    let mut repository = appliance("S1", now);
    repository.key = Name::new("S\n1|2\"\\");
    repository.name = Name::new("=HYPERLINK(\"http://evil\")\u{1b}[2J");
    repository.last_seen = Stated::Never;
    let names: [&[u8]; 6] = [
        b"pipe|quote\"comma,",
        "new\nline\r\nLASTGOOD OK - all well|".as_bytes(),
        "\u{202e}gpj.exe\u{200b}".as_bytes(),
        b"latin\xe4",
        b"latin\xf6",
        "漢字の名前".as_bytes(),
    ];
    for (index, name) in names.into_iter().enumerate() {
        let mut asset = agent("", now);
        asset.name = Name::new(name);
        if index != 3 {
            asset.last_good = Stated::Never;
        }
        asset.more.details = Vec::from([("note", "a\u{1b}]0;title\u{7}".into())]);
        asset.more.evidence = Vec::from([Evidence::new("name", None, "x\u{1b}[31m\n", "kept as it is")]);
        repository.assets.push(asset);
    }
    let mut collection = FleetBuilder::new("acme", now).repository(repository).collection();
    collection.listing = Extent::Partial;
    collection.failures.push(Failure {
        place: Place { position: Some("line 7\u{1b}[1A".into()), ..Place::source() },
        kind: FailureKind::Malformed,
        reason: "the answer holds \"<b>\u{1b}[5m|\nLASTGOOD OK\"; ask its owner".to_owned(),
    });
    fold(vec![collection])
}

fn only_failures() -> Facts {
    fold(vec![unreachable("acme", noon()), unreachable("beta", noon())])
}

fn check_with(facts: &Facts, expectations: &Expectations, only: Only, format: Format) -> String {
    let judgement = judge(facts, expectations, noon());
    let mut out = Vec::new();
    report::check(&judgement, only, format, &mut out).expect("a vector takes all");
    plain(out, format)
}

fn check(facts: &Facts, only: Only, format: Format) -> String {
    check_with(facts, &defaults(), only, format)
}

fn summary(facts: &Facts, format: Format) -> String {
    let mut out = Vec::new();
    report::summary(&summarize(facts, &defaults(), noon()), format, &mut out).expect("a vector takes all");
    plain(out, format)
}

fn explain(facts: &Facts, expectations: &Expectations, path: &str, format: ExplainFormat) -> String {
    let judgement = judge(facts, expectations, noon());
    let subjects: Vec<_> = judgement.subjects().filter(|(subject, _)| subject.path() == path).collect();
    assert_eq!(subjects.len(), 1, "{path}");
    let mut out = Vec::new();
    let explaining = Explaining { expectations, at: noon(), told: &|_, _| None };
    report::explain(&subjects, &explaining, format, &mut out).expect("a vector takes all");
    match format {
        ExplainFormat::Text => plain(out, Format::Table),
        ExplainFormat::Json => plain(out, Format::Json),
    }
}

/// The text as a pipe gets it.
fn plain(out: Vec<u8>, format: Format) -> String {
    let text = String::from_utf8(out).expect("every format is UTF-8");
    if format.is_styled() { anstream::adapter::strip_str(&text).to_string() } else { text }
}

/// All formats of one command, one below the other.
fn every_format(render: impl Fn(Format) -> String) -> String {
    FORMATS.map(|format| format!("--- {format:?}\n{}", render(format))).join("\n")
}

fn exit_of(facts: &Facts, now: Timestamp) -> Exit {
    report::exit(judge(facts, &defaults(), now).worst(), facts)
}

#[test]
fn check_as_a_table() {
    insta::assert_snapshot!(check(&fleet(), Only::All, Format::Table));
}

#[test]
fn check_as_json() {
    insta::assert_snapshot!(check(&fleet(), Only::All, Format::Json));
}

#[test]
fn check_as_csv() {
    insta::assert_snapshot!(check(&fleet(), Only::All, Format::Csv));
}

#[test]
fn check_as_nagios() {
    insta::assert_snapshot!(check(&fleet(), Only::All, Format::Nagios));
}

#[test]
fn check_as_prometheus() {
    insta::assert_snapshot!(check(&fleet(), Only::All, Format::Prometheus));
}

#[test]
fn check_of_only_what_is_bad() {
    insta::assert_snapshot!(every_format(|format| check(&fleet(), Only::Bad, format)));
}

#[test]
fn summary_in_every_format() {
    insta::assert_snapshot!(every_format(|format| summary(&fleet(), format)));
}

#[test]
fn hostile_names_in_check() {
    insta::assert_snapshot!(every_format(|format| check(&hostile(), Only::All, format)));
}

#[test]
fn hostile_names_in_summary() {
    insta::assert_snapshot!(every_format(|format| summary(&hostile(), format)));
}

#[test]
fn an_empty_fleet() {
    let nothing = Facts::default();
    let text = every_format(|format| check(&nothing, Only::All, format));
    insta::assert_snapshot!(format!("{text}\n{}", every_format(|format| summary(&nothing, format))));
    assert_eq!(exit_of(&nothing, noon()), Exit::SomethingUnknown);
}

#[test]
fn a_fleet_of_failures_only() {
    let text = every_format(|format| check(&only_failures(), Only::Bad, format));
    insta::assert_snapshot!(format!("{text}\n{}", every_format(|format| summary(&only_failures(), format))));
    assert_eq!(exit_of(&only_failures(), noon()), Exit::SomethingUnknown);
}

#[test]
fn explain_an_asset() {
    let expectations = set(&[("local_after", "48h"), ("unsuccessful_count", "off")]);
    insta::assert_snapshot!(explain(&fleet(), &expectations, "acme/1A2B3C/db02", ExplainFormat::Text));
}

#[test]
fn explain_a_repository() {
    insta::assert_snapshot!(explain(&fleet(), &defaults(), "acme/4D5E6F", ExplainFormat::Text));
}

#[test]
fn explain_a_source() {
    insta::assert_snapshot!(explain(&fleet(), &defaults(), "beta", ExplainFormat::Text));
}

#[test]
fn explain_as_json() {
    insta::assert_snapshot!(explain(&fleet(), &defaults(), "acme/1A2B3C/db02", ExplainFormat::Json));
}

#[test]
fn explain_a_hostile_name() {
    let path = "acme/S\n1|2\"\\/latin\u{fffd}";
    let facts = hostile();
    let judgement = judge(&facts, &defaults(), noon());
    let subjects: Vec<_> = judgement.subjects().filter(|(subject, _)| subject.path() == path).collect();
    assert_eq!(subjects.len(), 2, "two names that are not UTF-8 read alike");
    let mut out = Vec::new();
    let format = ExplainFormat::Text;
    let explaining = Explaining { expectations: &defaults(), at: noon(), told: &|_, _| None };
    report::explain(&subjects, &explaining, format, &mut out).expect("a vector takes all");
    insta::assert_snapshot!(plain(out, Format::Table));
}

/// What a terminal would obey, or what would reverse the text.
fn is_obeyed(character: char) -> bool {
    (character.is_control() && character != '\n') || matches!(character, '\u{202a}'..='\u{202e}' | '\u{200b}')
}

#[test]
fn no_third_party_byte_steers_a_terminal() {
    for format in FORMATS {
        for text in [check(&hostile(), Only::All, format), summary(&hostile(), format)] {
            assert!(!text.contains(is_obeyed), "{format:?}: {text:?}");
        }
    }
}

#[test]
fn nagios_has_one_state_and_one_pipe() {
    for facts in [fleet(), hostile(), only_failures(), Facts::default()] {
        for text in [check(&facts, Only::All, Format::Nagios), summary(&facts, Format::Nagios)] {
            assert_eq!(text.matches('|').count(), 1, "{text}");
            assert!(text.lines().skip(1).all(|line| !line.starts_with("LASTGOOD")), "{text}");
            assert!(!text.starts_with("LASTGOOD OK"), "{text}");
        }
    }
}

#[test]
fn nagios_lists_fifty_lines_and_counts_the_others() {
    let names: Vec<String> = (0..70).map(|index| format!("a{index}")).collect();
    let mut facts = FleetBuilder::new("acme", noon()).partial().agents("S1", &[]).facts();
    for name in &names {
        let mut late = agent(name, noon());
        late.last_good = Stated::Never;
        late.more.created_at = Stated::Value(noon());
        facts.sources[0].repositories[0].stated.assets.push(late);
    }
    let text = check(&facts, Only::All, Format::Nagios);
    assert_eq!(text.lines().count(), 1 + 50 + 1);
    assert!(text.contains("\nLOOK PARTIAL acme (malformed)"), "{text}");
    // 70 bad agents, one failure and the unknown source, 50 of them shown.
    assert!(text.ends_with("and 22 more: see the same command with --format table\n"), "{text}");
}

#[test]
fn a_failed_look_stands_in_every_format_even_where_only_bad_is_shown() {
    let mut facts = FleetBuilder::new("acme", noon()).agents("S1", &["db01"]).facts();
    facts.sources.extend(only_failures().sources.into_iter().skip(1));
    let blind = set(&[("blind_after", "off")]);
    for format in FORMATS {
        let text = check_with(&facts, &blind, Only::Bad, format);
        let word = if format == Format::Prometheus { "state=\"failed\"} 1" } else { "nobody answered" };
        assert!(text.contains(word), "{format:?}: {text}");
        assert!(summary(&facts, format).contains(word), "{format:?}: {}", summary(&facts, format));
    }
    let nagios = check_with(&facts, &blind, Only::Bad, Format::Nagios);
    assert!(nagios.starts_with("LASTGOOD UNKNOWN - "), "{nagios}");
    assert_eq!(report::exit(Outcome::Ok, &facts), Exit::SomethingUnknown);
    assert_eq!(report::exit(Outcome::Bad, &facts), Exit::SomethingBad);
}

#[test]
fn a_healthy_fleet_is_ok_in_one_line() {
    let facts = FleetBuilder::new("acme", noon()).agents("S1", &["db01"]).facts();
    let table = check(&facts, Only::Bad, Format::Table);
    assert_eq!(
        table,
        "0 bad, 0 unknown, 3 ok; 1 source looked at; at 2026-03-02 12:00:00Z (only bad ones are shown)\n"
    );
    assert!(check(&facts, Only::All, Format::Nagios).starts_with("LASTGOOD OK - 0 bad, 0 unknown, 3 ok; "));
    assert_eq!(exit_of(&facts, noon()), Exit::AllOk);
}

#[test]
fn a_terminal_gets_colours() {
    let facts = fleet();
    let mut out = Vec::new();
    let judgement = judge(&facts, &defaults(), noon());
    report::check(&judgement, Only::Bad, Format::Table, &mut out).expect("a vector takes all");
    assert!(String::from_utf8_lossy(&out).contains("\u{1b}[1m\u{1b}[31mBAD\u{1b}[0m"));
}

#[test]
fn the_summary_shows_the_twenty_fullest_repositories_and_how_many_more_there_are() {
    let mut builder = FleetBuilder::new("acme", noon());
    for index in 0..25_u64 {
        let mut repository = appliance(&format!("S{index:02}"), noon());
        repository.space.used = Stated::Value(index);
        repository.space.free = Stated::Value(100 - index);
        builder = builder.repository(repository);
    }
    let text = summary(&builder.facts(), Format::Table);
    assert!(text.contains("acme/S24") && text.contains("acme/S05") && !text.contains("acme/S04"), "{text}");
    assert!(text.contains("the fullest 20; 5 more, all of them with --format json\n"), "{text}");
}

#[test]
fn the_filter_changes_no_count() {
    let last = |only| {
        let text = check(&fleet(), only, Format::Table);
        let line = text.lines().last().expect("a table ends with what it all comes to").to_owned();
        line.split(';').next().expect("a split text has a first part").to_owned()
    };
    assert_eq!(last(Only::All), last(Only::Bad));
    let first = |only| check(&fleet(), only, Format::Nagios).lines().next().map(str::to_owned);
    assert_eq!(first(Only::All), first(Only::Bad));
}

#[test]
fn promtool_finds_nothing_to_say() {
    for facts in [fleet(), hostile(), only_failures(), Facts::default()] {
        for text in [check(&facts, Only::All, Format::Prometheus), summary(&facts, Format::Prometheus)] {
            let said = promtool(&text);
            assert_eq!(said, (true, String::new()), "{text}");
        }
    }
    assert!(!promtool("a_total 1\na_total 1\n").0, "the test asks nothing");
}

/// Whether promtool accepts the text, and what it says about it.
fn promtool(text: &str) -> (bool, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let page = folder.path().join("page.prom");
    std::fs::write(&page, text).expect("a writable folder");
    let output = std::process::Command::new(program("promtool"))
        .args(["check", "metrics"])
        .stdin(std::fs::File::open(&page).expect("it was just written"))
        .output()
        .expect("the program was found");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

mod documents;
mod schema;
