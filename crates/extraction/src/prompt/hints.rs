//! What is known of a project's documents beside their schema.

use serde_json::{Map, Value};

/// The characters of an example's text that are shown.
const EXAMPLE_CHARS: usize = 500;

/// What a person has verified in another document.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// The document's text.
    pub text: String,
    /// Its data.
    pub data: Value,
}

/// A word of caution about a text that was not read well.
pub(super) fn caution(quality_score: i32) -> Option<String> {
    let (word, advice) = match quality_score {
        90.. => return None,
        70..=89 => ("good", "Some characters may be misread."),
        _ => ("poor", "Characters may be misread: 0 and O, 1 and l, 5 and S, 8 and B, and characters that look alike."),
    };
    Some(format!("The text was read from a picture, with a quality of {quality_score} of 100 ({word}). {advice}"))
}

/// The sections of the system message that come of the settings.
pub(super) fn sections(settings: &Map<String, Value>) -> Vec<(&'static str, String)> {
    let mut sections = Vec::new();
    let rules = lines(settings.get("crossFieldRules"), cross_field_line);
    if !rules.is_empty() {
        sections.push(("Rules between fields", rules));
    }
    let hints = settings.get("ocrDomainHints").and_then(domain);
    if let Some(hints) = hints.filter(|hints| !hints.is_empty()) {
        sections.push(("About these documents", hints));
    }
    sections
}

fn cross_field_line(rule: &Value) -> Option<String> {
    if rule.get("enabled") != Some(&Value::Bool(true)) {
        return None;
    }
    let expression = rule.get("expression")?.as_str()?;
    let message = text(rule, "errorMessage").map(|message| format!(" ({message})")).unwrap_or_default();
    Some(format!("- {expression}{message}"))
}

fn domain(hints: &Value) -> Option<String> {
    let facts = [("documentType", "Kind"), ("language", "Language")];
    let mut told: Vec<String> =
        facts.into_iter().filter_map(|(key, name)| Some(format!("{name}: {}", text(hints, key)?))).collect();
    let confusions = lines(hints.get("knownConfusions"), |confusion| {
        let context = text(confusion, "context").map(|context| format!(" ({context})")).unwrap_or_default();
        Some(format!("- `{}` is often `{}`{context}", text(confusion, "from")?, text(confusion, "to")?))
    });
    let fields =
        lines(hints.get("fieldHints"), |hint| Some(format!("- {}: {}", text(hint, "field")?, text(hint, "hint")?)));
    for (title, body) in [("Characters that are misread:", confusions), ("Where fields stand:", fields)] {
        if !body.is_empty() {
            told.push(format!("{title}\n{body}"));
        }
    }
    told.extend(text(hints, "customInstructions").map(str::to_owned));
    Some(told.join("\n"))
}

/// Documents with their data, shortened.
pub(super) fn examples(examples: &[Example]) -> String {
    let mut told = "From other documents; take no value from here.".to_owned();
    for example in examples {
        let start: String = example.text.chars().take(EXAMPLE_CHARS).collect();
        let mut data = example.data.clone();
        if let Some(fields) = data.as_object_mut() {
            fields.retain(|name, _| !name.starts_with('_'));
        }
        told.push_str(&format!("\n\n{}\n...\n{data}", start.replace("</document>", "< /document>").trim_end()));
    }
    told
}

fn lines(list: Option<&Value>, line: impl Fn(&Value) -> Option<String>) -> String {
    let entries = list.and_then(Value::as_array).into_iter().flatten();
    entries.filter_map(line).collect::<Vec<_>>().join("\n")
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}
