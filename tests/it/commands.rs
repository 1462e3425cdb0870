//! Every command that the sources print is one that the program takes: in fixes, next steps, help and explanations.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[path = "../../src/problem/runs.rs"]
mod runs;

/// What stands for a value in a format string is tried as each of these.
const SAMPLES: [&str; 14] = [
    "prod",
    "GET",
    "clear",
    "promote",
    "grant",
    "smoke",
    "checkout-api:live",
    "r-01JD3K7Q4T0000000000000000",
    "41",
    "",
    " --yes",
    "https://api.example.com/v1",
    "5% 10m",
    "--function-version 41",
];

/// A text of the sources and where it begins.
#[derive(Debug)]
struct Text {
    place: String,
    text: String,
    /// What the line has before it.
    before: String,
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => sources(&path, found),
            false if path.extension().is_some_and(|e| e == "rs") => found.push(path),
            false => {}
        }
    }
}

/// The string literals of a source text, without comments. Escapes are read; a line that is continued is one line.
fn literals(name: &str, source: &str) -> Vec<Text> {
    let mut found = Vec::new();
    let chars: Vec<char> = source.chars().collect();
    let (mut at, mut line, mut line_start) = (0, 1, 0);
    while at < chars.len() {
        match chars[at] {
            '\n' => (line, line_start) = (line + 1, at + 1),
            '/' if chars.get(at + 1) == Some(&'/') => {
                while chars.get(at + 1).is_some_and(|c| *c != '\n') {
                    at += 1;
                }
            }
            // A quote as a character, not the beginning of a text.
            '\'' if chars.get(at + 2) == Some(&'\'') => at += 2,
            '\'' if chars.get(at + 1) == Some(&'\\') && chars.get(at + 3) == Some(&'\'') => at += 3,
            '"' => {
                let raw = at > 0 && (chars[at - 1] == 'r' || chars[at - 1] == '#');
                let hashes = chars[..at].iter().rev().take_while(|c| **c == '#').count();
                let before = chars[line_start..at].iter().collect();
                let place = format!("{name}:{line}");
                let mut text = String::new();
                at += 1;
                while at < chars.len() {
                    let closes = chars[at] == '"'
                        && chars[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
                    if closes {
                        break;
                    }
                    if chars[at] == '\n' {
                        (line, line_start) = (line + 1, at + 1);
                    }
                    if chars[at] == '\\' && !raw {
                        at += 1;
                        match chars[at] {
                            'n' => text.push('\n'),
                            '\n' => {
                                (line, line_start) = (line + 1, at + 1);
                                while chars.get(at + 1).is_some_and(|c| c.is_whitespace()) {
                                    at += 1;
                                    if chars[at] == '\n' {
                                        (line, line_start) = (line + 1, at + 1);
                                    }
                                }
                            }
                            c => text.push(c),
                        }
                    } else {
                        text.push(chars[at]);
                    }
                    at += 1;
                }
                found.push(Text { place, text, before });
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The texts of the product.
fn texts() -> Vec<Text> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let name = file.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        let source = std::fs::read_to_string(&file).unwrap();
        let product = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
        if !name.contains("/tests") && !name.ends_with("runs.rs") {
            found.extend(literals(&name, product));
        }
    }
    found
}

fn names() -> BTreeSet<String> {
    let command = stagegate::cli::command();
    command.get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

/// The commands in a text: behind a beginning, a colon, a quote, a dollar sign or `or`, to what ends them. A sentence may
/// begin with the program's name, too; in a fix (`strict`) it may not.
fn commands(text: &str, strict: bool) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        for (at, _) in line.match_indices("stagegate ") {
            let before = line[..at].trim_end_matches(' ');
            let quoted = before.ends_with('`');
            let opens =
                before.is_empty() || quoted || [":", "$", "&&", " or", "("].iter().any(|end| before.ends_with(end));
            let rest = &line[at..];
            let ends = if quoted {
                vec![rest.find('`')]
            } else {
                ["  ", " ·", " | ", " > ", " && ", ". "].map(|end| rest.find(end)).to_vec()
            };
            let command = rest[..ends.into_iter().flatten().min().unwrap_or(rest.len())].trim_end();
            let name = command.split(' ').nth(1).unwrap_or_default();
            // A sentence may begin with the program's name, too.
            let is_command = names().contains(name) || name.starts_with(['{', '-']) || strict && !name.is_empty();
            if opens && is_command {
                found.push(command.to_owned());
            }
        }
    }
    found
}

/// A command without its placeholders, in every way they may be filled in.
fn filled(command: &str) -> Vec<String> {
    let Some(open) = command.find('{') else { return vec![command.to_owned()] };
    if command[open..].starts_with("{{") {
        return vec![];
    }
    let Some(close) = command[open..].find('}') else { return vec![command.to_owned()] };
    let (head, tail) = (&command[..open], &command[open + close + 1..]);
    SAMPLES.iter().flat_map(|sample| filled(&format!("{head}{sample}{tail}"))).collect()
}

/// Why a command does not run however it is filled in.
fn wrong(command: &str) -> Option<String> {
    // What stands for the command itself is put together elsewhere, from texts that are looked at there.
    if command.starts_with("stagegate {") {
        return None;
    }
    let mut why = None;
    for line in filled(command) {
        match runs::parses(stagegate::cli::command(), &line) {
            Ok(()) => return None,
            Err(error) => why = why.or(Some(error)),
        }
    }
    why
}

#[test]
fn every_command_in_the_sources_runs() {
    let (mut count, mut broken) = (0, Vec::new());
    for text in texts() {
        let strict = [".fix(", ".fix(format!("].iter().any(|fix| text.before.ends_with(fix));
        for command in commands(&text.text, strict) {
            count += 1;
            broken.extend(wrong(&command).map(|why| format!("{}: {why}", text.place)));
        }
    }
    assert!(count > 100, "{count}");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Functions that make a command line of the words that they get: those that put a target in it, and those that do not.
const MAKERS: [(&str, &str); 5] = [
    (".command(", " prod"),
    (".command_in(", " prod"),
    (".command_for(", " prod"),
    (".stagegate(", ""),
    (".stagegate(&format!(", ""),
];

#[test]
fn every_command_that_is_put_together_runs() {
    let (mut count, mut broken) = (0, Vec::new());
    for Text { place, text, before } in texts().into_iter().filter(|text| !text.text.is_empty()) {
        let head = before.trim_end_matches("&format!(");
        let Some((maker, target)) = MAKERS.iter().find(|(maker, _)| before.ends_with(maker) || head.ends_with(maker))
        else {
            continue;
        };
        count += 1;
        let lines = match (*maker, text.split_once(' ')) {
            // It puts the target behind the first word.
            (".command(", Some((name, flags))) => vec![format!("stagegate {name} prod {flags}")],
            // More than the target may stand behind these.
            (".command_for(", _) => vec![" prod", " prod 5%", " prod r-01JD3K7Q4T0000000000000000"]
                .into_iter()
                .map(|more| format!("stagegate {text}{more}"))
                .collect(),
            _ => vec![format!("stagegate {text}{target}")],
        };
        let all: Vec<String> = lines.iter().filter_map(|line| wrong(line)).collect();
        if all.len() == lines.len() {
            broken.push(format!("{place}: {}", all[0]));
        }
    }
    assert!(count > 40, "{count}");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn a_command_that_does_not_exist_would_be_seen() {
    let text = "say `stagegate promte prod`, or: stagegate logs\nfine: stagegate status {place} {flags}";
    let seen = |strict| commands(text, strict).iter().map(|command| wrong(command).is_some()).collect::<Vec<_>>();
    assert_eq!((seen(true), seen(false)), (vec![true, true, false], vec![true, false]));
    assert!(wrong("stagegate resume prod, or stagegate rollback prod").is_some());
    let texts = literals("x.rs", "a(\"one \\\n   two\\\"\", 'c', '\"', r#\"th\"ree\"#); // \"four\"");
    let texts: Vec<&str> = texts.iter().map(|text| text.text.as_str()).collect();
    assert_eq!(texts, ["one two\"", "th\"ree"]);
}
