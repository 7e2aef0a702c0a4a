//! Does one file keep the rules of shape: short, introduced, without a clock, finished, suppressing nothing?
//!
//! Every rule is a function of one file's path and text that returns one message per violation. It does not know
//! which files there are.

use super::code::{blank, block_length, code_only, identifiers, is_word, line_of, test_items, without_tests};
use super::is_test_file;

const LINES_MAX: usize = 700;

/// A Rust file has fewer than 700 lines, its `mod tests` not counted.
pub(super) fn length(path: &str, text: &str) -> Vec<String> {
    let code = code_only(text);
    let tests: usize = test_items(&code)
        .into_iter()
        .filter(|range| !is_test_file(path) && code[range.clone()].contains("mod tests"))
        .map(|range| text[range].lines().count())
        .sum();
    let counted = text.lines().count() - tests;
    if counted < LINES_MAX {
        return Vec::new();
    }
    vec![format!(
        "{path}:{LINES_MAX}: {counted} lines without tests: cut it into two files that each answer one question"
    )]
}

/// A Rust file says in its first line which question it answers.
pub(super) fn introduction(path: &str, text: &str) -> Vec<String> {
    if text.starts_with("//!") {
        return Vec::new();
    }
    vec![format!(
        "{path}:1: does not open with `//!`: say which question it answers and what it must not know"
    )]
}

/// Time is read in one place; everywhere else, examples in documentation included, it is an argument.
pub(super) fn clock(path: &str, text: &str) -> Vec<String> {
    const READERS: [&str; 5] =
        ["Timestamp::now", "Zoned::now", "SystemTime::now", "Instant::now", ".elapsed("];
    // The library that other people's bots depend on cannot use the program's; see docs/decisions.
    const CLOCKS: [&str; 2] = ["crates/app/src/clock.rs", "crates/collector/src/clock.rs"];
    if CLOCKS.contains(&path) || path.split('/').any(|part| part == "benches") {
        return Vec::new();
    }
    let mut violations = Vec::new();
    let documented = documented_code(text);
    for source in [code_only(text), documented] {
        for reader in READERS {
            for (offset, _) in source.match_indices(reader) {
                let line = line_of(&source, offset);
                violations.push(format!(
                    "{path}:{line}: reads the clock ({reader}): take the time as an argument, \
                     or tokio::time::timeout for a deadline; the clock.rs of app and of collector alone read it"
                ));
            }
        }
    }
    violations
}

/// The code between fences in doc comments; every other line is empty.
fn documented_code(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut fenced = false;
    for line in text.lines() {
        let line = line.trim_start();
        match line.strip_prefix("///").or_else(|| line.strip_prefix("//!")) {
            None => fenced = false,
            Some(content) if content.trim_start().starts_with("```") => fenced = !fenced,
            Some(content) if fenced => code.push_str(content),
            Some(_) => {}
        }
        code.push('\n');
    }
    code
}

/// Nothing is left half done: no skipped test, no hole, no note to do it later.
pub(super) fn leftovers(path: &str, text: &str) -> Vec<String> {
    const MARKS: [&str; 8] = [
        concat!("#[ign", "ore"),
        concat!("to", "do!"),
        concat!("TO", "DO"),
        concat!("unimple", "mented!"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("for", " now"),
        concat!("not implemented", " yet"),
    ];
    let mut violations = Vec::new();
    for mark in MARKS {
        for offset in words(text, mark) {
            let line = line_of(text, offset);
            violations.push(format!(
                "{path}:{line}: \"{mark}\": finish it, or open an issue and say what is missing"
            ));
        }
    }
    violations
}

/// A lint is suppressed by `expect` with a reason, which fails as soon as it is no longer needed.
pub(super) fn suppressions(path: &str, text: &str) -> Vec<String> {
    let code = code_only(text);
    words(&code, "allow")
        .filter(|&offset| code[offset..].starts_with("allow("))
        .filter(|&offset| in_attribute(&code[..offset]))
        .map(|offset| {
            let line = line_of(&code, offset);
            format!("{path}:{line}: suppresses a lint for ever: write #[expect(lint, reason = \"…\")]")
        })
        .collect()
}

/// Whether the text before a place ends inside an attribute that is still open.
fn in_attribute(before: &str) -> bool {
    let Some(start) = before.rfind("#[").max(before.rfind("#![")) else {
        return false;
    };
    let mut depth = 0_usize;
    for character in before[start..].chars() {
        match character {
            '[' => depth += 1,
            ']' if depth == 1 => return false,
            ']' => depth -= 1,
            _ => {}
        }
    }
    true
}

/// No path of one machine stands in the tree.
pub(super) fn machine_paths(path: &str, text: &str) -> Vec<String> {
    const PLACES: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!(".lib", "rary")];
    let mut violations = Vec::new();
    for place in PLACES {
        for offset in words(text, place).filter(|&offset| !text[..offset].ends_with(['.', '-'])) {
            let line = line_of(text, offset);
            violations.push(format!(
                "{path}:{line}: \"{place}\" is a path of one machine: use a path inside the tree"
            ));
        }
    }
    violations
}

/// Words that say nothing about what a thing is, with their plurals.
const EMPTY_WORDS: [&str; 13] = [
    "manager", "managers", "handler", "handlers", "helper", "helpers", "util", "utils", "data", "info",
    "infos", "process", "do",
];

/// What we name ourselves is named by a word of the project; tests are sentences and may use any word.
pub(super) fn names(path: &str, text: &str) -> Vec<String> {
    let mut violations = Vec::new();
    for part in path.trim_end_matches(".rs").split('/') {
        if let Some(word) = empty_word(part) {
            violations
                .push(format!("{path}:1: file name with \"{word}\": name what it holds, by DESIGN's words"));
        }
    }
    if is_test_file(path) {
        return violations;
    }
    let code = without_foreign_items(&without_tests(&code_only(text)));
    for (offset, name) in defined_names(&code) {
        if let Some(word) = empty_word(name) {
            let line = line_of(&code, offset);
            violations
                .push(format!("{path}:{line}: `{name}` has \"{word}\" in its name: say what it is or does"));
        }
    }
    violations
}

fn defined_names(code: &str) -> Vec<(usize, &str)> {
    const KEYWORDS: [&str; 7] = ["fn", "struct", "enum", "trait", "type", "mod", "union"];
    identifiers(code)
        .windows(2)
        .filter(|pair| KEYWORDS.contains(&pair[0].1))
        .filter(|pair| code[pair[0].0 + pair[0].1.len()..pair[1].0].trim().is_empty())
        .map(|pair| pair[1])
        .collect()
}

/// Blanks what stands in `impl Trait for Type { … }`: those names were chosen by the trait.
fn without_foreign_items(code: &str) -> String {
    let mut kept = code.to_owned();
    for offset in words(code, "impl") {
        let Some(open) = code[offset..].find(['{', ';']) else {
            continue;
        };
        let (header, block) = code[offset..].split_at(open);
        if block.starts_with('{') && words(header, "for").any(|at| !header[at..].starts_with("for<")) {
            let range = offset + open..offset + open + block_length(block);
            let blanked = blank(&kept[range.clone()]);
            kept.replace_range(range, &blanked);
        }
    }
    kept
}

fn empty_word(name: &str) -> Option<String> {
    let mut spaced = String::new();
    for character in name.chars() {
        if character.is_uppercase() {
            spaced.push('_');
        }
        spaced.extend(character.to_lowercase());
    }
    spaced.split(['_', '-']).find(|word| EMPTY_WORDS.contains(word)).map(str::to_owned)
}

/// Where `needle` stands as a whole: an end of it that is a letter does not continue into another letter.
pub(super) fn words<'a>(text: &'a str, needle: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(needle).map(|(offset, _)| offset).filter(move |&offset| {
        let joins = |inner: Option<char>, outer: Option<char>| {
            inner.is_some_and(|c| is_word(c) || c == '/' || c == '.') && outer.is_some_and(is_word)
        };
        let after = &text[offset + needle.len()..];
        let continues = is_word(needle.chars().next_back().unwrap_or(' ')) && after.starts_with(is_word);
        !joins(needle.chars().next(), text[..offset].chars().next_back()) && !continues
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Rule = fn(&str, &str) -> Vec<String>;

    #[track_caller]
    fn caught(rule: Rule, path: &str, text: &str, message_start: &str) {
        let violations = rule(path, text);
        assert_eq!(violations.len(), 1, "{violations:?}");
        assert!(violations[0].starts_with(message_start), "{violations:?}");
    }

    #[track_caller]
    fn passed(rule: Rule, path: &str, text: &str) {
        assert_eq!(rule(path, text), Vec::<String>::new());
    }

    #[test]
    fn a_file_of_700_lines_is_too_long_and_its_tests_do_not_count() {
        let code = "//! ü\n".repeat(699);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "    // one\n".repeat(300));
        passed(length, "crates/core/src/a.rs", &code);
        passed(length, "crates/core/src/a.rs", &format!("{code}{tests}"));
        caught(length, "crates/core/src/a.rs", &format!("{code}\n"), "crates/core/src/a.rs:700: 700 lines");
        caught(
            length,
            "crates/core/src/a.rs",
            &format!("{code}\n{tests}"),
            "crates/core/src/a.rs:700: 700 lines",
        );
        caught(
            length,
            "crates/core/src/a/tests.rs",
            &format!("{code}{tests}"),
            "crates/core/src/a/tests.rs:700: 1002",
        );
        caught(
            length,
            "crates/app/tests/it/a.rs",
            &format!("{code}{tests}"),
            "crates/app/tests/it/a.rs:700: 1002",
        );
    }

    #[test]
    fn a_file_without_an_introduction_is_caught() {
        passed(introduction, "a.rs", "//! What?\n");
        caught(introduction, "a.rs", "use std::fmt;\n//! What?\n", "a.rs:1:");
        caught(introduction, "a.rs", "", "a.rs:1:");
    }

    #[test]
    fn a_file_that_reads_the_clock_is_caught() {
        let reading = "fn a() {\n    jiff::Timestamp::now();\n}\n";
        caught(clock, "crates/core/src/a.rs", reading, "crates/core/src/a.rs:2: reads the clock");
        caught(clock, "crates/app/tests/it/a.rs", reading, "crates/app/tests/it/a.rs:2: reads the clock");
        passed(clock, "crates/app/src/clock.rs", reading);
        passed(clock, "crates/collector/src/clock.rs", reading);
        passed(clock, "crates/core/benches/judge.rs", reading);
        passed(
            clock,
            "a.rs",
            "// never calls Timestamp::now\nconst A: &str = \"Instant::now\";\n/// Not `Zoned::now`.\n",
        );
        caught(clock, "a.rs", "//! ```\n//! let now = Zoned::now();\n//! ```\n", "a.rs:2: reads the clock");
        caught(clock, "a.rs", "let age = file.modified()?.elapsed();", "a.rs:1: reads the clock");
    }

    #[test]
    fn what_is_left_half_done_is_caught() {
        for text in [
            concat!("#[ign", "ore]"),
            concat!("#[ign", "ore = \"slow\"]"),
            concat!("to", "do!()"),
            concat!("unimple", "mented!()"),
            concat!("// FIX", "ME: later"),
            concat!("// TO", "DO"),
            concat!("# XX", "X"),
            concat!("<!-- enough for", " now -->"),
            concat!("\"not implemented", " yet\""),
        ] {
            caught(leftovers, "a.html", &format!("\n{text}\n"), "a.html:2:");
        }
        passed(leftovers, "a.rs", concat!("let serial = \"XX", "XX\"; // before nowhere, for", " nowadays"));
    }

    #[test]
    fn a_lint_suppressed_for_ever_is_caught() {
        caught(suppressions, "a.rs", "\n#[allow(dead_code)]\nfn a() {}", "a.rs:2:");
        caught(suppressions, "a.rs", "#![allow(dead_code, reason = \"x\")]", "a.rs:1:");
        caught(suppressions, "a.rs", "#[cfg_attr(test, allow(dead_code))]", "a.rs:1:");
        passed(
            suppressions,
            "a.rs",
            "#[expect(dead_code, reason = \"x\")]\nfn a() { b.allow(1); [allow(1)] }",
        );
        passed(suppressions, "a.rs", "// #[allow(dead_code)]\nconst A: &str = \"#[allow(dead_code)]\";");
    }

    #[test]
    fn a_path_of_one_machine_is_caught() {
        for text in [
            concat!("\"/wo", "rk/main\""),
            concat!("file:///ro", "ot/key"),
            concat!("see ~/.lib", "rary/x"),
            concat!(".lib", "rary"),
        ] {
            caught(machine_paths, "a.md", &format!("\n\n{text}"), "a.md:3:");
        }
        let harmless = concat!("/srv/wo", "rk/a, ../wo", "rk/a, /home/root/a, the.library(), .library_path");
        passed(machine_paths, "a.md", harmless);
    }

    #[test]
    fn a_name_that_says_nothing_is_caught() {
        let path = "crates/app/src/a.rs";
        caught(names, path, "\nfn parse_data() {}", "crates/app/src/a.rs:2: `parse_data`");
        caught(names, path, "pub struct BorgInfo;", "crates/app/src/a.rs:1: `BorgInfo`");
        caught(names, path, "impl A { fn process(&self) {} }", "crates/app/src/a.rs:1: `process`");
        caught(
            names,
            path,
            "impl A for B { fn info() { c() } }\nfn do_it() {}",
            "crates/app/src/a.rs:2: `do_it`",
        );
        caught(names, "crates/app/src/utils.rs", "", "crates/app/src/utils.rs:1: file name");
        caught(
            names,
            "crates/app/src/error_handler/mod.rs",
            "",
            "crates/app/src/error_handler/mod.rs:1: file name",
        );
        passed(
            names,
            path,
            "fn metadata() {}\n// fn data\nimpl<T> A<T> for B<T> where T: C { fn info() {} }",
        );
        passed(names, path, "#[cfg(test)]\nmod tests {\n fn no_data_is_unknown() {}\n}");
        passed(names, "crates/app/tests/it/a.rs", "fn a_process_that_hangs_is_ended() {}");
        passed(names, "crates/datto/testdata/a.rs", "const A: [u8; 1] = [1];");
    }
}
