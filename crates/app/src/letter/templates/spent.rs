//! How many bytes has a template put together so far, written or not?
//!
//! Every value that is written, every piece of text and whatever a filter makes is counted, wherever it goes: also what
//! only a variable holds. Steps are counted by the library.

use minijinja::value::{Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State};

/// The most a template may put together, in bytes, over all of its variables and what it writes.
pub(super) const SPENT_MAX_BYTES: usize = 16 * 1024 * 1024;

/// The function that counts a piece of text.
const TEXT: &str = "__text";

/// The longest a character of a value becomes in HTML, in bytes.
const ESCAPED_BYTES: usize = 6;

#[derive(Default)]
struct Spent(usize);

/// Adds what counts pieces of text.
pub(super) fn add(environment: &mut Environment<'_>) {
    environment.add_function(TEXT, |state: &mut State, bytes: usize| -> Result<Value, Error> {
        count(state, bytes)?;
        Ok(Value::from_safe_string(String::new()))
    });
}

/// What stands before a piece of text so that it is counted. Trimmed text stays trimmed.
pub(super) fn count_of(bytes: usize, is_trimmed: bool) -> String {
    format!("{{{{ {TEXT}({bytes}) {}}}}}", if is_trimmed { "-" } else { "" })
}

/// Whether these words of a template are ours and not its author's.
pub(super) fn is_ours(words: &str) -> bool {
    words.contains(TEXT)
}

/// Counts so many bytes.
pub(super) fn count(state: &mut State<'_, '_>, bytes: usize) -> Result<(), Error> {
    let spent = state.get_or_insert_extension(Spent::default());
    spent.0 = spent.0.saturating_add(bytes);
    if spent.0 > SPENT_MAX_BYTES {
        let text = format!(
            "it puts together more than {SPENT_MAX_BYTES} bytes, in variables and in what it writes; shorten it"
        );
        return Err(Error::new(ErrorKind::InvalidOperation, text));
    }
    Ok(())
}

/// Counts what a value takes when it is written.
pub(super) fn count_written(state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let text = plain(value)?;
    let is_escaped = !value.is_safe() && !matches!(state.auto_escape(), AutoEscape::None);
    count(state, if is_escaped { escaped_bytes(&text) } else { text.len() })
}

/// How many bytes a text has at most as HTML.
pub(super) fn escaped_bytes(text: &str) -> usize {
    let special_count = text.bytes().filter(|byte| b"<>&\"'/`".contains(byte)).count();
    text.len() + special_count * (ESCAPED_BYTES - 1)
}

/// A value as text, if it is one or a number: what holds others could be of any size.
pub(super) fn plain(value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::String | ValueKind::Number | ValueKind::Bool | ValueKind::Undefined => {
            Ok(value.to_string())
        }
        kind => {
            let text = format!("a {kind} is no text; write its parts in a loop, or with `join`");
            Err(Error::new(ErrorKind::InvalidOperation, text))
        }
    }
}
