//! The project's commands: `cargo xtask <command>`. They depend on none of our crates, so that they work when those
//! don't compile.

#![expect(clippy::print_stdout, reason = "a command tells what it does on its standard output")]

mod bench;
mod ci;
mod db;
mod edges;
mod lint;
mod servers;
mod shell;
mod test;
mod tidy;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::shell::Shell;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "The project's commands")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Formats all code.
    Fmt,
    /// Checks format, clippy and docs; warnings are errors.
    Lint,
    /// Starts Postgres, Redis and S3 and runs the tests against them.
    Test {
        /// Which tests; all when left out.
        kind: Option<test::Kind>,
        /// Handed on to the runner of the tests, for example a filter.
        #[arg(last = true)]
        rest: Vec<String>,
    },
    /// Runs every migration up, down and up, and checks that `schema.rs` is what they make.
    Db {
        /// Something else than the check.
        #[command(subcommand)]
        command: Option<db::Command>,
    },
    /// Measures a service under load.
    Bench {
        /// What to measure.
        #[command(subcommand)]
        command: bench::Command,
    },
    /// Checks the rules of the house that a program can check.
    Tidy,
    /// Everything that CI runs, in its order.
    Ci,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let shell = Shell::new();
    match command {
        Command::Fmt => shell.cargo(&["fmt", "--all"]),
        Command::Lint => lint::run(&shell),
        Command::Test { kind, rest } => test::run(&shell, kind, &rest),
        Command::Db { command } => db::run(&shell, command),
        Command::Bench { command } => bench::run(&shell, command),
        Command::Tidy => tidy::run(&shell),
        Command::Ci => ci::run(),
    }
}
