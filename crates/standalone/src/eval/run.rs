//! Documents are taken through the pipeline.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Map, Value, json};
use sluice_core::NanoAmount;

use super::client::{Answer, Client};
use super::documents::{Document, Schema, Source};
use super::options::EvalOptions;
use super::record::Record;

/// How often a job is looked at: soon at first, then more rarely.
const FIRST_LOOK: Duration = Duration::from_millis(100);
const LAST_LOOK: Duration = Duration::from_secs(2);
/// How many of a manifest's jobs are looked through for ours.
const HISTORY: &str = "extraction-history?limit=100";

/// The model that is to be asked.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) url: String,
    pub(crate) name: String,
    pub(crate) key: String,
}

/// Where documents are run: made for this evaluation, and removed after it.
#[derive(Debug)]
pub(crate) struct Bench {
    client: Client,
    /// By schema.
    groups: Vec<i64>,
    /// Paths to be deleted at the end, in this order.
    made: Vec<String>,
    timeout: Duration,
}

impl Bench {
    /// A project with a group for each schema.
    pub(crate) async fn prepare(
        client: Client,
        options: &EvalOptions,
        model: Option<&Model>,
        schemas: &[Schema],
    ) -> Result<Self> {
        let mut bench = Self::new(client, options);
        match bench.furnish(options, model, schemas).await {
            Ok(()) => Ok(bench),
            Err(error) => {
                bench.clear().await;
                Err(error)
            }
        }
    }

    /// A group in a project that is there, so that its rules, scripts, model and extractor are used as they are.
    pub(crate) async fn in_project(client: Client, options: &EvalOptions, project: i64) -> Result<Self> {
        let mut bench = Self::new(client, options);
        let group = json!({"name": "Evaluation", "projectId": project});
        let group = bench.client.post(&format!("/projects/{project}/groups"), &group).await?;
        let group = number(&group, "id")?;
        bench.groups.push(group);
        bench.made.push(format!("/groups/{group}"));
        Ok(bench)
    }

    fn new(client: Client, options: &EvalOptions) -> Self {
        let timeout = Duration::from_secs(options.timeout);
        Self { client, groups: Vec::new(), made: Vec::new(), timeout }
    }

    async fn furnish(&mut self, options: &EvalOptions, model: Option<&Model>, schemas: &[Schema]) -> Result<()> {
        let model = match (&options.model_id, model) {
            (Some(id), _) => id.clone(),
            (None, Some(model)) => self.make_model(options, model).await?,
            (None, None) => anyhow::bail!("name a model with --model"),
        };
        let extractor = match &options.extractor_id {
            Some(id) => id.clone(),
            None => {
                let config: Map<String, Value> = options.extractor_parameter.iter().cloned().collect();
                let name = json!({"name": "Evaluation", "extractorType": options.extractor, "config": config});
                let id = text(&self.client.post("/extractors", &name).await?, "id")?;
                self.made.insert(0, format!("/extractors/{id}"));
                id
            }
        };
        for schema in schemas {
            let project = json!({"name": "Evaluation", "textExtractorId": extractor, "llmModelId": model});
            let wish = json!({"project": project, "jsonSchema": schema.json});
            let made = self.client.post("/projects/wizard", &wish).await;
            let made = made.with_context(|| format!("no project with the schema {}", schema.name))?;
            let project = number(made.get("project").unwrap_or(&Value::Null), "id")?;
            // Models and extractors can go once no project uses them.
            self.made.insert(0, format!("/projects/{project}"));
            let group = json!({"name": "Documents", "projectId": project});
            let group = self.client.post(&format!("/projects/{project}/groups"), &group).await?;
            self.groups.push(number(&group, "id")?);
        }
        Ok(())
    }

    async fn make_model(&mut self, options: &EvalOptions, model: &Model) -> Result<String> {
        let mut parameters = json!({
            "baseUrl": model.url, "apiKey": model.key, "modelName": model.name, "temperature": 0,
            "supportsStructuredOutput": true});
        if let Some(fields) = parameters.as_object_mut() {
            fields.extend(options.model_parameter.iter().cloned());
        }
        let wish = json!({"name": model.name, "adapterType": "openai", "parameters": parameters});
        let id = text(&self.client.post("/models", &wish).await?, "id")?;
        self.made.push(format!("/models/{id}"));
        if let Some(price) = &options.price {
            let llm = json!({"inputPrice": price.input, "outputPrice": price.output, "currency": price.currency});
            let path = format!("/models/{id}/pricing");
            self.client.send(Method::PATCH, &path, Some(&json!({"pricing": {"llm": llm}}))).await?.done(&path)?;
        }
        Ok(id)
    }

    /// Removes what was made here.
    pub(crate) async fn clear(&self) {
        for path in &self.made {
            match self.client.send(Method::DELETE, path, None).await {
                Ok(Answer::Done(_)) => {}
                Ok(Answer::Refused { status, message }) => {
                    tracing::warn!(path, %status, message, "could not be removed");
                }
                Err(error) => tracing::warn!(path, error = format!("{error:#}"), "could not be removed"),
            }
        }
    }

    /// Takes a document through the pipeline. What goes wrong with it is in its record.
    pub(crate) async fn run(&self, document: &Document) -> (Record, Option<Value>) {
        match self.try_run(document).await {
            Ok(done) => done,
            Err(error) => (Record::without_data(&document.name, "failed", format!("{error:#}")), None),
        }
    }

    async fn try_run(&self, document: &Document) -> Result<(Record, Option<Value>)> {
        let bytes = match &document.source {
            Source::File(path) => read(path.clone()).await?,
            Source::Manifest(id) => self.client.download(&format!("/manifests/{id}/pdf-file")).await?,
        };
        let group = self.groups.get(document.schema).or(self.groups.first()).context("there is no group")?;
        let file = (document.filename.as_str(), document.content_type.as_str());
        let manifest = match self.client.upload(*group, file, bytes).await? {
            Answer::Done(manifest) => number(&manifest, "id")?,
            Answer::Refused { message, .. } => {
                return Ok((Record::without_data(&document.name, "refused", message), None));
            }
        };
        let queued = self.client.post(&format!("/manifests/{manifest}/extract"), &json!({})).await?;
        let job = text(&queued, "jobId")?;
        match tokio::time::timeout(self.timeout, self.wait(manifest, &job)).await {
            Ok(entry) => self.collect(&document.name, (manifest, &job), &entry?).await,
            Err(_elapsed) => {
                let path = format!("/jobs/{job}/cancel");
                self.client.send(Method::POST, &path, Some(&json!({"reason": "timeout"}))).await?;
                let error = format!("did not end within {} s", self.timeout.as_secs());
                Ok((Record::without_data(&document.name, "timeout", error), None))
            }
        }
    }

    /// Waits for the end of a job and answers its entry in the history.
    async fn wait(&self, manifest: i64, job: &str) -> Result<Value> {
        let mut pause = FIRST_LOOK;
        loop {
            let history = self.client.get(&format!("/manifests/{manifest}/{HISTORY}")).await?;
            let entry =
                history.as_array().into_iter().flatten().find(|entry| entry.get("queueJobId") == Some(&json!(job)));
            let entry = entry.context("the job is not in its manifest's history")?;
            let status = entry.get("status").and_then(Value::as_str);
            if matches!(status, Some("completed" | "failed" | "canceled")) {
                return Ok(entry.clone());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(LAST_LOOK);
        }
    }

    async fn collect(
        &self,
        name: &str,
        (manifest, job): (i64, &str),
        entry: &Value,
    ) -> Result<(Record, Option<Value>)> {
        let shown = self.client.get(&format!("/manifests/{manifest}")).await?;
        let whole = |name: &str| entry.get(name).and_then(Value::as_u64);
        let mut record = Record {
            name: name.to_owned(),
            seconds: entry.get("durationMs").and_then(Value::as_f64).map(|milliseconds| milliseconds / 1000.0),
            // Clients are told the attempts before the last one.
            attempts: whole("attemptCount").unwrap_or_default() + 1,
            input_tokens: whole("llmInputTokens").unwrap_or_default(),
            output_tokens: whole("llmOutputTokens").unwrap_or_default(),
            pages: whole("pagesProcessed"),
            cost_nano: entry
                .get("actualCost")
                .and_then(Value::as_f64)
                .and_then(NanoAmount::from_f64)
                .map(|cost| cost.0),
            currency: entry.get("currency").and_then(Value::as_str).map(str::to_owned),
            validation_errors: shown.pointer("/validationResults/errorCount").and_then(Value::as_u64),
            ..Record::default()
        };
        self.add_times(&mut record, job).await?;
        if entry.get("status").and_then(Value::as_str) != Some("completed") {
            record.outcome = "failed".to_owned();
            let error = entry.get("error").and_then(Value::as_str).unwrap_or("the job failed");
            record.error = Some(error.to_owned());
            return Ok((record, None));
        }
        record.outcome = text(&shown, "status")?;
        let mut data = shown.get("extractedData").filter(|data| data.is_object()).cloned();
        if let Some(data) = &mut data {
            record.take_info(data);
        }
        Ok((record, data))
    }

    /// Adds what the timeline tells; a server without one tells nothing.
    async fn add_times(&self, record: &mut Record, job: &str) -> Result<()> {
        let path = format!("/jobs/{job}/timeline");
        let Answer::Done(timeline) = self.client.send(Method::GET, &path, None).await? else { return Ok(()) };
        let list = |name: &str| timeline.get(name).and_then(Value::as_array).into_iter().flatten();
        let stages = list("stages").filter_map(|stage| {
            let seconds = stage.get("durationMs")?.as_f64()? / 1000.0;
            Some((stage.get("stage")?.as_str()?.to_owned(), seconds))
        });
        record.stages = stages.collect::<BTreeMap<_, _>>();
        record.calls = u64::try_from(list("calls").count())?;
        Ok(())
    }
}

async fn read(path: PathBuf) -> Result<Vec<u8>> {
    tokio::fs::read(&path).await.with_context(|| format!("can't read {}", path.display()))
}

fn number(object: &Value, name: &str) -> Result<i64> {
    object.get(name).and_then(Value::as_i64).with_context(|| format!("the server's answer has no {name}"))
}

fn text(object: &Value, name: &str) -> Result<String> {
    let text = object.get(name).and_then(Value::as_str);
    Ok(text.with_context(|| format!("the server's answer has no {name}"))?.to_owned())
}
