//! The files of this repository that GitHub reads.

use std::path::{Path, PathBuf};

/// The Action.
pub const ACTION: &str = "action.yml";

/// This repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file.
#[track_caller]
pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The workflows that people copy, then this project's own, from the root.
pub fn workflows() -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["workflows", ".github/workflows"] {
        let entries = std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
        let mut below: Vec<PathBuf> = entries.collect();
        below.sort();
        found.extend(below.iter().map(|path| path.strip_prefix(root()).unwrap().to_string_lossy().into_owned()));
    }
    found
}

/// The fenced YAML blocks of the README.
pub fn readme_yaml() -> Vec<String> {
    let text = read("README.md");
    let blocks = text.split("```yaml\n").skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
}
