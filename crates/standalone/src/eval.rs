//! How good extractions are: documents with a truth are taken through the real pipeline, by its API.

mod client;
mod documents;
mod markdown;
mod options;
mod record;
mod report;
mod run;

use std::collections::BTreeSet;
use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use sluice_core::ports::{Clock, SystemClock};
use sluice_service::{Env, Shutdown, Tasks};

use self::client::Client;
use self::documents::{Document, Documents, Schema, Source};
pub use self::options::EvalOptions;
use self::record::Output;
use self::report::Report;
use self::run::{Bench, Model};
use crate::data_folder::DataFolder;
use crate::up::{Reachable, serve_for};
use crate::user;

/// How long a local model may take to load.
const LOADING: Duration = Duration::from_secs(300);
/// Truths asked for at a time.
const PAGE: u64 = 200;

/// Runs documents, writes predictions and a report, and compares it with what is asked for.
///
/// # Errors
/// When documents can't be run at all, a bound is broken, or somebody interrupts it; the report is written then too.
pub async fn eval(folder: &DataFolder, options: EvalOptions) -> Result<()> {
    let interrupt = Shutdown::on_signals(&Tasks::new())?;
    // Read now, so that a wrong name does not cost a run.
    let before = options.compare.as_deref().map(read_report).transpose()?;
    let output = Output::open(&options.out)?;
    let server = options.server.as_deref().map(|url| Client::new(url, token(&options)?)).transpose()?;
    let documents = match (&options.folder, &server, options.project) {
        (Some(folder), _, _) => Documents::find(folder, &options)?,
        (None, Some(client), Some(project)) => of_project(client, project, &options).await?,
        _ => bail!("name a folder, or a project of a server"),
    };
    for name in &documents.missing {
        say(&format!("{name}: the truth has no document"))?;
    }
    let mut done = BTreeSet::new();
    if options.resume {
        let there = documents.list.iter().filter(|document| output.prediction(&document.name).is_some());
        done.extend(there.map(|document| document.name.clone()));
    } else {
        output.begin_anew()?;
    }
    let todo: Vec<&Document> = documents.list.iter().filter(|document| !done.contains(&document.name)).collect();
    let work = Work { options: &options, documents: &documents, output: &output, interrupt: &interrupt };
    let ran = if todo.is_empty() { Ok(()) } else { work.run(folder, server, &todo, &mut done).await };

    let scored = report::score(&documents, &done, &output);
    let mut report = Report::new(work.about(), &documents, &scored);
    if let (Some(before), Some(path)) = (&before, &options.compare) {
        report.compare(&path.display().to_string(), before)?;
    }
    output.write("report.json", &serde_json::to_string_pretty(&report)?)?;
    output.write("report.md", &markdown::render(&report)?)?;
    tell(&report, &options)?;
    ran?;
    if interrupt.is_triggered() {
        bail!("interrupted; --resume goes on");
    }
    let broken = report.broken_bounds(&options.min, &options.max);
    if !broken.is_empty() {
        bail!("not good enough: {}", broken.join("; "));
    }
    Ok(())
}

/// What is to be run, and how.
#[derive(Clone, Copy)]
struct Work<'a> {
    options: &'a EvalOptions,
    documents: &'a Documents,
    output: &'a Output,
    interrupt: &'a Shutdown,
}

impl Work<'_> {
    /// Runs documents on the server that is named, or on one that is started for them.
    async fn run(
        self,
        folder: &DataFolder,
        server: Option<Client>,
        todo: &[&Document],
        done: &mut BTreeSet<String>,
    ) -> Result<()> {
        if let Some(client) = server {
            let bench = match self.options.project {
                Some(project) => Bench::in_project(client, self.options, project).await?,
                None => {
                    let model = self.options.model_id.is_none().then(|| model(self.options, None)).transpose()?;
                    Bench::prepare(client, self.options, model.as_ref(), &self.documents.schemas).await?
                }
            };
            let result = self.run_all(&bench, todo, done).await;
            bench.clear().await;
            return result;
        }
        let temporary = tempfile::Builder::new().prefix("sluice-eval-").tempdir()?;
        let private = folder.at(temporary.path().to_owned());
        let needs_model = self.options.model.is_none() && Env::from_process().optional("SLUICE_LLM_BASE_URL").is_none();
        let added = [
            ("SLUICE_API_LISTEN", "127.0.0.1:0".to_owned()),
            ("SLUICE_WS_LISTEN", "127.0.0.1:0".to_owned()),
            ("SLUICE_RATE_LIMIT_ENABLED", "false".to_owned()),
            ("SLUICE_WORKER_CONCURRENCY", self.options.jobs.to_string()),
            // What is in hand when somebody interrupts is not waited for.
            ("SLUICE_WORKER_DRAIN_TIMEOUT", "1s".to_owned()),
        ];
        say("starting private servers")?;
        serve_for(&private, (&added, needs_model), self.interrupt, |reachable: Reachable| async move {
            let password = user::add_admin(&reachable.database, "evaluation").await?;
            let client = Client::sign_in(&reachable.api, "evaluation", &password).await?;
            if let Some(local) = &reachable.model {
                self.wait_for(local).await?;
            }
            let model = model(self.options, reachable.model)?;
            let bench = Bench::prepare(client, self.options, Some(&model), &self.documents.schemas).await?;
            self.run_all(&bench, todo, done).await
        })
        .await
    }

    /// Runs documents, some at a time, until all are done or somebody interrupts.
    async fn run_all(self, bench: &Bench, todo: &[&Document], done: &mut BTreeSet<String>) -> Result<()> {
        let runs = todo.iter().map(|document| async move { (*document, bench.run(document).await) });
        let mut runs = futures_util::stream::iter(runs).buffer_unordered(self.options.jobs.into());
        let mut count = 0_usize;
        loop {
            let next = tokio::select! {
                next = runs.next() => next,
                () = self.interrupt.triggered() => None,
            };
            let Some((document, (record, data))) = next else { return Ok(()) };
            count += 1;
            self.output.keep(&record, data.as_ref())?;
            done.insert(document.name.clone());
            let scored = report::score(self.documents, &BTreeSet::from([document.name.clone()]), self.output);
            let line = scored.first().map(report::Scored::line).unwrap_or_default();
            say(&format!("[{count}/{}] {}: {line}", todo.len(), document.name))?;
        }
    }

    /// Waits until a local model has loaded.
    async fn wait_for(self, url: &str) -> Result<()> {
        let health = format!("{}/health", url.trim_end_matches("/v1"));
        let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
        let end = tokio::time::Instant::now() + LOADING;
        loop {
            let answer = client.request(Method::GET, &health).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if tokio::time::Instant::now() >= end || self.interrupt.is_triggered() {
                bail!("the local model does not answer at {health}");
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    fn about(&self) -> Value {
        let schemas: Vec<&str> = self.documents.schemas.iter().map(|schema| schema.name.as_str()).collect();
        let options = self.options;
        json!({
            "time": SystemClock.now().to_rfc3339(),
            "version": env!("CARGO_PKG_VERSION"),
            "folder": options.folder, "project": options.project, "server": options.server,
            "schemas": schemas, "model": options.model, "model_name": options.model_name, "model_id": options.model_id,
            "model_parameters": options.model_parameter, "extractor": options.extractor,
            "extractor_id": options.extractor_id, "extractor_parameters": options.extractor_parameter,
            "jobs": options.jobs})
    }
}

/// The model that the command or the environment names, else the local one.
fn model(options: &EvalOptions, local: Option<String>) -> Result<Model> {
    let mut env = Env::from_process();
    let url = options.model.clone().or_else(|| env.optional("SLUICE_LLM_BASE_URL")).or(local);
    let url = url.context("there is no model: name one with --model, or run scripts/install model")?;
    let name = options.model_name.clone().or_else(|| env.optional("SLUICE_LLM_MODEL"));
    let key = env.optional(&options.api_key_env).unwrap_or_else(|| "none".to_owned());
    Ok(Model { url, name: name.unwrap_or_else(|| "local".to_owned()), key })
}

fn token(options: &EvalOptions) -> Result<String> {
    let name = options.token_env.as_deref().context("name the variable that holds a token with --token-env")?;
    Env::from_process().optional(name).with_context(|| format!("{name} is empty"))
}

fn read_report(path: &std::path::Path) -> Result<Value> {
    let text = std::fs::read(path).with_context(|| format!("can't read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is no JSON", path.display()))
}

/// The truths that were saved in a project, with its schema.
async fn of_project(client: &Client, project: i64, options: &EvalOptions) -> Result<Documents> {
    let shown = client.get(&format!("/projects/{project}")).await?;
    let schema = shown.get("defaultSchemaId").and_then(Value::as_i64).context("the project has no schema")?;
    let shown = client.get(&format!("/schemas/{schema}")).await?;
    let name = shown.get("name").and_then(Value::as_str).unwrap_or("schema").to_owned();
    let schema = Schema::new(name, shown.get("jsonSchema").cloned().context("the schema has no text")?);
    let mut documents = Documents { schemas: vec![schema], ..Documents::default() };
    let mut offset = 0;
    loop {
        let page = client.get(&format!("/projects/{project}/truths?limit={PAGE}&offset={offset}")).await?;
        let rows = page.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
        for row in &rows {
            let id = row.get("manifestId").and_then(Value::as_i64).context("a truth has no manifest")?;
            let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            // The id alone is unique, and no name of a user's becomes a path.
            let name = format!("manifest-{id}");
            if !options.only.is_empty() && !options.only.iter().any(|pattern| pattern.matches(&name)) {
                continue;
            }
            let truth = client.get(&format!("/manifests/{id}/truth")).await?;
            documents.list.push(Document {
                name,
                source: Source::Manifest(id),
                filename: text("originalFilename"),
                content_type: text("contentType"),
                truth: truth.get("data").cloned().unwrap_or_default(),
                schema: 0,
            });
        }
        offset += PAGE;
        if rows.is_empty() || documents.list.len() >= options.limit.unwrap_or(usize::MAX) {
            break;
        }
    }
    documents.list.truncate(options.limit.unwrap_or(usize::MAX));
    if documents.list.is_empty() {
        bail!("the project has no truths that are asked for");
    }
    Ok(documents)
}

/// For those who watch.
fn say(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stderr(), "{line}")?)
}

/// The result.
fn tell(report: &Report, options: &EvalOptions) -> Result<()> {
    let mut out = std::io::stdout();
    if let Some(comparison) = &report.comparison {
        for (key, word) in [("became_wrong", "became wrong"), ("became_right", "became right")] {
            for value in comparison.get(key).and_then(Value::as_array).into_iter().flatten() {
                writeln!(out, "{word}: {}", value.as_str().unwrap_or_default())?;
            }
        }
    }
    writeln!(out, "{}", serde_json::to_string_pretty(&report.summary)?)?;
    writeln!(out, "report: {}", options.out.join("report.md").display())?;
    Ok(out.flush()?)
}
