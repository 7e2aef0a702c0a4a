//! How does a ping get to a server, and what if it does not?
//!
//! One POST that follows no redirect and reads no answer but its status. The address is a secret: nothing said here shows
//! more of it than its host. It does not know what becomes of a ping that was not taken.

use std::error::Error;
use std::time::Duration;

use lastgood_core::id::SourceId;
use reqwest::{Client, StatusCode, Url};

use super::local;
use super::ping::Ping;
use super::target::{Target, is_this_machine};

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(10);

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);

/// What we call ourselves.
const USER_AGENT: &str = concat!("lastgood/", env!("CARGO_PKG_VERSION"));

/// Answers that will not change, whoever asks again: no such job, or nothing that may be asked there. All others may be
/// about the moment, or about a server that somebody is setting up.
const FOR_EVER: [u16; 7] = [400, 404, 405, 409, 410, 413, 414];

/// The begin of the year 2000: what our clock said before it was set is no date, and is refused as one.
const FIRST_SECOND: i64 = 946_684_800;

/// Why a ping was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Untaken {
    /// Why, in words without secrets.
    pub(super) words: String,
    /// True if trying again is in vain.
    pub(super) is_final: bool,
}

impl Untaken {
    /// One that may be taken later.
    pub(super) fn may_pass(words: impl Into<String>) -> Self {
        Self { words: words.into(), is_final: false }
    }
}

/// Whether a ping tells its instant: a server dates what comes at once by its own clock, which is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dated {
    /// It comes late.
    ByUs,
    /// It comes at once.
    ByServer,
}

/// What sends.
#[derive(Debug, Default)]
pub(super) struct Post {
    /// Through the proxy of the environment, if there is one.
    elsewhere: Option<Client>,
    /// To this machine.
    here: Option<Client>,
}

impl Post {
    /// Sends a ping once.
    pub(super) async fn send(&mut self, target: &Target, ping: &Ping, dated: Dated) -> Result<(), Untaken> {
        match target {
            Target::Url(url) => self.post(url, ping, dated).await,
            Target::Database { file, source, asset } => {
                let source = SourceId::new(source)
                    .map_err(|error| Untaken { words: error.to_string(), is_final: true })?;
                local::keep(file, local::Job { source: &source, name: asset }, ping, dated).await
            }
        }
    }

    async fn post(&mut self, url: &str, ping: &Ping, dated: Dated) -> Result<(), Untaken> {
        let url = address(url, ping, dated)
            .ok_or_else(|| Untaken { words: "its address is none".to_owned(), is_final: true })?;
        let client = self.client(is_this_machine(&url))?;
        let sent = client.post(url).body(ping.body.clone()).send().await;
        let status = sent.map_err(|error| Untaken::may_pass(unsent(&error)))?.status();
        if status.is_success() { Ok(()) } else { Err(refused(status)) }
    }

    fn client(&mut self, is_here: bool) -> Result<&Client, Untaken> {
        let kept = if is_here { &mut self.here } else { &mut self.elsewhere };
        if kept.is_none() {
            let builder = Client::builder()
                .user_agent(USER_AGENT)
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .connect_timeout(CONNECT)
                .timeout(ATTEMPT);
            let builder = if is_here { builder.no_proxy() } else { builder };
            let built = builder.build();
            *kept =
                Some(built.map_err(|error| Untaken::may_pass(format!("HTTP cannot be set up: {error}")))?);
        }
        kept.as_ref().ok_or_else(|| Untaken::may_pass("HTTP cannot be set up"))
    }
}

/// The address of one ping: the word behind the path, what else is to be known in the query.
fn address(base: &str, ping: &Ping, dated: Dated) -> Option<Url> {
    let mut url = Url::parse(base).ok()?;
    url.path_segments_mut().ok()?.pop_if_empty().push(&ping.word.path());
    url.set_fragment(None);
    let is_dated = dated == Dated::ByUs && ping.at.as_second() >= FIRST_SECOND;
    let at = is_dated.then(|| ping.at.to_string());
    if ping.rid.is_some() || at.is_some() {
        let mut query = url.query_pairs_mut();
        if let Some(rid) = &ping.rid {
            query.append_pair("rid", rid);
        }
        if let Some(at) = &at {
            query.append_pair("at", at);
        }
    }
    Some(url)
}

/// Says why there was no answer: the innermost cause, since the error itself shows the address.
fn unsent(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it gave no answer in time".to_owned();
    }
    let mut cause: Option<&dyn Error> = error.source();
    while let Some(deeper) = cause.and_then(Error::source) {
        cause = Some(deeper);
    }
    cause.map_or_else(|| "it gave no answer".to_owned(), ToString::to_string)
}

fn refused(status: StatusCode) -> Untaken {
    let code = status.as_u16();
    let words = match code {
        404 => "it knows no such job (404): see whether its key is the right one".to_owned(),
        300..400 => format!("it answered {status}: redirects are not followed, give the address it has now"),
        _ => format!("it answered {status}"),
    };
    Untaken { words, is_final: FOR_EVER.contains(&code) }
}

#[cfg(test)]
mod tests {
    use super::super::ping::Word;
    use super::*;

    #[test]
    fn an_address_keeps_what_it_has_and_gets_what_is_told() {
        let rid = Some("7e3f".to_owned());
        let at = "2026-03-02T12:00:00Z".parse().expect("an instant");
        let ping = Ping { word: Word::Status(3), at, rid, body: String::new() };
        let of = |base, dated| address(base, &ping, dated).expect("an address").to_string();
        assert_eq!(of("https://h/ping/k", Dated::ByServer), "https://h/ping/k/3?rid=7e3f");
        assert_eq!(
            of("https://h/ping/k/?create=1#x", Dated::ByUs),
            "https://h/ping/k/3?create=1&rid=7e3f&at=2026-03-02T12%3A00%3A00Z"
        );
        let start = Ping { word: Word::Start, rid: None, ..ping };
        assert_eq!(
            address("https://h/p", &start, Dated::ByServer).expect("an address").as_str(),
            "https://h/p/start"
        );
    }

    #[test]
    fn only_what_will_not_change_is_final() {
        for (status, is_final) in
            [(404, true), (400, true), (301, false), (401, false), (429, false), (503, false)]
        {
            let status = StatusCode::from_u16(status).expect("a status");
            assert_eq!(refused(status).is_final, is_final, "{status}");
        }
    }
}
