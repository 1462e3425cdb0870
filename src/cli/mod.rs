//! The command line. Each command is a file; each looks at AWS through a [`session::Session`], says what it finds through
//! the [`Reporter`], and answers with an [`end::End`]. The exit code is decided here and nowhere else.

mod access;
mod action;
mod args;
mod assume;
mod canary;
mod completion;
mod consent;
mod credentials;
mod demo;
mod diff;
mod doctor;
mod drift;
mod end;
mod explain;
mod flight;
mod gate;
mod gc;
mod given;
mod help;
mod history;
mod iam_policy;
mod init;
mod job;
mod keyboard;
mod line;
mod log;
mod logs;
mod looking;
mod man;
mod members;
mod menu;
mod output;
mod page;
mod pause;
mod permission;
mod person;
mod plan;
mod promote;
mod prompt;
mod protect;
mod redeploy;
mod release;
mod resume;
mod rollback;
mod schema;
mod session;
mod settle;
mod signals;
mod status;
mod target;
#[cfg(test)]
mod tests;
mod tty;
mod unlock;
mod unnamed;
mod until;
mod usage;
mod verify;
mod versions;

use std::cell::Cell;
use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::PathBuf;

use jiff::Timestamp;

pub use args::{Args, Command, command};
pub use prompt::give_back_terminal;

use self::access::Needed;
use self::end::End;
use self::given::Given;
use self::job::Caller;
use self::signals::Signals;
use crate::engine::{Interrupt, Signal};
use crate::event::{Event, Listener as _};
use crate::github::WorkflowRun;
use crate::journal::StateDir;
use crate::model::RunId;
use crate::problem::{Code, Exit, Level, Problem};
use crate::report::{Probe, Reporter, Shape, Term};

/// What every command has at hand.
struct App {
    args: args::Global,
    reporter: Reporter,
    interrupt: Interrupt,
    /// The engine is at work: a signal is its business from here on.
    acting: Cell<bool>,
    /// Whether somebody watches the engine's work.
    attended: Cell<Attended>,
    state: Option<StateDir>,
    directory: PathBuf,
    env: fn(&str) -> Option<String>,
}

/// Whether a person follows a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attended {
    /// Nobody.
    No,
    /// Ctrl-C is a question to them.
    Watched,
    /// They are being asked.
    Asked,
}

impl App {
    fn term(&self) -> &Term {
        &self.reporter.term
    }

    /// Why nobody can be asked, if so: a program that reads events is no person.
    fn silence(&self) -> Option<&'static str> {
        if self.reporter.shape() == Shape::Human { self.term().silence } else { Some("--json is set") }
    }

    fn can_prompt(&self) -> bool {
        self.silence().is_none()
    }

    fn warn(&self, problem: &Problem) {
        self.reporter.problem(Timestamp::now(), problem);
    }

    fn emit(&self, event: &Event) {
        self.reporter.on(Timestamp::now(), event);
    }
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A new release id; it says which workflow run began it, if one did.
fn new_run(env: &dyn Fn(&str) -> Option<String>) -> RunId {
    let ulid = ulid::Ulid::from_datetime(std::time::SystemTime::now());
    match WorkflowRun::of(env) {
        Some(run) => RunId::marked(ulid.timestamp_ms(), run.mark(), ulid.random()),
        None => RunId::new(ulid.timestamp_ms(), ulid.random()),
    }
}

/// A seed for jitter.
fn new_seed() -> u64 {
    let random = ulid::Ulid::from_datetime(std::time::SystemTime::now()).random();
    u64::try_from(random & u128::from(u64::MAX)).unwrap_or(1)
}

/// Runs the command line; answers with the exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let args = match args::parse(arguments.iter().cloned()) {
        Ok(args) => args,
        Err(error) => return usage::report(&error, &arguments, &env),
    };
    if !matches!(args.command, Command::Action) {
        return start(args, &Caller::Words(&arguments), None);
    }
    // The inputs of the Action are a command line of their own.
    let read = |line: action::Line| match args::parse(line.words.iter().cloned()) {
        Ok(args) => Ok((args, line)),
        Err(error) => Err(usage::of_action(&error, &line.words)),
    };
    match action::Line::of(&env).and_then(read) {
        Ok((args, line)) => start(args, &Caller::Action(Some(&line)), None),
        Err(problem) => start(args, &Caller::Action(None), Some(problem)),
    }
}

/// Runs a command, unless something already stands in its way.
fn start(args: Args, caller: &Caller<'_>, unready: Option<Problem>) -> Exit {
    let (stdin, stderr) = (std::io::stdin().is_terminal(), console::Term::stderr());
    let columns = stderr.size_checked().map(|(_, columns)| columns);
    let term = Term::decide(&Probe { stdin, stderr: stderr.is_term(), columns, env: &env }, args.global.wishes());
    console::set_colors_enabled(term.color);
    console::set_colors_enabled_stderr(term.color);
    let acts = args.command.acts();
    let shape = match (args.global.json(), acts) {
        (false, _) => Shape::Human,
        (true, true) => Shape::Events,
        (true, false) => Shape::Document,
    };
    let (desk, unset) = apart(demo::Desk::of(&args.command));
    let (directory, state) = match &desk {
        Some(Some(desk)) => (desk.folder().to_owned(), Some(StateDir::at(desk.folder().join("state")))),
        _ => (std::env::current_dir().unwrap_or_default(), StateDir::from_env(&env)),
    };
    let reporter =
        Reporter::to_process(term, shape, args.global.loudness()).repeating(target::repeats(&args.global, &env));
    let (wishes, unclear) = apart(job::wishes(&env, args.global.no_github, caller, acts));
    let app = App {
        reporter: job::attach(reporter, wishes.flatten()),
        args: args.global,
        interrupt: Interrupt::default(),
        acting: Cell::new(false),
        attended: Cell::new(Attended::No),
        state,
        directory,
        env,
    };
    if acts {
        app.reporter.hello(Timestamp::now());
    }
    if matches!(args.command, Command::Promote(_) | Command::Resume(_)) {
        job::begins(&env);
    }
    let end = match unready.or(unset).or(unclear) {
        Some(problem) => problem.into(),
        None => work(&app, args.command),
    };
    finish(&app, acts, end, caller)
}

/// What there is, and what is wrong.
fn apart<T>(read: Result<T, Problem>) -> (Option<T>, Option<Problem>) {
    match read {
        Ok(value) => (Some(value), None),
        Err(problem) => (None, Some(problem)),
    }
}

fn work(app: &App, command: Command) -> End {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let end = runtime.block_on(run(app, command));
            // A prompt that nobody answered still holds its thread.
            runtime.shutdown_background();
            end
        }
        Err(error) => Problem::new(Code::Internal, "the runtime cannot start").why(error.to_string()).into(),
    }
}

/// Says the end; the one place that decides about the exit code.
fn finish(app: &App, acts: bool, end: End, caller: &Caller<'_>) -> Exit {
    app.reporter.clear();
    // Before anything was written, the same command is all that is needed.
    let again = (!app.acting.get()).then(|| caller.again()).flatten();
    let end = end.explained(|problem| match &again {
        Some(again) if problem.code == Code::Interrupted && problem.fix.is_empty() => {
            problem.fix(format!("start again: {again}"))
        }
        _ => caller.explain(problem),
    });
    if let Some(problem) = &end.problem {
        app.warn(problem);
    }
    let exit = end.exit();
    if acts {
        app.reporter.end(Timestamp::now(), &end.event());
    }
    let step = caller.exit(exit, &end.summary().result);
    for lost in app.reporter.close_job(Timestamp::now(), end.summary(), end.problem.as_ref(), step != Exit::Done) {
        app.warn(&job::unwritten(&lost));
    }
    match app.reporter.lost() {
        Some(why) => incomplete(app, acts, exit, &why),
        None => step,
    }
}

/// Standard output took not all: what only looked has failed then; what acted has acted, and says so.
fn incomplete(app: &App, acts: bool, exit: Exit, why: &str) -> Exit {
    let level = if acts { Level::Warning } else { Level::Error };
    let problem = Problem::new(Code::FileUnwritable, "standard output cannot be written, a part of it is missing")
        .level(level)
        .why(why)
        .aws_now(if acts { "as this command left it; status shows it" } else { "only read, nothing was written" })
        .fix("free space, or send it elsewhere, and look again");
    app.reporter.tell_person(&problem);
    if exit == Exit::Done && !acts { Exit::Failed } else { exit }
}

/// Runs a command, with signals beside it. Before the engine acts a signal ends everything at once: nothing was
/// written. From then on the engine is told, and decides.
async fn run(app: &App, command: Command) -> End {
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => return Problem::new(Code::Internal, "signals cannot be handled").why(error.to_string()).into(),
    };
    let work = dispatch(app, command);
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            signal = signals.next() => {
                app.interrupt.raise(signal);
                if !app.acting.get() {
                    return stopped(signal);
                }
                let asks = match (app.attended.get(), signal) {
                    // The question that stands hears it.
                    (Attended::Asked, Signal::Interrupt) => continue,
                    (attended, signal) => attended == Attended::Watched && signal == Signal::Interrupt,
                };
                app.emit(&Event::Interrupted { signal: signals::name(signal).into(), asks });
            }
            end = &mut work => return end,
        }
    }
}

fn stopped(signal: Signal) -> End {
    prompt::give_back_terminal();
    let exit = match signal {
        Signal::Interrupt => Exit::Interrupted,
        Signal::Terminate => Exit::Terminated,
    };
    Problem::new(Code::Interrupted, format!("stopped by {}, nothing was changed", signals::name(signal)))
        .exit(exit)
        .into()
}

async fn dispatch(app: &App, mut command: Command) -> End {
    if let Err(problem) = unnamed::fill_in(app, &mut command).await {
        return problem.into();
    }
    let (needed, given) = (Needed::by(&command), Given::by(&command));
    let done = carry_out(app, command).await.unwrap_or_else(End::from);
    let done = match given {
        Some(given) => done.explained(|problem| given.complete(&problem)),
        None => done,
    };
    match needed {
        Some(needed) => done.explained(|problem| needed.explain(app, problem)),
        None => done,
    }
}

async fn carry_out(app: &App, command: Command) -> Result<End, Problem> {
    match command {
        Command::Plan(args) => plan::run(app, args).await,
        Command::Promote(args) => promote::run(app, args).await,
        Command::Resume(args) => resume::run(app, args).await,
        Command::Pause(args) => pause::run(app, args).await,
        Command::Rollback(args) => rollback::run(app, args).await,
        Command::Status(args) => status::run(app, args).await,
        Command::History(args) => history::run(app, args).await,
        Command::Versions(args) => versions::run(app, args).await,
        Command::Logs(args) => logs::run(app, args).await,
        Command::Diff(args) => diff::run(app, args).await,
        Command::Doctor(args) => doctor::run(app, args).await,
        Command::Drift(args) => drift::run(app, args).await,
        Command::Init(args) => init::run(app, args).await,
        Command::Verify(args) => verify::run(app, args).await,
        Command::Redeploy(args) => redeploy::run(app, args).await,
        Command::Canary(args) => canary::run(app, args).await,
        Command::Permission(args) => permission::run(app, args).await,
        Command::Settle(args) => settle::run(app, args).await,
        Command::Action => Err(Problem::new(Code::Internal, "the Action's inputs were not read")),
        Command::Gc(args) => gc::run(app, args).await,
        Command::Unlock(args) => unlock::run(app, args).await,
        Command::IamPolicy(args) => iam_policy::run(app, args).await,
        Command::Demo(args) => demo::run(app, &args).await,
        Command::Gate(args) => gate::run(app, args).await,
        Command::Help(args) => help::run(app, &args),
        Command::Explain(args) => explain::run(app, &args),
        Command::Completion(args) => completion::run(app, &args),
        Command::Man(args) => man::run(app, &args),
        Command::Schema(args) => schema::run(app, &args),
    }
}
