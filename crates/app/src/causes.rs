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
