//! `explain`: what a code or a step means, offline, from the same tables that everything else uses.

use super::App;
use super::args::ExplainArgs;
use super::end::End;
use crate::config::did_you_mean;
use crate::problem::{Code, Exit, Problem};
use crate::report::text::field;
use crate::step::{Declaration, PIPELINE, StepKind};

/// Explains.
pub fn run(app: &App, args: &ExplainArgs) -> Result<End, Problem> {
    let width = app.term().width;
    let text = match &args.what {
        None => all(width),
        Some(what) => match (StepKind::named(what), what.parse::<Code>()) {
            (Some(step), _) => of_step(step.declaration(), width),
            (None, Ok(code)) => of_code(code, width),
            (None, Err(error)) => {
                let steps = PIPELINE.iter().map(|d| d.name);
                return Err(Problem::new(Code::BadOption, error.to_string())
                    .why(format!("nor is it a step{}", did_you_mean(what, steps)))
                    .fix("list them: stagegate explain"));
            }
        },
    };
    app.reporter.data(&text);
    Ok(End::done())
}

fn of_code(code: Code, width: usize) -> String {
    let exit = code.exit();
    field(&format!("{code}  "), code.title(), width)
        + "\n"
        + &field("", code.explanation(), width)
        + "\n"
        + &field(&format!("{}, usually exits {}: ", code.level(), exit.code()), exit.meaning(), width)
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
