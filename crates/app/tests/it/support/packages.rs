//! Where are the real programs that tests run?
//!
//! Tests run real programs from Debian's packages. A program that is missing fails the test and names its package:
//! a test that skips itself would pass on every machine that cannot run it. It knows no program's arguments.

use std::env;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Each program that tests run, with the Debian package that brings it.
const PACKAGES: [(&str, &str); 12] = [
    ("git", "git"),
    ("restic", "restic"),
    ("borg", "borgbackup"),
    ("borgmatic", "borgmatic"),
    ("curl", "curl"),
    ("promtool", "prometheus"),
    ("openssl", "openssl"),
    ("postfix", "postfix"),
    ("smtp-sink", "postfix"),
    ("saslpasswd2", "sasl2-bin"),
    ("faketime", "faketime"),
    ("systemd-analyze", "systemd"),
];

/// Finds a program in `PATH`.
///
/// Panics with the Debian package that brings the program where it is missing.
#[track_caller]
pub(crate) fn program(name: &str) -> PathBuf {
    let package = PACKAGES.iter().find(|(program, _)| *program == name).map_or(name, |(_, package)| package);
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join(name)).find(|file| is_executable(file));
    found.unwrap_or_else(|| {
        panic!("{name} is not in PATH: install the Debian package {package} (as root, ./test does it)")
    })
}

fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[test]
fn every_program_the_tests_run_is_installed() {
    for (name, _) in PACKAGES {
        assert!(program(name).ends_with(name));
    }
}

#[test]
#[should_panic(expected = "install the Debian package no-such-program")]
fn a_missing_program_is_a_failure_that_names_its_package() {
    program("no-such-program");
}
