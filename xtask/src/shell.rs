//! Runs other programs, in the workspace's root.

use std::ffi::OsStr;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// Starts programs the same way for all commands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shell {
    ci: bool,
}

impl Shell {
    pub(crate) fn new() -> Self {
        Self { ci: false }
    }

    /// CI builds once and throws the result away, so what only a second build would use is left out.
    pub(crate) fn for_ci() -> Self {
        Self { ci: true }
    }

    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(root());
        // Set by the cargo that runs this program; build scripts that look at them would run again.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&name);
            }
        }
        if self.ci {
            command.env("CARGO_INCREMENTAL", "0");
        }
        command
    }

    /// Runs cargo.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Result<()> {
        let mut command = self.command("cargo");
        command.args(arguments);
        Self::run(command)
    }

    /// Runs a program to its end; another end than success is an error.
    pub(crate) fn run(mut command: Command) -> Result<()> {
        println!("$ {}", shown(&command));
        std::io::stdout().flush()?;
        let status = command.status().with_context(|| format!("can't run {}", shown(&command)))?;
        ensure!(status.success(), "failed ({status}): {}", shown(&command));
        Ok(())
    }

    /// As [`Shell::run`], with what the program says as errors on the standard output: the closing line of a test
    /// runner belongs there.
    pub(crate) fn run_on_stdout(mut command: Command) -> Result<()> {
        let out = std::io::stdout().as_fd().try_clone_to_owned().context("can't share the standard output")?;
        command.stderr(Stdio::from(out));
        Self::run(command)
    }

    /// Runs a program and answers its output.
    pub(crate) fn output(mut command: Command) -> Result<String> {
        let output = command.output().with_context(|| format!("can't run {}", shown(&command)))?;
        if !output.status.success() {
            bail!("failed: {}\n{}", shown(&command), String::from_utf8_lossy(&output.stderr));
        }
        String::from_utf8(output.stdout).context("the output is no text")
    }

    /// The description of the workspace, without the crates of others.
    pub(crate) fn metadata(&self) -> Result<Value> {
        let mut command = self.command("cargo");
        command.args(["metadata", "--no-deps", "--format-version", "1"]);
        serde_json::from_str(&Self::output(command)?).context("cargo metadata is no JSON")
    }

    /// The folder of programs built with the profile `dev`.
    pub(crate) fn built(&self) -> Result<PathBuf> {
        let metadata = self.metadata()?;
        let target = metadata.get("target_directory").and_then(Value::as_str).context("no target folder")?;
        Ok(Path::new(target).join("debug"))
    }

    /// Whether a program is there.
    pub(crate) fn has(&self, program: &str, arguments: &[&str]) -> bool {
        let mut command = self.command(program);
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_path_buf()
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
