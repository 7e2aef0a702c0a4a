//! How is something opened that lies beneath an open folder, and nowhere else?
//!
//! Folders are opened by `openat2`, which refuses links and `..` by itself. Where the kernel has no such call (before
//! 5.6, or behind a filter of system calls), and where it says no, the way is gone by hand, a component at a time: that
//! is just as safe, and says which component is in the way. It does not know what the folders are for.

use std::ffi::CStr;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, StatxFlags};
use rustix::io::Errno;

use super::obstacle::{Obstacle, Step};

/// A folder that is only gone through: that needs no permission to list it, and touches nothing.
const THROUGH: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// What is read: without waiting for the other end of a pipe, and without making a terminal ours.
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// Opens a folder by its path. Links above it are followed, it may be none itself.
pub(super) fn top_folder(path: &Path) -> Result<OwnedFd, Step> {
    let opened = rustix::fs::openat(CWD, path, THROUGH, Mode::empty());
    opened.map_err(|error| Step { index: 0, obstacle: why_no_folder(error, || kind_of(CWD, path)) })
}

/// Opens the folder that the components lead to, one below the other.
pub(super) fn folder(from: BorrowedFd<'_>, components: &[&[u8]]) -> Result<OwnedFd, Step> {
    if let Some(index) = components.iter().position(|name| !is_name(name)) {
        return Err(Step { index, obstacle: Obstacle::NoName });
    }
    let flags = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    rustix::fs::openat2(from, components.join(&b'/'), THROUGH, Mode::empty(), flags)
        .or_else(|_| folder_by_hand(from, components))
}

/// Opens a folder a component at a time: what the kernel would refuse in one is refused in its turn.
fn folder_by_hand(from: BorrowedFd<'_>, components: &[&[u8]]) -> Result<OwnedFd, Step> {
    let mut at = None;
    for (index, &name) in components.iter().enumerate() {
        let parent = at.as_ref().map_or(from, std::os::fd::AsFd::as_fd);
        let opened = rustix::fs::openat(parent, name, THROUGH, Mode::empty());
        let opened =
            opened.map_err(|error| Step { index, obstacle: why_no_folder(error, || kind_of(parent, name)) });
        at = Some(opened?);
    }
    at.ok_or(Step { index: 0, obstacle: Obstacle::NoName })
}

/// Whether bytes name exactly one thing in a folder.
pub(super) fn is_name(bytes: &[u8]) -> bool {
    !matches!(bytes, b"" | b"." | b"..") && !bytes.contains(&b'/') && !bytes.contains(&0)
}

fn why_no_folder(error: Errno, kind: impl FnOnce() -> Option<FileType>) -> Obstacle {
    match (error, kind()) {
        (Errno::NOTDIR | Errno::LOOP, Some(kind)) if kind != FileType::Directory => {
            Obstacle::Unexpected { kind, expected: "a folder" }
        }
        (error, _) => error.into(),
    }
}

/// Asks what a name stands for; a link is a link. `None` where that cannot be said.
pub(super) fn kind_of(folder: BorrowedFd<'_>, name: impl rustix::path::Arg) -> Option<FileType> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    let found = rustix::fs::statx(folder, name, flags, StatxFlags::TYPE).ok()?;
    Some(FileType::from_raw_mode(found.stx_mode.into()))
}

/// Opens a folder that is already open once more, for its list.
pub fn readable(folder: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    child_folder(folder, c".")
}

/// Opens a folder for its list, by its one name in an open one. A link is refused.
pub fn child_folder(folder: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    opened(folder, name, READ | OFlags::DIRECTORY)
}

/// Opens a file for reading, by its one name in an open folder. A link is refused, a pipe is opened at once.
pub(super) fn child_file(folder: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Errno> {
    opened(folder, name, READ)
}

/// Opens without touching the access time; where that is not ours to leave alone, as anybody else does.
fn opened(
    folder: BorrowedFd<'_>,
    name: impl rustix::path::Arg + Copy,
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    match rustix::fs::openat(folder, name, flags | OFlags::NOATIME, Mode::empty()) {
        Err(Errno::PERM) => rustix::fs::openat(folder, name, flags, Mode::empty()),
        opened => opened,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::fd::AsFd;
    use std::os::unix::fs::symlink;

    use rstest::rstest;

    use super::*;

    const PLAIN: Obstacle = Obstacle::Unexpected { kind: FileType::RegularFile, expected: "a folder" };
    const LINK: Obstacle = Obstacle::Unexpected { kind: FileType::Symlink, expected: "a folder" };

    #[rstest]
    #[case::there(&["a"], Ok(()))]
    #[case::below_it(&["a", "b"], Ok(()))]
    #[case::missing(&["a", "c"], Err((1, Obstacle::Missing)))]
    #[case::above_missing(&["c", "b"], Err((0, Obstacle::Missing)))]
    #[case::a_file(&["a", "plain"], Err((1, PLAIN)))]
    #[case::below_a_file(&["a", "plain", "b"], Err((1, PLAIN)))]
    #[case::a_link(&["link"], Err((0, LINK)))]
    #[case::below_a_link(&["link", "b"], Err((0, LINK)))]
    #[case::a_link_below(&["a", "up", "a"], Err((1, LINK)))]
    #[case::up(&["a", ".."], Err((1, Obstacle::NoName)))]
    #[case::itself(&["."], Err((0, Obstacle::NoName)))]
    #[case::two_at_once(&["a/b"], Err((0, Obstacle::NoName)))]
    #[case::nothing(&[""], Err((0, Obstacle::NoName)))]
    #[case::with_a_nul(&["a\0"], Err((0, Obstacle::NoName)))]
    #[case::from_the_top(&["/"], Err((0, Obstacle::NoName)))]
    fn the_kernel_and_we_by_hand_open_the_same_folders(
        #[case] components: &[&str],
        #[case] expected: Result<(), (usize, Obstacle)>,
    ) {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir_all(top.path().join("a/b")).unwrap();
        fs::write(top.path().join("a/plain"), "").unwrap();
        symlink("a", top.path().join("link")).unwrap();
        symlink("..", top.path().join("a/up")).unwrap();
        let from = top_folder(top.path()).unwrap();
        let components: Vec<&[u8]> = components.iter().map(|name| name.as_bytes()).collect();
        let outcome = |opened: Result<OwnedFd, Step>| match opened {
            Ok(_) => Ok(()),
            Err(step) => Err((step.index, step.obstacle)),
        };
        assert_eq!(outcome(folder(from.as_fd(), &components)), expected);
        if !matches!(expected, Err((_, Obstacle::NoName))) {
            assert_eq!(outcome(folder_by_hand(from.as_fd(), &components)), expected);
        }
    }
}
