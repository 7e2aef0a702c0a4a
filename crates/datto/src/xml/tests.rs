//! Does the sample of the status feed give the numbers of the original?

use super::*;
use crate::look::Zones;
use jiff::Timestamp;
use lastgood_core::checks;
use lastgood_core::expectation::Expectations;
use lastgood_core::facts::fold;
use lastgood_core::id::SourceId;
use lastgood_core::judge::judge;
use lastgood_core::summary::{Summary, summarize};
use lastgood_core::verdict::Outcome;

const SAMPLE: &[u8] = include_bytes!("../../testdata/datto-status.xml");
const NOW: &str = "2021-06-14T14:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().expect("a valid instant")
}

fn look(now: &str) -> Look {
    let source = SourceId::new("datto-xml").expect("a valid name");
    Look { source, at: at(now), zones: Zones::portal(), keep_details: false }
}

fn count(summary: &Summary<'_>, kind: &str, check: &str) -> u64 {
    let kind = summary.kinds.iter().find(|known| known.kind == kind).expect("a known kind");
    kind.checks.iter().find(|known| known.check.as_str() == check).expect("a check of the kind").bad
}

#[test]
fn the_sample_gives_the_numbers_of_the_original() {
    let facts = fold(vec![parse(SAMPLE, &look(NOW))]);
    let expectations = Expectations::new(checks::thresholds_of, Vec::new());
    let summary = summarize(&facts, &expectations, at(NOW));
    assert_eq!((summary.kinds[0].kind, summary.kinds[0].count), ("appliance", 4));
    assert_eq!((summary.kinds[1].kind, summary.kinds[1].count), ("agent", 5));
    assert_eq!(count(&summary, "appliance", "offline"), 2);
    assert_eq!(count(&summary, "appliance", "reboot_due"), 1);
    assert_eq!(count(&summary, "agent", "unsuccessful"), 2);
    assert_eq!(count(&summary, "agent", "behind_local"), 2);
    assert_eq!(count(&summary, "agent", "behind_offsite"), 3);
    assert_eq!(count(&summary, "appliance", "quota"), 1);
    assert_eq!(summary.space.len(), 4);
    assert_eq!(facts.sources[0].failures, []);
    assert_eq!(judge(&facts, &expectations, at(NOW)).worst(), Outcome::Bad);
}
