//! Names of settings: what the code reads and what `.env.example` lists are the same.

use std::collections::BTreeSet;

use super::{Tree, without_tests};

const EXAMPLE: &str = ".env.example";
const PREFIX: &str = "SLUICE_";

pub(super) fn check(tree: &Tree) -> Vec<String> {
    let mut read = BTreeSet::new();
    let mut mentioned = BTreeSet::new();
    for (name, text) in tree.iter() {
        let source = name.starts_with("crates/") && name.contains("/src/") && name.ends_with(".rs");
        if source && !name.starts_with("crates/test-support/") {
            read.extend(quoted(without_tests(text)));
        }
        let script = name.starts_with("scripts/") || name.starts_with("demo/") || name == "Makefile";
        if script || name.starts_with("crates/test-support/") {
            mentioned.extend(names(text));
        }
    }
    let Some(example) = tree.text(EXAMPLE) else {
        return vec![format!("{EXAMPLE} is missing")];
    };
    let listed: BTreeSet<&str> = example
        .lines()
        .filter_map(|line| line.trim_start_matches(['#', ' ']).split_once('=').map(|(name, _)| name))
        .filter(|name| name.starts_with(PREFIX) && name.chars().all(is_name))
        .collect();
    let missing = read.iter().filter(|name| !listed.contains(*name)).map(|name| format!("{EXAMPLE} lacks {name}"));
    let unread = listed
        .iter()
        .filter(|name| !read.contains(*name) && !mentioned.contains(*name))
        .map(|name| format!("{EXAMPLE} lists {name}, which nothing reads"));
    missing.chain(unread).collect()
}

fn is_name(c: char) -> bool {
    c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'
}

/// Names that stand in quotes of their own, as the reader of the environment takes them.
fn quoted(text: &str) -> BTreeSet<&str> {
    text.split('"')
        .filter(|part| part.len() > PREFIX.len() && part.starts_with(PREFIX) && part.chars().all(is_name))
        .collect()
}

/// Names that stand anywhere.
fn names(text: &str) -> BTreeSet<&str> {
    text.split(|c| !is_name(c)).filter(|part| part.len() > PREFIX.len() && part.starts_with(PREFIX)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_quotes_and_anywhere() {
        let text = "env.flag(\"SLUICE_A_B\", true); // `SLUICE_C` \"SLUICE_\"";
        assert_eq!(quoted(text), BTreeSet::from(["SLUICE_A_B"]));
        assert_eq!(names("${SLUICE_A:-x} SLUICE_"), BTreeSet::from(["SLUICE_A"]));
    }
}
