//! Migrations come in pairs under names that sort by time.

use std::collections::BTreeMap;

use super::Tree;

pub(super) fn check(tree: &Tree) -> Vec<String> {
    let mut folders: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for (name, text) in tree.iter() {
        if let Some((folder, file)) = name.strip_prefix("migrations/").and_then(|rest| rest.split_once('/')) {
            folders.entry(folder).or_default().push((file, text));
        }
    }
    let mut problems = Vec::new();
    for (folder, files) in folders {
        if !is_name(folder) {
            problems.push(format!("migrations/{folder} is not named YYYY-MM-DD-HHMMSS_what_it_does"));
        }
        for wanted in ["up.sql", "down.sql"] {
            if !files.iter().any(|(file, text)| *file == wanted && !text.trim().is_empty()) {
                problems.push(format!("migrations/{folder}/{wanted} is missing or empty"));
            }
        }
    }
    problems
}

fn is_name(folder: &str) -> bool {
    let Some((time, what)) = folder.split_once('_') else {
        return false;
    };
    let lengths: Vec<usize> = time.split('-').map(str::len).collect();
    lengths == [4, 2, 2, 6]
        && time.chars().all(|c| c.is_ascii_digit() || c == '-')
        && what.starts_with(|c: char| c.is_ascii_lowercase())
        && what.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_begin_with_their_time() {
        assert!(is_name("2026-11-24-090000_create_users"));
        for name in ["20261124_create", "2026-11-24-0900_create", "2026-11-24-090000_Create", "2026-11-24-090000"] {
            assert!(!is_name(name), "{name}");
        }
    }
}
