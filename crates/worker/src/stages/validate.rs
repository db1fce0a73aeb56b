//! VALIDATE: checks the data, first by its schema, rules and what all invoices have in common, then with the project's scripts;
//! finds its values on the pages.
//!
//! - **Reads** data, schema, required paths, rules, validation scripts; numbers of the project's other manifests.
//! - **Writes** nothing.
//! - **Fails when** the schema is none, or there is no data at all.
//! - **Safe to repeat because** it only computes.

use serde_json::{Value, json};
use sluice_core::StageName;
use sluice_db::models::manifests::duplicates::{self, NumberQuery};
use sluice_db::models::validation_scripts::{self, ValidationScript};
use sluice_extraction::scripts::{self, ScriptVersion};
use sluice_extraction::validate::{
    DUPLICATE_NUMBER, Examiner, Identity, InvalidSchema, Issue, Severity, ValidationResult,
};
use sluice_sandbox::{Script, ScriptKind};
use sluice_service::ErrorChain;

use crate::error::StageError;
use crate::ground::ground;
use crate::pipeline::{Stage, StageContext};
use crate::state::{FieldTask, LlmExtracted, Patch, Validated};
use crate::wiring::Ports;

#[derive(Debug)]
pub(crate) struct Validate(pub(crate) Ports);

impl Stage for Validate {
    const NAME: StageName = StageName::Validate;
    type In = LlmExtracted;
    type Out = Validated;

    async fn run(&self, mut extracted: LlmExtracted, _context: &StageContext) -> Result<Validated, StageError> {
        let Some(settings) = &extracted.text.loaded.extraction else {
            return Err(StageError::invalid("the job has nothing to check"));
        };
        let schema = &settings.schema;
        let examiner = settings.examiner().map_err(|error| invalid_schema(&error))?;
        let corrections = correct(&examiner, settings.field.as_ref(), &mut extracted.data, &mut extracted.patch);
        let findings = examiner.examine(&extracted.data);
        if !has_value(&extracted.data) {
            return Err(StageError::invalid("the model found none of the wanted values in the document"));
        }
        let has_errors = extracted.issues.iter().any(|issue| issue.severity == Severity::Error);
        let is_complete = !has_errors && findings.failures().next().is_none();
        let mut issues = findings.issues;
        issues.extend(extracted.issues.iter().cloned());
        issues.extend(corrections);
        issues.extend(self.duplicates(&extracted, schema.project_id, &examiner).await?);
        let mut found = validation_scripts::list_enabled(&mut *self.0.pool.get().await?, schema.project_id).await?;
        match self.run_scripts(&found, &extracted.data).await {
            Ok(more) => issues.extend(more),
            Err(error) => {
                // The data was paid for and is good by its schema; people can run the scripts when they work again.
                tracing::error!(error = %ErrorChain(&error), "validation scripts could not be run");
                found.clear();
            }
        }
        let schema_version = (schema.id, schema.schema_version.clone());
        let corroborated = findings.corroborated.len();
        let (extracted, issues, grounded) = ground(extracted, issues, findings.corroborated).await?;
        let now = self.0.clock.now();
        let versions: Vec<ScriptVersion<'_>> = found.iter().map(version).collect();
        let result = ValidationResult::new(issues, now, Some((schema_version.0, &schema_version.1)));
        let result = result.with_scripts(&versions);
        Ok(Validated { extracted, is_complete, corroborated, result, grounded })
    }

    fn checkpoint(output: &Validated) -> Value {
        json!({"errors": output.result.error_count, "warnings": output.result.warning_count, "corroborated": output.corroborated})
    }
}

/// Applies the schema's corrections: to all data, or to the one field that was asked for.
fn correct(examiner: &Examiner, task: Option<&FieldTask>, data: &mut Value, patch: &mut Option<Patch>) -> Vec<Issue> {
    let (Some(task), Some(patch)) = (task, patch) else { return examiner.correct(data) };
    let corrections = examiner.correct_field(data, &task.path);
    if !corrections.is_empty() {
        patch.value = task.path.find(data).cloned();
    }
    corrections
}

pub(super) fn invalid_schema(error: &InvalidSchema) -> StageError {
    StageError::invalid(format!("{error} at {:?}", error.path))
}

impl Validate {
    /// Whether another manifest of the project has the number of this one, by the same seller. Two that are checked at the same
    /// time do not see each other; the one that is checked again does.
    async fn duplicates(
        &self,
        extracted: &LlmExtracted,
        project_id: i32,
        examiner: &Examiner,
    ) -> Result<Option<Issue>, StageError> {
        let identity = Identity::of(&extracted.data, examiner.concepts());
        let (Some(severity), Some(identity)) = (examiner.severity_of(DUPLICATE_NUMBER), identity) else {
            return Ok(None);
        };
        let query = NumberQuery {
            project_id,
            manifest_id: extracted.text.loaded.manifest.id,
            number_path: identity.number_path,
            number: &identity.number,
            name_path: identity.name_path,
            vat_id_path: identity.vat_id_path,
        };
        let mut twins = duplicates::list_twins(&mut *self.0.pool.get().await?, query).await?;
        twins.retain(|twin| identity.is_seller(twin.seller_name.as_deref(), twin.seller_vat_id.as_deref()));
        let Some(twin) = twins.first() else { return Ok(None) };
        let others = if twins.len() > 1 { format!(" and {} more", twins.len() - 1) } else { String::new() };
        let message = format!(
            "the number {} of the same seller is also that of manifest {} ({}){others}",
            identity.number, twin.id, twin.original_filename
        );
        let issue = Issue::of_check(DUPLICATE_NUMBER, severity, identity.number_path, message);
        Ok(Some(issue.with_values(Some(identity.number.into()), None)))
    }

    /// What scripts find; one that fails is an issue, and the others go on.
    async fn run_scripts(&self, found: &[ValidationScript], data: &Value) -> sluice_sandbox::Result<Vec<Issue>> {
        let mut issues = Vec::new();
        if found.is_empty() {
            return Ok(issues);
        }
        let sources = found.iter().map(|script| Script {
            id: script.id,
            name: script.name.clone(),
            source: script.script.clone(),
        });
        let mut runner = self.0.sandbox.open_scripts(ScriptKind::Validate, sources.collect()).await?;
        for (index, script) in found.iter().enumerate() {
            match runner.run(index, vec![data.clone()]).await?.outcome {
                Ok(answer) => issues.extend(scripts::read_issues(script.id, &script.name, answer)),
                Err(error) => issues.push(scripts::failure(script.id, &script.name, &error.to_string())),
            }
        }
        Ok(issues)
    }
}

fn version(script: &ValidationScript) -> ScriptVersion<'_> {
    ScriptVersion {
        id: script.id,
        enabled: script.enabled,
        severity: &script.severity,
        updated_at: script.updated_at,
        script: &script.script,
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
