//! What a run will probably cost, from what is known before it.

use serde_json::Value;
use sluice_core::NanoAmount;

use crate::cost::{ExtractorPricing, ModelPricing, Usage};

/// Characters of an ordinary page of a business document.
const PAGE_CHARACTERS: u64 = 1_800;
/// Bytes that a page of a PDF takes; scans take more, which makes an estimate high rather than low.
const PAGE_BYTES: u64 = 100_000;
/// Characters that a token stands for, when no run has shown it.
const TOKEN_CHARACTERS: u64 = 4;
/// Tokens of a value with its name, and how often the values of a list come on a page.
const VALUE_TOKENS: u64 = 12;
const ROWS_OF_PAGE: u64 = 8;
/// More of a schema than this is not counted: it may contain itself.
const MAX_DEPTH: u32 = 12;

/// What is known of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Document<'a> {
    /// The size of its file.
    pub size_bytes: u64,
    /// What the file is.
    pub content_type: &'a str,
    /// Its pages, when it was read before.
    pub pages: Option<u64>,
    /// The characters of its text, when it was read before.
    pub characters: Option<u64>,
    /// Whether its pages need not be read again.
    pub is_read: bool,
}

/// What earlier runs with the same schema and model came to, added up; zeros when there were none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Experience {
    /// Tokens that were sent.
    pub input_tokens: u64,
    /// Tokens that came back.
    pub output_tokens: u64,
    /// Characters of the prompts.
    pub prompt_characters: u64,
    /// Pages.
    pub pages: u64,
}

/// How the run is made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// What reading costs.
    pub extractor: ExtractorPricing,
    /// Absent for a run that only reads.
    pub question: Option<PlannedQuestion>,
}

/// What is asked of a model, but for the document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlannedQuestion {
    /// What the model costs.
    pub pricing: ModelPricing,
    /// Characters that are the same for every document: instruction, schema, rules, form of the answer.
    pub characters: u64,
    /// Tokens of an answer for a page, by the schema alone; see [`answer_tokens`].
    pub answer_tokens: u64,
    /// What earlier runs came to.
    pub experience: Experience,
}

/// What an estimate is made of, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// The text is known.
    Text,
    /// The number of pages is known.
    Pages,
    /// Only the size of the file is known.
    FileSize,
}

/// What a run will probably take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Pages of the document.
    pub pages: u64,
    /// Tokens.
    pub usage: Usage,
    /// What reading costs.
    pub text: NanoAmount,
    /// What the model costs.
    pub llm: NanoAmount,
    /// What this is made of.
    pub basis: Basis,
}

impl Basis {
    /// The word that clients see.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Pages => "pages",
            Self::FileSize => "fileSize",
        }
    }
}

/// Estimates a run over a document.
#[must_use]
pub fn estimate(document: &Document<'_>, plan: &Plan) -> Estimate {
    // What a machine has written is read without anybody who is paid for it.
    let is_data = document.content_type.contains("xml");
    let (pages, characters, basis) = match (document.pages, document.characters) {
        (Some(pages), Some(characters)) => (pages, characters, Basis::Text),
        (Some(pages), None) => (pages, pages.saturating_mul(PAGE_CHARACTERS), Basis::Pages),
        (None, _) => {
            let is_picture = document.content_type.starts_with("image/") && !document.content_type.contains("tif");
            let pages = if is_picture || is_data { 1 } else { document.size_bytes.div_ceil(PAGE_BYTES).max(1) };
            (pages, pages.saturating_mul(PAGE_CHARACTERS), Basis::FileSize)
        }
    };
    let usage = match &plan.question {
        Some(question) if !is_data => question.usage(pages, characters),
        _ => Usage { is_estimated: true, ..Usage::default() },
    };
    let is_free = document.is_read || is_data;
    let read = if is_free { 0 } else { u32::try_from(pages).unwrap_or(u32::MAX) };
    let llm = plan.question.as_ref().filter(|_| !is_data).map(|question| question.pricing.call(usage));
    Estimate { pages, usage, text: plan.extractor.pages(read), llm: llm.unwrap_or_default(), basis }
}

impl PlannedQuestion {
    fn usage(&self, pages: u64, characters: u64) -> Usage {
        let Experience { input_tokens, output_tokens, prompt_characters, pages: read } = self.experience;
        let sent = self.characters.saturating_add(characters);
        let input_tokens = if prompt_characters == 0 {
            sent.div_ceil(TOKEN_CHARACTERS)
        } else {
            part(sent, input_tokens, prompt_characters)
        };
        let output_tokens = if read == 0 {
            self.answer_tokens.saturating_mul(pages.max(1))
        } else {
            part(pages.max(1), output_tokens, read)
        };
        Usage { input_tokens, output_tokens, is_estimated: true }
    }
}

/// `count * share / whole`, rounded up.
fn part(count: u64, share: u64, whole: u64) -> u64 {
    let product = u128::from(count) * u128::from(share);
    u64::try_from(product.div_ceil(u128::from(whole.max(1)))).unwrap_or(u64::MAX)
}

/// The tokens of an answer for one page, by the values that a schema asks for.
#[must_use]
pub fn answer_tokens(json_schema: &Value) -> u64 {
    values(json_schema, MAX_DEPTH).saturating_mul(VALUE_TOKENS)
}

fn values(schema: &Value, depth: u32) -> u64 {
    let Some(deeper) = depth.checked_sub(1) else { return 1 };
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        return properties.values().map(|property| values(property, deeper)).fold(0, u64::saturating_add).max(1);
    }
    match schema.get("items") {
        Some(items) => values(items, deeper).saturating_mul(ROWS_OF_PAGE),
        None => 1,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plan() -> Plan {
        let pricing = json!({"mode": "page", "currency": "USD", "pricePerPage": 0.001});
        Plan {
            extractor: ExtractorPricing::read(&pricing),
            question: Some(PlannedQuestion {
                pricing: ModelPricing::read(&json!({"llm": {"inputPrice": 2.5, "outputPrice": 10, "currency": "USD"}})),
                characters: 2_000,
                answer_tokens: 100,
                experience: Experience::default(),
            }),
        }
    }

    fn pdf(size_bytes: u64) -> Document<'static> {
        Document { size_bytes, content_type: "application/pdf", ..Document::default() }
    }

    #[test]
    fn the_more_is_known_the_surer_it_is() {
        let unread = estimate(&pdf(250_000), &plan());
        assert_eq!((unread.basis, unread.pages, unread.text), (Basis::FileSize, 3, NanoAmount(3_000_000)));
        assert_eq!((unread.usage.input_tokens, unread.usage.output_tokens), ((2_000 + 3 * 1_800) / 4, 300));
        let counted = estimate(&Document { pages: Some(2), ..pdf(250_000) }, &plan());
        assert_eq!((counted.basis, counted.pages), (Basis::Pages, 2));
        let read = Document { pages: Some(2), characters: Some(6_000), is_read: true, ..pdf(250_000) };
        let known = estimate(&read, &plan());
        assert_eq!((known.basis, known.text), (Basis::Text, NanoAmount::ZERO));
        assert_eq!((known.usage.input_tokens, known.usage.output_tokens), (2_000, 200));
        assert_eq!(known.llm, NanoAmount(2_000 * 2_500 + 200 * 10_000));
    }

    #[test]
    fn earlier_runs_teach_what_a_page_and_a_character_take() {
        let mut plan = plan();
        let learnt = Experience { input_tokens: 3_000, output_tokens: 900, prompt_characters: 9_000, pages: 3 };
        if let Some(question) = &mut plan.question {
            question.experience = learnt;
        }
        let read = Document { pages: Some(2), characters: Some(4_000), ..pdf(1) };
        let usage = estimate(&read, &plan).usage;
        assert_eq!((usage.input_tokens, usage.output_tokens), (2_000, 600));
    }

    #[test]
    fn what_needs_no_model_costs_none() {
        let xml = Document { content_type: "application/xml", ..pdf(9_000_000) };
        let free = estimate(&xml, &plan());
        assert_eq!(
            (free.llm, free.text, free.usage.input_tokens, free.pages),
            (NanoAmount::ZERO, NanoAmount::ZERO, 0, 1)
        );
        let reading = estimate(&pdf(1), &Plan { question: None, ..plan() });
        assert_eq!((reading.llm, reading.text), (NanoAmount::ZERO, NanoAmount(1_000_000)));
    }

    #[test]
    fn nothing_overflows_and_a_picture_is_a_page() {
        let huge = Document { pages: Some(u64::MAX), characters: Some(u64::MAX), ..pdf(u64::MAX) };
        assert!(estimate(&huge, &plan()).llm > NanoAmount::ZERO);
        let picture = Document { content_type: "image/jpeg", ..pdf(9_000_000) };
        assert_eq!(estimate(&picture, &plan()).pages, 1);
        assert_eq!(
            estimate(&Document { pages: Some(0), characters: Some(0), ..pdf(0) }, &plan()).usage.output_tokens,
            100
        );
    }

    #[test]
    fn answers_grow_with_the_values_that_are_asked_for() {
        let schema = json!({"properties": {"a": {"type": "string"}, "b": {"properties": {"c": {}, "d": {}}},
                                           "rows": {"type": "array", "items": {"properties": {"x": {}, "y": {}}}}}});
        assert_eq!(answer_tokens(&schema), (1 + 2 + 2 * ROWS_OF_PAGE) * VALUE_TOKENS);
        assert_eq!(answer_tokens(&json!(true)), VALUE_TOKENS);
    }
}
