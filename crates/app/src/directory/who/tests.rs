//! Is somebody told of everything, whatever a directory leaves open?

use lastgood_core::checks::{behind_local, quota, schedule, visibility};
use lastgood_core::facts::{Facts, fold};
use lastgood_core::id::SubjectId;
use lastgood_core::ownership::{OwnerEntry, Part};
use lastgood_core::recipient::Patience;
use lastgood_core::testing::{FleetBuilder, agent, noon};
use lastgood_core::time::Seconds;
use rstest::rstest;

use super::*;
use crate::directory::{Owner, Pattern};
use crate::ldap::{Field, LdapConfig};

fn mail(to: &str) -> Address {
    Address { channel: "mail".to_owned(), to: to.to_owned() }
}

fn owner(pattern: &str, role: Role, to: &str) -> Owner {
    Owner {
        subjects: Pattern::new(pattern).expect("a pattern"),
        role,
        to: vec![mail(to)],
        patience: Patience::None,
        escalation: None,
        place: "config.toml:1".to_owned(),
    }
}

fn directories(owners: &[Owner]) -> Directories {
    let directory = LdapDirectory::new(LdapConfig::new(vec!["ldap://127.0.0.1".to_owned()], "dc=x"));
    let source = SourceId::new("stoney").expect("a name");
    Directories {
        owners: Owners::new(owners.to_vec()),
        by_source: HashMap::from([(source, Arc::new(directory))]),
    }
}

fn entry(part: Part, fields: &[(Field, &str)]) -> OwnerEntry {
    let fields = fields.iter().map(|(field, value)| (field.as_str().into(), vec![(*value).into()]));
    OwnerEntry {
        part,
        whose: "1".into(),
        is_default: true,
        dn: part.as_str().into(),
        fields: fields.collect(),
    }
}

/// The account 1 of the source `stoney`, with the asset `pc`.
fn facts(entries: Option<Vec<OwnerEntry>>) -> Facts {
    let mut collection =
        FleetBuilder::new("stoney", noon()).appliance("1", vec![agent("pc", noon())]).collection();
    collection.repositories[0].ownership = entries.map(|entries| Arc::new(Ownership { entries }));
    fold(vec![collection])
}

fn matter(source: &str, repository: Option<&str>, asset: Option<&str>, check: CheckId) -> Matter {
    let source = SourceId::new(source).expect("a name");
    let subject = SubjectId { source, repository: repository.map(Name::new), asset: asset.map(Name::new) };
    Matter { subject, check }
}

fn of_account(check: CheckId) -> Matter {
    matter("stoney", Some("1"), None, check)
}

fn nomination(owners: &[Owner], entries: &[OwnerEntry], matter: &Matter) -> Nomination {
    let (directories, facts) = (directories(owners), facts(Some(entries.to_vec())));
    match Who::new(&directories, &facts).name(matter) {
        Nominated::Known(nomination) => nomination,
        Nominated::Unknown => panic!("it has an ownership"),
    }
}

/// `role address`, with a `!` before those who do not wish to be told.
fn who(nomination: &Nomination) -> Vec<String> {
    let shown = |named: &Named| {
        let wish = if named.is_wanted { "" } else { "!" };
        format!("{wish}{} {}", named.recipient.role.as_str(), named.recipient.address.to)
    };
    nomination.named.iter().map(shown).collect()
}

const ON: (Field, &str) = (Field::WarningOn, "TRUE");
const OFF: (Field, &str) = (Field::WarningOn, "FALSE");
const BY_MAIL: (Field, &str) = (Field::Medium, "mail");
const MAIL: (Field, &str) = (Field::Mail, "a@x.example");
const NEVER: (Field, &str) = (Field::WarningDays, "0");

fn account(fields: &[(Field, &str)]) -> OwnerEntry {
    entry(Part::Account, fields)
}

fn leaf(tasks: &str, to: &str) -> OwnerEntry {
    entry(Part::Notifications, &[(Field::Tasks, tasks), (Field::To, to)])
}

fn ops() -> Owner {
    owner("other/*", Role::Operator, "ops@msp.example")
}

#[rstest]
#[case::the_customer(&[account(&[ON, BY_MAIL, MAIL])], quota::ID, &["customer a@x.example"])]
#[case::the_reseller(
    &[account(&[OFF, BY_MAIL, MAIL]), leaf("quota", "r@x.example")],
    quota::ID,
    &["!customer a@x.example", "reseller r@x.example"]
)]
#[case::nobody_wishes(
    &[account(&[OFF, BY_MAIL, MAIL]), leaf("schedule", "r@x.example")],
    quota::ID,
    &["!customer a@x.example", "!reseller r@x.example", "operator ops@msp.example"]
)]
#[case::patience_for_ever(
    &[account(&[ON, BY_MAIL, MAIL, NEVER])],
    schedule::ID,
    &["!customer a@x.example", "operator ops@msp.example"]
)]
#[case::patience_that_ends(&[account(&[ON, BY_MAIL, MAIL])], schedule::ID, &["customer a@x.example"])]
#[case::nobody_is_there(&[account(&[ON, BY_MAIL])], quota::ID, &["operator ops@msp.example"])]
#[case::no_entry(&[], quota::ID, &["operator ops@msp.example"])]
#[case::nobody_can_choose(&[account(&[ON, BY_MAIL, MAIL])], behind_local::ID, &["operator ops@msp.example"])]
fn operators_hear_of_what_nobody_else_is_left_for(
    #[case] entries: &[OwnerEntry],
    #[case] check: CheckId,
    #[case] named: &[&str],
) {
    let of_account = nomination(&[ops()], entries, &of_account(check));
    assert_eq!(who(&of_account), named);
    let of_asset = matter("stoney", Some("1"), Some("pc"), check);
    assert_eq!(who(&nomination(&[ops()], entries, &of_asset)), named);
}

#[test]
fn operators_hear_why_nobody_else_is_left_and_what_is_broken() {
    let entries = [account(&[OFF, BY_MAIL, MAIL, (Field::Person, "9")])];
    let nomination = nomination(&[ops()], &entries, &of_account(quota::ID));
    let operator = &nomination.named[1].recipient;
    assert_eq!(operator.because[0], "operator of `other/*` (config.toml:1)");
    assert_eq!(
        operator.because[1],
        "no customer and no reseller is left to tell: `sstBackupWarningOn` of account is FALSE: they want no warnings"
    );
    assert_eq!(operator.because[2..], nomination.notes);
    assert_eq!(nomination.notes.len(), 1);
}

#[test]
fn owners_whose_pattern_matches_are_told_beside_the_directory() {
    let by_pattern = owner("stoney/*", Role::Operator, "noc@msp.example");
    let entries = [account(&[ON, BY_MAIL, MAIL])];
    let all = [by_pattern.clone(), ops()];
    let told = nomination(&all, &entries, &of_account(quota::ID));
    assert_eq!(who(&told), ["customer a@x.example", "operator noc@msp.example"]);
    let off = [account(&[OFF, BY_MAIL, MAIL])];
    let everybody = nomination(&all, &off, &of_account(quota::ID));
    assert_eq!(
        who(&everybody),
        ["!customer a@x.example", "operator noc@msp.example", "operator ops@msp.example"]
    );
    let customer = owner("stoney/1", Role::Customer, "boss@x.example");
    let left = nomination(&[customer, ops()], &off, &of_account(quota::ID));
    assert_eq!(who(&left), ["!customer a@x.example", "customer boss@x.example"]);
    let nobody_can_choose = nomination(&all, &entries, &of_account(behind_local::ID));
    assert_eq!(who(&nobody_can_choose), ["operator noc@msp.example"]);
}

#[test]
fn an_operator_who_is_an_owner_of_it_too_reads_each_step_once() {
    let owner = owner("*", Role::Operator, "ops@msp.example");
    let nomination =
        nomination(&[owner], &[account(&[OFF, BY_MAIL, MAIL, (Field::Person, "9")])], &of_account(quota::ID));
    let operator = &nomination.named[1];
    for steps in [&operator.recipient.because, &operator.steps] {
        let mut each = steps.clone();
        each.sort_unstable();
        each.dedup();
        assert_eq!((steps.len(), each.len()), (3, 3), "{steps:#?}");
    }
}

#[rstest]
#[case::wanted_by_one(OFF, "quota", 3, 5)]
#[case::wanted_by_both(ON, "quota", 7, 7)]
#[case::wanted_by_the_customer(ON, "schedule", 4, 7)]
fn an_address_is_named_once_with_its_first_role(
    #[case] switch: (Field, &str),
    #[case] tasks: &str,
    #[case] reason_count: usize,
    #[case] step_count: usize,
) {
    let entries = [account(&[switch, BY_MAIL, MAIL]), leaf(tasks, "Anna <a@X.EXAMPLE>")];
    let nomination = nomination(&[], &entries, &of_account(quota::ID));
    let [named] = nomination.named.as_slice() else { panic!("{:?}", who(&nomination)) };
    assert_eq!((named.is_wanted, named.recipient.role), (true, Role::Customer));
    // Why not is said to whoever asks, and not to those who are told.
    assert_eq!((named.recipient.because.len(), named.steps.len()), (reason_count, step_count));
}

#[test]
fn who_is_told_by_any_way_is_told_at_once_if_one_says_so() {
    let entries = [account(&[ON, BY_MAIL, MAIL]), leaf("schedule", "a@x.example")];
    let told = nomination(&[], &entries, &of_account(schedule::ID));
    assert_eq!(
        (who(&told), told.named[0].recipient.patience),
        (vec!["customer a@x.example".to_owned()], Patience::None)
    );
    let alone = nomination(&[], &entries[..1], &of_account(schedule::ID));
    let length = Some(Seconds::days(1));
    assert_eq!(alone.named[0].recipient.patience, Patience::Until { count: None, length });
}

#[test]
fn an_owner_s_mailbox_is_the_same_however_it_is_written() {
    let owner = owner("*", Role::Operator, "Anna <a@X.example>");
    let nomination = nomination(&[owner], &[account(&[ON, BY_MAIL, MAIL])], &of_account(quota::ID));
    assert_eq!(who(&nomination), ["customer a@x.example"]);
}

#[test]
fn what_a_directory_has_not_answered_yet_is_not_known() {
    let directories = directories(&[owner("*", Role::Operator, "ops@msp.example")]);
    let facts = facts(None);
    let who = Who::new(&directories, &facts);
    assert_eq!(who.name(&of_account(quota::ID)), Nominated::Unknown);
    assert_eq!(who.name(&matter("stoney", Some("2"), None, quota::ID)), Nominated::Unknown);
}

#[test]
fn the_source_itself_is_a_matter_of_owners_else_of_operators() {
    let of_source = matter("stoney", None, None, visibility::ID);
    let entries = [account(&[ON, BY_MAIL, MAIL])];
    let told = nomination(&[ops()], &entries, &of_source);
    assert_eq!(who(&told), ["operator ops@msp.example"]);
    assert_eq!(told.named[0].recipient.because[1], "nobody else is named for the source itself");
    let all = [owner("stoney", Role::Reseller, "noc@msp.example"), ops()];
    assert_eq!(who(&nomination(&all, &entries, &of_source)), ["reseller noc@msp.example"]);
}

#[test]
fn without_a_directory_only_owners_are_told() {
    let owners = [owner("acme/*", Role::Customer, "it@acme.example"), ops()];
    let told = nomination(&owners, &[], &matter("acme", Some("1"), None, quota::ID));
    assert_eq!(who(&told), ["customer it@acme.example"]);
    assert_eq!(
        who(&nomination(&owners, &[], &matter("beta", Some("1"), None, quota::ID))),
        Vec::<String>::new()
    );
}

#[test]
fn addresses_of_which_nobody_is_told_any_more_are_known() {
    let directories = directories(&[ops()]);
    let facts = facts(Some(vec![account(&[ON, BY_MAIL, MAIL]), leaf("quota", "r@x.example")]));
    let who = Who::new(&directories, &facts);
    let asked = ["a@x.example", "r@x.example", "ops@msp.example", "gone@x.example"].map(mail);
    let mut told: Vec<_> = who.still_told(&asked).into_iter().map(|address| address.to).collect();
    told.sort_unstable();
    assert_eq!(told, ["a@x.example", "ops@msp.example", "r@x.example"]);
    assert_eq!(who.still_told(&[]).len(), 0);
}
