//! An S3 server of its own: SeaweedFS.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::ports::free_port_pair;
use crate::process::{Process, tools_folder};

/// The access key of every test server.
pub const ACCESS_KEY: &str = "testkey";
/// Its secret.
pub const SECRET_KEY: &str = "testsecret";

/// A running server; ends when dropped.
#[derive(Debug)]
pub struct S3 {
    process: Option<Process>,
    folder: TempDir,
    ports: [u16; 5],
}

impl S3 {
    /// Starts a server on free ports.
    ///
    /// # Errors
    /// When SeaweedFS is not installed or does not start.
    pub fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("sluice-s3-").tempdir()?;
        let mut ports = [0; 5];
        for index in 0..ports.len() {
            let port = loop {
                let port = free_port_pair()?;
                if !ports.contains(&port) {
                    break port;
                }
            };
            if let Some(slot) = ports.get_mut(index) {
                *slot = port;
            }
        }
        let mut s3 = Self { process: None, folder, ports };
        s3.run()?;
        Ok(s3)
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        let [_, _, _, s3, _] = self.ports;
        format!("http://127.0.0.1:{s3}")
    }

    /// Ends the server as a crash would.
    ///
    /// # Errors
    /// When it can't be killed.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |mut process| process.kill())
    }

    /// Starts the server again on the same ports with the same data.
    ///
    /// # Errors
    /// When it does not start.
    pub fn run(&mut self) -> Result<()> {
        let weed =
            tools_folder().join("bin/weed").canonicalize().context("weed is missing: run scripts/install run")?;
        let [master, volume, filer, s3, admin] = self.ports;
        let mut command = Command::new(weed);
        command.current_dir(self.folder.path());
        command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
        // Its log goes there, and away with the folder.
        command.env("TMPDIR", self.folder.path());
        command.arg("mini").arg(format!("-dir={}", self.folder.path().display()));
        command.args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-webdav=false", "-admin.ui=false"]);
        command.args(["-s3.port.iceberg=0", "-s3.port.lance=0"]);
        // A bucket takes seven volumes, a run of all tests some hundred buckets; by itself the server counts free disk space.
        command.args(["-volume.max=5000", "-master.volumeSizeLimitMB=64"]);
        for (name, port) in [
            ("master.port", master),
            ("volume.port", volume),
            ("filer.port", filer),
            ("s3.port", s3),
            ("admin.port", admin),
        ] {
            command.arg(format!("-{name}={port}"));
        }
        let mut process = Process::spawn(command, &self.folder.path().join("log"))?;
        process.wait_for_port(s3, Duration::from_secs(60))?;
        self.process = Some(process);
        Ok(())
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        drop(self.process.take());
        // It makes these in one fixed place, and one that is killed leaves them.
        for (name, port) in ["master", "volume", "filer", "s3", "admin"].iter().zip(self.ports) {
            for socket in [format!("{name}-{port}"), format!("{name}-grpc-{}", port + 10_000)] {
                if let Err(error) = std::fs::remove_file(format!("/tmp/seaweedfs-{socket}.sock")) {
                    tracing::debug!(socket, %error, "no such socket");
                }
            }
        }
    }
}
