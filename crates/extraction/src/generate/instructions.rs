//! Texts that tell a model how to extract: a schema's prompt rules, and the prompt of a project.

use serde_json::Value;

use crate::prompt::Prompt;
use crate::schema::in_order;

/// More of what was corrected is not told.
const MAX_CORRECTIONS_CHARS: usize = 40_000;

/// What prompt rules are made of.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// What is wanted, in a person's words.
    pub prompt: &'a str,
    /// The schema.
    pub json_schema: &'a Value,
    /// The rules as they are stored.
    pub current: Option<&'a str>,
    /// An earlier answer that the person did not take.
    pub previous: Option<&'a str>,
    /// What the person says of it.
    pub feedback: Option<&'a str>,
}

const RULES: &str = "\
You write the rules that a model follows when it extracts data from documents. Answer with the rules in Markdown and nothing \
else: no greeting, no code fence around them.

- Short bullet points under short headings; each says for a field, or a kind of field, where it is printed, how it is told from \
others, in which form it is written, and which misreadings of OCR to expect.
- Name fields as the JSON Schema below does.
- Write general rules; never a value of a single document.
- Keep what is good in the present rules; leave out what contradicts the wish.";

const CORRECTIONS: &str = "\
The corrections below were made by people, after extraction, in documents of this schema: which fields, how often, from what to \
what, and which characters OCR confused. Write rules that would have prevented them. What happened once may be chance: write a rule \
for what repeats.";

const OPTIMISE: &str = "\
You improve instructions for a model that extracts data from documents into JSON. You are given a description, often a rough one, \
of what is wanted. Answer with the improved instruction, in the language of the description, and nothing else: no greeting, no \
code fence, no explanation.

- Say what kind of document it is, which values are wanted and in which form, and what to do when a value is missing or unclear.
- Be specific and brief; invent no requirement.";

/// The messages that ask for prompt rules.
#[must_use]
pub fn rules_prompt(wish: &Wish<'_>) -> Prompt {
    Prompt { system: with_schema(RULES, wish.json_schema), user: with_drafts(wish.prompt.to_owned(), wish) }
}

/// The messages that ask for prompt rules out of what people corrected.
#[must_use]
pub fn corrections_prompt(analysis: &Value, wish: &Wish<'_>) -> Prompt {
    // Values can be long, and what comes first was corrected most often.
    let corrections: String = format!("{analysis:#}").chars().take(MAX_CORRECTIONS_CHARS).collect();
    let user = format!("{}\n\nCorrections:\n{corrections}", wish.prompt);
    Prompt {
        system: with_schema(&format!("{RULES}\n\n{CORRECTIONS}"), wish.json_schema),
        user: with_drafts(user, wish),
    }
}

/// The messages that ask for a better instruction.
#[must_use]
pub fn optimise_prompt(description: &str) -> Prompt {
    Prompt { system: OPTIMISE.to_owned(), user: description.to_owned() }
}

fn with_schema(instruction: &str, json_schema: &Value) -> String {
    format!("{instruction}\n\nJSON Schema:\n{:#}", in_order(json_schema))
}

fn with_drafts(mut text: String, wish: &Wish<'_>) -> String {
    for (title, draft) in [
        ("The present rules", wish.current),
        ("Your last draft", wish.previous),
        ("What is to change in it", wish.feedback),
    ] {
        if let Some(draft) = draft.filter(|draft| !draft.trim().is_empty()) {
            text.push_str(&format!("\n\n{title}:\n\n{draft}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn drafts_are_told_when_there_are_any() {
        let schema = json!({"type": "object", "properties": {"total": {}}});
        let bare =
            Wish { prompt: "totals last", json_schema: &schema, current: None, previous: Some(" "), feedback: None };
        let prompt = rules_prompt(&bare);
        assert_eq!(prompt.user, "totals last");
        assert!(prompt.system.contains("\"total\""));
        let full = Wish { current: Some("- old"), feedback: Some("shorter"), ..bare };
        let prompt = corrections_prompt(&json!({"totalDiffs": 3}), &full);
        assert!(prompt.system.contains("corrections below"));
        for part in ["totals last", "\"totalDiffs\": 3", "The present rules:\n\n- old", "shorter"] {
            assert!(prompt.user.contains(part), "{part}: {}", prompt.user);
        }
    }
}
