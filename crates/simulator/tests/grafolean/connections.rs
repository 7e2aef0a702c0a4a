//! How do connections and the backend itself come and go?

use std::sync::Arc;
use std::time::Duration;

use lastgood_simulator::grafolean::{Backend, Fault, Faults, Options, Scope};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{ACCOUNT, TOKEN, get, request, small_world, until, values};

/// Far longer than a test takes.
const NEVER: Duration = Duration::from_hours(1);

fn backend(idle_timeout: Duration) -> Backend {
    Backend::start_with(small_world(), Options { idle_timeout, ..Options::default() }).unwrap()
}

async fn connect(backend: &Backend) -> TcpStream {
    TcpStream::connect(("127.0.0.1", backend.port())).await.unwrap()
}

async fn ask_profile(stream: &mut TcpStream) {
    let asked = format!("GET /api/profile?b={TOKEN} HTTP/1.1\r\nhost: a\r\n\r\n");
    stream.write_all(asked.as_bytes()).await.unwrap();
}

/// Reads until the answer's end: that of the profile is the last brace of two.
async fn read_profile(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"}}") {
        assert_ne!(stream.read_buf(&mut text).await.unwrap(), 0, "closed before the answer");
    }
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_answer_and_not_announced() {
    let backend = backend(Duration::from_millis(50));
    let mut stream = connect(&backend).await;
    ask_profile(&mut stream).await;
    let answer = read_profile(&mut stream).await.to_lowercase();
    assert!(answer.starts_with("http/1.1 200") && !answer.contains("connection: close"), "{answer}");
    let mut rest = [0; 16];
    let end = tokio::time::timeout(Duration::from_secs(30), stream.read(&mut rest)).await;
    assert_eq!(end.expect("it is closed").unwrap(), 0);
}

#[tokio::test]
async fn a_running_request_is_not_idle() {
    let faults =
        Faults::none().with_nth(2, Scope::path("/profile"), Fault::Latency(Duration::from_millis(300)));
    let options = Options { idle_timeout: Duration::from_millis(100), faults, ..Options::default() };
    let backend = Backend::start_with(small_world(), options).unwrap();
    let mut stream = connect(&backend).await;
    // Both at once, so that no pause between them can close the connection.
    ask_profile(&mut stream).await;
    ask_profile(&mut stream).await;
    let mut answers = read_profile(&mut stream).await;
    while answers.matches("}}").count() < 2 {
        answers += &read_profile(&mut stream).await;
    }
    assert!(!answers.to_lowercase().contains("connection: close"), "{answers}");
}

#[tokio::test]
async fn a_connection_is_used_again_while_it_is_not_idle_for_long() {
    let backend = backend(NEVER);
    let mut stream = connect(&backend).await;
    for _ in 0..3 {
        ask_profile(&mut stream).await;
        read_profile(&mut stream).await;
    }
    let used: Vec<u64> = backend.world().requests().iter().map(|request| request.connection).collect();
    assert_eq!((used, backend.connection_count()), (vec![1, 1, 1], 1));
}

#[tokio::test]
async fn a_backend_that_was_down_is_back_on_its_port_and_knows_what_it_had_stored() {
    let world = small_world();
    let first = Backend::start(Arc::clone(&world), Faults::none()).unwrap();
    let (url, port) = (first.url(), first.port());
    assert_eq!(values(&url, "POST", r#"[{"p":"a","v":1}]"#).send().await.unwrap().status(), 204);
    drop(first);
    assert!(request(&url, "GET", "/profile", TOKEN).send().await.unwrap_err().is_connect());
    let second = Backend::start_on(port, Arc::clone(&world), Faults::none()).unwrap();
    assert_eq!(second.url(), url);
    assert_eq!(get(&url, "/profile").await.0, 200);
    assert_eq!(world.values(ACCOUNT).len(), 1);
    assert!(Backend::start_on(port, world, Faults::none()).is_err());
}

#[tokio::test]
async fn a_backend_that_goes_down_breaks_off_what_runs() {
    let world = small_world();
    let hangs = Faults::none().with(Scope::everything(), Fault::Hang);
    let backend = Backend::start(Arc::clone(&world), hangs).unwrap();
    let asking = tokio::spawn(request(&backend.url(), "GET", "/profile", TOKEN).send());
    until(|| world.in_flight() == 1).await;
    drop(backend);
    assert!(asking.await.unwrap().is_err());
    assert_eq!(world.in_flight(), 0);
}

#[tokio::test]
async fn a_killed_worker_answers_nothing_and_its_values_are_stored() {
    let options = Options { worker_timeout: Duration::from_millis(20), ..Options::default() };
    let backend = Backend::start_with(small_world(), options).unwrap();
    let failure = values(&backend.url(), "POST", r#"[{"p":"a\n","v":1}]"#).send().await.unwrap_err();
    assert!(!failure.is_connect() && !failure.is_timeout(), "{failure:?}");
    assert_eq!(backend.world().values(ACCOUNT).len(), 1);
}

#[test]
fn a_backend_needs_no_runtime_around_it() {
    let backend = Backend::start(small_world(), Faults::none()).unwrap();
    let stream = std::net::TcpStream::connect(("127.0.0.1", backend.port()));
    assert!(stream.is_ok());
}
