//! Does the program meet a portal that is there, one that is not, and one that lies, as it promises? Within its deadline,
//! in bounded memory, with a remedy, without showing a key, and never with an all-ok fleet that it did not see.

use std::fmt::Write;
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use lastgood_simulator::{ClosedPort, Fault, Faults, Filler, Fleet, ListShape, Portal, Scope};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Child;

use crate::support::binary::{Ran, answer, spawn, testdata};
use crate::support::http;

const AT: &str = "2026-03-02T12:00:00Z";

const XML_KEY: &str = "0simulator0invented0xml0key00001";
const PUBLIC_KEY: &str = "simpub";
const SECRET_KEY: &str = "simulator-invented-secret";

/// What no output may hold: the keys, and the secret one as it is sent.
const SECRETS: [&str; 3] = [XML_KEY, SECRET_KEY, "c2ltcHViOnNpbXVsYXRvci1pbnZlbnRlZC1zZWNyZXQ="];

/// A deadline that nothing but a portal that hangs can reach.
const AMPLE: u64 = 60;

/// A deadline for a portal that hangs.
const SHORT: u64 = 2;

/// The same where the machine stalled, so that the short one came before what must come before it. Shorter than the 35
/// seconds for which a request that is refused for the moment is sent again.
const LONG: u64 = 25;

/// What starting and ending the program may take besides its deadline, on a machine that is busy.
const SLACK: Duration = Duration::from_mins(2);

/// The most memory a look may take, in KiB.
const MEMORY_MAX_KIB: u64 = 200 * 1024;

/// The two ways to ask a portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interface {
    Feed,
    Rest,
}

const INTERFACES: [Interface; 2] = [Interface::Feed, Interface::Rest];

impl Interface {
    fn scope(self) -> Scope {
        match self {
            Self::Feed => Scope::Feeds,
            Self::Rest => Scope::Rest,
        }
    }
}

/// A configuration with one source at a portal, and the folder it lives in.
struct Setup {
    folder: TempDir,
    deadline: u64,
}

impl Setup {
    /// Writes the configuration; the secret lies in a file of its own.
    fn new(interface: Interface, url: &str, deadline: u64) -> Self {
        let secret = match interface {
            Interface::Feed => XML_KEY,
            Interface::Rest => SECRET_KEY,
        };
        Self::with_secret(interface, url, deadline, secret)
    }

    fn with_secret(interface: Interface, url: &str, deadline: u64, secret: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let source = match interface {
            Interface::Feed => {
                format!("kind = 'datto-xml'\nlocation = '{url}/external/api/xml/status/{{key}}'\n")
            }
            Interface::Rest => format!(
                "kind = 'datto-rest'\nlocation = '{url}/v1'\npublic_key = '{PUBLIC_KEY}'\nrequests_per_minute = 6000\n"
            ),
        };
        let text = format!("[[source]]\n{source}secret_file = 'key'\ndeadline = '{deadline}s'\n");
        std::fs::write(folder.path().join("config.toml"), text).expect("a writable folder");
        std::fs::write(folder.path().join("key"), secret).expect("a writable folder");
        Self { folder, deadline }
    }

    /// Starts the program with everything said that it can say.
    fn start(&self, arguments: &[&str]) -> Child {
        let config = self.folder.path().join("config.toml");
        let config = ["--config", config.to_str().expect("a path in UTF-8")];
        spawn(&[arguments, &config].concat(), &[("LASTGOOD_LOG", "trace")])
    }

    /// Runs the program until its deadline; whatever it says holds no secret.
    async fn run(&self, arguments: &[&str]) -> Ran {
        let patience = Duration::from_secs(self.deadline) + SLACK;
        let ended = tokio::time::timeout(patience, answer(self.start(arguments))).await;
        let ran =
            ended.unwrap_or_else(|_| panic!("{arguments:?} missed its deadline of {} s", self.deadline));
        assert_no_secret(&ran);
        ran
    }

    async fn check(&self) -> Ran {
        self.run(&["check", "--at", AT]).await
    }
}

#[track_caller]
fn assert_no_secret(ran: &Ran) {
    for secret in SECRETS {
        assert!(!ran.stdout.contains(secret), "a key on standard output: {}", ran.stdout);
        assert!(!ran.stderr.contains(secret), "a key on standard error: {}", ran.stderr);
    }
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
}

/// A fleet in which every check of every subject is ok.
fn healthy() -> Fleet {
    let at: Timestamp = AT.parse().expect("an instant");
    let mut fleet = Fleet::seeded(7, 40, 3, at);
    fleet.devices.retain(|device| device.traits.is_empty());
    for device in &mut fleet.devices {
        device.assets.retain(|asset| asset.traits.is_empty());
    }
    fleet.devices.truncate(6);
    assert_eq!(fleet.devices.len(), 6);
    fleet
}

async fn portal(faults: Faults) -> Portal {
    Portal::start(healthy(), faults).await.expect("a portal on loopback")
}

/// Looks once at a portal with a fault.
async fn meet(interface: Interface, fault: Fault, deadline: u64) -> Ran {
    let portal = portal(Faults::none().with(interface.scope(), fault)).await;
    let ran = Setup::new(interface, &portal.url(), deadline).check().await;
    assert_eq!(portal.request_count_below(Portal::OUTER_ENTITY_PATH), 0, "an outer entity was asked for");
    assert!(portal.methods().iter().all(|method| method == "GET"), "{:?}", portal.methods());
    ran
}

/// What a table says of looks: all from `could not see` on.
fn failures(ran: &Ran) -> &str {
    let start = ran.stdout.find("could not see").unwrap_or_else(|| panic!("nothing is said: {}", ran.text()));
    &ran.stdout[start..]
}

fn compare(name: &str, text: &str) {
    insta::with_settings!({
        filters => vec![(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT")],
        omit_expression => true,
        prepend_module_to_snapshot => false,
        snapshot_path => "portal",
    }, {
        insta::assert_snapshot!(name, text);
    });
}

/// What ends the look at a portal with a fault.
#[derive(Clone, Copy)]
enum Ends {
    /// What the portal answers.
    Answered,
    /// The deadline, after the program met what it then tells with these words.
    AtDeadline(&'static str),
}

/// Each fault that leaves nothing, or only a part, to be judged, and what ends the look: the API is asked again and again
/// where it refuses for the moment.
fn faults(interface: Interface) -> Vec<(&'static str, Fault, Ends)> {
    use Ends::{Answered, AtDeadline};
    let refused = |words| match interface {
        Interface::Feed => Answered,
        Interface::Rest => AtDeadline(words),
    };
    let [silent, slow] = match interface {
        Interface::Feed => ["did not answer within", "did not finish its answer within"],
        Interface::Rest => ["was not read within"; 2],
    };
    vec![
        ("401", Fault::Unauthorized, Answered),
        ("403", Fault::Forbidden, Answered),
        ("404", Fault::NotFound, Answered),
        (
            "429 for longer than we wait",
            Fault::TooManyRequests { retry_after: Some("9999".to_owned()) },
            refused("answered 429"),
        ),
        ("500", Fault::InternalError, Answered),
        ("503", Fault::Unavailable, refused("answered 503")),
        ("a login page with status 200", Fault::LoginPage, Answered),
        ("a redirect to a login page", Fault::RedirectToLogin, Answered),
        ("an empty body", Fault::EmptyBody, Answered),
        ("an error document with status 200", Fault::ErrorObject, Answered),
        ("a DTD", Fault::Dtd, Answered),
        ("nested entities", Fault::NestedEntities, Answered),
        ("a body cut short at once", Fault::CutShort { at: 0 }, Answered),
        ("a body cut short", Fault::CutShort { at: 60 }, Answered),
        ("a body cut cleanly", Fault::CutCleanly { at: 60 }, Answered),
        ("no answer", Fault::NeverAnswer, AtDeadline(silent)),
        ("a slow answer", Fault::Drip { bytes: 20, pause: Duration::from_mins(2) }, AtDeadline(slow)),
    ]
}

/// What the program tells of each fault; a deadline is told as the short one.
async fn told(interface: Interface) -> String {
    let looks = faults(interface).into_iter().map(|(name, fault, ends)| async move {
        let ran = match ends {
            Ends::Answered => meet(interface, fault, AMPLE).await,
            Ends::AtDeadline(words) => {
                let ran = meet(interface, fault.clone(), SHORT).await;
                if ran.stdout.contains(words) { ran } else { meet(interface, fault, LONG).await }
            }
        };
        assert_eq!(ran.code, 2, "{name}: {}", ran.text());
        (name, ran)
    });
    let mut text = String::new();
    for (name, ran) in futures::stream::iter(looks).buffered(3).collect::<Vec<_>>().await {
        let failures = failures(&ran).replace(&format!("within {LONG} s"), &format!("within {SHORT} s"));
        writeln!(text, "== {name}: exit {}\n{failures}", ran.code).expect("a String takes all text");
    }
    text
}

#[tokio::test]
async fn every_fault_of_a_feed_is_told_with_a_remedy_and_never_all_ok() {
    compare("faults_of_a_feed", &told(Interface::Feed).await);
}

#[tokio::test]
async fn every_fault_of_the_api_is_told_with_a_remedy_and_never_all_ok() {
    compare("faults_of_the_api", &told(Interface::Rest).await);
}

#[tokio::test]
async fn nobody_there_is_told_with_a_remedy() {
    let mut text = String::new();
    for interface in INTERFACES {
        let closed = ClosedPort::reserve().unwrap();
        let ran = Setup::new(interface, &closed.url(), AMPLE).check().await;
        assert_eq!(ran.code, 2, "{}", ran.text());
        writeln!(text, "== {interface:?}\n{}", failures(&ran)).unwrap();
    }
    compare("nobody_there", &text);
}

#[tokio::test]
async fn a_wrong_key_is_told_with_a_remedy() {
    let mut text = String::new();
    for interface in INTERFACES {
        let portal = portal(Faults::none()).await;
        let ran = Setup::with_secret(interface, &portal.url(), AMPLE, "not-the-right-key").check().await;
        assert_eq!(ran.code, 2, "{}", ran.text());
        assert!(!ran.text().contains("not-the-right-key"), "{}", ran.text());
        writeln!(text, "== {interface:?}\n{}", failures(&ran)).unwrap();
    }
    compare("wrong_key", &text);
}

#[tokio::test]
async fn a_healthy_portal_is_all_ok_however_it_packs_its_answers() {
    let drip = Fault::Drip { bytes: 1000, pause: Duration::from_millis(1) };
    for interface in INTERFACES {
        for fault in [None, Some(Fault::Gzip), Some(Fault::GzipUnannounced), Some(drip.clone())] {
            // Packed without saying so is a habit of the feeds alone.
            if interface == Interface::Rest && fault == Some(Fault::GzipUnannounced) {
                continue;
            }
            let faults = fault.iter().cloned();
            let faults = faults.fold(Faults::none(), |faults, fault| faults.with(interface.scope(), fault));
            let portal = portal(faults).await;
            let ran = Setup::new(interface, &portal.url(), AMPLE).check().await;
            assert_eq!(ran.code, 0, "{interface:?} {fault:?}: {}", ran.text());
        }
    }
}

#[tokio::test]
async fn what_is_refused_for_a_moment_is_asked_again() {
    for fault in [
        Fault::TooManyRequests { retry_after: Some("1".to_owned()) },
        Fault::TooManyRequests { retry_after: Some("0".to_owned()) },
    ] {
        let portal = portal(Faults::none().with_next(2, Scope::Rest, fault)).await;
        let ran = Setup::new(Interface::Rest, &portal.url(), AMPLE).check().await;
        assert_eq!(ran.code, 0, "{}", ran.text());
    }
}

#[tokio::test]
async fn a_document_cut_in_the_middle_is_judged_as_far_as_it_goes() {
    let at = healthy().xml_tree_a().len() / 2;
    for fault in [Fault::CutShort { at }, Fault::CutCleanly { at }] {
        let ran = meet(Interface::Feed, fault, AMPLE).await;
        assert_eq!(ran.code, 2, "what was read is well: {}", ran.text());
        assert!(ran.stdout.contains("only a part of its list was read"), "{}", ran.text());
        assert!(ran.stdout.contains("last sign of life was"), "{}", ran.text());
    }
    let ill = Fleet::seeded(2014, 12, 5, AT.parse().unwrap());
    let cut = ill.xml_tree_a().len() - 50;
    let portal =
        Portal::start(ill, Faults::none().with(Scope::Feeds, Fault::CutCleanly { at: cut })).await.unwrap();
    let ran = Setup::new(Interface::Feed, &portal.url(), AMPLE).check().await;
    assert_eq!(ran.code, 1, "bad wins: {}", ran.text());
}

#[tokio::test]
async fn dates_in_the_year_9999_are_unknown_and_never_fresh() {
    for interface in INTERFACES {
        let ran = meet(interface, Fault::Year9999, AMPLE).await;
        assert_eq!(ran.code, 2, "{interface:?}: {}", ran.text());
        assert!(ran.stdout.contains("dated in the future"), "{}", ran.text());
    }
}

#[tokio::test]
async fn one_appliance_that_fails_costs_its_own_assets_alone() {
    let fleet = healthy();
    let broken = fleet.devices[2].serial.clone();
    let faults = Faults::none().with(Scope::AssetsOf(broken.clone()), Fault::InternalError);
    let portal = Portal::start(fleet, faults).await.unwrap();
    let setup = Setup::new(Interface::Rest, &portal.url(), AMPLE);
    let ran = setup.check().await;
    assert_eq!(ran.code, 2, "{}", ran.text());
    compare("one_appliance_that_fails", failures(&ran));
    let json = setup.run(&["check", "--at", AT, "--format", "json"]).await.json();
    assert_eq!(json["sources"][0]["look"], "partial");
    let failures = json["sources"][0]["failures"].as_array().unwrap();
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0]["place"], format!("datto-rest/{broken}"));
    let subjects = json["subjects"].as_array().unwrap();
    let repositories = subjects.iter().filter(|subject| subject["type"] == "repository").count();
    assert_eq!(repositories, 6, "the appliance itself is judged too");
}

/// Runs the program and watches the most memory it ever took, in KiB; 0 if it had ended before the first glance.
async fn peak_memory_of(child: Child) -> (Ran, u64) {
    let status = format!("/proc/{}/status", child.id().expect("it runs"));
    let mut often = tokio::time::interval(Duration::from_millis(10));
    let mut peak = 0;
    let ending = answer(child);
    tokio::pin!(ending);
    loop {
        tokio::select! {
            ran = &mut ending => return (ran, peak),
            _ = often.tick() => {
                let status = std::fs::read_to_string(&status).unwrap_or_default();
                let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
                let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok());
                peak = peak.max(kib.unwrap_or_default());
            }
        }
    }
}

#[tokio::test]
async fn a_body_of_2_gb_or_without_end_takes_bounded_memory() {
    for interface in INTERFACES {
        for filler in [Filler::OneValue, Filler::ManyDevices] {
            for bytes in [Some(2 << 30), None] {
                let fault = Fault::Endless { bytes, filler };
                let portal = portal(Faults::none().with(interface.scope(), fault)).await;
                let setup = Setup::new(interface, &portal.url(), SHORT);
                let watch = async || {
                    let watched = peak_memory_of(setup.start(&["check", "--at", AT, "--format", "json"]));
                    let patience = Duration::from_secs(SHORT) + SLACK;
                    tokio::time::timeout(patience, watched).await.expect("it ends in time")
                };
                let (mut ran, mut peak) = watch().await;
                if peak == 0 {
                    (ran, peak) = watch().await;
                }
                assert_no_secret(&ran);
                let what = format!("{interface:?} {filler:?} {bytes:?}: exit {}, {peak} KiB", ran.code);
                assert!([1, 2].contains(&ran.code), "{what}: {}", ran.stderr);
                assert!((1..MEMORY_MAX_KIB).contains(&peak), "{what}");
                let look = &ran.json()["sources"][0];
                assert_ne!(look["look"], "complete", "{what}");
                assert_ne!(look["failures"], json!([]), "{what}");
            }
        }
    }
}

/// The lists of assets of the sample, in one of the shapes they are met in.
fn shaped(shape: ListShape, assets: &Value) -> Value {
    let list = assets.as_array().expect("a list of assets");
    match shape {
        ListShape::Array => assets.clone(),
        ListShape::Envelope => {
            let pages = usize::from(!list.is_empty());
            let pagination = json!({ "page": 1, "perPage": 100, "totalPages": pages, "count": list.len() });
            json!({ "pagination": pagination, "items": assets })
        }
        ListShape::IndexedObject => {
            let numbered = list.iter().enumerate().map(|(index, asset)| (index.to_string(), asset.clone()));
            Value::Object(numbered.collect())
        }
    }
}

fn sample(name: &str) -> Value {
    let bytes = std::fs::read(testdata().join(name)).expect("a sample");
    serde_json::from_slice(&bytes).expect("JSON")
}

#[tokio::test]
async fn the_samples_of_the_api_give_the_same_verdicts_in_all_three_shapes() {
    let mut answers = Vec::new();
    for shape in [ListShape::Array, ListShape::Envelope, ListShape::IndexedObject] {
        let (devices, assets) = (sample("datto-rest-devices.json"), sample("datto-rest-assets.json"));
        let url = http::serve(move |path| match path.strip_prefix("/v1/bcdr/device") {
            Some("") => (200, devices.to_string()),
            Some("/D05099A1B2C3/asset") => (200, shaped(shape, &assets).to_string()),
            Some(path) if path.ends_with("/asset") => (200, shaped(shape, &json!([])).to_string()),
            _ => (404, json!({ "code": 404, "message": "nothing here" }).to_string()),
        });
        let setup = Setup::new(Interface::Rest, &url.await, AMPLE);
        let ran = setup.check().await;
        answers.push((
            ran.code,
            ran.stdout,
            setup.run(&["summary", "--at", AT, "--format", "json"]).await.stdout,
        ));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
    assert_eq!(answers[0].0, 1);
    compare("samples_of_the_api", &answers[0].1);
}

#[tokio::test]
async fn the_document_is_shown_raw_and_without_its_key() {
    for interface in INTERFACES {
        let portal = portal(Faults::none()).await;
        let setup = Setup::new(interface, &portal.url(), AMPLE);
        let name = match interface {
            Interface::Feed => "datto-xml",
            Interface::Rest => "datto-rest",
        };
        let ran = setup.run(&["raw", name]).await;
        assert_eq!(ran.code, 0, "{}", ran.text());
        assert!(ran.stdout.contains(&healthy().devices[0].serial), "{}", ran.stdout);
        if interface == Interface::Feed {
            assert_eq!(ran.stdout, healthy().xml_tree_a());
        }
        portal.replace_faults(Faults::none().with(interface.scope(), Fault::Unauthorized));
        let refused = setup.run(&["raw", name]).await;
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{}", refused.text());
        assert!(refused.stderr.contains("check the key"), "{}", refused.text());
    }
}

#[tokio::test]
async fn a_portal_that_repeats_the_key_does_not_get_it_shown() {
    let document = format!(
        "<S><Device><SerialNumber>A1</SerialNumber><Hostname>h{XML_KEY}</Hostname><Model>{XML_KEY}</Model>\
         <Lastseen>{XML_KEY}</Lastseen></Device><Device>{XML_KEY}</Device></S>"
    );
    let refusal = json!({ "code": 401, "message": format!("{SECRET_KEY} is no key of {PUBLIC_KEY}") });
    let (feed, api) = (document.clone(), refusal.to_string());
    let url = http::serve(
        move |path| if path.starts_with("/v1") { (200, api.clone()) } else { (200, feed.clone()) },
    );
    let url = url.await;
    for (interface, name) in [(Interface::Feed, "datto-xml"), (Interface::Rest, "datto-rest")] {
        let setup = Setup::new(interface, &url, AMPLE);
        let raw = setup.run(&["raw", name]).await;
        assert!(raw.text().contains("[redacted]"), "{interface:?}: {}", raw.text());
        for command in [&["check"][..], &["summary"], &["explain", "*"]] {
            let ran = setup.run(&[command, &["--at", AT]].concat()).await;
            assert_ne!(ran.code, 0, "{}", ran.text());
        }
    }
}

#[tokio::test]
async fn no_list_of_processes_shows_a_key() {
    for interface in INTERFACES {
        let portal = portal(Faults::none().with(interface.scope(), Fault::NeverAnswer)).await;
        let setup = Setup::new(interface, &portal.url(), AMPLE);
        let mut child = setup.start(&["check", "--at", AT]);
        let asked = async {
            while portal.in_flight() == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(SLACK, asked).await.expect("the portal is asked");
        let line = std::fs::read(format!("/proc/{}/cmdline", child.id().unwrap())).unwrap();
        let line = String::from_utf8(line).unwrap();
        assert!(line.contains("check") && !SECRETS.iter().any(|secret| line.contains(secret)), "{line}");
        child.kill().await.unwrap();
    }
}

#[tokio::test]
async fn a_key_in_the_environment_opens_a_portal_named_on_the_command_line() {
    let portal = portal(Faults::none()).await;
    let feed = format!("datto-xml:{}/external/api/xml/status/{{key}}", portal.url());
    let api = format!("datto-rest:{}", portal.rest_url());
    let variables = [
        ("LASTGOOD_DATTO_XML_KEY", XML_KEY),
        ("LASTGOOD_DATTO_REST_PUBLIC_KEY", PUBLIC_KEY),
        ("LASTGOOD_DATTO_REST_SECRET_KEY", SECRET_KEY),
        ("LASTGOOD_LOG", "trace"),
    ];
    let ran = answer(spawn(&["check", &feed, &api, "--at", AT], &variables)).await;
    assert_no_secret(&ran);
    assert_eq!(ran.code, 0, "{}", ran.text());
}
