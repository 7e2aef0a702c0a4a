//! Does the channel webhook send what it promises, and read answers rightly?

use std::process::{Command, Stdio};
use std::time::Duration;

use lastgood::channels::{ChannelError, FailureKind, Receipt};
use rstest::rstest;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::receiver::{Answers, Receiver};
use super::{instant, message, open, opened};

const KEY: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("key"), KEY).expect("a writable folder");
    folder
}

async fn posted(receiver: &Receiver, settings: &str) -> Result<Receipt, ChannelError> {
    let folder = folder();
    let settings = format!("url = 'http://127.0.0.1:{}/hook'\n{settings}", receiver.port);
    opened("webhook", folder.path(), &settings).send(&message("m-1"), instant()).await
}

#[tokio::test]
async fn a_request_is_signed_and_says_everything() {
    let receiver = Receiver::start(Answers::status(204, "", "")).await;
    let receipt = posted(&receiver, "secret_file = 'key'\ntoken_file = 'key'").await.expect("it is taken");
    assert_eq!(receipt.answer, "204");
    let requests = receiver.requests();
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    assert!(request.head.starts_with("POST /hook HTTP/1.1\r\n"), "{}", request.head);
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!(request.header("webhook-id"), Some("m-1"));
    assert_eq!(request.header("webhook-timestamp"), Some("1772452800"));
    let expected = json!({
        "key": "m-1",
        "thread": null,
        "to": "anna@example.org",
        "from": null,
        "subject": "BAD acme/ACME-SQL01: behind_local",
        "text": "ACME-SQL01 has had no backup for 3 days.\n",
        "written_at": "2026-03-02T12:00:00Z",
        "details": { "incidents": 1 },
    });
    assert_eq!(serde_json::from_slice::<Value>(&request.body).expect("JSON"), expected);
    assert_eq!(request.header("webhook-signature"), Some(signature(&request.body).as_str()));
}

/// The signature as docs/channels.md has a receiver compute it: by somebody else's HMAC.
fn signature(body: &[u8]) -> String {
    let openssl = crate::support::packages::program("openssl");
    let signed = [b"m-1.1772452800.".as_slice(), body].concat();
    let mut command = Command::new(openssl);
    command.args(["dgst", "-sha256", "-hmac", "0123456789abcdef0123456789abcdef", "-binary"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("openssl starts");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), &signed).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    format!("v1,{}", base64::Engine::encode(&base64::engine::general_purpose::STANDARD, output.stdout))
}

#[tokio::test]
async fn a_certificate_is_verified_by_name_and_authority() {
    let folder = folder();
    super::postfix::certificates(folder.path());
    let receiver = Receiver::start_tls(Answers::status(200, "", "taken"), folder.path()).await;
    for (host, more, is_taken) in [
        ("localhost", "ca_file = 'ca.pem'", true),
        ("localhost", "", false),
        ("localhost", "ca_file = 'other.pem'", false),
        ("127.0.0.1", "ca_file = 'ca.pem'", false),
    ] {
        let settings = format!("url = 'https://{host}:{}/hook'\n{more}", receiver.port);
        let sent = opened("webhook", folder.path(), &settings).send(&message("m-1"), instant()).await;
        let kind = sent.as_ref().err().map(|error| error.kind);
        assert_eq!(
            kind,
            if is_taken { None } else { Some(FailureKind::Unsupported) },
            "{host} {more}: {sent:?}"
        );
    }
    assert_eq!(receiver.requests().len(), 1);
}

#[tokio::test]
async fn a_template_gives_the_body_the_shape_the_receiver_wants() {
    let receiver = Receiver::start(Answers::status(200, "", "ok")).await;
    let body = "body = { text = '*{subject}* for {to}', blocks = [{ kind = 'mail', of = '{details}' }] }";
    posted(&receiver, body).await.expect("it is taken");
    let sent: Value = serde_json::from_slice(&receiver.requests()[0].body).expect("JSON");
    let expected = json!({
        "text": "*BAD acme/ACME-SQL01: behind_local* for anna@example.org",
        "blocks": [{ "kind": "mail", "of": { "incidents": 1 } }],
    });
    assert_eq!(sent, expected);
    assert_eq!(receiver.requests()[0].header("webhook-signature"), None);
}

#[rstest]
#[case::moved(301, FailureKind::Unsupported)]
#[case::moved_for_a_while(307, FailureKind::Unsupported)]
#[case::bad_request(400, FailureKind::Malformed)]
#[case::no_token(401, FailureKind::Denied)]
#[case::forbidden(403, FailureKind::Denied)]
#[case::not_found(404, FailureKind::Malformed)]
#[case::no_post(405, FailureKind::Malformed)]
#[case::proxy(407, FailureKind::Denied)]
#[case::slow(408, FailureKind::TimedOut)]
#[case::conflict(409, FailureKind::Malformed)]
#[case::gone(410, FailureKind::Refused)]
#[case::too_large(413, FailureKind::Refused)]
#[case::not_this_one(422, FailureKind::Refused)]
#[case::too_early(425, FailureKind::RateLimited)]
#[case::too_many(429, FailureKind::RateLimited)]
#[case::broken(500, FailureKind::Unreachable)]
#[case::gateway(502, FailureKind::Unreachable)]
#[case::unavailable(503, FailureKind::RateLimited)]
#[tokio::test]
async fn a_status_means_what_it_means(#[case] status: u16, #[case] kind: FailureKind) {
    let receiver = Receiver::start(Answers::status(status, "Location: /elsewhere\r\n", "why\r\nnot")).await;
    let error = posted(&receiver, "").await.expect_err("a failure");
    assert_eq!(error.kind, kind, "{error}");
    let begin = format!("http://127.0.0.1:{} answered {status} ", receiver.port);
    assert!(error.reason.starts_with(&begin) && error.reason.contains(": \"why not\"; "), "{error}");
    assert_eq!(receiver.requests().len(), 1, "nobody follows a redirect, nobody repeats");
}

#[rstest]
#[case::seconds("120", Some(120))]
#[case::date("Mon, 02 Mar 2026 12:01:30 GMT", Some(90))]
#[case::past("Mon, 02 Mar 2026 11:00:00 GMT", Some(0))]
#[case::a_day("86400", Some(3600))]
#[case::nonsense("soon", None)]
#[case::negative("-5", None)]
#[tokio::test]
async fn the_receiver_can_ask_for_a_wait_of_an_hour_at_most(
    #[case] written: &str,
    #[case] seconds: Option<u64>,
) {
    let receiver = Receiver::start(Answers::status(503, &format!("Retry-After: {written}\r\n"), "")).await;
    let error = posted(&receiver, "").await.expect_err("a failure");
    assert_eq!(error.retry_after, seconds.map(Duration::from_secs));
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let receiver = Receiver::start(Answers::Flood).await;
    let receipt = posted(&receiver, "").await.expect("its status says that it is taken");
    assert!(receipt.answer.len() < 400, "{}", receipt.answer.len());
}

#[tokio::test]
async fn an_answer_that_breaks_off_counts_by_its_status() {
    let bytes = "HTTP/1.1 200 Fine\r\nContent-Length: 100\r\n\r\ntak".to_owned();
    let receiver = Receiver::start(Answers::Bytes(bytes)).await;
    posted(&receiver, "").await.expect("its status says that it is taken");
}

#[rstest]
#[case::plain("url = 'http://hooks.example.org/x'", Some("`url`: is plain HTTP to another machine"))]
#[case::allowed("url = 'http://hooks.example.org/x'\nplain_http = true", None)]
#[case::this_machine("url = 'http://[::1]:80/x'", None)]
#[case::password("url = 'https://u:geheim@hooks.example.org/x'", Some("`url`: holds a user or a password"))]
#[case::scheme("url = 'ftp://hooks.example.org/geheim'", Some("`url`: is no address of HTTP"))]
#[case::nothing("", Some("`url`: is required"))]
#[case::twice(
    "url = 'https://a.example'\nurl_env = 'HOME'",
    Some("`url`: cannot stand together with `url_file`")
)]
#[case::short_key(
    "url = 'https://a.example'\nsecret_env = 'USER_SHORT'",
    Some("`secret_env`: the environment variable")
)]
#[case::template(
    "url = 'https://a.example'\nbody = { a = '{no}' }",
    Some("`body`: there is no placeholder {no}")
)]
fn a_mistake_is_told_before_anything_is_sent(#[case] settings: &str, #[case] expected: Option<&str>) {
    let told = open("webhook", std::path::Path::new("/"), settings).err().map(|error| error.to_string());
    match (told, expected) {
        (None, None) => {}
        (Some(told), Some(expected)) => {
            assert!(told.starts_with(&format!("channel test: {expected}")), "{told}");
            assert!(!told.contains("geheim"), "{told}");
        }
        (told, expected) => panic!("{told:?} instead of {expected:?}"),
    }
}
