//! What do two programs say about the runs of the same jobs, and where do they differ?
//!
//! Reads the lines that `load_bot --firings` and `original.py` write. A run may lack on one side only if that side itself
//! reports that it left it out; a run for another interval, or in another second, is a difference.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// One run.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Run {
    /// The intervals that caused it, the shortest first.
    intervals: Vec<i64>,
    /// How many firings before it have no run of their own, as it stands for them.
    missed_count: usize,
}

/// What a program says about one job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Job {
    /// By the second each was scheduled for.
    runs: BTreeMap<i64, Run>,
    /// Seconds whose runs were left out, as it reports.
    missed: Vec<RangeInclusive<i64>>,
    /// The first and the last second in which it may have been created.
    created: Option<(i64, i64)>,
}

/// What a program says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Firings {
    jobs: BTreeMap<String, Job>,
    /// The first second with all jobs.
    listed: i64,
    /// The last second with all jobs.
    ended: i64,
}

impl Firings {
    /// Reads the lines of a program; `Err` is a line that says something else.
    pub(super) fn parse(text: &str) -> Result<Self, &str> {
        let mut firings = Self::default();
        for line in text.lines() {
            firings.parse_line(line).ok_or(line)?;
        }
        if firings.listed < firings.ended { Ok(firings) } else { Err("neither listed nor ended") }
    }

    fn parse_line(&mut self, line: &str) -> Option<()> {
        let mut words = line.splitn(4, ' ');
        let (verb, second) = (words.next()?, words.next()?.parse().ok()?);
        match verb {
            "listed" => self.listed = second,
            "ended" => self.ended = second,
            "ran" | "missed" | "late" | "created" => {
                let job = self.jobs.entry(words.next()?.to_owned()).or_default();
                return job.parse_rest(verb, second, words.next().unwrap_or_default());
            }
            _ => return None,
        }
        Some(())
    }
}

impl Job {
    fn parse_rest(&mut self, verb: &str, second: i64, rest: &str) -> Option<()> {
        match verb {
            "missed" => self.missed.push(second..=second),
            // Taken out late: what fell due since was never planned.
            "late" => self.missed.push(second + 1..=rest.parse().ok()?),
            "created" => self.created = Some((second, rest.parse().ok()?)),
            _ => {
                let (intervals, missed_count) = rest.strip_prefix('[')?.split_once("] ")?;
                let intervals: Result<_, _> = intervals.split(", ").map(str::parse).collect();
                let run = Run { intervals: intervals.ok()?, missed_count: missed_count.parse().ok()? };
                // One second has one run.
                return if self.runs.insert(second, run).is_none() { Some(()) } else { None };
            }
        }
        Some(())
    }

    /// The same with every second counted from `zero`.
    fn since(&self, zero: i64) -> Self {
        let missed = self.missed.iter().map(|range| range.start() - zero..=range.end() - zero);
        Self {
            runs: self.runs.iter().map(|(second, run)| (second - zero, run.clone())).collect(),
            missed: missed.collect(),
            created: None,
        }
    }

    /// The run that stands for this second and for others, if one does, with all it may stand for.
    fn coalesced(&self, second: i64) -> Option<(RangeInclusive<i64>, &Run)> {
        let (last, run) = self.runs.range(second..).next().filter(|(_, run)| run.missed_count > 0)?;
        let before = self.runs.range(..second).next_back().map_or(i64::MIN, |(before, _)| before + 1);
        Some((before..=*last, run))
    }

    /// Whether another's run of these intervals is one of those that a run of this job says it stands for.
    fn stands_for(&self, second: i64, other: &Self) -> bool {
        self.coalesced(second).is_some_and(|(range, run)| {
            let others = || other.runs.range(range.clone()).map(|(_, run)| run);
            others().count() <= run.missed_count + 1
                && others().flat_map(|run| &run.intervals).all(|interval| run.intervals.contains(interval))
        })
    }

    fn is_reported(&self, second: i64) -> bool {
        self.missed.iter().any(|range| range.contains(&second))
    }
}

/// Where two programs differ.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    /// Each that must not be, in words.
    pub(super) differences: Vec<String>,
    /// Firings that one side has and the other reports as missed.
    pub(super) reported_count: usize,
    /// Equal runs by job.
    equal: BTreeMap<String, usize>,
}

impl Comparison {
    /// Compares these jobs in the seconds that both programs saw; those that are aligned to their creation (`true`), in
    /// the seconds since then.
    pub(super) fn of(original: &Firings, ours: &Firings, jobs: &[(String, bool)]) -> Self {
        let mut comparison = Self::default();
        for (name, is_aligned_to_creation) in jobs {
            let none = Job::default();
            let sides = [original, ours].map(|side| side.jobs.get(name).unwrap_or(&none));
            comparison.equal.insert(name.clone(), 0);
            if *is_aligned_to_creation {
                comparison.compare_since_creation(name, sides, [original.ended, ours.ended]);
            } else {
                let window = original.listed.max(ours.listed)..=original.ended.min(ours.ended);
                comparison.compare(name, sides, window);
            }
        }
        let known: BTreeSet<&String> = jobs.iter().map(|(name, _)| name).collect();
        let unknown = [original, ours].into_iter().flat_map(|side| side.jobs.keys());
        let unknown =
            unknown.filter(|name| !known.contains(name)).map(|name| format!("{name}: nobody's job"));
        comparison.differences.extend(unknown);
        comparison
    }

    /// How many runs are equal.
    pub(super) fn equal_count(&self) -> usize {
        self.equal.values().sum()
    }

    /// Whether enough was seen: two runs of every job, and more runs than were missed.
    pub(super) fn is_telling(&self) -> bool {
        self.equal.values().all(|count| *count >= 2) && self.equal_count() > self.reported_count
    }

    /// Compares a job by the seconds since it was created on either side, from before its creation on. Where a side knows
    /// that only up to a second or two, one of them must fit.
    fn compare_since_creation(&mut self, name: &str, [original, ours]: [&Job; 2], ended: [i64; 2]) {
        let (Some((zero, _)), Some((first, last))) = (original.created, ours.created) else {
            self.differences.push(format!("{name}: one side has not created it"));
            return;
        };
        let attempts = (first..=last).map(|ours_zero| {
            let mut attempt = Self::default();
            let window = i64::MIN..=(ended[0] - zero).min(ended[1] - ours_zero);
            attempt.compare(name, [&original.since(zero), &ours.since(ours_zero)], window);
            attempt
        });
        let best = attempts.min_by_key(|attempt| attempt.differences.len()).unwrap_or_default();
        *self.equal.entry(name.to_owned()).or_default() += best.equal_count();
        self.differences.extend(best.differences);
        self.reported_count += best.reported_count;
    }

    fn compare(&mut self, name: &str, [original, ours]: [&Job; 2], window: RangeInclusive<i64>) {
        let seconds: BTreeSet<i64> = original
            .runs
            .range(window.clone())
            .chain(ours.runs.range(window))
            .map(|(second, _)| *second)
            .collect();
        for second in seconds {
            let runs = [original.runs.get(&second), ours.runs.get(&second)];
            let is_equal = runs[0] == runs[1];
            let is_reported = match runs {
                [Some(_), _] => ours.stands_for(second, original),
                [None, _] => original.is_reported(second),
            };
            if is_equal {
                *self.equal.entry(name.to_owned()).or_default() += 1;
            } else if is_reported {
                self.reported_count += 1;
            } else {
                let [theirs, own] = runs.map(|run| run.map(|run| &run.intervals));
                self.differences.push(format!("{name} in {second}: the original {theirs:?}, ours {own:?}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// The differences of the job `a`, whose lines are given without it, and how many runs were reported as missed.
    fn compared(original: &str, ours: &str, is_aligned_to_creation: bool) -> (usize, usize) {
        let [original, ours] =
            [original, ours].map(|lines| Firings::parse(&lines.replace("\n\n", "\n")).expect("known lines"));
        let comparison = Comparison::of(&original, &ours, &[("a".to_owned(), is_aligned_to_creation)]);
        (comparison.differences.len(), comparison.reported_count)
    }

    #[rstest]
    #[case::equal("ran 4 a [2] 0\nran 6 a [2, 3] 0", (0, 0))]
    #[case::another_interval("ran 4 a [2] 0\nran 6 a [2] 0", (1, 0))]
    #[case::another_second("ran 5 a [2] 0\nran 6 a [2, 3] 0", (2, 0))]
    #[case::one_less("ran 4 a [2] 0", (1, 0))]
    #[case::one_more("ran 4 a [2] 0\nran 6 a [2, 3] 0\nran 8 a [2] 0", (1, 0))]
    #[case::another_job("ran 4 a [2] 0\nran 6 a [2, 3] 0\nran 4 b [2] 0", (1, 0))]
    #[case::nothing("", (2, 0))]
    #[case::one_coalesced_into_the_next("ran 6 a [2, 3] 1", (0, 2))]
    #[case::one_coalesced_and_more_said("ran 6 a [2, 3] 5", (0, 2))]
    #[case::a_later_one_that_stands_for_none("ran 8 a [2, 3] 0", (3, 0))]
    #[case::one_coalesced_and_its_interval_forgotten("ran 6 a [3] 1", (2, 0))]
    #[case::outside_of_what_both_saw("ran 2 a [2] 0\nran 4 a [2] 0\nran 6 a [2, 3] 0\nran 10 a [2] 0", (0, 0))]
    fn what_ours_runs_must_be_what_the_original_runs(#[case] ours: &str, #[case] expected: (usize, usize)) {
        let original = "listed 1\nran 4 a [2] 0\nran 6 a [2, 3] 0\nended 9";
        assert_eq!(compared(original, &format!("listed 3\n{ours}\nended 12"), false), expected);
    }

    #[rstest]
    #[case::missed("ran 4 a [2] 0\nmissed 6 a", (0, 1))]
    #[case::missed_in_another_second("ran 4 a [2] 0\nmissed 5 a", (1, 0))]
    #[case::missed_by_another_job("ran 4 a [2] 0\nmissed 6 b", (2, 0))]
    #[case::planned_on_from_later("ran 4 a [2] 0\nlate 4 a 6", (0, 1))]
    #[case::planned_on_from_a_little_later("ran 4 a [2] 0\nlate 4 a 5", (1, 0))]
    #[case::late_is_no_reason_not_to_run("late 4 a 5\nran 6 a [2, 3] 0", (1, 0))]
    fn what_the_original_reports_as_missed_may_lack(
        #[case] original: &str,
        #[case] expected: (usize, usize),
    ) {
        let ours = "listed 1\nran 4 a [2] 0\nran 6 a [2, 3] 0\nended 9";
        assert_eq!(compared(&format!("listed 3\n{original}\nended 12"), ours, false), expected);
    }

    #[rstest]
    #[case::later("created 13 a 13\nran 15 a [2] 0\nran 16 a [3] 0", (0, 0))]
    #[case::in_one_of_two_seconds("created 12 a 13\nran 15 a [2] 0\nran 16 a [3] 0", (0, 0))]
    #[case::in_neither("created 13 a 14\nran 14 a [2] 0\nran 15 a [3] 0", (3, 0))]
    #[case::at_once("created 13 a 13\nran 13 a [2, 3] 0\nran 15 a [2] 0\nran 16 a [3] 0", (1, 0))]
    #[case::unknown("ran 15 a [2] 0\nran 16 a [3] 0", (1, 0))]
    fn jobs_aligned_to_their_creation_are_compared_since_then(
        #[case] ours: &str,
        #[case] expected: (usize, usize),
    ) {
        let original = "created 3 a 3\nlisted 4\nran 5 a [2] 0\nran 6 a [3] 0\nran 7 a [2] 0\nended 7";
        assert_eq!(compared(original, &format!("{ours}\nlisted 14\nended 16"), true), expected);
    }

    #[test]
    fn a_line_that_says_something_else_is_an_error() {
        for line in
            ["failed a", "ran x a [1] 0", "ran 5 a [] 0", "ran 5 a [1]", "ran 5 a [1] 0\nran 5 a [1] 0"]
        {
            assert!(Firings::parse(&format!("listed 1\n{line}\nended 9")).is_err(), "{line}");
        }
        assert!(Firings::parse("listed 1").is_err());
    }

    #[test]
    fn a_comparison_of_little_tells_nothing() {
        let [lines, few] = ["ran 4 a [2] 0\nran 6 a [2] 0", "ran 4 a [2] 0\nmissed 6 a"]
            .map(|lines| Firings::parse(&format!("listed 1\n{lines}\nended 9")).expect("known lines"));
        let jobs = [("a".to_owned(), false)];
        assert!(Comparison::of(&lines, &lines, &jobs).is_telling());
        assert!(!Comparison::of(&few, &lines, &jobs).is_telling());
    }
}
