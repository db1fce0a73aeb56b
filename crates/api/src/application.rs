//! The service as a whole.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use sluice_service::{Shutdown, Tasks};

use crate::config::Config;
use crate::middleware::cors::{self, Cors};
use crate::middleware::rate_limit::{self, RateLimit};
use crate::middleware::{authenticate, context};
use crate::routes;
use crate::state::AppState;

/// The REST service, bound to its port and connected.
pub struct Application {
    server: Server,
    port: u16,
    tasks: Tasks,
    drain: Duration,
}

/// Why the service can't start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The address can't be had.
    #[error("can't listen on {address}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Models can't be asked.
    #[error("can't make the client of the models")]
    Models(#[from] sluice_llm::Error),
    /// OCR servers can't be asked.
    #[error("can't make the client of the extractors")]
    Extractors(#[from] sluice_remote_extractors::Error),
    /// The database's settings can't be used.
    #[error("can't use the database")]
    Database(#[from] sluice_db::Error),
    /// The queue does not answer.
    #[error("can't reach the queue")]
    Queue(#[from] sluice_queue::Error),
    /// The bus does not answer.
    #[error("can't reach the event bus")]
    EventBus(#[from] sluice_event_bus::Error),
}

impl Application {
    /// Connects and takes the port; answers nothing yet.
    ///
    /// # Errors
    /// When Redis does not answer or the port is taken.
    pub async fn build(config: Config) -> Result<Self, BuildError> {
        let state = AppState::connect(&config).await?;
        let address = config.listen;
        let listen_error = |source| BuildError::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(listen_error)?;
        let port = listener.local_addr().map_err(listen_error)?.port();
        let tasks = state.tasks.clone();
        let cors = web::Data::new(Cors::new(&config));
        let rate_limit = web::Data::new(RateLimit::new(&config, state.producer.counters().clone()));
        let state = web::Data::new(state);
        let server = HttpServer::new(move || {
            // The last one wrapped sees a request first.
            App::new()
                .app_data(state.clone())
                .app_data(cors.clone())
                .app_data(rate_limit.clone())
                .configure(routes::configure)
                .wrap(from_fn(authenticate::check))
                .wrap(from_fn(rate_limit::check))
                .wrap(from_fn(cors::answer))
                .wrap(from_fn(context::provide))
        })
        .disable_signals()
        .shutdown_timeout(config.drain.as_secs())
        .listen(listener)
        .map_err(listen_error)?
        .run();
        Ok(Self { server, port, tasks, drain: config.drain })
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Answers requests until told to end, then lets those that run come to their end.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn run(self, shutdown: Shutdown) -> std::io::Result<()> {
        tracing::info!(port = self.port, "listening");
        let handle = self.server.handle();
        let stop = async {
            shutdown.triggered().await;
            handle.stop(true).await;
        };
        let (result, ()) = tokio::join!(
            async {
                let result = self.server.await;
                // Without this a server that failed would wait for a signal.
                shutdown.trigger();
                result
            },
            stop
        );
        if !self.tasks.finish(self.drain).await {
            tracing::warn!(running = self.tasks.running(), "tasks were left unfinished");
        }
        result
    }
}

impl std::fmt::Debug for Application {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Application").field("port", &self.port).finish_non_exhaustive()
    }
}
