//! Where are the programs these tests run: the example bots, and the Python package they are compared with?

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The example bots of `lastgood-collector` by name.
static EXAMPLES: LazyLock<BTreeMap<String, PathBuf>> = LazyLock::new(build);

const NAMES: [&str; 4] = ["fetch_configs", "load_bot", "myprotocol_bot", "ping_bot"];

/// An example bot, as it is in the tree now.
pub(super) fn example(name: &str) -> &'static Path {
    EXAMPLES.get(name).unwrap_or_else(|| panic!("cargo built no example {name}"))
}

/// Lets cargo build them: it brings no test the examples of another crate. With the features of the whole workspace, so
/// that what `./test` has compiled serves here too.
fn build() -> BTreeMap<String, PathBuf> {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    command.args(["build", "--workspace", "--all-features", "--locked", "--message-format=json"]);
    command.args(NAMES.map(|name| format!("--example={name}")));
    // What cargo tells this test about its own package would make build scripts run again.
    for (variable, _) in env::vars_os() {
        let name = variable.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|start| name.starts_with(start)) {
            command.env_remove(&variable);
        }
    }
    let output = command.output().expect("cargo starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    messages.lines().filter_map(executable).collect()
}

/// The name and the place of a program, where a message of cargo tells of one.
fn executable(message: &str) -> Option<(String, PathBuf)> {
    let message: serde_json::Value = serde_json::from_str(message).expect("cargo writes JSON");
    let (name, path) = (message["target"]["name"].as_str()?, message["executable"].as_str()?);
    Some((name.to_owned(), path.into()))
}

/// The Python that has the original package.
///
/// Panics with what to run where it is missing.
pub(super) fn python() -> PathBuf {
    let this = env::current_exe().expect("a test is a file");
    let mut places = this.ancestors().map(|folder| folder.join("peer-venv/bin/python"));
    places
        .find(|place| place.exists())
        .expect("no peer-venv in the target folder: run ./test peer, which makes it")
}

/// The bot that runs jobs with the original.
pub(super) fn original() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/collector/original.py")
}
