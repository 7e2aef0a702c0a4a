//! Under which paths are numbers published, and what does each mean?
//!
//! One static per path; the table in docs/grafolean.md is made of them, and nothing is published under any other. Knows
//! no number.

use std::fmt::Write;

/// A path below the prefix of a source, such as `repository.<repository>.used_bytes`.
#[derive(Debug, PartialEq, Eq)]
pub struct Path {
    /// The path; a segment in angle brackets stands for a name.
    pub template: &'static str,
    /// What the number is.
    pub meaning: &'static str,
    /// When it is published; at any other look the path gets no value.
    pub when: &'static str,
}

impl Path {
    /// Puts segments in the places of the names, in their order.
    pub(super) fn fill(&self, prefix: &str, segments: &[&str]) -> String {
        let mut path = String::with_capacity(prefix.len() + 1 + self.template.len());
        path.push_str(prefix);
        let mut segments = segments.iter();
        for part in self.template.split('.') {
            path.push('.');
            let is_name = part.starts_with('<');
            path.push_str(if is_name { segments.next().unwrap_or(&part) } else { part });
        }
        path
    }
}

const ALWAYS: &str = "always";
const SEEN: &str = "complete and partial looks";
const COUNTED: &str = "complete looks; of other looks only above 0";

pub(super) static LOOK_OK: Path = Path {
    template: "look.ok",
    meaning: "1 if all of the source was seen, 0 if it could not be opened, a part of it was not seen, or it holds nothing",
    when: ALWAYS,
};
pub(super) static LOOK_PARTIAL: Path = Path {
    template: "look.partial",
    meaning: "1 if only a part of the source was seen, or it holds nothing",
    when: ALWAYS,
};
pub(super) static LOOK_FAILURES: Path =
    Path { template: "look.failures", meaning: "how many things could not be seen", when: ALWAYS };
pub(super) static LOOK_DURATION: Path = Path {
    template: "look.duration_seconds",
    meaning: "how long the look took",
    when: "by `lastgood bot`, if the source could be opened",
};
pub(super) static LOOK_UNPUBLISHED: Path = Path {
    template: "look.unpublished",
    meaning: "how many values were left out because there were more than 50 000",
    when: ALWAYS,
};
pub(super) static REPOSITORIES: Path =
    Path { template: "repositories", meaning: "how many repositories were seen", when: SEEN };
pub(super) static ASSETS: Path =
    Path { template: "assets", meaning: "how many assets were seen", when: SEEN };
pub(super) static CHECK_BAD: Path = Path {
    template: "check.<check>.bad",
    meaning: "how many subjects are bad for this check",
    when: COUNTED,
};
pub(super) static CHECK_UNKNOWN: Path = Path {
    template: "check.<check>.unknown",
    meaning: "how many subjects are unknown for this check",
    when: COUNTED,
};
pub(super) static REPOSITORY_BAD: Path = Path {
    template: "repository.<repository>.bad",
    meaning: "how many of its own checks are bad",
    when: SEEN,
};
pub(super) static REPOSITORY_UNKNOWN: Path = Path {
    template: "repository.<repository>.unknown",
    meaning: "how many of its own checks are unknown",
    when: SEEN,
};
pub(super) static REPOSITORY_LAST_SEEN: Path = Path {
    template: "repository.<repository>.last_seen_age_seconds",
    meaning: "how long ago it last spoke to its portal",
    when: "where the source states it",
};
pub(super) static REPOSITORY_USED: Path = Path {
    template: "repository.<repository>.used_bytes",
    meaning: "what is used",
    when: "where the source states it; restic and borg once a day",
};
pub(super) static REPOSITORY_FREE: Path = Path {
    template: "repository.<repository>.free_bytes",
    meaning: "what is free",
    when: "where the source states it",
};
pub(super) static REPOSITORY_CAPACITY: Path = Path {
    template: "repository.<repository>.capacity_bytes",
    meaning: "what may be used: as stated, else used and free together",
    when: "where the source states it",
};
pub(super) static ASSET_BAD: Path = Path {
    template: "repository.<repository>.asset.<asset>.bad",
    meaning: "how many of its checks are bad",
    when: SEEN,
};
pub(super) static ASSET_UNKNOWN: Path = Path {
    template: "repository.<repository>.asset.<asset>.unknown",
    meaning: "how many of its checks are unknown",
    when: SEEN,
};
pub(super) static ASSET_LAST_GOOD: Path = Path {
    template: "repository.<repository>.asset.<asset>.last_good_age_seconds",
    meaning: "how old the last good backup is",
    when: "where its date is stated and not ahead of now; never and unreadable have no age",
};
pub(super) static ASSET_LAST_OFFSITE: Path = Path {
    template: "repository.<repository>.asset.<asset>.last_offsite_age_seconds",
    meaning: "how old the last offsite copy is",
    when: "where its date is stated and not ahead of now; never and unreadable have no age",
};
pub(super) static ASSET_FAILED: Path = Path {
    template: "repository.<repository>.asset.<asset>.failed",
    meaning: "1 if the newest finished run failed, 0 if it ended well",
    when: "where the source states a run",
};

/// Every path, in the order of the documentation.
pub static ALL: [&Path; 20] = [
    &LOOK_OK,
    &LOOK_PARTIAL,
    &LOOK_FAILURES,
    &LOOK_DURATION,
    &LOOK_UNPUBLISHED,
    &REPOSITORIES,
    &ASSETS,
    &CHECK_BAD,
    &CHECK_UNKNOWN,
    &REPOSITORY_BAD,
    &REPOSITORY_UNKNOWN,
    &REPOSITORY_LAST_SEEN,
    &REPOSITORY_USED,
    &REPOSITORY_FREE,
    &REPOSITORY_CAPACITY,
    &ASSET_BAD,
    &ASSET_UNKNOWN,
    &ASSET_LAST_GOOD,
    &ASSET_LAST_OFFSITE,
    &ASSET_FAILED,
];

/// Returns the table of docs/grafolean.md.
pub fn table() -> String {
    let mut table = "| path | meaning | when |\n| --- | --- | --- |\n".to_owned();
    for Path { template, meaning, when } in ALL {
        writeln!(table, "| `{template}` | {meaning} | {when} |")
            .expect("a text takes all that is written to it");
    }
    table
}
