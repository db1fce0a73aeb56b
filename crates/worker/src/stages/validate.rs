//! VALIDATE: checks the data.
//!
//! - **Reads** data, schema, required paths.
//! - **Writes** nothing.
//! - **Fails when** the schema is none, or there is no data at all.
//! - **Safe to repeat because** it only computes.

use serde_json::{Value, json};
use sluice_core::StageName;
use sluice_extraction::validate::{self, ValidationResult};

use crate::error::StageError;
use crate::pipeline::{Stage, StageContext};
use crate::state::{LlmExtracted, Validated};
use crate::wiring::Ports;

#[derive(Debug)]
pub(crate) struct Validate(pub(crate) Ports);

impl Stage for Validate {
    const NAME: StageName = StageName::Validate;
    type In = LlmExtracted;
    type Out = Validated;

    async fn run(&self, extracted: LlmExtracted, _context: &StageContext) -> Result<Validated, StageError> {
        let Some(settings) = &extracted.text.loaded.extraction else {
            return Err(StageError::invalid("the job has nothing to check"));
        };
        let schema = &settings.schema;
        let issues = validate::check(&extracted.data, &schema.json_schema, &schema.required_fields)
            .map_err(|error| StageError::invalid(format!("{error} at {:?}", error.path)))?;
        if !has_value(&extracted.data) {
            return Err(StageError::invalid("the model found none of the wanted values in the document"));
        }
        let now = self.0.clock.now();
        let result = ValidationResult::new(issues, now, Some((schema.id, &schema.schema_version)));
        Ok(Validated { extracted, result })
    }

    fn checkpoint(output: &Validated) -> Value {
        json!({"errors": output.result.error_count, "warnings": output.result.warning_count})
    }
}

/// Whether there is any value but nulls and empty things.
fn has_value(data: &Value) -> bool {
    match data {
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => items.iter().any(has_value),
        Value::Object(fields) => fields.iter().any(|(name, value)| !name.starts_with('_') && has_value(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_and_empty_things_are_no_values() {
        assert!(!has_value(&json!({"a": null, "b": [], "c": {"d": ""}, "_extraction_info": {"confidence": 1}})));
        assert!(has_value(&json!({"a": null, "b": [{"c": 0}]})));
    }
}
