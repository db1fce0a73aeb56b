//! A validation script from a wish.

use serde_json::Value;

use super::{Result, Unusable, read_object, without_fence};
use crate::prompt::Prompt;

/// A script that can be stored as it is, once its syntax was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedScript {
    /// Its name.
    pub name: String,
    /// What it checks.
    pub description: String,
    /// How bad its findings are: `warning` or `error`.
    pub severity: &'static str,
    /// JavaScript.
    pub script: String,
}

const INSTRUCTION: &str = "\
You write validation scripts in JavaScript for data that was extracted from a document. Answer with one JSON object \
{\"name\", \"description\", \"severity\", \"script\"} and nothing else.

- script defines `function validate(extractedData)`, which returns an array of issues at once, without promises; an empty one when \
all is well.
- An issue is {field, message, severity, actual, expected}: field is a dot path, severity \"warning\" or \"error\"; actual and \
expected may be left out.
- Any value may be null or missing: check before you use it. Compare amounts with a tolerance of 0.01.
- There is only plain JavaScript: no require, no import, no network, no timers.
- name is short; description says in one sentence what is checked; severity is how bad a finding is: \"warning\" or \"error\".";

/// Longer names are cut.
const MAX_NAME_CHARS: usize = 255;

/// The messages. `structure` is an example of the data, or its schema.
#[must_use]
pub fn prompt(wish: &str, structure: &Value) -> Prompt {
    Prompt {
        system: INSTRUCTION.to_owned(),
        user: format!("The structure of the data:\n{structure:#}\n\nTo be checked:\n\n{wish}"),
    }
}

/// Reads the answer; the syntax of the script is still to be checked.
///
/// # Errors
/// When it has no name, or no script with a function `validate`.
pub fn read(content: &str, finish_reason: &str) -> Result<GeneratedScript> {
    let answer = read_object(content, finish_reason)?;
    let text = |key: &str| answer.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let name = text("name").ok_or_else(|| Unusable::new("it has no \"name\""))?;
    let script = text("script").map(without_fence).ok_or_else(|| Unusable::new("it has no \"script\""))?;
    if !defines_validate(script) {
        return Err(Unusable::new("the script does not define function validate(extractedData)"));
    }
    let is_error = text("severity").is_some_and(|severity| severity.eq_ignore_ascii_case("error"));
    Ok(GeneratedScript {
        name: name.chars().take(MAX_NAME_CHARS).collect(),
        description: text("description").unwrap_or_default().to_owned(),
        severity: if is_error { "error" } else { "warning" },
        script: script.to_owned(),
    })
}

/// Whether `function validate(` stands somewhere, with any white space.
fn defines_validate(script: &str) -> bool {
    script.match_indices("function").any(|(at, word)| {
        let rest = script.get(at + word.len()..).unwrap_or_default();
        let name = rest.trim_start();
        rest.len() != name.len() && name.strip_prefix("validate").is_some_and(|rest| rest.trim_start().starts_with('('))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_answer(answer: &Value) -> Result<GeneratedScript> {
        read(&answer.to_string(), "stop")
    }

    #[test]
    fn a_script_needs_a_name_and_its_function() {
        let script = "```js\nfunction  validate (extractedData) { return []; }\n```";
        let read = read_answer(&json!({"name": " Sums ", "severity": "ERROR", "script": script})).unwrap();
        let plain = "function  validate (extractedData) { return []; }";
        assert_eq!(read.script, plain);
        assert_eq!((read.name.as_str(), read.severity, read.description.as_str()), ("Sums", "error", ""));
        let unsure = read_answer(&json!({"name": "Sums", "severity": "grave", "script": plain})).unwrap();
        assert_eq!(unsure.severity, "warning");
        for (answer, what) in [
            (json!({"script": plain}), "name"),
            (json!({"name": "Sums"}), "\"script\""),
            (json!({"name": "Sums", "script": "const validate = () => []"}), "function validate"),
            (json!({"name": "Sums", "script": "function validateAll() {}"}), "function validate"),
            (json!({"name": "Sums", "script": "functionvalidate()"}), "function validate"),
        ] {
            let error = read_answer(&answer).unwrap_err().to_string();
            assert!(error.contains(what), "{answer}: {error}");
        }
    }
}
