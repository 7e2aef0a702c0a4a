//! Are the generated documents those of this program?

use std::path::Path;

use lastgood::report;

/// Compares a document with what the program makes; with `UPDATE_DOCS=1` writes it instead.
#[track_caller]
fn compare(path: &str, made: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(file.parent().expect("a document stands in a folder"))
            .expect("a writable tree");
        std::fs::write(&file, made).expect("a writable tree");
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == made,
        "{path} is not what the program makes: run UPDATE_DOCS=1 cargo test -p lastgood"
    );
}

#[test]
fn the_page_of_checks_is_current() {
    compare("docs/checks.md", &report::checks_reference());
}

#[test]
fn the_schema_of_check_is_current() {
    compare("docs/schema/check.schema.json", &report::check_schema());
}

#[test]
fn the_schema_of_summary_is_current() {
    compare("docs/schema/summary.schema.json", &report::summary_schema());
}
