//! What is asked and changed over one connection?
//!
//! A search returns everything below its base that the server lets us see, or an error: never a part. It does not
//! connect again: whoever holds a session that broke lets it go.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lastgood_core::observation::FailureKind;
use ldap3::asn1::{PL, parse_tag};
use ldap3::controls::{Control, PagedResults};
use ldap3::{LdapResult, Mod, Scope};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::error::Asked;
use super::{Entry, Ldap, LdapError, shown};
use crate::secret::Secret;

/// More entries than this are no answer to a question of ours.
const ENTRIES_MAX: usize = 2_000_000;

/// The largest entry, in bytes: names, numbers and addresses stay far below.
const ENTRY_MAX_BYTES: usize = 1024 * 1024;

/// All entries of one search together, in bytes.
const SEARCH_MAX_BYTES: usize = 1024 * 1024 * 1024;

/// So many pages without an entry in a row mean that a server never ends.
const EMPTY_PAGES_MAX: u32 = 1000;

/// How long a server may take to hear that we leave.
const UNBIND_TIMEOUT: Duration = Duration::from_secs(1);

/// The control that carries the place where the next page begins (RFC 2696).
const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";

/// A change of one attribute of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Adds values, at least one; none of them may be there.
    Add {
        /// The attribute.
        attribute: String,
        /// Which.
        values: Vec<String>,
    },
    /// Removes values that must be there; without any, the attribute as a whole.
    Remove {
        /// The attribute.
        attribute: String,
        /// Which.
        values: Vec<String>,
    },
    /// Puts values into the place of whatever is there; without any, the attribute is gone.
    Replace {
        /// The attribute.
        attribute: String,
        /// With which.
        values: Vec<String>,
    },
}

impl From<Change> for Mod<String> {
    fn from(change: Change) -> Self {
        let set = |values: Vec<String>| values.into_iter().collect::<HashSet<_>>();
        match change {
            Change::Add { attribute, values } => Self::Add(attribute, set(values)),
            Change::Remove { attribute, values } => Self::Delete(attribute, set(values)),
            Change::Replace { attribute, values } => Self::Replace(attribute, set(values)),
        }
    }
}

/// A connection that is open and bound.
pub struct Session {
    handle: ldap3::Ldap,
    carrier: AbortOnDropHandle<()>,
    server: String,
    password: Option<Secret>,
    deadline: Duration,
    page_size: i32,
    operation_count: AtomicU64,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Session {
    /// Begins a session with `(server, how many binds it took)`.
    pub(super) fn new(
        handle: ldap3::Ldap,
        carrier: AbortOnDropHandle<()>,
        ldap: &Ldap,
        (server, bind_count): (&str, u64),
    ) -> Self {
        Self {
            handle,
            carrier,
            server: server.to_owned(),
            password: ldap.password.clone(),
            deadline: ldap.config.deadline,
            page_size: ldap.config.page_size,
            operation_count: AtomicU64::new(bind_count),
        }
    }

    /// Returns the server this is a connection to, as it was configured.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Returns how many operations were asked for: one per bind, page and modification.
    pub fn operation_count(&self) -> u64 {
        self.operation_count.load(Ordering::Relaxed)
    }

    /// Finds all entries at and below a base that a filter takes, page by page, with these attributes only.
    ///
    /// An error where anything is missing: a limit of the server, a part of the tree that stands on another server, a
    /// connection that broke. A base that is not there is [`LdapError::is_no_such_object`].
    pub async fn search(
        &self,
        base: &str,
        filter: &str,
        attributes: &[&str],
    ) -> Result<Vec<Entry>, LdapError> {
        let found = self.search_each(base, filter, attributes).await?;
        let Some((dn, why)) = found.refused.first() else { return Ok(found.entries) };
        let operation = format!("searching below `{}`", shown(base, None));
        let why = format!("the entry `{}` is not taken: {why}", shown(dn, None));
        Err(self.asked(&operation).error(FailureKind::Malformed, &why))
    }

    /// The same, but an entry that is too large is refused on its own: whoever may write one entry must not keep the others
    /// from being read.
    pub async fn search_each(
        &self,
        base: &str,
        filter: &str,
        attributes: &[&str],
    ) -> Result<Found, LdapError> {
        let operation = format!("searching below `{}`", shown(base, None));
        let asked = self.asked(&operation);
        let (mut found, mut empty_count) = (Found::default(), 0);
        let mut cookie = Vec::new();
        loop {
            let before = found.entries.len();
            let question = Question { base, filter, attributes, cookie };
            let page = timeout(self.deadline, self.page(question, &mut found, asked)).await;
            cookie = page.map_err(|_| asked.timed_out(self.deadline))??;
            if cookie.is_empty() {
                return Ok(found);
            }
            empty_count = if found.entries.len() == before { empty_count + 1 } else { 0 };
            if empty_count > EMPTY_PAGES_MAX {
                let why = "the server sends pages without entries and does not end; ask its operator";
                return Err(asked.error(FailureKind::Malformed, why));
            }
        }
    }

    /// Asks for one page; returns where the next one begins, empty behind the last one.
    async fn page(
        &self,
        question: Question<'_>,
        found: &mut Found,
        asked: Asked<'_>,
    ) -> Result<Vec<u8>, LdapError> {
        let Question { base, filter, attributes, cookie } = question;
        self.operation_count.fetch_add(1, Ordering::Relaxed);
        let mut handle = self.handle.clone();
        handle.with_controls(PagedResults { size: self.page_size, cookie });
        let started = handle.streaming_search(base, Scope::Subtree, filter, attributes.to_vec()).await;
        let mut stream = started.map_err(|error| asked.broken(&error))?;
        while let Some(item) = stream.next().await.map_err(|error| asked.broken(&error))? {
            if item.is_ref() {
                let why = "a part of it stands on another server, so that what came is not all; name a base that \
                           this server holds as a whole";
                return Err(asked.error(FailureKind::Refused, why));
            }
            if !item.is_intermediate() {
                let entry = Entry::read(item.0);
                let malformed = |why: &str| asked.error(FailureKind::Malformed, why);
                found
                    .add(entry.ok_or_else(|| malformed("an entry is none (RFC 4511)"))?)
                    .map_err(malformed)?;
            }
        }
        let result = stream.finish().await;
        if result.rc != 0 {
            return Err(asked.answered(&result));
        }
        next_page(&result).ok_or_else(|| {
            asked.error(FailureKind::Malformed, "the server does not say whether there are more pages")
        })
    }

    /// Changes one entry: all changes, or none of them.
    pub async fn modify(&self, dn: &str, changes: Vec<Change>) -> Result<(), LdapError> {
        let operation = format!("changing `{}`", shown(dn, None));
        let asked = self.asked(&operation);
        self.operation_count.fetch_add(1, Ordering::Relaxed);
        let mut handle = self.handle.clone();
        let changes: Vec<Mod<String>> = changes.into_iter().map(Mod::from).collect();
        let answer = timeout(self.deadline, handle.modify(dn, changes)).await;
        let result =
            answer.map_err(|_| asked.timed_out(self.deadline))?.map_err(|error| asked.broken(&error))?;
        if result.rc == 0 { Ok(()) } else { Err(asked.answered(&result)) }
    }

    /// Leaves. A session that is only dropped is cut.
    pub async fn end(mut self) {
        // A server that does not answer has been left all the same.
        if timeout(UNBIND_TIMEOUT, self.handle.unbind()).await.is_ok() {
            timeout(UNBIND_TIMEOUT, self.carrier).await.ok();
        }
    }

    fn asked<'a>(&'a self, operation: &'a str) -> Asked<'a> {
        Asked { server: &self.server, operation, password: self.password.as_ref() }
    }
}

/// What one page is asked for.
struct Question<'a> {
    base: &'a str,
    filter: &'a str,
    attributes: &'a [&'a str],
    /// Where the page begins; empty for the first one.
    cookie: Vec<u8>,
}

/// What a search found.
#[derive(Debug, Default)]
pub struct Found {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Entries that are not taken: name, and why with what to do.
    pub refused: Vec<(String, &'static str)>,
    size_bytes: usize,
}

impl Found {
    /// Adds an entry; an error says which limit it passes.
    fn add(&mut self, entry: Entry) -> Result<(), &'static str> {
        let size_bytes = entry.size_bytes();
        if size_bytes > ENTRY_MAX_BYTES {
            self.refused.push((entry.dn, "it is larger than 1 MiB; remove values from it"));
            return Ok(());
        }
        self.size_bytes += size_bytes;
        if self.size_bytes > SEARCH_MAX_BYTES || self.entries.len() >= ENTRIES_MAX {
            return Err(
                "there are more than 2 million entries or 1 GiB of them; name a narrower base or filter",
            );
        }
        self.entries.push(entry);
        Ok(())
    }
}

/// Reads where the next page begins: empty where there is none, also at a server that knows no pages and so sent all;
/// `None` where it cannot be read.
fn next_page(result: &LdapResult) -> Option<Vec<u8>> {
    let Some(Control(_, control)) = result.ctrls.iter().find(|control| control.1.ctype == PAGED_RESULTS)
    else {
        return Some(Vec::new());
    };
    let (_, value) = parse_tag(control.val.as_deref()?).ok()?;
    let PL::C(parts) = value.payload else { return None };
    match parts.into_iter().nth(1)?.payload {
        PL::P(cookie) => Some(cookie),
        PL::C(_) => None,
    }
}
