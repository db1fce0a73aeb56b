//! The service that is measured, and its data.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::http::{Connection, Request};
use super::load::Numbers;
use crate::servers::Servers;
use crate::shell::Shell;

const READY_WITHIN: Duration = Duration::from_secs(30);

/// What `sluice-bench-data` made: settings of the service, and names of rows.
#[derive(Debug)]
pub(crate) struct Data(BTreeMap<String, String>);

impl Data {
    pub(crate) fn seed(shell: &Shell, built: &Path, servers: &Servers) -> Result<Self> {
        let mut command = shell.command(built.join("sluice-bench-data"));
        command.arg(servers.postgres_url()?).arg(servers.url("TEST_S3_URL")?);
        println!("making 15,000 manifests …");
        let output = Shell::output(command)?;
        let pairs = output.lines().filter_map(|line| line.split_once('='));
        Ok(Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
    }

    pub(crate) fn get(&self, name: &str) -> Result<&str> {
        self.0.get(name).map(String::as_str).with_context(|| format!("sluice-bench-data did not say {name}"))
    }

    fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        all.filter(|(name, _)| name.starts_with("SLUICE_"))
    }
}

/// The running service; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Service {
    child: Child,
    host: String,
    numbers: Numbers,
}

impl Service {
    /// Starts it with the settings that it has by default, but for addresses and secrets. The proxy that it trusts is
    /// the benchmark, which asks in the name of many clients.
    pub(crate) fn start(shell: &Shell, built: &Path, servers: &Servers, data: &Data) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let host = format!("127.0.0.1:{port}");
        let log = built.join("bench-api.log");
        let out = File::create(&log).with_context(|| format!("can't write {}", log.display()))?;
        let child = shell
            .command(built.join("sluice-api"))
            .env_clear()
            .envs(data.settings())
            .env("SLUICE_REDIS_URL", servers.url("TEST_REDIS_URL")?)
            .env("SLUICE_API_LISTEN", &host)
            .env("SLUICE_TRUSTED_PROXIES", "127.0.0.1/32")
            .env("SLUICE_JWT_SECRET", "0123456789abcdef0123456789abcdef")
            .env("SLUICE_SECRETS_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
            .stdin(Stdio::null())
            .stderr(out.try_clone()?)
            .stdout(out)
            .spawn()
            .context("can't start sluice-api")?;
        let mut service = Self { child, host, numbers: Numbers::default() };
        service.wait(&log)?;
        Ok(service)
    }

    fn wait(&mut self, log: &PathBuf) -> Result<()> {
        let end = Instant::now() + READY_WITHIN;
        let mut connection = Connection::new(&self.host);
        while !connection.send(&Request::new("GET", "/api/health/ready")).is_ok_and(|answer| answer.status == 200) {
            if self.child.try_wait()?.is_some() || Instant::now() > end {
                bail!("sluice-api does not start:\n{}", std::fs::read_to_string(log)?);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn numbers(&self) -> &Numbers {
        &self.numbers
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            println!("the service did not end: {error}");
        }
    }
}
