//! What went wrong, and because of what?

use std::error::Error;

/// Says an error and its causes in one line, from the outside in. A cause that its error repeats word by word is said once.
pub fn said(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |words, cause| {
        let cause = cause.to_string();
        if words.ends_with(&cause) { words } else { format!("{words}: {cause}") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Broken(&'static str, #[source] std::fmt::Error);

    #[test]
    fn a_cause_that_its_error_repeats_is_said_once() {
        let cause = std::fmt::Error.to_string();
        assert_eq!(said(&Broken("no answer", std::fmt::Error)), format!("no answer: {cause}"));
        let repeating = Broken("an error occurred when formatting an argument", std::fmt::Error);
        assert_eq!(said(&repeating), cause);
    }
}
