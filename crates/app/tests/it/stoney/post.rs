//! What do people find in their mailboxes? A real Postfix keeps the mails of everybody at many.example.org.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use lastgood_simulator::smtp::Mail;

use crate::channels::postfix::Postfix;

/// A mail as its reader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Letter {
    /// Whom Postfix delivered it to.
    pub(super) delivered_to: String,
    pub(super) to: String,
    pub(super) from: String,
    pub(super) subject: String,
    pub(super) id: String,
    pub(super) text: String,
    pub(super) has_html: bool,
}

/// Postfix, and everything that it delivered.
pub(super) struct Post(Postfix);

impl Post {
    pub(super) async fn start() -> Self {
        Self(Postfix::start().await)
    }

    /// A channel to it.
    pub(super) fn channel(&self) -> String {
        let (folder, port) = (self.0.folder.path().display(), self.0.starttls_port);
        format!(
            "[[channel]]\nname = 'mail'\nkind = 'mail'\nhost = 'localhost'\nport = {port}\n\
             from = 'Backups <backups@example.org>'\nca_file = '{folder}/ca.pem'\n\
             user = 'lastgood@example.org'\npassword_file = '{folder}/password'\n"
        )
    }

    /// Every mail so far, in the order of their subjects.
    pub(super) fn letters(&self) -> Vec<Letter> {
        let place = self.0.folder.path().join("mail/many/new");
        let files: Vec<PathBuf> = fs::read_dir(place)
            .map(|files| files.map(|file| file.expect("a file").path()).collect())
            .unwrap_or_default();
        let mut letters: Vec<_> = files.iter().map(|path| letter(&fs::read(path).expect("a mail"))).collect();
        letters.sort_by(|one, other| {
            (&one.delivered_to, &one.subject).cmp(&(&other.delivered_to, &other.subject))
        });
        letters
    }

    /// Who got a mail so far.
    pub(super) fn told(&self) -> BTreeSet<String> {
        self.letters().into_iter().map(|letter| letter.delivered_to).collect()
    }
}

fn letter(bytes: &[u8]) -> Letter {
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    let mail = Mail { from: String::new(), to: Vec::new(), raw: text.replace('\n', "\r\n").into_bytes() };
    let header = |name: &str| mail.header(name).unwrap_or_else(|| panic!("{name} is missing: {text}"));
    Letter {
        delivered_to: header("Delivered-To"),
        to: header("To"),
        from: header("From"),
        subject: header("Subject"),
        id: header("Message-ID"),
        text: mail.text().unwrap_or_else(|| panic!("no plain text: {text}")),
        has_html: text.contains("\nContent-Type: text/html"),
    }
}
