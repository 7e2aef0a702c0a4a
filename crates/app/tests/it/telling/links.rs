//! Does a link in a mail let its reader do what their role allows, and nobody anything else?

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::SignedDuration;
use lastgood::links::acts::Acts;
use lastgood::links::{LASTS, Links};
use lastgood::store::{Recorded, Store};
use lastgood::web;
use lastgood_core::id::Name;
use lastgood_core::incident::{Acknowledged, Change, Closing, Incident};
use lastgood_core::notify::{Episode, Why};
use lastgood_core::recipient::Role;
use lastgood_core::silence::Silence;
use reqwest::{Client, Response, StatusCode};
use rstest::rstest;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{World, digest, entry_for, incident, instant, links, to, until};

/// The address everything here is told to.
const ADA: &str = "mail:ada@example.org";

/// A daemon as far as links go, and a mail about some incidents.
struct Desk {
    world: World,
    url: String,
    wake_count: Arc<AtomicUsize>,
    client: Client,
    _stop: DropGuard,
}

impl Desk {
    /// Tells Ada, in this role, of incidents about these assets.
    async fn new(role: Role, assets: &[&str]) -> Self {
        let world = World::new().await;
        let incidents: Vec<_> = assets.iter().map(|asset| incident(asset, world.now())).collect();
        let entries = incidents.iter().map(|incident| entry_for(incident, Why::First, role)).collect();
        let opened = incidents.iter().cloned().map(Change::Opened).collect();
        let key = world.decide(opened, &[digest(ADA, entries)]).await.remove(0);
        let wake_count = Arc::new(AtomicUsize::new(0));
        let (waking, now) = (Arc::clone(&wake_count), Arc::clone(&world.now));
        let wake = Box::new(move || {
            waking.fetch_add(1, Ordering::SeqCst);
        });
        let clock = Box::new(move || instant(now.load(Ordering::SeqCst)));
        let store = Arc::clone(&world.store) as Arc<dyn Store>;
        let acts = Acts::new(store, Arc::new(links()), wake).with_clock(clock);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let stop = CancellationToken::new();
        tokio::spawn(web::serve(listener, web::act::router(Arc::new(acts)), stop.clone()));
        let signed = links().sign(&key, role, world.now() + LASTS);
        let url = signed.replacen("http://backup.example.org", &base, 1);
        let client = Client::builder().no_proxy().build().expect("a client");
        Self { world, url, wake_count, client, _stop: stop.drop_guard() }
    }

    async fn get(&self) -> Response {
        self.client.get(&self.url).send().await.expect("an answer")
    }

    async fn page(&self) -> String {
        self.get().await.text().await.expect("a page")
    }

    async fn post(&self, act: &str, incident: &str) -> Response {
        let form = format!("act={act}&incident={incident}");
        self.send(&self.url, form).await
    }

    async fn send(&self, url: &str, form: String) -> Response {
        let request = self.client.post(url).header("content-type", "application/x-www-form-urlencoded");
        request.body(form).send().await.expect("an answer")
    }

    /// Every incident that is open.
    async fn open(&self) -> Vec<Recorded> {
        let mut open =
            self.world.store.incidents(lastgood::store::Filter::default()).await.expect("incidents");
        open.sort_by_key(|recorded| recorded.id);
        open
    }

    async fn known_by(&self) -> Vec<Option<String>> {
        let by = |recorded: Recorded| recorded.incident.acknowledged.map(|known| known.by);
        self.open().await.into_iter().map(by).collect()
    }

    async fn silences(&self) -> Vec<Silence> {
        self.world.store.silences(99).await.expect("silences")
    }

    /// Nobody said anything.
    async fn assert_untouched(&self) {
        assert!(self.known_by().await.iter().all(Option::is_none));
        let told = self.world.store.standing(self.world.now()).await.expect("what stands").told;
        assert!(told.values().flat_map(|told| told.values()).all(|told| !told.knows));
        assert_eq!(self.silences().await, []);
        assert_eq!(self.wake_count.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn looking_at_a_link_changes_nothing_however_often() {
    let desk = Desk::new(Role::Operator, &["db", "web"]).await;
    for _ in 0..3 {
        let page = desk.get().await;
        assert_eq!(page.status(), StatusCode::OK);
        let head = desk.client.head(&desk.url).send().await.expect("an answer");
        assert_eq!(head.status(), StatusCode::OK);
        let asked = format!("{}?act=acknowledge&incident=all", desk.url);
        assert_eq!(desk.client.get(asked).send().await.expect("an answer").status(), StatusCode::OK);
    }
    for method in [reqwest::Method::PUT, reqwest::Method::DELETE, reqwest::Method::OPTIONS] {
        let answer = desk.client.request(method, &desk.url).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
    desk.assert_untouched().await;
}

#[tokio::test]
async fn a_page_is_kept_by_nobody_framed_by_nobody_and_loads_nothing() {
    let desk = Desk::new(Role::Customer, &["db"]).await;
    for answer in [desk.get().await, desk.post("acknowledge", "all").await, desk.post("x", "y").await] {
        let headers = answer.headers();
        let header = |name: &str| headers.get(name).map_or("", |value| value.to_str().expect("text"));
        assert!(header("content-security-policy").starts_with("default-src 'none'"), "{headers:?}");
        assert!(header("content-security-policy").contains("form-action 'self'"), "{headers:?}");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("x-frame-options"), "DENY");
        assert!(!headers.contains_key("set-cookie"));
        let token = desk.url.rsplit('/').next().expect("a token");
        assert!(!answer.text().await.expect("a page").contains(token), "a page holds no token");
    }
}

#[tokio::test]
async fn who_says_that_they_know_is_kept_and_the_first_one_stays() {
    let desk = Desk::new(Role::Operator, &["db", "web"]).await;
    let first = desk.open().await[0].id.to_string();
    let page = desk.post("acknowledge", &first).await.text().await.expect("a page");
    assert!(
        page.contains("Kept: you know") && page.contains("Known to mail:ada@example.org by link"),
        "{page}"
    );
    let by = Some("mail:ada@example.org by link".to_owned());
    assert_eq!(desk.known_by().await, [by.clone(), None]);
    let before = desk.open().await;
    desk.world.pass(SignedDuration::from_hours(1));
    assert_eq!(desk.post("acknowledge", "all").await.status(), StatusCode::OK);
    assert_eq!(desk.known_by().await, [by.clone(), by]);
    assert_eq!(desk.open().await[0], before[0], "when it was first said stays");
    assert_eq!(desk.wake_count.load(Ordering::SeqCst), 2);
    assert_eq!(desk.silences().await, []);
}

#[rstest]
#[case(Role::Customer)]
#[case(Role::Reseller)]
#[tokio::test]
async fn who_is_no_operator_knows_for_themselves_only(#[case] role: Role) {
    let desk = Desk::new(role, &["db", "web"]).await;
    let first = desk.open().await[0].incident.clone();
    let page = desk.post("acknowledge", "all").await.text().await.expect("a page");
    assert!(page.contains("You are not reminded") && page.contains("Known to you, "), "{page}");
    let asked_count = page.matches("value=\"acknowledge\"").count();
    assert_eq!(asked_count, 1, "of all that stand there only: {page}");
    assert_eq!(desk.known_by().await, [None, None], "nobody else is left in peace by it");
    let standing = desk.world.store.standing(desk.world.now()).await.expect("what stands");
    assert!(standing.told.values().all(|told| told[&to(ADA)].knows), "{:?}", standing.told);
    // Who runs it knows, too: their address is nobody's matter.
    let said = Acknowledged { at: desk.world.now(), by: "mail:ops@msp.example by link".to_owned() };
    desk.world.store.acknowledge(Episode::of(&first), said).await.expect("it is open");
    let page = desk.page().await;
    assert!(page.contains("Known to the operator, ") && !page.contains("ops@msp.example"), "{page}");
}

#[rstest]
#[case(Role::Customer, "acknowledge", true)]
#[case(Role::Customer, "silence_day", true)]
#[case(Role::Customer, "silence_week", false)]
#[case(Role::Customer, "expected", false)]
#[case(Role::Reseller, "silence_day", true)]
#[case(Role::Reseller, "silence_week", true)]
#[case(Role::Reseller, "expected", false)]
#[case(Role::Operator, "silence_week", true)]
#[case(Role::Operator, "expected", true)]
#[tokio::test]
async fn a_role_allows_so_much_and_no_more(#[case] role: Role, #[case] act: &str, #[case] may: bool) {
    let desk = Desk::new(role, &["db"]).await;
    assert_eq!(desk.page().await.contains(&format!("value=\"{act}\"")), may);
    let answer = desk.post(act, "all").await;
    assert_eq!(answer.status(), if may { StatusCode::OK } else { StatusCode::FORBIDDEN });
    if !may {
        desk.assert_untouched().await;
    }
}

#[rstest]
#[case(Role::Customer, "silence_day", 24, "silenced for a day", false)]
#[case(Role::Reseller, "silence_week", 7 * 24, "silenced for a week", false)]
#[case(Role::Operator, "silence_day", 24, "silenced for a day", true)]
#[case(Role::Operator, "expected", 365 * 24, "expected", true)]
#[tokio::test]
async fn a_silence_is_for_one_subject_and_one_address_unless_an_operator_sets_it(
    #[case] role: Role,
    #[case] act: &str,
    #[case] hours: i64,
    #[case] reason: &str,
    #[case] is_for_all: bool,
) {
    let desk = Desk::new(role, &["a*[b]", "a*[b]c"]).await;
    let first = desk.open().await[0].id.to_string();
    // Twice at once, and once more: it is one silence.
    tokio::join!(desk.post(act, &first), desk.post(act, &first));
    desk.world.pass(SignedDuration::from_mins(5));
    assert_eq!(desk.post(act, &first).await.status(), StatusCode::OK);
    let now = desk.world.now() - SignedDuration::from_mins(5);
    let silences = desk.silences().await;
    let [silence] = &silences[..] else { panic!("{silences:?}") };
    assert_eq!((silence.from, silence.until), (now, now + SignedDuration::from_hours(hours)));
    assert_eq!((silence.reason.as_str(), silence.by.as_str()), (reason, "mail:ada@example.org by link"));
    assert_eq!(silence.address, (!is_for_all).then(|| to(ADA)));
    assert_eq!(silence.checks, Some(vec![desk.open().await[0].incident.matter.check]), "nothing else of it");
    let pattern = lastgood::directory::Pattern::new(&silence.pattern).expect("a pattern");
    assert!(pattern.matches("acme/nas1/a*[b]") && !pattern.matches("acme/nas1/a*[b]c"), "{silence:?}");
    assert!(!pattern.matches("acme/nas1/axb"), "{silence:?}");
    assert!(desk.page().await.contains("Silenced from here until"));
    // Once it is over it can be said again.
    desk.world.pass(SignedDuration::from_hours(hours));
    if hours < 14 * 24 {
        desk.post(act, &first).await;
        assert_eq!(desk.silences().await.len(), 2);
    }
}

#[tokio::test]
async fn a_link_that_is_over_forged_or_cut_says_so_and_does_nothing() {
    let desk = Desk::new(Role::Customer, &["db"]).await;
    let (base, token) = desk.url.rsplit_once('/').expect("a token");
    let key = desk.world.store.due_messages(desk.world.now(), 1).await.expect("a message")[0].key.clone();
    let other = Links::new("http://x", &[8; 32]).expect("a key");
    let foreign = other.sign(&key, Role::Operator, desk.world.now() + LASTS);
    let unknown = links().sign("no-such-message", Role::Operator, desk.world.now() + LASTS);
    let last = |url: &str| url.rsplit('/').next().expect("a token").to_owned();
    let wrong = [
        (token[..token.len() - 4].to_owned(), StatusCode::NOT_FOUND, "not complete"),
        (token.replace(&token[40..44], "AAAA"), StatusCode::FORBIDDEN, "changed on its way"),
        (last(&foreign), StatusCode::FORBIDDEN, "changed on its way"),
        ("AAAA".to_owned(), StatusCode::NOT_FOUND, "not complete"),
        ("%00%ff".to_owned(), StatusCode::BAD_REQUEST, ""),
        (last(&unknown), StatusCode::NOT_FOUND, "not kept any more"),
    ];
    for (token, status, words) in &wrong {
        let url = format!("{base}/{token}");
        let page = desk.client.get(&url).send().await.expect("an answer");
        assert_eq!(page.status(), *status, "{token}");
        assert!(page.text().await.expect("a page").contains(words), "{token}");
        assert_eq!(desk.send(&url, "act=acknowledge&incident=all".to_owned()).await.status(), *status);
    }
    desk.world.pass(LASTS);
    assert_eq!(desk.get().await.status(), StatusCode::GONE);
    assert_eq!(desk.post("acknowledge", "all").await.status(), StatusCode::GONE);
    desk.assert_untouched().await;
}

#[tokio::test]
async fn what_is_no_form_of_ours_does_nothing() {
    let desk = Desk::new(Role::Operator, &["db"]).await;
    let id = desk.open().await[0].id;
    for form in
        ["", "act=acknowledge", "incident=all", "act=close&incident=all", "act=acknowledge&incident=x"]
    {
        assert_eq!(desk.send(&desk.url, form.to_owned()).await.status(), StatusCode::BAD_REQUEST, "{form}");
    }
    let large = format!("act=acknowledge&incident=all&x={}", "x".repeat(4096));
    assert_eq!(desk.send(&desk.url, large).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let json = desk.client.post(&desk.url).header("content-type", "application/json").body("{}");
    assert!(json.send().await.expect("an answer").status().is_client_error());
    // An incident that is none of this message is none of this link.
    let stranger = incident("stranger", desk.world.now());
    desk.world.pass(SignedDuration::from_secs(1));
    desk.world.decide(vec![Change::Opened(stranger)], &[]).await;
    let other = desk.open().await.iter().map(|recorded| recorded.id).find(|other| *other != id);
    let answer = desk.post("acknowledge", &other.expect("another incident").to_string()).await;
    assert!(answer.text().await.expect("a page").contains("over already"));
    desk.assert_untouched().await;
}

#[tokio::test]
async fn only_what_is_still_open_stands_there_with_its_number_in_the_mail() {
    let desk = Desk::new(Role::Customer, &["db", "web"]).await;
    let db = desk.open().await.remove(0).incident;
    let close = |incident: Incident| vec![Change::Closed(incident, Closing::Recovered)];
    desk.world.pass(SignedDuration::from_secs(1));
    desk.world.decide(close(db), &[]).await;
    let page = desk.page().await;
    assert!(page.contains("id=\"2\"") && !page.contains("id=\"1\""), "{page}");
    assert!(page.contains("acme/nas1/web") && !page.contains("acme/nas1/db"), "{page}");
    assert!(page.contains("1 of this message is over"), "{page}");
    let web = desk.open().await.remove(0).incident;
    desk.world.pass(SignedDuration::from_secs(1));
    desk.world.decide(close(web), &[]).await;
    assert!(desk.page().await.contains("Nothing of this message is open any more"));
    assert!(desk.post("silence_day", "all").await.text().await.expect("a page").contains("over already"));
    desk.assert_untouched().await;
}

#[tokio::test]
async fn names_of_others_stay_text_on_the_page() {
    let hostile = "<script>alert(1)</script>\"><img src=x onerror=alert(1)>\u{202e}";
    let desk = Desk::new(Role::Operator, &[hostile, "db"]).await;
    assert_eq!(desk.open().await[0].incident.matter.subject.asset, Some(Name::new(hostile)));
    for page in [desk.page().await, desk.post("expected", "all").await.text().await.expect("a page")] {
        assert!(page.contains("&#60;script&#62;"), "{page}");
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains('\u{202e}'), "{page}");
    }
    let silenced: BTreeSet<_> = desk.silences().await.into_iter().map(|silence| silence.pattern).collect();
    assert_eq!(silenced.len(), 2);
}

/// Where log lines go that a test reads.
#[derive(Clone, Default)]
struct Lines(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics with it").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "current_thread")]
async fn what_was_done_is_logged_without_the_link() {
    let desk = Desk::new(Role::Customer, &["db"]).await;
    let lines = Lines::default();
    let read = || String::from_utf8(lines.0.lock().expect("nobody panics with it").clone()).expect("text");
    until("the act is logged", async || {
        // Which lines are wanted is remembered for all threads, and other tests want none: so it is asked anew each time.
        let writing = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_writer(move || writing.clone())
            .finish();
        let _logging = tracing::subscriber::set_default(subscriber);
        desk.get().await;
        desk.post("silence_day", "all").await;
        read().contains("said by link")
    })
    .await;
    let lines = read();
    assert!(lines.contains("silence_day") && lines.contains("mail:ada@example.org"), "{lines}");
    let token = desk.url.rsplit('/').next().expect("a token");
    // The client of this test logs no paths either.
    assert!(!lines.contains(token), "{lines}");
}
