//! The servers that all tests of a run share.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Stdio};

use anyhow::{Context, Result, ensure};

use crate::shell::Shell;

const NAMES: [&str; 3] = ["TEST_POSTGRES_URL", "TEST_REDIS_URL", "TEST_S3_URL"];

/// Running servers; they end when this is dropped.
#[derive(Debug)]
pub(crate) struct Servers {
    child: Option<Child>,
    addresses: Vec<(String, String)>,
}

impl Servers {
    /// Starts Postgres, Redis and S3, unless the environment names some. The workspace must be built.
    pub(crate) fn start(shell: &Shell) -> Result<Self> {
        let given: Vec<(String, String)> = NAMES
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), std::env::var_os(name)?.into_string().ok()?)))
            .collect();
        if given.len() == NAMES.len() {
            println!("using the servers that TEST_*_URL name");
            return Ok(Self { child: None, addresses: given });
        }
        Self::start_own(shell, &shell.built()?)
    }

    /// Starts Postgres, Redis and S3 with the program in a folder.
    pub(crate) fn start_own(shell: &Shell, built: &Path) -> Result<Self> {
        let mut command = shell.command(built.join("sluice-test-servers"));
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C ends this program, and with it their input; a signal of their own would leave the servers behind.
            .process_group(0)
            .spawn()
            .context("can't start sluice-test-servers: is the workspace built?")?;
        let output = child.stdout.take().context("no output")?;
        let mut servers = Self { child: Some(child), addresses: Vec::new() };
        for line in BufReader::new(output).lines().take(NAMES.len()) {
            let line = line?;
            let (name, value) =
                line.split_once('=').context("sluice-test-servers said something else than addresses")?;
            servers.addresses.push((name.to_owned(), value.to_owned()));
        }
        ensure!(servers.addresses.len() == NAMES.len(), "the servers did not start; have you run scripts/install?");
        Ok(servers)
    }

    /// The variables that tell tests where the servers are.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (&str, &str)> {
        self.addresses.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The URL of the Postgres server's own database.
    pub(crate) fn postgres_url(&self) -> Result<&str> {
        self.url("TEST_POSTGRES_URL")
    }

    /// The URL that a variable has.
    pub(crate) fn url(&self, variable: &str) -> Result<&str> {
        let found = self.addresses().find(|(name, _)| *name == variable);
        found.map(|(_, url)| url).with_context(|| format!("no server has the name {variable}"))
    }

    /// The process that started them, unless somebody else did.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        // They end when their standard input does.
        if let Some(mut child) = self.child.take() {
            drop(child.stdin.take());
            if let Err(error) = child.wait() {
                println!("the servers did not end: {error}");
            }
        }
    }
}
