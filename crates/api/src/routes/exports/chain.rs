//! The export scripts of a project: what one makes of a manifest's data, each row of it, is what the next one is given.

use serde_json::{Value, json};
use sluice_core::NanoAmount;
use sluice_db::models::export_scripts::ExportScript;
use sluice_db::models::manifests::export::ExportedManifest;
use sluice_sandbox::{ScriptKind, ScriptRun, ScriptRunner};

use super::Format;
use super::cells::{Origin, make_whole};
use super::problem::Problem;
use super::spool::Spool;
use crate::error::ApiError;
use crate::state::AppState;
use crate::wire;

/// Runs scripts by their number.
pub(crate) trait Runner {
    async fn run(&mut self, script: usize, arguments: Vec<Value>) -> Result<ScriptRun, sluice_sandbox::Error>;
}

/// The scripts of all projects that are exported, and the child that runs them.
#[derive(Debug)]
pub(crate) struct Chains<R> {
    runner: R,
    scripts: Vec<ExportScript>,
    format: Format,
    schema_columns: Vec<String>,
    /// How many rows scripts may still make, in between and at the end.
    rows_left: u64,
}

/// More rows are not made by scripts, those that other scripts take on included.
const MAX_ROWS: u64 = 1_048_575;

/// The child, which is started when there are scripts at all.
#[derive(Debug)]
pub(crate) struct Child(Option<ScriptRunner>);

impl Runner for Child {
    async fn run(&mut self, script: usize, arguments: Vec<Value>) -> Result<ScriptRun, sluice_sandbox::Error> {
        match &mut self.0 {
            Some(runner) => runner.run(script, arguments).await,
            None => Err(sluice_sandbox::Error::Nonsense(serde::de::Error::custom("no script was given to the child"))),
        }
    }
}

impl Chains<Child> {
    /// Starts a child for the scripts, which come in the order in which those of each project run.
    pub(crate) async fn open(
        state: &AppState,
        scripts: Vec<ExportScript>,
        format: Format,
        schema_columns: Vec<String>,
    ) -> Result<Self, Problem> {
        let given = scripts.iter().map(|script| sluice_sandbox::Script {
            id: script.id,
            name: script.name.clone(),
            source: script.script.clone(),
        });
        let runner = if scripts.is_empty() {
            None
        } else {
            let runner = state.sandbox.open_scripts(ScriptKind::Export, given.collect()).await;
            Some(runner.map_err(ApiError::from)?)
        };
        Ok(Self { runner: Child(runner), scripts, format, schema_columns, rows_left: MAX_ROWS })
    }
}

impl<R: Runner> Chains<R> {
    /// Makes the rows of a manifest and spools them.
    pub(crate) async fn run(&mut self, mut manifest: ExportedManifest, spool: &mut Spool) -> Result<(), Problem> {
        let mut data = manifest.extracted_data.take().unwrap_or_else(|| json!({}));
        make_whole(&mut data);
        let origin = Origin::of(&manifest);
        let chain: Vec<usize> = self.chain_of(manifest.project_id);
        if chain.is_empty() {
            return spool.push(&origin, &data).await;
        }
        let context = self.context(&manifest);
        // Depth first: of what scripts make, only what still waits on the way down is held.
        let mut waiting = vec![(0, data)];
        while let Some((place, row)) = waiting.pop() {
            match chain.get(place) {
                None => spool.push(&origin, &row).await?,
                Some(script) => {
                    let rows = self.call(*script, row, &context).await?;
                    waiting.extend(rows.into_iter().rev().map(|row| (place + 1, row)));
                }
            }
        }
        Ok(())
    }

    /// The numbers of a project's scripts.
    fn chain_of(&self, project_id: i32) -> Vec<usize> {
        let scripts = self.scripts.iter().enumerate();
        scripts.filter(|(_, script)| script.project_id == project_id).map(|(number, _)| number).collect()
    }

    async fn call(&mut self, number: usize, row: Value, context: &Value) -> Result<Vec<Value>, Problem> {
        let run = self.runner.run(number, vec![row, context.clone()]).await.map_err(ApiError::from)?;
        let rows = match run.outcome {
            Ok(Value::Array(rows)) => rows,
            Ok(_) => return Err(self.failed(number, "exportRows must return an array".to_owned())),
            Err(error) => return Err(self.failed(number, error.to_string())),
        };
        let made = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        match self.rows_left.checked_sub(made) {
            Some(left) => self.rows_left = left,
            None => return Err(Problem::TooManyRows { limit: MAX_ROWS }),
        }
        Ok(rows)
    }

    fn failed(&self, number: usize, message: String) -> Problem {
        let (id, name) = self.scripts.get(number).map_or((0, ""), |script| (script.id, script.name.as_str()));
        Problem::Script { id, name: name.to_owned(), message }
    }

    /// What scripts are told beside the data.
    fn context(&self, manifest: &ExportedManifest) -> Value {
        json!({
            "format": self.format.word(),
            "schemaColumns": self.schema_columns,
            "project": {"id": manifest.project_id, "name": manifest.project_name},
            "manifest": {
                "id": manifest.id,
                "groupName": manifest.group_name,
                "createdAt": wire::iso(manifest.created_at),
                "originalFilename": manifest.original_filename,
                "status": manifest.status,
                "confidence": manifest.confidence,
                "humanVerified": manifest.human_verified,
                "extractionCost": manifest.extraction_cost_nano.map(|nano| NanoAmount(nano).to_f64()),
                "extractionCostCurrency": manifest.extraction_cost_currency,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use sluice_sandbox::ScriptError;

    use super::*;

    /// Scripts by name: `twice` makes two rows, `none` no row, `fail` fails, `tag<N>` adds its name.
    struct Fake {
        names: Vec<&'static str>,
        calls: usize,
        last: Vec<Value>,
    }

    impl Runner for Fake {
        async fn run(&mut self, script: usize, arguments: Vec<Value>) -> Result<ScriptRun, sluice_sandbox::Error> {
            self.calls += 1;
            self.last = arguments.clone();
            let row = &arguments[0];
            let outcome = match self.names[script] {
                "twice" => {
                    let copy = |side: &str| json!({"path": format!("{}{side}", row["path"].as_str().unwrap_or(""))});
                    Ok(json!([copy("l"), copy("r")]))
                }
                "none" => Ok(json!([])),
                "fail" => Err(ScriptError { message: "boom".to_owned(), line: Some(3), stack: None }),
                "text" => Ok(json!("text")),
                other => Ok(json!([{"by": other, "path": row["path"]}])),
            };
            Ok(ScriptRun { outcome, logs: Vec::new() })
        }
    }

    fn chains(scripts: &[(&'static str, i32)]) -> Chains<Fake> {
        let script = |(index, (name, project_id)): (usize, &(&'static str, i32))| ExportScript {
            id: i32::try_from(index).unwrap() + 1,
            name: (*name).to_owned(),
            project_id: *project_id,
            description: None,
            script: String::new(),
            enabled: true,
            priority: 0,
            created_at: chrono::DateTime::UNIX_EPOCH,
            updated_at: chrono::DateTime::UNIX_EPOCH,
        };
        Chains {
            runner: Fake { names: scripts.iter().map(|(name, _)| *name).collect(), calls: 0, last: Vec::new() },
            scripts: scripts.iter().enumerate().map(script).collect(),
            format: Format::Csv,
            schema_columns: vec!["a".to_owned()],
            rows_left: 20,
        }
    }

    fn manifest(id: i32, project_id: i32) -> ExportedManifest {
        ExportedManifest {
            id,
            original_filename: "a.pdf".to_owned(),
            status: "completed".to_owned(),
            created_at: "2026-03-14T09:26:53.589Z".parse().unwrap(),
            confidence: Some(0.9),
            human_verified: true,
            extraction_cost_nano: Some(10_755_000),
            extraction_cost_currency: None,
            extracted_data: Some(json!({"total": 12.0})),
            group_name: "G".to_owned(),
            project_id,
            project_name: "P".to_owned(),
        }
    }

    /// Manifests and rows that come out.
    async fn run(chains: &mut Chains<Fake>, manifests: Vec<ExportedManifest>) -> Result<Vec<(i32, Value)>, Problem> {
        let mut spool = Spool::create(Vec::new()).await?;
        for manifest in manifests {
            chains.run(manifest, &mut spool).await?;
        }
        let mut spooled = spool.finish().await?.rows;
        let mut rows = Vec::new();
        while let Some((origin, row)) = spooled.next()? {
            rows.push((origin.id, row));
        }
        Ok(rows)
    }

    #[tokio::test]
    async fn without_scripts_a_row_is_the_data() {
        let mut empty = manifest(2, 1);
        empty.extracted_data = None;
        let rows = run(&mut chains(&[("fail", 9)]), vec![manifest(1, 1), empty]).await.unwrap();
        assert_eq!(rows, [(1, json!({"total": 12})), (2, json!({}))]);
    }

    #[tokio::test]
    async fn rows_multiply_in_order() {
        let mut chains = chains(&[("twice", 1), ("none", 2), ("twice", 1), ("tag", 1)]);
        let rows = run(&mut chains, vec![manifest(1, 1), manifest(2, 2), manifest(3, 3)]).await.unwrap();
        let row = |path: &str| (1, json!({"by": "tag", "path": path}));
        assert_eq!(rows, [row("ll"), row("lr"), row("rl"), row("rr"), (3, json!({"total": 12}))]);
        assert_eq!(chains.runner.calls, 1 + 2 + 4 + 1);
    }

    #[tokio::test]
    async fn scripts_are_told_of_the_manifest() {
        let mut chains = chains(&[("tag", 1)]);
        run(&mut chains, vec![manifest(7, 1)]).await.unwrap();
        let context = json!({
            "format": "csv", "schemaColumns": ["a"], "project": {"id": 1, "name": "P"},
            "manifest": {"id": 7, "groupName": "G", "createdAt": "2026-03-14T09:26:53.589Z", "originalFilename": "a.pdf",
                         "status": "completed", "confidence": 0.9, "humanVerified": true, "extractionCost": 0.010755,
                         "extractionCostCurrency": null},
        });
        assert_eq!(chains.runner.last, [json!({"total": 12}), context]);
    }

    #[tokio::test]
    async fn a_failing_script_fails_all() {
        for (name, message) in [("fail", "boom (line 3)"), ("text", "exportRows must return an array")] {
            let problem = run(&mut chains(&[("tag", 1), (name, 1)]), vec![manifest(1, 1)]).await.unwrap_err();
            assert_eq!(problem.to_string(), format!("Export script 2 ({name}) failed: {message}"));
        }
    }

    #[tokio::test]
    async fn rows_in_between_count_too() {
        let twice = [("twice", 1); 4];
        let problem = run(&mut chains(&twice), vec![manifest(1, 1)]).await.unwrap_err();
        assert!(matches!(problem, Problem::TooManyRows { .. }), "{problem}");
        let mut three = chains(&twice[..3]);
        assert_eq!(run(&mut three, vec![manifest(1, 1)]).await.unwrap().len(), 8);
        assert_eq!(three.rows_left, 20 - 2 - 4 - 8);
    }
}
