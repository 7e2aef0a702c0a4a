//! Where does borg keep what it remembers of the repositories we look at?
//!
//! In a folder of our own for each source. In the operator's folder our looks would wait for the lock of a running
//! backup, and the operator's next backup might be refused because of what we left there.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use lastgood_core::id::SourceId;
use lastgood_core::observation::FailureKind;

use crate::program::Environment;
use crate::sources::program::Problem;

/// The folder of one source.
#[derive(Debug)]
pub(super) struct Base {
    /// `lastgood/borg/<source>-<hash of its location>` below the operator's folder of states.
    pub(super) folder: PathBuf,
}

impl Base {
    /// Names the folder; `None` where the environment says nothing about where states are kept.
    ///
    /// It depends on the location too: an unnamed source is another repository at every call, and two copies of one
    /// repository refuse each other in one folder.
    pub(super) fn of(id: &SourceId, location: &str, environment: &Environment) -> Option<Self> {
        let states = match environment.get("XDG_STATE_HOME") {
            Some(folder) => PathBuf::from(folder),
            None => Path::new(environment.get("HOME")?).join(".local/state"),
        };
        let name = format!("{id}-{:016x}", hash(location.as_bytes()));
        Some(Self { folder: states.join("lastgood/borg").join(name) })
    }
}

/// FNV-1a, 64 bits: the same on every machine and in every version; nothing depends on its being hard to guess.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Makes the folder, for this user only.
pub(super) fn ready(base: Option<&Base>) -> Result<(), Problem> {
    let Some(Base { folder }) = base else {
        let reason = "there is no folder for what borg remembers; set HOME or XDG_STATE_HOME";
        return Err(Problem::new(FailureKind::Refused, reason));
    };
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| {
        let reason = format!(
            "the folder {} for what borg remembers could not be made ({error}); set XDG_STATE_HOME to a folder this \
             user may write to",
            folder.display()
        );
        Problem::new(FailureKind::Refused, reason)
    })
}

/// Finds the operator's folder of key files, since borg would look for them in ours. `None` where there is none.
pub(super) fn keys_folder(environment: &Environment) -> Option<PathBuf> {
    let below =
        |variable: &str, path: &str| environment.get(variable).map(|folder| Path::new(folder).join(path));
    let folder = below("BORG_KEYS_DIR", "")
        .or_else(|| below("BORG_CONFIG_DIR", "keys"))
        .or_else(|| below("BORG_BASE_DIR", ".config/borg/keys"))
        .or_else(|| below("XDG_CONFIG_HOME", "borg/keys"))
        .or_else(|| below("HOME", ".config/borg/keys"));
    folder.filter(|folder| folder.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_and_location_has_a_folder_of_its_own() {
        let environment: Environment = [("HOME", "/home/ada")].into_iter().collect();
        let folder = |id: &str, location: &str, environment: &Environment| {
            let id = SourceId::new(id).unwrap();
            Base::of(&id, location, environment).map(|base| base.folder.display().to_string())
        };
        let web1 = folder("borg", "/srv/web1", &environment).unwrap();
        assert_eq!(web1, "/home/ada/.local/state/lastgood/borg/borg-570d8b6189e1fc81");
        assert_ne!(folder("borg", "/srv/web2", &environment).unwrap(), web1);
        assert_ne!(folder("borg-2", "/srv/web1", &environment).unwrap(), web1);
        let states: Environment =
            [("HOME", "/home/ada"), ("XDG_STATE_HOME", "/var/lib/x")].into_iter().collect();
        assert!(folder("borg", "/srv/web1", &states).unwrap().starts_with("/var/lib/x/lastgood/borg/borg-"));
        assert_eq!(folder("borg", "/srv/web1", &Environment::default()), None);
    }

    #[test]
    fn the_folder_is_for_this_user_only_and_a_missing_one_is_said() {
        use std::os::unix::fs::PermissionsExt;
        let states = tempfile::tempdir().unwrap();
        let base = Base { folder: states.path().join("a/b") };
        assert_eq!(ready(Some(&base)), Ok(()));
        assert_eq!(base.folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        let blocked = states.path().join("file");
        std::fs::write(&blocked, "").unwrap();
        for base in [None, Some(Base { folder: blocked.join("x") })] {
            let problem = ready(base.as_ref()).unwrap_err();
            assert!(
                problem.reason.plain().contains("set ") && problem.reason.plain().contains("XDG_STATE_HOME"),
                "{problem:?}"
            );
        }
    }

    #[test]
    fn key_files_are_looked_for_where_borg_of_the_operator_keeps_them() {
        let home = tempfile::tempdir().unwrap();
        let environment: Environment = [("HOME", home.path())].into_iter().collect();
        assert_eq!(keys_folder(&environment), None);
        let keys = home.path().join(".config/borg/keys");
        std::fs::create_dir_all(&keys).unwrap();
        assert_eq!(keys_folder(&environment), Some(keys));
    }
}
