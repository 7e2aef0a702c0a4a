//! Where does a ping wait that nobody took?
//!
//! One file each, the owner's alone, in the order in which they happened; so many at most, the oldest go first. It holds
//! the secrets of their addresses and sends nothing.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ping::{Ping, Word};
use super::target::Target;

/// How many pings wait at most: those of a job that runs every ten minutes, for three days.
pub(super) const MAX_COUNT: usize = 1000;

/// How many bytes wait at most.
pub(super) const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// The longest file, in bytes: an output of 10 000 bytes, all of them escaped.
const FILE_MAX_BYTES: u64 = 128 * 1024;

/// Which form the files have.
const VERSION: u8 = 1;

/// The variable that names the folder.
const VARIABLE: &str = "LASTGOOD_SPOOL";

/// Where it stands for whoever runs services.
const OF_THE_MACHINE: &str = "/var/lib/lastgood/spool";

/// The bits of a mode that let somebody else than the owner write.
const OTHERS_WRITE: u32 = 0o022;

/// A folder in which pings wait.
#[derive(Clone, Debug)]
pub(super) struct Spool {
    folder: PathBuf,
}

/// A ping that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    /// The name of the job, for people.
    pub(super) asset: String,
    /// Where it goes.
    pub(super) target: Target,
    /// What is told.
    pub(super) ping: Ping,
}

/// How it stands in its file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u8,
    asset: String,
    target: Target,
    word: String,
    at: String,
    rid: Option<String>,
    body: String,
}

/// Why nothing can wait.
#[derive(Debug, thiserror::Error)]
pub(super) enum SpoolError {
    #[error("there is no folder for what cannot be sent: name one with --spool")]
    Nowhere,
    #[error("others may write to {}: run `chmod go-w` on it", .0.display())]
    Exposed(PathBuf),
    #[error("the folder {} could not be {operation}", folder.display())]
    Folder {
        folder: PathBuf,
        operation: &'static str,
        #[source]
        source: io::Error,
    },
}

/// The right to send what waits: two at once would send it twice.
pub(super) struct Turn(#[expect(dead_code, reason = "the lock lives as long as the file is open")] File);

impl Spool {
    /// Finds the folder and makes it where it is not there: the one that is named, else `$LASTGOOD_SPOOL`, else below
    /// `$XDG_STATE_HOME`, else that of the machine, else below the home of whoever runs this.
    pub(super) fn open(named: Option<&Path>) -> Result<Self, SpoolError> {
        let variable =
            |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(folder) = named.map(Path::to_path_buf).or_else(|| variable(VARIABLE)) {
            return Self::at(folder);
        }
        let state = variable("XDG_STATE_HOME").map(|state| state.join("lastgood/spool"));
        let home = variable("HOME").map(|home| home.join(".local/state/lastgood/spool"));
        let mut places = [state, Some(PathBuf::from(OF_THE_MACHINE)), home].into_iter().flatten();
        places.find_map(|place| Self::at(place).ok()).ok_or(SpoolError::Nowhere)
    }

    fn at(folder: PathBuf) -> Result<Self, SpoolError> {
        let failed = |operation| {
            let folder = folder.clone();
            move |source| SpoolError::Folder { folder, operation, source }
        };
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed("made"))?;
        let mode = fs::metadata(&folder).map_err(failed("looked at"))?.permissions().mode();
        if mode & OTHERS_WRITE != 0 {
            return Err(SpoolError::Exposed(folder));
        }
        // The lock is a file of every spool: whoever may open it may write there.
        let spool = Self { folder: folder.clone() };
        spool.lock_file().map_err(failed("written to"))?;
        Ok(spool)
    }

    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn lock_file(&self) -> io::Result<File> {
        let path = self.folder.join(".lock");
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
    }

    /// Takes the right to send; `None` while another program has it.
    pub(super) fn turn(&self) -> io::Result<Option<Turn>> {
        let file = self.lock_file()?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Turn(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Keeps a ping, whole or not at all, and drops the oldest where there are too many. Returns how many were dropped.
    pub(super) fn keep(&self, waiting: &Waiting) -> io::Result<usize> {
        let Waiting { asset, target, ping } = waiting;
        let written = Written {
            version: VERSION,
            asset: asset.clone(),
            target: target.clone(),
            word: ping.word.path(),
            at: ping.at.to_string(),
            rid: ping.rid.clone(),
            body: ping.body.clone(),
        };
        let text = serde_json::to_vec(&written)?;
        let name = name(ping);
        let (new, kept) = (self.folder.join(format!(".new-{name}")), self.folder.join(name));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        let done = file.write_all(&text).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&new, kept));
        if let Err(error) = done {
            // What is half written is of no use; that it could not be removed would say nothing new.
            let _ = fs::remove_file(&new);
            return Err(error);
        }
        File::open(&self.folder)?.sync_all()?;
        self.trim()
    }

    /// Drops the oldest where there are too many.
    fn trim(&self) -> io::Result<usize> {
        let files = self.files()?;
        let mut bytes = 0;
        let newest_first = files.iter().rev();
        let fitting = newest_first.take(MAX_COUNT).take_while(|path| {
            bytes += fs::metadata(path).map_or(0, |found| found.size());
            bytes <= MAX_BYTES
        });
        let surplus = files.len() - fitting.count();
        for path in &files[..surplus] {
            remove(path)?;
        }
        Ok(surplus)
    }

    /// Lists what waits, the oldest first.
    pub(super) fn files(&self) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let is_hidden = name.as_encoded_bytes().starts_with(b".");
            let path = self.folder.join(name);
            if !is_hidden && path.extension().is_some_and(|extension| extension == "json") {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }
}

/// Reads a file. What is damaged is an error of kind `InvalidData`; what is gone is sent by somebody else.
pub(super) fn read(path: &Path) -> io::Result<Waiting> {
    let damaged = || io::Error::from(io::ErrorKind::InvalidData);
    let mut text = Vec::new();
    File::open(path)?.take(FILE_MAX_BYTES + 1).read_to_end(&mut text)?;
    // What the reader of JSON says would repeat the address.
    let written: Written = serde_json::from_slice(&text).map_err(|_| damaged())?;
    if written.version != VERSION {
        return Err(damaged());
    }
    let ping = Ping {
        word: Word::read(&written.word).ok_or_else(damaged)?,
        at: written.at.parse().map_err(|_| damaged())?,
        rid: written.rid,
        body: written.body,
    };
    Ok(Waiting { asset: written.asset, target: written.target, ping })
}

/// Removes what was sent. That it is gone is no failure.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Names a file so that sorted names are the order of what happened, the begin of a run before its end.
fn name(ping: &Ping) -> String {
    let nanoseconds = ping.at.max(Timestamp::UNIX_EPOCH).as_nanosecond();
    let place = match ping.word {
        Word::Start => 0,
        Word::Status(_) => 1,
    };
    // Without randomness the number of this program tells files of one instant apart.
    let run = ping.rid.clone().unwrap_or_else(|| std::process::id().to_string());
    format!("{nanoseconds:020}-{place}-{run}.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(second: i64, word: Word) -> Waiting {
        let at = Timestamp::from_second(second).expect("an instant");
        let ping = Ping { word, at, rid: Some(format!("run{second}")), body: "a\n\"b\"".to_owned() };
        Waiting { asset: "web".to_owned(), target: Target::Url("http://127.0.0.1:1/ping/x".to_owned()), ping }
    }

    fn spool() -> (tempfile::TempDir, Spool) {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = Spool::at(folder.path().join("a/spool")).expect("a spool");
        (folder, spool)
    }

    #[test]
    fn what_is_kept_is_read_in_the_order_it_happened() {
        let (_folder, spool) = spool();
        let pings = [
            waiting(-5, Word::Start),
            waiting(9, Word::Start),
            waiting(9, Word::Status(1)),
            waiting(10, Word::Start),
        ];
        for index in [3, 2, 0, 1] {
            assert_eq!(spool.keep(&pings[index]).expect("it is kept"), 0);
        }
        let read =
            spool.files().expect("files").iter().map(|path| read(path).expect("a ping")).collect::<Vec<_>>();
        assert_eq!(read, pings);
    }

    #[test]
    fn a_file_is_its_owner_s_alone_and_holds_nothing_half() {
        let (_folder, spool) = spool();
        spool.keep(&waiting(1, Word::Start)).expect("it is kept");
        let path = &spool.files().expect("files")[0];
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(path), mode(spool.folder())), (0o600, 0o700));
        assert_eq!(fs::read_dir(spool.folder()).expect("a folder").count(), 2);
        let text = fs::read_to_string(path).expect("text");
        fs::write(path, &text[..text.len() / 2]).expect("a writable file");
        let error = read(path).expect_err("it is damaged");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(!error.to_string().contains("ping"), "{error}");
    }

    #[test]
    fn of_too_many_the_oldest_are_dropped() {
        let (_folder, spool) = spool();
        for second in 0..i64::try_from(MAX_COUNT).expect("a number") {
            // Written past the spool: a thousand syncs would take a while.
            fs::write(spool.folder().join(name(&waiting(second, Word::Start).ping)), "")
                .expect("a writable folder");
        }
        assert_eq!(spool.keep(&waiting(50_000, Word::Start)).expect("it is kept"), 1);
        let files = spool.files().expect("files");
        assert_eq!(files.len(), MAX_COUNT);
        assert!(files[0].ends_with(name(&waiting(1, Word::Start).ping)));
        let large = File::options().write(true).open(&files[990]).expect("a file");
        large.set_len(MAX_BYTES).expect("a sparse file");
        assert_eq!(spool.keep(&waiting(50_001, Word::Start)).expect("it is kept"), 991);
        assert_eq!(spool.files().expect("files").len(), 10);
    }

    #[test]
    fn only_one_sends_at_a_time_and_nobody_else_may_write_there() {
        let (_folder, spool) = spool();
        let turn = spool.turn().expect("a lock");
        assert!(turn.is_some() && spool.turn().expect("a lock").is_none());
        drop(turn);
        assert!(spool.turn().expect("a lock").is_some());
        fs::set_permissions(spool.folder(), fs::Permissions::from_mode(0o770)).expect("our own folder");
        assert!(matches!(Spool::open(Some(spool.folder())), Err(SpoolError::Exposed(_))));
    }
}
