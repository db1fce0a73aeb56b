//! The pages of a run: each is kept as it comes, and told.

use futures_util::FutureExt;
use sluice_core::{ErrorKind, NanoAmount};
use sluice_db::models::page_cache::{self, PageKey};
use sluice_db::models::page_reads::{self, NewPageRead};
use sluice_extraction::cost::{ExtractorPricing, Usage};
use sluice_extraction::einvoice::Invoice;
use sluice_remote_extractors::ReadPage;

use crate::budget::{self, Reservation};
use crate::error::StageError;
use crate::pipeline::StageContext;
use crate::wiring::Ports;

/// More of a document is not streamed to who watches; then it is the end of what was read.
const MAX_TEXT_BYTES: usize = 256 * 1024;

/// The pages of a run.
#[derive(Debug)]
pub(super) struct Pages<'a> {
    ports: &'a Ports,
    key: PageKey,
    context: &'a StageContext,
    pricing: &'a ExtractorPricing,
    pages: Vec<ReadPage>,
    total: u32,
    /// Whether what is charged once a run was paid.
    has_paid: bool,
    /// The e-invoice that the file is or carries.
    pub(super) invoice: Option<Invoice>,
}

impl<'a> Pages<'a> {
    pub(super) const fn new(
        (ports, context): (&'a Ports, &'a StageContext),
        key: PageKey,
        pricing: &'a ExtractorPricing,
        known: Vec<ReadPage>,
    ) -> Self {
        let has_paid = context.attempt.number > 1;
        Self { ports, key, context, pricing, pages: known, total: 0, has_paid, invoice: None }
    }

    pub(super) const fn context(&self) -> &'a StageContext {
        self.context
    }

    pub(super) fn has(&self, number: u32) -> bool {
        self.pages.iter().any(|read| read.page.number == number)
    }

    pub(super) fn numbers(&self) -> Vec<u32> {
        self.pages.iter().map(|read| read.page.number).collect()
    }

    /// Tells how many pages there are.
    pub(super) async fn opened(&mut self, total: u32) {
        self.total = total;
        self.tell().await;
    }

    /// Takes pages that nobody had to read: they cost nothing and are not kept.
    pub(super) async fn add_free(&mut self, pages: Vec<ReadPage>) {
        self.pages = pages;
        self.opened(u32::try_from(self.pages.len()).unwrap_or(u32::MAX)).await;
    }

    /// How many pages are still to be read.
    pub(super) fn missing(&self) -> u32 {
        self.total.saturating_sub(u32::try_from(self.pages.len()).unwrap_or(u32::MAX))
    }

    /// Reserves in the project's budget the most that reading so many pages next may cost.
    pub(super) async fn reserve(&self, pages: u32, most: Usage) -> Result<Reservation<'a>, StageError> {
        budget::reserve(self.ports, self.context, self.price(pages, most), self.pricing.currency()).await
    }

    /// Replaces what was reserved by what was read.
    pub(super) async fn settle(&mut self, held: Reservation<'a>, pages: u32, usage: Usage) -> Result<(), StageError> {
        let actual = self.price(pages, usage);
        self.has_paid |= actual > NanoAmount::ZERO;
        held.settle(actual).await
    }

    fn price(&self, pages: u32, usage: Usage) -> NanoAmount {
        if self.has_paid { self.pricing.call(pages, usage) } else { self.pricing.run(pages, usage) }
    }

    /// Keeps a page that was read, notes what it took, and tells.
    pub(super) async fn add(&mut self, page: ReadPage, usage: Usage) -> Result<(), StageError> {
        let value = serde_json::to_value(&page).map_err(|error| StageError {
            source: Some(Box::new(error)),
            ..StageError::new(ErrorKind::Internal, "internal error")
        })?;
        let read = self.note(page.page.number, true, usage);
        let key = self.key.clone();
        let kept = self.ports.pool.transaction(move |connection| {
            async move {
                page_cache::keep(connection, &key, read.page_number, &value).await?;
                page_reads::insert(connection, &[read]).await
            }
            .boxed()
        });
        kept.await.map_err(deleted)?;
        self.pages.push(page);
        self.tell().await;
        Ok(())
    }

    /// Notes what a call took that gave no page.
    pub(super) async fn note_without_page(&self, number: u32, usage: Usage) -> Result<(), StageError> {
        let read = self.note(number, false, usage);
        page_reads::insert(&mut *self.ports.pool.get().await?, &[read]).await.map_err(deleted)
    }

    pub(super) fn into_vec(mut self) -> Vec<ReadPage> {
        self.pages.sort_by_key(|read| read.page.number);
        self.pages
    }

    fn note(&self, number: u32, is_page: bool, usage: Usage) -> NewPageRead {
        NewPageRead {
            job_id: self.context.attempt.job_id,
            page_number: i32::try_from(number).unwrap_or(i32::MAX),
            is_page,
            input_tokens: i64::try_from(usage.input_tokens).unwrap_or(i64::MAX),
            output_tokens: i64::try_from(usage.output_tokens).unwrap_or(i64::MAX),
            usage_estimated: usage.is_estimated,
        }
    }

    async fn tell(&self) {
        let done = u32::try_from(self.pages.len()).unwrap_or(u32::MAX);
        self.context.reporter.page_read(done, self.total, || so_far(&self.pages)).await;
    }
}

/// A foreign key that is not there any more: the manifest was deleted with its jobs.
fn deleted(error: sluice_db::Error) -> StageError {
    match error {
        sluice_db::Error::Reference { .. } => StageError::not_found("the manifest was deleted while it was processed"),
        error => error.into(),
    }
}

/// The markdown of the pages in their order, each under its number; of a long document the last pages.
fn so_far(pages: &[ReadPage]) -> String {
    let mut sorted: Vec<&ReadPage> = pages.iter().collect();
    sorted.sort_by_key(|read| std::cmp::Reverse(read.page.number));
    let mut sections = Vec::new();
    let mut length = 0;
    for read in sorted {
        let section = format!("--- PAGE {} ---\n{}", read.page.number, read.page.markdown);
        length += section.len() + 2;
        if length > MAX_TEXT_BYTES && !sections.is_empty() {
            break;
        }
        sections.push(section);
    }
    sections.reverse();
    let mut text = sections.join("\n\n");
    // One page may be longer than all that is sent.
    let end = text.floor_char_boundary(MAX_TEXT_BYTES);
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use sluice_core::{Page, TextSource};

    use super::*;

    fn page(number: u32, markdown: &str) -> ReadPage {
        ReadPage::from(Page::of_text(number, TextSource::Remote, markdown))
    }

    #[test]
    fn pages_stand_in_their_order_under_their_numbers() {
        assert_eq!(so_far(&[page(2, "b"), page(1, "a")]), "--- PAGE 1 ---\na\n\n--- PAGE 2 ---\nb");
        assert_eq!(so_far(&[]), "");
    }

    #[test]
    fn of_a_long_document_the_end_is_sent() {
        let long = "ä".repeat(50_000);
        let pages: Vec<ReadPage> = (1..=10).map(|number| page(number, &long)).collect();
        let text = so_far(&pages);
        assert!(text.len() <= MAX_TEXT_BYTES && text.len() > MAX_TEXT_BYTES / 2, "{}", text.len());
        assert!(text.starts_with("--- PAGE 9 ---") && text.contains("--- PAGE 10 ---"));
        let huge = so_far(&[page(1, &"ä".repeat(MAX_TEXT_BYTES))]);
        assert!(huge.len() <= MAX_TEXT_BYTES && huge.starts_with("--- PAGE 1 ---"));
    }
}
