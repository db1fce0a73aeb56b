//! `vision-llm`: the picture of each page is shown to a model, one after the other.

use sluice_core::{Page, ReadRequest};
use sluice_llm::Answer;
use sluice_remote_extractors::vision::{self, Settings};
use sluice_remote_extractors::{PageSize, ReadPage};
use tokio::sync::watch;

use super::pages::Pages;
use super::{on_page, survey};
use crate::error::StageError;
use crate::wiring::Ports;

/// Reads the pages that are not known. Only one picture is in memory at a time.
pub(super) async fn read(
    ports: &Ports,
    settings: &Settings,
    request: &ReadRequest,
    pages: &mut Pages<'_>,
) -> Result<(), StageError> {
    let Some(layers) = survey::survey(ports, request, pages).await? else { return Ok(()) };
    for layer in &layers {
        let number = layer.number;
        if pages.has(number) {
            continue;
        }
        let picture = survey::render(ports, request, number, settings.max_side_pixels()).await?;
        let question = settings.question(&picture);
        drop(picture);
        let held = pages.reserve(1, question.at_most(settings.endpoint())).await?;
        let (received, _) = watch::channel(0);
        let asked = ports.models.ask(settings.endpoint(), &question, &received).await;
        let answer = asked.map_err(|error| on_page(number, error.into()))?;
        let problem = problem(&answer, layer, settings);
        pages.settle(held, u32::from(problem.is_none()), answer.usage).await?;
        if let Some(problem) = problem {
            pages.note_without_page(number, answer.usage).await?;
            return Err(on_page(number, StageError::invalid(problem)));
        }
        let size = PageSize { width: layer.width, height: layer.height };
        let mut page = ReadPage::from(vision::page(&answer.content, number, size));
        page.take_places_of(layer);
        pages.add(page, answer.usage).await?;
    }
    Ok(())
}

/// Why an answer is not the whole page: what is missing would be missing without a word.
fn problem(answer: &Answer, layer: &Page, settings: &Settings) -> Option<String> {
    match answer.finish_reason.as_str() {
        "length" => Some(format!(
            "the model's answer was cut off at {} tokens; raise maxTokens of the extractor",
            settings.endpoint().max_tokens
        )),
        "content_filter" => Some("the model's provider withheld its answer".to_owned()),
        _ if answer.content.trim().is_empty() && !layer.words.is_empty() => {
            Some("the model answered nothing, though there is text on the page".to_owned())
        }
        _ => None,
    }
}
