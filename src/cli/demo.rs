//! `demo`: a whole release on the model of AWS, clients included.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::args::{self, Command, DemoArgs};
use super::end::End;
use super::session::Session;
use super::target::{Need, locate};
use super::{App, new_run, promote, release};
use crate::demo::practice::Practice;
use crate::demo::{self, DemoOptions};
use crate::event::{Event, Listener, Silent};
use crate::plan::Plan;
use crate::problem::{Code, Exit, Problem};
use crate::report::text::field;
use crate::report::{Progress, Reporter, Shape};

/// How long a virtual minute takes for a person who watches.
const PACE: Duration = Duration::from_millis(200);

/// How long a virtual minute takes for a person who takes part.
const MINUTE: Duration = Duration::from_secs(2);

/// Where the commands of somebody who plays along find their file and keep their journal: in a folder of their own, so
/// that nothing of the demo is ever taken for a real release.
pub struct Desk(PathBuf);

impl Desk {
    /// Lays it out for a command that needs it.
    ///
    /// # Errors
    /// The folder for temporary files cannot be written.
    pub fn of(command: &Command) -> Result<Option<Self>, Problem> {
        if !matches!(command, Command::Demo(DemoArgs { interactive: true, .. })) {
            return Ok(None);
        }
        let folder = std::env::temp_dir().join(format!("stagegate-demo-{}", new_run(&super::env)));
        let written = std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::write(folder.join("stagegate.toml"), demo::practice::CONFIG));
        written.map_err(|error| {
            Problem::new(Code::FileUnreadable, format!("the demo needs a folder: {} cannot be made", folder.display()))
                .why(error.to_string())
                .fix("free space there, or name another folder for temporary files: TMPDIR=/path stagegate demo")
        })?;
        Ok(Some(Self(folder)))
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The person promotes, on the demo's account.
async fn play(app: &App, options: &DemoOptions) -> Result<End, Problem> {
    if !app.can_prompt() {
        return Err(Problem::new(Code::BadOption, "--interactive: there is nobody to play the release engineer")
            .why(app.silence().unwrap_or_default())
            .aws_now("not involved")
            .fix("watch it instead: stagegate demo"));
    }
    let gone =
        "The account ends with this process; on a real one, every command that is printed works from any machine.";
    let intro = demo::text::intro(options);
    app.reporter.data(&format!("{intro}\n{}\n$ stagegate promote prod\n\n", field("", gone, app.term().width)));
    let practice = Practice::open(options)?;
    let account = practice.account();
    let session = Session {
        aws: &account,
        clock: &account,
        region: practice.region(),
        endpoint: None,
        expires: None,
        assumed_end: None,
        renewable: false,
        renewed_from: None,
        lifetime: Default::default(),
        origin: String::new(),
        account: None,
    };
    let Command::Promote(args) = args::command_of(["promote", "prod"])? else {
        return Err(Problem::new(Code::Internal, "promote is another command"));
    };
    let located = locate(app, &args.source.target, Need::Release, None)?;
    let target = release::target(app, &located, &args.canary)?;
    promote::promote(app, &located, &session, &target, None, &args).await
}

/// Runs it: at a terminal while it happens, elsewhere as a text to read, or as the events of the release.
pub async fn run(app: &App, args: &DemoArgs) -> Result<End, Problem> {
    let reporter = &app.reporter;
    if args.minute.is_some() && !args.interactive {
        return Err(Problem::new(Code::BadArguments, "--minute needs --interactive")
            .why("only a demo that somebody takes part in keeps a pace of its own")
            .fix("take part in it: stagegate demo --interactive --minute 1s"));
    }
    let usual = DemoOptions::default();
    let is_watched = reporter.shape() == Shape::Human && reporter.term.progress == Progress::Live;
    let options = DemoOptions {
        regress: args.regress,
        canary: args.canary_mode.unwrap_or(usual.canary),
        seed: args.seed.unwrap_or(usual.seed),
        width: reporter.term.width,
        pace: match (args.interactive, is_watched) {
            (true, _) => args.minute.unwrap_or(MINUTE),
            (false, true) => PACE,
            (false, false) => Duration::ZERO,
        },
        ..usual
    };
    if args.interactive {
        return play(app, &options).await;
    }
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
                    self.reporter.data(&format!(
                        "{}\n$ stagegate promote prod\n\n",
                        demo::text::plan_lines(&plan, self.reporter.term.width)
                    ));
                }
            }
            Event::RollingBack { .. } => self.goes_back.set(true),
            Event::RolledBack { .. } if !self.goes_back.get() => return,
            _ => {}
        }
        self.reporter.on(at, event);
    }

    fn tick(&self, now: Timestamp, until: Timestamp) {
        self.reporter.tick(now, until);
    }
}
