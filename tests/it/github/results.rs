//! What the output `result` may say: action.yml lists every word that a command of the Action can end with.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::files::{ACTION, read, root};
use super::yaml::yaml;

/// Commands that the Action does not run, and what they alone say.
const NOT_OFFERED: [&str; 2] = ["unlock.rs", "demo.rs"];

/// The functions whose only texts are words of `result`: where, how each begins, how it ends.
const FUNCTIONS: [(&str, &str, &str); 5] = [
    ("src/cli/end.rs", "\npub const HELD", "\n"),
    ("src/cli/end.rs", "\nfn word(", "\n}\n"),
    ("src/cli/end.rs", "\nfn waits(", "\n}\n"),
    ("src/cli/status.rs", "\nfn standing(", "\n}\n"),
    ("src/cli/status/wait.rs", "    const fn word(self)", "\n    }\n"),
];

/// The texts in quotes.
fn quoted(code: &str) -> impl Iterator<Item = String> {
    code.split('"').skip(1).step_by(2).map(str::to_owned)
}

/// What stands in the parentheses that are open at the beginning of `code`.
fn arguments(code: &str) -> &str {
    let mut open = 1;
    let end = code.find(|c| {
        open += i32::from(c == '(') - i32::from(c == ')');
        open == 0
    });
    &code[..end.unwrap_or(code.len())]
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of_program = entries.filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with("tests"));
    of_program.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

#[test]
fn every_word_of_the_output_result_is_listed() {
    let mut said = BTreeSet::new();
    for (path, begins, ends) in FUNCTIONS {
        let text = read(path);
        let body = text.split_once(begins).unwrap_or_else(|| panic!("{path} has no {begins}")).1;
        said.extend(quoted(body.split_once(ends).unwrap().0));
    }
    for path in sources(&root().join("src/cli")) {
        let text = fs::read_to_string(&path).unwrap();
        let program = text.split("#[cfg(test)]\nmod ").next().unwrap();
        if !NOT_OFFERED.iter().any(|name| path.ends_with(name)) {
            said.extend(program.split("End::new(").skip(1).flat_map(|code| quoted(arguments(code))));
        }
    }
    let action = yaml(&read(ACTION));
    let listed = action["outputs"]["result"]["description"].as_str().unwrap();
    let sentences = listed.split('.').filter_map(|sentence| sentence.split_once(": "));
    let listed: Vec<String> = sentences.flat_map(|(_, words)| words.split(" | ").map(str::to_owned)).collect();
    assert!(listed.len() > 10 && !said.is_empty());
    assert_eq!(BTreeSet::from_iter(listed.clone()), said);
    assert_eq!(listed.len(), said.len(), "a word twice: {listed:?}");
}
