//! A job with one step that uses an Action, from the first of the Action's steps to the last.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;
use std::{env, fs, mem, thread};

use rustix::process::Signal;
use tempfile::TempDir;

use super::commands::{Command, Commands, Line};
use super::composite::{Action, Step};
use super::expression::{Context, condition, template};
use super::files::Files;
use super::log::Log;
use super::process::{Exit, Happens, Process};

/// How long a test waits for a job.
const LIMIT: Duration = Duration::from_secs(180);

/// What the machine gives to a job.
pub struct Machine {
    /// The environment of every step.
    pub env: BTreeMap<String, String>,
    /// For scripts and file commands.
    pub temp: PathBuf,
    /// The checkout.
    pub work: PathBuf,
    /// Not to be shown.
    pub secrets: Vec<String>,
    /// Everything of it lies there, for as long as the job runs.
    pub _folder: Arc<TempDir>,
}

/// How a step, or all of them, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// With exit code 0.
    Success,
    /// With another one, or with file commands that cannot be read.
    Failure,
    /// Cut short by the job's end.
    Cancelled,
    /// Its `if:` did not hold.
    Skipped,
    /// The machine was gone.
    Lost,
}

/// A step that is over.
#[derive(Debug)]
pub struct Done {
    /// Its id; its name when it has none.
    pub id: String,
    /// How.
    pub conclusion: Conclusion,
    /// How its process ended, if it had one.
    pub exit: Option<Exit>,
    /// The signals that it was sent.
    pub signals: Vec<Signal>,
}

/// A job under way.
pub struct Job {
    happens: Sender<Happens>,
    /// What it shows.
    pub log: Log,
    ended: Receiver<Ended>,
}

/// A job that is over.
#[derive(Debug)]
pub struct Ended {
    /// Of the step that uses the Action.
    pub conclusion: Conclusion,
    /// The Action's steps.
    pub steps: Vec<Done>,
    /// The Action's outputs.
    pub outputs: BTreeMap<String, String>,
    /// Everything that its steps put into `GITHUB_OUTPUT`, by step.
    pub told: BTreeMap<String, Vec<(String, String)>>,
    /// The summaries, in order.
    pub summary: String,
    /// The workflow commands that were read.
    pub commands: Vec<Command>,
    /// What the runner would have complained about.
    pub faults: Vec<String>,
    /// What it shows.
    pub log: Log,
}

impl Ended {
    /// A step, by its id or name.
    #[track_caller]
    pub fn step(&self, id: &str) -> &Done {
        self.steps.iter().find(|done| done.id == id).unwrap_or_else(|| panic!("no step {id}: {:?}", self.steps))
    }

    /// Everything, for messages.
    pub fn all(&self) -> String {
        let Self { conclusion, steps, outputs, faults, summary, log, .. } = self;
        let log = log.raw();
        format!("{conclusion:?} {steps:#?}\n{outputs:#?}\n{faults:#?}\n--- summary\n{summary}\n--- log\n{log}")
    }
}

impl Job {
    pub(super) fn start(action: &Action, context: Context, machine: Machine) -> Self {
        let (happens, receiver) = mpsc::channel();
        let log = Log::default();
        let outputs = action.outputs.iter().map(|(name, output)| (name.clone(), output.value.clone())).collect();
        let steps = action.steps().to_vec();
        let (sender, shown) = (happens.clone(), log.clone());
        let (end, ended) = mpsc::channel();
        thread::spawn(move || {
            let _end = shown.ends_with_this();
            let mut run = Run::new(machine, context, shown, (sender, receiver));
            run.steps(&steps);
            let _ = end.send(run.end(&outputs));
        });
        Self { happens, log, ended }
    }

    /// Somebody cancels the job.
    pub fn cancel(&self) {
        let _ = self.happens.send(Happens::Cancelled);
    }

    /// The kernel kills the process of the step, as it does when memory runs out; the job goes on.
    pub fn kill(&self) {
        let _ = self.happens.send(Happens::Killed);
    }

    /// The machine dies.
    pub fn lose(&self) {
        let _ = self.happens.send(Happens::Lost);
    }

    /// Waits for its end.
    #[track_caller]
    pub fn end(self) -> Ended {
        match self.ended.recv_timeout(LIMIT) {
            Ok(ended) => ended,
            Err(error) => panic!("the job does not end ({error}):\n{}", self.log.raw()),
        }
    }
}

impl Drop for Job {
    /// A test that fails leaves nothing running.
    fn drop(&mut self) {
        self.lose();
    }
}

/// Carries the steps out.
struct Run {
    machine: Machine,
    context: Context,
    log: Log,
    sender: Sender<Happens>,
    receiver: Receiver<Happens>,
    commands: Commands,
    told: BTreeMap<String, Vec<(String, String)>>,
    path: Vec<String>,
    summary: String,
    faults: Vec<String>,
    done: Vec<Done>,
    lost: bool,
}

impl Run {
    fn new(mut machine: Machine, context: Context, log: Log, channel: (Sender<Happens>, Receiver<Happens>)) -> Self {
        let commands = Commands::hiding(mem::take(&mut machine.secrets));
        let (sender, receiver) = channel;
        Self {
            machine,
            context,
            log,
            sender,
            receiver,
            commands,
            told: BTreeMap::new(),
            path: Vec::new(),
            summary: String::new(),
            faults: Vec::new(),
            done: Vec::new(),
            lost: false,
        }
    }

    fn steps(&mut self, steps: &[Step]) {
        for step in steps {
            for happened in self.receiver.try_iter() {
                self.context.status.cancelled |= matches!(happened, Happens::Cancelled);
                self.lost |= matches!(happened, Happens::Lost);
            }
            if self.lost {
                break;
            }
            let runs = condition(step.condition.as_deref(), &self.context);
            let done = if runs {
                self.step(step)
            } else {
                self.context.outcomes.insert(step.id.clone(), "skipped".to_owned());
                Done { id: step.label(), conclusion: Conclusion::Skipped, exit: None, signals: Vec::new() }
            };
            self.done.push(done);
        }
    }

    fn step(&mut self, step: &Step) -> Done {
        let number = self.done.len();
        let files = Files::create(self.machine.temp.join(format!("_runner_file_commands/{number}"))).unwrap();
        let script = self.machine.temp.join(format!("{number}.sh"));
        fs::write(&script, template(&step.run, &self.context)).unwrap();
        let mut process = Process::start(&script, &self.directory(step), &self.environment(step, &files), &self.sender);
        let mut cut = false;
        while let Some(happened) = process.next(&self.receiver) {
            match happened {
                Happens::Line(line) => self.line(&line),
                Happens::Cancelled => {
                    self.context.status.cancelled = true;
                    // A step whose condition holds for a job that is cancelled goes on.
                    if !condition(step.condition.as_deref(), &self.context) {
                        cut = true;
                        process.cancel();
                    }
                }
                Happens::Closed | Happens::Ended | Happens::Killed | Happens::Lost => {}
            }
        }
        let signals = mem::take(&mut process.sent);
        let exit = process.exit();
        let conclusion = match exit {
            Exit::Lost => Conclusion::Lost,
            // Whatever its exit code.
            _ if cut => Conclusion::Cancelled,
            Exit::Code(0) => Conclusion::Success,
            Exit::Code(_) | Exit::Signal(_) => Conclusion::Failure,
        };
        let conclusion = self.ended(step, &files, conclusion);
        Done { id: step.label(), conclusion, exit: Some(exit), signals }
    }

    fn directory(&self, step: &Step) -> PathBuf {
        let wanted = step.working_directory.as_deref().unwrap_or_default();
        self.machine.work.join(template(wanted, &self.context))
    }

    fn environment(&self, step: &Step, files: &Files) -> BTreeMap<String, String> {
        let mut env = self.machine.env.clone();
        let paths = self.path.iter().rev().map(PathBuf::from);
        let old = env.get("PATH").cloned().unwrap_or_default();
        let path = env::join_paths(paths.chain(env::split_paths(&old))).unwrap();
        env.insert("PATH".to_owned(), path.to_string_lossy().into_owned());
        env.extend(step.env.iter().map(|(name, value)| (name.clone(), template(value, &self.context))));
        env.extend(files.env());
        env
    }

    fn line(&mut self, line: &str) {
        match self.commands.take(line) {
            Line::Text(text) => self.log.push(line, Some(&text)),
            Line::Command(command) => {
                let shown = format!("##[{}]{}", command.name, command.data);
                let is_shown = ["group", "endgroup", "error", "warning", "notice"].contains(&command.name.as_str());
                self.log.push(line, is_shown.then(|| self.commands.masked(&shown)).as_deref());
            }
        }
    }

    /// Reads what the step has told by files: also one that failed or was cut, but of a machine that is gone there are
    /// none.
    fn ended(&mut self, step: &Step, files: &Files, conclusion: Conclusion) -> Conclusion {
        if conclusion == Conclusion::Lost {
            self.lost = true;
            return conclusion;
        }
        self.commands.step_ended(&step.label());
        let mut conclusion = conclusion;
        match files.read() {
            Ok(told) => {
                self.context.outputs.insert(step.id.clone(), told.outputs.iter().cloned().collect());
                self.told.insert(step.label(), told.outputs);
                self.machine.env.extend(told.env);
                self.path.extend(told.path);
                self.summary += &told.summary;
            }
            Err(fault) => {
                self.faults.push(fault);
                conclusion = Conclusion::Failure;
            }
        }
        self.context.status.failed |= conclusion == Conclusion::Failure;
        self.context.status.cut |= conclusion == Conclusion::Cancelled;
        let outcome = match conclusion {
            Conclusion::Success => "success",
            Conclusion::Cancelled => "cancelled",
            _ => "failure",
        };
        self.context.outcomes.insert(step.id.clone(), outcome.to_owned());
        conclusion
    }

    fn end(mut self, outputs: &BTreeMap<String, String>) -> Ended {
        let status = self.context.status;
        let conclusion = match (self.lost, status.failed, status.cancelled) {
            (true, ..) => Conclusion::Lost,
            (_, _, true) => Conclusion::Cancelled,
            (_, true, _) => Conclusion::Failure,
            _ => Conclusion::Success,
        };
        let value = |(name, value): (&String, &String)| (name.clone(), template(value, &self.context));
        let outputs = if self.lost { BTreeMap::new() } else { outputs.iter().map(value).collect() };
        self.faults.append(&mut self.commands.faults);
        Ended {
            conclusion,
            steps: self.done,
            outputs,
            told: self.told,
            summary: self.summary,
            commands: self.commands.seen,
            faults: self.faults,
            log: self.log,
        }
    }
}
