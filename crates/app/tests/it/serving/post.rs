//! What does a real mail server, Postfix, put into the mailbox of everybody?

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::task::JoinHandle;

use super::PAUSE;
use crate::channels::postfix::Postfix;

/// A mail as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) to: String,
    pub(super) subject: String,
    pub(super) id: String,
}

/// Postfix, and everything that it delivered.
pub(super) struct Post {
    postfix: Postfix,
    letters: Arc<Mutex<Letters>>,
    reading: JoinHandle<()>,
}

#[derive(Default)]
struct Letters {
    all: Vec<Letter>,
    /// The Message-IDs of what somebody was told with this word.
    told: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Post {
    pub(super) async fn start() -> Self {
        let postfix = Postfix::start().await;
        let letters: Arc<Mutex<Letters>> = Arc::default();
        let (place, into) = (postfix.folder.path().join("mail/many/new"), Arc::clone(&letters));
        let reading = tokio::spawn(async move {
            loop {
                take_all(&place, &into);
                tokio::time::sleep(PAUSE).await;
            }
        });
        Self { postfix, letters, reading }
    }

    /// A channel to it.
    pub(super) fn channel(&self) -> String {
        let (folder, port) = (self.postfix.folder.path().display(), self.postfix.starttls_port);
        format!(
            "[[channel]]\nname = 'mail'\nkind = 'mail'\nhost = 'localhost'\nport = {port}\n\
             from = 'Backups <backups@example.org>'\nca_file = '{folder}/ca.pem'\n\
             user = 'lastgood@example.org'\npassword_file = '{folder}/password'\n"
        )
    }

    /// Every mail, repeats and all.
    pub(super) fn all(&self) -> Vec<Letter> {
        lock(&self.letters).all.clone()
    }

    /// How many mails came, repeats and all.
    pub(super) fn total(&self) -> usize {
        lock(&self.letters).all.len()
    }

    /// How many different mails somebody got whose subject begins with this word.
    pub(super) fn count(&self, to: &str, word: &str) -> usize {
        let letters = lock(&self.letters);
        letters.told.get(&(to.to_owned(), word.to_owned())).map_or(0, BTreeSet::len)
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

fn lock(letters: &Mutex<Letters>) -> MutexGuard<'_, Letters> {
    letters.lock().expect("nobody panics with it")
}

/// Reads every mail that is there whole, and takes it away.
fn take_all(place: &Path, into: &Mutex<Letters>) {
    let Ok(files) = fs::read_dir(place) else { return };
    for file in files {
        let path = file.expect("a file").path();
        let letter = letter(&fs::read_to_string(&path).expect("a mail is text"));
        fs::remove_file(&path).expect("ours to remove");
        let word = letter.subject.split(' ').next().unwrap_or_default().to_owned();
        let mut letters = lock(into);
        letters.told.entry((letter.to.clone(), word)).or_default().insert(letter.id.clone());
        letters.all.push(letter);
    }
}

fn letter(mail: &str) -> Letter {
    let header = |name: &str| {
        let line = mail.lines().take_while(|line| !line.is_empty()).find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name} is missing: {mail}")).trim().to_owned()
    };
    Letter { to: header("To:"), subject: header("Subject:"), id: header("Message-ID:") }
}
