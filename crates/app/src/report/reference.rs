//! What is docs/checks.md made of?
//!
//! The page is generated from the checks themselves, so that it cannot say anything else than the program does.

use std::fmt::Write;

use lastgood_core::checks::{self, Check};
use lastgood_core::observation::Exemption;

const INTRODUCTION: &str = "\
# Checks

<!-- Generated from crates/core/src/checks by `UPDATE_DOCS=1 cargo test -p lastgood`. Change it there. -->

A check is a question with a pure answer: the same facts, thresholds and instant give the same verdict. Instants are
compared as they were stated, to the nanosecond; ages are rounded only for people. The id of a check never changes: it is
the key in the configuration, the value in JSON and CSV, the `check` label of the metrics and the anchor on this page.

A check is asked only where the kind of source can state the fact it needs; elsewhere there is no row. A check of which a
threshold is `off` is not asked.

## What the answers mean

| answer | meaning |
| --- | --- |
| `ok` | What is expected is true, or the subject is exempt; an exemption is always named. |
| `bad` | What is expected is not true. Silence is bad: what never happened, or is not stated readably, is no sign of life. |
| `unknown` | Nothing can be said, neither good nor bad: the place could not be seen, a figure makes no sense, or an instant lies more than 5 minutes in the future. |

`bad` wins over `unknown`, and `unknown` over `ok`: one look at the worst answer never makes a fleet better than it is.

## Thresholds

A threshold is set for everything, per source, per subject or on the command line; the last one wins:
the check's own default, the default of the kind, `[thresholds]` of the configuration, `thresholds` of a source,
what a directory sets for a repository, `[[override]]`, `--set`. `lastgood explain SUBJECT` says which one is in force and who set it. A length of time is written
`90s`, `30min`, `24h` or `7d`, a share `85` or `92.5`, and `off` turns the check off.

";

/// Says what an exemption keeps from being judged. A new exemption has to be described here.
const fn reach(exemption: Exemption) -> &'static str {
    match exemption {
        Exemption::Hidden => {
            "every check of the repository and of its assets; neither is counted in `summary`"
        }
        Exemption::Archived | Exemption::Paused => "every check of the asset",
        Exemption::LocalOnly | Exemption::CloudAppliance => "`behind_offsite`",
        Exemption::NoRunYet => "`unsuccessful` and `unverified`",
        Exemption::NoEndStated => "`service_expiry`",
        Exemption::NoStorageStated | Exemption::NoCapacitySet => "`quota`",
        Exemption::NothingPlanned => "`schedule`",
        Exemption::ClientNotStated | Exemption::NoLeastVersion => "`outdated_client`",
    }
}

/// Returns docs/checks.md: every check with its question, its exact boundary, its thresholds and its remedy.
pub fn checks_reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    for check in checks::ALL {
        section(check, &mut page).expect("a text takes all that is written to it");
    }
    page.push_str("## Exemptions\n\nAn exempt subject is `ok`, and the verdict names the exemption.\n\n");
    page.push_str("| word | meaning | not judged |\n| --- | --- | --- |\n");
    for exemption in Exemption::ALL {
        writeln!(page, "| `{}` | {} | {} |", exemption.as_str(), exemption.explain(), reach(exemption))
            .expect("a text takes all that is written to it");
    }
    page
}

fn section(check: &Check, page: &mut String) -> std::fmt::Result {
    let subjects: Vec<_> = check.subjects.iter().map(|subject| subject.as_str()).collect();
    writeln!(page, "## {}\n", check.id)?;
    writeln!(page, "{}\n", check.question)?;
    writeln!(page, "- **Asked of**: {}", subjects.join(", "))?;
    writeln!(page, "- **Bad when**: {}", check.bad_when)?;
    writeln!(page, "- **What to do**: {}\n", check.remedy)?;
    if check.thresholds.is_empty() {
        return Ok(());
    }
    writeln!(page, "| threshold | default | meaning |\n| --- | --- | --- |")?;
    for threshold in check.thresholds {
        let default = threshold.show(threshold.default);
        writeln!(page, "| `{}` | {default} | {} |", threshold.name, threshold.meaning)?;
    }
    writeln!(page)
}
