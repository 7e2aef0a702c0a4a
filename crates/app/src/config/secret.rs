//! Where does a table say that its secret is read from?
//!
//! A secret itself stands in no configuration: a table names a file or an environment variable, never both.

use super::mistake::Mistakes;
use super::place::Placed;
use super::reading::Table;
use super::valid::Document;
use super::value::not_empty;
use crate::secret::SecretFrom;

/// A secret as a table writes it: two keys, `<word>_file` and `<word>_env`, of which one may stand.
pub(super) struct SecretKeys<'a> {
    /// The table, as a mistake names it.
    pub(super) table: &'a str,
    /// What the table calls its secret.
    pub(super) word: &'static str,
    pub(super) file: Option<&'a Placed<String>>,
    pub(super) variable: Option<&'a Placed<String>>,
    /// A variable that could hold it, for a mistake.
    pub(super) such_as: &'static str,
}

impl SecretKeys<'_> {
    /// Returns where the secret is; `None` where the table names no place, or none that can be.
    pub(super) fn read<T>(
        &self,
        table: &Table<T>,
        document: &Document<'_>,
        mistakes: &mut Mistakes,
    ) -> Option<SecretFrom> {
        let word = self.word;
        let keys = [format!("{word}_file"), format!("{word}_env")];
        if keys.iter().all(|key| table.has(key)) {
            let at = table.keys.iter().filter(|key| keys.contains(&key.value)).map(|key| key.at).max();
            let [file, variable] = &keys;
            let text = format!("{} has {file} and {variable}; keep one of them", self.table);
            mistakes.add(at.unwrap_or(table.at), text);
        }
        if let Some(file) = not_empty(&keys[0], self.file, mistakes) {
            return Some(SecretFrom::File(document.beside_file(&file)));
        }
        let variable = self.variable?;
        if is_variable(&variable.value) {
            return Some(SecretFrom::Environment(variable.value.clone()));
        }
        // What stands there could be the secret itself: it is not repeated.
        let text = format!(
            "`{word}_env` takes the name of an environment variable (letters, digits and `_`, no digit first), not the \
             {word} itself; write for example {word}_env = \"{}\"",
            self.such_as
        );
        mistakes.add(variable.at, text);
        None
    }
}

fn is_variable(name: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && name.bytes().all(word) && !name.starts_with(|first: char| first.is_ascii_digit())
}
