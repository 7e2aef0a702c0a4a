//! Is the first command of the README true, and does Prometheus read what it is given?

use std::process::Command;

use rstest::rstest;

use super::{AT, SAMPLE, compare};
use crate::support::binary::{Ran, answer, clean, feed, run, spawn};
use crate::support::packages;

const DEMO_AT: &str = "2026-03-02T12:00:00Z";

#[test]
fn the_demo_shows_both_interfaces_and_ends_well() {
    let ran = run(&["demo", "--at", DEMO_AT]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    for interface in ["datto-xml", "datto-rest"] {
        assert!(ran.stdout.contains(&format!("{interface}/0")), "{interface}: {}", ran.stdout);
    }
    compare("demo", &ran);
}

#[test]
fn the_demo_needs_no_instant() {
    let ran = run(&["demo", "--devices", "3"]);
    assert_eq!(ran.code, 0, "{}", ran.text());
    assert!(ran.stdout.contains("with 3 appliances"), "{}", ran.stdout);
}

#[rstest]
#[tokio::test]
async fn promtool_has_nothing_to_say_about_a_fleet(#[values("check", "summary")] command: &str) {
    let fleet = lastgood_simulator::Fleet::seeded(2014, 12, 5, DEMO_AT.parse().unwrap());
    let portal = lastgood_simulator::Portal::start(fleet, lastgood_simulator::Faults::none()).await.unwrap();
    let source = format!("datto-xml:{}", portal.xml_url().replace(&portal.keys().xml, "{key}"));
    let variables = [("LASTGOOD_DATTO_XML_KEY", portal.keys().xml.as_str())];
    let child = spawn(&[command, &source, "--at", DEMO_AT, "--format", "prometheus"], &variables);
    let ran = answer(child).await;
    assert_eq!(ran.code, 1, "{}", ran.text());
    assert_eq!(promtool(&ran.stdout).text(), "exit 0\n--- stdout\n--- stderr\n");
}

#[rstest]
fn promtool_has_nothing_to_say_about_a_document(
    #[values("check", "summary")] command: &str,
    #[values(SAMPLE, "datto-xml:hostile.xml", "datto-xml:none.xml")] source: &str,
) {
    let ran = run(&[command, source, "--at", AT, "--format", "prometheus"]);
    assert_eq!(promtool(&ran.stdout).text(), "exit 0\n--- stdout\n--- stderr\n");
}

fn promtool(metrics: &str) -> Ran {
    let mut promtool = Command::new(packages::program("promtool"));
    promtool.args(["check", "metrics"]);
    clean(&mut promtool);
    feed(promtool, metrics)
}
