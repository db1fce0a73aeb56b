//! Lets a service read the page of ours, and so try out all of its settings.

use std::path::Path;
use std::time::Duration;

use sluice_core::{Classify, FileFormat, RenderRequest};
use sluice_db::models::extractors::Extractor;
use sluice_remote_extractors::paddle_ocr::{self, File};
use sluice_remote_extractors::vision;
use sluice_service::ErrorChain;
use tokio::sync::watch;

use super::probe::{WORD, write_page};
use crate::state::AppState;

/// Who tests an extractor does not want to wait for longer.
const LIMIT: Duration = Duration::from_secs(60);

/// What came of it: words for people either way.
type Told = Result<String, String>;

/// Tests an extractor that a service runs; `None` for one that we run.
pub(super) async fn probe(state: &AppState, extractor: &Extractor) -> Option<Told> {
    let tested = async {
        match extractor.extractor_type.as_str() {
            "paddleocr" => Some(ask_paddle_ocr(state, extractor).await),
            "vision-llm" => Some(ask_vision(state, extractor).await),
            _ => None,
        }
    };
    let in_time = tokio::time::timeout(LIMIT, tested).await;
    in_time.unwrap_or_else(|_elapsed| Some(Err("The service did not answer in time".to_owned())))
}

async fn ask_paddle_ocr(state: &AppState, extractor: &Extractor) -> Told {
    let settings = paddle_ocr::Settings::read(&extractor.name, &extractor.config, &state.secrets).map_err(describe)?;
    // Says sooner and more plainly that nobody is there.
    state.paddle_ocr.check(&settings).await.map_err(describe)?;
    let file = write_page()?;
    let page = File { path: file.path().to_owned(), is_pdf: true };
    let layouts = state.paddle_ocr.read(&settings, &page, 1).await.map_err(describe)?;
    let texts = layouts.iter().flat_map(|layout| &layout.blocks).map(|block| block.content.as_str());
    Ok(judge("The server", &texts.collect::<Vec<_>>().join("\n")))
}

async fn ask_vision(state: &AppState, extractor: &Extractor) -> Told {
    let settings = vision::Settings::read(&extractor.name, &extractor.config, &state.secrets).map_err(describe)?;
    let file = write_page()?;
    let question = settings.question(&draw(state, file.path(), settings.max_side_pixels()).await?);
    let (received, _) = watch::channel(0);
    let answer = state.models.ask(settings.endpoint(), &question, &received).await.map_err(describe)?;
    Ok(judge("The model", &answer.content))
}

async fn draw(state: &AppState, path: &Path, max_side_pixels: u32) -> Result<Vec<u8>, String> {
    let request =
        RenderRequest { path: path.to_owned(), format: FileFormat::Pdf, page: 1, max_side_pixels, turned_degrees: 0 };
    state.sandbox.render_page(&request).await.map_err(describe)
}

fn judge(who: &str, text: &str) -> String {
    let has_word = text.to_lowercase().contains(&WORD.to_lowercase());
    if has_word { format!("{who} read a page") } else { format!("{who} answered, but not what the page says") }
}

fn describe(error: impl Classify) -> String {
    tracing::debug!(error = %ErrorChain(&error), "an extractor failed its test");
    error.client_message()
}
