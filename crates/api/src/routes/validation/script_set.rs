//! Scripts that are run together over one manifest after the other, in one child.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sluice_db::models::validation_scripts::ValidationScript;
use sluice_extraction::scripts::{self, ScriptVersion};
use sluice_extraction::validate::{Issue, ValidationResult};
use sluice_sandbox::{Sandbox, Script, ScriptKind, ScriptRunner};

/// The scripts and, if there are any, the child that runs them.
#[derive(Debug)]
pub(super) struct ScriptSet {
    scripts: Vec<ValidationScript>,
    runner: Option<ScriptRunner>,
}

impl ScriptSet {
    pub(super) async fn open(sandbox: &Sandbox, scripts: Vec<ValidationScript>) -> sluice_sandbox::Result<Self> {
        let runner = if scripts.is_empty() {
            None
        } else {
            let sources = scripts.iter().map(|script| Script {
                id: script.id,
                name: script.name.clone(),
                source: script.script.clone(),
            });
            Some(sandbox.open_scripts(ScriptKind::Validate, sources.collect()).await?)
        };
        Ok(Self { scripts, runner })
    }

    /// Runs all of them; one that fails is an issue, and the others go on.
    pub(super) async fn check(
        &mut self,
        data: &Value,
        now: DateTime<Utc>,
        schema: Option<(i32, &str)>,
    ) -> sluice_sandbox::Result<ValidationResult> {
        let mut issues: Vec<Issue> = Vec::new();
        if let Some(runner) = &mut self.runner {
            for (index, script) in self.scripts.iter().enumerate() {
                match runner.run(index, vec![data.clone()]).await?.outcome {
                    Ok(answer) => issues.extend(scripts::read_issues(script.id, &script.name, answer)),
                    Err(error) => issues.push(scripts::failure(script.id, &script.name, &error.to_string())),
                }
            }
        }
        let versions: Vec<ScriptVersion<'_>> = self.scripts.iter().map(version).collect();
        Ok(ValidationResult::new(issues, now, schema).with_scripts(&versions))
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
