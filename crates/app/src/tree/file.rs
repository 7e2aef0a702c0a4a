//! What stands where a client should have written a file, and is it one that may be read at all?
//!
//! It does not know what stands in the file.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};

use jiff::Timestamp;
use rustix::fs::{AtFlags, FileType, Statx, StatxFlags};
use rustix::io::Errno;

use super::obstacle::Obstacle;
use super::{Found, beneath};

/// The largest file of a client that is read, in bytes. They write less than 10 KiB.
pub const FILE_MAX_BYTES: u64 = 1024 * 1024;

/// Reads a file of an open folder.
///
/// 1. Ask what the name stands for, without opening it: even opening a device can do something.
/// 2. Open it without following a link and without waiting, and ask again what is open now: only that is certain.
/// 3. Read one byte more than is allowed, so that a file that grows meanwhile is caught.
pub(super) fn read(folder: BorrowedFd<'_>, name: &str, place: &str) -> Found {
    if !beneath::is_name(name.as_bytes()) {
        return Obstacle::NoName.untrusted(place, None);
    }
    let seen = match described(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(seen) => seen,
        Err(Errno::NOENT) => return Found::Absent,
        Err(error) => return Obstacle::from(error).untrusted(place, None),
    };
    let modified_at = modified_at(&seen);
    if let Err(obstacle) = as_plain_file(&seen) {
        return obstacle.untrusted(place, modified_at);
    }
    let file = match beneath::child_file(folder, name) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Found::Absent,
        Err(error) => return Obstacle::from(error).untrusted(place, modified_at),
    };
    content(File::from(file)).unwrap_or_else(|obstacle| obstacle.untrusted(place, modified_at))
}

fn content(file: File) -> Result<Found, Obstacle> {
    let seen = described(file.as_fd(), "", AtFlags::EMPTY_PATH)?;
    as_plain_file(&seen)?;
    let modified_at = modified_at(&seen).ok_or(Obstacle::NoTime)?;
    Ok(Found::There { bytes: whole(file)?, modified_at })
}

/// Reads everything there is, unless that is more than it may be.
fn whole(file: impl Read) -> Result<Vec<u8>, Obstacle> {
    let mut bytes = Vec::new();
    let read = file.take(FILE_MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| Obstacle::Error(Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
    if bytes.len() as u64 > FILE_MAX_BYTES {
        return Err(Obstacle::TooLarge);
    }
    Ok(bytes)
}

fn described(at: BorrowedFd<'_>, name: &str, flags: AtFlags) -> Result<Statx, Errno> {
    let wanted = StatxFlags::TYPE | StatxFlags::SIZE | StatxFlags::MTIME;
    rustix::fs::statx(at, name, flags | AtFlags::NO_AUTOMOUNT, wanted)
}

fn as_plain_file(seen: &Statx) -> Result<(), Obstacle> {
    match FileType::from_raw_mode(seen.stx_mode.into()) {
        FileType::RegularFile if seen.stx_size > FILE_MAX_BYTES => Err(Obstacle::TooLarge),
        FileType::RegularFile => Ok(()),
        kind => Err(Obstacle::Unexpected { kind, expected: "a plain file" }),
    }
}

/// `None` for a time that no calendar of ours reaches: a customer can set any.
fn modified_at(seen: &Statx) -> Option<Timestamp> {
    Timestamp::new(seen.stx_mtime.tv_sec, seen.stx_mtime.tv_nsec.try_into().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_grows_while_it_is_read_is_caught() {
        assert_eq!(whole(std::io::repeat(b'a')), Err(Obstacle::TooLarge));
        assert_eq!(whole(std::io::repeat(b'a').take(FILE_MAX_BYTES + 1)), Err(Obstacle::TooLarge));
        let largest = whole(std::io::repeat(b'a').take(FILE_MAX_BYTES)).unwrap();
        assert_eq!(largest.len() as u64, FILE_MAX_BYTES);
    }

    #[test]
    fn a_disk_that_fails_is_no_end_of_a_file() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(Errno::IO.into())
            }
        }
        assert_eq!(whole("<a/>".as_bytes().chain(Broken)), Err(Obstacle::Error(Errno::IO)));
    }
}
