//! What does the program say about itself, and to a command line that is wrong?

use rstest::rstest;

use super::{SAMPLE, compare, judge};
use crate::support::binary::run;

#[rstest]
#[case::of_all(&[])]
#[case::check(&["check"])]
#[case::summary(&["summary"])]
#[case::explain(&["explain"])]
#[case::bot(&["bot"])]
#[case::publish(&["publish"])]
#[case::publish_to_grafolean(&["publish", "grafolean"])]
#[case::raw(&["raw"])]
#[case::config(&["config"])]
#[case::config_check(&["config", "check"])]
#[case::config_example(&["config", "example"])]
#[case::config_schema(&["config", "schema"])]
#[case::notify(&["notify"])]
#[case::db(&["db"])]
#[case::db_check(&["db", "check"])]
#[case::db_backup(&["db", "backup"])]
#[case::db_compact(&["db", "compact"])]
#[case::db_export(&["db", "export"])]
#[case::run(&["run"])]
#[case::incidents(&["incidents"])]
#[case::incidents_list(&["incidents", "list"])]
#[case::incidents_show(&["incidents", "show"])]
#[case::incidents_ack(&["incidents", "ack"])]
#[case::incidents_close(&["incidents", "close"])]
#[case::silence(&["silence"])]
#[case::silence_add(&["silence", "add"])]
#[case::silence_list(&["silence", "list"])]
#[case::silence_end(&["silence", "end"])]
#[case::demo(&["demo"])]
#[case::completions(&["completions"])]
#[case::man(&["man"])]
fn help_is_printed_and_is_no_failure(#[case] command: &[&str]) {
    let ran = run(&[command, &["--help"]].concat());
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    compare(&format!("help {}", command.join(" ")).trim_end().replace(' ', "_"), &ran);
    let short = run(&[command, &["-h"]].concat());
    assert_eq!(short.code, 0);
    assert!(short.stdout.len() <= ran.stdout.len(), "{}", short.text());
}

#[test]
fn the_version_is_that_of_the_package() {
    let ran = run(&["--version"]);
    assert_eq!((ran.code, ran.stdout), (0, format!("lastgood {}\n", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn every_command_that_judges_names_its_exit_codes_in_its_help() {
    for command in [&["check"][..], &["summary"], &["explain"], &["bot"], &["publish", "grafolean"]] {
        let help = run(&[command, &["--help"]].concat()).stdout;
        assert!(help.contains("2  nothing is bad, but something is unknown"), "{help}");
        let has_plugin = help.contains("--format nagios");
        assert_eq!(has_plugin, command == ["check"] || command == ["summary"], "{help}");
    }
}

#[test]
fn more_is_said_the_more_often_it_is_asked_for() {
    let debug = |given: &str| {
        run(&["check", given, "datto-xml:http://127.0.0.1:1/x"]).stderr.matches("DEBUG").count()
    };
    assert_eq!((debug("-v"), debug("--verbose")), (0, 0));
    assert!(debug("-vv") > 0 && debug("-vvvvv") > 0);
}

/// Each is a mistake of whoever wrote the command line: exit 3, nothing on standard output, and a remedy.
#[rstest]
#[case::no_arguments(&[])]
#[case::an_unknown_command(&["chekc"])]
#[case::an_unknown_option(&["check", "--onyl", "bad"])]
#[case::nothing_to_look_at(&["check"])]
#[case::a_time_that_is_none(&["check", SAMPLE, "--at", "yesterday"])]
#[case::a_time_without_a_zone(&["check", SAMPLE, "--at", "2021-06-14T14:00:00"])]
#[case::an_unknown_format(&["check", SAMPLE, "--format", "yaml"])]
#[case::a_mistyped_threshold(&["check", SAMPLE, "--set", "offine_after=1h"])]
#[case::a_threshold_without_value(&["check", SAMPLE, "--set", "local_after"])]
#[case::a_value_that_is_none(&["check", SAMPLE, "--set", "local_after=soon"])]
#[case::several_mistakes_at_once(&["check", "bacula:/x", "--set", "local_after=soon", "--set", "quota=9"])]
#[case::an_unknown_kind(&["check", "datto-xlm:status.xml"])]
#[case::a_kind_without_location(&["check", "restic:"])]
#[case::a_name_without_a_file(&["check", "acme"])]
#[case::a_feed_without_its_key(&["check", "datto-xml:https://portal.dattobackup.com/{key}"])]
#[case::a_key_on_the_command_line(&["check", "datto-xml:https://portal.dattobackup.com/external/api/xml/status/0simulator0invented0xml0key00001"])]
#[case::a_key_over_plain_http(&["check", "datto-xml:http://portal.example/{key}"])]
#[case::an_api_without_its_keys(&["check", "datto-rest:https://api.datto.com/v1"])]
#[case::a_scheme_we_do_not_speak(&["check", "datto-xml:ftp://portal.example/status.xml"])]
#[case::raw_of_two_sources(&["raw", SAMPLE, SAMPLE])]
#[case::explain_without_subject(&["explain"])]
#[case::an_unknown_shell(&["completions", "tcsh"])]
#[case::a_bot_without_a_backend(&["bot"])]
#[case::a_bot_without_a_token(&["bot", "--backend-url", "http://127.0.0.1:1/api"])]
#[case::a_bot_without_its_token_file(&["bot", "--backend-url", "http://127.0.0.1:1/api", "--token-file", "none"])]
#[case::a_bot_with_another_file_for_a_token(&["bot", "--backend-url", "http://127.0.0.1:1/api", "--token-file", "ok.xml"])]
#[case::a_bot_that_never_fetches(&["bot", "--jobs-refresh-interval", "0"])]
#[case::a_bot_that_looks_once_and_again(&["bot", "--once", "--spool", "x"])]
#[case::publishing_nowhere(&["publish"])]
#[case::publishing_for_nobody(&["publish", "grafolean", SAMPLE])]
#[case::publishing_without_a_backend(&["publish", "grafolean", SAMPLE, "--account", "5"])]
#[case::publishing_below_no_path(&["publish", "grafolean", "--prefix", "a b", "--dry-run", SAMPLE])]
#[case::publishing_where_grafolean_does(&["publish", "grafolean", "--prefix", "system.x", "--dry-run", SAMPLE])]
#[case::a_demo_without_appliances(&["demo", "--devices", "0"])]
fn a_wrong_command_line_is_refused_with_a_remedy(#[case] arguments: &[&str]) {
    let ran = run(arguments);
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{}", ran.text());
    assert!(!ran.stderr.contains("0simulator0"), "a key is repeated: {}", ran.stderr);
    let name: String =
        arguments.join("_").chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    compare(&format!("wrong_{}", &name[..name.len().min(60)]), &ran);
}

/// A monitor shows what stands on standard output: there the reason must be.
#[rstest]
#[case(&["check", "bacula:/x"])]
#[case(&["summary", "bacula:/x"])]
#[case(&["check", SAMPLE, "--set", "local_after=soon|er"])]
#[case(&["check", "--config", "none.toml"])]
#[case(&["summary", "datto-rest:https://api.datto.com/v1"])]
fn under_nagios_a_wrong_command_line_is_unknown_and_says_why(#[case] arguments: &[&str]) {
    let ran = judge(&[arguments, &["--format", "nagios"]].concat());
    assert_eq!(ran.code, 3);
    assert!(ran.stdout.starts_with("LASTGOOD UNKNOWN - "), "{}", ran.text());
    assert_eq!(ran.stdout.lines().count(), 1, "{}", ran.text());
    assert!(!ran.stdout.contains('|'), "{}", ran.text());
}
