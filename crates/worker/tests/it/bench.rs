//! A workspace with a worker, and what a client sees of its jobs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use diesel::sql_types::{Integer, Nullable, Text};
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};
use sluice_core::ports::{EventSink, ObjectStore};
use sluice_core::{Fact, JobFact, JobId, JobKind, JobMessage, JobMessageV1, ManifestId};
use sluice_db::models::citations::{self, Citation};
use sluice_db::models::jobs::{self, Job, NewJob};
use sluice_db::models::manifests::{self, Manifest, NewManifest};
use sluice_event_bus::{BusMessage, Publisher, Subscriber};
use sluice_queue::Producer;
use sluice_service::{Env, SecretBox, Shutdown, Tasks};
use sluice_storage::S3Store;
use sluice_test_support::builders::{self, Workspace, good_answer};
use sluice_test_support::postgres::Database;
use sluice_test_support::process::{our_binary, tools_folder};
use sluice_test_support::{Reply, ScriptedLlm, Servers, documents, eventually, s3};
use sluice_worker::{Application, Config, NoObserver, StageObserver};
use tokio::task::JoinHandle;

pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) struct Bench {
    pub(crate) database: Database,
    pub(crate) storage: S3Store,
    pub(crate) producer: Producer,
    pub(crate) llm: ScriptedLlm,
    pub(crate) workspace: Workspace,
    pub(crate) settings: Vec<(String, String)>,
    publisher: Publisher,
    seen: Arc<Mutex<Vec<(String, Value)>>>,
}

/// A worker in this process; stops when told to.
pub(crate) struct Running {
    shutdown: Shutdown,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    pub(crate) async fn stop(self) {
        self.shutdown.trigger();
        tokio::time::timeout(LONG, self.task).await.expect("the worker stops").unwrap().unwrap();
    }
}

impl Bench {
    pub(crate) async fn start() -> Self {
        Self::start_with(ScriptedLlm::start(Reply::content(good_answer())).await.unwrap()).await
    }

    pub(crate) async fn start_with(llm: ScriptedLlm) -> Self {
        let servers = Servers::shared().unwrap();
        let database = servers.database().await.unwrap();
        let name = servers.fresh_name();
        let pdfium = tools_folder().join("lib/libpdfium.so").canonicalize().unwrap();
        let key = secrecy::ExposeSecret::expose_secret(&SecretBox::generate_key().unwrap()).to_owned();
        let settings: Vec<(String, String)> = [
            ("SLUICE_DB_URL", database.url.as_str()),
            ("SLUICE_DB_POOL_SIZE", "4"),
            ("SLUICE_REDIS_URL", &servers.redis_url),
            ("SLUICE_QUEUE_PREFIX", &name),
            ("SLUICE_QUEUE_LOCK_DURATION", "2s"),
            ("SLUICE_QUEUE_STALLED_INTERVAL", "1s"),
            ("SLUICE_EVENTS_PREFIX", &name),
            ("SLUICE_S3_ENDPOINT", &servers.s3_url),
            ("SLUICE_S3_BUCKET", &name),
            ("SLUICE_S3_ACCESS_KEY_ID", s3::ACCESS_KEY),
            ("SLUICE_S3_SECRET_ACCESS_KEY", s3::SECRET_KEY),
            ("SLUICE_SECRETS_KEY", &key),
            ("SLUICE_SANDBOX_BINARY", &our_binary("sluice-sandbox").unwrap().to_string_lossy()),
            ("SLUICE_SANDBOX_PDFIUM", &pdfium.to_string_lossy()),
            ("SLUICE_WORKER_PORT", "0"),
            ("SLUICE_WORKER_RETRY_DELAY", "100ms"),
            ("SLUICE_WORKER_SWEEP_INTERVAL", "500ms"),
            ("SLUICE_LLM_CALL_TIMEOUT", "3s"),
            ("SLUICE_LLM_IDLE_TIMEOUT", "1s"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let mut env = Env::from_pairs(settings.clone());
        let storage = S3Store::new(&sluice_storage::Config::read(&mut env));
        eventually(LONG, || storage.ensure_bucket(&[])).await.unwrap();
        let producer = Producer::connect(&sluice_queue::Config::read(&mut env)).await.unwrap();
        let events = sluice_event_bus::Config::read(&mut env);
        let publisher = Publisher::connect(&events).await.unwrap();
        let (subscriber, mut messages) = Subscriber::connect(&events, &Tasks::new()).await.unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = seen.clone();
        tokio::spawn(async move {
            let _subscriber = subscriber;
            while let Some(message) = messages.recv().await {
                if let BusMessage::Events(events) = message {
                    noted.lock().unwrap().extend(events.events.into_iter().map(|event| (event.event, event.data)));
                }
            }
        });
        let mut connection = database.pool.get().await.unwrap();
        let workspace = builders::insert_workspace(&mut connection, "ada", &llm.base_url()).await.unwrap();
        drop(connection);
        Self { database, storage, producer, llm, workspace, settings, publisher, seen }
    }

    /// Starts a worker whose stages the observer watches.
    pub(crate) async fn worker_with(&self, observer: impl StageObserver + 'static) -> Running {
        let mut env = Env::from_pairs(self.settings.clone());
        let config = Config::read(&mut env);
        env.finish().unwrap();
        let application = Application::build(config).await.unwrap().observed_by(Arc::new(observer));
        let shutdown = Shutdown::new();
        let task = tokio::spawn(application.run(shutdown.clone()));
        Running { shutdown, task }
    }

    pub(crate) async fn worker(&self) -> Running {
        self.worker_with(NoObserver).await
    }

    /// Stores a file and its manifest.
    pub(crate) async fn add_manifest(&self, content_type: &str, bytes: Vec<u8>) -> i32 {
        let key = sluice_storage::keys::manifest_file();
        let size = bytes.len();
        let mut digest = sluice_extraction::fingerprint::Content::default();
        digest.add(&bytes);
        self.storage.put(&key, content_type, Bytes::from(bytes)).await.unwrap();
        let manifest = NewManifest {
            group_id: self.workspace.group_id,
            filename: format!("{key}-invoice"),
            storage_key: key,
            original_filename: "invoice".to_owned(),
            file_size_bytes: i64::try_from(size).unwrap().max(1),
            file_type: "pdf".to_owned(),
            content_type: content_type.to_owned(),
            content_sha256: digest.finish(),
        };
        let mut connection = self.database.pool.get().await.unwrap();
        manifests::insert(&mut connection, &manifest).await.unwrap().unwrap().id
    }

    pub(crate) async fn add_invoice(&self) -> i32 {
        self.add_manifest("application/pdf", documents::invoice_pdf("4711")).await
    }

    /// Makes a job's row, as the API does before it adds the queue job.
    pub(crate) async fn add_row(&self, manifest_id: i32, kind: &str) -> Job {
        self.add_row_of(self.new_job(manifest_id, kind)).await
    }

    pub(crate) async fn add_row_of(&self, job: NewJob) -> Job {
        jobs::insert(&mut self.database.pool.get().await.unwrap(), &job).await.unwrap()
    }

    /// Makes a job for one field and adds it to the queue.
    pub(crate) async fn add_field_job(&self, manifest_id: i32, field: &str) -> i32 {
        let job = NewJob { field_name: Some(field.to_owned()), ..self.new_job(manifest_id, "extraction") };
        let job = self.add_row_of(job).await;
        self.enqueue(&job).await;
        job.id
    }

    pub(crate) fn new_job(&self, manifest_id: i32, kind: &str) -> NewJob {
        NewJob {
            manifest_id,
            kind: kind.to_owned(),
            user_id: Some(self.workspace.user_id),
            request_id: None,
            schema_id: Some(self.workspace.schema_id),
            schema_version: Some("v1".to_owned()),
            llm_model_id: Some(self.workspace.model_id),
            text_extractor_id: None,
            prompt_id: None,
            field_name: None,
            previous_manifest_status: None,
        }
    }

    /// Makes the workspace's extractor another one.
    pub(crate) async fn set_extractor(&self, extractor_type: &str, config: &Value) {
        let config = config.to_string().replace('\'', "''");
        let id = self.workspace.extractor_id;
        self.sql(&format!(
            "update extractors set extractor_type = '{extractor_type}', config = '{config}' where id = '{id}'"
        ))
        .await;
    }

    /// Watches a manifest, as a gateway does for its sockets.
    pub(crate) async fn watch(&self, manifest: i32) {
        let events = sluice_event_bus::Config::read(&mut Env::from_pairs(self.settings.clone()));
        let (subscriber, _messages) = Subscriber::connect(&events, &Tasks::new()).await.unwrap();
        subscriber.watch(&[ManifestId(manifest)], Duration::from_secs(600)).await.unwrap();
    }

    /// Runs a statement.
    pub(crate) async fn sql(&self, statement: &str) {
        diesel::sql_query(statement).execute(&mut self.database.pool.get().await.unwrap()).await.unwrap();
    }

    /// Makes a job and adds it to the queue.
    pub(crate) async fn add_job(&self, manifest_id: i32) -> i32 {
        let job = self.add_row(manifest_id, "extraction").await;
        self.enqueue(&job).await;
        job.id
    }

    pub(crate) async fn enqueue(&self, job: &Job) {
        let kind: JobKind = job.kind.parse().unwrap();
        let message = JobMessage::V1(JobMessageV1 {
            job_id: JobId(job.id),
            manifest_id: ManifestId(job.manifest_id),
            kind,
            request_id: None,
        });
        self.producer.add(&message).await.unwrap();
        let fact = JobFact {
            job_id: JobId(job.id).into(),
            manifest_id: ManifestId(job.manifest_id),
            kind,
            number_floor: 0,
            fact: Fact::Queued,
        };
        self.publisher.publish(&fact).await.unwrap();
    }

    /// Waits until a job has ended, in its row and on the bus.
    pub(crate) async fn ended(&self, job: i32) -> Job {
        let row = eventually(LONG, || async {
            let row = jobs::find(&mut self.database.pool.get().await.unwrap(), job).await.unwrap().unwrap();
            if row.completed_at.is_some() { Ok(row) } else { Err(row) }
        })
        .await
        .unwrap();
        eventually(LONG, || async {
            let statuses = self.statuses(job);
            let is_told = statuses.iter().any(|status| ["completed", "failed", "canceled"].contains(&status.as_str()));
            if is_told { Ok(()) } else { Err(statuses) }
        })
        .await
        .unwrap();
        row
    }

    /// The updates of a job so far.
    pub(crate) fn updates(&self, job: i32) -> Vec<Value> {
        let id = format!("job-{job}");
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .filter(|(name, data)| name == "job-update" && data["jobId"] == json!(id))
            .map(|(_, data)| data.clone())
            .collect()
    }

    pub(crate) fn statuses(&self, job: i32) -> Vec<String> {
        self.updates(job).iter().map(|update| update["status"].as_str().unwrap().to_owned()).collect()
    }

    /// Events of the other names so far.
    pub(crate) fn others(&self, name: &str) -> Vec<Value> {
        self.seen.lock().unwrap().iter().filter(|(event, _)| event == name).map(|(_, data)| data.clone()).collect()
    }

    /// A manifest, its data without what is computed of them.
    pub(crate) async fn manifest(&self, id: i32) -> Manifest {
        let mut manifest = self.manifest_with_info(id).await;
        if let Some(Value::Object(fields)) = &mut manifest.extracted_data {
            fields.shift_remove("_extraction_info");
        }
        manifest
    }

    pub(crate) async fn manifest_with_info(&self, id: i32) -> Manifest {
        manifests::find(&mut self.database.pool.get().await.unwrap(), id).await.unwrap().unwrap()
    }

    /// Where its values are printed.
    pub(crate) async fn citations(&self, id: i32) -> Vec<Citation> {
        citations::list(&mut self.database.pool.get().await.unwrap(), id).await.unwrap()
    }

    /// The pages of a manifest, as the API shows them.
    pub(crate) async fn ocr_result(&self, id: i32) -> Value {
        manifests::load_ocr_result(&mut self.database.pool.get().await.unwrap(), id).await.unwrap().unwrap()
    }

    /// What a run leaves, without what differs from run to run.
    pub(crate) async fn rows(&self, job: i32) -> Value {
        #[derive(diesel::QueryableByName)]
        struct Rows {
            #[diesel(sql_type = Nullable<Text>)]
            rows: Option<String>,
        }
        let rows: Rows = diesel::sql_query(
            "select json_build_object(
               'job', to_jsonb(j) - '{id,manifest_id,queue_job_id,attempt_count,started_at,completed_at,created_at,updated_at,error_message,error_code,error_stage,user_prompt,system_prompt}'::text[],
               'manifest', to_jsonb(m) - '{id,filename,storage_key,ocr_processed_at,ocr_result,created_at,updated_at,last_event_number,validation_results,content_sha256}'::text[],
               'issues', m.validation_results->'issues',
               'stages', (select json_agg(s.stage order by s.started_at) from job_stages s where s.job_id = j.id))::text as rows
             from jobs j join manifests m on m.id = j.manifest_id where j.id = $1",
        )
        .bind::<Integer, _>(job)
        .get_result(&mut self.database.pool.get().await.unwrap())
        .await
        .unwrap();
        serde_json::from_str(&rows.rows.unwrap()).unwrap()
    }

    /// Numbers rise by one, progress never falls, and the job ends once.
    pub(crate) fn assert_events_are_in_order(&self, job: i32) {
        let updates = self.updates(job);
        let progress: Vec<u64> = updates.iter().map(|update| update["progress"].as_u64().unwrap()).collect();
        assert!(progress.is_sorted(), "{progress:?}");
        let numbers: Vec<u64> = updates.iter().map(|update| update["number"].as_u64().unwrap()).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
        let ends = self
            .statuses(job)
            .into_iter()
            .filter(|status| ["completed", "failed", "canceled"].contains(&status.as_str()));
        assert_eq!(ends.count(), 1, "{:?}", self.statuses(job));
        assert!(["completed", "failed", "canceled"].contains(&self.statuses(job).last().unwrap().as_str()));
    }
}
