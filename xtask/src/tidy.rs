//! Rules of the house that a program can check. Each answers what it found.

mod crates;
mod env_names;
mod files;
mod migrations;
mod stages;

use anyhow::{Result, bail};

use crate::shell::{Shell, root};

/// The files that git knows or would take, with their texts.
struct Tree {
    files: Vec<(String, String)>,
}

impl Tree {
    fn read(shell: &Shell) -> Result<Self> {
        let mut command = shell.command("git");
        command.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let listed = Shell::output(command)?;
        let mut files: Vec<(String, String)> = listed
            .split('\0')
            .filter(|name| !name.is_empty())
            // What is no text, or deleted and not yet committed, is nobody's concern here.
            .filter_map(|name| Some((name.to_owned(), std::fs::read_to_string(root().join(name)).ok()?)))
            .collect();
        files.sort();
        files.dedup();
        Ok(Self { files })
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter().filter(|(name, _)| name.ends_with(".rs"))
    }

    fn text(&self, wanted: &str) -> Option<&str> {
        self.iter().find(|(name, _)| *name == wanted).map(|(_, text)| text)
    }
}

pub(crate) fn run(shell: &Shell) -> Result<()> {
    let tree = Tree::read(shell)?;
    let metadata = shell.metadata()?;
    let mut problems = Vec::new();
    problems.extend(crates::check(&tree, &metadata));
    problems.extend(files::check(&tree));
    problems.extend(env_names::check(&tree));
    problems.extend(migrations::check(&tree));
    problems.extend(stages::check(&tree));
    if problems.is_empty() {
        println!("tidy: {} files are as they should be", tree.files.len());
        return Ok(());
    }
    for problem in &problems {
        println!("tidy: {problem}");
    }
    bail!("{} problems", problems.len());
}

/// The part of a source file before its unit tests.
fn without_tests(text: &str) -> &str {
    text.split("\n#[cfg(test)]").next().unwrap_or(text)
}
