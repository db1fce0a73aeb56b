//! Child processes: servers of others and binaries of ours.

use std::ffi::OsStr;
use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// A running child process, killed when dropped. Its output goes to a file. It stays in the group of its test, so that a
/// runner that kills the test kills it too.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
    name: String,
}

impl Process {
    /// Starts a program with its output in `log`.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn spawn(mut command: Command, log: &Path) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let out = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("can't write {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .with_context(|| format!("can't start {name}"))?;
        Ok(Self { child, log: log.to_owned(), name })
    }

    /// Starts one of this workspace's binaries with exactly the given environment.
    ///
    /// # Errors
    /// When it is not built or can't be started.
    pub fn spawn_ours<K, V>(binary: &str, env: impl IntoIterator<Item = (K, V)>, log: &Path) -> Result<Self>
    where
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        let mut command = Command::new(our_binary(binary)?);
        command.env_clear().envs(env);
        Self::spawn(command, log)
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// When its state can't be read.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// What it has printed so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).context("no process id")?;
        kill_process(pid, signal).with_context(|| format!("can't signal {}", self.name))
    }

    /// Kills it at once and waits for its end.
    ///
    /// # Errors
    /// When it can't be killed.
    pub fn kill(&mut self) -> Result<()> {
        if self.is_running()? {
            self.child.kill()?;
        }
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end (SIGTERM) and waits.
    ///
    /// # Errors
    /// When it has not ended before the deadline.
    pub fn terminate(&mut self, deadline: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        let end = Instant::now() + deadline;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() >= end {
                bail!("{} did not end within {deadline:?}:\n{}", self.name, self.log());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until a port takes connections.
    ///
    /// # Errors
    /// When the process ends or the deadline passes before.
    pub fn wait_for_port(&mut self, port: u16, deadline: Duration) -> Result<()> {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let end = Instant::now() + deadline;
        while TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_err() {
            if !self.is_running()? {
                bail!("{} ended:\n{}", self.name, self.log());
            }
            if Instant::now() >= end {
                bail!("{} does not listen on {port} after {deadline:?}:\n{}", self.name, self.log());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Waits until a URL answers with success.
    ///
    /// # Errors
    /// When the process ends or the deadline passes before.
    pub async fn wait_until_ready(&mut self, url: &str, deadline: Duration) -> Result<()> {
        let end = Instant::now() + deadline;
        loop {
            let said = match reqwest::get(url).await {
                Ok(response) if response.status().is_success() => return Ok(()),
                Ok(response) => response.status().to_string(),
                Err(error) => error.to_string(),
            };
            if !self.is_running()? {
                bail!("{} ended:\n{}", self.name, self.log());
            }
            if Instant::now() >= end {
                bail!("{url} is not ready after {deadline:?}, it says {said}:\n{}", self.log());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.kill().is_err() {
            tracing::warn!(name = self.name, "could not be killed");
        }
    }
}

/// The path of one of this workspace's binaries, beside or above the running test binary.
///
/// # Errors
/// When it is not built.
pub fn our_binary(name: &str) -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    test.ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .with_context(|| format!("{name} is not built: run cargo build --workspace"))
}

/// The tools folder: `SLUICE_TOOLS_DIR`, else `data/tools` of the workspace.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "tests have no settings; this is the one variable that scripts/install reads too"
)]
pub fn tools_folder() -> PathBuf {
    std::env::var("SLUICE_TOOLS_DIR")
        .map_or_else(|_| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/tools"), PathBuf::from)
}
