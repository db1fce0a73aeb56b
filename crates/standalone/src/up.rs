//! Everything in one process.

use std::collections::HashMap;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;
use sluice_service::{Shutdown, Tasks};

use crate::child::Server;
use crate::data_folder::{DataFolder, Kept};
use crate::servers;
use crate::settings::{Base, Settings};

/// How long the services may take to drain at the end.
const DRAIN: Duration = Duration::from_secs(60);

/// The private servers, in the order in which they were started.
#[derive(Default)]
struct Private(Vec<Server>);

/// What runs for the time of some work.
#[derive(Debug)]
pub(crate) struct Reachable {
    /// The URL of the API.
    pub(crate) api: String,
    /// The URL of the local model, when it was started.
    pub(crate) model: Option<String>,
    pub(crate) database: sluice_db::Config,
}

/// Where things can be reached.
#[derive(Debug, Default)]
struct Endpoints {
    api: String,
    socket: String,
    storage: String,
    model: Option<String>,
}

/// Starts the private servers that the settings do not replace, then the three services, and stops it all in the reverse
/// order on Ctrl-C or SIGTERM.
///
/// # Errors
/// When something is missing, does not start, or ends by itself.
pub async fn up(folder: &DataFolder) -> Result<()> {
    let lock = folder.lock()?;
    let kept = folder.kept()?;
    let shutdown = Shutdown::on_signals(&Tasks::new())?;
    let mut private = Private::default();
    let result = tokio::select! {
        result = start_and_run(folder, &kept, &mut private, &shutdown) => result,
        // A start can be broken off; what runs by then is stopped below.
        () = shutdown_before_start(&shutdown) => Ok(()),
    };
    private.stop().await;
    drop(lock);
    result
}

/// While the services run they hear the signal themselves; this only ends a start that hangs.
async fn shutdown_before_start(shutdown: &Shutdown) {
    shutdown.triggered().await;
    tokio::time::sleep(DRAIN).await;
}

async fn start_and_run(folder: &DataFolder, kept: &Kept, private: &mut Private, shutdown: &Shutdown) -> Result<()> {
    let (settings, model) = private.start(folder, kept, (Base::Process, true)).await?;
    let settings = Settings { base: Base::Process, added: settings };
    let mut endpoints = Endpoints { model, ..Endpoints::default() };
    prepare(&settings).await?;
    let tasks = Tasks::new();
    let services = start_services(&settings, &mut endpoints, shutdown, &tasks).await?;
    folder.write("endpoints.json", &endpoints.to_json().to_string())?;
    endpoints.print(folder)?;
    let mut finishing = Box::pin(finish(services, &tasks));
    tokio::select! {
        ended = private.ended() => {
            shutdown.trigger();
            finishing.await?;
            bail!(ended);
        }
        result = &mut finishing => result,
    }
}

/// Runs all services on private servers of their own for the time of some work. Signals are the caller's: the services end
/// after the work.
pub(crate) async fn serve_for<T, F>(
    folder: &DataFolder,
    (added, starts_model): (&[(&str, String)], bool),
    interrupt: &Shutdown,
    work: impl FnOnce(Reachable) -> F,
) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let lock = folder.lock()?;
    let kept = folder.kept()?;
    let mut private = Private::default();
    let result = async {
        let starting = private.start(folder, &kept, (Base::Apart, starts_model));
        let (mut settings, model) = tokio::select! {
            started = starting => started?,
            () = interrupt.triggered() => bail!("interrupted while the servers started"),
        };
        settings.extend(added.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let settings = Settings { base: Base::Apart, added: settings };
        prepare(&settings).await?;
        let (mut endpoints, shutdown, tasks) = (Endpoints::default(), Shutdown::new(), Tasks::new());
        let services = start_services(&settings, &mut endpoints, &shutdown, &tasks).await?;
        let mut env = settings.env();
        let database = sluice_db::Config::read(&mut env);
        env.finish()?;
        let result = tokio::select! {
            result = work(Reachable { api: endpoints.api, model, database }) => result,
            ended = private.ended() => Err(anyhow::anyhow!(ended)),
        };
        shutdown.trigger();
        let finished = finish(services, &tasks).await;
        result.and_then(|result| finished.map(|()| result))
    };
    let result = result.await;
    private.stop().await;
    drop(lock);
    result
}

impl Private {
    /// Starts what the settings do not name, and answers the settings that lead to it and the URL of the local model.
    async fn start(
        &mut self,
        folder: &DataFolder,
        kept: &Kept,
        (base, starts_model): (Base, bool),
    ) -> Result<(HashMap<String, String>, Option<String>)> {
        let mut env = base.env();
        let mut settings = HashMap::new();
        let mut model = None;
        let mut set = |name: &str, value: String| settings.insert(name.to_owned(), value);
        if env.optional("SLUICE_DB_URL").is_none() {
            self.0.push(servers::postgres(folder, kept).await?);
            set("SLUICE_DB_URL", kept.database_url());
        }
        if env.optional("SLUICE_REDIS_URL").is_none() {
            self.0.push(servers::redis(folder, kept).await?);
            set("SLUICE_REDIS_URL", kept.redis_url());
        }
        if env.optional("SLUICE_S3_ENDPOINT").is_none() {
            self.0.push(servers::s3(folder, kept).await?);
            set("SLUICE_S3_ENDPOINT", format!("http://127.0.0.1:{}", kept.ports.s3));
            set("SLUICE_S3_BUCKET", "sluice".to_owned());
            set("SLUICE_S3_ACCESS_KEY_ID", kept.s3_access_key.clone());
            set("SLUICE_S3_SECRET_ACCESS_KEY", kept.s3_secret_key.clone());
        }
        if starts_model
            && env.optional("SLUICE_LLM_BASE_URL").is_none()
            && let Some(server) = servers::model(folder, kept)?
        {
            self.0.push(server);
            model = Some(format!("http://127.0.0.1:{}/v1", kept.ports.model));
        }
        for (name, value) in [("SLUICE_JWT_SECRET", &kept.jwt_secret), ("SLUICE_SECRETS_KEY", &kept.secrets_key)] {
            if env.optional(name).is_none() {
                set(name, value.clone());
            }
        }
        let library = folder.tools.join("lib/libpdfium.so");
        if env.optional("SLUICE_SANDBOX_PDFIUM").is_none() && library.is_file() {
            set("SLUICE_SANDBOX_PDFIUM", library.display().to_string());
        }
        for (name, port) in [("SLUICE_API_LISTEN", 3000), ("SLUICE_WS_LISTEN", 3002)] {
            if env.optional(name).is_none() {
                set(name, format!("127.0.0.1:{}", free_or_any(port)));
            }
        }
        if env.optional("SLUICE_WORKER_PORT").is_none() {
            set("SLUICE_WORKER_PORT", "0".to_owned());
        }
        Ok((settings, model))
    }

    /// Waits until one of them ends, which none should.
    async fn ended(&mut self) -> String {
        if self.0.is_empty() {
            return std::future::pending().await;
        }
        let watched = self.0.iter_mut().map(|server| Box::pin(server.ended()));
        let (message, _, _) = futures_util::future::select_all(watched).await;
        message
    }

    /// Stops them, the last started first.
    async fn stop(self) {
        for server in self.0.into_iter().rev() {
            server.stop().await;
        }
    }
}

/// The default port when it is free, else whichever is.
fn free_or_any(port: u16) -> u16 {
    if TcpListener::bind(("127.0.0.1", port)).is_ok() { port } else { 0 }
}

/// Brings database and bucket into shape.
async fn prepare(settings: &Settings) -> Result<()> {
    let mut env = settings.env();
    let db = sluice_db::Config::read(&mut env);
    let storage = sluice_storage::Config::read(&mut env);
    let origins = env.list("SLUICE_CORS_ORIGINS");
    env.finish()?;
    let names = sluice_db::migrate::run(&db).await.context("the database could not be migrated")?;
    if !names.is_empty() {
        tracing::info!(count = names.len(), "migrations ran");
    }
    let store = sluice_storage::S3Store::new(&storage);
    let end = tokio::time::Instant::now() + Duration::from_secs(60);
    // SeaweedFS takes connections some seconds before it can store.
    while let Err(error) = store.ensure_bucket(&origins).await {
        if tokio::time::Instant::now() >= end {
            return Err(error).context("the bucket could not be made");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

type Running = Vec<(&'static str, tokio::task::JoinHandle<Result<()>>)>;

async fn start_services(
    settings: &Settings,
    endpoints: &mut Endpoints,
    shutdown: &Shutdown,
    tasks: &Tasks,
) -> Result<Running> {
    let mut env = settings.env();
    let api = sluice_api::Config::read(&mut env);
    let gateway = sluice_ws_gateway::Config::read(&mut env);
    let worker = sluice_worker::Config::read(&mut env);
    endpoints.storage = worker.storage.public_endpoint.clone();
    tracing::info!(settings = %env.finish()?, "starting the services");
    let api = sluice_api::Application::build(api).await?;
    let gateway = sluice_ws_gateway::Application::build(gateway).await?;
    let worker = sluice_worker::Application::build(worker).await?;
    endpoints.api = format!("http://127.0.0.1:{}/api", api.port());
    endpoints.socket = format!("http://127.0.0.1:{}", gateway.port());
    let (for_api, for_gateway, for_worker) = (shutdown.clone(), shutdown.clone(), shutdown.clone());
    Ok(vec![
        ("worker", tasks.spawn(worker.run(for_worker))),
        ("api", tasks.spawn(async move { Ok(api.run(for_api).await?) })),
        ("ws-gateway", tasks.spawn(async move { Ok(gateway.run(for_gateway).await?) })),
    ])
}

/// Waits for the end of the services; the first error is the answer.
async fn finish(services: Running, tasks: &Tasks) -> Result<()> {
    let mut first = Ok(());
    for (name, task) in services {
        let result = task.await.with_context(|| format!("{name} broke down")).and_then(|result| result);
        if first.is_ok() {
            first = result.with_context(|| format!("{name} failed"));
        }
    }
    tasks.finish(DRAIN).await;
    first
}

impl Endpoints {
    fn to_json(&self) -> serde_json::Value {
        json!({"api": self.api, "socket": self.socket, "storage": self.storage, "model": self.model})
    }

    fn print(&self, folder: &DataFolder) -> Result<()> {
        let model =
            self.model.as_deref().unwrap_or("none is installed: scripts/install model, or enter one of your own");
        let mut out = std::io::stdout();
        writeln!(out, "\nSluice is up.")?;
        writeln!(out, "  API          {}", self.api)?;
        writeln!(out, "  socket       {} (path /api/socket.io, namespace /manifests)", self.socket)?;
        writeln!(out, "  storage      {}", self.storage)?;
        writeln!(out, "  local model  {model}")?;
        writeln!(out, "  data         {}", folder.root.display())?;
        writeln!(out, "  logs         {}", folder.root.join(Path::new("logs")).display())?;
        writeln!(out, "Add the first user with: sluice user add NAME --admin      Stop with Ctrl-C.\n")?;
        Ok(out.flush()?)
    }
}
