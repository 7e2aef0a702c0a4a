//! `lastgood db`: is what is remembered sound, and how is it copied, made smaller or handed on?
//!
//! Looking and copying work beside a daemon; compacting needs the database to itself.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::PathBuf;

use super::looking::{complain, runtime};
use super::output::print;
use crate::exit::Exit;
use crate::sources;
use crate::store::sqlite::{Options, Sqlite};
use crate::store::{Store, StoreError};

/// What stands below the help.
pub(super) const EXAMPLES: &str = "\
Examples:
  lastgood db check --database /var/lib/lastgood/lastgood.db
  lastgood db backup --database /var/lib/lastgood/lastgood.db /srv/copies/lastgood.db
  lastgood db export --database /var/lib/lastgood/lastgood.db | jq 'select(.table == \"incident\")'";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Look for damage: exit code 0 if there is none, 4 if there is
    Check(Place),
    /// Write a sound copy to a new file
    Backup {
        #[command(flatten)]
        place: Place,
        /// The file to write; it must not be there yet
        to: PathBuf,
    },
    /// Give room that is not used any more back to the disk; stop `lastgood serve` first
    Compact(Place),
    /// Write everything to standard output, one JSON object per line
    Export(Place),
}

#[derive(Debug, clap::Args)]
struct Place {
    /// The database
    #[arg(long, value_name = "FILE")]
    database: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    let done = match runtime() {
        Ok(runtime) => runtime.block_on(answer(&arguments.what)),
        Err(trouble) => Err(trouble.say()),
    };
    done.map_or_else(|exit| exit, |()| Exit::AllOk).code()
}

async fn answer(what: &What) -> Result<(), Exit> {
    let (What::Check(place) | What::Backup { place, .. } | What::Compact(place) | What::Export(place)) = what;
    let beside = !matches!(what, What::Compact(_));
    let store = open(place, beside).await?;
    let answered = match what {
        What::Check(_) => check(&store).await,
        What::Backup { to, .. } => store.backup(to).await.map_err(failed),
        What::Compact(_) => store.compact().await.map_err(failed),
        What::Export(_) => export(&store).await,
    };
    store.close().await.map_err(failed)?;
    answered
}

/// Opens a database that is there: one that is not would be made, and found sound.
async fn open(place: &Place, beside: bool) -> Result<Sqlite, Exit> {
    if let Err(source) = std::fs::metadata(&place.database) {
        let path = place.database.clone();
        let error = StoreError::File { path, operation: "found: name the database with --database", source };
        return Err(complain(&error, Exit::Usage));
    }
    let find_kind = |word: &str| sources::find(word).map(|entry| entry.kind);
    let options = Options { beside, ..Options::new(&place.database, find_kind) };
    Sqlite::open(options).await.map_err(failed)
}

async fn check(store: &Sqlite) -> Result<(), Exit> {
    let found = store.check().await.map_err(failed)?;
    if found.is_empty() {
        return print(false, |out| writeln!(out, "the database is sound"));
    }
    print(false, |out| found.iter().try_for_each(|line| writeln!(out, "{line}")))?;
    Err(Exit::OwnFailure)
}

async fn export(store: &Sqlite) -> Result<(), Exit> {
    let mut out = BufWriter::new(io::stdout());
    let written = store.export(&mut out).await;
    match written.and_then(|()| out.flush().map_err(StoreError::Output)) {
        // Whoever read it has enough.
        Err(StoreError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(failed),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn failed(error: StoreError) -> Exit {
    complain(&error, Exit::OwnFailure)
}
