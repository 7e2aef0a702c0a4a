//! Is what restic 0.14 really wrote understood, whole, broken and complaining?

use std::time::Duration;

use lastgood_core::observation::{FailureKind, Stated};
use rstest::rstest;

use super::complaint::Complaint;
use super::*;
use crate::program::End;

const AT: &str = "2026-11-21T13:00:00Z";
const DEADLINE: Duration = Duration::from_mins(1);

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("testdata/", $name))
    };
}

fn spoken(stdout: &str, stderr: &str, end: End) -> Spoken {
    Spoken { stdout: stdout.as_bytes().to_vec(), stderr: stderr.to_owned(), end }
}

/// How much was read: the count of assets and whether the list is complete, or why nothing was.
fn look(stdout: &str, stderr: &str, end: End) -> Result<(usize, bool), FailureKind> {
    let answer = answer::snapshots(&spoken(stdout, stderr, end), AT.parse().unwrap(), DEADLINE);
    let (snapshots, not_read) = answer.map_err(|problem| problem.kind)?;
    Ok((snapshots.listed(Keep::Judged, None).assets.len(), not_read.is_none()))
}

fn assets(document: &str) -> Vec<(String, Stated<Timestamp>)> {
    let snapshots = parse::snapshots(document.as_bytes(), AT.parse().unwrap()).unwrap();
    let listed = snapshots.listed(Keep::Everything, None);
    listed.assets.iter().map(|asset| (asset.key().text().into_owned(), asset.last_good)).collect()
}

#[test]
fn a_recorded_list_gives_one_asset_per_host_and_set_of_paths() {
    let assets = assets(recorded!("snapshots.json"));
    let good = |text: &str| Stated::Value(text.parse().unwrap());
    let expected = [
        ("db1:/dump.sql", good("2026-11-21T12:34:03.861492564Z")),
        ("db1:/tmp/recon/src/a", good("2026-07-19T21:30:00Z")),
        ("db1:/tmp/recon/src/b ü", good("2026-11-20T08:00:00Z")),
        ("future:/tmp/recon/src/a", good("2031-01-01T00:00:00Z")),
        ("h\u{fffd}\u{fffd}\"ü:/tmp/recon/src/a", Stated::Unreadable),
        ("nl:/tmp/recon/src/new\nline", good("2026-11-21T12:34:04.533395097Z")),
        ("nu:/tmp/recon/src/bad\u{fffd}\u{fffd}", Stated::Unreadable),
        ("past:/tmp/recon/src/a", good("0001-01-01T00:00:00Z")),
        ("vm:/tmp/recon/src/a", good("2026-11-21T12:34:06.537632632Z")),
        ("web1:/tmp/recon/src/a", good("2026-11-21T01:00:00Z")),
        ("zwei:/tmp/recon/src/a,/tmp/recon/src/b ü", good("2026-11-21T12:34:03.190271166Z")),
    ];
    assert_eq!(assets, expected.map(|(key, last_good)| (key.to_owned(), last_good)));
}

#[test]
fn a_path_that_is_not_utf_8_is_never_ok_for_another_one_may_hide_behind_it() {
    let document = r#"[{"time":"2020-01-01T00:00:00Z","hostname":"h","paths":["/q\ufffd"]},
        {"time":"2026-11-21T12:00:00Z","hostname":"h","paths":["/q\ufffd"]},
        {"time":"2026-11-21T12:00:00Z","hostname":"h","paths":["/q"]}]"#;
    let snapshots = parse::snapshots(document.as_bytes(), AT.parse().unwrap()).unwrap();
    let listed = snapshots.listed(Keep::Judged, None);
    let unsure: Vec<_> = listed.unsure.iter().map(|(key, _)| key.text()).collect();
    assert_eq!(unsure, ["h:/q\u{fffd}"]);
    assert_eq!(listed.assets[0].last_good, Stated::Value("2026-11-21T12:00:00Z".parse().unwrap()));
    assert_eq!(listed.assets[1].last_good, Stated::Unreadable);
    assert!(listed.unsure[0].1.reason.plain().contains("UTF-8"));
}

#[test]
fn no_two_hosts_and_sets_of_paths_read_alike() {
    let assets = assets(
        r#"[{"time":"2026-11-21T02:00:00Z","hostname":"h","paths":["/b","/a"]},
            {"time":"2026-11-21T03:00:00Z","hostname":"h","paths":["/a","/b","/a"]},
            {"time":"2026-11-21T02:00:00Z","hostname":"h","paths":["/a,/b"]},
            {"time":"2026-11-21T02:00:00Z","hostname":"h:/a","paths":["/b"]},
            {"time":"2026-11-21T02:00:00Z","hostname":"h","paths":["/a:/b"]},
            {"time":"2026-11-21T02:00:00Z","paths":null,"hostname":null},
            {"time":"2026-11-21T02:00:00Z","new field":{"x":[1]}},
            {"time":"2026-11-21T02:00:00Z","hostname":"h","paths":["x",",y"]},
            {"time":"2026-11-21T02:00:00Z","hostname":"h","paths":["x,",",,y"]}]"#,
    );
    let keys: Vec<&str> = assets.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(
        keys,
        [":", "h:,,,,y,x,,", "h:,,y,x", "h:/a,/b", "h:/a,,/b", "h:/a:/b", "h::/a:/b"],
        "the empty host, three spellings of commas, and a colon on either side"
    );
}

#[rstest]
#[case::empty("")]
#[case::cut(r#"[{"time":"2026-11-21T02:00:00Z","hostn"#)]
#[case::two_documents("[]\n[]")]
#[case::text("restic 0.14.0 compiled with go1.19.8 on linux/amd64\n")]
#[case::an_object(r#"{"message_type":"exit_error"}"#)]
#[case::grouped(r#"[{"group_key":{"hostname":"h"},"snapshots":[]}]"#)]
#[case::no_time(r#"[{"hostname":"h","paths":["/a"]}]"#)]
#[case::numbers(r#"[{"time":1,"hostname":"h","paths":["/a"]}]"#)]
#[case::html("<html><body>login</body></html>")]
fn what_is_not_one_whole_list_is_no_answer(#[case] stdout: &str) {
    assert_eq!(look(stdout, "", End::Code(0)), Err(FailureKind::Malformed));
}

#[test]
fn an_unreadable_time_is_never_a_backup_and_is_shown() {
    let document = r#"[{"time":"soon","hostname":"h","paths":["/a"]}]"#;
    let snapshots = parse::snapshots(document.as_bytes(), AT.parse().unwrap()).unwrap();
    let listed = snapshots.listed(Keep::Judged, None);
    assert_eq!(listed.assets[0].last_good, Stated::Unreadable);
    assert_eq!(&*listed.assets[0].more.evidence[0].raw, "soon");
}

#[test]
fn an_empty_list_is_read_completely() {
    assert_eq!(look(recorded!("snapshots-empty.json"), "", End::Code(0)), Ok((0, true)));
    assert_eq!(look("null", "", End::Code(0)), Ok((0, true)));
}

#[test]
fn the_size_is_read() {
    assert_eq!(parse::size(recorded!("stats.json").as_bytes()).unwrap(), 9779);
    assert_eq!(parse::size(recorded!("stats-empty.json").as_bytes()).unwrap(), 0);
    for wrong in ["", "{}", "[]", "scanning...", r#"{"total_size":-1}"#] {
        assert!(parse::size(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn a_list_beside_which_restic_complained_is_a_part_at_most() {
    let one = r#"[{"time":"2026-11-21T02:00:00Z","hostname":"h","paths":["/a"]}]"#;
    let damaged = recorded!("damage-garbled-snapshot-file.err");
    let unreadable = recorded!("retries-one-unreadable.err");
    let folder = recorded!("retries-unreadable-dir.err");
    let no_cache = "unable to open cache: mkdir /nonexistent: permission denied\n";
    let retried = "List(snapshot) returned error, retrying after 552.330144ms: open x: permission denied\n";
    for (stdout, stderr, expected) in [
        (one, "", Ok((1, true))),
        (one, "\n", Ok((1, true))),
        (one, no_cache, Ok((1, true))),
        (one, retried, Ok((1, true))),
        ("[]", retried, Ok((0, true))),
        (one, damaged, Ok((1, false))),
        (one, unreadable, Ok((1, false))),
        (one, "Ignoring \"abc\": something new\n", Ok((1, false))),
        (one, folder, Err(FailureKind::Denied)),
        ("[]", folder, Err(FailureKind::Denied)),
        ("[]", damaged, Err(FailureKind::Malformed)),
        ("[]", "Ignoring \"abc\": something new\n", Err(FailureKind::Refused)),
    ] {
        assert_eq!(look(stdout, stderr, End::Code(0)), expected, "{stdout} {stderr}");
    }
}

#[rstest]
#[case(recorded!("wrong-password.err"), FailureKind::Denied, "wrong password")]
#[case(recorded!("no-password.err"), FailureKind::Denied, "password is empty")]
#[case(recorded!("missing-path.err"), FailureKind::Unreachable, "no repository at this location")]
#[case(recorded!("no-config.err"), FailureKind::Unreachable, "no repository at this location")]
#[case(recorded!("permission.err"), FailureKind::Denied, "may not read")]
#[case(recorded!("locked.err"), FailureKind::Refused, "locked")]
#[case(recorded!("damage-config-empty.err"), FailureKind::Malformed, "damaged")]
#[case(recorded!("damage-config-garbled.err"), FailureKind::Malformed, "damaged")]
#[case(recorded!("damage-config-truncated.err"), FailureKind::Malformed, "damaged")]
#[case(recorded!("damage-key-garbled.err"), FailureKind::Malformed, "damaged")]
#[case(recorded!("retries-html.err"), FailureKind::Malformed, "login page")]
#[case(recorded!("retries-stats.err"), FailureKind::Malformed, "damaged")]
#[case("Resolving password failed: Fatal: /pw does not exist", FailureKind::Denied, "RESTIC_PASSWORD_FILE")]
#[case("Resolving password failed: exit status 1", FailureKind::Denied, "RESTIC_PASSWORD_COMMAND")]
#[case("unknown flag: --nosuch", FailureKind::Unsupported, "version")]
#[case(
    "Fatal: unable to open config file: client.Head: Head \"http://127.0.0.1:1/config\": dial tcp 127.0.0.1:1: connect: connection refused\nIs there a repository at the following location?\nrest:http://127.0.0.1:1/",
    FailureKind::Unreachable,
    "does not answer"
)]
#[case(
    "Fatal: unable to open config file: client.Head: Head \"http://nosuch.invalid/config\": dial tcp: lookup nosuch.invalid on 10.0.0.1:53: no such host",
    FailureKind::Unreachable,
    "does not answer"
)]
#[case(
    "Fatal: unable to open config file: unexpected HTTP response (401): 401 Unauthorized\nIs there a repository at the following location?\nrest:http://h/",
    FailureKind::Denied,
    "did not let us in"
)]
#[case(
    "Fatal: unable to open config file: unexpected HTTP response (403): 403 Forbidden",
    FailureKind::Denied,
    "did not let us in"
)]
#[case(
    "Fatal: unable to open config file: <config/> does not exist",
    FailureKind::Unreachable,
    "no repository"
)]
#[case(
    "Fatal: unable to open config file: unexpected HTTP response (429): 429 Too Many Requests",
    FailureKind::RateLimited,
    "less often"
)]
#[case(
    "Fatal: unable to open config file: unexpected HTTP response (503): 503 Service Unavailable",
    FailureKind::Unreachable,
    "error of its own"
)]
#[case("Fatal: unable to open config file: Stat: Access Denied.", FailureKind::Denied, "did not let us in")]
#[case(
    "subprocess ssh: ssh: connect to host 127.0.0.1 port 22: Connection refused\nFatal: unable to open repository at sftp:u@127.0.0.1:/x: unable to start the sftp session, error: EOF",
    FailureKind::Unreachable,
    "does not answer"
)]
#[case(
    "subprocess ssh: u@h: Permission denied (publickey,password).\nFatal: unable to start the sftp session, error: EOF",
    FailureKind::Denied,
    "ssh was not let in"
)]
#[case(
    "Fatal: unable to open repository at rclone:x:y: exec: \"rclone\": executable file not found in $PATH",
    FailureKind::Unsupported,
    "install"
)]
#[case("Fatal: parsing repository location failed: invalid backend", FailureKind::Unsupported, "local:")]
#[case(
    "Fatal: config cannot be loaded: unsupported repository version",
    FailureKind::Unsupported,
    "newer restic"
)]
#[case("Fatal: something new", FailureKind::Refused, "something new")]
#[case("", FailureKind::Refused, "code 1")]
#[case(
    r#"{"message_type":"exit_error","code":1,"message":"Fatal: wrong password or no key found"}"#,
    FailureKind::Denied,
    "wrong password"
)]
fn what_restic_complains_of_is_understood(
    #[case] stderr: &str,
    #[case] kind: FailureKind,
    #[case] says: &str,
) {
    let problem = Complaint::of(stderr, 1).problem();
    assert_eq!(problem.kind, kind, "{problem:?}");
    assert!(problem.reason.plain().contains(says), "{problem:?}");
    assert!(!problem.reason.plain().contains('\n'));
}

#[test]
fn the_codes_of_later_versions_decide_over_their_texts() {
    for (code, kind) in
        [(10, FailureKind::Unreachable), (11, FailureKind::Refused), (12, FailureKind::Denied)]
    {
        assert_eq!(Complaint::of("Fatal: quite another text", code).problem().kind, kind);
        assert_eq!(Complaint::of("", code).problem().kind, kind);
    }
}

#[test]
fn an_answer_that_did_not_end_well_is_none() {
    let one = r#"[{"time":"2026-11-21T02:00:00Z","hostname":"h","paths":["/a"]}]"#;
    for (end, stderr, kind) in [
        (End::Code(1), "", FailureKind::Refused),
        (End::Code(3), "", FailureKind::Refused),
        (End::Signal(9), "", FailureKind::Refused),
        (End::TooMuch, "", FailureKind::Malformed),
        (End::Deadline, "", FailureKind::TimedOut),
        (End::Deadline, "something else\n", FailureKind::TimedOut),
        (End::Deadline, recorded!("retries-unreadable-files.err"), FailureKind::Denied),
        (End::Deadline, recorded!("retries-html.err"), FailureKind::Malformed),
    ] {
        assert_eq!(look(one, stderr, end), Err(kind), "{end:?} {stderr}");
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(stdout in proptest::collection::vec(proptest::num::u8::ANY, 0..200), stderr in ".{0,200}") {
        let spoken = Spoken { stdout, stderr, end: End::Code(0) };
        let _ = answer::snapshots(&spoken, AT.parse().unwrap(), DEADLINE);
    }

    #[test]
    fn no_document_makes_it_panic(time in ".{0,40}", host in ".{0,20}", path in ".{0,20}") {
        let document = serde_json::json!([{"time": time, "hostname": host, "paths": [path]}]).to_string();
        proptest::prop_assert_eq!(assets(&document).len(), 1);
    }
}
