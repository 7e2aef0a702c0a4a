//! Where do values wait until the backend has taken them, also across a crash?
//!
//! For every account a queue of segments, appended to at one end and spent at the other. What is written survives the end
//! of the process; what was spent may come back after a crash, and then only a little. All of it is bounded. It must
//! not know how values are sent.

mod folder;
mod segment;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};

pub(super) use self::folder::Position;
use self::folder::{Folder, Found};
use self::segment::{Segment, decode, encode};
use super::value::Value;
use crate::clock::Second;

/// Why a spool cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The folder or what lies in it could not be read or written.
    #[error("the spool in {folder} cannot be used; let this user read and write it, or name another folder")]
    Io {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Somebody else could put values into it.
    #[error("the spool in {folder} may be written by others (mode {mode:o}); run: chmod go-w {folder}")]
    WritableByOthers {
        /// The folder.
        folder: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A folder for everybody, such as `/tmp`.
    #[error(
        "no spool can be in {folder} itself, which is for everybody (mode {mode:o}); name a folder of its own below it"
    )]
    ForEverybody {
        /// The folder.
        folder: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Its owner can put values into it.
    #[error(
        "the spool in {folder} belongs to another user ({owner}); run as that user, or name a folder of your own"
    )]
    NotOurs {
        /// The folder.
        folder: PathBuf,
        /// The number of the user it belongs to.
        owner: u32,
    },
    /// Another process uses it.
    #[error("the spool in {0} is used by another process; stop it, or give each bot a folder of its own")]
    InUse(PathBuf),
}

/// The longest segment, in bytes: what is dropped at once when the spool is full.
const SEGMENT_MAX_BYTES: u64 = 1024 * 1024;

/// Values waiting, by account.
pub(super) struct Spool {
    folder: Option<Folder>,
    bytes_max: u64,
    segment_bytes: u64,
    bytes: u64,
    queues: HashMap<i64, Queue>,
    dropped_count: u64,
    /// Whether the last values could not be written to the folder, and are kept in memory.
    is_failing: bool,
}

/// What waits of one account.
#[derive(Default)]
struct Queue {
    /// The first one is the one being spent.
    segments: VecDeque<Segment>,
    /// Up to where the first segment is spent.
    spent_bytes: u64,
    /// The number of the last segment there ever was.
    last_number: u64,
    /// True if the last segment may be appended to: made by us, and never failed.
    is_open: bool,
    /// The instant of the first value, where it is known.
    oldest_at: Option<Second>,
}

/// The first values of an account.
#[derive(Default)]
pub(super) struct Batch {
    /// Each with the place where it ends.
    pub(super) values: Vec<(Position, Value)>,
    /// Where all of it ends, lines that cannot be read included.
    pub(super) end: Position,
}

impl Spool {
    /// Opens a spool and reads what was left in it; without a folder, one in memory.
    pub(super) fn open(folder: Option<&Path>, bytes_max: u64) -> Result<Self, SpoolError> {
        let folder = folder.map(Folder::open).transpose()?;
        let mut spool = Self {
            folder,
            bytes_max,
            segment_bytes: (bytes_max / 16).clamp(4 * 1024, SEGMENT_MAX_BYTES),
            bytes: 0,
            queues: HashMap::new(),
            dropped_count: 0,
            is_failing: false,
        };
        if let Some(folder) = &spool.folder {
            for found in folder.found()? {
                let account_id = found.account_id;
                let failed = |source| SpoolError::Io { folder: folder.path().to_owned(), source };
                let (queue, damaged_count) = Queue::restore(found).map_err(failed)?;
                spool.bytes += queue.bytes();
                spool.queues.insert(account_id, queue);
                spool.dropped_count += damaged_count;
                log_damage(account_id, damaged_count);
            }
        }
        spool.make_room(0);
        Ok(spool)
    }

    /// The accounts with values waiting.
    pub(super) fn accounts(&self) -> Vec<i64> {
        self.queues.iter().filter(|(_, queue)| queue.waiting_count() > 0).map(|(id, _)| *id).collect()
    }

    /// How many values of an account wait.
    pub(super) fn waiting_count_of(&self, account_id: i64) -> u64 {
        self.queues.get(&account_id).map_or(0, Queue::waiting_count)
    }

    /// How many values wait.
    pub(super) fn waiting_count(&self) -> u64 {
        self.queues.values().map(Queue::waiting_count).sum()
    }

    /// How many bytes the waiting values take.
    pub(super) fn waiting_bytes(&self) -> u64 {
        self.queues.values().map(|queue| queue.bytes() - queue.spent_bytes).sum()
    }

    /// How many values were lost.
    pub(super) fn dropped_count(&self) -> u64 {
        self.dropped_count
    }

    /// The folder, unless all is in memory.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.folder.as_ref().map(Folder::path)
    }

    /// How many of the waiting values end with the process.
    pub(super) fn in_memory_count(&self) -> u64 {
        let segments = self.queues.values().flat_map(|queue| &queue.segments);
        segments.filter(|segment| segment.is_in_memory()).map(|segment| segment.waiting_count).sum()
    }

    /// The instant of the first value of the account that is furthest behind.
    pub(super) fn oldest_at(&mut self) -> Option<Second> {
        let first = |queue: &mut Queue| {
            if queue.oldest_at.is_none() {
                let batch = queue.first(1).ok()?;
                queue.oldest_at = batch.values.first().map(|(_, value)| value.at());
            }
            queue.oldest_at
        };
        self.queues.values_mut().filter_map(first).min()
    }

    /// Keeps values, in this order behind all others of the account.
    pub(super) fn append(&mut self, account_id: i64, values: &[Value]) {
        let (mut lines, mut count) = (Vec::new(), 0);
        for value in values {
            encode(value, &mut lines);
            count += 1;
            if lines.len() as u64 >= self.segment_bytes {
                self.append_lines(account_id, &lines, count);
                (lines, count) = (Vec::new(), 0);
            }
        }
        if count > 0 {
            self.append_lines(account_id, &lines, count);
        }
    }

    fn append_lines(&mut self, account_id: i64, lines: &[u8], count: u64) {
        let length = lines.len() as u64;
        self.make_room(length);
        let queue = self.queues.entry(account_id).or_default();
        self.bytes += length;
        if self.folder.is_none() {
            queue.append_in_memory(lines, count, self.segment_bytes);
            return;
        }
        let folder = self.folder.as_ref();
        match queue.append_in_file(folder, account_id, (lines, count), self.segment_bytes) {
            Ok(()) if self.is_failing => {
                self.is_failing = false;
                tracing::info!("the spool on disk can be written again");
            }
            Ok(()) => {}
            Err(error) => {
                queue.is_open = false;
                queue.append_in_memory(lines, count, 0);
                if !self.is_failing {
                    self.is_failing = true;
                    tracing::error!("values cannot be written to the spool and are kept in memory: {error}");
                }
            }
        }
    }

    /// The first values of an account, about `count_max` of them.
    pub(super) fn first(&mut self, account_id: i64, count_max: usize) -> io::Result<Batch> {
        loop {
            let Some(queue) = self.queues.get(&account_id) else { return Ok(Batch::default()) };
            let why = match queue.first(count_max) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => "its file is gone",
                Ok(batch) if batch.is_empty() && count_max > 0 && !queue.segments.is_empty() => {
                    "its file was cut"
                }
                result => return result,
            };
            self.drop_first(account_id, why);
        }
    }

    /// Spends values: all of the account up to `until`, which `ends` are the ends of.
    pub(super) fn spend(&mut self, account_id: i64, ends: &[Position], until: Position) {
        let Some(queue) = self.queues.get_mut(&account_id) else { return };
        queue.oldest_at = None;
        for end in ends {
            if let Some(segment) = queue.segments.iter_mut().find(|segment| segment.number == end.segment) {
                segment.waiting_count = segment.waiting_count.saturating_sub(1);
            }
        }
        while let Some(first) = queue.segments.front()
            && (first.number < until.segment
                || (first.number == until.segment && first.length <= until.offset))
        {
            let unread_count = first.waiting_count;
            self.bytes -= queue.remove_first();
            self.dropped_count += unread_count;
            log_damage(account_id, unread_count);
        }
        if let Some(first) = queue.segments.front()
            && first.number == until.segment
        {
            queue.spent_bytes = queue.spent_bytes.max(until.offset);
            let (folder, is_in_memory) = (self.folder.as_ref(), first.is_in_memory());
            if let Some(folder) = folder.filter(|_| !is_in_memory)
                && let Err(error) = folder.set_head(account_id, until)
            {
                tracing::warn!(
                    account_id,
                    "what was sent cannot be noted in the spool, a restart sends it again: {error}"
                );
            }
        }
    }

    /// Keeps a value the backend refused for good apart, and says so.
    pub(super) fn put_aside(&self, account_id: i64, value: &Value, why: &str) {
        let path = value.path();
        let kept = match self.folder.as_ref().map(|folder| folder.put_aside(account_id, value, why)) {
            Some(Ok(true)) => format!("kept in refused-{account_id}.jsonl in the spool"),
            Some(Ok(false)) => format!("lost, as refused-{account_id}.jsonl in the spool is full"),
            Some(Err(error)) => format!("lost, as refused-{account_id}.jsonl cannot be written: {error}"),
            None => "lost, as there is no spool on disk".to_owned(),
        };
        tracing::error!(
            account_id,
            path,
            value = value.number(),
            at = value.at().0,
            "the backend refuses a value for good; it is {kept}: {why}"
        );
    }

    /// Drops the oldest values of whoever has the most until there is room.
    fn make_room(&mut self, length: u64) {
        while self.bytes + length > self.bytes_max {
            let largest = self.queues.iter().max_by_key(|(_, queue)| queue.bytes());
            let Some((&account_id, _)) = largest.filter(|(_, queue)| queue.bytes() > 0) else { return };
            self.drop_first(account_id, "the spool is full");
        }
    }

    fn drop_first(&mut self, account_id: i64, why: &str) {
        let Some(queue) = self.queues.get_mut(&account_id) else { return };
        let count = queue.segments.front().map_or(0, |first| first.waiting_count);
        queue.oldest_at = None;
        self.bytes -= queue.remove_first();
        self.dropped_count += count;
        if count > 0 {
            tracing::error!(account_id, count, "the oldest values in the spool are lost: {why}");
        }
    }
}

/// Says that lines of the spool cannot be read, if there are any.
fn log_damage(account_id: i64, count: u64) {
    if count > 0 {
        tracing::error!(account_id, count, "values in the spool are cut or damaged, and lost");
    }
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.end == Position::default()
    }
}

impl Queue {
    /// Takes over what an earlier process left, and counts the lines that cannot be read.
    fn restore(found: Found) -> io::Result<(Self, u64)> {
        let mut damaged_count = 0;
        let mut queue = Self { last_number: found.head.segment, ..Self::default() };
        for (number, path) in found.segments {
            queue.last_number = queue.last_number.max(number);
            let mut segment = Segment::in_file(number, path.clone());
            segment.length = std::fs::metadata(&path)?.len();
            let spent = match number.cmp(&found.head.segment) {
                std::cmp::Ordering::Less => segment.length,
                std::cmp::Ordering::Equal => found.head.offset.min(segment.length),
                std::cmp::Ordering::Greater => 0,
            };
            if spent == segment.length {
                segment.remove();
                continue;
            }
            for (value, _) in decode(&segment.read_from(spent)?) {
                let count = if value.is_some() { &mut segment.waiting_count } else { &mut damaged_count };
                *count += 1;
            }
            if queue.segments.is_empty() {
                queue.spent_bytes = spent;
            }
            queue.segments.push_back(segment);
        }
        Ok((queue, damaged_count))
    }

    fn waiting_count(&self) -> u64 {
        self.segments.iter().map(|segment| segment.waiting_count).sum()
    }

    fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.length).sum()
    }

    fn append_in_memory(&mut self, lines: &[u8], count: u64, segment_bytes: u64) {
        if !self.has_room(lines, segment_bytes) {
            let number = self.next_number();
            self.segments.push_back(Segment::in_memory(number));
            self.is_open = segment_bytes > 0;
        }
        if let Some(last) = self.segments.back_mut() {
            last.append(lines, count).expect("memory takes what there is room for");
        }
    }

    fn append_in_file(
        &mut self,
        folder: Option<&Folder>,
        account_id: i64,
        (lines, count): (&[u8], u64),
        segment_bytes: u64,
    ) -> io::Result<()> {
        if let Some(folder) = folder
            && !self.has_room(lines, segment_bytes)
        {
            let number = self.next_number();
            let mut segment = Segment::in_file(number, folder.segment_path(account_id, number)?);
            segment.append(lines, count)?;
            self.segments.push_back(segment);
            self.is_open = true;
            return Ok(());
        }
        self.segments.back_mut().map_or(Ok(()), |last| last.append(lines, count))
    }

    /// True if the last segment can take these lines.
    fn has_room(&self, lines: &[u8], segment_bytes: u64) -> bool {
        let length = lines.len() as u64;
        self.is_open && self.segments.back().is_some_and(|last| last.length + length <= segment_bytes)
    }

    fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    fn first(&self, count_max: usize) -> io::Result<Batch> {
        let mut batch = Batch::default();
        let mut offset = self.spent_bytes;
        for segment in &self.segments {
            for (value, length) in decode(&segment.read_from(offset)?) {
                if batch.values.len() == count_max {
                    return Ok(batch);
                }
                offset += length;
                batch.end = Position { segment: segment.number, offset };
                batch.values.extend(value.map(|value| (batch.end, value)));
            }
            offset = 0;
        }
        Ok(batch)
    }

    /// Deletes the first segment and returns its length.
    fn remove_first(&mut self) -> u64 {
        let Some(first) = self.segments.pop_front() else { return 0 };
        self.spent_bytes = 0;
        if self.segments.is_empty() {
            self.is_open = false;
        }
        let length = first.length;
        first.remove();
        length
    }
}

#[cfg(test)]
mod tests;
