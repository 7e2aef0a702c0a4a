//! Does the tree keep the rules of the house?
//!
//! Each rule is a pure function over paths and texts, with tests of its own that show what it catches ([`shape`],
//! [`direction`], [`documents`]); here each is asked about every file of the repository. A violation names file,
//! line and remedy. Nothing here knows what the program does.

mod code;
mod direction;
mod documents;
mod shape;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::support::packages::program;

/// All files git knows or would take, path from the top of the tree and text; bytes that are not UTF-8 replaced.
static FILES: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let listing = stdout_of(Command::new(program("git")).args([
        "-c",
        "safe.directory=*",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]));
    let mut files = Vec::new();
    for path in listing.split('\0').filter(|path| !path.is_empty()) {
        // A file that is deleted and not yet committed is listed and cannot be read.
        if let Ok(bytes) = std::fs::read(top().join(path)) {
            files.push((path.to_owned(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    assert!(files.len() > 10, "git lists only {} files below {}", files.len(), top().display());
    files
});

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn stdout_of(command: &mut Command) -> String {
    let output = command.current_dir(top()).output().expect("the program was found");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed, run it by hand: {errors}");
    String::from_utf8(output.stdout).expect("paths and JSON are UTF-8")
}

fn files() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().map(|(path, text)| (path.as_str(), text.as_str()))
}

fn files_ending(ending: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    files().filter(move |(path, _)| path.ends_with(ending))
}

/// Whether a whole file is a test: it stands below `tests/`, or is the `tests.rs` of a folder.
fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.split('/').rev().skip(1).any(|folder| folder == "tests")
}

/// The text of all tests: test files, and what stands below `#[cfg(test)]` elsewhere. The rules here are left out,
/// so that their samples count for no test.
fn texts_of_tests() -> Vec<&'static str> {
    let mut tests = Vec::new();
    for (path, text) in files_ending(".rs").filter(|(path, _)| !path.contains("/tidy/")) {
        if is_test_file(path) {
            tests.push(text);
        } else {
            tests.extend(code::test_items(&code::code_only(text)).into_iter().map(|range| &text[range]));
        }
    }
    tests
}

#[track_caller]
fn none_of(violations: &[String]) {
    assert!(violations.is_empty(), "{} broken:\n{}", violations.len(), violations.join("\n"));
}

#[track_caller]
fn every(ending: &str, rule: fn(&str, &str) -> Vec<String>) {
    none_of(&files_ending(ending).flat_map(|(path, text)| rule(path, text)).collect::<Vec<_>>());
}

#[test]
fn no_file_is_too_long() {
    every(".rs", shape::length);
}

#[test]
fn every_file_says_which_question_it_answers() {
    every(".rs", shape::introduction);
}

#[test]
fn only_one_file_reads_the_clock() {
    every(".rs", shape::clock);
}

#[test]
fn nothing_is_left_half_done() {
    every(".rs", shape::leftovers);
    every(".toml", shape::leftovers);
    every(".html", shape::leftovers);
}

#[test]
fn no_lint_is_suppressed_for_ever() {
    every(".rs", shape::suppressions);
}

#[test]
fn no_path_of_one_machine_stands_in_the_tree() {
    let but_the_lock = files().filter(|(path, _)| *path != "Cargo.lock");
    none_of(&but_the_lock.flat_map(|(path, text)| shape::machine_paths(path, text)).collect::<Vec<_>>());
}

#[test]
fn every_name_says_what_it_names() {
    every(".rs", shape::names);
}

#[test]
fn the_crates_use_each_other_in_one_direction() {
    let listing = stdout_of(Command::new(env!("CARGO")).args([
        "metadata",
        "--format-version=1",
        "--no-deps",
        "--offline",
        "--locked",
    ]));
    let metadata: serde_json::Value = serde_json::from_str(&listing).expect("cargo writes JSON");
    let mut dependencies = Vec::new();
    for package in metadata["packages"].as_array().expect("packages are a list") {
        for dependency in package["dependencies"].as_array().expect("dependencies are a list") {
            dependencies.push(direction::Dependency {
                user: package["name"].as_str().expect("a name is a string").to_owned(),
                used: dependency["name"].as_str().expect("a name is a string").to_owned(),
                normal: dependency["kind"].is_null(),
            });
        }
    }
    assert!(
        dependencies.iter().any(|dependency| dependency.user == "lastgood-core"),
        "the core is not listed"
    );
    none_of(&direction::crates(&dependencies));
}

#[test]
fn a_module_of_the_core_uses_only_those_above_it() {
    let (_, lib) =
        files().find(|(path, _)| *path == "crates/core/src/lib.rs").expect("the core has a lib.rs");
    let violations: Vec<String> = files_ending(".rs")
        .filter(|(path, _)| path.starts_with("crates/core/src/"))
        .flat_map(|(path, text)| direction::core_modules(lib, path, text))
        .collect();
    none_of(&violations);
}

#[test]
fn the_folders_of_the_app_do_not_see_each_other() {
    let mut modules: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for (path, text) in files_ending(".rs") {
        if let Some((module, _)) = direction::module_of(path, "crates/app/src/") {
            modules.entry(module).or_default().push((path, text));
        }
    }
    none_of(
        &modules.iter().flat_map(|(module, files)| direction::app_folders(module, files)).collect::<Vec<_>>(),
    );
}

#[test]
fn every_check_is_documented_and_tested() {
    const FOLDER: &str = "crates/core/src/checks/";
    let documentation = files().find(|(path, _)| *path == "docs/checks.md").map_or("", |(_, text)| text);
    let ids: Vec<(&str, &str)> = files_ending(".rs")
        .filter_map(|(path, _)| Some((path.strip_prefix(FOLDER)?.strip_suffix(".rs")?, path)))
        .map(|(inside, path)| (inside.strip_suffix("/mod").unwrap_or(inside), path))
        .filter(|(id, _)| !id.contains('/') && !["mod", "tests"].contains(id))
        .collect();
    none_of(&documents::checks(&ids, documentation, &texts_of_tests()));
}

#[test]
fn every_example_is_loaded_by_a_test() {
    let paths: Vec<&str> =
        files_ending(".toml").map(|(path, _)| path).filter(|path| path.starts_with("examples/")).collect();
    none_of(&documents::examples(&paths, &texts_of_tests()));
}

#[test]
fn the_documents_everybody_looks_for_are_there() {
    none_of(&documents::needed(&files().collect::<Vec<_>>()));
}

#[test]
fn every_link_leads_somewhere() {
    let files: Vec<(&str, &str)> = files().collect();
    none_of(
        &files_ending(".md")
            .flat_map(|(path, text)| documents::links(path, text, &files))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn every_test_that_a_page_names_is_there() {
    let functions = files_ending(".rs").flat_map(|(_, text)| text.split("fn ").skip(1));
    let functions = functions.filter_map(|rest| rest.split_once('(').map(|(name, _)| name)).collect();
    for page in ["ARCHITECTURE.md", "docs/edge-of-time.md"] {
        let text = files().find(|(path, _)| *path == page).map_or("", |(_, text)| text);
        none_of(&documents::named_tests(page, text, &functions));
    }
}
