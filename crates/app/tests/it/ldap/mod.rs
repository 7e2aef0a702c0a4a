//! Is a real directory asked completely or not at all, over connections nobody else can read?
//!
//! Against slapd from Debian's packages, which each test starts for itself. What the entries mean is tested elsewhere.

use std::path::Path;
use std::time::Duration;

use lastgood::ldap::{Bind, Entry, Ldap, LdapConfig, LdapError, Session, Tls};
use lastgood::secret::{Secret, SecretFrom};
use lastgood_core::observation::FailureKind;
use lastgood_simulator::stoney::ldif::{self, Entry as Written};
use lastgood_simulator::stoney::{Reading, SizeLimit, Slapd, SlapdOptions, Tls as Certificate};

mod broken;
mod changes;
mod opening;
mod operations;
mod secure;

const BASE: &str = "dc=stoney-cloud,dc=org";
const ACCOUNTS: &str = "ou=accounts,dc=stoney-cloud,dc=org";
const FILTER: &str = "(objectClass=account)";

/// A directory of so many accounts, `uid=1` and so on.
fn entries(count: u32) -> String {
    let base = Written::new(BASE)
        .with_all("objectClass", &["top", "dcObject", "organization"])
        .with("dc", "stoney-cloud")
        .with("o", "stoney cloud");
    let unit = Written::new(ACCOUNTS).with("objectClass", "organizationalUnit").with("ou", "accounts");
    let accounts = (1..=count).map(|number| account(&number.to_string()));
    ldif::write(&[base, unit].into_iter().chain(accounts).collect::<Vec<_>>())
}

fn account(uid: &str) -> Written {
    let dn = format!("uid={},{ACCOUNTS}", ldif::dn_value(uid));
    Written::new(dn)
        .with("objectClass", "account")
        .with("uid", uid)
        .with("description", format!("Account {uid}"))
}

fn slapd(count: u32, options: SlapdOptions) -> Slapd {
    let options = SlapdOptions { entries: entries(count), ..options };
    Slapd::start(options).unwrap_or_else(|error| panic!("{error}"))
}

/// How that directory is reached in the clear, as somebody who is held to its limits.
fn config(slapd: &Slapd) -> LdapConfig {
    let password = SecretFrom::Given(Secret::new(slapd.service_password()));
    LdapConfig {
        tls: Tls::None,
        bind: Some(Bind { dn: slapd.service_dn().to_owned(), password }),
        ..LdapConfig::new(vec![slapd.url()], BASE)
    }
}

fn anonymous(slapd: &Slapd) -> LdapConfig {
    LdapConfig { bind: None, ..config(slapd) }
}

fn open(config: LdapConfig) -> Ldap {
    Ldap::open(config).unwrap_or_else(|error| panic!("{error}"))
}

async fn connect(config: LdapConfig) -> Session {
    open(config).connect().await.unwrap_or_else(|error| panic!("{error}"))
}

async fn found(session: &Session, filter: &str) -> Vec<Entry> {
    session.search(ACCOUNTS, filter, &["uid"]).await.unwrap_or_else(|error| panic!("{error}"))
}

/// Searches for all accounts where that must fail.
async fn failure(session: &Session) -> LdapError {
    let found = session.search(ACCOUNTS, FILTER, &["uid"]).await;
    found.map(|entries| entries.len()).expect_err("a part is no answer")
}

#[tokio::test]
async fn all_pages_of_a_search_come_together_and_are_counted() {
    let options = SlapdOptions { size_limit: SizeLimit::PerPage(1000), ..SlapdOptions::default() };
    let slapd = slapd(2500, options);
    let session = connect(config(&slapd)).await;
    assert_eq!((session.operation_count(), session.server()), (1, slapd.url().as_str()), "the bind");
    let entries = session.search(ACCOUNTS, FILTER, &["UID"]).await.expect("all pages");
    assert_eq!(session.operation_count(), 4, "three pages");
    assert_eq!(slapd.operation_count(), 4);
    let mut uids: Vec<u32> = Vec::new();
    for entry in &entries {
        let [uid] = entry.values("uid") else { panic!("{entry:?}") };
        uids.push(str::from_utf8(uid).ok().and_then(|uid| uid.parse().ok()).expect("a number"));
        assert!(!entry.has("description"), "only what was asked for");
    }
    uids.sort_unstable();
    assert_eq!(uids, (1..=2500).collect::<Vec<_>>());
    session.end().await;
    assert!(slapd.log().contains("UNBIND"), "{}", slapd.log());
}

#[tokio::test]
async fn the_last_page_may_be_exactly_full_and_a_search_may_find_nothing() {
    let options = SlapdOptions { size_limit: SizeLimit::Unlimited, ..SlapdOptions::default() };
    let slapd = slapd(20, options);
    for (page_size, page_counts) in [(10, 2..=3), (20, 1..=2), (19, 2..=2), (1, 20..=21)] {
        let session = connect(LdapConfig { page_size, ..anonymous(&slapd) }).await;
        assert_eq!(found(&session, FILTER).await.len(), 20, "{page_size}");
        assert!(
            page_counts.contains(&session.operation_count()),
            "{page_size}: {}",
            session.operation_count()
        );
        assert_eq!(found(&session, "(uid=none)").await, []);
    }
}

#[tokio::test]
async fn more_entries_than_a_server_gives_are_an_error_that_says_so() {
    for size_limit in [SizeLimit::Default, SizeLimit::Entries(500)] {
        let slapd = slapd(501, SlapdOptions { size_limit, ..SlapdOptions::default() });
        for page_size in [1000, 500, 100] {
            let session = connect(LdapConfig { page_size, ..config(&slapd) }).await;
            let error = failure(&session).await;
            assert_eq!(error.code, Some(4), "{error}");
            for word in ["olcSizeLimit", "sizeLimitExceeded", slapd.url().as_str(), ACCOUNTS] {
                assert!(error.reason.contains(word), "{error}");
            }
        }
    }
    let slapd = slapd(499, SlapdOptions::default());
    let session = connect(config(&slapd)).await;
    assert_eq!(session.search(BASE, FILTER, &["uid"]).await.expect("below the limit").len(), 499);
}

#[tokio::test]
async fn text_of_others_cannot_change_what_is_asked() {
    let mut ldif = entries(3);
    let odd = "*)(uid=*\\(ü";
    ldif.push_str(&ldif::write(&[account(odd)]));
    let options = SlapdOptions { entries: ldif, ..SlapdOptions::default() };
    let slapd = Slapd::start(options).unwrap_or_else(|error| panic!("{error}"));
    let session = connect(anonymous(&slapd)).await;
    let by_uid = |uid: &str| format!("(uid={})", lastgood::ldap::filter_value(uid.as_bytes()));
    let entries = found(&session, &by_uid(odd)).await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].values("uid"), [odd.as_bytes()]);
    let named = format!("uid={},{ACCOUNTS}", lastgood::ldap::dn_value(odd));
    let same = lastgood::ldap::normalised_dn;
    assert_eq!(same(&entries[0].dn), same(&named));
    for injected in ["*", "1)(uid=2", "1)(|(uid=*", "*)(objectClass=*"] {
        assert_eq!(found(&session, &by_uid(injected)).await, [], "{injected}");
    }
    let broken = session.search(ACCOUNTS, "(uid=1", &["uid"]).await.expect_err("no filter");
    assert!(broken.reason.contains("the filter is none"), "{broken}");
}

#[tokio::test]
async fn a_base_that_is_not_there_is_told_apart() {
    let slapd = slapd(1, SlapdOptions { reading: Reading::Bound, ..SlapdOptions::default() });
    let session = connect(config(&slapd)).await;
    let missing = session.search("ou=people,dc=stoney-cloud,dc=org", FILTER, &["uid"]).await;
    assert!(missing.as_ref().is_err_and(LdapError::is_no_such_object), "{missing:?}");
    let broken = session.search("people", FILTER, &["uid"]).await.expect_err("no name");
    assert!(!broken.is_no_such_object(), "{broken}");
    assert_eq!(found(&session, FILTER).await.len(), 1);
    let nobody = connect(anonymous(&slapd)).await;
    let hidden = failure(&nobody).await;
    assert_eq!((hidden.kind, hidden.code), (FailureKind::Denied, Some(50)), "{hidden}");
    assert!(hidden.reason.contains("olcAccess"), "{hidden}");
}

#[tokio::test]
async fn the_next_server_is_asked_where_one_is_down() {
    let [down, up] = [(); 2].map(|()| slapd(1, SlapdOptions::default()));
    down.kill().expect("it can be killed");
    let both = |slapds: [&Slapd; 2]| {
        let [first, second] = slapds;
        LdapConfig { servers: vec![first.url(), second.url()], ..anonymous(second) }
    };
    let session = connect(both([&down, &up])).await;
    assert_eq!(session.server(), up.url());
    assert_eq!(found(&session, FILTER).await.len(), 1);
    let ldap = open(both([&down, &up]));
    up.kill().expect("it can be killed");
    let error = ldap.connect().await.expect_err("both are down");
    assert!(error.reason.contains(&down.url()) && error.reason.contains(&up.url()), "{error}");
    down.restart().expect("it can be started again");
    let session = ldap.connect().await.expect("a directory is connected to again and again");
    assert_eq!(session.server(), down.url());
}
