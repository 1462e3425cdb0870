//! What the README says is what the program does.

use std::path::PathBuf;

use futures_util::FutureExt;
use stagegate::aws::noun::StageKind;
use stagegate::config::{Config, Document, SmokeFiles};
use stagegate::demo::{self, DemoOptions};
use stagegate::event::Silent;
use stagegate::model::{GatePolicy, ManagedBy, Target};
use stagegate::ownership::snippet;
use stagegate::problem::Exit;

const README: &str = include_str!("../../README.md");

/// The fenced blocks of a language, in quotations too.
fn blocks(language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, bool)> = None;
    for line in README.lines().map(|line| line.strip_prefix("> ").or(line.strip_prefix('>')).unwrap_or(line)) {
        match (line.strip_prefix("```"), &mut open) {
            (Some(name), None) => open = Some((String::new(), name == language)),
            (Some(_), Some(_)) => blocks.extend(open.take().filter(|(_, wanted)| *wanted).map(|(text, _)| text)),
            (None, Some((text, _))) => *text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    blocks
}

/// Every `stagegate …` command line of the README, in words: those of the shell blocks, and those in the text.
fn commands() -> Vec<Vec<String>> {
    let shell = blocks("sh").join("\n");
    let inline = README.split('`').skip(1).step_by(2).filter(|text| !text.contains('\n'));
    let lines = shell.lines().chain(inline).filter(|line| line.starts_with("stagegate "));
    lines.map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

#[test]
fn the_exit_codes_are_those_of_the_program() {
    let rows: Vec<String> = README.lines().filter(|line| line.starts_with("| ")).skip(1).map(str::to_owned).collect();
    let codes: Vec<String> = Exit::ALL.iter().map(|exit| format!("| {} | {} |", exit.code(), exit.meaning())).collect();
    assert_eq!(rows, codes);
}

/// The target `prod` of a configuration, with its smoke checks.
fn prod(text: &str) -> Target {
    let config = Config::parse(Document::new("README.md", text), PathBuf::new()).unwrap();
    config.target("prod", SmokeFiles::Read(&|_| Ok("{}".into()))).unwrap()
}

#[test]
fn the_configuration_is_accepted_and_names_the_target() {
    let blocks = blocks("toml");
    assert_eq!(blocks.len(), 4);
    let target = prod(&blocks[0]);
    assert_eq!(target.stage.unwrap().to_string(), "a1b2c3d4e5/prod");
    assert!(target.protected);
    let looked_at = prod(&blocks[3]);
    assert_eq!(looked_at.domains, ["api.example.com/v1"]);
    assert_eq!(looked_at.stage_settings.access_log, Some(true));
    let proved = prod(&blocks[2]);
    assert_eq!(proved.redeploy_from.unwrap().stage.to_string(), "a1b2c3d4e5/staging");
    assert_eq!(proved.variables["table"], "orders-v2");
}

#[test]
fn the_complete_example_shows_every_default_as_it_is() {
    let text = &blocks("toml")[1];
    let target = prod(text);
    assert_eq!(target.canary.to_string(), "5% 10m, 25% 10m until 300 req, 50% 10m");
    assert_eq!((target.smoke.len(), target.stage_smoke.len()), (1, 1));
    assert_eq!(target.gate, GatePolicy { alarms: vec!["checkout-5xx".into()], ..GatePolicy::default() });
    assert_eq!(target.on_interrupt, Target::ON_INTERRUPT);
    let with_preset = text.replace("\nsteps ", "\n# steps ").replace("# preset", "preset").replace("[\"50%\"]", "[]");
    assert_eq!(prod(&with_preset).canary.to_string(), "10% 5m");
}

#[test]
fn the_lines_for_terraform_are_those_that_are_printed() {
    let target = prod(&blocks("toml")[1]);
    let text = snippet(ManagedBy::Terraform, &target, Some(&StageKind::Rest));
    assert_eq!(blocks("hcl"), [text]);
    let word = README.split('`').find_map(|text| text.strip_prefix("managed_by = ")).unwrap();
    let declared = blocks("toml")[1].replace("alias_variable =", &format!("managed_by = {word}\nalias_variable ="));
    assert_eq!(prod(&declared).managed_by, Some(ManagedBy::Terraform));
}

#[test]
fn the_demo_prints_what_is_shown() {
    let report = demo::run(&DemoOptions::default(), &Silent).now_or_never().unwrap().unwrap();
    let text = demo::text::report(&report);
    assert!(text.ends_with(&blocks("text")[0]), "the README shows something else than:\n{text}");
}

#[test]
fn the_three_screens_are_those_of_the_demo() {
    let screens = blocks("console");
    let played = |regress| {
        let options = DemoOptions { regress, ..DemoOptions::default() };
        demo::text::report(&demo::run(&options, &Silent).now_or_never().unwrap().unwrap())
    };
    let (good, bad) = (played(None), played(Some(demo::Regression::Errors)));
    let shown: Vec<bool> = screens.iter().zip([&good, &good, &bad]).map(|(one, whole)| whole.contains(one)).collect();
    assert_eq!(shown, [true, true, true], "{good}\n{bad}");
}

#[test]
fn the_record_can_be_read() {
    let line = blocks("text")[2].trim().to_owned();
    let description = stagegate::model::Description::parse(&line).unwrap();
    assert_eq!(description.to_string(), line);
    assert_eq!(description.record.unwrap().to.label(), "v42");
}

#[test]
fn every_command_is_about_a_target_of_the_readme() {
    let commands = commands();
    assert!(commands.len() > 8, "{commands:?}");
    for words in commands {
        let known = match words[1].as_str() {
            "demo" => true,
            "help" | "man" | "schema" | "completion" => true,
            "init" => ["https://api.example.com/checkout", "a1b2c3d4e5/prod", "checkout-api:live", "PLACE"]
                .contains(&words[2].as_str()),
            // Without a target it is the only one of the file.
            "verify" | "history" | "pause" | "plan" | "promote" | "resume" | "rollback" | "status"
                if words.len() == 2 =>
            {
                true
            }
            "drift" => words.len() == 2,
            "doctor" => words[2] == "https://api.example.com/v1/refunds",
            "iam-policy" => words.windows(2).any(|two| two == ["--target", "prod"]),
            "gc" | "history" | "logs" | "plan" | "promote" | "status" | "verify" | "rollback" | "pause" | "resume" => {
                ["prod", "checkout-api:live"].contains(&words[2].as_str())
            }
            "diff" => words[2..].iter().all(|word| {
                ["a1b2c3d4e5/dev", "a1b2c3d4e5/prod", "checkout-api:41", "checkout-api:live"].contains(&word.as_str())
            }),
            "versions" => words[2] == "checkout-api",
            "redeploy" => words[2] == "a1b2c3d4e5/prod",
            "permission" => ["a1b2c3d4e5/prod", "prod"].contains(&words[3].as_str()),
            "canary" => ["checkout-api:live", "a1b2c3d4e5/prod"].contains(&words[3].as_str()),
            _ => false,
        };
        assert!(known, "{}", words.join(" "));
    }
}
