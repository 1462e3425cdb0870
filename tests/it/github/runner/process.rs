//! The process of a step: started, read, cancelled and killed as GitHub's runner does it.

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};

/// After SIGINT, before SIGTERM.
const AFTER_INTERRUPT: Duration = Duration::from_millis(7_500);
/// After SIGTERM, before SIGKILL of everything.
const AFTER_TERMINATE: Duration = Duration::from_millis(2_500);
/// After the first process has ended, for others that still hold its streams.
const AFTER_END: Duration = Duration::from_secs(5);

/// What happens while a step runs.
#[derive(Debug)]
pub enum Happens {
    /// It wrote a line, to either stream.
    Line(String),
    /// One of its two streams is closed.
    Closed,
    /// Its first process has ended.
    Ended,
    /// Somebody cancels the job.
    Cancelled,
    /// The first process is killed, and by nobody of the job.
    Killed,
    /// The machine dies.
    Lost,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself.
    Code(i32),
    /// By a signal that it did not catch.
    Signal(i32),
    /// With the machine: nobody was there to see it.
    Lost,
}

/// A process that runs. It is the leader of a group of its own, which stands for its tree.
pub struct Process {
    child: Child,
    pid: Pid,
    closed: u8,
    ended: bool,
    /// Others that outlived it were killed.
    swept: bool,
    /// Nobody waits for their streams.
    given_up: bool,
    /// What is sent next, and when.
    due: Option<(Instant, Signal)>,
    /// The signals that were sent.
    pub sent: Vec<Signal>,
    lost: bool,
    reaped: bool,
}

impl Process {
    /// Starts `bash` on a script.
    pub fn start(script: &Path, directory: &Path, env: &BTreeMap<String, String>, happens: &Sender<Happens>) -> Self {
        let mut child = Command::new("bash")
            .args(["--noprofile", "--norc", "-e", "-o", "pipefail"])
            .arg(script)
            .env_clear()
            .envs(env)
            .current_dir(directory)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdin.take());
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        read(stdout, happens.clone());
        read(stderr, happens.clone());
        let pid = Pid::from_child(&child);
        let ended = happens.clone();
        thread::spawn(move || {
            // It stays a zombie until the step is over, so that no signal can reach another process of its number.
            let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
            let _ = ended.send(Happens::Ended);
        });
        Self {
            child,
            pid,
            closed: 0,
            ended: false,
            swept: false,
            given_up: false,
            due: None,
            sent: Vec::new(),
            lost: false,
            reaped: false,
        }
    }

    /// Waits for the next thing to happen; `None` when the process and its streams are at their end.
    pub fn next(&mut self, happens: &Receiver<Happens>) -> Option<Happens> {
        loop {
            if self.ended && (self.closed == 2 || self.given_up) {
                return None;
            }
            let wait = self.due.map_or(Duration::MAX, |(at, _)| at.saturating_duration_since(Instant::now()));
            let happened = match happens.recv_timeout(wait) {
                Ok(happened) => happened,
                Err(RecvTimeoutError::Timeout) => {
                    self.escalate();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return None,
            };
            match happened {
                Happens::Closed => self.closed += 1,
                Happens::Ended => {
                    self.ended = true;
                    self.due = Some((Instant::now() + AFTER_END, Signal::KILL));
                }
                Happens::Killed if self.ended => {}
                Happens::Killed => {
                    let _ = kill_process(self.pid, Signal::KILL);
                }
                Happens::Lost => self.lose(),
                happened => return Some(happened),
            }
        }
    }

    /// The job is cancelled: SIGINT to the first process alone, and more when it stays.
    pub fn cancel(&mut self) {
        if !self.ended {
            self.due = Some((Instant::now(), Signal::INT));
        }
    }

    /// The signal that is due, and when the next one is.
    fn escalate(&mut self) {
        let Some((_, signal)) = self.due.take() else { return };
        let now = Instant::now();
        self.due = match signal {
            Signal::INT => Some((now + AFTER_INTERRUPT, Signal::TERM)),
            Signal::TERM => Some((now + AFTER_TERMINATE, Signal::KILL)),
            _ => None,
        };
        // One that is gone already needs no signal.
        let _ =
            if signal == Signal::KILL { kill_process_group(self.pid, signal) } else { kill_process(self.pid, signal) };
        if !self.ended {
            self.sent.push(signal);
        } else if std::mem::replace(&mut self.swept, true) {
            self.given_up = true;
        } else {
            // What it left behind is gone: its streams end now, and none of their ends may come in the next step.
            self.due = Some((now + AFTER_END, Signal::KILL));
        }
    }

    fn lose(&mut self) {
        self.lost = true;
        self.due = None;
        let _ = kill_process_group(self.pid, Signal::KILL);
    }

    /// How it ended. Nothing of its tree is left then.
    pub fn exit(mut self) -> Exit {
        let status = self.reap();
        match (self.lost, status.code(), status.signal()) {
            (true, ..) => Exit::Lost,
            (_, Some(code), _) => Exit::Code(code),
            (_, None, signal) => Exit::Signal(signal.unwrap_or_default()),
        }
    }

    fn reap(&mut self) -> ExitStatus {
        if !self.reaped {
            // Before it is waited for, its number and that of its group are nobody else's.
            let _ = kill_process_group(self.pid, Signal::KILL);
        }
        self.reaped = true;
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    /// A test that fails leaves nothing running.
    fn drop(&mut self) {
        self.reap();
    }
}

/// Sends each line of a stream; a line ends with `\n`, `\r` or both, as the runner's reader has it.
fn read(mut stream: impl Read + Send + 'static, happens: Sender<Happens>) {
    thread::spawn(move || {
        let (mut bytes, mut line, mut after_return) = ([0; 8192], Vec::new(), false);
        while let Ok(length @ 1..) = stream.read(&mut bytes) {
            for &byte in &bytes[..length] {
                match byte {
                    b'\n' if after_return => {}
                    b'\n' | b'\r' => {
                        let text = String::from_utf8_lossy(&std::mem::take(&mut line)).into_owned();
                        let _ = happens.send(Happens::Line(text));
                    }
                    byte => line.push(byte),
                }
                after_return = byte == b'\r';
            }
        }
        if !line.is_empty() {
            let _ = happens.send(Happens::Line(String::from_utf8_lossy(&line).into_owned()));
        }
        let _ = happens.send(Happens::Closed);
    });
}
