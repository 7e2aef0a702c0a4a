//! How is a whole list read, page after page, whatever shape its pages have?

use lastgood_core::observation::FailureKind;
use url::Url;

use super::{Budget, RestClient};
use crate::client::trouble::Trouble;
use crate::rest::{Object, is_same_page, read_page, repeated_count};

/// How many items a page may hold: asked for, and the most that is given.
pub(super) const PAGE_ITEMS: usize = 100;

/// How many items the smallest page may hold that some portals give, whatever was asked for.
const SMALL_PAGE_ITEMS: usize = 25;

/// How often a list that repeats entries is read once more: it moved while it was read, and the next time it may not.
const READ_AGAIN_MAX: usize = 2;

impl RestClient {
    /// Reads every page of a list into `items`. An `Err` says what is missing; what was read until then stands.
    ///
    /// A list that repeats entries is read again. If it still does, or cannot be read again, the repetitions stand in
    /// `items`: who takes them says what they mean.
    pub(super) async fn read_list(
        &self,
        url: &Url,
        stated: Option<u64>,
        budget: &Budget,
        items: &mut Vec<Object>,
    ) -> Result<(), Trouble> {
        self.read_pages(url, stated, budget, items).await?;
        for _ in 0..READ_AGAIN_MAX {
            let repeated_count = repeated_count(items);
            if repeated_count == 0 {
                break;
            }
            tracing::debug!(host = %self.host, path = url.path(), repeated_count, "the list moved; reads it again");
            let mut again = Vec::new();
            if self.read_pages(url, stated, budget, &mut again).await.is_err() {
                break;
            }
            *items = again;
        }
        Ok(())
    }

    /// Reads a list once.
    ///
    /// 1. Where the list says how many pages there are, all of them are read. One that is empty or repeats the one
    ///    before means that something is missing; the last one may, if all entries that the list counts have come.
    /// 2. Where it does not, another page is asked for after one that [may be full](may_be_full), and while fewer came
    ///    than `stated`; an empty page, or the same page again, is the end.
    /// 3. Entries that are no objects are missing.
    async fn read_pages(
        &self,
        url: &Url,
        stated: Option<u64>,
        budget: &Budget,
        items: &mut Vec<Object>,
    ) -> Result<(), Trouble> {
        let mut unreadable = 0;
        let mut promised = 0;
        let mut promised_pages = 0;
        let mut page_start = 0;
        for page_number in 1..=self.limits.pages_max {
            budget.check()?;
            let body = self.get(&page_url(url, page_number), budget).await?;
            let page = read_page(&body)?;
            unreadable += page.unreadable_count;
            promised = promised.max(page.total_items.unwrap_or_default());
            promised_pages = promised_pages.max(page.total_pages.unwrap_or_default());
            let count = page.items.len() + page.unreadable_count;
            let listed = (items.len() + count) as u64;
            let repeats = page_number > 1 && is_same_page(&items[page_start..], &page.items);
            let is_over = count == 0 || repeats;
            // Whether all came that the list counts is asked below.
            let is_counted = page_number == promised_pages && promised > 0;
            if is_over && promised_pages > 1 && !is_counted {
                return Err(missing_pages(page_number, promised_pages, repeats));
            }
            let is_last = if promised_pages > 0 {
                page_number >= promised_pages
            } else {
                let expected = promised.max(stated.unwrap_or_default());
                is_over || (listed >= expected && !may_be_full(count, listed == expected))
            };
            page_start = items.len();
            if !repeats {
                items.extend(page.items);
            }
            if is_last {
                said_unreadable(unreadable)?;
                return said_missing(items.len() as u64, promised);
            }
        }
        let reason = format!("the list has more than {} pages; the rest was not read", self.limits.pages_max);
        Err(Trouble::new(FailureKind::Malformed, reason))
    }
}

/// True if a page that does not say how many there are may be followed by another one. A portal may cut its pages
/// smaller than it was asked to, so it may be full from the smallest of them on; where `is_all` that was expected came,
/// only one as large as asked for.
pub(super) const fn may_be_full(count: usize, is_all: bool) -> bool {
    count >= if is_all { PAGE_ITEMS } else { SMALL_PAGE_ITEMS }
}

pub(super) fn page_url(url: &Url, page: u64) -> Url {
    let mut url = url.clone();
    url.query_pairs_mut()
        .append_pair("_page", &page.to_string())
        .append_pair("_perPage", &PAGE_ITEMS.to_string());
    url
}

fn missing_pages(page: u64, total: u64, repeats: bool) -> Trouble {
    let what = if repeats { "repeats the page before" } else { "is empty" };
    let reason = format!("page {page} of {total} {what}, so a part of the list is missing; look again");
    Trouble::new(FailureKind::Malformed, reason)
}

fn said_missing(listed: u64, promised: u64) -> Result<(), Trouble> {
    if listed >= promised {
        return Ok(());
    }
    let reason = format!("the list says that it has {promised} entries, and {listed} came; look again");
    Err(Trouble::new(FailureKind::Malformed, reason))
}

fn said_unreadable(count: usize) -> Result<(), Trouble> {
    if count == 0 {
        return Ok(());
    }
    let reason =
        format!("{count} entries of the list are no objects and were not read; the API may have changed");
    Err(Trouble::new(FailureKind::Malformed, reason))
}
