//! Does the token go nowhere but into the query of a request?

use std::io::Write;
use std::sync::{Arc, Mutex};

use lastgood_collector::Sample;
use lastgood_collector::grafolean::{Client, Token};
use lastgood_simulator::ClosedPort;
use lastgood_simulator::grafolean::{Fault, Faults, Reply, Scope, World};

use super::{AMPLE, AT, backend, open, samples, storing, until};

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("nobody panics holding it")).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics holding it").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Every kind of trouble in turn, each with a backend that repeats the token where it says anything.
fn troubles(token: &str) -> Vec<Fault> {
    let echo = format!("GET /api/?b={token} {}", token.to_uppercase());
    let statuses = [307, 400, 401, 403, 404, 413, 429, 500, 502];
    let answers = statuses.map(|status| Fault::Answer(Reply::plain(status, &echo)));
    let json = Fault::Answer(Reply::json(200, format!("{{\"list\":\"{token}\"}}")));
    [answers.into(), vec![json, Fault::Drop, Fault::CutShort(3), Fault::html()]].concat()
}

#[tokio::test]
async fn no_log_and_no_error_shows_the_token() {
    let seeded = World::seeded(1, 1, 1, "snmp");
    let secret = seeded.systemwide_token.clone();
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // While there is one subscriber only, a place first met by another test, on a thread without any, stays silent.
    let _other = tracing::Dispatch::new(tracing_subscriber::fmt().with_writer(std::io::sink).finish());
    let _logging = tracing::subscriber::set_default(subscriber);
    let backend = backend(&seeded, Faults::none());
    let token = Token::new(&format!(" {secret}\n")).unwrap();
    let mut texts = vec![format!("{token} {token:?}")];
    let client = Client::new(&backend.url(), token.clone()).unwrap();
    let nobody = Client::new(&ClosedPort::reserve().unwrap().url(), token).unwrap();
    texts.push(format!("{client:?} {:?}", nobody.profile().await.unwrap_err()));
    for fault in troubles(&secret) {
        backend.replace_faults(Faults::none().with(Scope::everything(), fault.clone()));
        let error = client.accounts().await.unwrap_err();
        texts.push(format!("{error} {error:?}"));
        let folder = tempfile::tempdir().unwrap();
        backend.replace_faults(Faults::none().with_next(2, storing(), fault));
        let outbox = open(&client, Some(folder.path())).await;
        outbox.send_results(1, AT, samples(2)).await.unwrap();
        texts.push(format!("{outbox:?}"));
        until("it is sent or refused", || outbox.counts().waiting_count == 0).await;
        texts.push(format!("{:?}", outbox.counts()));
        outbox.close(AMPLE).await;
    }
    texts.push(log.text());
    let texts = texts.concat();
    assert!(texts.contains("values wait"), "the log was caught");
    assert!(texts.contains("[redacted]"));
    let lower = texts.to_lowercase();
    assert!(!lower.contains(&secret), "{}", &texts[lower.find(&secret).unwrap_or_default()..]);
}

#[tokio::test]
async fn no_request_carries_an_authorization_header() {
    let seeded = World::seeded(1, 1, 1, "snmp");
    let backend = backend(&seeded, Faults::none());
    let token = Token::new(&format!("{}\r\n", seeded.accounts[0].1)).unwrap();
    let client = Client::new(&backend.url(), token).unwrap();
    let mut configs = client.fetch_job_configs("snmp").await.unwrap();
    assert!(configs.next().await.unwrap().is_ok());
    client.send_results(1, AT, vec![Sample::new("a", 1.0)]).await.unwrap();
    let requests = seeded.world.requests();
    assert_eq!(requests.len(), 6);
    for request in requests {
        assert!(!request.has_authorization, "{request:?}");
        assert_eq!(request.query, format!("b={}", seeded.accounts[0].1));
    }
}

#[test]
fn a_netrc_in_the_home_folder_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let netrc = "machine 127.0.0.1 login a password b\ndefault login a password b\n";
    std::fs::write(home.path().join(".netrc"), netrc).unwrap();
    let test = concat!("grafolean::secrets::", "no_request_carries_an_authorization_header");
    let ran = std::process::Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact"])
        .env("HOME", home.path())
        .env("NETRC", home.path().join(".netrc"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
}
