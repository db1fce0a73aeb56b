//! Every stage has its file, and every file of a stage its stage.

use std::collections::BTreeSet;

use super::Tree;

const NAMES: &str = "crates/core/src/stage.rs";
const FOLDER: &str = "crates/worker/src/stages/";

pub(super) fn check(tree: &Tree) -> Vec<String> {
    let Some(source) = tree.text(NAMES) else {
        return vec![format!("{NAMES} is missing")];
    };
    let stages = words(source);
    let files: BTreeSet<String> = tree
        .iter()
        .filter_map(|(name, _)| name.strip_prefix(FOLDER)?.strip_suffix(".rs"))
        // Parts of a stage stand in a folder of its name.
        .filter(|name| !name.contains('/'))
        .map(str::to_owned)
        .collect();
    let missing = stages.difference(&files).map(|stage| format!("{FOLDER}{stage}.rs is missing"));
    let extra = files.difference(&stages).map(|file| format!("{FOLDER}{file}.rs is no stage of {NAMES}"));
    missing.chain(extra).collect()
}

/// The stages' words on the wire, from the lines `Self::Load => "LOAD",`, in lower case.
fn words(source: &str) -> BTreeSet<String> {
    super::without_tests(source)
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Self::")?.split_once(" => \"")?.1.strip_suffix("\","))
        .map(str::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_from_the_source() {
        let source =
            "  Self::Load => \"LOAD\",\n  (Kind::A, Self::Load) => (1, 2),\n  Self::LlmExtract => \"LLM_EXTRACT\",\n";
        assert_eq!(words(source), BTreeSet::from(["load".to_owned(), "llm_extract".to_owned()]));
    }
}
