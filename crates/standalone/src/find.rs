//! Where programs and files of others are.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Finds a program on the PATH, in the folders that distributions use, or in the tools folder.
pub(crate) fn program(name: &str, tools: &Path, path: &str) -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = std::env::split_paths(path).collect();
    folders.extend(["/usr/local/bin", "/usr/bin", "/usr/local/sbin", "/usr/sbin"].map(PathBuf::from));
    folders.extend(versioned("/usr/lib/postgresql", "bin"));
    folders.extend(versioned("/usr", "bin").into_iter().filter(|folder| folder.to_string_lossy().contains("pgsql")));
    folders.push(tools.join("bin"));
    folders.into_iter().map(|folder| folder.join(name)).find(|file| is_executable(file))
}

/// `<base>/<version>/<below>`, the newest first.
fn versioned(base: &str, below: &str) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(base)
        .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path().join(below))).collect())
        .unwrap_or_default();
    folders.sort();
    folders.reverse();
    folders
}

fn is_executable(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Whether every user can reach and read a file.
pub(crate) fn is_open_to_all(file: &Path) -> bool {
    let mode = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.permissions().mode());
    mode(file) & 0o004 != 0 && file.ancestors().skip(1).all(|folder| mode(folder) & 0o001 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_on_the_path_first() {
        assert_eq!(program("sh", Path::new("/nowhere"), "/bin"), Some(PathBuf::from("/bin/sh")));
        assert_eq!(program("no-such-program", Path::new("/nowhere"), "/bin"), None);
        assert!(is_open_to_all(Path::new("/bin/sh")));
    }
}
