//! Does `lastgood notify` send when it is asked to, and only then?

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use lastgood::store::Store;
use lastgood_core::incident::Change;
use lastgood_simulator::smtp::Fault;

use super::{Post, World, incident};
use crate::support::binary::{Ran, run};

/// Writes a configuration with this mail server, this database and this owner, and returns its path.
fn configure(folder: &Path, port: u16, database: &Path, owner: &str) -> PathBuf {
    let database = database.display();
    let text = format!(
        "[serve]\ndatabase = '{database}'\n\
         [[source]]\nname = 'acme'\nkind = 'restic'\nlocation = '/nowhere'\nsecret_file = '/nowhere'\n\
         [[channel]]\nname = 'mail'\nkind = 'mail'\nhost = '127.0.0.1'\nport = {port}\ntls = 'none'\n\
         from = 'a@example.org'\n\
         [[owner]]\nsubject = '{owner}'\nrole = 'operator'\nto = ['mail:ada@example.org']\n"
    );
    let path = folder.join("config.toml");
    std::fs::write(&path, text).expect("a writable folder");
    path
}

async fn notify(config: &Path, arguments: &[&str]) -> Ran {
    let config = config.to_str().expect("UTF-8").to_owned();
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let command = move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        run(&[&["notify", "--config", &config], &arguments[..]].concat())
    };
    tokio::task::spawn_blocking(command).await.expect("it runs")
}

#[tokio::test]
async fn a_test_message_arrives_or_it_is_said_why_not() {
    let (folder, post) = (tempfile::tempdir().expect("a folder"), Post::start().await);
    let config = configure(folder.path(), post.server.port(), &folder.path().join("none.db"), "*");
    let ran = notify(&config, &["--test", "mail:bob@example.org"]).await;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.starts_with("mail:bob@example.org has taken a test message"), "{}", ran.stdout);
    assert_eq!(post.headers("Subject"), ["TEST of lastgood: nothing is wrong"]);
    assert_eq!(post.headers("To"), ["bob@example.org"]);
    post.server.replace_fault(Some(Fault::Refuse("550 5.1.1 nobody of that name".to_owned())));
    let ran = notify(&config, &["--test", "mail:bob@example.org"]).await;
    assert_eq!(ran.code, 4, "{}", ran.stdout);
    assert!(ran.stderr.contains("(refused)") && ran.stderr.contains("nobody of that name"), "{}", ran.stderr);
    assert!(ran.stderr.contains("would not try again"), "{}", ran.stderr);
    for wrong in ["post:bob@example.org", "mail:", "bob@example.org"] {
        let ran = notify(&config, &["--test", wrong]).await;
        assert_eq!(ran.code, 3, "{wrong}: {}", ran.stderr);
        assert!(ran.stderr.contains("--test: "), "{}", ran.stderr);
    }
    assert_eq!(post.count(), 1);
}

#[tokio::test]
async fn a_dry_run_beside_the_daemon_says_who_would_be_told_and_changes_nothing() {
    let (world, post) = (World::new().await, Post::start().await);
    let folder = tempfile::tempdir().expect("a folder");
    world.decide(vec![Change::Opened(incident("db", world.now()))], &[]).await;
    let before = world.store.standing(world.now()).await.expect("what stands");
    let at = (world.now() + SignedDuration::from_hours(1)).to_string();
    let config = configure(folder.path(), post.server.port(), &world.path, "*");
    let ran = notify(&config, &["--dry-run", "--at", &at]).await;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for said in [
        "At 2026-03-02 13:00:00Z: 1 open, 0 of them new; 0 over.",
        "mail:ada@example.org would be told: BAD acme/nas1/db: unsuccessful",
        "  BAD acme/nas1/db: the newest run failed",
        "Why you: ",
    ] {
        assert!(ran.stdout.contains(said), "{said}\n{}", ran.stdout);
    }
    let config = configure(folder.path(), post.server.port(), &world.path, "other/*");
    let ran = notify(&config, &["--dry-run", "--at", &at]).await;
    assert!(ran.stdout.contains("Nobody would be told anything."), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("acme/nas1/db (unsuccessful): nobody: neither a directory"),
        "{}",
        ran.stdout
    );
    assert_eq!(world.store.standing(world.now()).await.expect("what stands"), before);
    assert!(world.store.due_messages(world.now(), 9).await.expect("the outbox").is_empty());
    assert_eq!(post.count(), 0);
}

#[tokio::test]
async fn a_dry_run_without_a_database_names_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = configure(folder.path(), 25, &folder.path().join("none.db"), "*");
    let ran = notify(&config, &["--dry-run"]).await;
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("none.db") && ran.stderr.contains("lastgood serve"), "{}", ran.stderr);
}
