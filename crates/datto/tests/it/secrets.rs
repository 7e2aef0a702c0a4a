//! Does any output ever show a key? Every failure there is, and everything that is logged on the way.

use std::fmt::{Debug, Write};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use lastgood_datto::client::{ClientError, RestClient, RestLimits, XmlClient, XmlLimits};
use lastgood_datto::key::{ApiKey, KeyPair};
use lastgood_datto::look::Look;
use lastgood_simulator::{ClosedPort, Fault, Faults, Filler, Portal, Scope};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::support::{
    AMPLE, FEED, SECOND, healthy, install_tls, now, rest_client, rest_limits, xml_client, xml_limits,
};

static LOGGED: Mutex<String> = Mutex::new(String::new());

/// Writes down every span and event of every level.
struct Log;

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

fn log(line: &Line) {
    let mut logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
    logged.push_str(&line.0);
    logged.push('\n');
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut line = Line(span.metadata().name().to_owned());
        span.record(&mut line);
        log(&line);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut line = Line(String::new());
        values.record(&mut line);
        log(&line);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().target().to_owned());
        event.record(&mut line);
        log(&line);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn install_log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Log).unwrap());
}

/// Every way in which a portal can fail.
fn failures() -> Vec<Fault> {
    vec![
        Fault::TooManyRequests { retry_after: Some("0".to_owned()) },
        Fault::Unauthorized,
        Fault::Forbidden,
        Fault::NotFound,
        Fault::InternalError,
        Fault::BadGateway,
        Fault::Unavailable,
        Fault::GatewayTimeout,
        Fault::LoginPage,
        Fault::RedirectToLogin,
        Fault::EmptyBody,
        Fault::ErrorObject,
        Fault::Dtd,
        Fault::NestedEntities,
        Fault::Endless { bytes: Some(3_000_000), filler: Filler::OneValue },
        Fault::NeverAnswer,
        Fault::CutShort { at: 700 },
        Fault::CutCleanly { at: 700 },
        Fault::Year9999,
        Fault::GzipUnannounced,
    ]
}

/// Short for a portal that hangs; any other is heard out, as it is its words that could show a key.
fn deadline_for(fault: &Fault) -> Duration {
    if *fault == Fault::NeverAnswer { Duration::from_millis(400) } else { AMPLE }
}

#[tokio::test]
async fn no_failure_and_no_log_shows_a_key() {
    install_log();
    let mut shown = String::new();
    let portal = Portal::start(healthy(), Faults::none()).await.unwrap();
    for fault in failures() {
        let deadline = deadline_for(&fault);
        portal.replace_faults(Faults::none().with(Scope::Everything, fault.clone()));
        for path in
            [FEED, "/xml2.php?type=status&apiKey={key}", "/integrateXML.php?feed=xmlstatus&apiKey={key}"]
        {
            let client = xml_client(&portal, path, XmlLimits { deadline, ..xml_limits() });
            let (collection, raw) = client.look_with_raw(&Look::new(now())).await;
            let written = client.raw(&mut Vec::new()).await;
            writeln!(shown, "{client:?} {collection:?} {written:?} {}", String::from_utf8_lossy(&raw))
                .unwrap();
            if let Err(error) = written {
                writeln!(shown, "{error} {error:#?}").unwrap();
            }
        }
        let client = rest_client(&portal, RestLimits { deadline, ..rest_limits() });
        let collection = client.look(&Look::new_rest(now())).await;
        writeln!(shown, "{client:?} {collection:?}").unwrap();
    }
    let keys = portal.keys();
    let logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert!(logged.contains("asks again"), "the log is not written down");
    for text in [&shown, &logged] {
        for key in [&keys.xml, &keys.rest_secret, &keys.rest_public] {
            assert!(!text.contains(key.as_str()), "{}", &text[text.find(key.as_str()).unwrap_or(0)..][..200]);
        }
        assert!(!text.contains("Basic "));
    }
}

#[tokio::test]
async fn a_portal_that_repeats_the_key_is_not_repeated() {
    let mut fleet = healthy();
    let portal = Portal::start(fleet.clone(), Faults::none()).await.unwrap();
    let (key, secret) = (portal.keys().xml.clone(), portal.keys().rest_secret.clone());
    fleet.devices[0].hostname = format!("BDR-{key}-01");
    fleet.devices[1].hostname = format!("BDR-{secret}-01");
    portal.replace_fleet(fleet);
    let look = Look { keep_details: true, ..Look::new(now()) };
    for fault in [
        None,
        Some(Fault::Gzip),
        Some(Fault::GzipUnannounced),
        Some(Fault::Drip { bytes: 50, pause: Duration::ZERO }),
    ] {
        let faults = fault.map_or_else(Faults::none, |fault| Faults::none().with(Scope::Feeds, fault));
        portal.replace_faults(faults);
        let client = xml_client(&portal, FEED, xml_limits());
        let (collection, kept) = client.look_with_raw(&look).await;
        let mut raw = Vec::new();
        client.raw(&mut raw).await.unwrap();
        assert_eq!(collection.repositories[0].name.text(), "BDR-[redacted]-01");
        for text in
            [format!("{collection:?}"), String::from_utf8(kept).unwrap(), String::from_utf8(raw).unwrap()]
        {
            assert!(!text.contains(&key));
            assert!(text.contains("BDR-[redacted]-01"));
        }
    }
    let collection = rest_client(&portal, rest_limits()).look(&Look::new_rest(now())).await;
    assert_eq!(collection.repositories[1].name.text(), "BDR-[redacted]-01");
}

#[tokio::test]
async fn a_client_that_cannot_be_made_or_cannot_reach_anyone_shows_no_key() {
    install_tls();
    let key = ApiKey::new("the-secret-of-the-feed").unwrap();
    let keys = KeyPair::new("the-public-key", "the-secret-of-the-api").unwrap();
    let mut shown = String::new();
    for address in [
        "http://example.com/{key}",
        "https://{key}.example.com/",
        "https://u:the-secret-of-the-feed@h/{key}",
        "x",
    ] {
        let error: ClientError = XmlClient::new(address, &key, xml_limits()).unwrap_err();
        writeln!(shown, "{error} {error:?}").unwrap();
        let error = RestClient::new(&address.replace("https", "http"), &keys, rest_limits()).unwrap_err();
        writeln!(shown, "{error} {error:?}").unwrap();
    }
    let closed = ClosedPort::reserve().unwrap();
    for address in [format!("{}/{{key}}", closed.url()), "https://the-feed.invalid/?a={key}".to_owned()] {
        // Nobody knows how long a resolver takes to say that there is no such host.
        let limits = XmlLimits { connect_timeout: SECOND, ..xml_limits() };
        let client = XmlClient::new(&address, &key, limits).unwrap();
        writeln!(shown, "{client:?} {:?}", client.look(&Look::new(now())).await).unwrap();
    }
    let client = RestClient::new(&closed.url(), &keys, rest_limits()).unwrap();
    writeln!(shown, "{client:?} {:?}", client.look(&Look::new_rest(now())).await).unwrap();
    assert!(!shown.contains("the-secret") && !shown.contains("the-public-key"), "{shown}");
}

#[tokio::test]
async fn the_raw_answers_of_the_api_hold_no_key() {
    let mut fleet = healthy();
    let portal = Portal::start(fleet.clone(), Faults::none()).await.unwrap();
    let secret = portal.keys().rest_secret.clone();
    fleet.devices[0].hostname = format!("BDR-{secret}-01");
    portal.replace_fleet(fleet);
    let client = rest_client(&portal, rest_limits());
    let mut raw = Vec::new();
    client.raw(&mut raw).await.unwrap();
    let text = String::from_utf8(raw).unwrap();
    assert!(text.contains("BDR-[redacted]-01") && !text.contains(&secret));
    for fault in failures() {
        let limits = RestLimits { deadline: deadline_for(&fault), ..rest_limits() };
        portal.replace_faults(Faults::none().with(Scope::Rest, fault));
        let written = rest_client(&portal, limits).raw(&mut Vec::new()).await;
        assert!(!format!("{written:?}").contains(&secret));
    }
}
