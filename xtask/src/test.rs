//! Runs the tests against real servers that are started once for all of them.

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde_json::Value;

use crate::servers::Servers;
use crate::shell::{Shell, root};

/// A part of the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Those beside the code, which need no server.
    Unit,
    /// Those of one crate on real servers.
    It,
    /// Those of all services together.
    E2e,
    /// Those written in JavaScript, with the real clients.
    Node,
}

pub(crate) fn run(shell: &Shell, kind: Option<Kind>, rest: &[String]) -> Result<()> {
    build(shell)?;
    run_built(shell, kind, rest)
}

/// Builds programs and tests with one set of features, so that nothing is built twice.
pub(crate) fn build(shell: &Shell) -> Result<()> {
    shell.cargo(&["build", "--workspace", "--all-targets"])
}

/// Runs tests of a workspace that is built.
pub(crate) fn run_built(shell: &Shell, kind: Option<Kind>, rest: &[String]) -> Result<()> {
    if kind == Some(Kind::Unit) {
        return cargo_tests(shell, None, &["--lib".to_owned(), "--bins".to_owned()], rest);
    }
    let servers = Servers::start(shell)?;
    match kind {
        Some(Kind::It) => cargo_tests(shell, Some(&servers), &["--test".to_owned(), "it".to_owned()], rest),
        Some(Kind::E2e) => cargo_tests(shell, Some(&servers), &end_to_end_targets(shell)?, rest),
        Some(Kind::Node) => node_tests(shell, &servers),
        Some(Kind::Unit) | None => {
            cargo_tests(shell, Some(&servers), &[], rest)?;
            doc_tests(shell)?;
            node_tests(shell, &servers)
        }
    }
}

fn cargo_tests(shell: &Shell, servers: Option<&Servers>, targets: &[String], rest: &[String]) -> Result<()> {
    let mut command = shell.command("cargo");
    if has_nextest(shell) {
        command.args(["nextest", "run", "--workspace", "--no-fail-fast", "--no-tests=warn"]).args(targets).args(rest);
    } else {
        // Without targets cargo would run the doc tests too, which have their own step.
        let all = ["--lib", "--bins", "--tests"].map(str::to_owned);
        let targets = if targets.is_empty() { &all } else { targets };
        command.args(["test", "--workspace", "--no-fail-fast"]).args(targets).args(rest);
    }
    if let Some(servers) = servers {
        command.envs(servers.addresses());
    }
    Shell::run_on_stdout(command)
}

fn doc_tests(shell: &Shell) -> Result<()> {
    let mut command = shell.command("cargo");
    command.args(["test", "--workspace", "--doc", "--quiet"]);
    Shell::run_on_stdout(command)
}

/// The tests of `tests/node`, when it has any of its own.
fn node_tests(shell: &Shell, servers: &Servers) -> Result<()> {
    let Ok(text) = std::fs::read_to_string(root().join("tests/node/package.json")) else {
        return Ok(());
    };
    let package: Value = serde_json::from_str(&text).context("tests/node/package.json is no JSON")?;
    if package.pointer("/scripts/test").is_none() {
        return Ok(());
    }
    let mut command = shell.command("npm");
    command.args(["--prefix", "tests/node", "test"]).envs(servers.addresses()).env("TEST_BIN_DIR", shell.built()?);
    Shell::run_on_stdout(command)
}

fn has_nextest(shell: &Shell) -> bool {
    shell.has("cargo", &["nextest", "--version"])
}

/// The test binaries of the package `sluice-tests`, as arguments of cargo. Choosing the package instead would resolve
/// other features and build most of the tree again.
fn end_to_end_targets(shell: &Shell) -> Result<Vec<String>> {
    let metadata = shell.metadata()?;
    let packages = metadata.get("packages").and_then(Value::as_array).context("no packages")?;
    let tests = packages
        .iter()
        .find(|package| package.get("name").and_then(Value::as_str) == Some("sluice-tests"))
        .and_then(|package| package.get("targets")?.as_array())
        .context("there is no package sluice-tests")?;
    let names = tests
        .iter()
        .filter(|target| target.pointer("/kind/0").and_then(Value::as_str) == Some("test"))
        .filter_map(|target| target.get("name")?.as_str());
    Ok(names.flat_map(|name| ["--test".to_owned(), name.to_owned()]).collect())
}
