//! The servers that all tests of a run share.

use anyhow::{Context, Result};
use std::sync::OnceLock;

use crate::postgres::{self, Database, Postgres};
use crate::redis::Redis;
use crate::s3::S3;

/// The addresses of the shared servers.
#[derive(Debug, Clone)]
pub struct Servers {
    /// A database of the Postgres server whose user may make others.
    pub postgres_url: String,
    /// The Redis server.
    pub redis_url: String,
    /// The S3 server.
    pub s3_url: String,
}

static SHARED: OnceLock<Servers> = OnceLock::new();

impl Servers {
    /// The servers that the runner of the tests started, else ones that this process starts for itself.
    ///
    /// # Errors
    /// When they can't be started.
    pub fn shared() -> Result<Self> {
        if let Some(servers) = SHARED.get() {
            return Ok(servers.clone());
        }
        let servers = match Self::from_runner() {
            Some(servers) => servers,
            None => start_for_this_process()?,
        };
        Ok(SHARED.get_or_init(|| servers).clone())
    }

    /// A fresh, migrated database.
    ///
    /// # Errors
    /// When Postgres does not answer.
    pub async fn database(&self) -> Result<Database> {
        postgres::create_database(&self.postgres_url).await
    }

    /// A fresh name, for a key prefix or a bucket.
    #[must_use]
    pub fn fresh_name(&self) -> String {
        format!("t{}", sluice_core::id::fresh_uuid().simple())
    }

    #[expect(clippy::disallowed_methods, reason = "tests have no settings; the runner hands the addresses on")]
    fn from_runner() -> Option<Self> {
        let read = |name| std::env::var(name).ok();
        Some(Self {
            postgres_url: read("TEST_POSTGRES_URL")?,
            redis_url: read("TEST_REDIS_URL")?,
            s3_url: read("TEST_S3_URL")?,
        })
    }
}

/// Starts `sluice-test-servers`, which ends when this process does, because its standard input does.
fn start_for_this_process() -> Result<Servers> {
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    let mut child = Command::new(crate::process::our_binary("sluice-test-servers")?)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // A signal for the tests would end it before it has ended the servers.
        .process_group(0)
        .spawn()
        .context("can't start sluice-test-servers")?;
    let stdout = child.stdout.take().context("no output")?;
    // Kept open for as long as this process lives.
    std::mem::forget(child.stdin.take());
    let mut servers = Servers { postgres_url: String::new(), redis_url: String::new(), s3_url: String::new() };
    for line in BufReader::new(stdout).lines().take(3) {
        let line = line?;
        let (name, value) = line.split_once('=').context("no address")?;
        match name {
            "TEST_POSTGRES_URL" => value.clone_into(&mut servers.postgres_url),
            "TEST_REDIS_URL" => value.clone_into(&mut servers.redis_url),
            _ => value.clone_into(&mut servers.s3_url),
        }
    }
    Ok(servers)
}

/// All three, started together.
#[derive(Debug)]
pub struct Started {
    /// Postgres.
    pub postgres: Postgres,
    /// Redis.
    pub redis: Redis,
    /// S3.
    pub s3: S3,
}

impl Started {
    /// Starts all three.
    ///
    /// # Errors
    /// When one does not start.
    pub fn start() -> Result<Self> {
        Ok(Self { postgres: Postgres::start()?, redis: Redis::start()?, s3: S3::start()? })
    }

    /// Their addresses.
    #[must_use]
    pub fn addresses(&self) -> Servers {
        Servers { postgres_url: self.postgres.url("postgres"), redis_url: self.redis.url(), s3_url: self.s3.url() }
    }
}
