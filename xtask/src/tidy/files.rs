//! Files: their length, their names, what may not stand in them.

use super::Tree;

const MAX_LINES: usize = 500;
/// Written by programs.
const GENERATED: [&str; 1] = ["crates/db/src/schema.rs"];

pub(super) fn check(tree: &Tree) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, text) in tree.rust() {
        let lines = text.lines().count();
        if lines > MAX_LINES && !GENERATED.contains(&name) {
            problems.push(format!("{name} has {lines} lines, more than {MAX_LINES}"));
        }
        if name.ends_with("/mod.rs") {
            problems.push(format!("{name}: a module's file has the module's name"));
        }
        if name.contains("/tests/") && name.ends_with("/main.rs") && !text.starts_with("#![cfg(test)]") {
            problems.push(format!("{name} does not begin with #![cfg(test)]"));
        }
        for line in tests_of(name, text).lines().filter(|line| line.contains("sleep(")) {
            problems.push(format!("{name}: a test waits with `eventually`, not so: {}", line.trim()));
        }
        if text.contains(concat!("#[", "ignore")) {
            problems.push(format!("{name}: a test is never ignored"));
        }
    }
    for (name, text) in tree.iter() {
        for line in text.lines().filter(|line| names_this_machine(line)) {
            problems.push(format!("{name}: a path of somebody's machine: {}", line.trim()));
        }
    }
    problems
}

/// The part of a source file that is tests.
fn tests_of<'a>(name: &str, text: &'a str) -> &'a str {
    if name.starts_with("crates/test-support/") || name.starts_with("xtask/") {
        return "";
    }
    if name.contains("/tests/") || name.starts_with("tests/") {
        return text;
    }
    text.split_once("\n#[cfg(test)]").map_or("", |(_, tests)| tests)
}

/// Whether a line holds an absolute path that exists on one machine only.
fn names_this_machine(line: &str) -> bool {
    // Put together here, so that this file passes.
    let places = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/wo", "rkspace/")];
    places.iter().any(|place| {
        line.match_indices(place).any(|(at, _)| {
            let before = line.get(..at).and_then(|start| start.chars().next_back());
            !before.is_some_and(|c| c.is_alphanumeric() || ".-_/}$".contains(c))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_absolute_paths_of_a_machine_are_found() {
        assert!(names_this_machine(concat!("see /wo", "rk/main")));
        assert!(!names_this_machine("https://example.com/work/it"));
        assert!(!names_this_machine("data/work/it and $root/work/x"));
    }
}
