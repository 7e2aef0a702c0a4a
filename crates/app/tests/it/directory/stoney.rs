//! Who would be told of full accounts, from a real slapd and real folders through the real program?

use std::fs;
use std::path::Path;

use lastgood_simulator::stoney::directory::Directory;
use lastgood_simulator::stoney::ldif::Entry;
use lastgood_simulator::stoney::tree::Home;
use lastgood_simulator::stoney::{Slapd, SlapdOptions};

use crate::support::binary::run;

const BASE: &str = "dc=stoney-cloud,dc=org";

/// Every account is full, and hears of that by mail unless said.
fn account(directory: &Directory, uid: &str) -> Entry {
    directory.account(uid).set("sstQuota", &["1"])
}

/// Resellers 4000000, who stands in, with a leaf; 4000002 with one; 4000003 without. A person 4000001.
fn directory() -> Directory {
    let directory = Directory::below(BASE);
    let resellers = [
        directory.reseller("4000000").set("sstIsDefault", &["TRUE"]),
        directory.notifications("4000000", &["Default <default@msp.example>"], &["quota"]),
        directory.settings("4000000"),
        directory.reseller("4000002"),
        directory.notifications("4000002", &["r@msp.example", "s@MSP.example"], &["schedule"]),
        directory.reseller("4000003"),
        directory.person("4000001", "p@x.example"),
    ];
    resellers.into_iter().fold(directory, Directory::with)
}

/// Accounts, one per branch, and everybody who must be named for each: `role address`, `!` before who is not told.
fn branches(directory: &Directory) -> Vec<(Entry, Vec<&'static str>)> {
    let of = |uid: &str, reseller: &str| {
        account(directory, uid).with("sstBelongsToResellerUID", reseller).with("mail", "a@x.example")
    };
    let person = account(directory, "3000002")
        .with("sstBelongsToResellerUID", "4000002")
        .with("sstBelongsToPersonUID", "4000001");
    let quiet = ["!reseller r@msp.example", "!reseller s@msp.example"];
    let told = |customer: &'static str| [&[customer][..], &quiet].concat();
    let nobody = |customer: &'static str| [&[customer][..], &quiet, &["operator ops@msp.example"]].concat();
    let off: (&str, &[&str]) = ("sstBackupWarningOn", &["FALSE"]);
    let person_wins =
        of("3000008", "4000002").set("mail", &["no mailbox"]).with("sstBelongsToPersonUID", "4000001");
    vec![
        (
            of("3000001", "4000002").with("mail", "\"B, C\" <b@X.example>"),
            [&["customer a@x.example", "customer b@x.example"][..], &quiet].concat(),
        ),
        (person, told("customer p@x.example")),
        (of("3000003", "4000002").set(off.0, off.1), nobody("!customer a@x.example")),
        (
            of("3000004", "4000000").set(off.0, off.1),
            vec!["!customer a@x.example", "reseller default@msp.example"],
        ),
        (of("3000005", "4000003"), vec!["customer a@x.example", "reseller default@msp.example"]),
        (
            account(directory, "3000006").with("mail", "default@msp.example"),
            vec!["customer default@msp.example"],
        ),
        (
            of("3000007", "4000002").set("sstNotificationWarning", &["schedule"]),
            nobody("!customer a@x.example"),
        ),
        (person_wins, [&quiet[..], &["operator ops@msp.example"]].concat()),
        (
            of("3000009", "4000002").set("sstNotificationWarningMedium", &["sms"]),
            nobody("!customer a@x.example"),
        ),
        (of("3000010", "4000002").set("sstNotificationWarning", &["QUOTA"]), told("customer a@x.example")),
    ]
}

/// The configuration of a source that looks at this directory and these folders.
fn configured(folder: &Path, slapd: &Slapd) -> String {
    fs::write(folder.join("password"), slapd.service_password()).expect("a writable folder");
    let file = folder.join("config.toml");
    let text = format!(
        "[[channel]]\nname = 'mail'\nkind = 'command'\ncommand = ['true']\n\
         [[owner]]\nsubject = 'other/*'\nrole = 'operator'\nto = ['mail:ops@msp.example']\n\
         [[source]]\nname = 'stoney'\nkind = 'stoney'\ndirectory = 'ldap'\nroot = 'root'\n\
         [directory.ldap]\nservers = ['{}']\nbase = '{BASE}'\ntls = 'none'\nbind_dn = '{}'\n\
         password_file = 'password'\nmail_channel = 'mail'\n",
        slapd.url(),
        slapd.service_dn()
    );
    fs::write(&file, text).expect("a writable folder");
    file.to_str().expect("a path in UTF-8").to_owned()
}

#[test]
fn everybody_who_is_told_of_a_full_account_follows_from_the_directory() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut directory = directory();
    let branches = branches(&directory);
    for (entry, _) in &branches {
        let home = entry.value("homeDirectory").expect("a home");
        let home = Home::make(&folder.path().join("root"), home).expect("a home");
        home.computer("pc").expect("a computer").file("letter", 5000).expect("a file");
        directory.put(entry.clone());
    }
    let options = SlapdOptions { entries: directory.ldif(), ..SlapdOptions::default() };
    let slapd = Slapd::start(options).unwrap_or_else(|error| panic!("{error}"));
    let config = configured(folder.path(), &slapd);
    let ran = run(&["recipients", "--config", &config]);
    assert_eq!(ran.code, 1, "{}", ran.text());
    let rows = ran.json().as_array().expect("an array").clone();
    for (entry, expected) in &branches {
        let uid = entry.value("uid").expect("a key");
        let of_account = rows.iter().filter(|row| row["subject"] == format!("stoney/{uid}"));
        let shown = of_account.map(|row| {
            assert_eq!(
                (row["check"].as_str(), row["task"].as_str()),
                (Some("quota"), Some("quota")),
                "{row}"
            );
            let mark = if row["told"] == true { "" } else { "!" };
            let text = |key: &str| row[key].as_str().expect("a text").to_owned();
            format!("{mark}{} {}", text("role"), text("address"))
        });
        assert_eq!(shown.collect::<Vec<_>>(), *expected, "{uid}: {}", ran.text());
    }
    assert!(ran.stderr.contains("holds \"no mailbox\", which is not exactly one mailbox"), "{}", ran.stderr);
    let explained = run(&["explain", "stoney/3000003", "--config", &config]).stdout;
    let step = "`sstBackupWarningOn` of uid=3000003,ou=accounts,ou=backup,ou=services,dc=stoney-cloud,dc=org is FALSE";
    assert!(
        explained.contains(step) && explained.contains("told       operator ops@msp.example"),
        "{explained}"
    );
}
