//! Is the right person found, whatever stands in a directory?

use lastgood_core::checks::{behind_local, visibility};
use lastgood_core::id::Escaped;
use lastgood_core::ownership::OwnerEntry;
use lastgood_core::recipient::{Patience, Role};
use lastgood_core::time::Seconds;
use rstest::rstest;

use super::*;
use crate::ldap::{Field, LdapConfig};

/// An entry of the stoney layout, with these fields.
fn entry(part: Part, whose: &str, fields: &[(Field, &[&str])]) -> OwnerEntry {
    let dn = match part {
        Part::Account => format!("uid={whose},ou=accounts"),
        Part::Person => format!("uid={whose},ou=people"),
        Part::Notifications | Part::Settings => format!("ou={},uid={whose},ou=reseller", part.as_str()),
    };
    let fields = fields
        .iter()
        .map(|(field, values)| (field.as_str().into(), values.iter().map(|value| (*value).into()).collect()));
    OwnerEntry { part, whose: whose.into(), is_default: false, dn: dn.into(), fields: fields.collect() }
}

/// An account that wants everything by mail, and hears of runs after a day.
const WANTS: [(Field, &[&str]); 2] = [(Field::WarningOn, &["TRUE"]), (Field::Medium, &["mail"])];

fn account(fields: &[(Field, &[&str])]) -> OwnerEntry {
    let unsaid = WANTS.iter().filter(|(field, _)| !fields.iter().any(|(said, _)| said == field));
    let all: Vec<_> = unsaid.chain(fields).copied().collect();
    entry(Part::Account, "3723707", &all)
}

fn leaf(uid: &str, tasks: &[&str], to: &[&str]) -> OwnerEntry {
    entry(Part::Notifications, uid, &[(Field::Tasks, tasks), (Field::To, to)])
}

fn standing_in(entry: OwnerEntry) -> OwnerEntry {
    OwnerEntry { is_default: true, ..entry }
}

fn directory() -> LdapDirectory {
    LdapDirectory::new(LdapConfig::new(vec!["ldap://127.0.0.1".to_owned()], "dc=x"))
}

fn resolved(entries: &[OwnerEntry], check: CheckId) -> Resolved {
    resolve(&Ownership { entries: entries.to_vec() }, check, &directory())
}

/// `role address`, with a `!` before those who do not wish to be told.
fn who(resolved: &Resolved) -> Vec<String> {
    let shown = |way: &Way| {
        let wish = if way.is_wanted { "" } else { "!" };
        format!("{wish}{} {}", way.role.as_str(), way.address.to)
    };
    resolved.ways.iter().map(shown).collect()
}

fn last_step(resolved: &Resolved) -> &str {
    resolved.ways[0].because.last().expect("a step")
}

#[test]
fn the_account_s_own_mail_wins_by_presence() {
    let person = entry(Part::Person, "4000001", &[(Field::Mail, &["p@x.example"])]);
    let belongs: (Field, &[&str]) = (Field::Person, &["4000001"]);
    let by_person = resolved(&[account(&[belongs]), person.clone()], quota::ID);
    assert_eq!(who(&by_person), ["customer p@x.example"]);
    assert_eq!(
        by_person.ways[0].because[..2],
        [
            "customer by `mail` of uid=4000001,ou=people",
            "`sstBelongsToPersonUID` of uid=3723707,ou=accounts names 4000001"
        ]
    );
    let own = account(&[belongs, (Field::Mail, &["A@X.example", "\"B, C\" <b@x.example>"])]);
    let by_account = resolved(&[own, person.clone()], quota::ID);
    assert_eq!(who(&by_account), ["customer A@x.example", "customer b@x.example"]);
    assert_eq!(by_account.ways[0].address.channel, "mail");
    let unusable = resolved(&[account(&[belongs, (Field::Mail, &["nobody"])]), person], quota::ID);
    assert_eq!(who(&unusable), Vec::<String>::new());
    assert_eq!(
        unusable.notes[..2],
        [
            "`mail` of uid=3723707,ou=accounts holds \"nobody\", which is not exactly one mailbox: it is not used; \
             correct it",
            "no customer of uid=3723707,ou=accounts can be told anywhere"
        ]
    );
}

#[rstest]
#[case::switched_on(&[], "")]
#[case::without_case(&[(Field::WarningOn, &["true"][..]), (Field::Medium, &["MAIL"][..])], "")]
#[case::with_blanks(&[(Field::WarningOn, &[" TRUE "][..])], "")]
#[case::switched_off(&[(Field::WarningOn, &["FALSE"][..])], "is FALSE: they want no warnings")]
#[case::no_truth(&[(Field::WarningOn, &["yes"][..])], "is yes: they want no warnings")]
#[case::not_said(&[(Field::WarningOn, &[][..])], "is not there: they want no warnings")]
#[case::by_sms(&[(Field::Medium, &["sms"][..])], "`sms_channel` of [directory.ldap] is not set: they are not told")]
#[case::by_fax(&[(Field::Medium, &["fax"][..])], "is fax: they are not told by mail")]
#[case::by_nothing(&[(Field::Medium, &[][..])], "is not there: they are not told by mail")]
#[case::this_task(&[(Field::Tasks, &["Quota", "schedule"][..])], "")]
#[case::another_task(&[(Field::Tasks, &["schedule"][..])], "does not name quota: they do not hear of it")]
#[case::several_in_one(&[(Field::Tasks, &["quota,schedule"][..])], "does not name quota: they do not hear of it")]
fn a_customer_is_told_where_the_account_says_so(#[case] fields: &[(Field, &[&str])], #[case] why_not: &str) {
    let fields: Vec<_> = fields.iter().copied().chain([(Field::Mail, &["a@x.example"][..])]).collect();
    let resolved = resolved(&[account(&fields)], quota::ID);
    let wish = if why_not.is_empty() { "" } else { "!" };
    assert_eq!(who(&resolved), [format!("{wish}customer a@x.example")]);
    assert!(last_step(&resolved).ends_with(why_not), "{}", last_step(&resolved));
}

#[rstest]
#[case::quota(quota::ID, Some("quota"))]
#[case::schedule(schedule::ID, Some("schedule"))]
#[case::stuck(stuck::ID, Some("schedule"))]
#[case::unsuccessful(unsuccessful::ID, Some("unsuccessful"))]
#[case::upgrade(outdated_client::ID, Some("upgrade"))]
#[case::nobackup(never_used::ID, Some("nobackup"))]
#[case::visibility(visibility::ID, None)]
#[case::behind_local(behind_local::ID, None)]
fn each_check_belongs_to_one_task_or_to_none(#[case] check: CheckId, #[case] task: Option<&str>) {
    assert_eq!(Task::of(check).map(Task::as_str), task);
    let tasks: Vec<&str> = task.into_iter().collect();
    let entries = [
        account(&[(Field::Mail, &["a@x.example"]), (Field::Tasks, &tasks), (Field::Reseller, &["1"])]),
        leaf("1", &tasks, &["r@x.example"]),
    ];
    let told = resolved(&entries, check);
    let expected: &[&str] =
        if task.is_some() { &["customer a@x.example", "reseller r@x.example"] } else { &[] };
    assert_eq!(who(&told), expected);
}

fn until(count: Option<u32>, days: Option<u32>) -> Patience {
    Patience::Until { count, length: days.map(Seconds::days) }
}

#[rstest]
#[case::said(&["2"], &["3"], Some(until(Some(2), Some(3))), 0)]
#[case::unsaid(&[], &[], Some(until(None, Some(1))), 0)]
#[case::only_numbers(&["2"], &["0"], Some(until(Some(2), None)), 0)]
#[case::only_days(&["0"], &["7"], Some(until(None, Some(7))), 0)]
#[case::never(&["0"], &["0"], None, 0)]
#[case::never_by_what_is_unsaid(&[], &["0"], None, 0)]
#[case::blanks(&[" 2 "], &[" 3"], Some(until(Some(2), Some(3))), 0)]
#[case::nonsense(&["two"], &["-1"], Some(until(None, Some(1))), 2)]
#[case::fractions(&["1.5"], &["0"], None, 1)]
#[case::huge(&["4294967295"], &["4294967295"], Some(until(Some(u32::MAX), Some(DAYS_MAX))), 0)]
fn patience_is_read_leniently(
    #[case] numbers: &[&str],
    #[case] days: &[&str],
    #[case] patience: Option<Patience>,
    #[case] note_count: usize,
) {
    let fields = [
        (Field::Mail, &["a@x.example"][..]),
        (Field::WarningNumbers, numbers),
        (Field::WarningDays, days),
        (Field::Reseller, &["1"]),
    ];
    let entries = [account(&fields), leaf("1", &["schedule", "unsuccessful", "quota"], &["r@x.example"])];
    for check in [schedule::ID, stuck::ID, unsuccessful::ID] {
        let resolved = resolved(&entries, check);
        let way = &resolved.ways[0];
        assert_eq!(way.is_wanted.then_some(way.patience), patience);
        assert_eq!(resolved.notes.len(), note_count, "{:?}", resolved.notes);
        assert_eq!(resolved.ways[1].patience, Patience::None, "a reseller is told at once");
    }
    let of_quota = resolved(&entries, quota::ID);
    assert!(of_quota.ways[0].is_wanted && of_quota.ways[0].patience == Patience::None);
}

/// The same as in the file of the customer.
const DAYS_MAX: u32 = 36_500;

#[test]
fn a_reseller_hears_what_their_leaf_lists_whatever_the_customer_wishes() {
    let account = account(&[
        (Field::WarningOn, &["FALSE"]),
        (Field::Mail, &["a@x.example"]),
        (Field::Reseller, &["4000000", "4000002", "4000003"]),
    ]);
    let entries = [
        account,
        leaf("4000000", &["QUOTA"], &["Support <s@x.example>", "t@x.example"]),
        leaf("4000002", &["schedule"], &["u@x.example"]),
        leaf("4000003", &[], &["v@x.example"]),
    ];
    let told = resolved(&entries, quota::ID);
    let expected = [
        "!customer a@x.example",
        "reseller s@x.example",
        "reseller t@x.example",
        "!reseller u@x.example",
        "!reseller v@x.example",
    ];
    assert_eq!(who(&told), expected);
    assert_eq!(
        told.ways[1].because,
        [
            "reseller by `sstMailTo` of ou=notifications,uid=4000000,ou=reseller",
            "`sstBelongsToResellerUID` of uid=3723707,ou=accounts names 4000000",
            "`sstNotificationWarning` of ou=notifications,uid=4000000,ou=reseller names quota",
        ]
    );
    assert!(told.ways[3].because[2].ends_with("does not name quota: they do not hear of it"));
    assert!(told.ways[4].because[2].ends_with("is not there: they hear of nothing"));
}

#[rstest]
#[case::nobody_is_named(&[], &["reseller d@x.example"], 0)]
#[case::only_blanks(&[" "], &["reseller d@x.example"], 0)]
#[case::one_who_is_not_there(&["4009999"], &["reseller d@x.example"], 1)]
#[case::one_with_settings_only(&["4000003"], &["reseller d@x.example"], 0)]
#[case::one_with_a_leaf(&["4000002"], &["reseller r@x.example"], 0)]
#[case::one_with_and_one_without(&["4000002", "4009999"], &["reseller r@x.example", "reseller d@x.example"], 1)]
#[case::who_stands_in_is_named_too(&["4000000", "4009999"], &["reseller d@x.example"], 1)]
fn who_stands_in_is_told_where_a_reseller_has_no_leaf(
    #[case] resellers: &[&str],
    #[case] told: &[&str],
    #[case] note_count: usize,
) {
    let mut entries = vec![account(&[(Field::Mail, &["a@x.example"]), (Field::Reseller, resellers)])];
    for uid in resellers {
        match *uid {
            "4000000" => entries.push(leaf("4000000", &["quota"], &["d@x.example"])),
            "4000002" => entries.push(leaf("4000002", &["quota"], &["r@x.example"])),
            "4000003" => entries.push(entry(Part::Settings, "4000003", &[])),
            _ => {}
        }
    }
    entries.push(standing_in(leaf("4000000", &["quota"], &["d@x.example"])));
    let resolved = resolved(&entries, quota::ID);
    assert_eq!(who(&resolved)[1..], *told);
    assert_eq!(resolved.notes.len(), note_count, "{:?}", resolved.notes);
}

#[test]
fn keys_are_compared_without_case() {
    let mut person = entry(Part::Person, "anna", &[(Field::Mail, &["p@x.example"])]);
    person.whose = "ANNA".into();
    let account = account(&[(Field::Person, &["Anna"]), (Field::Reseller, &["MSP"])]);
    let told = resolved(&[account, person, leaf("msp", &["quota"], &["r@x.example"])], quota::ID);
    assert_eq!(who(&told), ["customer p@x.example", "reseller r@x.example"]);
    assert_eq!(told.notes, Vec::<String>::new());
}

#[rstest]
#[case::nobody_at_all(account(&[]), &[
    "uid=3723707,ou=accounts has neither `mail` nor `sstBelongsToPersonUID`",
    "no customer of uid=3723707,ou=accounts can be told anywhere",
    "`sstBelongsToResellerUID` of uid=3723707,ou=accounts names nobody, and no reseller who stands in (`sstIsDefault` \
     TRUE) has a leaf `ou=notifications`",
])]
#[case::dangling(account(&[(Field::Person, &["4000009"]), (Field::Reseller, &["4009999"])]), &[
    "`sstBelongsToPersonUID` of uid=3723707,ou=accounts names \"4000009\", and there is no such person",
    "no customer of uid=3723707,ou=accounts can be told anywhere",
    "`sstBelongsToResellerUID` of uid=3723707,ou=accounts names 4009999, for whom there is no leaf `ou=notifications`",
    "`sstBelongsToResellerUID` of uid=3723707,ou=accounts names 4009999, for whom there is no leaf \
     `ou=notifications`, and no reseller who stands in (`sstIsDefault` TRUE) has a leaf `ou=notifications`",
])]
fn what_is_missing_is_said(#[case] account: OwnerEntry, #[case] notes: &[&str]) {
    let resolved = resolved(&[account], quota::ID);
    assert_eq!(who(&resolved), Vec::<String>::new());
    assert_eq!(resolved.notes, notes);
}

#[test]
fn a_person_without_mail_and_a_leaf_without_mailboxes_are_said() {
    let person = entry(Part::Person, "4000001", &[]);
    let account = account(&[(Field::Person, &["4000001"]), (Field::Reseller, &["1"])]);
    let resolved = resolved(&[account, person, leaf("1", &["quota"], &[])], quota::ID);
    let notes = [
        "`mail` of uid=4000001,ou=people is not there",
        "no customer of uid=3723707,ou=accounts can be told anywhere",
        "`sstMailTo` of ou=notifications,uid=1,ou=reseller is not there",
    ];
    assert_eq!(resolved.notes, notes);
}

#[test]
fn without_the_entry_of_the_account_nobody_is_guessed() {
    let resolved = resolved(&[standing_in(leaf("1", &["quota"], &["r@x.example"]))], quota::ID);
    assert_eq!((resolved.ways.len(), resolved.notes.len()), (0, 1));
}

#[test]
fn short_messages_go_through_the_channel_for_them() {
    let mut directory = directory();
    let person =
        entry(Part::Person, "4000001", &[(Field::Mobile, &["+41 79 000 00 00", "+41 79 000 00 00"])]);
    let belongs: (Field, &[&str]) = (Field::Person, &["4000001"]);
    let by_sms: (Field, &[&str]) = (Field::Medium, &["sms"]);
    let entries = vec![account(&[belongs, by_sms, (Field::Mail, &["a@x.example"])]), person];
    let ownership = Ownership { entries };
    assert_eq!(who(&resolve(&ownership, quota::ID, &directory)), ["!customer a@x.example"]);
    directory.sms_channel = Some("texts".to_owned());
    let told = resolve(&ownership, quota::ID, &directory);
    assert_eq!(who(&told), ["!customer a@x.example", "customer +41 79 000 00 00"]);
    assert_eq!(told.ways[1].address.channel, "texts");
    assert!(told.ways[0].because[2].ends_with("is sms: they are not told by mail"));
}

const BOTH: &[&str] = &["mail", "sms"];

#[rstest]
#[case::no_number(&["sms"], &[(Field::Mail, &["a@x.example"][..])], Some("no mobile number"), &[
    "uid=3723707,ou=accounts has neither `mobileTelephoneNumber` nor `sstBelongsToPersonUID`",
])]
#[case::no_such_person(&["sms"], &[(Field::Mail, &["a@x.example"][..]), (Field::Person, &["9"][..])], Some("no mobile number"), &[
    "`sstBelongsToPersonUID` of uid=3723707,ou=accounts names \"9\", and there is no such person",
    "neither uid=3723707,ou=accounts nor anybody whom its `sstBelongsToPersonUID` names has a `mobileTelephoneNumber` that can be used",
])]
#[case::a_number_that_is_none(&["sms"], &[(Field::Mail, &["a@x.example"][..]), (Field::Mobile, &["\u{7}"][..])], Some("no mobile number"), &[
    "`mobileTelephoneNumber` of uid=3723707,ou=accounts holds \"\\u{7}\", which is no number: it is not used",
    "uid=3723707,ou=accounts has no `mobileTelephoneNumber` that can be used",
])]
#[case::no_mailbox(&["mail"], &[(Field::Mobile, &["+41"][..])], Some("no mailbox"), &[
    "uid=3723707,ou=accounts has neither `mail` nor `sstBelongsToPersonUID`",
])]
#[case::no_mailbox_and_none_is_wanted(&["sms"], &[(Field::Mobile, &["+41"][..])], None, &[])]
#[case::one_of_both(BOTH, &[(Field::Mail, &["a@x.example"][..])], None, &[
    "uid=3723707,ou=accounts has neither `mobileTelephoneNumber` nor `sstBelongsToPersonUID`",
])]
fn what_is_missing_is_said_of_the_medium_that_is_wanted(
    #[case] media: &[&str],
    #[case] fields: &[(Field, &[&str])],
    #[case] reason: Option<&str>,
    #[case] notes: &[&str],
) {
    let mut directory = directory();
    directory.sms_channel = Some("texts".to_owned());
    let fields: Vec<_> = fields.iter().copied().chain([(Field::Medium, media)]).collect();
    let entries = vec![account(&fields), standing_in(leaf("1", &["upgrade"], &["r@x.example"]))];
    let told = resolve(&Ownership { entries }, quota::ID, &directory);
    assert_eq!(told.notes, notes);
    assert_eq!((told.ways.len(), told.ways[0].is_wanted), (2, reason.is_none()));
    if let (Some(reason), Some(note)) = (reason, notes.last()) {
        assert_eq!(last_step(&told), format!("{reason}: {note}"));
    }
}

#[test]
fn what_counts_where_an_attribute_is_absent_counts_here_too() {
    let mut directory = directory();
    directory.layout.names.insert(Field::Mail, "email".to_owned());
    directory.layout.absent.insert(Field::WarningOn, "TRUE".to_owned());
    directory.layout.absent.insert(Field::Medium, "mail".to_owned());
    let ownership =
        Ownership { entries: vec![entry(Part::Account, "1", &[(Field::Mail, &["a@x.example", "x"])])] };
    let told = resolve(&ownership, quota::ID, &directory);
    assert_eq!(who(&told), ["customer a@x.example"]);
    assert!(told.notes[0].starts_with("`email` of uid=1,ou=accounts holds \"x\""), "{:?}", told.notes);
}

#[test]
fn what_stands_in_a_directory_reaches_nobody_unescaped_or_whole() {
    let long = "x".repeat(5000);
    let hostile = "a@x.example\nBcc: b@x.example\u{202e}";
    let mut account = account(&[
        (Field::Mail, &[hostile, &long, "a@x.example", "b@x.example\n"]),
        (Field::WarningDays, &["\u{1b}[2J"]),
    ]);
    account.dn = "uid=\u{1b}]0;x\u{7},ou=accounts".into();
    let told = resolved(&[account], schedule::ID);
    assert_eq!(who(&told), ["customer a@x.example"]);
    let texts = || told.notes.iter().chain(told.ways.iter().flat_map(|way| &way.because));
    assert!(texts().all(|text| text.len() < 1000 && Escaped(text).to_string() == *text), "{:?}", told.notes);
    assert_eq!(told.notes.len(), 5);
}

#[test]
fn somebody_is_written_to_in_their_own_language_and_in_the_name_of_their_reseller() {
    let said: &[(Field, &[&str])] =
        &[(Field::Mail, &["a@x.example"]), (Field::Person, &["p"]), (Field::Reseller, &["1"])];
    let person = entry(Part::Person, "p", &[(Field::Language, &["de-CH"])]);
    let settings = [(Field::Language, &["fr-CH"][..]), (Field::From, &["\"MSP, AG\" <msp@X.example>"][..])];
    let settings = entry(Part::Settings, "1", &settings);
    let leaf = leaf("1", &["quota"], &["r@x.example"]);
    let voices = |entries: &[OwnerEntry]| -> Vec<(String, Option<String>, Option<String>)> {
        let resolved = resolved(entries, quota::ID);
        let voices = resolved.ways.iter().map(|way| way.voice.as_deref().expect("a voice"));
        let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        voices.map(|voice| (voice.language.to_string(), text(&voice.from), text(&voice.brand))).collect()
    };
    let voice = |language: &str| {
        (language.to_owned(), Some("\"MSP, AG\" <msp@x.example>".to_owned()), Some("1".to_owned()))
    };
    let by_person = [account(said), person.clone(), settings.clone(), leaf.clone()];
    assert_eq!(voices(&by_person), [voice("de-CH"), voice("fr-CH")]);
    let own: Vec<_> = said.iter().copied().chain([(Field::Language, &["en-US"][..])]).collect();
    assert_eq!(voices(&[account(&own), person, settings.clone(), leaf.clone()])[0], voice("en-US"));
    assert_eq!(voices(&[account(said), settings, leaf.clone()])[0], voice("fr-CH"));
    let unsaid = ("en-GB".to_owned(), None, Some("1".to_owned()));
    assert_eq!(voices(&[account(said), leaf]), [unsaid.clone(), unsaid]);
}

#[test]
fn whose_settings_are_not_there_is_seen_as_who_stands_in() {
    let account = account(&[(Field::Mail, &["a@x.example"])]);
    let settings = standing_in(entry(Part::Settings, "9", &[(Field::From, &["no mailbox"])]));
    let leaf = standing_in(leaf("9", &["quota"], &["r@x.example"]));
    let mut directory = directory();
    directory.from = Some("backup@host.example".to_owned());
    let resolved = resolve(&Ownership { entries: vec![account, leaf, settings] }, quota::ID, &directory);
    let voice = resolved.ways[0].voice.as_deref().expect("a voice");
    assert_eq!((voice.from.as_deref(), voice.brand.as_deref()), (Some("backup@host.example"), Some("9")));
    assert_eq!(resolved.notes.len(), 1);
    assert!(resolved.notes[0].starts_with("`sstMailFrom` of ou=settings,uid=9"), "{:?}", resolved.notes);
}

#[test]
fn every_address_that_may_be_told_of_anything_is_known() {
    let fields: &[(Field, &[&str])] = &[
        (Field::Mail, &["a@x.example"]),
        (Field::Tasks, &["quota"]),
        (Field::WarningDays, &["0"]),
        (Field::Reseller, &["1", "2"]),
    ];
    let leaves = [leaf("1", &["upgrade"], &["r@x.example"]), leaf("2", &[], &["s@x.example"])];
    let known = |account: OwnerEntry| {
        let entries = [account].into_iter().chain(leaves.clone()).collect();
        let found = addresses(&Ownership { entries }, &directory());
        found.into_iter().map(|address| address.to).collect::<Vec<_>>()
    };
    assert_eq!(known(account(fields)), ["a@x.example", "r@x.example"]);
    let off: Vec<_> = fields.iter().copied().chain([(Field::WarningOn, &["FALSE"][..])]).collect();
    assert_eq!(known(account(&off)), ["r@x.example"]);
}

#[test]
fn roles_stand_in_order() {
    let entries =
        [account(&[(Field::Mail, &["a@x.example"])]), standing_in(leaf("1", &["quota"], &["a@x.example"]))];
    let roles: Vec<Role> = resolved(&entries, quota::ID).ways.iter().map(|way| way.role).collect();
    assert_eq!(roles, [Role::Customer, Role::Reseller]);
}
