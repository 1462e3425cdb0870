//! `gate judge` and `gate replay` as programs.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::{header, row};

fn gate(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stagegate"));
    command.arg("gate").args(arguments).env_clear().env("LANG", "C.UTF-8").env("COLUMNS", "88");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Says a line and waits for its answer: it must come before the next line is sent.
fn ask(child: &mut Child, answers: &mut impl std::io::BufRead, line: &Value) -> Value {
    writeln!(child.stdin.as_mut().unwrap(), "{line}").unwrap();
    let mut answer = String::new();
    answers.read_line(&mut answer).unwrap();
    serde_json::from_str(&answer).unwrap()
}

#[test]
fn every_line_is_answered_before_the_next_one_comes() {
    let mut child = gate(&["judge"]).spawn().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap());
    assert_eq!(ask(&mut child, &mut answers, &header()), json!({"verdict": "continue"}));
    let mut more = row(2, 0, 0.05, [30, 30, 570, 1]);
    more["more"] = json!(true);
    assert_eq!(ask(&mut child, &mut answers, &more), json!({"verdict": "continue"}));
    let answer = ask(&mut child, &mut answers, &row(2, 1, 0.05, [18, 18, 390, 0]));
    assert_eq!((&answer["verdict"], &answer["reason"]), (&json!("rollback"), &json!("errors")));
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "the end of the input is the end");
    let mut rest = String::new();
    answers.read_line(&mut rest).unwrap();
    assert_eq!(rest, "");
}

fn judged(arguments: &[&str], lines: &[Value]) -> (Option<i32>, String, String) {
    let mut child = gate(arguments).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for line in lines {
        // A program that has ended already takes no more.
        let _ = writeln!(stdin, "{line}");
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn flags_win_over_the_rollout() {
    let lines = [header(), row(9, 8, 0.05, [5, 0, 95, 0]), json!({"now": 10, "minute": null})];
    let verdict = |arguments: &[&str]| {
        let (code, out, err) = judged(arguments, &lines);
        assert_eq!((code, err.as_str()), (Some(0), ""));
        serde_json::from_str::<Value>(out.lines().last().unwrap()).unwrap()["verdict"].clone()
    };
    assert_eq!(verdict(&["judge"]), json!("promote"));
    assert_eq!(verdict(&["judge", "--on-inconclusive", "hold"]), json!("hold"));
    assert_eq!(verdict(&["judge", "--on-inconclusive", "hold", "--max-extend", "0s"]), json!("inconclusive"));
    let eager = [header(), row(2, 0, 0.05, [60, 3, 1140, 2])];
    let few = |arguments: &[&str]| judged(arguments, &eager).1.contains("\"rollback\"");
    assert!(!few(&["judge"]) && few(&["judge", "--false-rollbacks", "20%"]));
}

#[test]
fn bad_input_ends_it_with_the_line_and_the_field() {
    let mut bad = row(1, 0, 0.05, [30, 0, 570, 1]);
    bad["baseline_errors"] = json!(-3);
    let (code, out, err) = judged(&["judge"], &[header(), bad]);
    assert_eq!((code, out.as_str()), (Some(2), "{\"verdict\":\"continue\"}\n"));
    assert!(err.contains("SG-U06") && err.contains("line 2: `baseline_errors` must be a whole number"), "{err}");
    for arguments in [
        &["judge", "--false-rollbacks", "0.01"][..],
        &["judge", "--false-rollbacks", "90%"],
        &["judge", "--max-slow-ratio", "NaN"],
    ] {
        let (code, out, err) = judged(arguments, &[]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(err.contains(arguments[1]), "{err}");
    }
}

#[test]
fn a_recording_is_shown_as_a_table_and_as_lines() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rollout.jsonl");
    let thin = (1..=10).map(|now| row(now, now - 1, 0.05, [5, 0, 95, 0]));
    let text: String = std::iter::once(header()).chain(thin).map(|line| format!("{line}\n")).collect();
    std::fs::write(&file, &text).unwrap();
    let path = file.to_str().unwrap();
    let (code, out, _) = judged(&["replay", path, "--on-inconclusive", "hold"], &[]);
    assert_eq!(code, Some(0));
    assert!(out.contains("min 10") && out.contains("hold instead of promote"), "{out}");
    let (_, out, _) = judged(&["replay", path, "--json"], &[]);
    assert_eq!(out.lines().count(), 10);
    assert!(out.lines().all(|line| serde_json::from_str::<Value>(line).unwrap()["differs"] == json!(false)));
    std::fs::write(&file, text.replacen("{\"now\":3", "{\"nwo\":3", 1)).unwrap();
    let (code, _, err) = judged(&["replay", path], &[]);
    assert!(code == Some(2) && err.contains("line 4: `now` is missing"), "{err}");
    let (code, _, err) = judged(&["replay", "/nowhere.jsonl"], &[]);
    assert!(code == Some(2) && err.contains("/nowhere.jsonl cannot be read"), "{err}");
}
