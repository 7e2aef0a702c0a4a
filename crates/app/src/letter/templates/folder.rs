//! Which texts stand in the folder of an operator?
//!
//! `<folder>/<language>/<file>` for everybody and `<folder>/<reseller>/<language>/<file>` for one reseller. It reads them
//! once, whole, and follows no link that leads out of the folder; what stands in them it does not know.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{File, Mistake, language};

/// The largest template, in bytes.
const FILE_MAX_BYTES: u64 = 256 * 1024;

/// How many templates a folder may hold, and how many entries are looked at: one reseller has at most four a language.
const FILES_MAX: usize = 8000;

/// The longest name of a reseller, in bytes.
const BRAND_MAX_BYTES: usize = 255;

/// What is said of anything else.
const NO_TEMPLATE: &str = "is no template; there are <language>/<file> and <reseller>/<language>/<file>, with a language such as \
                           de-CH, and words.txt, subject.txt, mail.txt and mail.html; move it elsewhere";

/// A template as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Whose it is, in lower case; `None` is everybody's.
    pub(super) brand: Option<String>,
    /// The language as a tag in lower case.
    pub(super) language: String,
    /// The language as it was written.
    pub(super) spelling: String,
    /// Which of the files of a language.
    pub(super) file: File,
    /// Where it stands, for messages.
    pub(super) path: String,
    /// What stands in it.
    pub(super) text: String,
}

/// Reads all of them; what is wrong is noted and left out.
pub(super) fn read(folder: &Path, mistakes: &mut Vec<Mistake>) -> Vec<Found> {
    let mut reading = Reading { root: PathBuf::new(), looked_at: 0, found: Vec::new(), mistakes };
    match fs::canonicalize(folder) {
        Ok(root) => reading.root = root,
        Err(error) => {
            reading.wrong(folder, format!("the folder of templates cannot be read: {error}"));
            return Vec::new();
        }
    }
    // A folder that holds files is a language, one that holds folders is a reseller with languages.
    for outer in reading.entries(folder) {
        for inner in reading.within(&outer) {
            match reading.is_folder(&inner) {
                Some(true) => {
                    for file in reading.entries(&inner) {
                        reading.checked_file(&file, &outer, &inner);
                    }
                }
                Some(false) => reading.file(&inner, None, &outer),
                None => {}
            }
        }
    }
    reading.found
}

struct Reading<'a> {
    root: PathBuf,
    looked_at: usize,
    found: Vec<Found>,
    mistakes: &'a mut Vec<Mistake>,
}

impl Reading<'_> {
    fn wrong(&mut self, path: &Path, text: impl Into<String>) {
        self.mistakes.push(Mistake { path: path.display().to_string(), line: None, text: text.into() });
    }

    /// What stands in a folder, in order, but what begins with a point.
    fn entries(&mut self, folder: &Path) -> Vec<PathBuf> {
        let listed: io::Result<Vec<PathBuf>> = fs::read_dir(folder)
            .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect());
        match listed {
            Ok(mut paths) => {
                paths.retain(|path| !name(path).starts_with('.'));
                paths.sort();
                paths
            }
            Err(error) => {
                self.wrong(folder, format!("cannot be read: {error}"));
                Vec::new()
            }
        }
    }

    /// What stands in a folder; a file is a mistake here.
    fn within(&mut self, path: &Path) -> Vec<PathBuf> {
        match self.is_folder(path) {
            Some(true) => self.entries(path),
            Some(false) => {
                self.wrong(path, NO_TEMPLATE);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// Whether it is a folder, else a file; `None` if it is not to be read, which is noted. Counts what is looked at.
    fn is_folder(&mut self, path: &Path) -> Option<bool> {
        self.looked_at += 1;
        if self.looked_at > FILES_MAX {
            if self.looked_at == FILES_MAX + 1 {
                let text = format!(
                    "more than {FILES_MAX} files stand in the folder of templates; keep only templates there"
                );
                self.wrong(path, text);
            }
            return None;
        }
        match fs::canonicalize(path) {
            Ok(real) if real.starts_with(&self.root) => Some(real.is_dir()),
            Ok(_) => {
                self.wrong(
                    path,
                    "is a link that leads out of the folder of templates; copy what it leads to",
                );
                None
            }
            Err(error) => {
                self.wrong(path, format!("cannot be read: {error}"));
                None
            }
        }
    }

    /// A file of a reseller.
    fn checked_file(&mut self, path: &Path, brand: &Path, language: &Path) {
        match self.is_folder(path) {
            Some(true) => self.wrong(path, NO_TEMPLATE),
            Some(false) => self.file(path, Some(brand), language),
            None => {}
        }
    }

    fn file(&mut self, path: &Path, brand: Option<&Path>, language: &Path) {
        let spelling = name(language);
        let (Some(tag), Some(file)) = (language::tag(&spelling), File::of(&name(path))) else {
            return self.wrong(path, NO_TEMPLATE);
        };
        let brand = brand.map(name);
        if brand.as_ref().is_some_and(|brand| brand.len() > BRAND_MAX_BYTES) {
            return self.wrong(path, "stands below a reseller with a name that is too long");
        }
        match text(path) {
            Ok(text) => self.found.push(Found {
                brand: brand.map(|brand| brand.to_lowercase()),
                language: tag,
                spelling,
                file,
                path: path.display().to_string(),
                text,
            }),
            Err(why) => self.wrong(path, why),
        }
    }
}

/// The last part of a path; what is not UTF-8 in it matches nothing.
fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn text(path: &Path) -> Result<String, String> {
    let unread = |error: io::Error| format!("cannot be read: {error}");
    let about = fs::metadata(path).map_err(unread)?;
    if !about.is_file() {
        return Err("is no file".to_owned());
    }
    if about.len() > FILE_MAX_BYTES {
        return Err(format!("has {} bytes, more than {FILE_MAX_BYTES}; shorten it", about.len()));
    }
    fs::read_to_string(path).map_err(unread)
}
