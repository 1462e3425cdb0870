//! `gate`: the canary's gate on its own, without AWS: driven by another program, or over a recorded rollout.

use std::io::{self, BufRead as _};
use std::path::Path;

use super::App;
use super::args::{GateArgs, GateCommand, GateSettings};
use super::end::End;
use crate::gate::interchange::{BadLine, Session};
use crate::gate::replay::replay;
use crate::gate::{Settings, Wishes};
use crate::problem::{Code, Problem};
use crate::report::gate_text;

/// Judges.
pub async fn run(app: &App, args: GateArgs) -> Result<End, Problem> {
    match args.command {
        GateCommand::Judge { settings } => speak(app, wishes(&settings)?).await,
        GateCommand::Replay { file, settings } => again(app, &file, &wishes(&settings)?),
    }
}

/// What the flags ask for.
fn wishes(flags: &GateSettings) -> Result<Wishes, Problem> {
    let wishes = Wishes {
        max_error_rate: flags.max_error_rate,
        max_error_gap: flags.max_error_gap,
        max_slow_ratio: flags.max_slow_ratio,
        false_rollbacks: flags.false_rollbacks,
        max_extend: flags.max_extend,
        min_dwell: None,
        early_accept: flags.full_dwell.then_some(false),
        on_inconclusive: flags.on_inconclusive,
    };
    wishes.apply(Settings::default()).map_err(|bad| {
        let flag = format!("--{}", bad.key.replace('_', "-"));
        Problem::new(Code::BadOption, format!("{flag} cannot be used")).why(format!("it {}", bad.rule))
    })?;
    Ok(wishes)
}

/// A line in, a line out, until the input ends.
async fn speak(app: &App, wishes: Wishes) -> Result<End, Problem> {
    let mut session = Session::new(wishes);
    while let Some(line) = next_line().await? {
        if let Some(answer) = session.take(&line).map_err(|bad| unreadable("the input", &bad))? {
            app.reporter.raw(&format!("{}\n", answer.line()));
        }
    }
    Ok(End::done())
}

/// Reads on a thread of its own, so that signals are heard while it waits.
async fn next_line() -> Result<Option<String>, Problem> {
    let read = || {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map(|read| (read > 0).then_some(line))
    };
    match tokio::task::spawn_blocking(read).await {
        Ok(Ok(line)) => Ok(line),
        Ok(Err(error)) => Err(Problem::new(Code::GateInput, "the input cannot be read").why(error.to_string())),
        Err(error) => Err(Problem::new(Code::Internal, "reading the input failed").why(error.to_string())),
    }
}

fn again(app: &App, file: &Path, wishes: &Wishes) -> Result<End, Problem> {
    let shown = file.display().to_string();
    let recording = std::fs::read_to_string(file)
        .map_err(|error| Problem::new(Code::GateInput, format!("{shown} cannot be read")).why(error.to_string()))?;
    let recording = match crate::journal::evidence(&recording) {
        Some(lines) if lines.is_empty() => return Err(unrecorded(&shown)),
        Some(lines) => lines,
        None => recording,
    };
    let ticks = replay(&recording, wishes).map_err(|bad| unreadable(&shown, &bad))?;
    if app.args.json() {
        let lines: String = ticks.iter().map(|tick| tick.line() + "\n").collect();
        app.reporter.raw(&lines);
    } else {
        app.reporter.data(&gate_text::replay(&ticks, app.term().width));
    }
    Ok(End::done())
}

fn unrecorded(what: &str) -> Problem {
    Problem::new(Code::GateInput, format!("{what} is the journal of a release that no gate has judged"))
        .why("it holds what was sent to AWS, and no minute of a canary")
        .fix("history names the journals that hold one: stagegate history TARGET")
}

fn unreadable(what: &str, bad: &BadLine) -> Problem {
    Problem::new(Code::GateInput, format!("{what} is no rollout that the gate can judge")).why(bad.to_string())
}
