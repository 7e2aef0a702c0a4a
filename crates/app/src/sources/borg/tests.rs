//! Is what borg 1.2.4 really wrote understood, whole, broken and complaining?

use std::path::Path;
use std::time::Duration;

use lastgood_core::observation::{FailureKind, Stated};
use rstest::rstest;

use super::complaint::Complaint;
use super::*;
use crate::program::End;

const AT: &str = "2026-11-21T13:00:00Z";
const ASKING: answer::Asking<'static> = answer::Asking { deadline: Duration::from_mins(1), base: None };

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("testdata/", $name))
    };
}

/// How much was read: the count of assets and whether the list is complete, or why nothing was.
fn look(stdout: &str, stderr: &str, end: End) -> Result<(usize, bool), FailureKind> {
    let spoken = Spoken { stdout: stdout.as_bytes().to_vec(), stderr: stderr.to_owned(), end };
    let answer = answer::archives(&spoken, AT.parse().unwrap(), ASKING);
    let (archives, remarks) = answer.map_err(|problem| problem.kind)?;
    let listed = archives.listed(Keep::Judged, remarks);
    Ok((listed.assets.len(), listed.not_read.is_none()))
}

fn assets(document: &str) -> Vec<(String, Stated<Timestamp>)> {
    let archives = parse::archives(document.as_bytes(), AT.parse().unwrap()).unwrap();
    let listed = archives.listed(Keep::Everything, answer::Remarks::default());
    listed.assets.iter().map(|asset| (asset.key().text().into_owned(), asset.last_good)).collect()
}

#[test]
fn a_recorded_list_gives_one_asset_per_series() {
    insta::assert_debug_snapshot!(assets(recorded!("list.json")));
}

#[test]
fn starts_are_read_with_and_without_an_offset_and_checkpoints_are_none() {
    let assets = assets(
        r#"{"archives":[
            {"name":"a-2026-11-21","start":"2026-11-21T02:00:00.000000"},
            {"archive":"b-2026-11-21","time":"2026-11-21T02:00:00.000000+01:00"},
            {"name":"a-2026-11-20","archive":"x","start":"2026-11-20T02:00:00.000000","time":"2031-01-01T00:00:00"},
            {"name":"a-2026-11-22.checkpoint","start":"2026-11-21T12:00:00.000000"},
            {"name":"a-2026-11-22.checkpoint.17","start":"2026-11-21T12:00:00.000000"},
            {"name":"c.checkpoints","start":"soon"},
            {"name":"d\udcff","start":"2031-01-01T00:00:00"}],"new":1}"#,
    );
    let good = |text: &str| Stated::Value(text.parse().unwrap());
    let expected = [
        ("a", good("2026-11-21T02:00:00Z")),
        ("b", good("2026-11-21T01:00:00Z")),
        ("c.checkpoints", Stated::Unreadable),
        ("d\u{fffd}", good("2031-01-01T00:00:00Z")),
    ];
    assert_eq!(assets, expected.map(|(key, last_good)| (key.to_owned(), last_good)));
}

#[test]
fn a_number_of_a_machine_never_hides_one_that_is_dead_since_years() {
    for (dead, living, expected) in [
        ("srv-2020-01-01-10-21", "srv-2026-11-21-10-22", ["srv-10-21", "srv-10-22"]),
        ("vm.2020-01-01.10.21", "vm.2026-11-21.10.22", ["vm.10.21", "vm.10.22"]),
        ("num-20200101-1021", "num-20261121-1022", ["num-1021", "num-1022"]),
        ("num-202001011021", "num-202611211022", ["num-1021", "num-1022"]),
    ] {
        let document = format!(
            r#"{{"archives":[{{"name":"{dead}","start":"2020-01-01T00:00:00"}},
                {{"name":"{living}","start":"2026-11-21T12:00:00"}}]}}"#
        );
        let keys: Vec<_> = assets(&document).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, expected);
    }
}

#[test]
fn a_clock_is_one_only_if_it_agrees_with_every_archive_that_has_it() {
    let keys = |starts: &[&str]| {
        let archives: Vec<_> = starts
            .iter()
            .map(|start| serde_json::json!({"name": format!("vm-{}-02-00", &start[..10]), "start": start}))
            .collect();
        let list = assets(&serde_json::json!({ "archives": archives }).to_string());
        list.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(
        keys(&["2026-11-20T02:00:10", "2026-11-21T01:00:10"]),
        ["vm"],
        "a clock, also over the change of time"
    );
    assert_eq!(
        keys(&["2026-11-20T02:00:10", "2026-11-21T01:17:10"]),
        ["vm-02-00"],
        "the number of a machine"
    );
}

#[rstest]
#[case::empty("")]
#[case::cut(r#"{"archives":[{"name":"a-2026"#)]
#[case::two_documents(r#"{"archives":[]} {"archives":[]}"#)]
#[case::text("borg 1.2.4\n")]
#[case::info(recorded!("info.json"))]
#[case::no_name(r#"{"archives":[{"start":"2026-11-21T02:00:00"}]}"#)]
#[case::no_start(r#"{"archives":[{"name":"a"}]}"#)]
#[case::null(r#"{"archives":null}"#)]
fn what_is_not_one_whole_list_is_no_answer(#[case] stdout: &str) {
    assert_eq!(look(stdout, "", End::Code(0)), Err(FailureKind::Malformed));
}

#[test]
fn an_empty_list_is_read_completely() {
    assert_eq!(look(recorded!("list-empty.json"), "", End::Code(0)), Ok((0, true)));
}

#[test]
fn the_size_is_read() {
    assert_eq!(parse::size(recorded!("info.json").as_bytes()).unwrap(), 7688);
    for wrong in ["", "{}", "[]", recorded!("list.json"), r#"{"cache":{"stats":{"unique_csize":-1}}}"#] {
        assert!(parse::size(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn a_warning_is_evidence_and_a_doubtful_end_is_a_part_at_most() {
    let empty = recorded!("list-empty.json");
    let rebuilt = recorded!("index-rebuilt.err");
    let error = r#"{"type":"log_message","message":"x","levelname":"ERROR","msgid":"New"}"#;
    for (end, stderr, expected) in [
        (End::Code(0), rebuilt, Ok((0, true))),
        (End::Code(0), error, Ok((0, false))),
        (End::Code(1), rebuilt, Ok((0, false))),
        (End::Code(1), "", Ok((0, false))),
        (End::Code(105), rebuilt, Ok((0, false))),
        (End::Code(1), error, Err(FailureKind::Refused)),
        (End::Code(2), rebuilt, Err(FailureKind::Refused)),
        (End::Code(13), "", Err(FailureKind::Refused)),
        (End::Signal(15), "", Err(FailureKind::Refused)),
        (End::TooMuch, "", Err(FailureKind::Malformed)),
        (End::Deadline, "", Err(FailureKind::TimedOut)),
        (
            End::Deadline,
            "{\"message\":\"Remote: slow\",\"levelname\":\"WARNING\"}",
            Err(FailureKind::TimedOut),
        ),
        (End::Deadline, recorded!("ssh-refused.err"), Err(FailureKind::Unreachable)),
    ] {
        assert_eq!(look(empty, stderr, end), expected, "{end:?} {stderr}");
    }
    let spoken = Spoken { stdout: empty.into(), stderr: rebuilt.into(), end: End::Code(0) };
    let (_, remarks) = answer::archives(&spoken, AT.parse().unwrap(), ASKING).unwrap();
    assert!(remarks.evidence[0].raw.starts_with("Repository index missing or corrupted"));
}

#[rstest]
#[case(recorded!("wrong-passphrase.err"), FailureKind::Denied, "wrong passphrase")]
#[case(recorded!("no-passphrase.err"), FailureKind::Denied, "no passphrase is set")]
#[case(recorded!("keyfile-missing.err"), FailureKind::Denied, "BORG_KEYS_DIR")]
#[case(recorded!("missing.err"), FailureKind::Unreachable, "no repository at this location")]
#[case(recorded!("not-a-repository.err"), FailureKind::Unreachable, "no repository at this location")]
#[case(recorded!("remote-missing.err"), FailureKind::Unreachable, "no repository at this location")]
#[case(recorded!("remote-no-borg.err"), FailureKind::Unreachable, "has no borg")]
#[case(recorded!("ssh-refused.err"), FailureKind::Unreachable, "Connection refused")]
#[case(recorded!("remote-denied.err"), FailureKind::Denied, "Permission denied (publickey,password)")]
#[case(recorded!("remote-path-not-allowed.err"), FailureKind::Denied, "restrict-to-path")]
#[case(recorded!("ssh-missing-program.err"), FailureKind::Unsupported, "openssh-client")]
#[case(recorded!("permission.err"), FailureKind::Denied, "may not read")]
#[case(recorded!("readonly-lock.err"), FailureKind::Denied, "lock")]
#[case(recorded!("lock-otherhost.err"), FailureKind::Refused, "break-lock")]
#[case(recorded!("moved-no.err"), FailureKind::Refused, "remove FOLDER")]
#[case(recorded!("unencrypted.err"), FailureKind::Refused, "BORG_BASE_DIR=FOLDER")]
#[case(recorded!("replay.err"), FailureKind::Refused, "remove FOLDER")]
#[case(recorded!("damage-all-segments-missing.err"), FailureKind::Malformed, "borg check")]
#[case(recorded!("damage-config-empty.err"), FailureKind::Malformed, "borg check")]
#[case(recorded!("damage-config-garbled.err"), FailureKind::Malformed, "borg check")]
#[case(recorded!("damage-config-version-9.err"), FailureKind::Unsupported, "format")]
#[case(recorded!("damage-key-in-config-garbled.err"), FailureKind::Malformed, "damaged")]
#[case(recorded!("damage-key-in-config-missing.err"), FailureKind::Malformed, "borg key import")]
#[case(recorded!("damage-segment-holding-the-manifest-truncated.err"), FailureKind::Malformed, "borg check")]
#[case(recorded!("damaged-index-readonly.err"), FailureKind::Malformed, "borg check")]
#[case(
    "usage: borg [-V] [-h]\nborg: error: unrecognized arguments: --nosuch\n",
    FailureKind::Unsupported,
    "--nosuch"
)]
#[case("Traceback (most recent call last):\nsomething new\n", FailureKind::Refused, "Traceback")]
#[case("", FailureKind::Refused, "did not say why")]
fn what_borg_complains_of_is_understood(#[case] stderr: &str, #[case] kind: FailureKind, #[case] says: &str) {
    let base = Base { folder: Path::new("FOLDER").into() };
    let problem = Complaint::of(stderr).problem(Some(&base));
    assert_eq!(problem.kind, kind, "{problem:?}");
    assert!(problem.reason.plain().contains(says), "{problem:?}");
    assert!(!problem.reason.plain().contains('\n'));
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(stdout in proptest::collection::vec(proptest::num::u8::ANY, 0..200), stderr in ".{0,200}") {
        let spoken = Spoken { stdout, stderr, end: End::Code(0) };
        let _ = answer::archives(&spoken, AT.parse().unwrap(), ASKING);
    }

    #[test]
    fn no_document_makes_it_panic(name in ".{0,40}", start in ".{0,40}") {
        proptest::prop_assume!(!name.ends_with(".checkpoint"));
        let document = serde_json::json!({"archives": [{"name": name, "start": start}]}).to_string();
        proptest::prop_assert_eq!(assets(&document).len(), 1);
    }
}
