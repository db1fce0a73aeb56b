//! What is asked about: a document and what is wanted of it.

use serde_json::Value;
use sluice_core::{Page, TextSource};
use sluice_extraction::concepts::Concept;
use sluice_extraction::field::FieldPath;
use sluice_extraction::prompt::{self, Contract, Document, Prompt, Task};
use sluice_extraction::validate::{Examiner, Issue};
use sluice_extraction::{response_form, schema};
use sluice_llm::{Format, Message, Question};

use crate::error::StageError;
use crate::stages::validate::invalid_schema;
use crate::state::{ExtractionSettings, TextExtracted};

/// A document and what is wanted of it.
pub(super) struct Subject<'a> {
    pub(super) settings: &'a ExtractionSettings,
    pub(super) pages: &'a [Page],
    /// The schema without references.
    pub(super) schema: Value,
    pub(super) examiner: Examiner,
    /// The list whose rows are the document's table.
    pub(super) list: Option<FieldPath>,
    /// How well pictures were read; absent when the text was there.
    quality_score: Option<i32>,
}

impl<'a> Subject<'a> {
    pub(super) fn of(settings: &'a ExtractionSettings, text: &'a TextExtracted) -> Result<Self, StageError> {
        let schema = schema::simplify(&settings.schema.json_schema);
        // A schema that is none is found out before the model is paid.
        let examiner = settings.examiner().map_err(|error| invalid_schema(&error))?;
        let lines = examiner.concepts().path(Concept::Lines);
        let list = lines.and_then(FieldPath::parse).or_else(|| longest_list(&schema));
        let is_read = text.pages.iter().any(|page| page.source != TextSource::TextLayer);
        let quality_score = is_read.then_some(text.quality_score);
        Ok(Self { settings, pages: &text.pages, schema, examiner, list, quality_score })
    }

    /// The question for the part of the schema that is given, about the text that is given.
    pub(super) fn question(&self, schema: &Value, text: &str, task: Task<'_>) -> Question {
        let prompt = self.prompt(text, task);
        let derived = response_form::derive(schema);
        let format = Format::Schema {
            name: "extracted_data",
            is_strict: derived.is_some(),
            schema: derived.unwrap_or_else(|| schema.clone()),
        };
        Question { messages: vec![Message::system(prompt.system), Message::user(prompt.user)], format }
    }

    fn prompt(&self, text: &str, task: Task<'_>) -> Prompt {
        let settings = self.settings;
        // The same for each question, so that endpoints need to read it once.
        let contract = Contract {
            prompt: settings.prompt.as_deref(),
            template: settings.schema.system_prompt_template.as_deref(),
            json_schema: &self.schema,
            required_fields: &settings.schema.required_fields,
            rules: &settings.rules,
            settings: settings.schema.validation_settings.as_ref(),
            examples: &settings.examples,
        };
        prompt::build(&contract, Document { text, quality_score: self.quality_score }, task)
    }

    /// The system message; it is the same for each question.
    pub(super) fn system_message(&self) -> String {
        self.prompt("", Task::All).system
    }

    /// What is wrong with data by the user's own schema and rules.
    pub(super) fn check(&self, data: &Value) -> Vec<Issue> {
        self.examiner.failures(data)
    }

    /// Paths of values that stand at the end of a document.
    pub(super) fn totals(&self) -> Vec<&str> {
        let totals = [
            Concept::LinesNet,
            Concept::Allowances,
            Concept::Charges,
            Concept::Net,
            Concept::Tax,
            Concept::Gross,
            Concept::Prepaid,
            Concept::Due,
        ];
        totals.into_iter().filter_map(|total| self.examiner.concepts().path(total)).collect()
    }
}

/// The list of objects with the most properties, at the top of the schema or one below.
fn longest_list(schema: &Value) -> Option<FieldPath> {
    let properties =
        |schema: &'_ Value| schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut lists = Vec::new();
    for (name, property) in properties(schema) {
        for (inner, property) in properties(&property) {
            lists.push((format!("{name}.{inner}"), property));
        }
        lists.push((name, property));
    }
    let columns = |list: &Value| list.get("items").map_or(0, |items| properties(items).len());
    let longest = lists.into_iter().filter(|(_, list)| columns(list) >= 2).max_by_key(|(_, list)| columns(list))?;
    FieldPath::parse(&longest.0)
}
