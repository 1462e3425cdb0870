//! `explain`: what a code or a step means, offline, from the same tables that everything else uses.

use serde_json::{Value, json};

use super::App;
use super::args::ExplainArgs;
use super::end::End;
use crate::config::did_you_mean;
use crate::problem::{Code, Exit, Problem};
use crate::report::Shape;
use crate::report::text::field;
use crate::step::{Declaration, PIPELINE, StepKind};

/// What is explained.
enum Subject {
    Everything,
    Step(StepKind),
    Code(Code),
}

/// Explains.
pub fn run(app: &App, args: &ExplainArgs) -> Result<End, Problem> {
    let subject = match &args.what {
        None => Subject::Everything,
        Some(what) => match (StepKind::named(what), what.parse::<Code>()) {
            (Some(step), _) => Subject::Step(step),
            (None, Ok(code)) => Subject::Code(code),
            (None, Err(error)) => {
                let steps = PIPELINE.iter().map(|d| d.name);
                return Err(Problem::new(Code::BadOption, error.to_string())
                    .why(format!("nor is it a step: {}", did_you_mean(what, steps)))
                    .fix("list them: stagegate explain"));
            }
        },
    };
    app.reporter.data(&match app.reporter.shape() {
        Shape::Human => subject.text(app.term().width),
        Shape::Document | Shape::Events => format!("{:#}\n", subject.document()),
    });
    Ok(End::done())
}

impl Subject {
    fn text(&self, width: usize) -> String {
        match self {
            Self::Everything => all(width),
            Self::Step(step) => of_step(step.declaration(), width),
            Self::Code(code) => of_code(*code, width),
        }
    }

    fn document(&self) -> Value {
        let mut document = match self {
            Self::Everything => json!({
                "steps": PIPELINE.iter().map(step_value).collect::<Vec<_>>(),
                "exit_codes": Exit::ALL.map(|exit| json!({ "exit_code": exit.code(), "meaning": exit.meaning() })),
                "codes": Code::ALL.iter().copied().map(code_value).collect::<Vec<_>>(),
            }),
            Self::Step(step) => step_value(step.declaration()),
            Self::Code(code) => code_value(*code),
        };
        if let Some(map) = document.as_object_mut() {
            map.shift_insert(0, "schema".into(), "stagegate.explain/1.0".into());
        }
        document
    }
}

fn code_value(code: Code) -> Value {
    json!({
        "code": code.to_string(),
        "title": code.title(),
        "explanation": code.explanation(),
        "level": code.level().to_string(),
        "exit_code": code.exit().code(),
    })
}

fn step_value(step: &Declaration) -> Value {
    let names =
        |operations: &[crate::aws::Operation]| -> Vec<String> { operations.iter().map(ToString::to_string).collect() };
    json!({
        "step": step.name,
        "does": step.does,
        "undo": step.undo,
        "reads": names(step.observes),
        "writes": names(step.writes),
        "back": names(step.writes_back),
    })
}

fn of_code(code: Code, width: usize) -> String {
    let exit = code.exit();
    field(&format!("{code}  "), code.title(), width)
        + "\n"
        + &field("", code.explanation(), width)
        + "\n"
        + &field("", &format!("{}, usually exits {}: {}", code.level(), exit.code(), exit.meaning()), width)
}

fn of_step(step: &Declaration, width: usize) -> String {
    let names = |operations: &[crate::aws::Operation]| {
        let names: Vec<String> = operations.iter().map(ToString::to_string).collect();
        if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
    };
    field(&format!("{}  ", step.name), step.does, width)
        + "\n"
        + &field("  undo     ", step.undo, width)
        + &field("  reads    ", &names(step.observes), width)
        + &field("  writes   ", &names(step.writes), width)
        + &field("  back     ", &names(step.writes_back), width)
}

fn all(width: usize) -> String {
    let mut text = "Steps, in the order they run\n".to_owned();
    for step in PIPELINE {
        text.push_str(&field(&format!("  {:<11} ", step.name), step.does, width));
    }
    text.push_str("\nExit codes: what AWS is\n");
    for exit in Exit::ALL {
        text.push_str(&field(&format!("  {:>3}  ", exit.code()), exit.meaning(), width));
    }
    text.push_str("\nProblems\n");
    for code in Code::ALL {
        text.push_str(&field(&format!("  {code}  "), code.title(), width));
    }
    text
}
