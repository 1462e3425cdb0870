//! `completion`: the script that a shell loads.

use super::App;
use super::args::{CompletionArgs, command};
use super::end::End;
use crate::problem::{Code, Problem};

/// Prints it.
pub fn run(app: &App, args: &CompletionArgs) -> Result<End, Problem> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "stagegate", &mut script);
    let script = String::from_utf8(script)
        .map_err(|error| Problem::new(Code::Internal, "the script is not text").why(error.to_string()))?;
    app.reporter.raw(&script);
    Ok(End::done())
}
