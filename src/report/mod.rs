//! What people and programs see. Standard output is data, standard error is for people; only this module writes to
//! either. A reader that went away (`| head`) never stops a release: what cannot be written is dropped.

mod board;
pub mod diff_text;
pub mod doctor_text;
pub mod drift_text;
pub mod gate_text;
pub mod gc_text;
pub mod github;
mod in_place;
pub mod init_text;
mod json;
mod live;
pub mod logs_text;
pub mod page;
mod panel;
pub mod permission_text;
mod plain;
pub mod plan_text;
pub mod rollback_text;
pub mod status_text;
mod term;
pub mod text;
pub mod verify_text;
pub mod versions_text;

use std::cell::{Cell, RefCell};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use jiff::Timestamp;

pub use board::{Board, Moment};
pub use term::{Color, Probe, Progress, Term, Wishes};

use self::github::Job;
use self::json::Stream;
use self::live::Live;
use crate::event::{EVENT_SCHEMA, Event, Listener, Summary};
use crate::problem::{Level, Problem};

/// What the command prints to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Text for people.
    Human,
    /// One JSON document, at the end.
    Document,
    /// One JSON event per line.
    Events,
}

/// `--quiet` and `--verbose`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loudness {
    /// Results and problems.
    Quiet,
    /// What a person wants to see.
    Normal,
    /// Every write, too.
    Verbose,
}

/// How long nothing is said at most while something goes on, seconds.
const HEARTBEAT_S: i64 = 60;

/// A look that comes within this time makes the words that it still goes on needless, seconds.
const NEAR_S: i64 = 10;

/// Where bytes go.
type Sink = RefCell<Box<dyn Write>>;

/// Writes everything that a command says.
pub struct Reporter {
    /// The one decision about the terminal.
    pub term: Term,
    shape: Shape,
    loudness: Loudness,
    stdout: Sink,
    stderr: Sink,
    stream: Stream,
    live: Live,
    board: RefCell<Board>,
    /// A last line was written: nothing may follow it.
    ended: Cell<bool>,
    /// Why standard output took something not, other than that its reader went away.
    lost: RefCell<Option<String>>,
    /// The flags that commands in messages repeat.
    repeats: Vec<String>,
    /// The flags that decide where a command of the AWS CLI looks, once it is known where this one does.
    reaches: RefCell<Vec<String>>,
    /// A GitHub job that gets more than the log.
    job: Option<Job>,
    /// A file that gets every event.
    copy: Option<Sink>,
    /// When something was said last.
    said: Cell<Timestamp>,
}

impl Reporter {
    /// To the process's own streams.
    pub fn to_process(term: Term, shape: Shape, loudness: Loudness) -> Self {
        let mut reporter = Self::to(term, shape, loudness, Box::new(std::io::stdout()), Box::new(std::io::stderr()));
        // Whoever says how many columns there are means it.
        if std::env::var_os("COLUMNS").is_none() {
            let columns = || console::Term::stderr().size_checked().map(|(_, columns)| columns);
            reporter.live = Live::new(&reporter.term, shape, Some(columns));
        }
        reporter
    }

    /// To any streams.
    pub fn to(term: Term, shape: Shape, loudness: Loudness, stdout: Box<dyn Write>, stderr: Box<dyn Write>) -> Self {
        let (stdout, stderr) = (RefCell::new(stdout), RefCell::new(stderr));
        let live = Live::new(&term, shape, None);
        let (stream, board, ended) = (Stream::default(), RefCell::default(), Cell::new(false));
        let lost = RefCell::default();
        let (repeats, reaches, job, copy, said) = (Vec::new(), RefCell::default(), None, None, Cell::default());
        Self {
            term,
            shape,
            loudness,
            stdout,
            stderr,
            stream,
            live,
            board,
            ended,
            lost,
            repeats,
            reaches,
            job,
            copy,
            said,
        }
    }

    /// With flags, such as `--profile shop`, that every command which a message offers repeats, whoever made the message.
    pub fn repeating(self, flags: Vec<String>) -> Self {
        Self { repeats: flags, ..self }
    }

    /// From now on every command of the AWS CLI that a message offers has these flags, so that it looks where this
    /// command does.
    pub fn reach(&self, flags: Vec<String>) {
        *self.reaches.borrow_mut() = flags;
    }

    /// The message with its commands as the command line completes them.
    pub fn completed(&self, problem: &Problem) -> Problem {
        problem.repeating(&self.repeats).reaching(&self.reaches.borrow())
    }

    /// For a GitHub job, which gets more than the log.
    pub fn for_job(self, job: Job) -> Self {
        Self { job: Some(job), ..self }
    }

    /// With a file that gets every event.
    pub fn copying_to(self, file: Box<dyn Write>) -> Self {
        Self { copy: Some(RefCell::new(file)), ..self }
    }

    /// What goes to standard output.
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// The first line of an event stream.
    pub fn hello(&self, at: Timestamp) {
        self.on(at, &Event::Hello { schema: EVENT_SCHEMA, tool: env!("CARGO_PKG_VERSION") });
    }

    /// The result of a looking command, or help that was asked for: text to standard output.
    pub fn data(&self, text: &str) {
        self.live.clear();
        let is_human = self.shape == Shape::Human;
        if let Some(job) = self.job.as_ref().filter(|_| is_human) {
            job.screen(text);
        }
        let text = if is_human { self.term.fit(text) } else { text.to_owned() };
        self.out(&text);
    }

    /// Text for programs to standard output, whatever the terminal can show.
    pub fn raw(&self, text: &str) {
        self.live.clear();
        self.out(text);
    }

    /// Text for people: to standard error, and nowhere in the machine shapes.
    pub fn say(&self, text: &str) {
        if self.shape == Shape::Human {
            self.live.clear();
            self.err(&self.term.fit(text));
        }
    }

    /// As [`Reporter::say`], unless only results and problems are wanted.
    pub fn aside(&self, text: &str) {
        if self.loudness != Loudness::Quiet {
            self.say(text);
        }
    }

    /// As [`Reporter::aside`]; in a job of GitHub Actions, whose log may be all that is left of it, always to standard error.
    pub fn keep(&self, text: &str) {
        if self.term.runner {
            self.live.clear();
            self.err(&self.term.fit(text));
        } else {
            self.aside(text);
        }
    }

    /// Shows that something takes time, until the next line.
    pub fn busy(&self, what: &str) {
        self.live.begin(&self.term.fit(what));
    }

    /// Draws a question in place of the moving part, at a terminal that is redrawn.
    pub fn draw(&self, text: &str) {
        self.live.draw("", &self.term.fit(text));
    }

    /// Names the keys that somebody may press while the panel of a canary is there.
    pub fn offer_keys(&self, keys: Option<&'static str>) {
        self.live.offer_keys(keys);
    }

    /// Whether keys that are pressed now are meant for a canary under way.
    pub fn offers_keys(&self) -> bool {
        self.board.borrow().shifts
    }

    /// Columns of text, as the terminal is now.
    pub fn width(&self) -> usize {
        self.live.width(&self.term)
    }

    /// The terminal as it is now.
    fn now(&self) -> Term {
        Term { width: self.width(), ..self.term }
    }

    /// Who gets the traffic, as far as it was heard.
    pub fn traffic(&self) -> String {
        self.board.borrow().now()
    }

    /// Whether something can be shown in place.
    pub fn redraws(&self) -> bool {
        self.term.progress == Progress::Live && self.shape == Shape::Human
    }

    /// Takes moving parts off the screen, for a prompt.
    pub fn clear(&self) {
        self.live.clear();
    }

    /// A message that is not success.
    pub fn problem(&self, at: Timestamp, problem: &Problem) {
        let problem = &self.completed(problem);
        if let Some(job) = &self.job {
            job.warn(problem);
            self.err(&job.unfold());
        }
        match self.shape {
            Shape::Human => {
                self.record(at, &event_of(problem));
                self.live.clear();
                self.err(&self.term.fit(&text::problem(problem, &self.now())));
            }
            Shape::Events => self.record(at, &event_of(problem)),
            // A warning must not be lost beside a document; the error that takes its place is the document.
            Shape::Document if problem.level != Level::Error => {
                self.err(&self.term.fit(&text::problem(problem, &self.now())));
            }
            Shape::Document => {
                let document = serde_json::json!({ "error": problem });
                self.out(&format!("{document:#}\n"));
            }
        }
    }

    /// A message to standard error, whatever the shape: for when standard output fails.
    pub fn tell_person(&self, problem: &Problem) {
        self.live.clear();
        self.err(&self.term.fit(&text::problem(problem, &self.now())));
    }

    /// Why standard output is not whole: a full disk, say. A reader that went away has what it wanted.
    pub fn lost(&self) -> Option<String> {
        self.lost.borrow().clone()
    }

    /// Writes an event to whoever reads events; none after the last.
    fn record(&self, at: Timestamp, event: &Event) {
        if self.ended.get() || (self.shape != Shape::Events && self.copy.is_none()) {
            return;
        }
        let line = self.stream.line(at, event);
        if self.shape == Shape::Events {
            self.out(&line);
        }
        if let Some(copy) = &self.copy {
            // Whoever wants it finds it cut short; the release is not stopped for it.
            let _ = write(copy, &line);
        }
    }

    fn out(&self, text: &str) {
        // In JSON only a text can hold this, and a runner would obey it.
        let escaped = (self.term.runner && self.shape != Shape::Human).then(|| text.replace("##[", "##\\u005b"));
        match write(&self.stdout, escaped.as_deref().unwrap_or(text)) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                self.lost.borrow_mut().get_or_insert(error.to_string());
            }
            _ => {}
        }
    }

    /// For people; one who is gone misses nothing.
    fn err(&self, text: &str) {
        let _ = write(&self.stderr, text);
    }

    /// What a GitHub job is left with at the end of a command: annotations, summary and outputs. Answers with the files
    /// that could not be written. `failed`: the step fails by it.
    pub fn close_job(&self, at: Timestamp, end: &Summary, problem: Option<&Problem>, failed: bool) -> Vec<String> {
        let Some(job) = &self.job else { return Vec::new() };
        let problem = problem.map(|problem| self.completed(problem));
        let closing = job.close(at, end, problem.as_ref(), failed);
        self.err(&closing.log);
        let add = |(path, text): &(PathBuf, String)| {
            let mut file = OpenOptions::new().create(true).append(true).open(path)?;
            file.write_all(text.as_bytes())
        };
        let failed = |file: &(PathBuf, String)| Some(format!("{}: {}", file.0.display(), add(file).err()?));
        closing.files.iter().filter_map(failed).collect()
    }

    /// Whether a runner reads standard error for certain, and hides what it is told to hide.
    pub fn masks(&self) -> bool {
        self.job.as_ref().is_some_and(Job::masks)
    }

    /// The last line.
    pub fn end(&self, at: Timestamp, event: &Event) {
        self.live.clear();
        self.on(at, event);
        self.ended.set(true);
    }
}

impl Listener for Reporter {
    fn on(&self, at: Timestamp, event: &Event) {
        if self.ended.get() {
            return;
        }
        // A message for people is heard and recorded where it is told.
        let is_told = self.shape == Shape::Human && matches!(event, Event::Warning { .. } | Event::Error { .. });
        if !is_told {
            let event = self.repeated(event);
            self.job.iter().for_each(|job| job.hear(at, &event));
            self.record(at, &event);
        }
        if self.shape == Shape::Human {
            self.tell(at, event);
        }
    }

    fn tick(&self, now: Timestamp, until: Timestamp) {
        match (self.shape, self.term.progress) {
            (Shape::Human, Progress::Live) => {
                self.live.tick(&self.board.borrow(), &self.term, Moment { now, next: until });
            }
            (Shape::Human, Progress::Plain) => self.beat(now, until),
            _ => {}
        }
    }
}

impl Reporter {
    /// Says that it still goes on, where nothing was said for a while.
    fn beat(&self, now: Timestamp, until: Timestamp) {
        if self.said.get() == Timestamp::default() {
            self.said.set(now);
        }
        let silent = now.duration_since(self.said.get()).as_secs();
        // A look that is about to come says more.
        let is_near = until.duration_since(now).as_secs() < NEAR_S;
        if silent >= HEARTBEAT_S && !is_near {
            self.said.set(now);
            self.err(&self.term.fit(&plain::beat(now, until, &self.board.borrow())));
        }
    }

    /// The event, with the messages of the engine as the command line completes them.
    fn repeated(&self, event: &Event) -> Event {
        match event {
            Event::Warning { problem } => Event::Warning { problem: self.completed(problem) },
            Event::Error { problem } => Event::Error { problem: self.completed(problem) },
            other => other.clone(),
        }
    }

    fn tell(&self, at: Timestamp, event: &Event) {
        let verbose = self.loudness == Loudness::Verbose;
        if let Event::Warning { problem } | Event::Error { problem } = event {
            return self.problem(at, problem);
        }
        let mut board = self.board.borrow_mut();
        let lines = match self.term.progress {
            Progress::Never => return,
            Progress::Live => self.live.lines(event, &board, verbose, self.width()),
            Progress::Plain | Progress::Auto => plain::lines(at, event, &board, verbose),
        };
        board.hear(at, event);
        if !lines.is_empty() {
            self.live.clear();
            self.said.set(at);
        }
        let lines = self.term.fit(&lines);
        self.err(&self.job.as_ref().map_or_else(|| lines.clone(), |job| job.frame(event, &lines)));
        if self.term.progress == Progress::Live {
            self.live.follow(event, &board, &self.term);
        }
    }
}

/// A message as an event.
fn event_of(problem: &Problem) -> Event {
    let problem = problem.clone();
    if problem.level == Level::Error { Event::Error { problem } } else { Event::Warning { problem } }
}

/// Writes and flushes.
fn write(sink: &Sink, text: &str) -> std::io::Result<()> {
    let mut sink = sink.borrow_mut();
    sink.write_all(text.as_bytes()).and_then(|()| sink.flush())
}

/// Makes the runner hide a value in everything that the job prints from now on. To be called only where
/// [`Reporter::masks`] says that a runner reads it: the value itself is written.
pub fn mask(secret: &str) {
    let _ = std::io::stderr().write_all(github::mask(secret).as_bytes());
}

/// Says that help that was asked for could not be printed, where nothing else is set up yet.
pub fn unprinted(error: &std::io::Error) {
    let _ = writeln!(std::io::stderr(), "error: standard output cannot be written: {error}");
}
