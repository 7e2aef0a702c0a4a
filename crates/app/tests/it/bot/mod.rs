//! Does the bot look at what Grafolean tells it to, publish the truth there, and outlive whatever goes wrong?

mod grafolean;
mod once;
mod running;
mod workshop;

use lastgood_simulator::{Faults, Fleet, Portal};
use serde_json::{Value as Json, json};

use self::grafolean::{BOT, Grafolean, INTERVAL, TOKEN, wait};
use self::running::Running;
use self::workshop::{PASSWORD, Workshop};

/// A document in which all is well, except that it is old.
fn document() -> Json {
    let path = crate::support::binary::testdata().join("ok.xml");
    json!({"kind": "datto-xml", "location": path})
}

async fn portal() -> Portal {
    let fleet = Fleet::seeded(7, 2, 2, lastgood::clock::now());
    Portal::start(fleet, Faults::none()).await.expect("a free port")
}

fn feed(portal: &Portal) -> Json {
    let location = portal.xml_url().replace(&portal.keys().xml, "{key}");
    json!({"kind": "datto-xml", "location": location, "secret": portal.keys().xml})
}

fn api(portal: &Portal) -> Json {
    json!({
        "kind": "datto-rest",
        "location": portal.rest_url(),
        "public_key": portal.keys().rest_public,
        "secret": portal.keys().rest_secret,
    })
}

/// No output may hold any of these.
#[track_caller]
fn holds_no_secret(text: &str, more: &[&str]) {
    for secret in [TOKEN, PASSWORD].iter().chain(more) {
        assert!(!text.to_lowercase().contains(&secret.to_lowercase()), "{secret}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_is_looked_at_and_published_for_its_scheduled_second() {
    let (portal, workshop, grafolean) = (portal().await, Workshop::new(), Grafolean::start());
    grafolean.entity(1, &feed(&portal));
    grafolean.entity(2, &api(&portal));
    grafolean.entity(3, &workshop.restic());
    grafolean.entity_with(4, &workshop.borg(), &[Some(2 * INTERVAL), Some(3 * INTERVAL)]);
    let bot = Running::start_with(&grafolean, &["-v"], &[("LASTGOOD_LOG", "trace")]);
    for entity in 1..=4 {
        grafolean.wait_for(entity, "look.ok", 1.0).await;
    }
    for entity in [1, 2] {
        let newest = grafolean.newest(entity);
        assert_eq!(newest.get("repositories"), Some(&2.0), "{newest:#?}");
        let agents = newest.keys().filter(|path| path.contains(".asset.") && path.ends_with(".failed"));
        assert!(agents.count() >= 4, "{newest:#?}");
        assert!(newest.contains_key("check.behind_offsite.bad"), "{newest:#?}");
    }
    let file = workshop.folder.path().join("file");
    let host = lastgood::publish::grafolean::segment::escape(format!("web.1:{}", file.display()).as_bytes());
    let restic = grafolean.newest(3);
    let age = restic.get(&format!("repository.restic-1.asset.{host}.last_good_age_seconds"));
    assert!(age.is_some_and(|age| *age < 3600.0), "{restic:#?}");
    assert_eq!(restic.get("check.behind_local.bad"), Some(&0.0), "{restic:#?}");
    let used = grafolean.instants(3, "repository.restic-1.used_bytes");
    assert_eq!(used.len(), 1, "the size is taken once a day");
    let borg = grafolean.newest(4);
    assert_eq!(borg.get("check.behind_local.bad"), Some(&1.0), "{borg:#?}");
    assert!(borg.get("repository.borg-1.asset.db.last_good_age_seconds").is_some_and(|age| *age > 1e8));

    grafolean.wait_for_looks(4, 3).await;
    for (entity, path) in [(1, "look.ok"), (4, "look.ok")] {
        let instants = grafolean.instants(entity, path);
        let mut distinct = instants.clone();
        distinct.dedup();
        assert_eq!(instants, distinct, "one value for a second");
        assert!(instants.iter().all(|at| at.fract() == 0.0), "{instants:?}");
    }
    let ran = bot.end().await;
    assert_eq!(ran.code, 0, "{}", ran.text());
    let keys = portal.keys();
    holds_no_secret(&ran.stderr, &[&keys.xml, &keys.rest_secret]);
    assert!(grafolean.world.requests().iter().all(|request| !request.has_authorization));
    assert!(grafolean.world.poisoned_paths(grafolean::ACCOUNT).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_fails_says_so_and_leaves_nothing_that_looks_alive() {
    let (workshop, grafolean) = (Workshop::new(), Grafolean::start());
    grafolean.entity(3, &workshop.restic());
    let bot = Running::start(&grafolean, &[]);
    grafolean.wait_for(3, "look.ok", 1.0).await;
    let aside = workshop.folder.path().join("aside");
    std::fs::rename(workshop.restic_repository(), &aside).expect("a folder of ours");
    grafolean.wait_for(3, "look.ok", 0.0).await;
    grafolean.wait_for_looks(3, 2).await;
    let newest: Vec<String> = grafolean.newest(3).into_keys().collect();
    let expected = [
        "check.visibility.unknown",
        "look.duration_seconds",
        "look.failures",
        "look.ok",
        "look.partial",
        "look.unpublished",
    ];
    assert_eq!(newest, expected);
    std::fs::rename(&aside, workshop.restic_repository()).expect("a folder of ours");
    grafolean.wait_for(3, "look.ok", 1.0).await;
    bot.wait_until_said("entity-5-3: seen in full again").await;
    let ran = bot.end().await;
    let told = ran.stderr.matches("there is no repository at this location").count();
    assert_eq!(told, 1, "once, and not at every look: {}", ran.stderr);
    holds_no_secret(&ran.stderr, &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_cannot_be_opened_costs_only_its_entity() {
    let grafolean = Grafolean::start();
    let hostile = "hostile-secret-of-the-test";
    let refused = [
        (10, json!({"kind": "restic", "location": "/srv/restic"}), "lacks `secret`"),
        (11, json!({"kind": "nonsense", "location": "x", "secret": hostile}), "is none we know"),
        (12, json!({"kind": "borg", "location": "ssh://-oProxyCommand=x/r", "secret": hostile}), "an option"),
        (
            13,
            json!({"kind": "restic", "location": "/srv/\u{1b}[2J", "secret": hostile}),
            "a control character",
        ),
        (14, json!({"kind": "datto-xml", "location": "/dev/zero"}), "is no file"),
        (
            15,
            json!({"kind": "datto-rest", "location": "https://localhost", "secret": hostile}),
            "lacks `public_key`",
        ),
        (16, json!([hostile]), "must be an object"),
        (
            17,
            json!({"kind": "datto-xml", "location": "ftp://x/{key}", "secret": hostile}),
            "begins with https://",
        ),
    ];
    for (id, details, _) in &refused {
        grafolean.entity(*id, details);
    }
    let mut odd = document();
    odd["sercet"] = json!(hostile);
    grafolean.entity_with(20, &odd, &[Some(0), None, Some(-5), Some(INTERVAL), Some(1 << 40)]);
    grafolean.entity_with(21, &document(), &[None]);
    let bot = Running::start(&grafolean, &[]);
    for (id, _, words) in &refused {
        grafolean.wait_for(*id, "look.ok", 0.0).await;
        bot.wait_until_said(&format!("entity-5-{id}: not looked at: ")).await;
        bot.wait_until_said(words).await;
        assert_eq!(grafolean.newest(*id).get("check.visibility.unknown"), Some(&1.0));
    }
    grafolean.wait_for(20, "look.ok", 1.0).await;
    bot.wait_until_said("`sercet`, which means nothing").await;
    bot.wait_until_said("sensor 2000 has 0 s, sensor 2001 has none, sensor 2002 has -5 s").await;
    bot.wait_until_said(": left out; its other sensors stay").await;
    bot.wait_until_said(
        "entity-5-21: intervals that cannot be kept: sensor 2100 has none, so that it is NEVER",
    )
    .await;
    grafolean.wait_for_looks(20, 2).await;
    assert!(grafolean.values(21).is_empty());
    let ran = bot.end().await;
    assert_eq!(ran.stderr.matches("sercet").count(), 1, "{}", ran.stderr);
    holds_no_secret(&ran.stderr, &[hostile]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_is_down_at_the_start_is_waited_for_and_its_coming_said_once() {
    let mut grafolean = Grafolean::start();
    grafolean.entity(1, &document());
    grafolean.go_down();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fail_file = folder.path().join("fail");
    let bot = Running::start(&grafolean, &["--fail-file", fail_file.to_str().expect("UTF-8")]);
    bot.wait_until_said("the backend cannot be reached").await;
    let why = || std::fs::read_to_string(&fail_file).unwrap_or_default();
    wait("the cause in the file", || why().contains("the backend cannot be reached")).await;
    grafolean.come_up();
    grafolean.wait_for(1, "look.ok", 1.0).await;
    wait("the file to go", || !fail_file.exists()).await;
    let ran = bot.end().await;
    assert_eq!(ran.code, 0, "{}", ran.text());
    assert_eq!(ran.stderr.matches("the backend answers").count(), 1, "{}", ran.stderr);
    holds_no_secret(&ran.stderr, &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_seen_while_the_backend_is_down_arrives_with_its_own_time() {
    let mut grafolean = Grafolean::start();
    grafolean.entity(1, &document());
    let spool = tempfile::tempdir().expect("a temporary folder");
    let bot = Running::start(&grafolean, &["--spool", spool.path().to_str().expect("UTF-8")]);
    grafolean.wait_for_looks(1, 2).await;
    grafolean.go_down();
    let before = grafolean.instants(1, "look.ok");
    let waiting =
        || instants_in(spool.path()).into_iter().filter(|at| !before.contains(at)).collect::<Vec<_>>();
    wait("looks in the spool", || waiting().len() >= 3).await;
    let waited = waiting();
    grafolean.come_up();
    wait("what waited to arrive", || {
        let arrived = grafolean.instants(1, "look.ok");
        waited.iter().all(|at| arrived.contains(at))
    })
    .await;
    let ran = bot.end().await;
    assert_eq!(ran.code, 0, "{}", ran.text());
    holds_no_secret(&ran.stderr, &[]);
}

/// The instants of `look.ok` in the files of a spool.
fn instants_in(folder: &std::path::Path) -> Vec<f64> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(instants_in(&path));
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap_or_default();
        for line in text.lines().filter(|line| line.contains("look.ok")) {
            let numbers = line.split_whitespace().filter_map(|word| word.parse::<f64>().ok());
            // Of this century: nothing else in a line is that large.
            found.extend(numbers.filter(|number| (1e9..4e9).contains(number)));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_sent_before_the_end_is_sent_after_the_next_start() {
    let mut grafolean = Grafolean::start();
    grafolean.entity(1, &document());
    let spool = tempfile::tempdir().expect("a temporary folder");
    let folder = spool.path().to_str().expect("UTF-8");
    let bot = Running::start(&grafolean, &["--spool", folder]);
    grafolean.wait_for_looks(1, 1).await;
    grafolean.go_down();
    let before = grafolean.instants(1, "look.ok");
    let waiting =
        || instants_in(spool.path()).into_iter().filter(|at| !before.contains(at)).collect::<Vec<_>>();
    wait("a look in the spool", || !waiting().is_empty()).await;
    let ran = bot.end().await;
    assert_eq!(ran.code, 0, "{}", ran.text());
    assert!(ran.stderr.contains("values wait in the spool for the next start"), "{}", ran.text());
    let waited = waiting();
    grafolean.come_up();
    let bot = Running::start(&grafolean, &["--spool", folder]);
    wait("what waited to arrive", || {
        let arrived = grafolean.instants(1, "look.ok");
        waited.iter().all(|at| arrived.contains(at))
    })
    .await;
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_are_lost_at_the_end_are_told_by_the_exit_code() {
    let mut grafolean = Grafolean::start();
    grafolean.entity(1, &document());
    let bot = Running::start(&grafolean, &[]);
    grafolean.wait_for_looks(1, 1).await;
    grafolean.go_down();
    bot.wait_until_said("values wait: ").await;
    let ran = bot.end().await;
    assert_eq!(ran.code, 4, "{}", ran.text());
    assert!(ran.stderr.contains("were not sent and are lost; with --spool"), "{}", ran.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_revoked_is_told_and_the_values_wait_for_it() {
    let grafolean = Grafolean::start();
    grafolean.entity(1, &document());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fail_file = folder.path().join("fail");
    let bot = Running::start(&grafolean, &["--fail-file", fail_file.to_str().expect("UTF-8")]);
    grafolean.wait_for_looks(1, 1).await;
    grafolean.world.revoke_token(BOT, "5eeded00-0000-4000-8000-00000000000b");
    bot.wait_until_said("the backend answered 401").await;
    bot.wait_until_said("values wait: ").await;
    wait("the file for the health check", || fail_file.exists()).await;
    let before = grafolean.instants(1, "look.ok").len();
    grafolean.world.revoke_token(BOT, TOKEN);
    wait("the file to go", || !fail_file.exists()).await;
    wait("new values", || grafolean.instants(1, "look.ok").len() > before).await;
    let ran = bot.end().await;
    holds_no_secret(&ran.stderr, &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_cannot_be_listed_keeps_its_entities() {
    let grafolean = Grafolean::start();
    grafolean.entity(1, &document());
    let bot = Running::start(&grafolean, &[]);
    grafolean.wait_for_looks(1, 1).await;
    grafolean.world.remove_permissions(BOT, "accounts/5/entities");
    bot.wait_until_said("old ones stay").await;
    grafolean.wait_for_looks(1, 3).await;
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_with_nothing_to_look_at_says_so() {
    let grafolean = Grafolean::start();
    let bot = Running::start(&grafolean, &[]);
    bot.wait_until_said("bot: there is nothing to look at").await;
    grafolean.entity(1, &document());
    grafolean.wait_for_looks(1, 1).await;
    let ran = bot.end().await;
    assert_eq!(ran.stderr.matches("nothing to look at").count(), 1, "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_at_the_start_is_told_clearly() {
    let grafolean = Grafolean::start();
    grafolean.entity(1, &document());
    grafolean.world.revoke_token(BOT, "5eeded00-0000-4000-8000-00000000000b");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fail_file = folder.path().join("fail");
    let bot = Running::start(&grafolean, &["--fail-file", fail_file.to_str().expect("UTF-8")]);
    bot.wait_until_said("check the bot's token and its permissions").await;
    let why = || std::fs::read_to_string(&fail_file).unwrap_or_default();
    wait("the cause in the file", || why().contains("check the bot's token")).await;
    let ran = bot.end().await;
    assert_eq!(ran.code, 0, "{}", ran.text());
    holds_no_secret(&ran.stderr, &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_hangs_holds_up_no_other_and_not_the_end() {
    let grafolean = Grafolean::start();
    let hanging = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = hanging.local_addr().expect("an address");
    for id in 1..=20 {
        let location = format!("http://{address}/{id}");
        grafolean.entity(id, &json!({"kind": "datto-xml", "location": location}));
    }
    grafolean.entity(30, &document());
    let bot = Running::start(&grafolean, &[]);
    grafolean.wait_for_looks(30, 3).await;
    // Accepted by the system, never answered by anybody.
    assert!((1..=20).all(|id| grafolean.values(id).is_empty()));
    // An entity that goes while it is looked at is let go.
    grafolean.world.delete_entity(grafolean::ACCOUNT, 1);
    grafolean.wait_for_looks(30, 3).await;
    let ran = bot.end().await;
    assert_eq!(ran.code, 0, "{}", ran.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_hangs_does_not_outlive_the_bot() {
    let grafolean = Grafolean::start();
    grafolean.entity(1, &json!({"kind": "restic", "location": "/srv/restic", "secret": PASSWORD}));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (restic, pid_file) = (folder.path().join("restic"), folder.path().join("pid"));
    let script =
        format!("#!/bin/sh\necho $$ >'{0}.new'\nmv '{0}.new' '{0}'\nexec sleep 600\n", pid_file.display());
    std::fs::write(&restic, script).expect("a writable folder");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&restic, executable).expect("our own file");
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").expect("a PATH"));
    let bot = Running::start_with(&grafolean, &[], &[("PATH", &path)]);
    wait("the program to run", || pid_file.exists()).await;
    let pid = std::fs::read_to_string(&pid_file).expect("a readable file");
    let process = std::path::Path::new("/proc").join(pid.trim());
    assert!(process.exists());
    let ran = bot.end().await;
    assert_eq!(ran.code, 0, "{}", ran.text());
    // Dead, or dead and not yet fetched by whoever inherited it.
    let is_over = || {
        let state = std::fs::read_to_string(process.join("stat")).unwrap_or_default();
        state.rsplit(") ").next().is_none_or(|behind| behind.is_empty() || behind.starts_with('Z'))
    };
    wait("the program to be over", is_over).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entity_that_is_deleted_or_changed_is_followed() {
    let grafolean = Grafolean::start();
    grafolean.entity(1, &document());
    grafolean.entity(2, &document());
    let bot = Running::start(&grafolean, &[]);
    grafolean.wait_for_looks(1, 1).await;
    grafolean.wait_for_looks(2, 1).await;
    grafolean.world.delete_entity(grafolean::ACCOUNT, 1);
    grafolean.entity(2, &json!({"kind": "datto-xml", "location": "/nonexistent.xml"}));
    grafolean.wait_for(2, "look.ok", 0.0).await;
    grafolean.wait_for_looks(2, 2).await;
    let gone = grafolean.instants(1, "look.ok").len();
    grafolean.wait_for_looks(2, 3).await;
    assert_eq!(grafolean.instants(1, "look.ok").len(), gone);
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thresholds_come_from_a_file_and_the_command_line() {
    let grafolean = Grafolean::start();
    grafolean.entity(1, &document());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("thresholds.toml");
    let text = "[[override]]\nsubject = 'entity-5-1/*'\nthresholds = { offline_after = 'off', reboot_due = 'off' }\n";
    std::fs::write(&file, text.replace("reboot_due", "reboot_after")).expect("a writable folder");
    let file = file.to_str().expect("UTF-8");
    let bot = Running::start(&grafolean, &["--config", file, "--set", "local_after=off"]);
    grafolean.wait_for(1, "look.ok", 1.0).await;
    let newest = grafolean.newest(1);
    for off in ["offline", "reboot_due", "behind_local"] {
        assert!(!newest.contains_key(&format!("check.{off}.bad")), "{newest:#?}");
    }
    assert!(newest.contains_key("check.behind_offsite.bad"), "{newest:#?}");
    bot.end().await;
}
