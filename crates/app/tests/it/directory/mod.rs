//! Do the examples of docs/directory.md load, and do they come to what stands beside them?

mod recipients;
mod stoney;

use std::collections::BTreeSet;
use std::path::Path;

use lastgood::config::Config;
use lastgood::directory::ldap::Task;
use lastgood::ldap::{Field, LdapDirectory};
use lastgood::sources;
use lastgood_core::checks;

const PAGE: &str = include_str!("../../../../../docs/directory.md");

/// Every example of a configuration on the page.
fn examples() -> Vec<Config> {
    let fenced = PAGE.split("```toml\n").skip(1);
    let texts = fenced.map(|rest| rest.split_once("```").expect("a fence that ends").0);
    texts
        .map(|text| {
            let read = Config::from_text(Path::new("/etc/lastgood/config.toml"), text, &sources::ALL);
            read.unwrap_or_else(|error| panic!("{error}"))
        })
        .collect()
}

fn directory(config: &Config) -> &LdapDirectory {
    config.sources[0].directory.as_deref().expect("a source with a directory")
}

#[test]
fn every_example_of_the_page_loads() {
    let examples = examples();
    let [stoney, plain, active] = examples.as_slice() else { panic!("{} examples", examples.len()) };
    let of_stoney = directory(stoney);
    assert_eq!(of_stoney.layout.accounts_base, "ou=backup,ou=services,dc=stoney-cloud,dc=org");
    assert!(of_stoney.layout.names.is_empty() && of_stoney.layout.absent.is_empty());
    assert_eq!(directory(plain).layout.attribute(Field::Home), "homeDirectory");
    assert_eq!(directory(active).layout.attribute(Field::Uid), "sAMAccountName");
    for config in [plain, active] {
        let absent = &directory(config).layout.absent;
        assert_eq!(absent.get(&Field::WarningOn).map(String::as_str), Some("TRUE"));
        assert_eq!(absent.get(&Field::Medium).map(String::as_str), Some("mail"));
    }
    for config in &examples {
        assert!(config.channels.iter().any(|channel| channel.config.name == directory(config).mail_channel));
    }
}

#[test]
fn the_page_names_every_attribute_that_says_who_is_told() {
    let who = [
        Field::WarningOn,
        Field::Medium,
        Field::Tasks,
        Field::WarningNumbers,
        Field::WarningDays,
        Field::Mail,
        Field::Mobile,
        Field::Language,
        Field::Person,
        Field::Reseller,
        Field::IsDefault,
        Field::To,
        Field::From,
    ];
    for field in who {
        let row = format!("| **{}** | `{}` |", field.as_str(), field.attribute());
        assert!(PAGE.contains(&row), "docs/directory.md has no row {row}");
    }
}

#[test]
fn the_page_names_the_checks_of_every_task() {
    let of_tasks = checks::ALL.iter().filter_map(|check| Some((Task::of(check.id)?, check.id)));
    let mut tasks = BTreeSet::new();
    for (task, check) in of_tasks {
        let row = PAGE.lines().find(|line| line.starts_with(&format!("| `{}` |", task.as_str())));
        let row = row.unwrap_or_else(|| panic!("docs/directory.md has no row of {}", task.as_str()));
        assert!(row.contains(&format!("[{check}](checks.md#{check})")), "{row}: {check}");
        tasks.insert(task.as_str());
    }
    assert_eq!(tasks.len(), 5);
}
