//! How is it said what accounts take on the disk?
//!
//! Pure rendering: everything is handed in. It does not know how anything was measured.

use std::io::{self, Write};

use lastgood_core::id::Escaped;
use serde::Serialize;

use super::json::write;
use super::space::size;
use super::table::columns::{Cell, Columns, Side};
use super::table::{BAD, PLAIN};

/// How the sizes of accounts are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum SizesFormat {
    /// Aligned columns for people, with terminal styles.
    #[default]
    Table,
    /// A JSON array, sizes in bytes.
    Json,
    /// Quota, backup and snapshots of one account in MiB, in one line, as `/bin/getQuota` says them to a client.
    Quota,
}

impl SizesFormat {
    /// True if the text carries terminal styles (see [`super::Format::is_styled`]).
    pub const fn is_styled(self) -> bool {
        match self {
            Self::Table => true,
            Self::Json | Self::Quota => false,
        }
    }
}

/// What one account takes, or why that is not known. The fields are the promise of the JSON format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountSize {
    /// What the directory calls the account; `None` where only its home is known.
    pub uid: Option<String>,
    /// Its home, as it was named.
    pub home: String,
    /// What it may take; `None` where nobody has said so.
    pub quota_bytes: Option<u64>,
    /// What `incoming` takes; `None` where it could not be measured.
    pub incoming_bytes: Option<u64>,
    /// What `.snapshots` takes beside that; `None` where it could not be measured.
    pub snapshots_bytes: Option<u64>,
    /// Why it could not be measured, with everything in it escaped; `None` where it was.
    pub error: Option<String>,
}

/// Writes what accounts take. The format for clients says nothing of what could not be measured: to a client a number
/// that is made up is worse than none.
pub fn sizes(accounts: &[AccountSize], format: SizesFormat, out: &mut dyn Write) -> io::Result<()> {
    super::buffered(out, |out| match format {
        SizesFormat::Table => table(accounts, out),
        SizesFormat::Json => write(&accounts, out),
        SizesFormat::Quota => accounts.iter().try_for_each(|account| quota_line(account, out)),
    })
}

const BYTES_PER_MEBIBYTE: u64 = 1024 * 1024;

/// The quota is rounded down and what is used up, so that nobody is shown room they do not have; no quota is 0.
fn quota_line(account: &AccountSize, out: &mut dyn Write) -> io::Result<()> {
    let (Some(incoming), Some(snapshots)) = (account.incoming_bytes, account.snapshots_bytes) else {
        return Ok(());
    };
    let quota = account.quota_bytes.unwrap_or(0) / BYTES_PER_MEBIBYTE;
    let up = |bytes: u64| bytes.div_ceil(BYTES_PER_MEBIBYTE);
    writeln!(out, "{quota} {} {}", up(incoming), up(snapshots))
}

fn table(accounts: &[AccountSize], out: &mut dyn Write) -> io::Result<()> {
    let (left, right) = (Side::Left, Side::Right);
    let heads = [
        ("UID", left),
        ("QUOTA", right),
        ("INCOMING", right),
        ("SNAPSHOTS", right),
        ("USED", right),
        ("HOME", left),
    ];
    let mut columns = Columns::new(heads);
    let rows: Vec<_> = accounts.iter().map(row).collect();
    for row in &rows {
        columns.fit(row);
    }
    columns.head(out)?;
    rows.iter().try_for_each(|row| columns.row(row, out))?;
    let error = |account: &AccountSize| {
        let uid = account.uid.as_deref().map(|uid| format!("{}: ", Escaped(uid)));
        account.error.as_ref().map(|error| format!("{}{error}", uid.unwrap_or_default()))
    };
    let errors: Vec<_> = accounts.iter().filter_map(error).collect();
    if !errors.is_empty() {
        writeln!(out, "\n{BAD}could not measure:{BAD:#}")?;
    }
    errors.iter().try_for_each(|error| writeln!(out, "  {error}"))
}

fn row(account: &AccountSize) -> [Cell; 6] {
    let figure =
        |bytes: Option<u64>| bytes.map_or(("-".to_owned(), PLAIN), |bytes| (size(bytes.into()), PLAIN));
    let sum = |(incoming, snapshots): (u64, u64)| incoming.saturating_add(snapshots);
    [
        (account.uid.as_deref().map_or("-".to_owned(), |uid| Escaped(uid).to_string()), PLAIN),
        figure(account.quota_bytes),
        figure(account.incoming_bytes),
        figure(account.snapshots_bytes),
        figure(account.incoming_bytes.zip(account.snapshots_bytes).map(sum)),
        (Escaped(&account.home).to_string(), if account.error.is_some() { BAD } else { PLAIN }),
    ]
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const MEBIBYTE: u64 = 1024 * 1024;

    fn account(quota_bytes: Option<u64>, sizes: Option<(u64, u64)>) -> AccountSize {
        AccountSize {
            uid: Some("3723707".to_owned()),
            home: "/home/3723707".to_owned(),
            quota_bytes,
            incoming_bytes: sizes.map(|(incoming, _)| incoming),
            snapshots_bytes: sizes.map(|(_, snapshots)| snapshots),
            error: sizes.is_none().then(|| "/home/3723707/incoming is missing".to_owned()),
        }
    }

    #[track_caller]
    fn text(accounts: &[AccountSize], format: SizesFormat) -> String {
        let mut out = Vec::new();
        sizes(accounts, format, &mut out).expect("a vector takes all");
        String::from_utf8(out).expect("only text was written")
    }

    #[rstest]
    #[case(Some(10 * MEBIBYTE), Some((0, 0)), "10 0 0\n")]
    #[case(Some(11 * MEBIBYTE - 1), Some((1, MEBIBYTE)), "10 1 1\n")]
    #[case(None, Some((MEBIBYTE + 1, u64::MAX)), "0 2 17592186044416\n")]
    #[case(Some(MEBIBYTE), None, "")]
    fn a_client_is_shown_no_room_it_does_not_have(
        #[case] quota_bytes: Option<u64>,
        #[case] sizes: Option<(u64, u64)>,
        #[case] line: &str,
    ) {
        assert_eq!(text(&[account(quota_bytes, sizes)], SizesFormat::Quota), line);
    }

    #[test]
    fn json_has_every_field_of_every_account() {
        let answer = text(&[account(None, Some((5, 6))), account(Some(7), None)], SizesFormat::Json);
        let parsed: serde_json::Value = serde_json::from_str(&answer).unwrap();
        let expected = serde_json::json!([
            {"uid": "3723707", "home": "/home/3723707", "quota_bytes": null, "incoming_bytes": 5,
             "snapshots_bytes": 6, "error": null},
            {"uid": "3723707", "home": "/home/3723707", "quota_bytes": 7, "incoming_bytes": null,
             "snapshots_bytes": null, "error": "/home/3723707/incoming is missing"},
        ]);
        assert_eq!(parsed, expected);
    }

    #[test]
    fn people_see_aligned_sizes_and_what_could_not_be_measured() {
        let mut odd = account(None, None);
        odd.uid = Some("a\nb".to_owned());
        let errors = text(&[odd.clone()], SizesFormat::Table);
        assert!(errors.ends_with("  a\\nb: /home/3723707/incoming is missing\n"), "{errors}");
        odd.uid = None;
        odd.home = "/a\u{1b}[2J".to_owned();
        let answer = text(&[account(Some(10 * MEBIBYTE), Some((1536, MEBIBYTE))), odd], SizesFormat::Table);
        let plain = anstream::adapter::strip_str(&answer).to_string();
        let expected = "\
UID         QUOTA  INCOMING  SNAPSHOTS     USED  HOME
3723707  10.0 MiB   1.5 KiB    1.0 MiB  1.0 MiB  /home/3723707
-               -         -          -        -  /a\\u{1b}[2J

could not measure:
  /home/3723707/incoming is missing
";
        assert_eq!(plain, expected);
    }
}
