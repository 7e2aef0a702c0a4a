//! What did the API answer, as it came?

use std::io::Write;

use url::Url;

use super::list::{may_be_full, page_url};
use super::{Budget, RestClient};
use crate::client::RawError;
use crate::client::trouble::Trouble;
use crate::rest::{Page, is_same_page, read_page, serial_of};

impl RestClient {
    /// Writes every answer that a look reads, as it came, the secret redacted: before each one a line with what was
    /// asked (`GET` and the path), behind it an empty line. What came before a failure is written; a device whose
    /// assets cannot be had does not keep those of the others back.
    ///
    /// One request at a time; within the same deadline as a look.
    pub async fn raw(&self, out: &mut (dyn Write + Send)) -> Result<(), RawError> {
        let copied = tokio::time::timeout(self.limits.deadline, self.copy_all(out)).await;
        copied.unwrap_or_else(|_| Err(of_look(self.late("not every answer was read"))))
    }

    async fn copy_all(&self, out: &mut (dyn Write + Send)) -> Result<(), RawError> {
        let budget = Budget::new(self.limits.look_max_bytes);
        let mut serials = Vec::new();
        let met = |page: &Page| serials.extend(page.items.iter().filter_map(serial_of));
        self.copy_list(&self.devices_url(), &budget, out, met).await?;
        let mut failed = None;
        for url in serials.iter().filter_map(|serial| self.assets_url(serial)) {
            match self.copy_list(&url, &budget, out, |_| {}).await {
                Err(RawError::Look(failure)) => failed = Some(failure),
                copied => copied?,
            }
        }
        out.flush()?;
        failed.map_or(Ok(()), |failure| Err(RawError::Look(failure)))
    }

    async fn copy_list(
        &self,
        url: &Url,
        budget: &Budget,
        out: &mut (dyn Write + Send),
        mut met: impl FnMut(&Page) + Send,
    ) -> Result<(), RawError> {
        let mut before = Page::default();
        for number in 1..=self.limits.pages_max {
            let page = self.copy_page(url, number, budget, out).await?;
            if is_same_page(&before.items, &page.items) {
                break;
            }
            met(&page);
            if is_last(&page, number) {
                break;
            }
            before = page;
        }
        Ok(())
    }

    async fn copy_page(
        &self,
        url: &Url,
        number: u64,
        budget: &Budget,
        out: &mut (dyn Write + Send),
    ) -> Result<Page, RawError> {
        let url = page_url(url, number);
        let body = self.get(&url, budget).await.map_err(of_look)?;
        writeln!(out, "GET {}?{}", url.path(), url.query().unwrap_or_default())?;
        out.write_all(&body)?;
        out.write_all(b"\n\n")?;
        read_page(&body).map_err(|error| of_look(error.into()))
    }
}

/// True if no further page is worth asking for: where nothing says how many there are, a page that is not full ends it.
fn is_last(page: &Page, number: u64) -> bool {
    let is_short = !may_be_full(page.items.len(), false);
    page.items.is_empty() || page.total_pages.map_or(is_short, |total| number >= total)
}

fn of_look(trouble: Trouble) -> RawError {
    RawError::Look(trouble.of_source())
}
