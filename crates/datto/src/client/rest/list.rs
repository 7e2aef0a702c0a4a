//! How is a whole list read, page after page, whatever shape its pages have?

use lastgood_core::observation::FailureKind;
use url::Url;

use super::{Budget, RestClient};
use crate::client::trouble::Trouble;
use crate::rest::{Object, read_page};

/// How many items a page may hold: asked for, and the most that is given.
pub(super) const PAGE_ITEMS: usize = 100;

/// What the page after this one is.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// The list is over.
    Over,
    /// There may be another page.
    Ask,
}

impl RestClient {
    /// Reads every page of a list into `items`. An `Err` says what is missing; what was read until then stands.
    ///
    /// 1. Where the list says how many pages there are, all of them are read. One that is empty or repeats the one
    ///    before although there should be more means that something is missing.
    /// 2. Where it does not, another page is asked for after a full one, and while fewer came than `stated`; an empty
    ///    page, or the same page again, is the end.
    /// 3. Entries that are no objects are missing.
    pub(super) async fn read_list(
        &self,
        url: &Url,
        stated: Option<u64>,
        budget: &Budget,
        items: &mut Vec<Object>,
    ) -> Result<(), Trouble> {
        let mut unreadable = 0;
        let mut promised = 0;
        for page_number in 1..=self.limits.pages_max {
            budget.check()?;
            let body = self.get(&page_url(url, page_number), budget).await?;
            let page = read_page(&body)?;
            unreadable += page.unreadable_count;
            promised = promised.max(page.total_items.unwrap_or_default());
            let before = items.len().saturating_sub(page.items.len());
            let repeats = page_number > 1 && !page.items.is_empty() && items[before..] == page.items[..];
            let is_empty = page.items.is_empty() && page.unreadable_count == 0;
            let count = page.items.len() + page.unreadable_count;
            let next = match page.total_pages {
                Some(total) if page_number >= total => Next::Over,
                Some(total) if is_empty || repeats => {
                    return Err(missing_pages(page_number, total, repeats));
                }
                Some(_) => Next::Ask,
                None if is_empty || repeats => Next::Over,
                None if count >= PAGE_ITEMS => Next::Ask,
                None if ((items.len() + count) as u64) < promised => Next::Ask,
                None if stated.is_some_and(|stated| ((items.len() + count) as u64) < stated) => Next::Ask,
                None => Next::Over,
            };
            if !repeats {
                items.extend(page.items);
            }
            if next == Next::Over {
                said_unreadable(unreadable)?;
                return said_missing(items.len() as u64, promised);
            }
        }
        let reason = format!("the list has more than {} pages; the rest was not read", self.limits.pages_max);
        Err(Trouble::new(FailureKind::Malformed, reason))
    }
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
