//! What went wrong, and because of what?

use std::error::Error;

/// Says an error and its causes in one line, from the outside in.
pub fn said(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |words, cause| format!("{words}: {cause}"))
}
