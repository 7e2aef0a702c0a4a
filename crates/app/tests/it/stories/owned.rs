//! Who is told of what belongs to somebody, as a directory says so and says otherwise later?

use std::sync::Arc;

use jiff::Timestamp;
use lastgood::sources;
use lastgood_core::id::Name;
use lastgood_core::kind::Kind;
use lastgood_core::observation::{
    AssetObservation, Collection, Extent, LastRun, RepositoryObservation, Stated,
};
use lastgood_core::ownership::{OwnerEntry, Ownership, Part};
use lastgood_core::testing::source_id;

use super::{Restarts, Story, everywhere, hours};

const CONFIG: &str = "[serve]\ntick = '5min'\nrepeat_after = 'off'\n
    [[source]]\nname = 'stoney'\nkind = 'stoney'\ndirectory = 'ldap'\nthresholds = { blind_after = '20d' }\n
    [directory.ldap]\nservers = ['ldap://127.0.0.1']\nbase = 'dc=x'\ntls = 'none'\nmail_channel = 'mail'\n
    [[channel]]\nname = 'mail'\nkind = 'command'\ncommand = ['true']\n
    [[channel]]\nname = 'page'\nkind = 'command'\ncommand = ['true']\n
    [[owner]]\nsubject = 'lastgood*'\nrole = 'operator'\nto = ['page:ops']\n";

/// Wants to hear by mail of runs, from the third that fails.
const PATIENT: [(&str, &str); 5] = [
    ("mail", "a@x.example"),
    ("medium", "mail"),
    ("warning_days", "0"),
    ("warning_numbers", "3"),
    ("warning_on", "TRUE"),
];

fn entry(part: Part, fields: &[(&str, &str)]) -> OwnerEntry {
    let fields = fields.iter().map(|(field, value)| ((*field).into(), vec![(*value).into()])).collect();
    OwnerEntry { part, whose: "1".into(), is_default: false, dn: part.as_str().into(), fields }
}

fn account(fields: &[(&str, &str)]) -> OwnerEntry {
    let all: Vec<_> = fields.iter().copied().chain([("reseller", "1")]).collect();
    entry(Part::Account, &all)
}

fn leaf() -> OwnerEntry {
    entry(Part::Notifications, &[("tasks", "unsuccessful"), ("to", "R <r@x.example>")])
}

fn kind(word: &str) -> &'static Kind {
    let source = sources::find("stoney").expect("a kind of source").kind;
    source.kinds.iter().find(|kind| kind.id == word).expect("a kind of stoney's")
}

/// A look at the account 1, of whose computer `pc` so many runs have failed in a row.
fn look(now: Timestamp, in_row: u32, entries: Option<&[OwnerEntry]>) -> Collection {
    let mut pc = AssetObservation::new(kind("computer"), Name::new("pc"));
    pc.last_run = match in_row {
        0 => LastRun::Succeeded,
        in_row => LastRun::Failed { in_row, at: Some(now) },
    };
    let mut account = RepositoryObservation::new(kind("account"), Name::new("1"), Name::new("1"));
    account.used_ever = Some(true);
    account.last_seen = Stated::Value(now);
    account.ownership = entries.map(|entries| Arc::new(Ownership { entries: entries.to_vec() }));
    account.assets.push(pc);
    Collection {
        source: source_id("stoney"),
        kind: sources::find("stoney").expect("a kind of source").kind,
        observed_at: now,
        listing: Extent::Complete,
        repositories: vec![account],
        failures: Vec::new(),
    }
}

/// The addresses that were told since this was asked last. What they read stands elsewhere: each has a language.
#[track_caller]
fn expect_told(story: &mut Story, expected: &[&str]) {
    let whole = story.whole();
    let told: Vec<_> =
        whole[story.expected_count..].iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(told, expected, "all of it: {whole:#?}");
    story.expected_count = whole.len();
}

#[tokio::test]
async fn the_right_people_hear_of_failed_runs_whatever_the_directory_says_next() {
    everywhere(CONFIG, async |story| {
        let both = [account(&PATIENT), leaf()];
        story.see(hours(1), |now| look(now, 1, Some(&both))).await;
        expect_told(story, &["mail:r@x.example"]);
        story.see(hours(2), |now| look(now, 2, Some(&both))).await;
        expect_told(story, &[]);
        story.see(hours(3), |now| look(now, 3, Some(&both))).await;
        expect_told(story, &["mail:a@x.example"]);
        // They do not wish to be told any more, and yet hear the end of what they heard the beginning of.
        let off = [account(&[("warning_on", "FALSE"), ("mail", "a@x.example"), ("medium", "mail")])];
        story.see(hours(4), |now| look(now, 0, Some(&off))).await;
        expect_told(story, &["mail:a@x.example", "mail:r@x.example"]);
        story.see(hours(5), |now| look(now, 1, Some(&off))).await;
        expect_told(story, &["page:ops"]);
        let text = story.newest();
        assert!(text.contains("no customer and no reseller is left to tell"), "{text}");
    })
    .await;
}

#[tokio::test]
async fn who_owned_what_left_hears_in_their_own_language_that_it_is_over() {
    let settings = entry(Part::Settings, &[("language", "de-CH"), ("from", "Backup AG <info@r.example>")]);
    let both = [
        account(&[
            ("warning_on", "TRUE"),
            ("medium", "mail"),
            ("mail", "a@x.example"),
            ("warning_numbers", "1"),
        ]),
        settings,
    ];
    // Between the look and the tick that follows it, how they want to be written to is known to memory alone.
    let is_forgotten = |step| step == 4;
    let restarts = (1..=6).filter(|step| !is_forgotten(*step)).map(Restarts::After);
    for restarts in restarts.chain([Restarts::Never]) {
        let mut story = Story::begin(CONFIG, restarts).await;
        story.see(hours(1), |now| look(now, 1, Some(&both))).await;
        expect_told(&mut story, &["mail:a@x.example"]);
        let left = |now| {
            let mut other = look(now, 0, None);
            other.repositories[0].key = Name::new("2");
            other
        };
        story.see(hours(2), left).await;
        expect_told(&mut story, &["mail:a@x.example"]);
        let text = story.newest();
        assert!(text.contains("NICHT MEHR ÜBERWACHT"), "{restarts:?}: {text}");
        assert_eq!(story.mailbox.newest_sender().as_deref(), Some("Backup AG <info@r.example>"));
    }
}

#[tokio::test]
async fn nobody_is_told_before_a_directory_has_answered() {
    everywhere(CONFIG, async |story| {
        story.see(hours(1), |now| look(now, 1, None)).await;
        expect_told(story, &[]);
        story.see(hours(2), |now| look(now, 2, Some(&[account(&PATIENT), leaf()]))).await;
        expect_told(story, &["mail:r@x.example"]);
    })
    .await;
}

#[tokio::test]
async fn an_address_of_the_directory_that_is_refused_is_an_incident() {
    everywhere(CONFIG, async |story| {
        story.mailbox.refuse("r@x.example");
        let both = [account(&PATIENT), leaf()];
        story.see(hours(1), |now| look(now, 1, Some(&both))).await;
        story.see(hours(2), |now| look(now, 2, Some(&both))).await;
        expect_told(story, &["page:ops"]);
        assert!(story.newest().contains("r@x.example"), "{}", story.newest());
        // Nobody is told there any more, and the customer has waited for long enough.
        story.see(hours(3), |now| look(now, 3, Some(&both[..1]))).await;
        expect_told(story, &["mail:a@x.example", "page:ops"]);
    })
    .await;
}
