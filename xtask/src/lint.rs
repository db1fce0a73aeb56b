//! Format, clippy, docs, and the dependencies' licences where cargo-deny is installed.

use anyhow::Result;

use crate::shell::Shell;

pub(crate) fn run(shell: &Shell) -> Result<()> {
    format(shell)?;
    clippy(shell)?;
    docs(shell)?;
    deny(shell)
}

pub(crate) fn format(shell: &Shell) -> Result<()> {
    shell.cargo(&["fmt", "--all", "--check"])
}

pub(crate) fn clippy(shell: &Shell) -> Result<()> {
    shell.cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

pub(crate) fn docs(shell: &Shell) -> Result<()> {
    let mut command = shell.command("cargo");
    command.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
    Shell::run(command)
}

pub(crate) fn deny(shell: &Shell) -> Result<()> {
    if shell.has("cargo", &["deny", "--version"]) {
        return shell.cargo(&["deny", "check"]);
    }
    println!("SKIPPED: cargo-deny is not installed, so licences and advisories are not checked");
    Ok(())
}
