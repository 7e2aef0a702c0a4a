//! What was told in a story? A channel that keeps what it is given, or is down.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use lastgood::channels::{Channel, ChannelError, FailureKind, Message, Receipt};

/// Everything that arrived. It outlives restarts; clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Mailbox(Arc<Mutex<Arrived>>);

#[derive(Debug, Default)]
struct Arrived {
    /// With which post it came. A clock that is set back puts nothing before what came earlier.
    messages: Vec<(usize, Message)>,
    post_count: usize,
    /// The channels that are down.
    down: BTreeSet<&'static str>,
    /// The addresses that are refused for good.
    refused: BTreeSet<&'static str>,
    tried_count: usize,
}

impl Mailbox {
    /// What comes from now on comes after all that came before.
    pub(super) fn next_post(&self) {
        self.state().post_count += 1;
    }

    /// Address and subject of everything: post by post, and within one by when it was written and to whom.
    pub(super) fn told(&self) -> Vec<String> {
        let arrived = self.arrived();
        arrived.iter().map(|message| format!("{} {}", message.address, message.subject)).collect()
    }

    pub(super) fn newest_text(&self) -> Option<String> {
        self.arrived().pop().map(|message| message.text)
    }

    pub(super) fn newest_sender(&self) -> Option<String> {
        self.arrived().pop().and_then(|message| message.from)
    }

    fn arrived(&self) -> Vec<Message> {
        let mut arrived = self.state().messages.clone();
        arrived.sort_by_key(|(post, message)| (*post, message.written_at, message.address.clone()));
        arrived.into_iter().map(|(_, message)| message).collect()
    }

    /// No two messages have the same key.
    pub(super) fn is_each_once(&self) -> bool {
        let state = self.state();
        let keys: BTreeSet<_> = state.messages.iter().map(|(_, message)| &message.key).collect();
        keys.len() == state.messages.len()
    }

    /// How many attempts there were, good and bad.
    pub(super) fn tried_count(&self) -> usize {
        self.state().tried_count
    }

    pub(super) fn take_down(&self, channel: &'static str) {
        self.state().down.insert(channel);
    }

    pub(super) fn refuse(&self, address: &'static str) {
        self.state().refused.insert(address);
    }

    pub(super) fn accept(&self, address: &str) {
        self.state().refused.remove(address);
    }

    pub(super) fn bring_up(&self, channel: &'static str) {
        self.state().down.remove(channel);
    }

    fn state(&self) -> MutexGuard<'_, Arrived> {
        self.0.lock().expect("nobody panics with it")
    }
}

/// A channel to the mailbox.
#[derive(Debug)]
pub(super) struct Recorder {
    name: &'static str,
    mailbox: Mailbox,
}

impl Recorder {
    pub(super) fn new(name: &'static str, mailbox: &Mailbox) -> Self {
        Self { name, mailbox: mailbox.clone() }
    }

    fn take(&self, message: &Message) -> Result<Receipt, ChannelError> {
        let mut state = self.mailbox.state();
        state.tried_count += 1;
        if state.down.contains(self.name) {
            let reason = "nobody answers; start the mail server".to_owned();
            return Err(ChannelError { kind: FailureKind::Unreachable, reason, retry_after: None });
        }
        if state.refused.contains(message.address.to.as_str()) {
            let reason = "there is nobody of that name".to_owned();
            return Err(ChannelError { kind: FailureKind::Refused, reason, retry_after: None });
        }
        let post = state.post_count;
        state.messages.push((post, message.clone()));
        Ok(Receipt { answer: "250 taken".to_owned() })
    }
}

impl Channel for Recorder {
    fn send<'a>(
        &'a self,
        message: &'a Message,
        _at: Timestamp,
    ) -> BoxFuture<'a, Result<Receipt, ChannelError>> {
        async { self.take(message) }.boxed()
    }
}
