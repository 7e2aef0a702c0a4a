//! Is an answer that was cut, late or led elsewhere an error wherever it broke?

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// Stands before a server and cuts every connection once it has passed on so many bytes of answers.
struct Cutter {
    url: String,
    passed_bytes: Arc<AtomicUsize>,
}

impl Cutter {
    async fn before(slapd: &Slapd, limit_bytes: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("ldap://{}", listener.local_addr().expect("an address"));
        let passed_bytes = Arc::new(AtomicUsize::new(0));
        let (port, counter) = (slapd.port(), Arc::clone(&passed_bytes));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", port)).await.expect("slapd runs");
                tokio::spawn(pass(client, server, limit_bytes, Arc::clone(&counter)));
            }
        });
        Self { url, passed_bytes }
    }
}

async fn pass(mut client: TcpStream, mut server: TcpStream, limit_bytes: usize, passed: Arc<AtomicUsize>) {
    let (mut asked, mut asking) = client.split();
    let (mut answering, mut answered) = server.split();
    let mut answers = async || {
        let (mut buffer, mut left) = ([0; 4096], limit_bytes);
        while left > 0 {
            let wanted = buffer.len().min(left);
            let Ok(count @ 1..) = answering.read(&mut buffer[..wanted]).await else { return };
            if asking.write_all(&buffer[..count]).await.is_err() {
                return;
            }
            left -= count;
            passed.fetch_add(count, Ordering::Relaxed);
        }
    };
    tokio::select! {
        () = answers() => {}
        _ = tokio::io::copy(&mut asked, &mut answered) => {}
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_anywhere_is_an_error_and_never_a_part() {
    let slapd = slapd(9, SlapdOptions::default());
    let through =
        |cutter: &Cutter| LdapConfig { servers: vec![cutter.url.clone()], page_size: 4, ..config(&slapd) };
    let whole = Cutter::before(&slapd, usize::MAX).await;
    let session = connect(through(&whole)).await;
    assert_eq!(found(&session, FILTER).await.len(), 9);
    let all_bytes = whole.passed_bytes.load(Ordering::Relaxed);
    assert!(all_bytes > 500, "{all_bytes}");
    for limit_bytes in (0..all_bytes).step_by(7).chain([all_bytes - 1]) {
        let cutter = Cutter::before(&slapd, limit_bytes).await;
        let error = match open(through(&cutter)).connect().await {
            Ok(session) => failure(&session).await,
            Err(error) => error,
        };
        assert_eq!(error.kind, FailureKind::Unreachable, "cut after {limit_bytes}: {error}");
    }
}

#[tokio::test]
async fn a_server_that_is_killed_between_pages_leaves_an_error() {
    let options = SlapdOptions { size_limit: SizeLimit::Unlimited, ..SlapdOptions::default() };
    let slapd = slapd(5000, options);
    let session = connect(LdapConfig { page_size: 1, ..config(&slapd) }).await;
    let killing = async {
        while session.operation_count() < 100 {
            tokio::task::yield_now().await;
        }
        slapd.kill().expect("it can be killed");
    };
    let (error, ()) = tokio::join!(failure(&session), killing);
    assert_eq!(error.kind, FailureKind::Unreachable, "{error}");
    assert!(session.operation_count() < 5000);
    let again = failure(&session).await;
    assert_eq!(again.kind, FailureKind::Unreachable, "a session that broke stays broken: {again}");
    slapd.restart().expect("it can be started again");
    let session = connect(config(&slapd)).await;
    assert_eq!(found(&session, FILTER).await.len(), 5000);
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_at_the_deadline() {
    let slapd = slapd(1, SlapdOptions::default());
    let config = LdapConfig { deadline: Duration::from_millis(300), ..config(&slapd) };
    let session = connect(config.clone()).await;
    slapd.stop_answering().expect("it can be stopped");
    let error = failure(&session).await;
    assert_eq!(error.kind, FailureKind::TimedOut, "{error}");
    let error = open(config).connect().await.expect_err("nobody answers the bind");
    assert_eq!(error.kind, FailureKind::TimedOut, "{error}");
    slapd.go_on().expect("it can go on");
}

#[tokio::test]
async fn a_tree_that_goes_on_elsewhere_is_an_error() {
    let mut ldif = entries(3);
    let elsewhere = Written::new(format!("ou=more,{ACCOUNTS}"))
        .with_all("objectClass", &["referral", "extensibleObject"])
        .with("ou", "more")
        .with("ref", "ldap://other.example.org/ou=more,dc=stoney-cloud,dc=org");
    ldif.push_str(&ldif::write(&[elsewhere]));
    let options = SlapdOptions { entries: ldif, ..SlapdOptions::default() };
    let slapd = Slapd::start(options).unwrap_or_else(|error| panic!("{error}"));
    let session = connect(config(&slapd)).await;
    let error = failure(&session).await;
    assert!(error.reason.contains("another server"), "{error}");
    let below = session.search(&format!("ou=more,{ACCOUNTS}"), FILTER, &["uid"]).await;
    let error = below.expect_err("all of it stands elsewhere");
    assert!(error.reason.contains("referral (10)") && error.reason.contains("another server"), "{error}");
}
