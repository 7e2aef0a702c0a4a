//! With how few operations is a whole directory of accounts read?

use std::path::Path;

use lastgood::config::Config;
use lastgood::pipeline::Opened;
use lastgood::sources::{self, Keep};
use lastgood_core::observation::{Collection, Extent, Stated};
use lastgood_simulator::stoney::{
    Client, Directory, End, Home, Plan, Run, SizeLimit, Slapd, SlapdOptions, Wall,
};
use rstest::rstest;

/// How many resellers share the accounts.
const RESELLERS: u32 = 50;

/// A directory of so many accounts, each with a person of its own, and the homes of all below a folder.
fn host(account_count: u32, root: &Path) -> String {
    let mut directory = Directory::default();
    for number in 0..RESELLERS {
        let uid = reseller(number);
        directory.put(directory.reseller(&uid));
        directory.put(directory.settings(&uid));
        let to = format!("support@{uid}.example.org");
        directory.put(directory.notifications(&uid, &[&to], &["quota", "nobackup"]));
    }
    for number in 0..account_count {
        let person = (5_000_000 + number).to_string();
        directory.put(directory.person(&person, &format!("petra{number}@example.org")));
        let account = directory
            .account(&(6_000_000 + number).to_string())
            .with("sstBelongsToPersonUID", &person)
            .with("sstBelongsToResellerUID", reseller(number % RESELLERS));
        let home = Home::make(root, account.value("homeDirectory").expect("every account has one"));
        back_up(&home.expect("a home"));
        directory.put(account);
    }
    directory.ldif()
}

fn reseller(number: u32) -> String {
    (4_000_000 + number).to_string()
}

fn back_up(home: &Home) {
    let client = Client::perl("2.0.11");
    let run = Run {
        id: client.run_id(1),
        client,
        plan: Plan::daily(20, 0),
        started: Wall::at("2026-03-01T20:00:00", "+01:00"),
        ended: Wall::at("2026-03-01T20:15:00", "+01:00"),
        end: End::Clean,
    };
    home.computer("pc").and_then(|computer| computer.back_up(&run)).expect("its files");
}

/// One look through the real source.
async fn look(slapd: &Slapd, root: &Path, page_size: u32) -> Collection {
    let text = format!(
        "[[source]]\nname = 'stoney'\nkind = 'stoney'\ndirectory = 'ldap'\nroot = '{}'\n\
         [directory.ldap]\nservers = ['{}']\nbase = '{}'\ntls = 'none'\npage_size = {page_size}\n",
        root.display(),
        slapd.url(),
        slapd.base(),
    );
    let config = Config::from_text(&root.join("lastgood.toml"), &text, &sources::ALL).expect("it is valid");
    let source = config.sources.into_iter().next().expect("a source");
    let opened = Opened::new(source).expect("nothing is missing");
    opened.look("2026-03-02T12:00:00Z".parse().expect("an instant"), Keep::Judged).await
}

/// 3000 accounts by pages of 1000, and the same by pages of 100 with a limit that is ten times as high.
#[rstest]
#[case::by_pages_of_1000(3000, 1000, 3000 / 500 + 20)]
#[case::by_pages_of_100(600, 100, 600 / 50 + 20)]
#[tokio::test(flavor = "multi_thread")]
async fn all_accounts_people_and_resellers_are_read_with_few_operations(
    #[case] account_count: u32,
    #[case] page_size: u32,
    #[case] operations_max: usize,
) {
    let root = tempfile::tempdir().expect("a temporary folder");
    let entries = host(account_count, root.path());
    let options =
        SlapdOptions { entries, size_limit: SizeLimit::PerPage(page_size), ..SlapdOptions::default() };
    let slapd = Slapd::start(options).unwrap_or_else(|error| panic!("{error}"));
    let before = slapd.operation_count();
    let seen = look(&slapd, root.path(), page_size).await;
    let operation_count = slapd.operation_count() - before;
    assert!(seen.failures.is_empty(), "{:?}", seen.failures.first());
    assert_eq!((seen.listing, seen.repositories.len()), (Extent::Complete, account_count as usize));
    for account in &seen.repositories {
        assert!(matches!(account.assets[0].last_good, Stated::Value(_)), "{account:?}");
        let ownership = account.ownership.as_ref().expect("it is stated");
        assert_eq!(ownership.entries.len(), 4, "account, person and two leaves: {ownership:?}");
    }
    assert!(operation_count <= operations_max, "{operation_count} operations for {account_count} accounts");
}
