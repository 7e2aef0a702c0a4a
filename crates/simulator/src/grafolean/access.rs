//! Who is asking, and may they? Tokens and permissions, judged before anything else about a request. Knows no endpoint.
//! Follows the facts "Authentication" and "Permissions".

use super::model::{Bot, Permission};
use super::reply::Reply;

/// Every bot may GET these, without any permission.
const FREE: [&str; 4] = ["profile", "profile/permissions", "accounts", "bots"];

/// Finds the bot a token belongs to: `token` is the last `b=` of the address, decoded. An `Authorization` header, whatever
/// it says, makes the token count for nothing: persons are not simulated.
pub(super) fn bot<'a>(
    bots: &'a [Bot],
    token: Option<&str>,
    has_authorization: bool,
) -> Result<&'a Bot, Reply> {
    let denied = || Reply::plain(401, "Access denied");
    let token = token.filter(|_| !has_authorization).ok_or_else(denied)?;
    if !is_uuid(token.strip_suffix('\n').unwrap_or(token)) {
        return Err(denied());
    }
    if token.ends_with('\n') {
        // It passes the check of its form and breaks the query.
        return Err(unjudged());
    }
    bots.iter().find(|bot| bot.token.eq_ignore_ascii_case(token)).ok_or_else(denied)
}

/// The answer where judging itself failed.
pub(super) fn unjudged() -> Reply {
    Reply::plain(500, "Could not validate access")
}

fn is_uuid(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let parts: Vec<&str> = text.split('-').collect();
    let is_hexadecimal = |part: &&str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    parts.iter().all(is_hexadecimal) && parts.iter().map(|part| part.len()).eq(lengths)
}

/// Refuses what the bot may not. `resource` is the path below `/api/` without slashes at its end.
pub(super) fn permit(bot: &Bot, resource: &str, method: &str) -> Result<(), Reply> {
    // Asking for the headers alone is asking.
    let method = if method == "HEAD" { "GET" } else { method };
    let is_free = method == "GET" && FREE.contains(&resource);
    if is_free || bot.permissions.iter().any(|permission| covers(permission, resource, method)) {
        return Ok(());
    }
    Err(Reply::plain(403, "Access to resource denied, insufficient permissions"))
}

fn covers(permission: &Permission, resource: &str, method: &str) -> bool {
    let methods = permission.methods.as_deref();
    methods.is_none_or(|methods| methods.iter().any(|allowed| allowed == method))
        && permission.resource_prefix.as_deref().is_none_or(|prefix| is_below(resource, prefix))
}

/// In whole segments: `accounts/12` is not above `accounts/123`.
fn is_below(resource: &str, prefix: &str) -> bool {
    resource.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Does `/accounts/` show this account to the bot? Any permission that names it is enough, whatever its methods.
pub(super) fn shows_account(bot: &Bot, account: i64) -> bool {
    let own = format!("accounts/{account}");
    bot.permissions.iter().any(|permission| match permission.resource_prefix.as_deref() {
        None | Some("accounts") => true,
        Some(prefix) => is_below(prefix, &own),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0f7a3b1e-27e6-41bb-918b-abd2fd7a7a36";

    #[test]
    fn a_token_counts_only_where_nothing_else_is_shown() {
        let bots = [Bot::systemwide(7, TOKEN, "ping")];
        let status = |token: Option<&str>, has_authorization| {
            bot(&bots, token, has_authorization)
                .map_or_else(|reply| reply.status, |bot| u16::try_from(bot.id).unwrap())
        };
        let upper = TOKEN.to_uppercase();
        let broken = format!("{TOKEN}\n");
        let longer = format!("{TOKEN}a");
        let table = [
            (Some(TOKEN), false, 7),
            (Some(upper.as_str()), false, 7),
            (Some(TOKEN), true, 401),
            (None, false, 401),
            (Some(""), false, 401),
            (Some(longer.as_str()), false, 401),
            (Some("00000000-0000-0000-0000-000000000000"), false, 401),
            (Some(broken.as_str()), false, 500),
            (Some(broken.as_str()), true, 401),
        ];
        for (token, has_authorization, expected) in table {
            assert_eq!(status(token, has_authorization), expected, "{token:?} {has_authorization}");
        }
    }

    #[test]
    fn a_permission_covers_whole_segments_and_its_methods() {
        let bot = Bot::of_account(7, TOKEN, "ping", 12);
        let table = [
            ("accounts/12/entities", "GET", true),
            ("accounts/12/entities", "HEAD", true),
            ("accounts/12/entities/5", "GET", true),
            ("accounts/12/entities", "POST", false),
            ("accounts/12/entitiesX", "GET", false),
            ("accounts/12", "GET", false),
            ("accounts/123/entities", "GET", false),
            ("accounts/12/values", "PUT", true),
            ("accounts/12/values", "GET", false),
            ("profile", "GET", true),
            ("profile", "POST", false),
            ("/profile", "GET", false),
            ("bots", "GET", true),
            ("bots/7", "GET", false),
        ];
        for (resource, method, expected) in table {
            assert_eq!(permit(&bot, resource, method).is_ok(), expected, "{method} {resource}");
        }
    }

    #[test]
    fn an_account_is_shown_by_any_permission_that_names_it() {
        let row = |prefix: Option<&str>| vec![Permission::new(1, prefix, Some(&["POST"]))];
        let table = [
            (None, true),
            (Some("accounts"), true),
            (Some("accounts/12"), true),
            (Some("accounts/12/values"), true),
            (Some("accounts/123"), false),
            (Some("bots"), false),
        ];
        for (prefix, expected) in table {
            let bot = Bot::systemwide(7, TOKEN, "ping").with_permissions(row(prefix));
            assert_eq!(shows_account(&bot, 12), expected, "{prefix:?}");
        }
    }
}
