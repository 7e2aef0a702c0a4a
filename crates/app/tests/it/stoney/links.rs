//! Is a link that a customer planted never followed, whatever it stands in the place of?
//!
//! Each leads to what would be believed: files of a client, valid and fresh, and much data. Their content and their names
//! hold [`CANARY`], no byte of which may stand in anything the program says, sends or keeps.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use lastgood_simulator::smtp::{Mail, MailServer};
use lastgood_simulator::stoney::{Client, Directory, End, Home, Upload};

use super::world::{World, clients, run_of};
use crate::support::binary;

/// What must never be seen.
const CANARY: &str = "canary-Q7f3xK9";

/// Every check of a computer.
const ALL: [&str; 4] = ["outdated_client", "schedule", "stuck", "unsuccessful"];

/// A link of a customer, and what cannot be known for it.
struct Plant {
    uid: &'static str,
    /// Where it stands inside the home; the home itself where this is empty.
    place: &'static str,
    /// What it leads to inside the folder outside, or beside itself where this begins with a dot.
    target: &'static str,
    /// The checks that are unknown, of the account itself and of one of its computers.
    account: &'static [&'static str],
    computer: (&'static str, &'static [&'static str]),
}

impl Plant {
    const fn at(uid: &'static str, place: &'static str, target: &'static str) -> Self {
        Self { uid, place, target, account: &[], computer: ("pc", &[]) }
    }

    const fn hiding(self, computer: &'static str, checks: &'static [&'static str]) -> Self {
        Self { computer: (computer, checks), ..self }
    }

    const fn blinding(self) -> Self {
        Self { account: &["never_used", "quota", "visibility"], ..self }
    }
}

const PLANTS: [Plant; 13] = [
    Plant::at(
        "3700001",
        "incoming/pc/.sepiola_backup/backupStarted.xml",
        "pc/.sepiola_backup/backupStarted.xml",
    )
    .hiding("pc", &["outdated_client", "schedule", "stuck"]),
    Plant::at("3700002", "incoming/pc/.sepiola_backup/backupEnded.xml", "pc/.sepiola_backup/backupEnded.xml")
        .hiding("pc", &["outdated_client", "stuck", "unsuccessful"]),
    Plant::at("3700003", "incoming/pc/.sepiola_backup/scheduler.xml", "pc/.sepiola_backup/scheduler.xml")
        .hiding("pc", &["outdated_client", "schedule"]),
    Plant::at("3700004", "incoming/pc/.sepiola_backup", "pc/.sepiola_backup").hiding("pc", &ALL),
    Plant::at("3700005", "incoming/pc", "pc").hiding("pc", &ALL),
    Plant::at("3700006", "incoming/pc/data", "large"),
    Plant::at("3700007", "incoming/pc/folder", ""),
    Plant::at("3700008", ".snapshots", ""),
    Plant::at("3700009", "incoming", "").blinding(),
    Plant::at("3700010", "", "").blinding(),
    // Links that stay inside of the account are not followed either.
    Plant::at("3700011", "incoming/pc/.sepiola_backup/backupEnded.xml", "./kept.xml")
        .hiding("pc", &["outdated_client", "stuck", "unsuccessful"]),
    Plant::at("3700012", "incoming/alias", "./pc").hiding("alias", &ALL),
    Plant::at("3700013", "incoming/.sepiola_backup", "pc/.sepiola_backup").hiding(".", &ALL),
];

/// Accounts with a computer that is well and one that is not, so that there is something to tell; and the links.
fn planted() -> World {
    let mut directory = Directory::default();
    for plant in &PLANTS {
        let mail = format!("c{}@many.example.org", plant.uid);
        directory.put(directory.account(plant.uid).set("mail", &[&mail]));
    }
    let world = World::new(directory);
    let outside = world.path(CANARY);
    lay_out(&outside);
    for plant in &PLANTS {
        let [sepiola, perl] = clients();
        let home = world.home(plant.uid);
        let pc = world.computer(plant.uid, "pc");
        pc.back_up(&run_of(sepiola, 30, End::Clean)).expect("a writable folder");
        let ended = fs::read(pc.upload_path(Upload::Ended)).expect("it was uploaded");
        fs::write(pc.upload_path(Upload::Ended).with_file_name("kept.xml"), ended).expect("a file");
        pc.file("data", 100_000).expect("a file");
        let failing = world.computer(plant.uid, "failing");
        failing.back_up(&run_of(perl, 20, End::Failed)).expect("a writable folder");
        put_link(&home, plant, &outside);
    }
    world
}

/// What links lead to: two computers that are well, their homes, and much data, all named and signed with the canary.
fn lay_out(outside: &Path) {
    let sepiola = Client { identifier: CANARY.to_owned(), ..Client::sepiola("2.7.1") };
    let home = Home::make(outside, "home").expect("a writable folder");
    for name in ["pc".to_owned(), format!("{CANARY}-pc")] {
        let computer = home.computer(&name).expect("a writable folder");
        computer.back_up(&run_of(sepiola.clone(), 10, End::Clean)).expect("a writable folder");
        computer.file(CANARY, 500_000).expect("a file");
        fs::rename(computer.path(), outside.join(name)).expect("the same disk");
    }
    fs::remove_dir_all(home.path()).expect("ours to remove");
    fs::create_dir_all(outside.join("incoming")).expect("a writable folder");
    fs::write(outside.join("incoming").join(CANARY), CANARY.repeat(50_000)).expect("a file");
    fs::write(outside.join("large"), CANARY.repeat(100_000)).expect("a file");
}

/// Puts the link in the place of whatever is there.
fn put_link(home: &Home, plant: &Plant, outside: &Path) {
    let place = home.path().join(plant.place);
    // Joining nothing leaves a slash, which would lead through the link.
    let place: PathBuf = place.components().collect();
    match fs::symlink_metadata(&place) {
        Ok(about) if about.is_dir() => fs::remove_dir_all(&place).expect("ours to remove"),
        Ok(_) => fs::remove_file(&place).expect("ours to remove"),
        Err(_) => {}
    }
    let target = match plant.target.strip_prefix("./") {
        Some(beside) => PathBuf::from(beside),
        None => outside.join(plant.target),
    };
    symlink(target, place).expect("a link");
}

#[test]
fn what_a_link_stands_in_the_place_of_is_unknown_and_all_else_stands() {
    let world = planted();
    world.write("", "", "");
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for ((subject, check), outcome) in world.outcomes().1 {
        if subject.starts_with("stoney/") {
            let is_failing = subject.ends_with("/failing") && check == "unsuccessful";
            assert_eq!(outcome == "bad", is_failing, "{subject} {check} {outcome}");
        }
        if outcome == "unknown" && subject != "stoney" {
            found.entry(subject).or_default().push(check);
        }
    }
    let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for plant in &PLANTS {
        let account = format!("stoney/{}", plant.uid);
        let (computer, checks) = plant.computer;
        for (subject, checks) in [(format!("{account}/{computer}"), checks), (account, plant.account)] {
            if !checks.is_empty() {
                expected.insert(subject, checks.iter().map(|&check| check.to_owned()).collect());
            }
        }
    }
    assert_eq!(found, expected);
}

#[test]
fn sizes_are_those_of_the_links_themselves() {
    let world = planted();
    world.write("", "", "");
    for plant in &PLANTS {
        let home = world.home_path(plant.uid);
        let ran = binary::run(&["account-size", "--home", &home.display().to_string(), "--format", "json"]);
        if !plant.account.is_empty() {
            assert_ne!(ran.code, 0, "{}", ran.text());
            continue;
        }
        let du = Command::new("du").args(["-s", "-B1", "incoming", ".snapshots"]).current_dir(home).output();
        let du = String::from_utf8(du.expect("it starts").stdout).expect("text");
        let sizes: Vec<u64> = du
            .lines()
            .map(|line| line.split('\t').next().expect("a size").parse().expect("a number"))
            .collect();
        let json = ran.json();
        let said = [&json[0]["incoming_bytes"], &json[0]["snapshots_bytes"]]
            .map(|size| size.as_u64().expect("bytes"));
        assert_eq!(said, [sizes[0], sizes[1]], "{} {}: {}", plant.uid, plant.place, ran.text());
    }
}

#[tokio::test]
async fn no_byte_behind_a_link_is_said_sent_or_kept() {
    let world = planted();
    let mails: Arc<Mutex<Vec<Mail>>> = Arc::default();
    let taken = Arc::clone(&mails);
    let take = move |mail| taken.lock().expect("nobody panics with it").push(mail);
    let server = MailServer::start(take).await.expect("a free port");
    let channel = format!(
        "[[channel]]\nname = 'mail'\nkind = 'mail'\nhost = '127.0.0.1'\nport = {}\ntls = 'none'\n\
         from = 'lastgood@example.org'\n[[owner]]\nrole = 'operator'\nto = ['mail:operator@many.example.org']\n",
        server.port()
    );
    world.write("thresholds = { blind_after = '1s' }", "", &channel);
    let mut said = said(&world);
    let serving = world.serve();
    serving.ready().await;
    // Every customer but the two of whom nothing can be seen, and the operator.
    let count = || mails.lock().expect("nobody panics with it").len();
    serving.wait_until("everybody is told", async || count() > PLANTS.len() - 2).await;
    let blind = || {
        let all = mails.lock().expect("nobody panics with it");
        all.iter().any(|mail| mail.text().is_some_and(|text| text.contains("3700009")))
    };
    serving.wait_until("somebody is told of what cannot be seen", async || blind()).await;
    for path in ["/", "/metrics"] {
        said.push((path.to_owned(), serving.page(path).await.expect("a page").into_bytes()));
    }
    serving.stop().await;
    for mail in mails.lock().expect("nobody panics with it").iter() {
        let raw = String::from_utf8_lossy(&mail.raw).replace("=\r\n", "");
        said.push(("a mail".to_owned(), raw.into_bytes()));
        said.push(("its text".to_owned(), mail.text().expect("text").into_bytes()));
    }
    let export = binary::run(&["db", "export", "--database", &world.path("db").display().to_string()]);
    assert_eq!(export.code, 0, "{}", export.text());
    said.push(("db export".to_owned(), export.text().into_bytes()));
    for entry in fs::read_dir(world.path("")).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            said.push((path.display().to_string(), fs::read(path).expect("a file")));
        }
    }
    let is_kept = |(what, bytes): &(String, Vec<u8>)| what.ends_with("/db") && bytes.len() > 10_000;
    assert!(said.iter().any(is_kept), "the database is among them");
    for (what, bytes) in said {
        let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
        assert!(!found, "{what}: {}", String::from_utf8_lossy(&bytes));
    }
}

/// What every command says of all of it.
fn said(world: &World) -> Vec<(String, Vec<u8>)> {
    let mut commands: Vec<Vec<&str>> = vec![
        vec!["check", "-vvv"],
        vec!["check", "--format", "json"],
        vec!["check", "--format", "csv"],
        vec!["check", "--format", "nagios"],
        vec!["check", "--format", "prometheus"],
        vec!["summary"],
        vec!["explain", "stoney/*"],
        vec!["explain", "stoney/*", "--format", "json"],
        vec!["explain", "stoney"],
        vec!["raw", "stoney"],
        vec!["recipients"],
        vec!["account-size"],
        vec!["account-size", "--format", "json"],
    ];
    let homes: Vec<String> =
        PLANTS.iter().map(|plant| world.home_path(plant.uid).display().to_string()).collect();
    for format in ["table", "json", "quota"] {
        commands.extend(homes.iter().map(|home| vec!["account-size", "--home", home, "--format", format]));
    }
    let run = |arguments: Vec<&str>| {
        // A home that is named is measured whatever is configured.
        let is_measured = arguments.get(1) == Some(&"--home");
        let ran = if is_measured { binary::run(&arguments) } else { world.run(&arguments) };
        assert_ne!(ran.code, 3, "{arguments:?}: {}", ran.text());
        (arguments.join(" "), ran.text().into_bytes())
    };
    commands.into_iter().map(run).collect()
}
