//! Builds the worker from its settings; the only file that names both what the stages need and what fills it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use sluice_core::ports::{Clock, EventSink, SystemClock};
use sluice_db::Pool;
use sluice_event_bus::Publisher;
use sluice_llm::Client;
use sluice_queue::{Consumer, Producer};
use sluice_remote_extractors::paddle_ocr;
use sluice_sandbox::Sandbox;
use sluice_service::{SecretBox, Shutdown, Tasks};
use sluice_storage::S3Store;
use tokio::net::TcpListener;

use crate::config::Config;
use crate::pipeline::{NoObserver, Pipeline, StageObserver};
use crate::retry::Policy;
use crate::runner::Runner;
use crate::{health, retention, sweeper};

/// How long to wait before an OCR server is asked again within an attempt.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// What the stages use. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Ports {
    pub(crate) pool: Pool,
    pub(crate) producer: Producer,
    pub(crate) events: Arc<dyn EventSink>,
    pub(crate) storage: S3Store,
    pub(crate) sandbox: Sandbox,
    pub(crate) models: Client,
    pub(crate) paddle_ocr: paddle_ocr::Client,
    /// Calls of an attempt.
    pub(crate) llm_calls: i32,
    /// Whether answers come of the records only.
    pub(crate) llm_replay: bool,
    pub(crate) secrets: Arc<SecretBox>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) max_file_bytes: u64,
    /// How soon a job that waits for its budget is looked at again.
    pub(crate) park_delay: Duration,
    /// A call that takes longer is that of a dead worker.
    pub(crate) call_timeout: Duration,
}

/// A worker that is ready to run.
#[derive(Debug)]
pub struct Application {
    config: Config,
    ports: Ports,
    listener: TcpListener,
    observer: Arc<dyn StageObserver>,
}

impl Application {
    /// Connects to everything.
    ///
    /// # Errors
    /// When something does not answer.
    pub async fn build(config: Config) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("0.0.0.0", config.port)).await.context("the health port can't be taken")?;
        let ports = Ports {
            pool: Pool::new(&config.db)?,
            producer: Producer::connect(&config.queue).await?,
            events: Arc::new(Publisher::connect(&config.events).await?),
            storage: S3Store::new(&config.storage),
            sandbox: Sandbox::new(config.sandbox.clone()),
            models: Client::new(config.llm.clone())?,
            paddle_ocr: paddle_ocr::Client::new(config.retry_delay.min(FIRST_PAUSE))?,
            llm_calls: config.llm_calls,
            llm_replay: config.llm_replay,
            secrets: config.secrets.clone(),
            clock: Arc::new(SystemClock),
            max_file_bytes: config.max_file_bytes,
            park_delay: config.park_delay,
            call_timeout: config.llm.call_timeout,
        };
        ports.pool.check().await?;
        Ok(Self { config, ports, listener, observer: Arc::new(NoObserver) })
    }

    /// Lets an observer watch the stages.
    #[must_use]
    pub fn observed_by(self, observer: Arc<dyn StageObserver>) -> Self {
        Self { observer, ..self }
    }

    /// The port of the signs of life.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn port(&self) -> std::io::Result<u16> {
        Ok(self.listener.local_addr()?.port())
    }

    /// Works until shutdown, then drains.
    ///
    /// # Errors
    /// When the queue can't be reached at the start.
    pub async fn run(self, shutdown: Shutdown) -> anyhow::Result<()> {
        let tasks = Tasks::new();
        let policy = Policy { attempts: self.config.attempts, delay: self.config.retry_delay };
        let pipeline = Pipeline::new(&self.ports, self.observer);
        let runner = Arc::new(Runner { ports: self.ports.clone(), pipeline, policy });
        let consumer =
            Consumer::start(&self.config.queue, self.config.concurrency, move |delivery| runner.clone().run(delivery))
                .await?;
        tasks.spawn(health::serve(self.listener, self.ports.clone(), shutdown.clone()));
        let limits = sweeper::PageCache { age: self.config.page_cache_age, mib: self.config.page_cache_mib };
        tasks.spawn(sweeper::run(self.ports.clone(), self.config.sweep_interval, limits, shutdown.clone()));
        tasks.spawn(retention::run(self.ports.clone(), self.config.audit_retention, shutdown.clone()));
        tracing::info!(concurrency = self.config.concurrency, "the worker takes jobs");
        shutdown.triggered().await;
        consumer.close(self.config.drain_timeout).await;
        tasks.finish(Duration::from_secs(5)).await;
        tracing::info!("the worker has stopped");
        Ok(())
    }
}
