//! Every code is one that a person can meet, and says more than its title.

use std::path::{Path, PathBuf};

use stagegate::problem::Code;

fn product(folder: &Path, text: &mut String) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            product(&path, text);
        } else if name.ends_with(".rs") && name != "tests.rs" && !path.ends_with("problem/code.rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            text.push_str(source.split("#[cfg(test)]\nmod tests {").next().unwrap());
        }
    }
}

#[test]
fn every_code_is_made_somewhere() {
    let mut text = String::new();
    product(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut text);
    // Named in a `matches!` alone it is only waited for. The name must not be the beginning of another one's.
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('|')).collect();
    let is_named = |code: &Code| {
        let name = format!("Code::{code:?}");
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric());
        lines.iter().any(|line| line.split(&name).skip(1).any(ends) && !line.contains("matches!"))
    };
    let dead: Vec<String> = Code::ALL.iter().filter(|code| !is_named(code)).map(ToString::to_string).collect();
    assert!(dead.is_empty(), "no place makes {dead:?}");
}

#[test]
fn every_code_is_explained_in_whole_sentences() {
    for code in Code::ALL {
        let text = code.explanation();
        assert!(text.ends_with('.') && text.split_whitespace().count() >= 6, "{code}: {text}");
        assert!(text.starts_with(|c: char| !c.is_ascii_lowercase()), "{code}: {text}");
        assert_ne!(text.trim_end_matches('.'), code.title(), "{code}");
    }
}
