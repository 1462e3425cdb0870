//! The way of somebody who sees stagegate for the first time, from what is live to a rollback, with no dead end: every
//! command that is printed on it runs as it is printed.

use std::collections::BTreeSet;

use super::machine::{Finished, Machine};
use super::shop::{ALIAS, FUNCTION, STAGE, Shop};
use crate::support::emulator::Emulator;

/// Words that begin a remark behind a command, not a part of it.
const REMARKS: [&str; 2] = ["   ", "  ("];

/// The stagegate commands that a text offers, in words.
fn offered(text: &str) -> BTreeSet<Vec<String>> {
    let from_line = |line: &str| {
        let start = line.find("stagegate ").filter(|start| {
            let before = &line[..*start];
            before.trim().is_empty() || before.trim_end().ends_with([':', '·']) || before.ends_with("  ")
        })?;
        let mut rest = &line[start..];
        for remark in REMARKS {
            rest = rest.split(remark).next().unwrap_or(rest);
        }
        let words: Vec<String> = rest.split_whitespace().skip(1).map(str::to_owned).collect();
        let is_command = |word: &String| word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        words.first().is_some_and(is_command).then_some(words)
    };
    text.lines().filter_map(from_line).collect()
}

/// Runs what was offered, without anybody to ask: each command is understood, and refused at most for want of a
/// confirmation.
fn runs(machine: &Machine, finished: &Finished, ran: &mut BTreeSet<Vec<String>>) {
    for words in offered(&finished.all()) {
        if words.iter().any(|word| word.chars().all(|c| c.is_ascii_uppercase() || c == ':')) {
            continue; // A placeholder that only a person can fill.
        }
        if !ran.insert(words.clone()) {
            continue;
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let finished = machine.run(&words);
        let said = finished.all();
        let refused = finished.code == Some(2);
        // Going on is offered before the release; once it is over there is nothing to go on with.
        let known = ["error[SG-U01]", "error[SG-L06]"].iter().any(|code| said.contains(code));
        assert!(!refused || known, "`stagegate {}`: {said}", words.join(" "));
        assert!(finished.code.is_some() && !said.contains("SG-X99"), "`stagegate {}`: {said}", words.join(" "));
    }
}

#[test]
fn from_what_is_live_to_a_rollback_every_printed_command_runs() {
    let Some(emulator) = Emulator::shared() else { return };
    let shop = Shop::new(emulator, "newcomer");
    let machine = shop.elsewhere();
    let stage = format!("{}/{STAGE}", shop.api);
    let mut ran = BTreeSet::new();
    let step = |line: &str, code: i32| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let finished = machine.run(&words);
        assert_eq!(finished.code, Some(code), "`stagegate {line}`: {}", finished.all());
        finished
    };
    let init = step(&format!("init {stage} --alias {ALIAS} --name prod"), 0);
    runs(&machine, &init, &mut ran);
    for line in ["verify", "verify prod", "plan prod", "status prod", "doctor https://nowhere.example.com", "drift"] {
        let words: Vec<&str> = line.split_whitespace().collect();
        let finished = machine.run(&words);
        runs(&machine, &finished, &mut ran);
    }
    let promoted = step("promote prod --confirm prod", 0);
    runs(&machine, &promoted, &mut ran);
    shop.edit("two");
    let promoted = step("promote prod --confirm prod", 0);
    // That the new route is not deployed cannot be seen here: the emulator exports the live API for the stage.
    assert_eq!(shop.answer("/pets"), "two");
    for line in ["status prod", "history prod", "drift"] {
        let words: Vec<&str> = line.split_whitespace().collect();
        runs(&machine, &machine.run(&words), &mut ran);
    }
    step(&format!("versions {FUNCTION}"), 0);
    runs(&machine, &promoted, &mut ran);
    let back = step("rollback prod --yes", 0);
    runs(&machine, &back, &mut ran);
    assert!(ran.len() >= 6, "{ran:?}");
    println!("{} commands that were printed were run: {ran:?}", ran.len());
}
