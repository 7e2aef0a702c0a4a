//! Which folder does a home directory of the directory mean? Pure text; nothing is looked at.

use std::path::{Path, PathBuf};

use lastgood_core::observation::FailureKind;

use super::obstacle::{TreeError, shown};

/// Returns the path of `home` below `root`, without empty and `.` components. What is relative, holds `..` or a NUL, or
/// names no folder below `/` is refused: nobody means such a home, and it could lead out of the customers' folders.
pub(super) fn collapsed(root: Option<&Path>, home: &str) -> Result<PathBuf, TreeError> {
    let refused = |why: &str| TreeError {
        kind: FailureKind::Malformed,
        reason: format!(
            "the home directory \"{}\" {why}: correct it in the directory",
            shown(home.as_bytes())
        ),
    };
    if !home.starts_with('/') {
        return Err(refused("does not begin with a slash"));
    }
    if home.contains('\0') {
        return Err(refused("holds a NUL"));
    }
    let parts: Vec<&str> = home.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.contains(&"..") {
        return Err(refused("holds \"..\""));
    }
    if parts.is_empty() {
        return Err(refused("names no folder"));
    }
    let mut path = root.unwrap_or(Path::new("/")).to_path_buf();
    path.extend(parts);
    Ok(path)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/var/backup/1/chroot/./home/1", None, "/var/backup/1/chroot/home/1")]
    #[case("//a///b/.//./c/", None, "/a/b/c")]
    #[case("/a/b", Some("/mnt/x"), "/mnt/x/a/b")]
    #[case("/a/b/.", Some("/mnt/x/"), "/mnt/x/a/b")]
    #[case("/..a/b..", None, "/..a/b..")]
    #[case("/a/ b\n", None, "/a/ b\n")]
    fn a_home_is_collapsed_below_its_root(
        #[case] home: &str,
        #[case] root: Option<&str>,
        #[case] expected: &str,
    ) {
        assert_eq!(collapsed(root.map(Path::new), home).unwrap(), Path::new(expected));
    }

    #[rstest]
    #[case("", "does not begin with a slash")]
    #[case("home/1", "does not begin with a slash")]
    #[case("./home", "does not begin with a slash")]
    #[case("/", "names no folder")]
    #[case("/./", "names no folder")]
    #[case("/a/../b", "holds \"..\"")]
    #[case("/a/..", "holds \"..\"")]
    #[case("/..", "holds \"..\"")]
    #[case("/a\0b", "holds a NUL")]
    fn a_home_that_could_lead_elsewhere_is_refused(#[case] home: &str, #[case] why: &str) {
        for root in [None, Some(Path::new("/mnt"))] {
            let error = collapsed(root, home).unwrap_err();
            assert_eq!(error.kind, FailureKind::Malformed);
            assert!(error.reason.contains(why), "{error}");
        }
    }
}
