//! Benchmarks: services on servers of their own, loaded through the loopback, and what that cost them.

mod data;
mod fanout;
mod http;
mod jobs;
mod load;
mod process;
mod rest;
mod scenarios;
mod service;
mod table;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Subcommand, ValueEnum};

use crate::shell::Shell;

/// What to measure.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The REST service: requests a second, their times, CPU time of the service and of Postgres, memory.
    Rest(rest::Rest),
    /// Extractions: jobs a second, their times, CPU time a job, with more or less in hand and more or fewer workers.
    Jobs(jobs::Jobs),
    /// The gateway: how soon so many sockets hear what happens, and its memory for each.
    Fanout(fanout::Fanout),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Profile {
    /// As it is shipped.
    Release,
    /// As tests use it; for work on the benchmark itself.
    Dev,
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "dev",
        }
    }

    /// Where cargo puts programs.
    fn folder(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "debug",
        }
    }

    /// Builds programs and answers their folder.
    fn build(self, shell: &Shell, binaries: &[&str]) -> Result<PathBuf> {
        let mut build = vec!["build", "--workspace", "--profile", self.name()];
        build.extend(binaries.iter().flat_map(|binary| ["--bin", binary]));
        shell.cargo(&build)?;
        Ok(shell.built()?.with_file_name(self.folder()))
    }
}

pub(crate) fn run(shell: &Shell, command: Command) -> Result<()> {
    match command {
        Command::Rest(rest) => rest.run(shell),
        Command::Jobs(jobs) => jobs.run(shell),
        Command::Fanout(fanout) => fanout.run(shell),
    }
}
