//! Crates: their edges, their papers, their place on the map.

use serde_json::Value;

use super::Tree;
use crate::edges::{CORE_EXTERNALS, EDGES, OWNERS, SERVICES};
use crate::shell::root;

pub(super) fn check(tree: &Tree, metadata: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let packages: Vec<Package> = metadata
        .get("packages")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Package::read)
        // A crate that git does not know is somebody's scratch.
        .filter(|package| tree.text(&format!("{}/Cargo.toml", package.folder)).is_some())
        .collect();
    for package in &packages {
        package.check_edges(&mut problems);
        package.check_papers(tree, &mut problems);
    }
    check_map(tree, &packages, &mut problems);
    problems
}

struct Package {
    /// The full name.
    name: String,
    /// The name without prefix.
    short: String,
    folder: String,
    /// Name, and whether it is for tests only.
    dependencies: Vec<(String, bool)>,
}

impl Package {
    fn read(value: &Value) -> Option<Self> {
        let name = value.get("name")?.as_str()?.to_owned();
        let manifest = value.get("manifest_path")?.as_str()?;
        let folder = std::path::Path::new(manifest).parent()?.strip_prefix(root()).ok()?.to_str()?.to_owned();
        let dependencies = value
            .get("dependencies")?
            .as_array()?
            .iter()
            .filter_map(|dependency| {
                let kind = dependency.get("kind").and_then(Value::as_str);
                Some((dependency.get("name")?.as_str()?.to_owned(), kind == Some("dev")))
            })
            .collect();
        Some(Self { short: short(&name).to_owned(), name, folder, dependencies })
    }

    fn check_edges(&self, problems: &mut Vec<String>) {
        let short_name = self.short.as_str();
        let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == short_name) else {
            problems.push(format!("{} is not in xtask/src/edges.rs", self.name));
            return;
        };
        for (dependency, for_tests) in &self.dependencies {
            let ours = dependency.strip_prefix("sluice-");
            let fine = match ours {
                Some(_) if short_name == "tests" => true,
                Some(name) if *for_tests => name == "test-support" || !SERVICES.contains(&name),
                Some(name) => allowed.contains(&name),
                None if *for_tests => true,
                None => {
                    let owned = OWNERS.iter().find(|(name, _)| name == dependency);
                    let core = short_name == "core" && !CORE_EXTERNALS.contains(&dependency.as_str());
                    owned.is_none_or(|(_, owners)| owners.contains(&short_name)) && !core
                }
            };
            if !fine {
                problems.push(format!("{} may not depend on {dependency} (xtask/src/edges.rs)", self.name));
            }
        }
    }

    fn check_papers(&self, tree: &Tree, problems: &mut Vec<String>) {
        let manifest = tree.text(&format!("{}/Cargo.toml", self.folder)).unwrap_or_default();
        if !manifest.contains("[lints]\nworkspace = true") {
            problems.push(format!("{}/Cargo.toml does not take the workspace's [lints]", self.folder));
        }
        let mut in_dependencies = false;
        for line in manifest.lines() {
            if line.starts_with('[') {
                in_dependencies = line.contains("dependencies");
            } else if in_dependencies && line.contains('=') && !line.contains("workspace = true") {
                problems.push(format!("{}/Cargo.toml: versions stand in the root only: {line}", self.folder));
            }
        }
        if self.folder.starts_with("crates/") && tree.text(&format!("{}/README.md", self.folder)).is_none() {
            problems.push(format!("{}/README.md is missing", self.folder));
        }
    }
}

/// Every crate has its paragraph in ARCHITECTURE.md, and no paragraph outlives its crate.
fn check_map(tree: &Tree, packages: &[Package], problems: &mut Vec<String>) {
    let map = tree.text("ARCHITECTURE.md").unwrap_or_default();
    let listed: Vec<&str> = map
        .lines()
        .filter_map(|line| line.strip_prefix("- **`")?.split_once("`**"))
        .filter(|(_, rest)| rest.starts_with(" (`") || rest.starts_with(':'))
        .map(|(name, _)| name)
        .collect();
    for package in packages {
        if !listed.contains(&package.name.as_str()) {
            problems.push(format!("ARCHITECTURE.md does not list {}", package.name));
        }
    }
    for name in listed {
        if !packages.iter().any(|package| package.name == name) {
            problems.push(format!("ARCHITECTURE.md lists {name}, which is no crate"));
        }
    }
}

fn short(name: &str) -> &str {
    name.strip_prefix("sluice-").unwrap_or(name)
}
