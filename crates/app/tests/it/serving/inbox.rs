//! Which mail server keeps what it is sent?

use std::sync::{Arc, Mutex};

use lastgood_simulator::smtp::{Fault, Mail, MailServer};

use super::{PATIENCE, PAUSE};

/// A mail server in this process, and every mail it took.
pub(super) struct Inbox {
    server: MailServer,
    mails: Arc<Mutex<Vec<Mail>>>,
}

impl Inbox {
    pub(super) async fn start() -> Self {
        let mails: Arc<Mutex<Vec<Mail>>> = Arc::default();
        let taken = Arc::clone(&mails);
        let take = move |mail| taken.lock().expect("nobody panics with it").push(mail);
        Self { server: MailServer::start(take).await.expect("a free port"), mails }
    }

    pub(super) fn port(&self) -> u16 {
        self.server.port()
    }

    pub(super) fn fail(&self, fault: Option<Fault>) {
        self.server.replace_fault(fault);
    }

    /// The subjects of all mails, in the order in which they came.
    pub(super) fn subjects(&self) -> Vec<String> {
        self.headers("Subject")
    }

    /// The Message-IDs of all mails, in the order in which they came.
    pub(super) fn ids(&self) -> Vec<String> {
        self.headers("Message-ID")
    }

    fn headers(&self, name: &str) -> Vec<String> {
        let mails = self.mails.lock().expect("nobody panics with it");
        mails.iter().map(|mail| mail.header(name).expect("every mail has it")).collect()
    }

    /// Waits until a mail came whose subject starts like this.
    pub(super) async fn wait_for(&self, beginning: &str) {
        let waiting = async {
            while !self.subjects().iter().any(|subject| subject.starts_with(beginning)) {
                tokio::time::sleep(PAUSE).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "no mail {beginning:?} came, only {:?}", self.subjects());
    }
}
