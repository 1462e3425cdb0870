//! What action.yml declares is what its steps pass on, and what the workflows ask of it is what the program takes.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;
use stagegate::config::{Flags, Layer, Origin, Settings, Sourced};
use stagegate::report::github::OUTPUTS;

use super::files::{ACTION, read, readme_yaml, workflows};
use super::runner::expression::{Context, Status, condition, template};
use super::yaml::yaml;

/// What `stagegate action` reads.
const VARIABLES: [&str; 11] = [
    "STAGEGATE_ARGS",
    "STAGEGATE_ASSUME_ROLE",
    "STAGEGATE_COMMAND",
    "STAGEGATE_CONFIG",
    "STAGEGATE_CONFIRM",
    "STAGEGATE_GITHUB_ANNOTATIONS",
    "STAGEGATE_GITHUB_SUMMARY",
    "STAGEGATE_ON_INTERRUPT",
    "STAGEGATE_REGION",
    "STAGEGATE_TARGET",
    "STAGEGATE_UNTIL",
];

/// What only the step that promotes needs: the one that settles finds the rest in AWS.
const FOR_THE_COMMAND: [&str; 4] = ["STAGEGATE_ARGS", "STAGEGATE_COMMAND", "STAGEGATE_CONFIRM", "STAGEGATE_UNTIL"];

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect()
}

fn action() -> Value {
    yaml(&read(ACTION))
}

#[test]
fn every_input_is_passed_on_and_no_shell_reads_one() {
    let action = action();
    let steps = action["runs"]["steps"].as_array().unwrap();
    let inputs = keys(&action["inputs"]);
    assert_eq!(inputs.len(), 15);
    for input in &inputs {
        let used = |step: &Value| {
            let given = [&step["env"], &step["working-directory"]].map(Value::to_string).concat();
            let word = |text: &str| text.split(|c: char| !(c.is_alphanumeric() || c == '-')).any(|part| part == *input);
            given.split("inputs.").skip(1).any(|rest| word(rest.split(['}', ' ']).next().unwrap_or_default()))
        };
        assert!(steps.iter().any(used), "{input}");
        // GitHub does not enforce it: an empty value must mean something.
        assert!(action["inputs"][input]["required"].is_null(), "{input}");
    }
    for step in steps {
        assert!(!step["run"].as_str().unwrap().contains("${{"), "{step:#}");
        assert_eq!(step["shell"], "bash");
    }
    let [install, run, settle] = steps.as_slice() else { panic!("{}", steps.len()) };
    assert!(install["if"].is_null());
    assert_eq!(keys(&run["env"]), BTreeSet::from(VARIABLES));
    let mut needed = BTreeSet::from(VARIABLES);
    FOR_THE_COMMAND.iter().for_each(|name| assert!(needed.remove(name), "{name}"));
    assert_eq!(keys(&settle["env"]), needed);
    for name in needed {
        assert_eq!(settle["env"][name], run["env"][name], "{name}");
    }
    assert_eq!(settle["working-directory"], run["working-directory"]);
}

#[test]
fn the_runner_signals_the_program_itself() {
    let action = action();
    for step in action["runs"]["steps"].as_array().unwrap() {
        let last = step["run"].as_str().unwrap().trim_end().lines().last().unwrap();
        assert!(last.starts_with("exec "), "{last}");
    }
    let settle = &action["runs"]["steps"][2];
    // Cancelled, or killed: whatever ends by itself has written its exit code.
    let ended = "cancelled() || (failure() && steps.run.outcome == 'failure' && steps.run.outputs.exit-code == '')";
    let began = "steps.run.outcome != '' && steps.run.outcome != 'skipped'";
    let releases = "(contains(inputs.command, 'promote') || contains(inputs.command, 'resume'))";
    let condition = format!("({ended}) && {began} && {releases}");
    assert_eq!(settle["if"], condition);
    let line = settle["run"].as_str().unwrap().lines().last().unwrap();
    let words: Vec<&str> = line.trim_start_matches("exec ").split(' ').collect();
    let run = ["stagegate", "settle", "--run", "\"$GITHUB_RUN_ID\"", "--no-input", "--", "\"$STAGEGATE_TARGET\""];
    assert_eq!(words, run);
    // What looks like a flag is a target, too.
    for target in ["prod", "--on-interrupt=hold", "-h"] {
        let id = |word: &str| {
            if word.contains("RUN_ID") { "01JD3K7Q4T0000000000000000".to_owned() } else { word.to_owned() }
        };
        let word = |word: &&str| if word.contains("TARGET") { target.to_owned() } else { id(word) };
        let matches = parses(words.iter().skip(1).map(word));
        let (_, settle) = matches.subcommand().unwrap();
        assert_eq!(settle.get_one::<String>("target").map(String::as_str), Some(target));
    }
}

#[test]
fn what_releases_is_settled_however_its_name_is_written() {
    let action = action();
    let settles = |command: &str| {
        let context = Context {
            inputs: BTreeMap::from([("command".to_owned(), command.to_owned())]),
            outcomes: BTreeMap::from([("run".to_owned(), "cancelled".to_owned())]),
            status: Status { cancelled: true, ..Status::default() },
            ..Context::default()
        };
        condition(action["runs"]["steps"][2]["if"].as_str(), &context)
    };
    let listed = action["inputs"]["command"]["description"].as_str().unwrap().split(" | ");
    for name in listed {
        for written in [name.to_owned(), format!("{name}\n"), format!(" {name} "), format!("\t{name}\u{a0}\r\n")] {
            let refused = said(&["action"], "STAGEGATE_COMMAND", &written).1.contains("is not what the Action runs");
            assert_eq!(refused, name == "install", "{written:?}");
            assert_eq!(settles(&written), ["promote", "resume"].contains(&name), "{written:?}");
        }
    }
}

/// What the Action's program leaves in a job, in an empty home: `GITHUB_OUTPUT`, the summary and the log.
fn left(variables: &[(&str, &str)]) -> [String; 3] {
    let home = tempfile::tempdir().unwrap();
    let place = |name: &str| home.path().join(name).display().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_stagegate"))
        .arg("action")
        .env_clear()
        .envs([("GITHUB_ACTIONS", "true"), ("STAGEGATE_COMMAND", "promote"), ("STAGEGATE_TARGET", "prod")])
        .envs([("GITHUB_OUTPUT", place("output")), ("GITHUB_STEP_SUMMARY", place("summary")), ("HOME", place("."))])
        .envs(variables.iter().copied())
        .current_dir(home.path())
        .output()
        .unwrap();
    let read = |name: &str| std::fs::read_to_string(place(name)).unwrap_or_default();
    [read("output"), read("summary"), String::from_utf8(output.stderr).unwrap()]
}

#[test]
fn a_step_that_ends_by_itself_says_so_whatever_it_is_asked_to_leave_out() {
    let [output, summary, log] = left(&[]);
    assert!(output.contains("\nexit-code<<") && !summary.is_empty() && log.contains("::error "), "{output}\n{log}");
    for without in [("STAGEGATE_ARGS", "--no-github"), ("STAGEGATE_NO_GITHUB", "1")] {
        let [output, summary, log] = left(&[without]);
        assert!(output.contains("\nexit-code<<"), "else it looks like one that was killed: {output:?} {log}");
        assert_eq!(summary, "");
        assert!(!log.contains("::"), "{log}");
    }
}

#[test]
fn the_outputs_are_those_that_are_written() {
    let action = action();
    assert_eq!(keys(&action["outputs"]), BTreeSet::from(OUTPUTS.map(|(name, _)| name)));
    for (name, _) in OUTPUTS {
        assert_eq!(action["outputs"][name]["value"], format!("${{{{ steps.run.outputs.{name} }}}}"));
    }
}

/// What the program says with one variable set, in an empty home.
fn said(arguments: &[&str], name: &str, value: &str) -> (Option<i32>, String) {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_stagegate"))
        .args(arguments)
        .env_clear()
        .envs([("HOME", home.path().to_str().unwrap()), (name, value)])
        .current_dir(home.path())
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn the_commands_that_are_listed_are_those_that_run() {
    let action = action();
    let refused = said(&["action"], "STAGEGATE_COMMAND", "destroy").1;
    let known = refused.split("with: command: one of ").nth(1).unwrap_or_else(|| panic!("{refused}"));
    let known: Vec<&str> = known.split([',', ' ', '\n']).filter(|word| !word.is_empty()).take(13).collect();
    let listed = action["inputs"]["command"]["description"].as_str().unwrap().split(" | ");
    assert_eq!(listed.collect::<Vec<_>>(), [&["install"][..], &known].concat());
}

#[track_caller]
fn parses(words: impl IntoIterator<Item = String>) -> clap::ArgMatches {
    let line: Vec<String> = std::iter::once("stagegate".to_owned()).chain(words).collect();
    stagegate::cli::command().try_get_matches_from(&line).unwrap_or_else(|error| panic!("{}: {error}", line.join(" ")))
}

/// The text with a value in place of each expression: the one that it chooses, if it names one.
fn filled(text: &str) -> String {
    let mut parts = text.split("${{");
    let head = parts.next().unwrap_or_default().to_owned();
    parts.fold(head, |text, part| {
        let (expression, rest) = part.split_once("}}").unwrap();
        let chosen = expression.split_once("&& '").and_then(|(_, chosen)| chosen.split('\'').next());
        text + chosen.unwrap_or("prod") + rest
    })
}

/// The command line that the Action makes of what a step gives it.
fn line(with: &Value) -> Vec<String> {
    let given = |name: &str| with[name].as_str().map(filled).filter(|text| !text.is_empty());
    let mut words = vec![given("command").unwrap()];
    words.extend(given("target"));
    words.extend(given("args").iter().flat_map(|args| args.lines()).map(str::to_owned));
    for (name, flag) in [("until", "--until"), ("confirm", "--confirm"), ("aws-region", "--region")] {
        words.extend(given(name).into_iter().flat_map(|value| [flag.to_owned(), value]));
    }
    words
}

#[test]
fn what_the_workflows_ask_for_is_what_the_program_takes() {
    let texts: Vec<String> = workflows().into_iter().map(|path| read(&path)).chain(readme_yaml()).collect();
    let documents: Vec<Value> = texts.iter().map(|text| yaml(text)).collect();
    let action = action();
    let (inputs, outputs) = (keys(&action["inputs"]), keys(&action["outputs"]));
    let mut commands = BTreeSet::new();
    for (document, text) in documents.iter().zip(&texts) {
        for job in document["jobs"].as_object().unwrap().values() {
            let steps = job["steps"].as_array().unwrap().iter();
            for step in steps.filter(|step| step["uses"].as_str().is_some_and(|uses| uses.contains("/stagegate@"))) {
                let unknown: Vec<&str> = keys(&step["with"]).difference(&inputs).copied().collect();
                assert_eq!(unknown, [""; 0]);
                parses(line(&step["with"]));
                commands.insert(step["with"]["command"].as_str().unwrap().to_owned());
            }
        }
        for used in text.split(".outputs.").skip(1).filter_map(|rest| rest.split([' ', '}']).next()) {
            let own = ["result", "digest", "epoch", "greatest"];
            assert!(outputs.contains(used) || own.contains(&used), "{used}");
        }
    }
    assert_eq!(Vec::from_iter(commands), ["drift", "plan", "promote", "resume", "rollback"]);
}

#[test]
fn the_workflows_that_are_about_several_targets_leave_each_in_its_own_region() {
    let steps = |path: &str| {
        let jobs = yaml(&read(path))["jobs"].as_object().unwrap().clone();
        let steps = jobs.into_iter().flat_map(|(_, job)| job["steps"].as_array().unwrap().clone());
        steps.filter(|step| step["uses"].as_str().is_some_and(|uses| uses.contains("/stagegate@"))).collect::<Vec<_>>()
    };
    let run = &action()["runs"]["steps"][1]["env"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let about_several = [steps("workflows/guard.yml"), steps("workflows/rollback.yml")].concat();
    assert_eq!(about_several.len(), 3);
    for step in about_several {
        let own = |name: &str| text(&step["env"][name]);
        let inputs = BTreeMap::from([("aws-region".to_owned(), text(&step["with"]["aws-region"]))]);
        let set = BTreeMap::from([("STAGEGATE_REGION".to_owned(), own("STAGEGATE_REGION"))]);
        let ours = template(&text(&run["STAGEGATE_REGION"]), &Context { inputs, env: set, ..Context::default() });
        let env = |name: &str| match name {
            "STAGEGATE_REGION" => Some(ours.clone()),
            "AWS_REGION" => Some(own("AWS_REGION")),
            _ => None,
        };
        let region = |file: Option<&str>| {
            let said = file.map(|region| Sourced { value: region.to_owned(), from: Origin::File { line: 1 } });
            let layer = Layer { region: said, ..Layer::default() };
            Settings::layered(&Flags::default(), &env, layer, None).unwrap().region.map(|region| region.value)
        };
        assert_eq!(region(Some("eu-west-1")).as_deref(), Some("eu-west-1"), "{step:#}");
        assert_eq!(region(None).as_deref(), Some("us-east-1"), "a place without a file: {step:#}");
    }
}

#[test]
fn what_is_finished_is_what_was_left_paused() {
    let jobs = &yaml(&read("workflows/promote.yml"))["jobs"];
    let step = jobs["start"]["steps"].as_array().unwrap().iter().find(|step| step["with"]["command"] == "promote");
    let id = step.unwrap()["id"].as_str().unwrap_or_default();
    assert_eq!(jobs["start"]["outputs"]["result"], format!("${{{{ steps.{id}.outputs.result }}}}"));
    let wanted = jobs["finish"]["if"].as_str().unwrap_or_default();
    for (result, finishes) in
        [("paused", true), ("unchanged", false), ("promoted", false), ("rolled-back", false), ("", false)]
    {
        let outputs = BTreeMap::from([("result".to_owned(), result.to_owned())]);
        let context = Context { needs: BTreeMap::from([("start".to_owned(), outputs)]), ..Context::default() };
        assert_eq!(condition(Some(wanted), &context), finishes, "{result}");
    }
    // Without a stable version there is no canary to stop in: a person says that it is the first release.
    let until = step.unwrap()["with"]["until"].as_str().unwrap();
    for (first, stops) in [("", "canary:5%"), ("no", "canary:5%"), ("yes", "")] {
        let inputs = BTreeMap::from([("first".to_owned(), first.to_owned())]);
        assert_eq!(template(until, &Context { inputs, ..Context::default() }), stops, "{first}");
    }
}

#[test]
fn the_commands_in_the_comments_run() {
    let mut count = 0;
    for path in workflows() {
        let comments: Vec<String> = read(&path)
            .lines()
            .filter_map(|line| line.trim().strip_prefix("# ").map(|text| text.trim().to_owned()))
            .collect();
        for command in comments.join(" ").split('`').filter_map(|text| text.strip_prefix("stagegate ")) {
            parses(command.split(' ').map(str::to_owned));
            count += 1;
        }
    }
    assert_eq!(count, 4);
}

/// A variable of `rollback` that its workflow sets, as the program reads it.
fn rollback(name: &str, value: &str) -> (Option<i32>, String) {
    said(&["rollback", "prod", "--yes"], name, value)
}

#[test]
fn the_emergency_workflow_offers_a_place_that_needs_no_file() {
    let workflow = yaml(&read("workflows/rollback.yml"));
    let options = workflow["on"]["workflow_dispatch"]["inputs"]["target"]["options"].as_array().unwrap();
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("stagegate.toml"), "[target.prod\n").unwrap();
    let refused = |target: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_stagegate"))
            .args(["rollback", target, "--yes", "--region=us-east-1"])
            .env_clear()
            .envs([("HOME", home.path().to_str().unwrap()), ("AWS_EC2_METADATA_DISABLED", "true")])
            .current_dir(home.path())
            .output()
            .unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let said = options.iter().map(|option| refused(option.as_str().unwrap()));
    let (places, names): (Vec<_>, Vec<_>) = said.partition(|said| said.contains("no usable AWS credentials"));
    assert!(!places.is_empty() && names.iter().all(|said| said.contains("is not valid TOML")), "{names:?}");
    let checkout = &workflow["jobs"]["rollback"]["steps"][0];
    assert_eq!(checkout["continue-on-error"], true, "{checkout:#}");
}

#[test]
fn the_variables_of_the_emergency_workflow_are_read_and_blank_ones_are_not_given() {
    let said = rollback("STAGEGATE_TO", "latest").1;
    assert!(said.contains("STAGEGATE_TO") || said.contains("--to"), "{said}");
    assert!(said.contains("write a version's number"), "{said}");
    let without = rollback("STAGEGATE_ACCESSIBLE", "");
    for (name, value) in
        [("STAGEGATE_TO", ""), ("STAGEGATE_TO", " "), ("STAGEGATE_REASON", ""), ("STAGEGATE_CONFIRM", "prod")]
    {
        assert_eq!(rollback(name, value), without, "{name}={value}");
    }
    assert_eq!(rollback("STAGEGATE_TO", "v40").0, without.0);
}
