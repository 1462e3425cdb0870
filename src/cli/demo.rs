//! `demo`: a whole release on the model of AWS, clients included.

use super::App;
use super::args::DemoArgs;
use super::end::End;
use crate::demo::{self, DemoOptions};
use crate::event::Silent;
use crate::problem::{Exit, Problem};
use crate::report::Shape;

/// Runs it: a text to read, or the events of the release.
pub async fn run(app: &App, args: &DemoArgs) -> Result<End, Problem> {
    let usual = DemoOptions::default();
    let options = DemoOptions { regress: args.regress, seed: args.seed.unwrap_or(usual.seed), ..usual };
    let report = match app.reporter.shape() {
        Shape::Human => demo::run(&options, &Silent).await?,
        Shape::Document | Shape::Events => demo::run(&options, &app.reporter).await?,
    };
    if app.reporter.shape() == Shape::Human {
        app.reporter.data(&demo::text::report(&report));
    }
    let result = match report.exit() {
        Exit::Done => "promoted",
        Exit::RolledBack => "rolled-back",
        _ => "failed",
    };
    Ok(End::new(report.exit(), result).release(report.plan.run))
}
