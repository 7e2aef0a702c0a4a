//! Is what is measured what `du` says, of trees nobody would think of?

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use proptest::prelude::*;
use rustix::fs::{CWD, FileType, Mode};

use super::Account;
use super::sizes::{du, measured};

/// One thing planted: in which of the folders there are by then, called what.
#[derive(Clone, Debug)]
struct Planted {
    folder: prop::sample::Index,
    name: Vec<u8>,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Folder,
    File {
        size_bytes: usize,
    },
    Sparse {
        hole_bytes: u64,
        size_bytes: usize,
    },
    /// Another name for a file that is there.
    Linked {
        file: prop::sample::Index,
    },
    /// A link to any place: a folder above it, a file, itself, nothing.
    Link {
        target: Vec<u8>,
    },
    Pipe,
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let odd = prop::sample::select(vec![
        &b"-rf"[..],
        b"--",
        b" ",
        b"\n",
        b"a\nb",
        b"\xff\xfe",
        b"..a",
        b"...",
        b"*",
        b"$(x)",
        b"\x1b[2J",
    ]);
    let any = prop::collection::vec(any::<u8>(), 1..40);
    prop_oneof![2 => "[a-c]{1,3}".prop_map(String::into_bytes), 2 => odd.prop_map(<[u8]>::to_vec), 1 => any]
        .prop_filter("no name", |name| {
            !matches!(&name[..], b"." | b"..") && !name.contains(&b'/') && !name.contains(&0)
        })
}

fn what() -> impl Strategy<Value = What> {
    let target = prop_oneof![
        name(),
        prop::sample::select(vec![&b"."[..], b"..", b"/", b"../..", b"/etc", b"../incoming"])
            .prop_map(<[u8]>::to_vec),
        prop::collection::vec(1_u8..=255, 1..3000)
    ];
    prop_oneof![
        4 => Just(What::Folder),
        3 => (0..50_000_usize).prop_map(|size_bytes| What::File { size_bytes }),
        1 => (0..1_u64 << 40, 0..5000_usize)
            .prop_map(|(hole_bytes, size_bytes)| What::Sparse { hole_bytes, size_bytes }),
        4 => any::<prop::sample::Index>().prop_map(|file| What::Linked { file }),
        2 => target.prop_map(|target| What::Link { target }),
        1 => Just(What::Pipe),
    ]
}

fn planted() -> impl Strategy<Value = Planted> {
    (any::<prop::sample::Index>(), name(), what()).prop_map(|(folder, name, what)| Planted {
        folder,
        name,
        what,
    })
}

/// Plants everything that the file system takes: a name that is there already is left as it is.
fn plant(account: &Account, everything: Vec<Planted>, has_snapshots: bool) {
    let mut folders = vec![account.path("incoming")];
    if has_snapshots {
        folders.push(account.path(".snapshots"));
        fs::create_dir(&folders[1]).expect("snapshots");
    }
    let mut files: Vec<PathBuf> = Vec::new();
    for Planted { folder, name, what } in everything {
        let path = folder.get(&folders).join(OsString::from_vec(name));
        if path.symlink_metadata().is_ok() {
            continue;
        }
        match what {
            What::Folder if fs::create_dir(&path).is_ok() => folders.push(path),
            What::File { size_bytes } if fs::write(&path, vec![7; size_bytes]).is_ok() => files.push(path),
            What::Sparse { hole_bytes, size_bytes } => {
                let Ok(file) = File::create_new(&path) else { continue };
                let written =
                    std::os::unix::fs::FileExt::write_all_at(&file, &vec![7; size_bytes], hole_bytes);
                written.expect("behind the hole");
                files.push(path);
            }
            What::Linked { file } if !files.is_empty() => {
                if fs::hard_link(file.get(&files), &path).is_ok() {
                    files.push(path);
                }
            }
            // What the file system does not take is not planted.
            What::Link { target } => drop(symlink(OsString::from_vec(target), &path)),
            What::Pipe => {
                let made = rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0);
                if made.is_ok() {
                    files.push(path);
                }
            }
            What::Folder | What::File { .. } | What::Linked { .. } => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_hostile_tree_takes_what_du_says(
        everything in prop::collection::vec(planted(), 0..120),
        has_snapshots in any::<bool>(),
    ) {
        let account = Account::new();
        plant(&account, everything, has_snapshots);
        let measured = measured(&account);
        prop_assert_eq!((measured.incoming_bytes, measured.snapshots_bytes), du(&account.path("")));
    }
}
