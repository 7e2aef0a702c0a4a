//! Do the documents and the tree agree: is every link good, every check documented and tested, every example tried?
//!
//! Every rule is a function of the paths and texts it is given. It does not know what the documents say beyond their
//! headings and links.

use std::collections::BTreeSet;
use std::path::Path;

use super::shape::words;

/// Documents without which nobody finds their way.
const NEEDED: [&str; 6] =
    ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"];

/// The documents everybody looks for are there and say something.
pub(super) fn needed(files: &[(&str, &str)]) -> Vec<String> {
    NEEDED
        .into_iter()
        .filter(|needed| !files.iter().any(|(path, text)| path == needed && !text.trim().is_empty()))
        .map(|needed| format!("{needed}:1: missing or empty: write it"))
        .collect()
}

/// Every relative link of a Markdown page leads to a file or folder of the tree, and its anchor to a heading there.
pub(super) fn links(path: &str, text: &str, files: &[(&str, &str)]) -> Vec<String> {
    let mut violations = Vec::new();
    for (line, target) in link_targets(text) {
        if target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        let (place, anchor) =
            target.split_once('#').map_or((target, None), |(place, anchor)| (place, Some(anchor)));
        let Some(wanted) = resolve(path, place) else {
            violations
                .push(format!("{path}:{line}: link to {target} leaves the tree: link to a file inside it"));
            continue;
        };
        let found = files.iter().find(|(candidate, _)| *candidate == wanted);
        let folder = format!("{wanted}/");
        let exists =
            found.is_some() || wanted.is_empty() || files.iter().any(|(file, _)| file.starts_with(&folder));
        if !exists {
            violations
                .push(format!("{path}:{line}: link to {target}, but there is no {wanted}: correct the link"));
        }
        if let (Some((_, page)), Some(anchor)) = (found, anchor)
            && is_page(&wanted)
            && !anchors(page).contains(anchor)
        {
            violations.push(format!(
                "{path}:{line}: link to {target}, but {wanted} has no such heading: correct it"
            ));
        }
    }
    violations
}

/// Every check has a heading of its own in docs/checks.md, and its id stands in a test.
///
/// `ids` are the checks with the file each stands in, `tests` the text of all tests.
pub(super) fn checks(ids: &[(&str, &str)], documentation: &str, tests: &[&str]) -> Vec<String> {
    if ids.is_empty() {
        return vec![
            "crates/core/src/checks:1: holds no check: one file per check is expected there".to_owned(),
        ];
    }
    let mut violations = Vec::new();
    for (id, path) in ids {
        if !headings(documentation)
            .any(|(_, heading)| heading.replace('`', "").split([' ', ':']).next() == Some(*id))
        {
            violations.push(format!(
                "{path}:1: check `{id}` has no heading in docs/checks.md: run UPDATE_DOCS=1 cargo test"
            ));
        }
        if !tests.iter().any(|test| words(test, id).next().is_some()) {
            violations
                .push(format!("{path}:1: check `{id}` stands in no test: add its table, a row per boundary"));
        }
    }
    violations
}

/// Every example config is named by a test, which loads and judges it.
pub(super) fn examples(paths: &[&str], tests: &[&str]) -> Vec<String> {
    if paths.is_empty() {
        return vec![
            "examples:1: holds no config: a working one per kind of source is expected there".to_owned(),
        ];
    }
    paths
        .iter()
        .filter(|path| {
            let name = path.rsplit('/').next().unwrap_or(path);
            !tests.iter().any(|test| words(test, name).next().is_some())
        })
        .map(|path| {
            format!("{path}:1: no test names this example: add it to the test that loads and judges them")
        })
        .collect()
}

/// Every test that a page names, as `a_sentence_in_backticks`, is there. A page without any is one that proves nothing.
pub(super) fn named_tests(path: &str, text: &str, functions: &BTreeSet<&str>) -> Vec<String> {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    // A test is called a sentence; a key or a field is not.
    let is_sentence = |name: &&str| name.matches('_').count() >= 4 && name.bytes().all(is_word);
    let named = |(line, text): (usize, &'_ str)| {
        let names: Vec<_> =
            text.split('`').skip(1).step_by(2).filter(is_sentence).map(str::to_owned).collect();
        names.into_iter().map(move |name| (line, name))
    };
    let named: Vec<_> = prose(text).flat_map(named).collect();
    if named.is_empty() {
        return vec![format!("{path}:1: names no test: say which test holds what stands here")];
    }
    let missing = named.into_iter().filter(|(_, name)| !functions.contains(name.as_str()));
    missing
        .map(|(line, name)| format!("{path}:{line}: there is no test `{name}`: name the one there is"))
        .collect()
}

/// The lines of a Markdown page outside fenced code, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let fence = line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
        fenced ^= fence;
        (!fenced && !fence).then_some((index + 1, line))
    })
}

fn headings(text: &str) -> impl Iterator<Item = (usize, &str)> {
    prose(text).filter_map(|(line, content)| {
        let heading = content.trim_start_matches('#');
        (heading.len() < content.len() && heading.starts_with(' ')).then_some((line, heading.trim()))
    })
}

/// The targets of inline links, images and link definitions.
fn link_targets(text: &str) -> Vec<(usize, &str)> {
    let mut targets = Vec::new();
    for (line, content) in prose(text) {
        // Parts at odd places stand between backticks: text to be read, not a link.
        let mut at = 0;
        for (index, part) in content.split('`').enumerate() {
            let is_code = index % 2 == 1;
            if !is_code && (part.starts_with("](") || part.contains("](")) {
                for (offset, _) in part.match_indices("](") {
                    let target = &content[at + offset + 2..];
                    let end = target.find([')', ' ']).unwrap_or(target.len());
                    targets.push((line, target[..end].trim_matches(['<', '>'])));
                }
            }
            at += part.len() + 1;
        }
        if let Some((label, target)) = content.trim_start().split_once("]: ")
            && label.starts_with('[')
        {
            targets.push((line, target.split(' ').next().unwrap_or(target).trim_matches(['<', '>'])));
        }
    }
    targets
}

/// The path from the top of the tree that `place` means on the page at `path`; `None` where it leads out of the tree.
fn resolve(path: &str, place: &str) -> Option<String> {
    if place.is_empty() {
        return Some(path.to_owned());
    }
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in place.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

fn is_page(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "md")
}

/// What `#…` may name on a page: its headings as GitHub spells them (lower case, blanks to hyphens, no punctuation,
/// `-1`, `-2` behind a heading that repeats) and every `id="…"`.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for (_, heading) in headings(page) {
        let slug: String = heading
            .to_lowercase()
            .chars()
            .filter(|character| character.is_alphanumeric() || "-_ ".contains(*character))
            .map(|character| if character == ' ' { '-' } else { character })
            .collect();
        let repeated = (1..).map(|count| format!("{slug}-{count}"));
        let free = std::iter::once(slug.clone()).chain(repeated).find(|anchor| !anchors.contains(anchor));
        anchors.extend(free);
    }
    anchors.extend(page.split("id=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned));
    anchors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn starts(violations: &[String], message_start: &str) {
        assert_eq!(violations.len(), 1, "{violations:?}");
        assert!(violations[0].starts_with(message_start), "{violations:?}");
    }

    #[test]
    fn a_missing_or_empty_document_is_caught() {
        let mut files: Vec<(&str, &str)> = NEEDED.into_iter().map(|path| (path, "text")).collect();
        assert_eq!(needed(&files), Vec::<String>::new());
        files[0].1 = "\n";
        starts(&needed(&files), "README.md:1:");
        files.remove(0);
        starts(&needed(&files), "README.md:1:");
    }

    #[test]
    fn a_broken_link_is_caught() {
        let files =
            [("docs/a.md", "# Über `Eins`: zwei\n## Same\n## Same\n<a id=\"here\">"), ("src/b.rs", "")];
        let links_of = |text: &str| links("docs/c.md", text, &files);
        for good in [
            "[x](a.md)",
            "[x](./a.md#same-1) [y](a.md#über-eins-zwei)",
            "[x](a.md#here)",
            "[x](../src) ![y](../src/b.rs \"title\")",
            "[x]: ../src/b.rs",
            "[x](https://example.org/gone) [y](mailto:a@example.org)",
            "`[x](gone.md)` and\n```\n[x](gone.md)\n```",
            "[`x`](a.md)",
        ] {
            assert_eq!(links_of(good), Vec::<String>::new(), "of {good}");
        }
        starts(&links_of("\n[x](gone.md)"), "docs/c.md:2: link to gone.md");
        starts(&links_of("[`x`](gone.md)"), "docs/c.md:1: link to gone.md");
        starts(&links_of("[x](a.md) [y](../docs/gone.md)"), "docs/c.md:1: link to ../docs/gone.md");
        starts(&links_of("[x]: ../gone"), "docs/c.md:1: link to ../gone");
        starts(
            &links_of("[x](a.md#same-2)"),
            "docs/c.md:1: link to a.md#same-2, but docs/a.md has no such heading",
        );
        starts(&links_of("[x](../../a.md)"), "docs/c.md:1: link to ../../a.md leaves the tree");
    }

    #[test]
    fn a_check_without_documentation_or_test_is_caught() {
        let ids = [("quota", "checks/quota.rs")];
        assert_eq!(checks(&ids, "## `quota`: storage\n", &["ask(\"quota\")"]), Vec::<String>::new());
        assert_eq!(checks(&ids, "## quota\n", &["quota::CHECK"]), Vec::<String>::new());
        starts(
            &checks(&ids, "quota\n## quota_level\n```\n# quota\n```\n", &["quota"]),
            "checks/quota.rs:1: check",
        );
        starts(
            &checks(&ids, "# quota", &["quota_level", "a_quota"]),
            "checks/quota.rs:1: check `quota` stands in no",
        );
        starts(&checks(&[], "", &[]), "crates/core/src/checks:1:");
    }

    #[test]
    fn a_test_that_is_named_and_not_there_is_caught() {
        let functions = BTreeSet::from(["a_test_that_is_there", "short_name"]);
        let page = "| x | `a_test_that_is_there` |\n| `local_after` | `a_test_that_is_gone` |\n";
        starts(
            &named_tests("docs/a.md", page, &functions),
            "docs/a.md:2: there is no test `a_test_that_is_gone`",
        );
        starts(&named_tests("docs/a.md", "`local_after`", &functions), "docs/a.md:1: names no test");
        assert!(named_tests("docs/a.md", "`a_test_that_is_there`", &functions).is_empty());
    }

    #[test]
    fn an_example_that_no_test_loads_is_caught() {
        assert_eq!(examples(&["examples/a.toml"], &["load(\"a.toml\")"]), Vec::<String>::new());
        starts(&examples(&["examples/a.toml"], &["load(\"b-a.tom\")", "aa.toml"]), "examples/a.toml:1:");
        starts(&examples(&[], &[]), "examples:1:");
    }
}
