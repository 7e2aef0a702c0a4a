//! Who holds a lock on a repository of this machine?
//!
//! A lock is evidence, never a failure: a backup runs, or one did not end well. It is looked for by its file only, so
//! that nothing is waited for and nothing written; a repository on another machine is not asked.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use lastgood_core::observation::Evidence;

/// How long the folder of locks may take, which may lie on a mount that hangs.
const WAIT: Duration = Duration::from_secs(5);

/// How many locks are named.
const NAMED_MAX: usize = 3;

/// Returns the folder of a repository that lies on this machine: a path, `file://PATH` or `local:PATH`.
pub(in crate::sources) fn local_folder(location: &str) -> Option<PathBuf> {
    let path =
        location.strip_prefix("file://").or_else(|| location.strip_prefix("local:")).unwrap_or(location);
    let is_local = path.len() < location.len() || path.starts_with('/') || !path.contains(':');
    (is_local && !path.is_empty()).then(|| PathBuf::from(path))
}

/// Returns the locks that lie in `folder`, which exists only or holds something only while there is one.
pub(in crate::sources) async fn held(folder: PathBuf) -> Option<Evidence> {
    let reading = tokio::task::spawn_blocking(move || locks(&folder));
    let locks = tokio::time::timeout(WAIT, reading).await.ok()?.ok()?;
    let note = "a lock lay in the repository: something works in it, or did not end well; nothing waited for it, and it \
                says nothing about the backups";
    (!locks.is_empty()).then(|| Evidence::new("lock", None, &locks, note))
}

fn locks(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut locks: Vec<String> = entries
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let written_at = entry.metadata().and_then(|about| about.modified()).ok();
            match written_at.and_then(|at| Timestamp::try_from(at).ok()) {
                Some(at) => format!("{name}, written at {at:.0}"),
                None => name,
            }
        })
        .collect();
    locks.sort();
    let more = locks.len().saturating_sub(NAMED_MAX);
    locks.truncate(NAMED_MAX);
    if more > 0 {
        locks.push(format!("and {more} more"));
    }
    locks.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_repository_of_this_machine_has_a_folder() {
        for (location, folder) in [
            ("/srv/web1", Some("/srv/web1")),
            ("/srv/a:b", Some("/srv/a:b")),
            ("web1", Some("web1")),
            ("file:///srv/web1", Some("/srv/web1")),
            ("local:web1", Some("web1")),
            ("ssh://backup@nas/./web1", None),
            ("nas:web1", None),
            ("sftp:u@h:/web1", None),
            ("rest:https://h/web1", None),
            ("", None),
        ] {
            assert_eq!(local_folder(location).as_deref(), folder.map(Path::new), "{location}");
        }
    }

    #[test]
    fn locks_are_named_and_an_empty_folder_holds_none() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(locks(folder.path()), "");
        assert_eq!(locks(&folder.path().join("lock.exclusive")), "");
        for name in ["a", "b", "c", "d"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let named = locks(folder.path());
        assert!(named.starts_with("a, written at 2") && named.ends_with("; and 1 more"), "{named}");
    }
}
