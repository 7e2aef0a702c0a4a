//! How is it said who would be told of a verdict, through what, and why or why not?
//!
//! Pure rendering: who is told is handed in. It knows no directory and no configuration.

use std::io::{self, Write};

use lastgood_core::id::Escaped;
use lastgood_core::verdict::Outcome;
use serde::Serialize;

use super::json::write;
use super::table::columns::{Cell, Columns, Side};
use super::table::{BAD, PLAIN, QUIET};

/// How the answer of `recipients` is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum RecipientsFormat {
    /// A JSON array, one object for each bad verdict and address.
    #[default]
    Json,
    /// Aligned columns for people, with terminal styles.
    Table,
}

impl RecipientsFormat {
    /// True if the text carries terminal styles (see [`super::Format::is_styled`]).
    pub const fn is_styled(self) -> bool {
        match self {
            Self::Table => true,
            Self::Json => false,
        }
    }
}

/// Who would be told of a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Telling {
    /// False where a directory is responsible and has not answered yet: nobody is told until it has.
    pub known: bool,
    /// Everybody who is named, in the order of the roles, then of the addresses.
    pub recipients: Vec<TellingRow>,
    /// What is broken or missing in the directory, each escaped.
    pub notes: Vec<String>,
}

/// Somebody who is named for a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TellingRow {
    /// What they are to the subject.
    pub role: &'static str,
    /// Through which channel.
    pub channel: String,
    /// Where; a mailbox as its bare address.
    pub address: String,
    /// Whether they would be told; of a verdict that is not bad: once it is, and their patience is over.
    pub told: bool,
    /// Why or why not, step by step.
    pub because: Vec<String>,
}

/// Somebody who is named for a bad verdict. The fields are the promise of the JSON format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecipientRow {
    /// The path of the subject, as `check` prints it.
    pub subject: String,
    /// The bytes of its name in hexadecimal, only where they are not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_hex: Option<String>,
    /// Which check is bad.
    pub check: &'static str,
    /// What people choose to hear of it by; `None` where they cannot choose.
    pub task: Option<&'static str>,
    /// What they are to the subject.
    pub role: &'static str,
    /// Where; a mailbox as its bare address.
    pub address: String,
    /// Whether they would be told.
    pub told: bool,
    /// Why or why not, step by step.
    pub because: Vec<String>,
}

/// Writes who would be told of bad verdicts.
pub fn recipients(rows: &[RecipientRow], format: RecipientsFormat, out: &mut dyn Write) -> io::Result<()> {
    super::buffered(out, |out| match format {
        RecipientsFormat::Json => write(&rows, out),
        RecipientsFormat::Table => table(rows, out),
    })
}

fn table(rows: &[RecipientRow], out: &mut dyn Write) -> io::Result<()> {
    let heads = ["SUBJECT", "CHECK", "TASK", "ROLE", "ADDRESS", "TOLD", "BECAUSE"];
    let mut columns = Columns::new(heads.map(|head| (head, Side::Left)));
    let cells: Vec<_> = rows.iter().map(cells).collect();
    for row in &cells {
        columns.fit(row);
    }
    columns.head(out)?;
    for row in &cells {
        columns.row(row, out)?;
    }
    Ok(())
}

fn cells(row: &RecipientRow) -> [Cell; 7] {
    let plain = |text: &str| (Escaped(text).to_string(), PLAIN);
    let told = if row.told { ("yes".to_owned(), PLAIN) } else { ("no".to_owned(), QUIET) };
    // The last step decided; the others stand in the JSON, and in `explain`.
    let because = row.because.last().map_or("", String::as_str);
    [
        plain(&row.subject),
        plain(row.check),
        plain(row.task.unwrap_or_default()),
        plain(row.role),
        plain(&row.address),
        told,
        (Escaped(because).to_string(), QUIET),
    ]
}

/// Writes who would be told of one verdict, below it: step by step where it is bad, else in short.
pub(super) fn below(telling: &Telling, outcome: Outcome, out: &mut dyn Write) -> io::Result<()> {
    let mut line = |label: &str, text: &str| writeln!(out, "      {QUIET}{label:<10}{QUIET:#} {text}");
    if !telling.known {
        return line("told", "the directory has not said yet who owns it: nobody, until it has");
    }
    let is_bad = outcome == Outcome::Bad;
    if telling.recipients.is_empty() {
        let nobody = if is_bad { "told" } else { "if bad" };
        line(nobody, &format!("{BAD}nobody is named{BAD:#}: add an [[owner]]"))?;
    }
    for row in &telling.recipients {
        let who = format!("{} {} through {}", row.role, Escaped(&row.address), Escaped(&row.channel));
        let label = match (is_bad, row.told) {
            (true, true) => "told",
            (true, false) => "not told",
            (false, true) => "if bad",
            (false, false) => "never",
        };
        match row.because.last().filter(|_| !is_bad) {
            Some(step) => line(label, &format!("{who}: {}", Escaped(step)))?,
            None => line(label, &who)?,
        }
        let steps = row.because.iter().filter(|_| is_bad);
        steps.clone().try_for_each(|step| line("", &format!("  {}", Escaped(step))))?;
    }
    telling.notes.iter().try_for_each(|note| line("broken", &Escaped(note).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(told: bool) -> RecipientRow {
        RecipientRow {
            subject: "stoney/1/a\u{1b}b".to_owned(),
            name_hex: told.then(|| "ff".to_owned()),
            check: "quota",
            task: told.then_some("quota"),
            role: "customer",
            address: "a@x.example".to_owned(),
            told,
            because: vec!["first".to_owned(), "last".to_owned()],
        }
    }

    fn written(format: RecipientsFormat) -> String {
        let mut out = Vec::new();
        recipients(&[row(true), row(false)], format, &mut out).expect("a vector takes all");
        anstream::adapter::strip_str(std::str::from_utf8(&out).expect("text")).to_string()
    }

    #[test]
    fn a_program_reads_exactly_these_fields() {
        let rows: serde_json::Value = serde_json::from_str(&written(RecipientsFormat::Json)).expect("JSON");
        let told = serde_json::json!({
            "subject": "stoney/1/a\u{1b}b", "name_hex": "ff", "check": "quota", "task": "quota", "role": "customer",
            "address": "a@x.example", "told": true, "because": ["first", "last"],
        });
        assert_eq!(rows[0], told);
        assert_eq!(rows[1]["task"], serde_json::Value::Null);
        assert!(rows[1].get("task").is_some() && rows[1].get("name_hex").is_none());
    }

    #[test]
    fn a_table_shows_what_decided_and_nothing_unescaped() {
        let table = written(RecipientsFormat::Table);
        let expected = "SUBJECT            CHECK  TASK   ROLE      ADDRESS      TOLD  BECAUSE\n\
                        stoney/1/a\\u{1b}b  quota  quota  customer  a@x.example  yes   last\n\
                        stoney/1/a\\u{1b}b  quota         customer  a@x.example  no    last\n";
        assert_eq!(table, expected);
    }

    #[test]
    fn below_a_verdict_stands_everybody_with_the_steps() {
        let row = |told| TellingRow {
            role: "customer",
            channel: "mail".to_owned(),
            address: "a@x.example".to_owned(),
            told,
            because: vec!["first".to_owned(), "last".to_owned()],
        };
        let telling =
            Telling { known: true, recipients: vec![row(true), row(false)], notes: vec!["note".to_owned()] };
        let text = |telling: &Telling, outcome| {
            let mut out = Vec::new();
            below(telling, outcome, &mut out).expect("a vector takes all");
            anstream::adapter::strip_str(std::str::from_utf8(&out).expect("text")).to_string()
        };
        let bad = "      told       customer a@x.example through mail\n                   first\n                   \
                   last\n      not told   customer a@x.example through mail\n                   first\n            \
                         \u{20}      last\n      broken     note\n";
        assert_eq!(text(&telling, Outcome::Bad), bad);
        let ok = "      if bad     customer a@x.example through mail: last\n      never      customer a@x.example \
                  through mail: last\n      broken     note\n";
        assert_eq!(text(&telling, Outcome::Ok), ok);
        let nobody = Telling { known: true, recipients: Vec::new(), notes: Vec::new() };
        assert!(text(&nobody, Outcome::Bad).contains("nobody is named: add an [[owner]]"));
        let unknown = Telling { known: false, ..nobody };
        assert!(text(&unknown, Outcome::Bad).contains("has not said yet"));
    }
}
