//! What is kept in the data of its own making, under `_extraction_info`.

use serde_json::{Map, Value, json};

use super::Assessment;

/// The name under which it is kept.
const NAME: &str = "_extraction_info";
/// A value less certain than this is worth a look.
const UNCERTAIN: f64 = 0.7;

/// What the data says of its own making.
#[derive(Debug)]
pub struct Info;

/// What a model said of its answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ModelInfo {
    /// How sure it was of all.
    pub confidence: Option<f64>,
    /// What it took for misread.
    pub ocr_issues: Vec<Value>,
}

impl ModelInfo {
    /// Reads it from data as the model answered them.
    #[must_use]
    pub fn of_reply(data: &Value) -> Self {
        Self::read(data, "confidence")
    }

    /// Reads it from data that [`Info::write`] has been at.
    #[must_use]
    pub fn kept(data: &Value) -> Self {
        Self::read(data, "model_confidence")
    }

    fn read(data: &Value, name: &str) -> Self {
        let info = data.get(NAME);
        let confidence = info.and_then(|info| info.get(name)).and_then(Value::as_f64);
        let ocr_issues = info.and_then(|info| info.get("ocr_issues")).and_then(Value::as_array);
        Self {
            confidence: confidence.filter(|value| (0.0..=1.0).contains(value)),
            ocr_issues: ocr_issues.cloned().unwrap_or_default(),
        }
    }
}

impl Info {
    /// Puts what was assessed into the data, and what the model said beside it.
    pub fn write(data: &mut Value, assessment: &Assessment, model: &ModelInfo) {
        let Some(fields) = data.as_object_mut() else { return };
        let confidences: Map<String, Value> =
            assessment.fields.iter().map(|field| (field.path.clone(), json!(rounded(field.confidence)))).collect();
        let uncertain: Vec<&str> = assessment
            .fields
            .iter()
            .filter(|field| field.confidence < UNCERTAIN)
            .map(|field| field.path.as_str())
            .collect();
        let mut info = json!({
            "confidence": rounded(assessment.confidence), "field_confidences": confidences,
            "ocr_issues": model.ocr_issues, "uncertain_fields": uncertain,
        });
        if let (Some(confidence), Some(info)) = (model.confidence, info.as_object_mut()) {
            info.insert("model_confidence".to_owned(), json!(confidence));
        }
        fields.insert(NAME.to_owned(), info);
    }
}

/// Four decimals are more than the figure is worth.
fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::confidence::FieldConfidence;

    #[test]
    fn what_the_model_said_is_kept_and_not_taken_for_ours() {
        let mut data = json!({"a": 1, "_extraction_info": {"confidence": 0.97, "ocr_issues": ["smudge"]}});
        let model = ModelInfo::of_reply(&data);
        let field = FieldConfidence { path: "a".to_owned(), confidence: 0.123_456, reasons: Vec::new() };
        let assessment = Assessment { confidence: 0.5, fields: vec![field] };
        Info::write(&mut data, &assessment, &model);
        let expected = json!({"confidence": 0.5, "field_confidences": {"a": 0.1235}, "ocr_issues": ["smudge"],
                              "uncertain_fields": ["a"], "model_confidence": 0.97});
        assert_eq!(data["_extraction_info"], expected);
        assert_eq!(ModelInfo::kept(&data), model);
    }
}
