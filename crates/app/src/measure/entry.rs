//! What does the kernel say of one name in a folder, as far as its size matters?

use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, FileType, StatxFlags};
use rustix::io::Errno;

/// The unit of `stx_blocks` and `st_blocks`, whatever the file system's own blocks are: statx(2).
const BLOCK_BYTES: u64 = 512;

/// A file, a folder, a link: the thing itself, never what it points to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) kind: FileType,
    /// What is allocated for it, in bytes.
    pub(super) bytes: u64,
    /// How many names it has.
    pub(super) link_count: u32,
    pub(super) inode: u64,
    /// The device it lies on: major and minor number.
    pub(super) device: (u32, u32),
}

impl Entry {
    /// Asks the kernel, for nothing more than is needed: some file systems have to work for what is asked.
    pub(super) fn seen(
        folder: BorrowedFd<'_>,
        name: impl rustix::path::Arg,
        flags: AtFlags,
    ) -> Result<Self, Errno> {
        let wanted = StatxFlags::TYPE | StatxFlags::BLOCKS | StatxFlags::NLINK | StatxFlags::INO;
        let found = rustix::fs::statx(folder, name, flags | AtFlags::NO_AUTOMOUNT, wanted)?;
        if !StatxFlags::from_bits_retain(found.stx_mask).contains(wanted) {
            // A file system that cannot say what is allocated: a sum would be made up.
            return Err(Errno::NOTSUP);
        }
        Ok(Self {
            kind: FileType::from_raw_mode(found.stx_mode.into()),
            bytes: found.stx_blocks.saturating_mul(BLOCK_BYTES),
            link_count: found.stx_nlink,
            inode: found.stx_ino,
            device: (found.stx_dev_major, found.stx_dev_minor),
        })
    }

    /// True for what may turn up again under another name.
    pub(super) fn has_several_names(&self) -> bool {
        self.link_count > 1 && self.kind != FileType::Directory
    }
}
