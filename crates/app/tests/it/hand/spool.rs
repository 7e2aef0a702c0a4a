//! Does what nobody took wait, and get there in order?

use std::os::unix::fs::PermissionsExt;

use super::run::Wrapping;
use super::server::{KEY, Server, away};
use crate::support::binary::{Ran, program};

async fn flush(wrapping: &Wrapping) -> Ran {
    let spool = wrapping.spool();
    let command = program(&["run", "--flush", "--spool", spool.to_str().expect("UTF-8")]);
    tokio::process::Command::from(command).output().await.expect("it starts").into()
}

#[tokio::test]
async fn what_a_server_does_not_take_waits_and_is_flushed_in_order_with_its_instants() {
    let server = Server::start(503).await;
    let wrapping = Wrapping::new();
    for (command, code) in [(["sh", "-c", "echo one"], 0), (["sh", "-c", "echo two; exit 9"], 9)] {
        let ran = wrapping.ran(&server.url(), &["--patience", "4"], &command).await;
        assert_eq!(ran.code, code);
        assert!(ran.stderr.contains("it waits in"), "{}", ran.stderr);
    }
    let names = wrapping.waiting();
    assert_eq!(names.len(), 4, "{names:?}");
    for name in &names {
        let path = wrapping.spool().join(name);
        assert_eq!(path.metadata().expect("a file").permissions().mode() & 0o777, 0o600);
        assert!(!name.contains(KEY), "{name}");
    }
    let ran = flush(&wrapping).await;
    assert_eq!((ran.code, &*ran.stdout), (4, "0 sent, 0 dropped, 4 waiting\n"));
    server.turn(200);
    let ran = flush(&wrapping).await;
    assert_eq!((ran.code, &*ran.stdout, &*ran.stderr), (0, "4 sent, 0 dropped, 0 waiting\n", ""));
    assert_eq!(server.words(), ["start", "0", "start", "9"]);
    let asked = server.asked();
    assert!(asked.iter().all(|asked| asked.at.is_some()), "{asked:?}");
    assert!(asked.is_sorted_by(|one, next| one.at <= next.at), "{asked:?}");
    assert!(asked[0].rid == asked[1].rid && asked[1].rid != asked[2].rid, "{asked:?}");
    assert!(asked[3].body.starts_with("two\n"), "{asked:?}");
    assert_eq!(wrapping.waiting(), Vec::<String>::new());
}

#[tokio::test]
async fn the_next_run_sends_what_waits_first_and_that_of_others_after() {
    let (server, other) = (Server::start(503).await, Server::start(503).await);
    let wrapping = Wrapping::new();
    for url in [server.url(), other.url(), away()] {
        let ran = wrapping.ran(&url, &["--patience", "4"], &["false"]).await;
        assert_eq!(ran.code, 1);
    }
    server.turn(200);
    other.turn(200);
    // It runs until the other server has heard of its own run, and then ends well.
    let released = wrapping.folder.path().join("released");
    let script = format!("until [ -e {} ]; do sleep 0.05; done", released.display());
    let command = ["sh", "-c", &script];
    let url = server.url();
    let (ran, ()) = tokio::join!(wrapping.ran(&url, &[], &command), async {
        while other.words().len() < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        std::fs::write(&released, "").expect("a writable folder");
    });
    assert_eq!((ran.code, &*ran.stderr), (0, ""));
    assert_eq!(server.words(), ["start", "1", "start", "0"]);
    assert_eq!(other.words(), ["start", "1"]);
    assert_eq!(wrapping.waiting().len(), 2, "that of the server that is away");
}

#[tokio::test]
async fn what_nobody_will_ever_take_is_dropped_and_said() {
    let server = Server::start(404).await;
    let wrapping = Wrapping::new();
    let ran = wrapping.ran(&server.url(), &[], &["true"]).await;
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.contains("it knows no such job (404)"), "{}", ran.stderr);
    assert_eq!(wrapping.waiting(), Vec::<String>::new());
    server.turn(503);
    wrapping.ran(&server.url(), &["--patience", "4"], &["true"]).await;
    std::fs::write(wrapping.spool().join("00000000000000000001-0-x.json"), "{").expect("a writable folder");
    server.turn(404);
    let ran = flush(&wrapping).await;
    assert_eq!((ran.code, &*ran.stdout), (0, "0 sent, 3 dropped, 0 waiting\n"));
    assert!(ran.stderr.contains("holds no ping and is removed"), "{}", ran.stderr);
    assert_eq!(wrapping.waiting(), Vec::<String>::new());
}

#[tokio::test]
async fn without_a_folder_that_can_be_written_to_the_command_runs_and_the_loss_is_said() {
    let wrapping = Wrapping::new();
    let file = wrapping.folder.path().join("file");
    std::fs::write(&file, "").expect("a writable folder");
    let spool = file.join("below");
    let options = ["--patience", "4", "--spool", spool.to_str().expect("UTF-8")];
    let ran = wrapping.ran(&away(), &options, &["sh", "-c", "exit 8"]).await;
    assert_eq!(ran.code, 8);
    assert!(ran.stderr.contains("what cannot be sent is lost"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("the outcome of web could not be told to http://127.0.0.1:"),
        "{}",
        ran.stderr
    );
}
