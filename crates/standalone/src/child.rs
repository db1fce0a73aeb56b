//! Child processes: without rights, ended with us.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::data_folder::Unprivileged;

/// How long a server may take to end before it is killed.
const GRACE: Duration = Duration::from_secs(30);

/// What to start.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) binary: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(&'static str, String)>,
    pub(crate) folder: PathBuf,
    /// The signal that asks it to end.
    pub(crate) stop: Signal,
    pub(crate) user: Option<Unprivileged>,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    name: &'static str,
    child: Child,
    log: PathBuf,
    stop: Signal,
}

impl Program {
    /// A command that drops rights and, through `setpriv`, ends when this process does, however that happens.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", if self.stop == Signal::INT { "INT" } else { "TERM" }]);
        if let Some(user) = self.user {
            command.arg(format!("--reuid={}", user.uid)).arg(format!("--regid={}", user.gid)).arg("--clear-groups");
        }
        command.arg("--").arg(&self.binary).args(&self.arguments);
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    /// Starts it in a process group of its own: Ctrl-C is for us, and we end it in our order. To be called on the main
    /// thread, whose end is the process's.
    pub(crate) fn start(&self, log: &Path) -> Result<Server> {
        let out = File::options().create(true).append(true).open(log)?;
        let child = self
            .command()
            .process_group(0)
            .stdout(out.try_clone()?)
            .stderr(out)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("can't start {} (setpriv of util-linux is needed too)", self.name))?;
        Ok(Server { name: self.name, child, log: log.to_owned(), stop: self.stop })
    }
}

impl Server {
    /// Waits until a check succeeds.
    ///
    /// # Errors
    /// When the server ends before, or does not become ready in time.
    pub(crate) async fn ready<F, Fut>(&mut self, deadline: Duration, mut check: F) -> Result<()>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = bool>,
    {
        let end = tokio::time::Instant::now() + deadline;
        while !check().await {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended ({status}); the end of {}:\n{}", self.name, self.log.display(), tail(&self.log));
            }
            if tokio::time::Instant::now() >= end {
                bail!(
                    "{} is not ready after {deadline:?}; the end of {}:\n{}",
                    self.name,
                    self.log.display(),
                    tail(&self.log)
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tracing::info!(server = self.name, "ready");
        Ok(())
    }

    /// Waits for its end, which nobody has asked for.
    pub(crate) async fn ended(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => format!("{} ended by itself ({status}); see {}", self.name, self.log.display()),
            Err(error) => format!("{} can't be watched: {error}", self.name),
        }
    }

    /// Asks it to end, and kills it when it does not.
    pub(crate) async fn stop(mut self) {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let asked = pid.map_or(Ok(()), |pid| kill_process(pid, self.stop).map_err(std::io::Error::from));
        let ended = tokio::time::timeout(GRACE, self.child.wait()).await.is_ok();
        let killed = if ended { Ok(()) } else { self.child.kill().await };
        match asked.and(killed) {
            Ok(()) => tracing::info!(server = self.name, killed = !ended, "stopped"),
            Err(error) => tracing::warn!(server = self.name, %error, "could not be stopped"),
        }
    }
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.iter().skip(lines.len().saturating_sub(15)).copied().collect::<Vec<_>>().join("\n")
}
