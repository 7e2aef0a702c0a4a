//! Do `recipients` and `explain` say the same of everybody, told or not, and name the attribute and the entry that decided?

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::rows::{self, prepare, rows, upload};
use super::world::{World, ago};

const PEOPLE: &str = "[[channel]]\nname = 'mail'\nkind = 'mail'\nhost = '127.0.0.1'\nport = 1\ntls = 'none'\n\
                      from = 'Backups <backups@example.org>'\n\
                      [[owner]]\nsubject = 'elsewhere/*'\nrole = 'operator'\nto = ['mail:operator@many.example.org']\n";

/// Everybody named for something, by subject, check, role and address: told, and why.
type Named = BTreeMap<[String; 4], (bool, String)>;

fn named(document: &Value) -> Named {
    let rows = document.as_array().expect("a list").iter().map(|row| {
        let text = |key: &str| row[key].as_str().unwrap_or_else(|| panic!("{key}: {row}")).to_owned();
        let because: Vec<_> =
            row["because"].as_array().expect("a list").iter().map(Value::to_string).collect();
        assert!(!because.is_empty(), "{row}");
        let key = [text("subject"), text("check"), text("role"), text("address")];
        (key, (row["told"].as_bool().expect("yes or no"), because.join("\n")))
    });
    let all: Vec<_> = rows.collect();
    let by_key: Named = all.iter().cloned().collect();
    assert_eq!(by_key.len(), all.len(), "a row per bad verdict and address: {all:#?}");
    by_key
}

fn troubled() -> World {
    let world = World::new(rows::directory());
    world.write("", "", PEOPLE);
    for row in rows() {
        prepare(&world, row);
        upload(&world, row);
    }
    world
}

#[test]
fn everybody_who_is_named_is_listed_with_the_attribute_and_the_entry_that_decided() {
    let world = troubled();
    let ran = world.run(&["recipients"]);
    assert!((0..=1).contains(&ran.code), "{}", ran.text());
    let found = named(&ran.json());
    let mut expected = BTreeMap::new();
    for row in rows() {
        for recipient in row.recipients() {
            let key = [row.subject(), row.check().to_owned(), recipient.role.to_owned(), recipient.address];
            expected.insert(key, (recipient.told, recipient.because));
        }
    }
    let said: BTreeMap<_, _> = found.iter().map(|(key, (told, _))| (key.clone(), *told)).collect();
    assert_eq!(said, expected.iter().map(|(key, (told, _))| (key.clone(), *told)).collect());
    for (key, (_, wanted)) in expected {
        let (_, because) = &found[&key];
        for words in wanted {
            assert!(because.contains(&words), "{key:?}: {words:?} in {because}");
        }
    }
}

#[test]
fn recipients_of_one_subject_are_those_of_all_that_are_its() {
    let world = troubled();
    let all = named(&world.run(&["recipients"]).json());
    for row in rows().into_iter().step_by(7) {
        let one = named(&world.run(&["recipients", &row.subject()]).json());
        let its = all.iter().filter(|(key, _)| key[0] == row.subject());
        assert_eq!(one, its.map(|(key, row)| (key.clone(), row.clone())).collect(), "{row:?}");
    }
}

#[test]
fn nobody_would_have_been_told_before_a_limit_was_reached() {
    let world = troubled();
    let at = ago(5 * 24 * 60).to_string();
    let ran = world.run(&["recipients", "--at", &at]);
    // What is used, which client ran and how it ended are facts whose date is not asked.
    let dated = |key: &[String; 4]| ["never_used", "schedule", "stuck"].contains(&key[1].as_str());
    let found = named(&ran.json());
    assert!(found.keys().all(|key| !dated(key)), "{}", ran.text());
}

#[test]
fn explain_says_the_same_of_every_verdict() {
    let world = troubled();
    let ran = world.run(&["explain", "stoney/*"]);
    assert_eq!(ran.code, 1, "{}", ran.text());
    let (mut subject, mut check, mut found) = ("", None, BTreeSet::new());
    for line in ran.stdout.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        match (line.len() - line.trim_start().len(), &words[..]) {
            (0, [path]) if path.starts_with("stoney/") => subject = path,
            (2, ["BAD", name, ..]) => check = name.strip_suffix(':'),
            (2, _) => check = None,
            (6, ["told", role, address, "through", "mail"]) => {
                found.extend(check.map(|check| [subject, check, role, address, "told"]));
            }
            (6, ["not", "told", role, address, "through", "mail"]) => {
                found.extend(check.map(|check| [subject, check, role, address, "not"]));
            }
            _ => {}
        }
    }
    let found: BTreeSet<_> = found.into_iter().map(|row| row.map(str::to_owned)).collect();
    let expected = rows().into_iter().flat_map(|row| {
        let (subject, check) = (row.subject(), row.check());
        row.recipients().into_iter().map(move |recipient| {
            let told = if recipient.told { "told" } else { "not" };
            [subject.as_str(), check, recipient.role, &recipient.address, told].map(str::to_owned)
        })
    });
    assert_eq!(found, expected.collect(), "{}", ran.stdout);
}
