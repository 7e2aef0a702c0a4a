//! Do `recipients` and `explain` say the same of everybody, told or not, and name the attribute and the entry that decided?

use std::collections::BTreeMap;

use serde_json::Value;

use super::rows::{self, prepare, rows, upload};
use super::world::World;

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
