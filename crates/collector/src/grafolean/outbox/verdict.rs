//! What does an answer to values mean: again, in halves, or never?
//!
//! Pure: it knows no clock and sends nothing.

use crate::grafolean::error::Error;

/// What a refused request calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The request has nothing to do with it: nobody is there, the bot is not let in, or it is to wait. Again, later.
    Wait,
    /// It may be the request: the backend broke over it. Again, and if that does not help, in halves.
    Suspect,
    /// It is the request: too large, or a value in it is refused by name. In halves at once.
    Guilty,
}

/// How the backend begins when it names a value it does not take.
const VALIDATION: &str = "Input validation failed";

/// Judges an answer to values.
pub(super) fn verdict(error: &Error) -> Verdict {
    match error {
        Error::Refused { status: 413, .. } => Verdict::Guilty,
        _ if is_named(error) => Verdict::Guilty,
        // With a 400 also the race of two writers that make the same path, which passes.
        Error::Refused { status: 400 | 422, .. }
        // A worker that dies of a value answers nothing, or not in time.
        | Error::Failed { .. }
        | Error::BrokenOff { .. }
        | Error::TimedOut { .. }
        // Not among the answers to values.
        | Error::Values(_)
        | Error::Unsent { .. } => Verdict::Suspect,
        // Somebody else answers; 408 passes; a redirect, 404 or 405 is not about values but about the address.
        Error::Refused { .. }
        | Error::Malformed { .. }
        | Error::Unreachable { .. }
        | Error::RateLimited { .. }
        | Error::Denied { .. } => Verdict::Wait,
    }
}

/// True if the backend names the value it does not take: proof at once.
pub(super) fn is_named(error: &Error) -> bool {
    matches!(error, Error::Refused { status: 400, words, .. } if words.contains(VALIDATION))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grafolean::error::Asked;

    #[test]
    fn every_answer_is_judged() {
        let asked = Asked { what: "to store values", account_id: Some(1) };
        let refused = |status, words: &str| Error::Refused { asked, status, words: words.to_owned() };
        let words = String::new;
        for (error, expected) in [
            (Error::Unreachable { asked, words: words() }, Verdict::Wait),
            (Error::TimedOut { asked }, Verdict::Suspect),
            (Error::BrokenOff { asked, words: words() }, Verdict::Suspect),
            (Error::Denied { asked, status: 401, words: words() }, Verdict::Wait),
            (Error::RateLimited { asked, retry_after: None, words: words() }, Verdict::Wait),
            (Error::Failed { asked, status: 500, words: words() }, Verdict::Suspect),
            (refused(413, ""), Verdict::Guilty),
            (refused(400, "Input validation failed: Invalid PathInputValue format: a b"), Verdict::Guilty),
            (refused(400, r#"{"detail":"Invalid input format"}"#), Verdict::Suspect),
            (refused(400, "Bad Request"), Verdict::Suspect),
            (refused(422, ""), Verdict::Suspect),
            (Error::Malformed { asked, words: words() }, Verdict::Wait),
            (refused(301, ""), Verdict::Wait),
            (refused(404, ""), Verdict::Wait),
            (refused(408, ""), Verdict::Wait),
        ] {
            assert_eq!(verdict(&error), expected, "{error}");
        }
    }
}
