//! Which threshold is in force, who set it, and how its value is written.

use rstest::rstest;

use super::*;
use crate::checks::behind_local::{ID as BEHIND_LOCAL, LOCAL_AFTER};
use crate::checks::thresholds_of;
use crate::checks::unverified::{ID as UNVERIFIED, VERIFIED_AFTER};
use crate::facts::{Facts, fold};
use crate::testing::{AGENT, FleetBuilder, SHARE, defaults, noon, share};

const SHARE_OF: Threshold =
    Threshold { name: "share", unit: Unit::Percent, default: Some(8500), meaning: "" };
const LENGTH: Threshold = Threshold { name: "length", unit: Unit::Time, default: None, meaning: "" };
const COUNT: Threshold = Threshold { name: "count", unit: Unit::Count, default: Some(1), meaning: "" };

#[rstest]
#[case("85", Some(8500))]
#[case("85 %", Some(8500))]
#[case(" 85% ", Some(8500))]
#[case("92.5%", Some(9250))]
#[case("92.05", Some(9205))]
#[case("0", Some(0))]
#[case("0.01", Some(1))]
#[case("100", Some(10_000))]
#[case("100.00", Some(10_000))]
#[case("085", Some(8500))]
#[case("off", None)]
#[case(" OFF ", None)]
fn a_percentage_is_read_without_rounding(#[case] text: &str, #[case] value: Option<u32>) {
    assert_eq!(SHARE_OF.parse(text), Ok(value));
}

#[rstest]
#[case("")]
#[case("%")]
#[case("100.01")]
#[case("101")]
#[case("1000")]
#[case("99999999999999999999")]
#[case("-1")]
#[case("+1")]
#[case("8.555")]
#[case("8.")]
#[case(".5")]
#[case("85,5")]
#[case("1e1")]
#[case("85 % %")]
#[case("none")]
fn no_percentage_is_refused(#[case] text: &str) {
    let expected = InvalidValue::Percent { name: "share", text: text.to_owned() };
    assert_eq!(SHARE_OF.parse(text), Err(expected));
}

#[rstest]
#[case("1", Some(1))]
#[case(" 4294967295 ", Some(u32::MAX))]
#[case("off", None)]
fn a_count_is_read(#[case] text: &str, #[case] value: Option<u32>) {
    assert_eq!(COUNT.parse(text), Ok(value));
}

#[rstest]
#[case("0")]
#[case("-1")]
#[case("1.5")]
#[case("4294967296")]
#[case("one")]
fn no_count_is_refused(#[case] text: &str) {
    assert_eq!(COUNT.parse(text), Err(InvalidValue::Count { name: "count", text: text.to_owned() }));
}

#[rstest]
#[case("24h", Ok(Some(86_400)))]
#[case("0s", Ok(Some(0)))]
#[case("Off", Ok(None))]
#[case("24", Err(InvalidValue::Time { name: "length", text: "24".to_owned() }))]
fn a_length_of_time_is_read(#[case] text: &str, #[case] value: Result<Option<u32>, InvalidValue>) {
    assert_eq!(LENGTH.parse(text), value);
}

#[test]
fn a_wrong_value_is_quoted_in_part_with_what_is_right() {
    let error = SHARE_OF.parse(&"9".repeat(500)).unwrap_err().to_string();
    assert!(error.len() < 200, "{error}");
    assert!(error.starts_with("share takes a percentage from 0 to 100 such as 85"), "{error}");
    assert!(LENGTH.parse("x").unwrap_err().to_string().contains("such as 90s, 30min, 24h or 7d, or off"));
    assert!(COUNT.parse("x").unwrap_err().to_string().contains("a whole number from 1 on, or off"));
}

#[rstest]
#[case(&SHARE_OF, Some(8500), "85 %")]
#[case(&SHARE_OF, Some(9250), "92.5 %")]
#[case(&SHARE_OF, Some(9205), "92.05 %")]
#[case(&SHARE_OF, Some(0), "0 %")]
#[case(&LENGTH, Some(86_400), "24 h")]
#[case(&COUNT, Some(3), "3")]
#[case(&COUNT, None, "off")]
fn a_value_is_shown_as_it_is_written(
    #[case] threshold: &Threshold,
    #[case] value: Option<u32>,
    #[case] shown: &str,
) {
    assert_eq!(threshold.show(value), shown);
    assert_eq!(threshold.parse(shown.trim_end_matches('\u{0}')), Ok(value));
}

#[rstest]
#[case(Origin::Default, "default")]
#[case(Origin::Kind("agent"), "default of agent")]
#[case(Origin::Config("a.toml:3".into()), "[thresholds], a.toml:3")]
#[case(Origin::Source("a.toml:3".into()), "thresholds of the source, a.toml:3")]
#[case(Origin::Override("a.toml:3".into()), "[[override]], a.toml:3")]
#[case(Origin::CommandLine, "--set")]
fn an_origin_says_where_a_value_was_set(#[case] origin: Origin, #[case] shown: &str) {
    assert_eq!(origin.to_string(), shown);
}

/// Two sources, `acme` and `zeta`; each has an appliance `nas` with the agent `db` and the share `files`.
fn fleet() -> Facts {
    let look = |name| {
        let mut look = FleetBuilder::new(name, noon()).agents("nas", &["db"]).collection();
        look.repositories[0].assets.push(share("files", noon()));
        look
    };
    fold(vec![look("acme"), look("zeta")])
}

/// What is in force for a subject: value and origin.
fn in_force(
    expectations: &Expectations,
    facts: &Facts,
    path: &str,
    threshold: &'static Threshold,
) -> (Option<u32>, Origin) {
    let subject = facts.subjects().find(|subject| subject.path() == path).expect("a subject of the fleet");
    let check = if std::ptr::eq(threshold, &raw const LOCAL_AFTER) { BEHIND_LOCAL } else { UNVERIFIED };
    let setting =
        expectations.expectation(check, subject.kind(), (&expectations.layers_of(&subject), &[])).settings;
    (setting[0].value, setting[0].origin.clone())
}

fn layer(scope: Scope, value: Option<u32>, origin: Origin) -> Layer {
    Layer { scope, values: vec![("local_after", value, origin)] }
}

fn is_db() -> Scope {
    Scope::Pattern(Box::new(|path| path.ends_with("/db")))
}

type MakeLayer<'m> = &'m dyn Fn() -> Layer;

#[test]
fn each_layer_stands_above_the_one_before_and_says_so() {
    let facts = fleet();
    let acme = || Scope::Source(SourceId::new("acme").unwrap());
    let config = || Origin::Config("a.toml:1".into());
    let source = || Origin::Source("a.toml:2".into());
    let overriding = || Origin::Override("a.toml:3".into());
    let layers: [MakeLayer<'_>; 4] = [
        &|| layer(Scope::Everything, Some(1), config()),
        &|| layer(acme(), Some(2), source()),
        &|| layer(is_db(), Some(3), overriding()),
        &|| layer(Scope::Everything, Some(4), Origin::CommandLine),
    ];
    let default = (Some(86_400), Origin::Default);
    let expected = [
        [default.clone(), default.clone(), default.clone()],
        [(Some(1), config()), (Some(1), config()), (Some(1), config())],
        [(Some(2), source()), (Some(2), source()), (Some(1), config())],
        [(Some(3), overriding()), (Some(2), source()), (Some(3), overriding())],
        [(Some(4), Origin::CommandLine), (Some(4), Origin::CommandLine), (Some(4), Origin::CommandLine)],
    ];
    for (count, row) in expected.into_iter().enumerate() {
        let expectations =
            Expectations::new(thresholds_of, layers[..count].iter().map(|make| make()).collect());
        for (path, expected) in ["acme/nas/db", "acme/nas/files", "zeta/nas/db"].into_iter().zip(row) {
            assert_eq!(
                in_force(&expectations, &facts, path, &LOCAL_AFTER),
                expected,
                "{count} layers, {path}"
            );
        }
        assert_eq!(expectations.has_patterns(), count >= 3);
    }
}

#[test]
fn the_default_of_a_kind_stands_between_the_default_and_the_config() {
    let facts = fleet();
    let of = |expectations: &Expectations, path| in_force(expectations, &facts, path, &VERIFIED_AFTER);
    assert_eq!(of(&defaults(), "acme/nas/db"), (Some(172_800), Origin::Kind("agent")));
    assert_eq!(of(&defaults(), "acme/nas/files"), (None, Origin::Default));
    let values = vec![("verified_after", None, Origin::CommandLine)];
    let set = Expectations::new(thresholds_of, vec![Layer { scope: Scope::Everything, values }]);
    assert_eq!(of(&set, "acme/nas/db"), (None, Origin::CommandLine));
}

#[test]
fn the_last_value_of_a_layer_counts_and_off_is_a_value() {
    let facts = fleet();
    let values =
        vec![("local_after", Some(5), Origin::CommandLine), ("local_after", None, Origin::CommandLine)];
    let below = layer(Scope::Everything, Some(1), Origin::Config("a.toml:1".into()));
    let layers = vec![below, Layer { scope: Scope::Everything, values }];
    let expectations = Expectations::new(thresholds_of, layers);
    assert_eq!(in_force(&expectations, &facts, "acme/nas/db", &LOCAL_AFTER), (None, Origin::CommandLine));
    let subject = facts.subjects().nth(2).expect("the agent");
    let checks: Vec<_> =
        expectations.resolve(&subject, Some(&AGENT), AGENT.checks).iter().map(|one| one.check).collect();
    assert!(!checks.contains(&BEHIND_LOCAL) && checks.len() == AGENT.checks.len() - 1);
}

#[test]
fn what_was_resolved_once_is_found_again_and_never_for_another_subject() {
    let facts = fleet();
    let layers = vec![layer(is_db(), Some(3), Origin::CommandLine)];
    let expectations = Expectations::new(thresholds_of, layers);
    let limit = |path: &str| {
        let subject =
            facts.subjects().find(|subject| subject.path() == path).expect("a subject of the fleet");
        let kind = subject.kind().expect("an asset");
        let resolved = expectations.resolve(&subject, Some(kind), kind.checks);
        let found =
            resolved.iter().find(|one| one.check == BEHIND_LOCAL).and_then(|one| one.seconds(&LOCAL_AFTER));
        (resolved, found)
    };
    let first = limit("acme/nas/db");
    assert_eq!(first.1, Some(Seconds(3)));
    assert_eq!(limit("acme/nas/files").1, Some(Seconds::hours(24)));
    let again = limit("acme/nas/db");
    assert!(Rc::ptr_eq(&first.0, &again.0), "resolved once");
    assert!(
        Rc::ptr_eq(&first.0, &limit("zeta/nas/db").0),
        "the same layers and kind are the same expectation"
    );
    let files = limit("zeta/nas/files");
    assert_eq!(files.0.len(), SHARE.checks.len() - 1, "unverified is off for a share");
}

#[test]
fn a_source_is_resolved_apart_from_what_it_holds() {
    let facts = fleet();
    let subject = facts.subjects().next().expect("the source");
    let expectations = defaults();
    let visibility = expectations.resolve(&subject, None, crate::judge::SOURCE_CHECKS);
    assert_eq!(visibility.len(), 1);
    assert_eq!(visibility[0].check, crate::checks::visibility::ID);
}

#[test]
fn a_check_without_thresholds_is_never_off() {
    let expectation = Expectation { check: BEHIND_LOCAL, settings: Box::default() };
    assert!(!expectation.is_off());
    assert_eq!(expectation.value(&LOCAL_AFTER), None);
}

/// What a directory sets stands above the file and its sources, below overrides and the command line, and holds for the
/// assets of the repository too.
#[test]
fn what_a_directory_sets_stands_between_sources_and_overrides() {
    let mut facts = fleet();
    let in_force = |facts: &Facts, layers: Vec<Layer>, path: &str| {
        let expectations = Expectations::new(thresholds_of, layers);
        let subject = facts.subjects().find(|subject| subject.path() == path).expect("a subject");
        let setting = expectations.of_check(&subject, subject.kind(), BEHIND_LOCAL).settings[0].clone();
        let resolved = expectations.resolve(&subject, subject.kind(), &[BEHIND_LOCAL]);
        let found = resolved.first().map(|expectation| expectation.settings[0].clone());
        assert_eq!(found, setting.value.is_some().then(|| setting.clone()), "both ways say the same");
        (setting.value, setting.origin)
    };
    let source = || layer(Scope::Everything, Some(1), Origin::Source("file:1".into()));
    let before = in_force(&facts, vec![source()], "acme/nas/db");
    assert_eq!(before, (Some(1), Origin::Source("file:1".into())));
    facts.sources[0].repositories[0].stated.thresholds = vec![("local_after", Some(7))];
    assert_eq!(in_force(&facts, vec![source()], "acme/nas/db"), (Some(7), Origin::Directory));
    assert_eq!(in_force(&facts, vec![source()], "zeta/nas/db").0, Some(1), "of another repository");
    let file = layer(Scope::Everything, Some(2), Origin::Config("file:2".into()));
    assert_eq!(in_force(&facts, vec![file], "acme/nas/db").1, Origin::Directory);
    for origin in [Origin::Override("file:9".into()), Origin::CommandLine] {
        let above = layer(is_db(), Some(9), origin.clone());
        assert_eq!(in_force(&facts, vec![source(), above], "acme/nas/db"), (Some(9), origin));
    }
    facts.sources[0].repositories[0].stated.thresholds = vec![("local_after", None)];
    assert_eq!(in_force(&facts, vec![source()], "acme/nas/db"), (None, Origin::Directory));
}
