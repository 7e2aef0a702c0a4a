//! What does the backend answer? One request in, one answer out, as if nothing ever went wrong with connections. Access is
//! judged first, then the path is looked up. Follows the facts "Bot API".

use super::access;
use super::json;
use super::reply::Reply;
use super::values::{self, Answered, Outcome};
use super::world::{Kind, State, World, permissions};

/// What a request says.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) method: &'a str,
    /// The path, decoded, with its `/api`.
    pub(super) path: &'a str,
    /// Parameters of the query, decoded, in order.
    pub(super) query: &'a [(String, String)],
    pub(super) has_authorization: bool,
    pub(super) content_type: Option<&'a str>,
    pub(super) host: &'a str,
    /// The query as it was sent.
    pub(super) raw_query: &'a str,
    pub(super) body: &'a [u8],
}

impl Asked<'_> {
    /// The last parameter of this name.
    fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// Splits and decodes a query: `+` is a space, `%41` an `A`, and what is no such escape stays.
pub(super) fn parameters(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(&name.replace('+', " ")), decoded(&value.replace('+', " ")))
        })
        .collect()
}

/// Undoes `%41`; bytes that are no UTF-8 are replaced.
pub(super) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = if first == b'%' { escaped(after) } else { None };
        bytes.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The byte that two hexadecimal digits mean.
fn escaped(digits: &[u8]) -> Option<u8> {
    let digits = digits.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Answers: 1 what needs no access, 2 who asks and may they, 3 a path that is written in another way, 4 the endpoint.
pub(super) fn answer(world: &World, asked: &Asked<'_>) -> Answered {
    let reply = |reply| Answered::With(reply);
    let Some(below) = asked.path.strip_prefix("/api/") else {
        return reply(Reply::detail(404, "Not Found"));
    };
    let resource = below.trim_end_matches('/');
    if asked.method == "OPTIONS" {
        return reply(access::unjudged());
    }
    if resource == "status/info" {
        let status = Reply::json(200, world.status()).with_header("access-control-allow-origin", "*");
        return reply(if asked.method == "GET" { status } else { wrong_method() });
    }
    let bot = match admitted(world, asked, resource) {
        Ok(bot) => bot,
        Err(refusal) => return reply(refusal),
    };
    if below.ends_with("//") {
        let query = if asked.raw_query.is_empty() { String::new() } else { format!("?{}", asked.raw_query) };
        let location = format!("http://{}/api/{resource}{query}", asked.host);
        return reply(Reply::empty(307).with_header("location", &location));
    }
    endpoint(world, asked, resource, bot)
}

/// The id of the bot that asks, which has logged in. `Err` is the refusal.
fn admitted(world: &World, asked: &Asked<'_>, resource: &str) -> Result<i64, Reply> {
    let state = world.state();
    let bot = access::bot(&state.bots, asked.parameter("b"), asked.has_authorization)?;
    access::permit(bot, resource, asked.method)?;
    let id = bot.id;
    drop(state);
    world.log_in(id);
    Ok(id)
}

/// What there is, with the parts of its path that are not read yet.
enum Endpoint<'a> {
    Profile,
    Permissions,
    Accounts,
    Bots,
    Account(&'a str),
    List(&'a str, Kind),
    One(&'a str, Kind, &'a str),
    Values(&'a str),
}

impl<'a> Endpoint<'a> {
    fn of(resource: &'a str) -> Option<Self> {
        let segments: Vec<&str> = resource.split('/').collect();
        Some(match segments[..] {
            ["profile"] => Self::Profile,
            ["profile", "permissions"] => Self::Permissions,
            ["accounts"] => Self::Accounts,
            ["bots"] => Self::Bots,
            ["accounts", account] => Self::Account(account),
            ["accounts", account, "values"] => Self::Values(account),
            ["accounts", account, kind] => Self::List(account, Kind::of_segment(kind)?),
            ["accounts", account, kind, id] => Self::One(account, Kind::of_segment(kind)?, id),
            _ => return None,
        })
    }
}

fn endpoint(world: &World, asked: &Asked<'_>, resource: &str, bot: i64) -> Answered {
    let answer = match Endpoint::of(resource) {
        None => Err(Reply::detail(404, "Not Found")),
        Some(Endpoint::Values(account)) => return values(world, asked, account),
        Some(endpoint) if asked.method == "GET" => get(&world.state(), &endpoint, bot),
        Some(_) => Err(wrong_method()),
    };
    Answered::With(answer.unwrap_or_else(|refusal| refusal))
}

fn wrong_method() -> Reply {
    Reply::detail(405, "Method Not Allowed")
}

fn get(state: &State, endpoint: &Endpoint<'_>, bot: i64) -> Result<Reply, Reply> {
    let bot = || state.bots.iter().find(|other| other.id == bot).ok_or_else(access::unjudged);
    let body = match *endpoint {
        Endpoint::Profile => state.profile(bot()?),
        Endpoint::Permissions => permissions(bot()?),
        Endpoint::Accounts => state.accounts(bot()?),
        Endpoint::Bots => r#"{"list":[]}"#.to_owned(),
        Endpoint::Account(account) => {
            let no_account = || Reply::detail(404, "No such account");
            state.account(whole("account_id", account)?).ok_or_else(no_account)?
        }
        Endpoint::List(account, kind) => {
            return Ok(Reply::json(200, state.list(whole("account_id", account)?, kind)));
        }
        Endpoint::One(account, kind, id) => {
            let name = kind.singular();
            let account = whole("account_id", account)?;
            let id = whole(&format!("{name}_id"), id)?;
            let none = || Reply::detail(404, &format!("No such {name}"));
            state.one(account, kind, id).ok_or_else(none)?
        }
        Endpoint::Values(_) => return Err(wrong_method()),
    };
    Ok(Reply::json(200, body))
}

/// Reads a number of the path; beyond 31 bits the database refuses it.
fn whole(name: &str, text: &str) -> Result<i64, Reply> {
    let no_integer = |_| {
        let problem = r#""msg":"value is not a valid integer","type":"type_error.integer""#;
        Reply::json(422, format!(r#"{{"detail":[{{"loc":["path","{name}"],{problem}}}]}}"#))
    };
    let number = text.parse::<i128>().map_err(no_integer)?;
    i32::try_from(number).map(i64::from).map_err(|_| Reply::crash())
}

fn values(world: &World, asked: &Asked<'_>, account: &str) -> Answered {
    let (by, timing) = match asked.method {
        "POST" => ("POST", Some(world.now())),
        "PUT" => ("PUT", None),
        _ => return Answered::With(wrong_method()),
    };
    let account = match whole("account_id", account) {
        Ok(account) => account,
        Err(refusal) => return Answered::With(refusal),
    };
    let body = json::parse(asked.body);
    let query = asked.parameter("p").filter(|path| !path.is_empty()).map(|path| (path, asked.parameter("v")));
    let outcome = match timing {
        Some(now) => values::post(body.as_ref(), query, now),
        None => values::put(body.as_ref()),
    };
    if !world.state().has_account(account) {
        return of_no_account(outcome);
    }
    world.ledger.store(account, outcome.stored, by);
    hinted(outcome.answer, asked.content_type)
}

/// The first path cannot be made where there is no account: before its form is looked at, and after what is no row at all.
fn of_no_account(outcome: Outcome) -> Answered {
    match outcome.answer {
        Answered::With(reply) if outcome.stored.is_empty() && !is_validation(&reply) => Answered::With(reply),
        Answered::With(_) | Answered::Never => Answered::With(Reply::detail(400, "Invalid input format")),
    }
}

fn is_validation(reply: &Reply) -> bool {
    reply.body.starts_with(b"Input validation failed")
}

/// Refusals of a wrong form guess at the reason where the content type is not exactly that of JSON.
fn hinted(answer: Answered, content_type: Option<&str>) -> Answered {
    match answer {
        Answered::With(mut reply)
            if reply.body.starts_with(b"Input validation failed")
                && content_type != Some("application/json") =>
        {
            let hint = b" - maybe Content-Type header was not set to application/json?";
            reply.body = [&reply.body[..], hint].concat().into();
            Answered::With(reply)
        }
        Answered::With(_) | Answered::Never => answer,
    }
}
