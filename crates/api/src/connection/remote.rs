//! The parameters of extractors that other services run.

use super::{Adapter, Kind, Parameter, flag, text, whole};

const fn switched_on(key: &'static str, label: &'static str, help: &'static str) -> Parameter {
    Parameter { kind: Kind::Flag { default: true }, ..flag(key, label, help) }
}

const fn number(key: &'static str, label: &'static str, range: (f64, f64, f64), help: &'static str) -> Parameter {
    let (default, min, max) = range;
    Parameter { kind: Kind::Number { default, min, max, whole: false }, ..whole(key, label, range, help) }
}

const fn pixels(key: &'static str, label: &'static str, help: &'static str) -> Parameter {
    Parameter { kind: Kind::Size { min: 1, max: 100_000_000 }, ..text(key, label, "", help) }
}

const fn example(key: &'static str, label: &'static str, placeholder: &'static str, help: &'static str) -> Parameter {
    Parameter { kind: Kind::Text { default: "", placeholder }, ..text(key, label, "", help) }
}

pub(super) const PADDLE_OCR: Adapter = Adapter {
    name: "paddleocr",
    title: "PaddleOCR VL",
    description: "Sends the file to a PaddleOCR server, which finds text, tables and their places",
    category: "ocr",
    parameters: &[
        text("baseUrl", "Base URL", "http://localhost:8080", "Where the server is"),
        example(
            "endpoint",
            "Endpoint",
            "/layout-parsing",
            "Without it the base URL, /layout-parsing and /layout_parsing are tried",
        ),
        Parameter {
            secret: true,
            ..example("apiKey", "API key", "", "Sent as a bearer token, where the server asks for one")
        },
        example("model", "Model", "paddleocr-vl-0.9b", "For Baidu's server, which wants a name"),
        whole(
            "timeoutMs",
            "Time limit",
            (120_000.0, 1_000.0, 300_000.0),
            "How long one request may take, in milliseconds",
        ),
        whole("maxRetries", "Tries", (3.0, 1.0, 10.0), "How often a server that is away or busy is asked"),
        switched_on("useDocOrientationClassify", "Turn pages upright", "The server finds out which way up a page is"),
        switched_on("useDocUnwarping", "Flatten pages", "The server straightens photos of bent pages"),
        switched_on("useLayoutDetection", "Find the layout", "The server reads block by block"),
        flag("useChartRecognition", "Read charts", "The server reads charts as tables"),
        switched_on("layoutNms", "Drop overlapping blocks", "Non-maximum suppression"),
        number("repetitionPenalty", "Repetition penalty", (1.0, 0.0, 10.0), "Above 1 the model repeats itself less"),
        number("temperature", "Temperature", (0.0, 0.0, 2.0), "0 reads the same way each time"),
        number("topP", "Top P", (1.0, 0.0, 1.0), "How many of the likely words are considered"),
        pixels("minPixels", "Least pixels", "Smaller pictures are enlarged"),
        pixels("maxPixels", "Most pixels", "Larger pictures are reduced"),
        flag("visualize", "Draw what was found", "The server sends pictures of the layout, which are not kept"),
        switched_on("prettifyMarkdown", "Prettify markdown", "The server sets headings and tables"),
        switched_on("showFormulaNumber", "Show numbers of formulas", "The server keeps them in the markdown"),
    ],
    capabilities: &["pdf", "image"],
};

pub(super) const VISION_LLM: Adapter = Adapter {
    name: "vision-llm",
    title: "Vision LLM (OpenAI-compatible)",
    description: "Shows the picture of every page to a language model that sees",
    category: "vision",
    parameters: &[
        text("baseUrl", "Base URL", "https://api.openai.com/v1", "Up to and without /chat/completions"),
        Parameter {
            required: true,
            secret: true,
            ..example("apiKey", "API key", "sk-...", "Any text where the endpoint asks for none")
        },
        Parameter {
            required: true,
            ..example("model", "Model", "gpt-4o", "As the endpoint calls it; it must take pictures")
        },
        number("temperature", "Temperature", (0.0, 0.0, 2.0), "0 reads the same way each time"),
        whole(
            "maxTokens",
            "Max tokens",
            (4096.0, 1.0, 128_000.0),
            "The longest answer about one page; a page that is longer fails",
        ),
        Parameter {
            kind: Kind::Choice { default: "auto", words: &["auto", "low", "high"] },
            ..text("detail", "Detail", "", "low sends smaller pictures, for fewer tokens")
        },
        example(
            "prompt",
            "Prompt",
            "",
            "What the model is told; without it, to write all that it can read as markdown",
        ),
    ],
    capabilities: &["pdf", "image"],
};

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sluice_remote_extractors::{paddle_ocr, vision};
    use sluice_service::SecretBox;

    use super::*;

    fn secrets() -> SecretBox {
        SecretBox::from_base64(&SecretBox::generate_key().unwrap()).unwrap()
    }

    /// The settings that a form makes when nobody changes anything.
    fn defaults(adapter: &Adapter) -> Value {
        let forms = adapter.forms();
        let shown = forms
            .as_object()
            .unwrap()
            .iter()
            .filter_map(|(key, form)| Some((key.clone(), form.get("default")?.clone())));
        Value::Object(shown.collect())
    }

    #[test]
    fn the_defaults_that_forms_show_are_those_that_are_used() {
        let read = |config: &Value| paddle_ocr::Settings::read("x", config, &secrets()).unwrap();
        let (shown, none) = (read(&defaults(&PADDLE_OCR)), read(&json!({})));
        let identity = |settings: &paddle_ocr::Settings| serde_json::to_value(settings.identity()).unwrap();
        assert_eq!(identity(&shown), identity(&none));
        assert_eq!((shown.timeout(), shown.max_retries()), (none.timeout(), none.max_retries()));

        let least = json!({"apiKey": "k", "model": "m"});
        let mut shown = defaults(&VISION_LLM);
        shown.as_object_mut().unwrap().extend(least.as_object().unwrap().clone());
        let identity = |config: &Value| {
            serde_json::to_value(vision::Settings::read("x", config, &secrets()).unwrap().identity()).unwrap()
        };
        assert_eq!(identity(&shown), identity(&least));
    }

    #[test]
    fn ranges_are_checked() {
        let problems = |adapter: &Adapter, values: Value| adapter.problems(values.as_object().unwrap());
        let good = json!({"timeoutMs": 1000, "maxRetries": 10, "topP": 0.5, "minPixels": 1, "maxPixels": 100_000_000});
        assert_eq!(problems(&PADDLE_OCR, good), [""; 0]);
        for bad in [
            json!({"timeoutMs": 999}),
            json!({"maxRetries": 0}),
            json!({"maxRetries": 1.5}),
            json!({"repetitionPenalty": 11}),
            json!({"topP": 2}),
            json!({"minPixels": 0}),
            json!({"maxPixels": 100_000_001}),
            json!({"maxPixels": "many"}),
            json!({"visualize": 1}),
            json!({"more": 1}),
        ] {
            assert_eq!(problems(&PADDLE_OCR, bad.clone()).len(), 1, "{bad}");
        }
        assert_eq!(problems(&VISION_LLM, json!({})).len(), 2, "key and model are required");
        assert_eq!(problems(&VISION_LLM, json!({"apiKey": "k", "model": "m", "detail": "more"})).len(), 1);
    }
}
