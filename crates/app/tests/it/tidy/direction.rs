//! Who may use whom: between the crates, between the modules of the core, between the folders of the app?
//!
//! Rules 1 and 2 of ARCHITECTURE's directions. It reads the manifests through `cargo metadata` and the paths that
//! stand in the code; it does not know what the modules are for.

use super::code::{code_only, identifiers, line_of, without_tests};
use super::is_test_file;

/// What the pure core may use. None of it opens a file, a socket or a clock of its own accord.
const CORE_MAY_USE: [&str; 3] = ["jiff", "thiserror", "serde"];

/// Folders of the app that never see each other.
const APART: [&str; 6] = ["sources", "directory", "channels", "publish", "store", "web"];

/// The places of the app that may see several of those folders.
const MEETING_PLACES: [&str; 9] =
    ["pipeline", "watch", "letter", "links", "deliver", "commands", "config", "main", "lib"];

/// One line of a crate's dependency tables.
pub(super) struct Dependency {
    pub(super) user: String,
    pub(super) used: String,
    /// Neither for tests nor for a build script.
    pub(super) normal: bool,
}

/// The crates use each other in one direction only.
pub(super) fn crates(dependencies: &[Dependency]) -> Vec<String> {
    let mut violations = Vec::new();
    for Dependency { user, used, normal } in dependencies {
        let wrong = match user.as_str() {
            "lastgood-core" if *normal => !CORE_MAY_USE.contains(&used.as_str()),
            "lastgood-core" | "lastgood-simulator" | "lastgood-collector" => used.starts_with("lastgood"),
            "lastgood-datto" => used == "lastgood",
            _ => false,
        };
        if wrong {
            let folder = user.trim_start_matches("lastgood-");
            violations.push(format!(
                "crates/{folder}/Cargo.toml:1: {user} must not depend on {used}: hand it in as an argument, or move \
                 the code to the crate that may"
            ));
        }
    }
    violations
}

/// Inside the core a module uses only modules declared above it in `lib.rs`; its tests may use any.
pub(super) fn core_modules(lib: &str, path: &str, text: &str) -> Vec<String> {
    if is_test_file(path) {
        return Vec::new();
    }
    let declared = declared_modules(lib);
    let Some((module, depth)) = module_of(path, "crates/core/src/") else {
        return Vec::new();
    };
    let Some(own_place) = declared.iter().position(|name| name == module) else {
        return vec![format!(
            "{path}:1: not declared in crates/core/src/lib.rs: declare it below all it uses"
        )];
    };
    let code = without_tests(&code_only(text));
    let mut violations = Vec::new();
    for (offset, used) in root_paths(&code, depth) {
        let line = line_of(&code, offset);
        match declared.iter().position(|name| name == used) {
            Some(place) if place > own_place => violations.push(format!(
                "{path}:{line}: `{module}` uses `{used}`, which stands below it in crates/core/src/lib.rs: turn the \
                 dependency round or move the code down"
            )),
            Some(_) => {}
            // `super::name` inside a nested module means that module's parent.
            None if !code[offset..].starts_with("crate::") => {}
            None => violations.push(format!(
                "{path}:{line}: `crate::{used}` hides which module is used: write the path through its module"
            )),
        }
    }
    violations
}

/// In the app, sources, directory, channels, publish, store and web never use each other, tests included; only the
/// pipeline and the commands see several of them.
///
/// Takes all files of one top module of the app at once, since it is the module that sees one folder or several.
pub(super) fn app_folders(module: &str, files: &[(&str, &str)]) -> Vec<String> {
    if MEETING_PLACES.contains(&module) {
        return Vec::new();
    }
    let mut seen = if APART.contains(&module) { Some(module.to_owned()) } else { None };
    let mut violations = Vec::new();
    for (path, text) in files {
        let code = code_only(text);
        let depth = module_of(path, "crates/app/src/").map_or(1, |(_, depth)| depth);
        for (offset, used) in root_paths(&code, depth) {
            if !APART.contains(&used) {
                continue;
            }
            let first = seen.get_or_insert_with(|| used.to_owned());
            if first != used {
                let line = line_of(&code, offset);
                violations.push(format!(
                    "{path}:{line}: `{module}` brings `{used}` and `{first}` together: only pipeline.rs and \
                     commands/ may; hand the value in as an argument"
                ));
            }
        }
    }
    violations
}

/// The top module a file below `source_folder` belongs to, and how many `super::` lead from it to the crate's root;
/// `None` for `lib.rs`, `main.rs` and files elsewhere.
pub(super) fn module_of<'a>(path: &'a str, source_folder: &str) -> Option<(&'a str, usize)> {
    let inside = path.strip_prefix(source_folder)?.strip_suffix(".rs")?;
    let inside = inside.strip_suffix("/mod").unwrap_or(inside);
    let module = inside.split('/').next()?;
    (!matches!(inside, "lib" | "main")).then(|| (module, inside.split('/').count()))
}

fn declared_modules(lib: &str) -> Vec<String> {
    let code = without_tests(&code_only(lib));
    let names = identifiers(&code);
    names.windows(2).filter(|pair| pair[0].1 == "mod").map(|pair| pair[1].1.to_owned()).collect()
}

/// Every name that is reached from the crate's root, with the place of its path: `crate::name`, each name of
/// `crate::{…}`, and the same behind as many `super::` as lead to the root.
fn root_paths(code: &str, depth: usize) -> Vec<(usize, &str)> {
    let up = "super::".repeat(depth);
    let starts = code.match_indices("crate::").chain(code.match_indices(&up));
    let mut found = Vec::new();
    for (offset, prefix) in starts {
        let before = &code[..offset];
        let continues = before.ends_with(super::code::is_word) || before.ends_with("super::");
        let after = &code[offset + prefix.len()..];
        if continues || after.starts_with("super::") {
            continue;
        }
        found.extend(first_names(after).into_iter().map(|name| (offset, name)));
    }
    found
}

/// The first name of the path that `after` goes on with, or of every path in its braces.
fn first_names(after: &str) -> Vec<&str> {
    let Some(list) = after.strip_prefix('{') else {
        return identifiers(after)
            .first()
            .filter(|(offset, _)| *offset == 0)
            .map(|(_, name)| *name)
            .into_iter()
            .collect();
    };
    let mut names = Vec::new();
    let mut nested = 0_usize;
    let mut begins = true;
    for (offset, character) in list.char_indices() {
        match character {
            '{' => nested += 1,
            '}' if nested == 0 => break,
            '}' => nested -= 1,
            ',' if nested == 0 => begins = true,
            _ if begins && super::code::is_word(character) => {
                names.extend(identifiers(&list[offset..]).first().map(|(_, name)| *name));
                begins = false;
            }
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIB: &str = "//! Doc\npub mod id;\n/// Doc\npub mod facts;\nmod judge;\n#[cfg(test)]\nmod tests;\n";

    fn core(path: &str, text: &str) -> Vec<String> {
        core_modules(LIB, path, text)
    }

    #[track_caller]
    fn starts(violations: &[String], message_start: &str) {
        assert_eq!(violations.len(), 1, "{violations:?}");
        assert!(violations[0].starts_with(message_start), "{violations:?}");
    }

    #[test]
    fn a_crate_that_uses_a_crate_it_must_not_is_caught() {
        for (user, used, normal, fine) in [
            ("lastgood-core", "jiff", true, true),
            ("lastgood-core", "tokio", true, false),
            ("lastgood-core", "proptest", false, true),
            ("lastgood-core", "lastgood-simulator", false, false),
            ("lastgood-simulator", "lastgood-core", true, false),
            ("lastgood-simulator", "lastgood-datto", false, false),
            ("lastgood-simulator", "axum", true, true),
            ("lastgood-datto", "lastgood-core", true, true),
            ("lastgood-datto", "lastgood-simulator", false, true),
            ("lastgood-datto", "lastgood", false, false),
            ("lastgood", "lastgood-datto", true, true),
        ] {
            let dependency = Dependency { user: user.to_owned(), used: used.to_owned(), normal };
            let violations = crates(&[dependency]);
            assert_eq!(violations.is_empty(), fine, "{user} on {used}: {violations:?}");
        }
    }

    #[test]
    fn a_core_module_that_uses_one_below_it_is_caught() {
        let path = "crates/core/src/facts.rs";
        starts(&core(path, "\nuse crate::judge::Judge;"), "crates/core/src/facts.rs:2: `facts` uses `judge`");
        starts(
            &core(path, "use crate::{\n    id::{self, judge},\n    judge,\n};"),
            "crates/core/src/facts.rs:1:",
        );
        starts(&core(path, "use super::judge;"), "crates/core/src/facts.rs:1: `facts` uses `judge`");
        starts(
            &core("crates/core/src/facts/a.rs", "use super::super::judge::Judge;"),
            "crates/core/src/facts/a.rs:1:",
        );
        starts(
            &core("crates/core/src/id/mod.rs", "fn a(f: crate::facts::Facts) {}"),
            "crates/core/src/id/mod.rs:1:",
        );
        starts(&core(path, "use crate::Verdict;"), "crates/core/src/facts.rs:1: `crate::Verdict` hides");
        starts(&core("crates/core/src/new.rs", ""), "crates/core/src/new.rs:1: not declared");
    }

    #[test]
    fn a_core_module_may_use_those_above_it_and_its_tests_any() {
        let text = "use crate::id::Id;\nuse super::id;\n// crate::judge\nmod a { use super::Own; }\n\
                    #[cfg(test)]\nmod tests {\n    use crate::judge::Judge;\n}\n";
        assert_eq!(core("crates/core/src/facts.rs", text), Vec::<String>::new());
        assert_eq!(core("crates/core/src/facts/a.rs", "use super::judge;"), Vec::<String>::new());
        assert_eq!(core("crates/core/src/facts/tests.rs", "use crate::judge::Judge;"), Vec::<String>::new());
        assert_eq!(core("crates/core/src/lib.rs", "pub use crate::judge::Judge;"), Vec::<String>::new());
    }

    #[test]
    fn app_folders_that_see_each_other_are_caught() {
        let folder = [("crates/app/src/store/mod.rs", "use crate::exit::Exit;\nuse crate::web::Page;")];
        starts(&app_folders("store", &folder), "crates/app/src/store/mod.rs:2: `store` brings `web`");
        let upwards = [("crates/app/src/store/mod.rs", "use super::sources::Source;")];
        starts(&app_folders("store", &upwards), "crates/app/src/store/mod.rs:1: `store` brings `sources`");
        let between = [
            ("crates/app/src/collect/mod.rs", "use crate::sources::Source;"),
            ("crates/app/src/collect/a.rs", "use crate::{exit, store::Store};"),
        ];
        starts(&app_folders("collect", &between), "crates/app/src/collect/a.rs:1: `collect` brings `store`");
        assert_eq!(app_folders("pipeline", &between), Vec::<String>::new());
        assert_eq!(app_folders("collect", &between[..1]), Vec::<String>::new());
        let own = [("crates/app/src/sources/a.rs", "use crate::sources::Source;\nuse super::store;")];
        assert_eq!(app_folders("sources", &own), Vec::<String>::new());
    }

    #[test]
    fn a_file_belongs_to_its_top_module() {
        let folder = "crates/core/src/";
        assert_eq!(module_of("crates/core/src/a.rs", folder), Some(("a", 1)));
        assert_eq!(module_of("crates/core/src/a/mod.rs", folder), Some(("a", 1)));
        assert_eq!(module_of("crates/core/src/a/b.rs", folder), Some(("a", 2)));
        assert_eq!(module_of("crates/core/src/a/b/mod.rs", folder), Some(("a", 2)));
        assert_eq!(module_of("crates/core/src/lib.rs", folder), None);
        assert_eq!(module_of("crates/app/src/a.rs", folder), None);
    }
}
