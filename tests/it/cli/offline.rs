//! What needs no account: topics, manual pages, completion, schemas, and mistakes as programs read them.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::Desk;

/// What a shell says of a file, if that shell is here.
fn shell(program: &str, args: &[&str], file: &Path) -> Option<(bool, String)> {
    let output = Command::new(program).args(args).arg(file).stdin(Stdio::null()).output().ok()?;
    Some((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

#[test]
fn completion_is_made_for_every_shell_and_loads_where_the_shell_is_here() {
    let desk = Desk::new();
    let mut loaded = 0;
    for (name, program, args) in [
        ("bash", "bash", &["-n"][..]),
        ("zsh", "zsh", &["-n"]),
        ("fish", "fish", &["-n"]),
        ("powershell", "pwsh", &["-NoProfile", "-File"]),
        ("elvish", "elvish", &["-compileonly"]),
    ] {
        let output = desk.command(&format!("completion {name}"), &[]).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{name}");
        let script = String::from_utf8(output.stdout).unwrap();
        for word in ["rollback", "init", "schema", "endpoint-url"] {
            assert!(script.contains(word), "{name} does not know {word}");
        }
        let file = desk.work().join(format!("completion.{name}"));
        std::fs::write(&file, script).unwrap();
        if let Some((fine, said)) = shell(program, args, &file) {
            assert!(fine && said.is_empty(), "{name}: {said}");
            loaded += 1;
        }
    }
    assert!(loaded > 0, "not even bash is here");
}

#[test]
fn bash_completes_commands_and_topics() {
    let desk = Desk::new();
    let script = desk.command("completion bash", &[]).output().unwrap().stdout;
    std::fs::write(desk.work().join("c.bash"), script).unwrap();
    let test =
        "source c.bash; COMP_WORDS=(stagegate pro); COMP_CWORD=1; _stagegate stagegate pro; echo \"${COMPREPLY[*]}\"";
    let output = Command::new("bash").args(["-c", test]).current_dir(desk.work()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "promote\n", "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_manual_page_for_every_command() {
    let desk = Desk::new();
    let all = desk.run("man --out pages", &[]);
    assert!(all.contains("exit 0") && all.contains("pages in"), "{all}");
    let mut names: Vec<String> = std::fs::read_dir(desk.work().join("pages"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    for name in ["stagegate.1", "stagegate-rollback.1", "stagegate-canary-set.1", "stagegate-init.1"] {
        assert!(names.iter().any(|known| known == name), "{name} is not in {names:?}");
    }
    assert!(!names.iter().any(|name| name.contains("settle")), "{names:?}");
    for name in &names {
        let file = desk.work().join("pages").join(name);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(".SH NAME") && text.contains(".SH SYNOPSIS"), "{name}");
        if let Some((_, said)) = shell("groff", &["-man", "-Tutf8", "-ww", "-z"], &file) {
            assert!(said.is_empty(), "{name}: {said}");
        }
    }
    let one = desk.run("man rollback", &[]);
    assert!(one.contains(".TH stagegate-rollback 1") && one.contains("Leave the stage as it is"), "{one}");
    insta::assert_snapshot!("man_stagegate", desk.run("man", &[]));
}

#[test]
fn a_reader_that_goes_away_ends_a_page_quietly() {
    let desk = Desk::new();
    for line in ["man", "schema events", "completion zsh", "help runbook"] {
        let mut child = desk.command(line, &[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{line}");
    }
}

#[test]
fn help_lists_topics_and_shows_commands_as_they_show_themselves() {
    let desk = Desk::new();
    assert_eq!(desk.run("help", &[]).replace("stagegate help\n", "stagegate --help\n"), desk.run("--help", &[]));
    let shown = |line: &str| desk.run(line, &[]).split_once('\n').unwrap().1.to_owned();
    for line in ["promote", "canary set", "init"] {
        assert_eq!(shown(&format!("help {line}")), shown(&format!("{line} -h")));
    }
    assert!(desk.run("--help", &[]).contains("stagegate help exit-codes|environment|targets|"));
    let topic = desk.command("help exit-codes --json", &[]).output().unwrap();
    let topic: Value = serde_json::from_slice(&topic.stdout).unwrap();
    assert_eq!((&topic["schema"], &topic["about"]), (&json!("stagegate.help/1.0"), &json!("exit-codes")));
}

/// The validator of a schema that the program prints, which also refuses what the schema does not know.
fn strict(mut schema: Value) -> jsonschema::Validator {
    for event in schema["oneOf"].as_array_mut().unwrap() {
        event["unevaluatedProperties"] = json!(false);
    }
    jsonschema::draft202012::new(&schema).unwrap()
}

fn printed(desk: &Desk, of: &str) -> Value {
    let output = desk.command(&format!("schema {of}"), &[]).output().unwrap();
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    schema
}

#[test]
fn every_event_of_every_demo_is_what_the_schema_says() {
    let desk = Desk::new();
    let schema = printed(&desk, "events");
    let validator = strict(schema.clone());
    let region = [("AWS_REGION", "us-east-1")];
    let (mut lines, mut types) = (0, std::collections::BTreeSet::new());
    for line in [
        "demo --json",
        "demo --json --canary-mode stage",
        "demo --json --regress errors",
        "demo --json --regress latency",
        "demo --json --regress permission",
        "promote staging --json",
        "promote --json",
        "demo --json --seed x",
    ] {
        let output = desk.command(line, &region).output().unwrap();
        for (seq, text) in String::from_utf8(output.stdout).unwrap().lines().enumerate() {
            let event: Value = serde_json::from_str(text).unwrap();
            let wrong: Vec<String> = validator.iter_errors(&event).map(|error| error.to_string()).collect();
            assert!(wrong.is_empty(), "{line}: {text}\n{wrong:#?}");
            assert_eq!(event["seq"], seq);
            types.insert(event["type"].as_str().unwrap().to_owned());
            lines += 1;
        }
    }
    assert!(lines > 200 && types.len() > 12, "{lines} lines, {types:?}");
    let mut wrong =
        json!({ "type": "interrupted", "signal": "SIGINT", "asks": false, "ts": "2026-11-21T14:00:02.114Z", "seq": 1 });
    assert!(validator.is_valid(&wrong));
    for (key, value) in [("signal", json!(2)), ("seq", json!(-1)), ("type", json!("interupted")), ("more", json!(1))] {
        let mut other = wrong.clone();
        other[key] = value;
        assert!(!validator.is_valid(&other), "{other}");
    }
    wrong["more"] = json!(1);
    assert!(jsonschema::draft202012::new(&schema).unwrap().is_valid(&wrong), "a newer stream may say more");
}

#[test]
fn a_mistake_in_the_arguments_is_read_by_programs_too() {
    let desk = Desk::new();
    let mut shown = String::new();
    for (line, env) in [
        ("logs --json", &[][..]),
        ("promot prod --json", &[]),
        ("rollback prod --too 4 --output json", &[]),
        ("gc staging --keep 0 --yes --json", &[]),
        ("verify a b", &[("STAGEGATE_JSON", "1")]),
    ] {
        shown.push_str(&desk.run(line, env));
        shown.push('\n');
    }
    let filters = vec![(r#""ts":"[^"]+""#, r#""ts":"[TIME]""#), (r#""tool":"[^"]+""#, r#""tool":"[VERSION]""#)];
    insta::with_settings!({ filters => filters }, { insta::assert_snapshot!(shown) });
    assert!(desk.run("logs", &[("STAGEGATE_JSON", "0")]).contains("--- stderr\nerror[SG-U07]: the following"));
}

#[test]
fn explain_and_topics_at_narrow_widths() {
    let desk = Desk::new();
    let mut shown = String::new();
    for width in ["60", "40"] {
        shown.push_str(&desk.run("explain sg-q01", &[("COLUMNS", width)]));
        shown.push_str(&desk.run("explain redeploy", &[("COLUMNS", width)]));
    }
    insta::assert_snapshot!("explain_narrow", shown);
    for line in ["explain", "help targets", "help exit-codes"] {
        let text = desk.run(line, &[("COLUMNS", "40")]);
        let is_long = |line: &&str| line.chars().count() > 46 && !line.trim().starts_with("stagegate ");
        let long: Vec<&str> = text.lines().filter(is_long).collect();
        assert!(long.is_empty(), "{line}: {long:?}");
    }
}

/// Every name of a variable of ours that the product mentions.
fn variables(folder: &Path, found: &mut std::collections::BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            variables(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let named = text.split("\"STAGEGATE_").skip(1).filter_map(|rest| rest.split('"').next());
            found.extend(
                named.filter(|name| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')).map(str::to_owned),
            );
        }
    }
}

#[test]
fn every_variable_that_the_product_reads_is_in_its_topic() {
    let mut found = std::collections::BTreeSet::new();
    variables(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 15, "{found:?}");
    let topic = Desk::new().run("help environment", &[]);
    for name in found {
        assert!(topic.contains(&format!("  STAGEGATE_{name} ")), "STAGEGATE_{name} is not in\n{topic}");
    }
}

#[test]
fn a_file_without_targets_says_how_to_get_one() {
    let desk = Desk::new();
    std::fs::write(desk.work().join("stagegate.toml"), "schema = 1\n").unwrap();
    let mut shown = desk.run("verify", &[]) + &desk.run("plan prod", &[]);
    std::fs::remove_file(desk.work().join("stagegate.toml")).unwrap();
    shown += &desk.run("verify", &[]);
    let alone = "schema = 1\n[target.prod]\nfunctions = [\"f\"]\nalias = \"live\"\nsource = \"target.staging\"\n";
    std::fs::write(desk.work().join("stagegate.toml"), alone).unwrap();
    shown += &desk.run("verify prod", &[]);
    insta::assert_snapshot!("no_targets", shown);
}
