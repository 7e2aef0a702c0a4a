//! What does an answer to values mean: again, in halves, or never?
//!
//! Pure: it knows no clock and sends nothing.

use crate::grafolean::client::RACE;
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

/// Judges an answer to values.
pub(super) fn verdict(error: &Error) -> Verdict {
    match error {
        Error::Unreachable { .. } | Error::RateLimited { .. } | Error::Denied { .. } => Verdict::Wait,
        // A worker that dies of a value answers nothing, or not in time.
        Error::Failed { .. } | Error::BrokenOff { .. } | Error::TimedOut { .. } => Verdict::Suspect,
        Error::Refused { status: 413, .. } => Verdict::Guilty,
        Error::Refused { status: 400, words, .. } if words.contains("Input validation failed") => {
            Verdict::Guilty
        }
        // The race of two writers, which passes; anything else the backend finds wrong with a request.
        Error::Refused { status: 400, words, .. } if words.contains(RACE) => Verdict::Suspect,
        Error::Refused { status: 400 | 422, .. } => Verdict::Suspect,
        // A redirect, 404, 405: this is not about values but about the address. 408 passes.
        Error::Refused { .. } => Verdict::Wait,
        // Not among the answers to values.
        Error::Malformed { .. } | Error::Values(_) | Error::Unsent { .. } => Verdict::Suspect,
    }
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
            (refused(301, ""), Verdict::Wait),
            (refused(404, ""), Verdict::Wait),
            (refused(408, ""), Verdict::Wait),
        ] {
            assert_eq!(verdict(&error), expected, "{error}");
        }
    }
}
