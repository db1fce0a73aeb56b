//! The report as a page for people.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::report::Report;

/// Longer lists are cut; `report.json` has all of them.
const MOST: usize = 200;

/// Writes the report in Markdown.
pub(crate) fn render(report: &Report) -> Result<String, std::fmt::Error> {
    let mut page = "# Evaluation\n\n".to_owned();
    for (name, value) in report.about.as_object().into_iter().flatten() {
        writeln!(page, "- {name}: {}", plain(value))?;
    }
    writeln!(page, "\n| figure | value |\n|---|---|")?;
    for (name, value) in &report.summary {
        writeln!(page, "| {name} | {} |", plain(value))?;
    }
    counts(&mut page, "Fields", &report.per_field)?;
    counts(&mut page, "Columns of the line items", &report.per_column)?;
    if !report.seconds_by_stage.is_empty() {
        writeln!(page, "\n## Seconds by stage\n\n| stage | documents | in all | on average |\n|---|---|---|---|")?;
        for (stage, times) in &report.seconds_by_stage {
            let cell = |name: &str| plain(times.get(name).unwrap_or(&Value::Null));
            writeln!(page, "| {stage} | {} | {} | {} |", cell("documents"), cell("seconds"), cell("mean"))?;
        }
    }
    documents(&mut page, report)?;
    if let Some(comparison) = &report.comparison {
        compare(&mut page, comparison)?;
    }
    list(&mut page, "Truths without a document", &report.missing_documents)?;
    list(&mut page, "Documents that were not run", &report.not_run)?;
    Ok(page)
}

/// The worst first.
fn counts(page: &mut String, title: &str, counts: &Map<String, Value>) -> std::fmt::Result {
    if counts.is_empty() {
        return Ok(());
    }
    let mut sorted: Vec<(&String, &Value)> = counts.iter().collect();
    let rate = |count: &Value| count.get("rate").and_then(Value::as_f64).unwrap_or_default();
    sorted.sort_by(|a, b| rate(a.1).total_cmp(&rate(b.1)));
    writeln!(page, "\n## {title}\n\n| path | right | of | missing | rate |\n|---|---|---|---|---|")?;
    for (path, count) in sorted {
        let cell = |name: &str| plain(count.get(name).unwrap_or(&Value::Null));
        let path = escaped(path);
        writeln!(page, "| {path} | {} | {} | {} | {} |", cell("right"), cell("count"), cell("missing"), cell("rate"))?;
    }
    Ok(())
}

fn documents(page: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(page, "\n## Documents\n\n| document | outcome | seconds | what is not right |\n|---|---|---|---|")?;
    for (name, document) in &report.documents {
        let text = |key: &str| document.get(key).and_then(Value::as_str);
        let mut wrong: Vec<String> = document
            .get("fields")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter(|(_, verdict)| *verdict != "right")
            .map(|(path, verdict)| if verdict == "missing" { format!("{path} (missing)") } else { path.clone() })
            .collect();
        let lines = document.get("line_items").filter(|lines| lines.is_object());
        if let Some(lines) = lines {
            let count = |name: &str| lines.get(name).and_then(Value::as_u64).unwrap_or_default();
            let (right, wanted, found) = (count("right"), count("wanted"), count("found"));
            if right < wanted || found != wanted {
                wrong.push(format!("{right} of {wanted} lines right, {found} found"));
            }
        }
        if document.get("bad_input_ok") == Some(&Value::Bool(false)) {
            wrong.push("values from what holds none".to_owned());
        }
        wrong.extend(text("error").map(str::to_owned));
        let seconds = plain(document.get("seconds").unwrap_or(&Value::Null));
        let (name, outcome) = (escaped(name), text("outcome").unwrap_or_default());
        writeln!(page, "| {name} | {outcome} | {seconds} | {} |", escaped(&wrong.join("; ")))?;
    }
    Ok(())
}

fn compare(page: &mut String, comparison: &Value) -> std::fmt::Result {
    let with = plain(comparison.get("with").unwrap_or(&Value::Null));
    writeln!(page, "\n## Compared with {with}\n\n| figure | before | now | change |\n|---|---|---|---|")?;
    for (name, figure) in comparison.get("figures").and_then(Value::as_object).into_iter().flatten() {
        let cell = |name: &str| plain(figure.get(name).unwrap_or(&Value::Null));
        writeln!(page, "| {name} | {} | {} | {} |", cell("before"), cell("now"), cell("change"))?;
    }
    for (key, title) in [("became_wrong", "Became wrong"), ("became_right", "Became right")] {
        let values = comparison.get(key).and_then(Value::as_array).into_iter().flatten();
        let values: Vec<String> = values.filter_map(|value| Some(value.as_str()?.to_owned())).collect();
        list(page, title, &values)?;
    }
    Ok(())
}

fn list(page: &mut String, title: &str, entries: &[String]) -> std::fmt::Result {
    if entries.is_empty() {
        return Ok(());
    }
    writeln!(page, "\n### {title} ({})\n", entries.len())?;
    for entry in entries.iter().take(MOST) {
        writeln!(page, "- {}", escaped(entry))?;
    }
    Ok(())
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => escaped(text),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| format!("{name} {}", plain(value))).collect::<Vec<_>>().join(", ")
        }
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// One line of plain text: what a document or a server says must not build tables or links.
fn escaped(text: &str) -> String {
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.chars().flat_map(|letter| "\\|<>[]`*".contains(letter).then_some('\\').into_iter().chain([letter])).collect()
}
