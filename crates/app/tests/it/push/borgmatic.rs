//! Does the real borgmatic, whose hook for Healthchecks is pointed at us, ping as it does there?

use std::path::Path;
use std::process::Command;

use lastgood_core::observation::{LastRun, Stated};

use super::{KEY, Server, body_of, line_of};
use crate::support::packages::program;

/// Runs borgmatic on a configuration, and returns whether it says that it went well.
async fn borgmatic(folder: &Path, repository: &str, ping_url: &str) -> bool {
    let text = format!(
        "location:\n    source_directories:\n        - {0}/files\n    repositories:\n        - {0}/{repository}\n\
         storage:\n    unknown_unencrypted_repo_access_is_ok: true\n    borg_base_directory: {0}/borg\n\
         retention:\n    keep_daily: 7\n\
         hooks:\n    healthchecks:\n        ping_url: {ping_url}\n",
        folder.display()
    );
    let file = folder.join("borgmatic.yaml");
    std::fs::write(&file, text).expect("a writable folder");
    let mut command = Command::new(program("borgmatic"));
    // A log file of its own: there may be no system log to write to.
    command.arg("--config").arg(&file).arg("--log-file").arg(folder.join("log"));
    command.args(["--monitoring-verbosity", "1", "create"]);
    command.env("HOME", folder).env("BORG_BASE_DIR", folder.join("borg")).env("NO_PROXY", "*");
    let ran = tokio::task::spawn_blocking(move || command.output())
        .await
        .expect("nobody ends it")
        .expect("borgmatic runs");
    println!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    ran.status.success()
}

#[tokio::test]
async fn borgmatic_tells_of_its_start_its_success_and_its_failure() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    std::fs::create_dir(folder.path().join("files")).unwrap();
    std::fs::write(folder.path().join("files/one"), "content").unwrap();
    let made = Command::new(program("borg"))
        .args(["init", "--encryption", "none"])
        .arg(folder.path().join("repository"))
        .env("BORG_BASE_DIR", folder.path().join("borg"))
        .output()
        .expect("borg runs");
    assert!(made.status.success(), "{made:?}");
    let url = format!("http://{}/ping/{KEY}", server.address);

    assert!(borgmatic(folder.path(), "repository", &url).await);
    let job = server.job("nightly").await;
    assert_eq!((job.last_run, job.more.started_at), (LastRun::Succeeded, Stated::Missing));
    assert!(job.more.last_started.value() < job.last_good.value(), "it began before it ended");

    assert!(!borgmatic(folder.path(), "missing", &url).await);
    let job = server.job("nightly").await;
    assert!(matches!(job.last_run, LastRun::Failed { in_row: 1, .. }), "{job:?}");
    assert_eq!(job.more.started_at, Stated::Missing);
    let lines = job.more.details.iter().find(|(label, _)| *label == "last lines").expect("its last lines");
    assert!(lines.1.contains("missing"), "{lines:?}");

    let events = server.events().await;
    let words: Vec<_> =
        events.iter().map(|event| line_of(event)["word"].as_str().unwrap().to_owned()).collect();
    assert_eq!(words, ["start", "success", "start", "fail"]);
    let log = String::from_utf8_lossy(body_of(&events[1])).into_owned();
    assert!(log.contains("repository"), "its log came along: {log}");
}
