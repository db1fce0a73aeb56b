//! Models and extractors are connections with parameters: which there are, which are allowed, and how their secrets are
//! kept. The forms of the web client are made of these tables.

use serde_json::{Map, Value, json};
use sluice_service::SecretBox;

use crate::error::Result;

mod remote;

/// What a secret looks like outside; sent back, it means "unchanged".
pub(crate) const MASK: &str = "********";

/// One parameter.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) key: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    pub(crate) secret: bool,
    pub(crate) label: &'static str,
    pub(crate) help: &'static str,
}

/// What a parameter may be.
#[derive(Debug)]
pub(crate) enum Kind {
    Text {
        default: &'static str,
        placeholder: &'static str,
    },
    Number {
        default: f64,
        min: f64,
        max: f64,
        whole: bool,
    },
    Flag {
        default: bool,
    },
    Choice {
        default: &'static str,
        words: &'static [&'static str],
    },
    /// A whole number that need not be given.
    Size {
        min: u64,
        max: u64,
    },
    /// One of some numbers.
    Mode {
        default: u64,
        numbers: &'static [u64],
    },
}

/// A kind of model.
#[derive(Debug)]
pub(crate) struct Adapter {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
    pub(crate) category: &'static str,
    pub(crate) parameters: &'static [Parameter],
    pub(crate) capabilities: &'static [&'static str],
}

const fn text(key: &'static str, label: &'static str, default: &'static str, help: &'static str) -> Parameter {
    Parameter { key, kind: Kind::Text { default, placeholder: "" }, required: false, secret: false, label, help }
}

const fn whole(key: &'static str, label: &'static str, range: (f64, f64, f64), help: &'static str) -> Parameter {
    let (default, min, max) = range;
    Parameter {
        key,
        kind: Kind::Number { default, min, max, whole: true },
        required: false,
        secret: false,
        label,
        help,
    }
}

const fn flag(key: &'static str, label: &'static str, help: &'static str) -> Parameter {
    Parameter { key, kind: Kind::Flag { default: false }, required: false, secret: false, label, help }
}

/// The kinds of model.
pub(crate) const ADAPTERS: [Adapter; 1] = [Adapter {
    name: "openai",
    title: "OpenAI-Compatible",
    description: "Any endpoint that speaks OpenAI's chat completions: OpenAI, vLLM, Ollama, llama.cpp and others",
    category: "llm",
    parameters: &[
        Parameter {
            key: "baseUrl",
            kind: Kind::Text { default: "", placeholder: "https://api.openai.com/v1" },
            required: true,
            secret: false,
            label: "Base URL",
            help: "Up to and without /chat/completions",
        },
        Parameter {
            key: "apiKey",
            kind: Kind::Text { default: "", placeholder: "sk-..." },
            required: true,
            secret: true,
            label: "API key",
            help: "Any text where the endpoint asks for none",
        },
        Parameter {
            key: "modelName",
            kind: Kind::Text { default: "", placeholder: "gpt-4o-mini" },
            required: true,
            secret: false,
            label: "Model name",
            help: "As the endpoint calls it",
        },
        Parameter {
            key: "temperature",
            kind: Kind::Number { default: 0.7, min: 0.0, max: 2.0, whole: false },
            required: false,
            secret: false,
            label: "Temperature",
            help: "0 answers the same way each time",
        },
        whole("maxTokens", "Max tokens", (4096.0, 1.0, 128_000.0), "The longest answer"),
        Parameter {
            key: "contextWindow",
            kind: Kind::Number { default: 0.0, min: 0.0, max: 10_000_000.0, whole: true },
            required: false,
            secret: false,
            label: "Context window",
            help: "Tokens of question and answer together; 0: what the test of the model finds out",
        },
        flag("supportsVision", "Supports vision", "The model takes pictures"),
        flag("supportsStructuredOutput", "Supports structured output", "The endpoint takes a JSON schema"),
    ],
    capabilities: &["llm", "vision"],
}];

const PAGE_MODE: Parameter = whole(
    "psm",
    "Page segmentation mode",
    (6.0, 0.0, 13.0),
    "Tesseract's page segmentation mode; 6 takes a page for one block of text and keeps its rows",
);

/// The kinds of extractor that this version can run.
pub(crate) const EXTRACTORS: [Adapter; 4] = [
    Adapter {
        name: "local",
        title: "Text layer, else OCR",
        description: "Reads the text that a PDF carries, page by page, and the picture where there is none",
        category: "ocr",
        parameters: &[
            Parameter {
                key: "ocr",
                kind: Kind::Choice { default: "auto", words: &["auto", "force", "never"] },
                required: false,
                secret: false,
                label: "OCR",
                help: "auto: where the text layer is missing or garbled",
            },
            text(
                "languages",
                "Languages",
                "auto",
                "Tesseract's names, the likeliest first, joined by +; auto finds out",
            ),
            whole(
                "psm",
                "Page segmentation mode",
                (0.0, 0.0, 13.0),
                "As Tesseract counts them; 0 finds out which reads best",
            ),
            whole("maxPages", "Most pages", (500.0, 1.0, 10_000.0), "Longer documents are refused"),
            Parameter {
                key: "useEmbeddedInvoice",
                kind: Kind::Flag { default: true },
                required: false,
                secret: false,
                label: "Believe e-invoices",
                help: "Takes what the XML of an e-invoice says and asks no model",
            },
        ],
        capabilities: &["pdf", "image"],
    },
    Adapter {
        name: "tesseract",
        title: "Tesseract OCR",
        description: "Reads the picture of every page with Tesseract",
        category: "ocr",
        parameters: &[
            text("lang", "Languages", "chi_sim+eng", "Tesseract's names, the likeliest first, joined by +"),
            PAGE_MODE,
            Parameter {
                kind: Kind::Mode { default: 1, numbers: &[1, 3] },
                ..text("oem", "Engine mode", "", "1 and 3 are the neural engine; the old one (0, 2) is not installed")
            },
            Parameter {
                kind: Kind::Choice { default: "tesseract", words: &["tesseract"] },
                ..text("binaryPath", "Program", "", "Tesseract is built in; no other program is run")
            },
        ],
        capabilities: &["pdf", "image"],
    },
    remote::PADDLE_OCR,
    remote::VISION_LLM,
];

impl Adapter {
    /// The parameters as forms read them.
    pub(crate) fn forms(&self) -> Value {
        let forms: Map<String, Value> =
            self.parameters.iter().map(|parameter| (parameter.key.to_owned(), parameter.form())).collect();
        Value::Object(forms)
    }

    fn parameter(&self, key: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.key == key)
    }

    /// All that is wrong with some values.
    pub(crate) fn problems(&self, values: &Map<String, Value>) -> Vec<String> {
        let mut problems = Vec::new();
        for (key, value) in values {
            match self.parameter(key) {
                None => problems.push(format!("Unknown parameter: {key}")),
                Some(_) if value.is_null() => {}
                Some(parameter) => problems.extend(parameter.problem(value)),
            }
        }
        for parameter in self.parameters.iter().filter(|parameter| parameter.required) {
            if values.get(parameter.key).is_none_or(|value| value.is_null() || value == "") {
                problems.push(format!("Missing required parameter: {}", parameter.key));
            }
        }
        problems
    }

    /// Puts sent values over stored ones: null removes, a masked secret stays as it is, another one is sealed.
    pub(crate) fn merge(
        &self,
        stored: &Value,
        sent: Map<String, Value>,
        secrets: &SecretBox,
    ) -> Result<Map<String, Value>> {
        let mut merged = stored.as_object().cloned().unwrap_or_default();
        for (key, value) in sent {
            let is_secret = self.parameter(&key).is_some_and(|parameter| parameter.secret);
            match value {
                Value::String(text) if is_secret => {
                    // A mask for a secret that was never stored is no secret.
                    if text != MASK {
                        merged.insert(key, Value::String(secrets.seal(&text)?));
                    }
                }
                Value::Null => {
                    merged.remove(&key);
                }
                value => {
                    merged.insert(key, value);
                }
            }
        }
        Ok(merged)
    }

    /// Stored values as they may be shown.
    pub(crate) fn mask(&self, stored: &Value) -> Value {
        let mut shown = stored.clone();
        for parameter in self.parameters.iter().filter(|parameter| parameter.secret) {
            if let Some(value) = shown.get_mut(parameter.key).filter(|value| !value.is_null() && *value != "") {
                *value = json!(MASK);
            }
        }
        shown
    }
}

impl Parameter {
    fn form(&self) -> Value {
        let mut form = json!({"required": self.required, "label": self.label, "helpText": self.help});
        let (kind, more) = match &self.kind {
            Kind::Text { default: "", placeholder } => ("string", json!({"placeholder": placeholder})),
            Kind::Text { default, .. } => ("string", json!({"default": default})),
            Kind::Number { default, min, max, whole } => {
                let number =
                    |value: f64| if *whole { json!(value.to_string().parse::<i64>().ok()) } else { json!(value) };
                let validation = json!({"min": number(*min), "max": number(*max)});
                ("number", json!({"default": number(*default), "validation": validation}))
            }
            Kind::Flag { default } => ("boolean", json!({"default": default})),
            Kind::Choice { default, words } => ("enum", json!({"default": default, "validation": {"enum": words}})),
            Kind::Size { min, max } => ("number", json!({"validation": {"min": min, "max": max}})),
            Kind::Mode { default, numbers } => ("number", json!({"default": default, "validation": {"enum": numbers}})),
        };
        if let (Some(form), Value::Object(more)) = (form.as_object_mut(), more) {
            form.insert("type".to_owned(), json!(kind));
            form.extend(more);
            if self.secret {
                form.insert("secret".to_owned(), json!(true));
            }
        }
        form
    }

    fn problem(&self, value: &Value) -> Option<String> {
        let key = self.key;
        match &self.kind {
            Kind::Text { .. } => (!value.is_string()).then(|| format!("Parameter {key} must be a string")),
            Kind::Flag { .. } => (!value.is_boolean()).then(|| format!("Parameter {key} must be a boolean")),
            Kind::Choice { words, .. } => {
                let known = value.as_str().is_some_and(|word| words.contains(&word));
                (!known).then(|| format!("Parameter {key} must be one of {}", words.join(", ")))
            }
            Kind::Size { min, max } => match value.as_u64() {
                Some(number) if (*min..=*max).contains(&number) => None,
                _ => Some(format!("Parameter {key} must be a whole number between {min} and {max}")),
            },
            Kind::Mode { numbers, .. } => {
                let known = value.as_u64().is_some_and(|number| numbers.contains(&number));
                let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
                (!known).then(|| format!("Parameter {key} must be one of {}", numbers.join(", ")))
            }
            Kind::Number { min, max, whole, .. } => match value.as_f64() {
                None => Some(format!("Parameter {key} must be a number")),
                Some(number) if *whole && number.fract() != 0.0 => Some(format!("Parameter {key} must be whole")),
                Some(number) if !(*min..=*max).contains(&number) => {
                    Some(format!("Parameter {key} must be between {min} and {max}"))
                }
                Some(_) => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> SecretBox {
        SecretBox::from_base64(&SecretBox::generate_key().unwrap()).unwrap()
    }

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn values_are_checked_against_their_table() {
        let [openai] = &ADAPTERS;
        let values = map(json!({"baseUrl": 1, "apiKey": "", "temperature": 3, "maxTokens": 1.5, "more": 1}));
        let expected = [
            "Parameter baseUrl must be a string",
            "Parameter temperature must be between 0 and 2",
            "Parameter maxTokens must be whole",
            "Unknown parameter: more",
            "Missing required parameter: apiKey",
            "Missing required parameter: modelName",
        ];
        assert_eq!(openai.problems(&values), expected);
        let [local, tesseract, ..] = &EXTRACTORS;
        assert_eq!(tesseract.problems(&map(json!({"oem": 3, "binaryPath": "tesseract"}))), [""; 0]);
        assert_eq!(tesseract.problems(&map(json!({"oem": 0, "binaryPath": "/bin/sh"}))).len(), 2);
        assert_eq!(local.problems(&map(json!({"ocr": "auto", "languages": "eng", "maxPages": 3}))), [""; 0]);
        assert_eq!(local.problems(&map(json!({"ocr": "maybe"}))).len(), 1);
    }

    #[test]
    fn secrets_are_sealed_masked_and_kept_when_sent_back_masked() {
        let [openai] = &ADAPTERS;
        let secrets = secrets();
        let stored = openai.merge(&json!({}), map(json!({"apiKey": "sk-1", "modelName": "a"})), &secrets).unwrap();
        let stored = Value::Object(stored);
        assert!(stored["apiKey"].as_str().unwrap().starts_with("sealed:"));
        assert_eq!(openai.mask(&stored), json!({"apiKey": MASK, "modelName": "a"}));
        let again = openai.merge(&stored, map(json!({"apiKey": MASK, "modelName": null})), &secrets).unwrap();
        assert_eq!(Value::Object(again), json!({"apiKey": stored["apiKey"]}));
        assert_eq!(openai.mask(&json!({"apiKey": ""})), json!({"apiKey": ""}));
    }

    #[test]
    fn forms_say_what_a_value_may_be() {
        let [openai] = &ADAPTERS;
        let forms = openai.forms();
        assert_eq!(forms["temperature"]["validation"], json!({"min": 0.0, "max": 2.0}));
        assert_eq!(forms["maxTokens"]["default"], json!(4096));
        assert_eq!(forms["apiKey"]["secret"], json!(true));
    }
}
