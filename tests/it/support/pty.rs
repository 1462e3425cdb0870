//! The built command in a pseudo terminal, with its screen as a terminal shows it.

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use vt100::Parser;

/// How long anything may take; a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(90);
/// After which time a key that showed nothing is pressed again.
const AGAIN: Duration = Duration::from_secs(3);
/// Rows of every terminal.
pub const ROWS: u16 = 100;

struct Screen {
    parser: Parser,
    /// Everything is over.
    closed: bool,
}

/// A terminal with the command in it.
pub struct Terminal {
    screen: Arc<(Mutex<Screen>, Condvar)>,
    master: Option<Box<dyn MasterPty + Send>>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    line: String,
}

fn nonzero(number: u16) -> NonZero<u16> {
    NonZero::new(number).unwrap()
}

fn size(columns: u16) -> PtySize {
    PtySize { rows: ROWS, cols: columns, pixel_width: 0, pixel_height: 0 }
}

impl Terminal {
    /// Starts a command line in a folder, with nothing but these variables.
    pub fn start(line: &str, folder: &Path, env: &[(&str, &str)], columns: u16) -> Self {
        Self::start_after("", line, folder, env, columns)
    }

    /// The same with keys that were pressed before it could show anything.
    pub fn start_after(keys: &str, line: &str, folder: &Path, env: &[(&str, &str)], columns: u16) -> Self {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_stagegate"));
        command.args(line.split_whitespace());
        Self::open(keys, command, line, folder, env, columns)
    }

    /// Starts lines of a shell, which finds the command as `$STAGEGATE`.
    pub fn shell(lines: &str, folder: &Path) -> Self {
        let mut command = CommandBuilder::new("/bin/bash");
        command.args(["-c", lines]);
        Self::open("", command, lines, folder, &[("STAGEGATE", env!("CARGO_BIN_EXE_stagegate"))], 88)
    }

    fn open(
        typed: &str,
        mut command: CommandBuilder,
        line: &str,
        folder: &Path,
        env: &[(&str, &str)],
        columns: u16,
    ) -> Self {
        let pair = native_pty_system().openpty(size(columns)).unwrap();
        command.cwd(folder);
        command.env_clear();
        for (name, value) in [("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("PATH", "/usr/bin:/bin")] {
            command.env(name, value);
        }
        command.env("HOME", folder);
        for (name, value) in env {
            command.env(name, value);
        }
        let (mut output, mut keys) = (pair.master.try_clone_reader().unwrap(), pair.master.take_writer().unwrap());
        keys.write_all(typed.as_bytes()).and_then(|()| keys.flush()).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let parser = Parser::new(nonzero(ROWS), nonzero(columns), 2000);
        let screen = Arc::new((Mutex::new(Screen { parser, closed: false }), Condvar::new()));
        let shared = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                // Linux answers with an error when the last process has gone.
                let count = output.read(&mut buffer).unwrap_or_default();
                let mut screen = shared.0.lock().unwrap();
                screen.parser.process(&buffer[..count]);
                screen.closed = count == 0;
                shared.1.notify_all();
                if count == 0 {
                    break;
                }
            }
        });
        Self { screen, master: Some(pair.master), keys, child, line: line.to_owned() }
    }

    /// Waits until the screen is as wanted; answers it.
    #[track_caller]
    fn until(&self, what: &str, mut wanted: impl FnMut(&Screen, &str) -> bool) -> String {
        let end = Instant::now() + PATIENCE;
        let mut screen = self.screen.0.lock().unwrap();
        loop {
            let text = screen.parser.screen().contents();
            if wanted(&screen, &text) {
                return text;
            }
            assert!(!screen.closed, "`{}` ended without {what}:\n{text}", self.line);
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "`{}` does not show {what}:\n{text}", self.line);
            screen = self.screen.1.wait_timeout(screen, left).unwrap().0;
        }
    }

    /// Waits until the screen holds a text; answers the screen.
    #[track_caller]
    pub fn wait(&self, text: &str) -> String {
        self.until(&format!("{text:?}"), |_, screen| screen.contains(text))
    }

    /// Waits until a text is the last on the screen; answers the screen.
    #[track_caller]
    pub fn wait_last(&self, text: &str) -> String {
        self.until(&format!("{text:?} at its end"), |_, screen| screen.trim_end().ends_with(text))
    }

    /// Waits until so many lines of the screen hold a text; answers the screen.
    #[track_caller]
    pub fn wait_times(&self, text: &str, times: usize) -> String {
        self.until(&format!("{text:?} {times} times"), |_, screen| {
            screen.lines().filter(|line| line.contains(text)).count() >= times
        })
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).and_then(|()| self.keys.flush()).unwrap();
    }

    /// Presses a key until a text is the last on the screen: one that comes while a prompt is still being set up is lost.
    #[track_caller]
    pub fn press_until(&mut self, key: &str, text: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            self.press(key);
            let again = Instant::now() + AGAIN;
            let mut screen = self.screen.0.lock().unwrap();
            while Instant::now() < again {
                let shown = screen.parser.screen().contents();
                if shown.trim_end().ends_with(text) {
                    return;
                }
                assert!(Instant::now() < end && !screen.closed, "{key:?} does not bring {text:?}:\n{shown}");
                let left = again.saturating_duration_since(Instant::now());
                screen = self.screen.1.wait_timeout(screen, left).unwrap().0;
            }
        }
    }

    /// Makes the terminal wider or narrower.
    pub fn resize(&self, columns: u16) {
        self.screen.0.lock().unwrap().parser.screen_mut().set_size(nonzero(ROWS), nonzero(columns));
        self.master.as_ref().unwrap().resize(size(columns)).unwrap();
    }

    /// Sends a signal to the command.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.child.process_id().unwrap()).unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Waits for the end: exit code, and the last screen with what scrolled off it. The cursor is there again.
    #[track_caller]
    pub fn end(mut self) -> (u32, String) {
        self.until("its end", |screen, _| screen.closed);
        let code = self.child.wait().unwrap().exit_code();
        let screen = self.screen.0.lock().unwrap();
        assert!(!screen.parser.screen().hide_cursor(), "`{}` keeps the cursor hidden", self.line);
        (code, screen.parser.screen().contents())
    }

    /// How many lines of the screen hold a text.
    pub fn rows_with(&self, text: &str) -> usize {
        let screen = self.screen.0.lock().unwrap();
        screen.parser.screen().contents().lines().filter(|line| line.contains(text)).count()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        drop(self.master.take());
    }
}
