//! A Redis server of its own.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use tempfile::TempDir;

use crate::ports::free_port;
use crate::process::Process;

/// A running server; ends when dropped.
#[derive(Debug)]
pub struct Redis {
    process: Option<Process>,
    folder: TempDir,
    port: u16,
}

impl Redis {
    /// Starts a server on a free port that keeps its data over a restart.
    ///
    /// # Errors
    /// When Redis is not installed or does not start.
    pub fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("sluice-redis-").tempdir()?;
        let mut redis = Self { process: None, folder, port: free_port()? };
        redis.run()?;
        Ok(redis)
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends the server as a crash would; what it has not appended is lost.
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
        let mut command = Command::new("redis-server");
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"]);
        command.args(["--appendfsync", "no", "--loglevel", "warning", "--dir"]).arg(self.folder.path());
        let mut process = Process::spawn(command, &self.folder.path().join("log"))?;
        process.wait_for_port(self.port, Duration::from_secs(30))?;
        self.process = Some(process);
        Ok(())
    }
}
