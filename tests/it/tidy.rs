//! House rules that no other tool checks, over every file of this repository.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The longest that a file may be, its own tests included.
const LINES_MAX: usize = 500;

/// A Rust file and the path of it from the repository's root.
struct Source {
    path: String,
    text: String,
}

/// Every Rust file below `src` and `tests`, sorted.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for top in ["src", "tests"] {
        collect(&root.join(top), &mut files);
    }
    files.sort();
    let source = |file: PathBuf| {
        let path = file.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
        Source { path, text: fs::read_to_string(&file).unwrap() }
    };
    files.into_iter().map(source).collect()
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

impl Source {
    fn is_in(&self, folder: &str) -> bool {
        self.path.starts_with(folder)
    }

    /// Where the modules that this file declares lie.
    fn folder(&self) -> String {
        let stem = self.path.trim_end_matches(".rs");
        let is_root = ["lib", "main", "mod"].contains(&stem.rsplit('/').next().unwrap());
        if is_root { stem.rsplit_once('/').unwrap().0.to_owned() } else { stem.to_owned() }
    }

    /// The lines that are compiled into the product, with their numbers: no comments, no tests.
    fn product(&self) -> Vec<(usize, &str)> {
        let mut lines = Vec::new();
        let mut rest = self.text.lines().enumerate();
        while let Some((number, line)) = rest.next() {
            if line.trim() == "#[cfg(test)]" {
                skip_item(&mut rest);
            } else if !line.trim_start().starts_with("//") {
                lines.push((number + 1, line));
            }
        }
        lines
    }
}

/// Skips what an attribute belongs to: to its semicolon, or to the brace that closes it, as rustfmt indents it.
fn skip_item<'a>(rest: &mut impl Iterator<Item = (usize, &'a str)>) {
    let Some((_, first)) = rest.find(|(_, line)| !line.trim_start().starts_with("#[")) else { return };
    let end = format!("{}}}", &first[..first.len() - first.trim_start().len()]);
    if !first.ends_with(';') && !first.ends_with('}') {
        let _ = rest.find(|(_, line)| *line == end);
    }
}

/// The modules that a file declares, and whether they exist in tests only.
fn modules(source: &Source) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    let mut only_in_tests = false;
    for line in source.text.lines().map(str::trim) {
        let visible = ["pub(crate) ", "pub(super) ", "pub "];
        let declared = line.strip_suffix(';').map(|l| visible.iter().find_map(|v| l.strip_prefix(v)).unwrap_or(l));
        if let Some(name) = declared.and_then(|line| line.strip_prefix("mod ")) {
            found.push((format!("{}/{name}", source.folder()), only_in_tests));
        }
        only_in_tests = line == "#[cfg(test)]" || (only_in_tests && line.starts_with("#["));
    }
    found
}

/// Paths of files that are compiled for tests only.
fn test_files(sources: &[Source]) -> BTreeSet<String> {
    let declared = sources.iter().flat_map(modules).filter(|(_, only_in_tests)| *only_in_tests);
    declared.flat_map(|(stem, _)| [format!("{stem}.rs"), format!("{stem}/mod.rs")]).collect()
}

/// Lines of the product below `src` that `is_wrong` finds, outside of the folders and files in `except`.
fn offenders(except: &[&str], is_wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let sources = sources();
    let tests = test_files(&sources);
    let mut found = Vec::new();
    let below = |path: &str| tests.iter().any(|test| path.starts_with(&test.replace(".rs", "/")));
    for source in sources.iter().filter(|s| s.is_in("src/") && !tests.contains(&s.path) && !below(&s.path)) {
        if except.iter().any(|folder| source.is_in(folder)) {
            continue;
        }
        let wrong = source.product().into_iter().filter(|(_, line)| is_wrong(line));
        found.extend(wrong.map(|(number, line)| format!("{}:{number}: {}", source.path, line.trim())));
    }
    found
}

fn none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}

#[test]
fn files_are_short() {
    let long = |s: &Source| (s.text.lines().count() > LINES_MAX).then(|| s.path.clone());
    none(&sources().iter().filter_map(long).collect::<Vec<_>>(), "at most 500 lines");
}

#[test]
fn only_the_adapter_knows_the_sdk() {
    none(&offenders(&["src/aws/"], |line| line.contains("aws_sdk_")), "aws_sdk_ is for src/aws only");
}

#[test]
fn a_function_is_never_deleted_only_a_version_of_it() {
    let calls: Vec<String> = offenders(&[], |line| line.contains("delete_function("));
    assert_eq!(calls.len(), 1, "one place sends it: {calls:#?}");
    assert!(calls[0].starts_with("src/aws/live/") && calls[0].contains("delete_function().qualifier("), "{calls:?}");
}

#[test]
fn only_reports_print() {
    let macros = ["println!", "eprintln!", "print!", "eprint!", "dbg!"];
    let found =
        offenders(&["src/report/", "src/report.rs", "src/main.rs"], |line| macros.iter().any(|m| line.contains(m)));
    none(&found, "printing is for src/report and src/main.rs");
}

#[test]
fn nothing_is_unwrapped_outside_of_tests() {
    none(&offenders(&[], |line| line.contains(".unwrap()") || line.contains(".expect(")), "handle it");
}

#[test]
fn no_test_is_switched_off() {
    let attribute = concat!("#[", "ignore");
    let ignored: Vec<String> = sources()
        .iter()
        .flat_map(|s| {
            s.text.lines().filter(|l| l.trim().starts_with(attribute)).map(|_| s.path.clone()).collect::<Vec<_>>()
        })
        .collect();
    // The other side of tests that need a process of their own.
    let allowed: Vec<String> = ignored.iter().filter(|path| *path == "tests/it/connect.rs").take(1).cloned().collect();
    assert_eq!(ignored, allowed, "every test runs");
}

#[test]
fn every_file_is_part_of_the_crate() {
    let sources = sources();
    let declared: BTreeSet<String> = sources
        .iter()
        .flat_map(modules)
        .flat_map(|(stem, _)| [format!("{stem}.rs"), format!("{stem}/mod.rs")])
        .chain(["src/lib.rs", "src/main.rs", "tests/it/main.rs"].map(str::to_owned))
        .collect();
    let orphans: Vec<String> = sources.iter().map(|s| s.path.clone()).filter(|path| !declared.contains(path)).collect();
    none(&orphans, "declare the module, or remove the file");
}

#[test]
fn every_module_says_what_it_is_about() {
    let sources = sources();
    let tests = test_files(&sources);
    let mute = |s: &&Source| !tests.contains(&s.path) && !s.text.starts_with("//! ");
    none(&sources.iter().filter(mute).map(|s| s.path.clone()).collect::<Vec<_>>(), "a module begins with //!");
}

#[test]
fn nothing_is_left_for_later() {
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("todo", "!("),
        concat!("unimpl", "emented!("),
    ];
    let mut found = Vec::new();
    for source in sources() {
        for (number, line) in source.text.lines().enumerate() {
            if words.iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{}: {}", source.path, number + 1, line.trim()));
            }
        }
    }
    none(&found, "finish it, or leave it out");
}

#[test]
fn product_lines_are_told_from_tests_and_comments() {
    let text = "//! About\nuse a;\n#[cfg(test)]\nmod tests;\nfn b() {\n    // c\n    d();\n}\n#[cfg(test)]\n#[allow(x)]\nmod e {\n    \
                fn f() {\n    }\n}\nfn g() {}\n";
    let source = Source { path: "src/x/mod.rs".into(), text: text.into() };
    let lines: Vec<&str> = source.product().into_iter().map(|(_, line)| line).collect();
    assert_eq!(lines, ["use a;", "fn b() {", "    d();", "}", "fn g() {}"]);
    assert_eq!(source.product()[1].0, 5);
    assert_eq!(modules(&source), [("src/x/tests".to_owned(), true)]);
}
