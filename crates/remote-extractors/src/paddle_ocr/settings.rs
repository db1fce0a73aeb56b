//! How a server is asked.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::Value;
use sluice_service::SecretBox;
use url::Url;

use super::request::Form;
use crate::error::{Error, Result};

/// Baidu's server, which wants another form of request.
const QIANFAN: &str = "qianfan.baidubce.com";

/// How a server is asked.
#[derive(Debug, Clone)]
pub struct Settings {
    pub(super) name: String,
    pub(super) base_url: Url,
    endpoint: Option<String>,
    pub(super) api_key: Option<SecretString>,
    model: Option<String>,
    pub(super) timeout: Duration,
    max_retries: u32,
    pub(super) options: Options,
}

/// What decides what the pages say; all of it is sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "PaddleX explains them under these names")]
#[expect(clippy::struct_excessive_bools, reason = "so is the server's interface")]
pub struct Options {
    pub use_doc_orientation_classify: bool,
    pub use_doc_unwarping: bool,
    pub use_layout_detection: bool,
    pub use_chart_recognition: bool,
    pub layout_nms: bool,
    pub repetition_penalty: f64,
    pub temperature: f64,
    pub top_p: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_pixels: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_pixels: Option<u64>,
    pub visualize: bool,
    pub prettify_markdown: bool,
    pub show_formula_number: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            use_doc_orientation_classify: true,
            use_doc_unwarping: true,
            use_layout_detection: true,
            use_chart_recognition: false,
            layout_nms: true,
            repetition_penalty: 1.0,
            temperature: 0.0,
            top_p: 1.0,
            min_pixels: None,
            max_pixels: None,
            visualize: false,
            prettify_markdown: true,
            show_formula_number: true,
        }
    }
}

impl Settings {
    /// Where a server is expected when the settings don't say.
    pub const DEFAULT_BASE_URL: &str = "http://localhost:8080";
    /// How long one request may take when the settings don't say.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(120);
    /// How often a server is asked when the settings don't say.
    pub const DEFAULT_MAX_RETRIES: u32 = 3;

    /// Reads the settings of the extractor with this name and opens its key.
    ///
    /// # Errors
    /// `Setting` when one can't be used, `Key` when the key was sealed under another one.
    pub fn read(name: &str, config: &Value, secrets: &SecretBox) -> Result<Self> {
        let wrong = |problem: &str| Error::Setting { extractor: name.to_owned(), problem: problem.to_owned() };
        let text = |key: &str| config.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        let flag = |key: &str, default: bool| config.get(key).and_then(Value::as_bool).unwrap_or(default);
        let number = |key: &str, default: f64| config.get(key).and_then(Value::as_f64).unwrap_or(default);
        let whole = |key: &str| config.get(key).and_then(Value::as_u64);
        let base_url = text("baseUrl").unwrap_or(Self::DEFAULT_BASE_URL);
        let base_url = Url::parse(base_url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let api_key = match text("apiKey") {
            Some(stored) => {
                Some(secrets.open(stored).map_err(|source| Error::Key { extractor: name.to_owned(), source })?)
            }
            None => None,
        };
        let default = Options::default();
        Ok(Self {
            name: name.to_owned(),
            base_url: base_url.ok_or_else(|| wrong("baseUrl is no URL"))?,
            endpoint: text("endpoint").map(str::to_owned),
            api_key: api_key.filter(|key| !key.expose_secret().is_empty()),
            model: text("model").map(str::to_owned),
            timeout: whole("timeoutMs").map_or(Self::DEFAULT_TIMEOUT, Duration::from_millis),
            max_retries: whole("maxRetries")
                .and_then(|tries| u32::try_from(tries).ok())
                .unwrap_or(Self::DEFAULT_MAX_RETRIES),
            options: Options {
                use_doc_orientation_classify: flag("useDocOrientationClassify", default.use_doc_orientation_classify),
                use_doc_unwarping: flag("useDocUnwarping", default.use_doc_unwarping),
                use_layout_detection: flag("useLayoutDetection", default.use_layout_detection),
                use_chart_recognition: flag("useChartRecognition", default.use_chart_recognition),
                layout_nms: flag("layoutNms", default.layout_nms),
                repetition_penalty: number("repetitionPenalty", default.repetition_penalty),
                temperature: number("temperature", default.temperature),
                top_p: number("topP", default.top_p),
                min_pixels: whole("minPixels"),
                max_pixels: whole("maxPixels"),
                visualize: flag("visualize", default.visualize),
                prettify_markdown: flag("prettifyMarkdown", default.prettify_markdown),
                show_formula_number: flag("showFormulaNumber", default.show_formula_number),
            },
        })
    }

    /// How long one request may take.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// How often a server is asked at most.
    #[must_use]
    pub const fn max_retries(&self) -> u32 {
        self.max_retries
    }

    /// What pages are kept under: all that changes what they say. Keys, waits and prices don't.
    #[must_use]
    pub fn identity(&self) -> impl Serialize + use<'_> {
        (self.base_url.as_str(), &self.endpoint, &self.model, &self.options)
    }

    pub(super) fn form(&self) -> Form {
        if self.is_qianfan() { Form::File } else { Form::Image }
    }

    /// The model's name, for the server that wants one.
    pub(super) fn model(&self) -> Option<&str> {
        self.is_qianfan().then(|| self.model.as_deref().unwrap_or("paddleocr-vl-0.9b"))
    }

    fn is_qianfan(&self) -> bool {
        self.base_url.host_str().is_some_and(|host| host.eq_ignore_ascii_case(QIANFAN))
    }

    /// Where to ask, in this order: the endpoint of the settings, else the base URL itself; then where servers have it.
    pub(super) fn endpoints(&self) -> Vec<Url> {
        let path = self.base_url.path().trim_end_matches('/').to_owned();
        let first = self.endpoint.as_deref().unwrap_or_default();
        let mut endpoints: Vec<Url> = Vec::new();
        for name in [first, "/layout-parsing", "/layout_parsing"] {
            let mut url = self.base_url.clone();
            // What is behind a question mark in an endpoint is a query, not a part of a name.
            let (name, query) = name.split_once('?').map_or((name, None), |(name, query)| (name, Some(query)));
            let name = name.trim_start_matches('/');
            url.set_path(&if name.is_empty() { path.clone() } else { format!("{path}/{name}") });
            if query.is_some() {
                url.set_query(query);
            }
            if !endpoints.contains(&url) {
                endpoints.push(url);
            }
        }
        endpoints
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(config: &Value) -> Settings {
        let secrets = SecretBox::from_base64(&SecretBox::generate_key().unwrap()).unwrap();
        Settings::read("Scans", config, &secrets).unwrap()
    }

    fn paths(settings: &Settings) -> Vec<String> {
        settings.endpoints().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn endpoints_are_tried_in_their_order_below_the_base_url() {
        let root = read(&json!({}));
        assert_eq!(
            paths(&root),
            ["http://localhost:8080/", "http://localhost:8080/layout-parsing", "http://localhost:8080/layout_parsing"]
        );
        let below = read(&json!({"baseUrl": "https://ocr.example/v1/", "endpoint": "read?fast=1"}));
        assert_eq!(
            paths(&below),
            [
                "https://ocr.example/v1/read?fast=1",
                "https://ocr.example/v1/layout-parsing",
                "https://ocr.example/v1/layout_parsing"
            ]
        );
        let known = read(&json!({"baseUrl": "http://h", "endpoint": "/layout-parsing"}));
        assert_eq!(paths(&known), ["http://h/layout-parsing", "http://h/layout_parsing"]);
    }

    #[test]
    fn what_the_settings_do_not_say_has_a_default() {
        let settings = read(&json!({"apiKey": "", "endpoint": " ", "maxRetries": null}));
        assert_eq!((settings.timeout, settings.max_retries()), (Duration::from_secs(120), 3));
        assert!(settings.api_key.is_none() && settings.model().is_none());
        assert_eq!(settings.options, Options::default());
        let qianfan = read(&json!({"baseUrl": "https://qianfan.baidubce.com/v2/ocr/paddleocr"}));
        assert_eq!((qianfan.model(), qianfan.form()), (Some("paddleocr-vl-0.9b"), Form::File));
        let secrets = SecretBox::from_base64(&SecretBox::generate_key().unwrap()).unwrap();
        for url in ["nonsense", "file:///etc/passwd"] {
            let error = Settings::read("Scans", &json!({"baseUrl": url}), &secrets).unwrap_err();
            assert_eq!(error.to_string(), "Extractor Scans: baseUrl is no URL");
        }
    }

    #[test]
    fn keys_and_waits_do_not_change_what_pages_are_kept_under() {
        let identity = |config: Value| serde_json::to_value(read(&config).identity()).unwrap();
        let plain = identity(json!({}));
        assert_eq!(plain, identity(json!({"apiKey": "k", "timeoutMs": 5000, "maxRetries": 1, "pricing": {}})));
        for (key, value) in [
            ("baseUrl", json!("http://h")),
            ("endpoint", json!("/a")),
            ("model", json!("m")),
            ("useDocUnwarping", json!(false)),
            ("maxPixels", json!(5)),
            ("topP", json!(0.5)),
        ] {
            assert_ne!(plain, identity(json!({ key: value })), "{key}");
        }
    }
}
