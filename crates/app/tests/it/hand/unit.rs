//! Would systemd take the unit file we give away, and does it say what the daemon needs?

use std::process::Command;

use crate::support::packages::program;

const UNIT: &str = include_str!("../../../../../examples/lastgood.service");

/// The value of a key that stands once.
#[track_caller]
fn value(key: &str) -> &'static str {
    let values: Vec<_> = UNIT.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect();
    assert_eq!(values.len(), 1, "{key}");
    values[0]
}

#[test]
fn the_unit_says_what_the_daemon_needs() {
    for (key, expected) in [
        ("Type", "notify"),
        ("NotifyAccess", "main"),
        ("WatchdogSec", "60"),
        ("StateDirectory", "lastgood"),
        ("ExecReload", "/bin/kill -HUP $MAINPID"),
        ("Restart", "always"),
        ("RestartPreventExitStatus", "3"),
        ("ProtectSystem", "strict"),
        ("NoNewPrivileges", "yes"),
    ] {
        assert_eq!(value(key), expected, "{key}");
    }
    assert!(value("ExecStart").ends_with("lastgood serve --config /etc/lastgood/config.toml"));
}

#[test]
fn systemd_takes_the_unit() {
    let folder = tempfile::tempdir().expect("a folder");
    let unit = folder.path().join("lastgood.service");
    // It looks for the program and for the user, which are not on this machine.
    let here = UNIT.replace("/usr/local/bin/lastgood", env!("CARGO_BIN_EXE_lastgood"));
    std::fs::write(&unit, here).expect("a writable folder");
    let verified = Command::new(program("systemd-analyze")).args(["verify", "--man=no"]).arg(&unit).output();
    let verified = verified.expect("it is there");
    let said = String::from_utf8_lossy(&verified.stderr);
    let about_it: Vec<_> = said.lines().filter(|line| line.contains("lastgood.service")).collect();
    assert!(verified.status.success() && about_it.is_empty(), "{said}");
}
