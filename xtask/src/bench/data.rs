//! What the benchmarks work on.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};

use crate::servers::Servers;
use crate::shell::Shell;

/// What `sluice-bench-data` made: settings of the services, and names of rows.
#[derive(Debug)]
pub(crate) struct Data(BTreeMap<String, String>);

impl Data {
    /// Fills a database and a bucket; `words` say for what.
    pub(crate) fn seed(shell: &Shell, built: &Path, servers: &Servers, words: &[&str]) -> Result<Self> {
        let mut command = shell.command(built.join("sluice-bench-data"));
        command.arg(servers.postgres_url()?).arg(servers.url("TEST_S3_URL")?).args(words);
        let output = Shell::output(command)?;
        let pairs = output.lines().filter_map(|line| line.split_once('='));
        Ok(Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
    }

    pub(crate) fn get(&self, name: &str) -> Result<&str> {
        self.0.get(name).map(String::as_str).with_context(|| format!("sluice-bench-data did not say {name}"))
    }

    pub(crate) fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        all.filter(|(name, _)| name.starts_with("SLUICE_"))
    }
}
