//! Are entries changed as a whole or not at all?

use super::*;
use lastgood::ldap::Change;

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn replace(attribute: &str, values: &[&str]) -> Change {
    Change::Replace { attribute: attribute.to_owned(), values: texts(values) }
}

fn add(attribute: &str, values: &[&str]) -> Change {
    Change::Add { attribute: attribute.to_owned(), values: texts(values) }
}

fn remove(attribute: &str, values: &[&str]) -> Change {
    Change::Remove { attribute: attribute.to_owned(), values: texts(values) }
}

#[tokio::test]
async fn values_are_replaced_added_and_removed_and_each_change_is_counted() {
    let slapd = slapd(2, SlapdOptions::default());
    let dn = format!("uid=1,{ACCOUNTS}");
    let values = || {
        let entry = slapd.entry(&dn).expect("slapd answers").expect("the entry is there");
        let mut values: Vec<String> =
            entry.values("description").iter().map(|&value| value.to_owned()).collect();
        values.sort();
        values
    };
    let session = connect(config(&slapd)).await;
    let steps = [
        (replace("description", &["a:1", "b:2"]), vec!["a:1", "b:2"]),
        (add("description", &["ü"]), vec!["a:1", "b:2", "ü"]),
        (remove("description", &["b:2"]), vec!["a:1", "ü"]),
        (replace("description", &[]), vec![]),
        (add("description", &["c"]), vec!["c"]),
        (remove("description", &[]), vec![]),
    ];
    let count = steps.len();
    for (change, expected) in steps {
        session.modify(&dn, vec![change.clone()]).await.unwrap_or_else(|error| panic!("{change:?}: {error}"));
        assert_eq!(values(), expected, "{change:?}");
    }
    assert_eq!(session.operation_count(), 1 + count as u64);
    let swapped =
        vec![replace("description", &["x"]), add("description", &["y"]), remove("description", &["x"])];
    session.modify(&dn, swapped).await.expect("several changes at once");
    assert_eq!(values(), ["y"]);
}

#[tokio::test]
async fn a_change_that_fails_changes_nothing() {
    let slapd = slapd(2, SlapdOptions::default());
    let dn = format!("uid=1,{ACCOUNTS}");
    let session = connect(config(&slapd)).await;
    for (second, code) in [
        (add("description", &["new"]), 20),
        (remove("description", &["not there"]), 16),
        (add("noSuchAttribute", &["1"]), 17),
        (add("seeAlso", &["no name"]), 21),
        (replace("objectClass", &[]), 65),
    ] {
        let changes = vec![replace("description", &["new"]), second.clone()];
        let error = session.modify(&dn, changes).await.expect_err("the second change is wrong");
        assert_eq!(error.code, Some(code), "{second:?}: {error}");
        assert!(error.reason.contains(&dn), "{error}");
        let entry = slapd.entry(&dn).expect("slapd answers").expect("the entry is there");
        assert_eq!(entry.value("description"), Some("Account 1"), "{second:?}");
    }
    let gone = session.modify(&format!("uid=9,{ACCOUNTS}"), vec![replace("description", &["x"])]).await;
    assert!(gone.as_ref().is_err_and(LdapError::is_no_such_object), "{gone:?}");
}

#[tokio::test]
async fn nobody_changes_anything_who_may_only_read() {
    let slapd = slapd(1, SlapdOptions::default());
    let session = connect(anonymous(&slapd)).await;
    let change = vec![replace("description", &["x"])];
    let error = session.modify(&format!("uid=1,{ACCOUNTS}"), change).await.expect_err("we are nobody");
    assert_eq!(error.kind, FailureKind::Denied, "{error}");
}

#[tokio::test]
async fn a_server_that_is_killed_before_a_change_leaves_an_error() {
    let slapd = slapd(1, SlapdOptions::default());
    let session = connect(config(&slapd)).await;
    slapd.kill().expect("it can be killed");
    let change = vec![replace("description", &["x"])];
    let error = session.modify(&format!("uid=1,{ACCOUNTS}"), change).await.expect_err("nobody is there");
    assert_eq!(error.kind, FailureKind::Unreachable, "{error}");
}
