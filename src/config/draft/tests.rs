use super::*;
use crate::config::{Config, Document, SmokeFiles};
use crate::model::{CanaryMode, GatePolicy, LogLevel, Throttle};

fn draft() -> Draft {
    Draft {
        name: "prod".into(),
        project: "checkout".into(),
        functions: vec!["checkout-api".parse().unwrap(), "refunds-api".parse().unwrap()],
        alias: "live".parse().unwrap(),
        stage: Some(DraftStage {
            stage: "a1b2c3d4e5/prod".parse().unwrap(),
            alias_variable: Some("lambdaAlias".into()),
            domains: vec!["api.example.com/checkout".into()],
            settings: WantedStage {
                logging: Some(LogLevel::Error),
                metrics: Some(true),
                tracing: Some(true),
                throttle: Some(Throttle { rate: 1000, burst: 2000 }),
                cache: Some(false),
                access_log: Some(true),
                ..WantedStage::default()
            },
        }),
        region: "us-east-1".into(),
        account: "123456789012".into(),
        protected: true,
    }
}

fn alone() -> Draft {
    Draft { name: "dev".into(), stage: None, protected: false, ..draft() }
}

fn read(text: &str, name: &str) -> Target {
    let config = Config::parse(Document::new("stagegate.toml", text), "/shop".into());
    let config = config.unwrap_or_else(|problem| panic!("{}\n{text}", problem.render(100)));
    let found = config.target(name, SmokeFiles::Read(&|_| Ok("{}".into())));
    found.unwrap_or_else(|problem| panic!("{}\n{text}", problem.render(100)))
}

fn is_example(line: &str) -> bool {
    line.starts_with('#') && !line.starts_with("# ")
}

fn uncommented(text: &str) -> String {
    text.lines().map(|line| if is_example(line) { &line[1..] } else { line }).map(|line| format!("{line}\n")).collect()
}

#[test]
fn what_is_written_reads_back_as_the_same_target() {
    for draft in [draft(), alone()] {
        assert_eq!(Some(read(&draft.file(), &draft.name)), draft.target());
        let appended = format!("schema = 1\n[target.other]\nfunctions = [\"f\"]\nalias = \"a\"\n\n{}", draft.table());
        assert_eq!(Some(read(&appended, &draft.name)), draft.target());
        assert_eq!(read(&appended, "other").alias.as_str(), "a");
    }
}

#[test]
fn every_example_is_valid_by_itself_and_all_of_them_are_together() {
    for draft in [draft(), alone()] {
        let text = draft.file();
        let paragraphs: Vec<&str> = text.split("\n\n").collect();
        let mut examples = 0;
        for (at, paragraph) in paragraphs.iter().enumerate() {
            let lines: Vec<&str> = paragraph.lines().collect();
            let counts_by_line = !lines.iter().any(|line| line.starts_with("#["));
            let choices: Vec<String> = match counts_by_line {
                true => (0..lines.len())
                    .filter(|chosen| is_example(lines[*chosen]))
                    .map(|chosen| {
                        let line = |(at, line): (usize, &&str)| {
                            if at == chosen { line[1..].to_owned() } else { (*line).to_owned() }
                        };
                        lines.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
                    })
                    .collect(),
                false => vec![uncommented(paragraph)],
            };
            for choice in choices {
                examples += 1;
                let mut changed: Vec<&str> = paragraphs.clone();
                changed[at] = &choice;
                let changed = changed.join("\n\n");
                assert_ne!(changed, text);
                read(&changed, &draft.name);
            }
        }
        assert!(examples > 8, "{examples}");
        let target = read(&uncommented(&text), &draft.name);
        assert_eq!(target.canary.mode, CanaryMode::Alias);
        let alarms = vec!["NAME-OF-AN-ALARM".into()];
        assert_eq!(target.gate, GatePolicy { alarms, ..GatePolicy::default() }, "the values shown are the defaults");
        assert_eq!((target.smoke.len(), target.stage_smoke.len()), (1, usize::from(draft.stage.is_some())));
        assert_eq!(target.project.as_deref(), Some("checkout"));
        assert_eq!(target.on_interrupt, Target::ON_INTERRUPT);
        assert_eq!(target.keep, Some(crate::gc::KEEP));
    }
}

#[test]
fn the_file_of_a_stage_and_that_of_an_alias_alone() {
    insta::assert_snapshot!("stage", draft().file());
    insta::assert_snapshot!("alias", alone().file());
    let widest = draft().file().lines().map(|line| line.chars().count()).max().unwrap();
    assert!(widest <= WIDTH, "{widest}");
}
