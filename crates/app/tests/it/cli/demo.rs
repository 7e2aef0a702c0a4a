//! Is the first command of the README true, and does Prometheus read what it is given?

use std::process::{Command, Stdio};
use std::time::Duration;

use rstest::rstest;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use super::{AT, SAMPLE, compare};
use crate::support::binary::{Ran, answer, clean, feed, program, run, spawn};
use crate::support::packages;

const DEMO_AT: &str = "2026-03-02T12:00:00Z";

/// How long the demonstration may take: it takes a minute where nothing else runs.
const PATIENCE: Duration = Duration::from_mins(10);

/// How often it is looked for what comes to pass.
const GLANCE: Duration = Duration::from_millis(1);

/// A demonstration under way, whose files can be found.
struct Demo {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    folder: tempfile::TempDir,
    said: String,
}

impl Demo {
    fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = program(arguments);
        command.env("TMPDIR", folder.path()).stdout(Stdio::piped());
        let mut child = tokio::process::Command::from(command).kill_on_drop(true).spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Self { child, lines, folder, said: String::new() }
    }

    /// Reads until a line holds this; without one to the end.
    async fn read_until(&mut self, words: &str) {
        let reading = async {
            while let Some(line) = self.lines.next_line().await.expect("it can be read") {
                self.said.push_str(&line);
                self.said.push('\n');
                if line.contains(words) {
                    break;
                }
            }
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("the demonstration goes on");
    }

    fn file_count(&self) -> usize {
        std::fs::read_dir(self.folder.path()).expect("the folder").count()
    }

    /// Expects that it ends well and that nothing of it is left, neither files nor a program that was told of one.
    async fn end(&mut self) {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status = ended.expect("the demonstration ends").expect("it can be waited for");
        assert_eq!(status.code(), Some(0), "{}", self.said);
        assert_eq!(self.file_count(), 0, "{}", self.said);
        assert_eq!(self.program_count(), 0, "{}", self.said);
    }

    /// How many programs run with a file of its folder on their command line.
    fn program_count(&self) -> usize {
        let folder = self.folder.path().to_str().expect("UTF-8");
        let all = std::fs::read_dir("/proc").expect("there are processes").flatten();
        let lines = all.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
        lines.filter(|line| String::from_utf8_lossy(line).contains(folder)).count()
    }

    /// Sends it the signal of Ctrl-C.
    fn interrupt(&self) {
        // One that has ended already has no number any more.
        let Some(id) = self.child.id().map(|id| id.to_string()) else { return };
        let told = Command::new("sh").args(["-c", "kill -INT \"$0\"", &id]).status().expect("a shell");
        assert!(told.success());
    }
}

#[tokio::test]
async fn the_demo_mails_what_breaks_and_what_is_well_again_and_leaves_nothing_behind() {
    packages::program("restic");
    let mut demo = Demo::start(&["demo", "--devices", "3"]);
    demo.read_until("the demonstration has no such line").await;
    demo.end().await;
    let said = &demo.said;
    for words in [
        "look at files: everything was seen",
        "| To: operator@msp.example",
        "| To: anna@customer.example",
        "| Subject: BAD jobs/pings/nightly-db: unsuccessful",
        "| Subject: OVER jobs/pings/nightly-db: unsuccessful",
        "| Subject: BAD portal: visibility",
        "| Subject: OVER portal: visibility",
        "): offline (5 agents affected)",
        ": ok again",
        "/act/",
        // Of the stoney backup server: before it is watched, then to the customer, to the person, to the reseller.
        "BAD     stoney/3723709 (Neu GmbH)",
        "stoney/3723709        never_used       nobackup  reseller  support@reseller.example  yes",
        "look at stoney: everything was seen",
        "| To: it@muster.example",
        "| Subject: Problem: Speicherplatz fast voll: Konto 3723707 (Muster AG)",
        "| VORBEI: Speicherplatz fast voll",
        "| To: petra@beispiel.example",
        "| Subject: Problem: Backup failed: Computer laptop, account 3723708",
        "| OVER: Backup failed",
        "| To: support@reseller.example",
        "| PROBLEM: Backup never used",
        "| PROBLEM: Backup program out of date",
    ] {
        assert!(said.contains(words), "no `{words}` in:\n{said}");
    }
    for to in ["it@muster.example", "petra@beispiel.example", "support@reseller.example"] {
        let from = format!("| From: \"Reseller Backup\" <backup@reseller.example>\n       | To: {to}\n");
        assert!(said.contains(&from), "{to} is told by somebody else:\n{said}");
    }
    let over = said.rfind("| Subject: OVER portal/").expect("the last incident is over");
    assert!(said[over..].contains("That is all:"), "{said}");
}

#[tokio::test]
async fn a_demo_that_stays_is_a_daemon_and_ends_at_a_signal_without_a_trace() {
    let mut demo = Demo::start(&["demo", "--stay", "--devices", "1"]);
    demo.read_until("Its status page: ").await;
    // Its own folder and that of slapd, which is told of it.
    assert_eq!((demo.file_count(), demo.program_count()), (2, 1), "{}", demo.said);
    let url = demo.said.split("Its status page: ").nth(1).unwrap().trim();
    // Another test of this process may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let page = reqwest::Client::builder().no_proxy().build().unwrap().get(url).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("Open incidents"));
    demo.interrupt();
    demo.end().await;
}

#[rstest]
#[case::before_its_world_stands(&["demo", "--devices", "1"], "A simulated Datto portal")]
#[case::while_it_looks(&["demo", "--devices", "1"], "$ lastgood check --only bad stoney")]
#[case::when_slapd_starts(&["demo", "--quick"], "What arrived there:")]
#[case::after_a_quick_look(&["demo", "--quick"], "A stoney backup server")]
#[tokio::test]
async fn a_demo_that_is_interrupted_leaves_nothing_behind(#[case] arguments: &[&str], #[case] words: &str) {
    let mut demo = Demo::start(arguments);
    demo.read_until(words).await;
    if arguments.contains(&"--quick") {
        // Until there is something on the disk a signal ends it at once, as it does every command.
        while demo.file_count() == 0 && demo.child.try_wait().expect("our own child").is_none() {
            tokio::time::sleep(GLANCE).await;
        }
    }
    demo.interrupt();
    demo.end().await;
}

#[test]
fn a_quick_demo_shows_both_interfaces_and_ends_well() {
    let ran = run(&["demo", "--quick", "--at", DEMO_AT]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    for interface in ["datto-xml", "datto-rest"] {
        assert!(ran.stdout.contains(&format!("{interface}/0")), "{interface}: {}", ran.stdout);
    }
    compare("demo", &ran);
}

#[test]
fn a_quick_demo_needs_no_instant() {
    let ran = run(&["demo", "--quick", "--devices", "3"]);
    assert_eq!(ran.code, 0, "{}", ran.text());
    assert!(ran.stdout.contains("with 3 appliances"), "{}", ran.stdout);
}

#[test]
fn the_configuration_of_the_demo_is_a_valid_one() {
    let ran = run(&["demo", "--show-config"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("lastgood.toml");
    std::fs::write(&file, ran.stdout).unwrap();
    for secret in ["portal.key", "restic.password", "links.key"] {
        std::fs::write(folder.path().join(secret), "0".repeat(36)).unwrap();
    }
    let checked = run(&["config", "check", "--config", file.to_str().unwrap()]);
    assert_eq!(checked.code, 0, "{}", checked.text());
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
