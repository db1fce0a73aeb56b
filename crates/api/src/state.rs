//! What all handlers share.

use std::sync::Arc;
use std::time::Duration;

use sluice_access::Authenticator;
use sluice_core::ports::{Clock, ObjectStore, SystemClock};
use sluice_core::{JobId, QueueJobId};
use sluice_db::{Connection, Pool};
use sluice_event_bus::Publisher;
use sluice_queue::Producer;
use sluice_remote_extractors::paddle_ocr;
use sluice_sandbox::Sandbox;
use sluice_service::{ErrorChain, SecretBox, Tasks};
use sluice_storage::{Presigner, S3Store};

use crate::application::BuildError;
use crate::config::Config;
use crate::error::{ApiError, Code, Result};
use crate::middleware::client_ip::Network;

/// What all handlers share; clones share all.
#[derive(Debug, Clone)]
pub(crate) struct AppState {
    pub(crate) pool: Pool,
    pub(crate) producer: Producer,
    pub(crate) publisher: Publisher,
    pub(crate) store: S3Store,
    pub(crate) presigner: Presigner,
    pub(crate) authenticator: Authenticator,
    pub(crate) sandbox: Sandbox,
    pub(crate) secrets: Arc<SecretBox>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Networks of proxies that are believed about whom they speak for.
    pub(crate) trusted_proxies: Arc<[Network]>,
    pub(crate) models: sluice_llm::Client,
    pub(crate) paddle_ocr: paddle_ocr::Client,
    /// How long a request may wait for a text to be read.
    pub(crate) ocr_timeout: Duration,
    /// Work that goes on when its caller is gone, and that shutdown waits for.
    pub(crate) tasks: Tasks,
}

impl AppState {
    pub(crate) async fn connect(config: &Config) -> std::result::Result<Self, BuildError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let pool = Pool::new(&config.db)?;
        Ok(Self {
            producer: Producer::connect(&config.queue).await?,
            publisher: Publisher::connect(&config.events).await?,
            store: S3Store::new(&config.storage),
            presigner: Presigner::new(&config.storage),
            authenticator: Authenticator::new(&config.access, pool.clone(), clock.clone()),
            sandbox: Sandbox::new(config.sandbox.clone()),
            models: sluice_llm::Client::new(config.llm.clone())?,
            paddle_ocr: paddle_ocr::Client::new(Duration::from_secs(1))?,
            secrets: config.secrets.clone(),
            trusted_proxies: config.trusted_proxies.clone().into(),
            ocr_timeout: config.ocr_timeout,
            tasks: Tasks::new(),
            clock,
            pool,
        })
    }

    /// Takes a connection of the pool.
    pub(crate) async fn connection(&self) -> Result<Connection> {
        Ok(self.pool.get().await?)
    }

    /// Does work to its end, also when the caller goes away meanwhile.
    pub(crate) async fn complete<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        self.tasks.spawn(work).await.map_err(|error| ApiError::new(Code::Internal, "").with_source(error))?
    }

    /// Removes files whose rows are gone. A failure leaves a file behind that nothing points to; it is logged.
    pub(crate) async fn remove_files(&self, keys: Vec<String>) {
        let store = self.store.clone();
        let removal = self.tasks.spawn(async move {
            for key in keys {
                if let Err(error) = store.delete(&key).await {
                    tracing::warn!(key, error = %ErrorChain(&error), "a file was left in storage");
                }
            }
        });
        if let Err(error) = removal.await {
            tracing::error!(%error, "the removal of files broke off");
        }
    }

    /// Takes the jobs of what was deleted out of the queue. A worker that takes one finds no row, so this only spares it
    /// the way there; a failure is logged.
    pub(crate) async fn cancel_queue_jobs(&self, jobs: Vec<i32>) {
        let producer = self.producer.clone();
        let count = jobs.len();
        let removal = self.tasks.spawn(async move {
            let jobs: Vec<QueueJobId> = jobs.into_iter().map(|job| JobId(job).into()).collect();
            producer.cancel_all(&jobs).await
        });
        match removal.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(count, error = %ErrorChain(&error), "jobs of what was deleted stay queued");
            }
            Err(error) => tracing::error!(%error, "the removal of jobs broke off"),
        }
    }
}
