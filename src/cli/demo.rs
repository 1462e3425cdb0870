//! `demo`: a whole release on the model of AWS, clients included.

use std::cell::Cell;
use std::time::Duration;

use jiff::Timestamp;

use super::App;
use super::args::DemoArgs;
use super::end::End;
use crate::demo::{self, DemoOptions};
use crate::event::{Event, Listener, Silent};
use crate::plan::Plan;
use crate::problem::{Exit, Problem};
use crate::report::{Progress, Reporter, Shape};

/// How long a virtual minute takes for a person who watches.
const PACE: Duration = Duration::from_millis(200);

/// Runs it: at a terminal while it happens, elsewhere as a text to read, or as the events of the release.
pub async fn run(app: &App, args: &DemoArgs) -> Result<End, Problem> {
    let reporter = &app.reporter;
    let usual = DemoOptions::default();
    let is_watched = reporter.shape() == Shape::Human && reporter.term.progress == Progress::Live;
    let options = DemoOptions {
        regress: args.regress,
        canary: args.canary_mode.unwrap_or(usual.canary),
        seed: args.seed.unwrap_or(usual.seed),
        pace: if is_watched { PACE } else { Duration::ZERO },
        ..usual
    };
    let report = match reporter.shape() {
        Shape::Human if is_watched => {
            reporter.data(&format!("{}\n", demo::text::intro(&options)));
            demo::run(&options, &Watched { reporter, goes_back: Cell::new(false) }).await?
        }
        Shape::Human => demo::run(&options, &Silent).await?,
        Shape::Document | Shape::Events => demo::run(&options, reporter).await?,
    };
    if let Some(file) = &args.html {
        super::page::write_demo(app, file, &report)?;
    }
    match reporter.shape() {
        Shape::Human if is_watched => reporter.data(&format!("\n{}", demo::text::after(&report))),
        Shape::Human => reporter.data(&demo::text::report(&report)),
        Shape::Document | Shape::Events => {}
    }
    let result = match report.exit() {
        Exit::Done => "promoted",
        Exit::RolledBack => "rolled-back",
        _ => "failed",
    };
    Ok(End::new(report.exit(), result).release(report.plan.run))
}

/// Shows the release on its way to the reporter, the plan included; of the rollbacks that follow a success the text
/// tells.
struct Watched<'a> {
    reporter: &'a Reporter,
    goes_back: Cell<bool>,
}

impl Listener for Watched<'_> {
    fn on(&self, at: Timestamp, event: &Event) {
        match event {
            Event::Plan { plan, .. } => {
                if let Ok(plan) = serde_json::from_value::<Plan>(plan.clone()) {
                    self.reporter.data(&format!("{}\n$ stagegate promote prod\n\n", demo::text::plan_lines(&plan)));
                }
            }
            Event::RollingBack { .. } => self.goes_back.set(true),
            Event::RolledBack { .. } if !self.goes_back.get() => return,
            _ => {}
        }
        self.reporter.on(at, event);
    }
}
