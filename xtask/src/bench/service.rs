//! Services that are measured, and the programs that help.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::data::Data;
use super::http::{Connection, Request};
use super::load::Numbers;
use super::process::{Memory, Stat};
use super::scenarios;
use crate::servers::Servers;
use crate::shell::Shell;

const READY_WITHIN: Duration = Duration::from_secs(30);

/// A running service; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Service {
    child: Child,
    host: String,
}

impl Service {
    /// Starts the API with the settings that it has by default, but for addresses and secrets. The proxy that it trusts is
    /// the benchmark, which asks in the name of many clients.
    pub(crate) fn start_api(
        shell: &Shell,
        built: &Path,
        servers: &Servers,
        data: &Data,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let host = free_host()?;
        let own = [("SLUICE_API_LISTEN", host.as_str()), ("SLUICE_TRUSTED_PROXIES", "127.0.0.1/32")];
        let settings = [own.as_slice(), settings].concat();
        Self::start(shell, &built.join("sluice-api"), (servers, data, &settings), (host.clone(), "/api/health/ready"))
    }

    /// Starts a worker.
    pub(crate) fn start_worker(
        shell: &Shell,
        built: &Path,
        servers: &Servers,
        data: &Data,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let host = free_host()?;
        let port = host.rsplit(':').next().unwrap_or_default().to_owned();
        let settings = [[("SLUICE_WORKER_PORT", port.as_str())].as_slice(), settings].concat();
        Self::start(shell, &built.join("sluice-worker"), (servers, data, &settings), (host.clone(), "/health/ready"))
    }

    /// Starts a gateway.
    pub(crate) fn start_gateway(shell: &Shell, built: &Path, servers: &Servers, data: &Data) -> Result<Self> {
        let host = free_host()?;
        let settings = [("SLUICE_WS_LISTEN", host.as_str()), ("SLUICE_WS_SOCKETS_PER_USER", "100000")];
        Self::start(
            shell,
            &built.join("sluice-ws-gateway"),
            (servers, data, &settings),
            (host.clone(), "/health/ready"),
        )
    }

    fn start(
        shell: &Shell,
        binary: &Path,
        (servers, data, settings): (&Servers, &Data, &[(&str, &str)]),
        (host, ready): (String, &str),
    ) -> Result<Self> {
        let log = binary.with_extension("bench.log");
        let out = File::create(&log).with_context(|| format!("can't write {}", log.display()))?;
        let child = shell
            .command(binary)
            .env_clear()
            .envs(data.settings())
            .env("SLUICE_REDIS_URL", servers.url("TEST_REDIS_URL")?)
            .env("SLUICE_JWT_SECRET", "0123456789abcdef0123456789abcdef")
            .env("SLUICE_SECRETS_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stderr(out.try_clone()?)
            .stdout(out)
            .spawn()
            .with_context(|| format!("can't start {}", binary.display()))?;
        let mut service = Self { child, host };
        service.wait(ready, &log)?;
        Ok(service)
    }

    fn wait(&mut self, ready: &str, log: &PathBuf) -> Result<()> {
        let end = Instant::now() + READY_WITHIN;
        let mut connection = Connection::new(&self.host);
        while !connection.send(&Request::new("GET", ready)).is_ok_and(|answer| answer.status == 200) {
            if self.child.try_wait()?.is_some() || Instant::now() > end {
                bail!("a service does not start:\n{}", std::fs::read_to_string(log)?);
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

    pub(crate) fn stat(&self) -> Result<Stat> {
        Stat::read(self.id())
    }

    pub(crate) fn memory(&self) -> Result<Memory> {
        Memory::read(self.id())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            println!("the service did not end: {error}");
        }
    }
}

/// A program that says something on its output, and ends when its input does.
#[derive(Debug)]
pub(crate) struct Helper {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Helper {
    pub(crate) fn start(shell: &Shell, binary: &Path, arguments: &[&str]) -> Result<Self> {
        let mut command = shell.command(binary);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("can't start {}", binary.display()))?;
        let output = BufReader::new(child.stdout.take().context("no output")?);
        Ok(Self { child, output })
    }

    /// Says a line to it.
    pub(crate) fn say(&mut self, line: &str) -> Result<()> {
        let input = self.child.stdin.as_mut().context("no input")?;
        writeln!(input, "{line}")?;
        Ok(input.flush()?)
    }

    /// The next line that it says.
    pub(crate) fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.output.read_line(&mut line)? > 0, "a program of the bench ended early");
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        if let Err(error) = self.child.wait() {
            println!("a program of the bench did not end: {error}");
        }
    }
}

/// Somebody who is signed in and asks the API, each time from another address: the limit of requests stays on and refuses none.
#[derive(Debug)]
pub(crate) struct Person {
    api: Connection,
    authorization: String,
    numbers: Numbers,
}

impl Person {
    pub(crate) fn sign_in(service: &Service, data: &Data) -> Result<Self> {
        let (mut api, numbers) = (Connection::new(service.host()), Numbers::default());
        let response = scenarios::log_in(&mut api, (data.get("USERNAME")?, data.get("PASSWORD")?), numbers.next())?;
        ensure!(response.status == 201, "can't sign in: {}", String::from_utf8_lossy(&response.body));
        let body = response.json()?;
        let token = body.get("token").and_then(Value::as_str).context("no token")?;
        Ok(Self { api, authorization: format!("Bearer {token}"), numbers })
    }

    /// `Bearer` and the token.
    pub(crate) fn authorization(&self) -> &str {
        &self.authorization
    }

    pub(crate) fn get(&mut self, path: &str) -> Result<Value> {
        self.ask(Request::new("GET", path))
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Result<Value> {
        let body = body.to_string();
        self.ask(Request::new("POST", path).body("application/json", body.as_bytes()))
    }

    fn ask(&mut self, request: Request<'_>) -> Result<Value> {
        let address = scenarios::address(self.numbers.next());
        let request = request.header("authorization", &self.authorization).header("x-forwarded-for", &address);
        let response = self.api.send(&request)?;
        let said = String::from_utf8_lossy(&response.body);
        ensure!((200..300).contains(&response.status), "the API answered {}: {said}", response.status);
        response.json()
    }
}

fn free_host() -> Result<String> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    Ok(format!("127.0.0.1:{port}"))
}
