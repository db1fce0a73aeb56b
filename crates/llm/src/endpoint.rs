//! A model's connection.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use sluice_service::SecretBox;

use crate::capabilities::Capabilities;
use crate::error::{Error, Result};

/// What a model answers at most when its row says nothing.
const DEFAULT_MAX_TOKENS: u32 = 4_096;
const DEFAULT_TEMPERATURE: f64 = 0.1;

/// A model's connection.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The URL up to and without `/chat/completions`.
    pub base_url: String,
    /// The key.
    pub api_key: SecretString,
    /// The model, as the endpoint calls it.
    pub model: String,
    /// How freely it answers.
    pub temperature: f64,
    /// The longest answer.
    pub max_tokens: u32,
    /// What question and answer may take together; absent when nobody has told.
    pub context_tokens: Option<u32>,
    /// Whether to begin with `json_schema`; what an endpoint refuses is not asked for again.
    pub structured_output: bool,
    /// What its last test has found; what it can't do any more is found out when it is asked.
    pub capabilities: Capabilities,
}

impl Endpoint {
    /// Reads the parameters of the model with this name and opens its key.
    ///
    /// # Errors
    /// `Incomplete` when a parameter is missing, `Key` when the key was sealed under another one.
    pub fn read(name: &str, parameters: &Value, secrets: &SecretBox) -> Result<Self> {
        let text = |key: &str| parameters.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        let whole = |key: &str| parameters.get(key).and_then(Value::as_u64).and_then(|count| u32::try_from(count).ok());
        let required = |parameter: &'static str| {
            text(parameter).ok_or_else(|| Error::Incomplete { model: name.to_owned(), parameter })
        };
        let api_key = secrets
            .open(text("apiKey").unwrap_or_default())
            .map_err(|source| Error::Key { model: name.to_owned(), source })?;
        Ok(Self {
            base_url: required("baseUrl")?.to_owned(),
            api_key,
            model: required("modelName")?.to_owned(),
            temperature: parameters.get("temperature").and_then(Value::as_f64).unwrap_or(DEFAULT_TEMPERATURE),
            max_tokens: whole("maxTokens").unwrap_or(DEFAULT_MAX_TOKENS),
            context_tokens: whole("contextWindow").or_else(|| whole("contextTokens")).filter(|tokens| *tokens > 0),
            structured_output: parameters.get("supportsStructuredOutput").and_then(Value::as_bool).unwrap_or(true),
            capabilities: Capabilities::default(),
        })
    }

    /// Takes over what the last test of the model has found. What its row says wins.
    #[must_use]
    pub fn knowing(mut self, capabilities: Option<&Value>) -> Self {
        // What another version has written differently is not known.
        let known = capabilities.and_then(|found| Capabilities::deserialize(found).ok()).unwrap_or_default();
        self.context_tokens = self.context_tokens.or(known.context_tokens);
        self.capabilities = known;
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sluice_core::{Classify, ErrorKind};

    use super::*;
    use crate::capabilities::ResponseFormat;

    fn secrets() -> SecretBox {
        SecretBox::from_base64(&SecretBox::generate_key().unwrap()).unwrap()
    }

    #[test]
    fn what_a_row_does_not_say_has_a_default() {
        let parameters = json!({"baseUrl": "http://model", "apiKey": "key", "modelName": "m"});
        let endpoint = Endpoint::read("Model", &parameters, &secrets()).unwrap();
        assert_eq!((endpoint.temperature, endpoint.max_tokens, endpoint.structured_output), (0.1, 4_096, true));
    }

    #[test]
    fn what_a_row_says_wins_over_what_a_test_has_found() {
        let parameters = json!({"baseUrl": "http://model", "apiKey": "key", "modelName": "m"});
        let read = |parameters: &Value| Endpoint::read("Model", parameters, &secrets()).unwrap();
        let found = json!({"contextTokens": 8192, "responseFormat": "json_object", "moreThanWeKnow": 1});
        let endpoint = read(&parameters).knowing(Some(&found));
        assert_eq!(endpoint.context_tokens, Some(8192));
        assert_eq!(endpoint.capabilities.response_format, Some(ResponseFormat::JsonObject));
        let mut said = parameters.clone();
        said["contextWindow"] = json!(4096);
        assert_eq!(read(&said).knowing(Some(&found)).context_tokens, Some(4096));
        assert_eq!(read(&parameters).knowing(Some(&json!({"contextTokens": "many"}))).context_tokens, None);
    }

    #[test]
    fn a_row_that_can_t_be_used_says_what_is_missing() {
        let error = Endpoint::read("Model", &json!({"baseUrl": " ", "modelName": "m"}), &secrets()).unwrap_err();
        assert_eq!((error.kind(), error.client_message().as_str()), (ErrorKind::Invalid, "Model Model has no baseUrl"));
        let sealed = secrets().seal("key").unwrap();
        let parameters = json!({"baseUrl": "http://model", "apiKey": sealed, "modelName": "m"});
        let error = Endpoint::read("Model", &parameters, &secrets()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().ends_with("enter it again"), "{error}");
    }
}
