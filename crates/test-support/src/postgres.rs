//! A Postgres cluster of its own, and a database per test.

use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use sluice_db::{Config, Pool};
use sluice_service::Env;
use tempfile::TempDir;

use crate::ports::free_port;
use crate::process::Process;

/// A running cluster; ends and is removed when dropped.
#[derive(Debug)]
pub struct Postgres {
    process: Option<Process>,
    folder: TempDir,
    port: u16,
}

impl Postgres {
    /// Makes and starts a cluster on a free port, without durability.
    ///
    /// # Errors
    /// When Postgres is not installed or does not start.
    pub fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("sluice-postgres-").tempdir()?;
        let user = unprivileged_user()?;
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid))?;
        }
        let data = folder.path().join("data");
        let mut initdb = Command::new(binary("initdb")?);
        initdb.arg("-D").arg(&data).args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        let output = as_user(&mut initdb, user).current_dir(folder.path()).output().context("can't run initdb")?;
        ensure!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
        let mut postgres = Self { process: None, folder, port: free_port()? };
        postgres.run()?;
        Ok(postgres)
    }

    /// The URL of a database of this cluster.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Kills the server as a crash would.
    ///
    /// # Errors
    /// When it can't be killed.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |mut process| process.kill())
    }

    /// Starts the server again on the same port with the same data.
    ///
    /// # Errors
    /// When it does not start.
    pub fn run(&mut self) -> Result<()> {
        let mut command = Command::new(binary("postgres")?);
        command.arg("-D").arg(self.folder.path().join("data")).args(["-p", &self.port.to_string(), "-h", "127.0.0.1"]);
        command.arg("-k").arg(self.folder.path());
        for setting in ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=300"] {
            command.args(["-c", setting]);
        }
        as_user(&mut command, unprivileged_user()?).current_dir(self.folder.path());
        let mut process = Process::spawn(command, &self.folder.path().join("log"))?;
        process.wait_for_port(self.port, Duration::from_secs(60))?;
        self.process = Some(process);
        Ok(())
    }
}

/// A database of one test.
#[derive(Debug, Clone)]
pub struct Database {
    /// Its URL.
    pub url: String,
    /// A pool of connections to it.
    pub pool: Pool,
}

/// Makes a fresh, migrated database on the server at `server_url`.
///
/// # Errors
/// When the server does not answer or the migrations fail.
pub async fn create_database(server_url: &str) -> Result<Database> {
    let mut admin = connect(server_url).await?;
    let template = ensure_template(&mut admin, server_url).await?;
    sweep(&mut admin).await?;
    let name = format!("test_{}", sluice_core::id::fresh_uuid().simple());
    diesel::sql_query(format!("create database {name} template {template}")).execute(&mut admin).await?;
    let url = with_database(server_url, &name)?;
    Ok(Database { pool: Pool::new(&config(&url)?)?, url })
}

/// The settings for the database at a URL.
///
/// # Errors
/// When the URL is none.
pub fn config(url: &str) -> Result<Config> {
    let mut env = Env::from_pairs([("SLUICE_DB_URL", url)]);
    let config = Config::read(&mut env);
    env.finish()?;
    Ok(config)
}

async fn connect(url: &str) -> Result<AsyncPgConnection> {
    crate::eventually(Duration::from_secs(30), || AsyncPgConnection::establish(url)).await
}

/// The migrated template; made by the first test that asks, under a lock. A changed migration makes another one.
async fn ensure_template(admin: &mut AsyncPgConnection, server_url: &str) -> Result<String> {
    #[derive(diesel::QueryableByName)]
    struct Found {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        found: bool,
    }
    let template = format!("template_{:016x}", migrations_hash()?);
    diesel::sql_query("select pg_advisory_lock(4711)").execute(admin).await?;
    let query = format!("select exists (select from pg_database where datname = '{template}') as found");
    let Found { found } = diesel::sql_query(query).get_result(admin).await?;
    if !found {
        let making = format!("{template}_making");
        diesel::sql_query(format!("drop database if exists {making}")).execute(admin).await?;
        diesel::sql_query(format!("create database {making}")).execute(admin).await?;
        sluice_db::migrate::run(&config(&with_database(server_url, &making)?)?).await?;
        diesel::sql_query(format!("alter database {making} rename to {template}")).execute(admin).await?;
    }
    diesel::sql_query("select pg_advisory_unlock(4711)").execute(admin).await?;
    Ok(template)
}

/// Removes a few databases of tests that ended long ago, so that neither a long run nor a crashed one fills the disk.
/// Their names begin with the time at which they were made.
async fn sweep(admin: &mut AsyncPgConnection) -> Result<()> {
    #[derive(diesel::QueryableByName)]
    struct Old {
        #[diesel(sql_type = diesel::sql_types::Text)]
        name: String,
    }
    let old: Vec<Old> = diesel::sql_query(
        "select datname::text as name from pg_database d
         where datname like 'test\\_%'
           and datname < 'test_' || lpad(to_hex(((extract(epoch from now()) - 300) * 1000)::bigint), 12, '0')
           and not exists (select from pg_stat_activity a where a.datname = d.datname) limit 5",
    )
    .load(admin)
    .await?;
    for Old { name } in old {
        if let Err(error) = diesel::sql_query(format!("drop database if exists {name}")).execute(admin).await {
            // Another test is at it, or somebody looks inside.
            tracing::debug!(name, %error, "left an old database");
        }
    }
    Ok(())
}

fn with_database(server_url: &str, name: &str) -> Result<String> {
    let mut url = url::Url::parse(server_url)?;
    url.set_path(name);
    Ok(url.into())
}

fn migrations_hash() -> Result<u64> {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut files: Vec<PathBuf> = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations"))?
        .filter_map(|entry| Some(entry.ok()?.path().join("up.sql")))
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        std::fs::read(file)?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

/// Postgres refuses to run as root: then its own user from the package runs it.
fn unprivileged_user() -> Result<Option<(u32, u32)>> {
    if std::fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let passwd = std::fs::read_to_string("/etc/passwd")?;
    let line = passwd.lines().find(|line| line.starts_with("postgres:")).context("there is no user postgres")?;
    let mut fields = line.split(':').skip(2);
    let uid = fields.next().context("no uid")?.parse()?;
    let gid = fields.next().context("no gid")?.parse()?;
    Ok(Some((uid, gid)))
}

fn as_user(command: &mut Command, user: Option<(u32, u32)>) -> &mut Command {
    if let Some((uid, gid)) = user {
        command.gid(gid).uid(uid);
    }
    command
}

fn binary(name: &str) -> Result<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).collect())
        .unwrap_or_default();
    folders.sort();
    folders.reverse();
    folders.extend(["/usr/local/bin", "/usr/bin"].map(PathBuf::from));
    folders
        .into_iter()
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .with_context(|| format!("{name} is missing: run scripts/install run"))
}
