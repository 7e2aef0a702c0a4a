//! Does the real curl ping as the documentation of its users says?

use std::process::Command;

use lastgood_core::observation::{LastRun, Stated};

use super::{KEY, PING_KEY, Server, body_of};
use crate::support::packages::program;

async fn curl(arguments: Vec<String>) -> String {
    let mut command = Command::new(program("curl"));
    command.args(["-q", "--fail", "--silent", "--show-error", "--max-time", "100", "--noproxy", "*"]);
    let ran = tokio::task::spawn_blocking(move || command.args(arguments).output());
    let output = ran.await.expect("nobody ends it").expect("curl runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test]
async fn curl_pings() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let file = folder.path().join("log");
    std::fs::write(&file, "line\n".repeat(60_000)).unwrap();
    let url = |rest: &str| format!("http://{}/ping/{rest}", server.address);
    let arguments = |all: &[&str]| all.iter().map(|&one| one.to_owned()).collect::<Vec<_>>();
    let data = format!("@{}", file.display());
    let retried = curl(arguments(&["--retry", "5", &url(&format!("{KEY}/start"))])).await;
    assert_eq!(retried, "OK");
    assert!(matches!(server.job("nightly").await.more.started_at, Stated::Value(_)));
    assert_eq!(curl(arguments(&["--data-raw", "all is well", &url(KEY)])).await, "OK");
    assert_eq!(server.job("nightly").await.last_run, LastRun::Succeeded);
    assert_eq!(curl(arguments(&["--data-binary", &data, &url(&format!("{PING_KEY}/weekly/2"))])).await, "OK");
    assert!(matches!(server.job("weekly").await.last_run, LastRun::Failed { in_row: 1, .. }));
    let head = curl(arguments(&["--head", &url(&format!("{PING_KEY}/weekly"))])).await;
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert_eq!(server.job("weekly").await.last_run, LastRun::Succeeded);
    let events = server.events().await;
    let lengths: Vec<_> = events.iter().map(|event| body_of(event).len()).collect();
    assert_eq!(lengths, [0, 11, 100_000, 0]);
}
