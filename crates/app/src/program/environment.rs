//! In which environment does a program run?
//!
//! Whatever could change its answer is taken out: an inherited variable must not decide which repository is looked at
//! or with which password. It does not know which program needs what.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;

/// Variables that begin so are not handed on, unless the source asks for them: they steer the programs we run, hold
/// secrets of other sources, or change language and time zone.
const NOT_HANDED_ON: [&str; 6] = ["RESTIC_", "BORG_", "LASTGOOD_", "BOT_TOKEN", "LC_", "LANG"];

/// A set of environment variables; prints its names only, the values may be secret.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// Takes over the environment this program was started with.
    pub fn of_this_program() -> Self {
        std::env::vars_os().collect()
    }

    /// Returns a variable; `None` if it is not set or empty.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// Returns what a program is given: ours without what steers programs or betrays secrets (`NOT_HANDED_ON`), with
    /// those of `wanted` that are set, even to nothing, in UTC and in no human language.
    pub fn for_program(&self, wanted: &[&str]) -> BTreeMap<OsString, OsString> {
        let is_kept = |name: &OsStr| {
            let name = name.as_encoded_bytes();
            let is_wanted = wanted.iter().any(|wanted| wanted.as_bytes() == name);
            is_wanted || !NOT_HANDED_ON.iter().any(|prefix| name.starts_with(prefix.as_bytes()))
        };
        let ours = self.0.iter().filter(|(name, _)| is_kept(name));
        let mut theirs: BTreeMap<_, _> = ours.map(|(name, value)| (name.clone(), value.clone())).collect();
        theirs.insert("TZ".into(), "UTC".into());
        theirs.insert("LC_ALL".into(), "C.UTF-8".into());
        theirs
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_change_the_answer_is_not_handed_on() {
        let ours: Environment = [
            ("PATH", "/bin"),
            ("TZ", "Asia/Kolkata"),
            ("LANG", "de_CH.UTF-8"),
            ("LC_TIME", "de_CH.UTF-8"),
            ("BORG_REPO", "/other"),
            ("BORG_RSH", ""),
            ("RESTIC_REPOSITORY_FILE", "/other"),
            ("RESTIC_PASSWORD", "geheim"),
            ("LASTGOOD_DATTO_XML_KEY", "geheim"),
            ("BOT_TOKEN", "geheim"),
            ("AWS_ACCESS_KEY_ID", "id"),
        ]
        .into_iter()
        .collect();
        let theirs = ours.for_program(&["RESTIC_PASSWORD", "BORG_RSH", "RESTIC_CACERT"]);
        let theirs: Vec<_> = theirs.iter().map(|(name, value)| (name.to_str(), value.to_str())).collect();
        let expected = [
            ("AWS_ACCESS_KEY_ID", "id"),
            ("BORG_RSH", ""),
            ("LC_ALL", "C.UTF-8"),
            ("PATH", "/bin"),
            ("RESTIC_PASSWORD", "geheim"),
            ("TZ", "UTC"),
        ];
        assert_eq!(theirs, expected.map(|(name, value)| (Some(name), Some(value))));
        assert!(!format!("{ours:?}").contains("geheim"));
    }
}
