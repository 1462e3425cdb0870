//! Starts one emulator for this test process and waits until it answers.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use super::{environment, install};

const START_LIMIT: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(100);
/// The line by which the emulator says that it has started. It says so too when its port is another process's.
const READY: &str = "Ready.";
/// What its server writes, with the address, once it listens.
const LISTENING: &str = "Running on ";
/// How long after [`READY`] it may take to listen.
const LISTEN_LIMIT: Duration = Duration::from_secs(10);

/// A running emulator. It ends, and its files go, when this process does or when this value is dropped.
pub struct Running {
    /// The loopback port of all its services.
    pub port: u16,
    /// Its own directory, which goes with it.
    pub directory: PathBuf,
    /// What it writes.
    pub log: Log,
    // Holds the pipe whose closing ends the emulator.
    launcher: Child,
}

/// The emulator's log, open: it can be read after its file went with the emulator.
pub struct Log(File);

impl Log {
    /// The last lines.
    pub fn end(&self) -> String {
        environment::tail(&self.text())
    }

    fn text(&self) -> String {
        let length = self.0.metadata().ok().and_then(|metadata| usize::try_from(metadata.len()).ok());
        let mut bytes = vec![0; length.unwrap_or_default()];
        match self.0.read_exact_at(&mut bytes, 0) {
            Ok(()) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => format!("(the emulator's log cannot be read: {error})"),
        }
    }
}

/// Starts the emulator on a free port. An error is a text for people, with the end of the emulator's log.
pub fn launch(python: &Path) -> Result<Running, String> {
    let mut last = String::new();
    // Between choosing the port and the emulator's listening on it, another process may have taken it.
    for _ in 0..3 {
        match start(python).map_err(|error| format!("cannot start the emulator: {error}"))?.wait_until_ready() {
            Ok(running) => return Ok(running),
            Err(Failure::NotListening(text)) => last = text,
            Err(Failure::TooSlow(text)) => return Err(text),
        }
    }
    Err(last)
}

enum Failure {
    NotListening(String),
    TooSlow(String),
}

fn start(python: &Path) -> io::Result<Running> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let directory = tempfile::Builder::new().prefix("stagegate-emulator-").tempdir()?;
    for name in ["home", "root", "tmp"] {
        fs::create_dir(directory.path().join(name))?;
    }
    let log_path = directory.path().join("emulator.log");
    let output = File::create(&log_path)?;
    let log = Log(File::open(&log_path)?);
    let launcher = Command::new(python)
        .arg(install::sources().join("launcher.py"))
        .arg(directory.path())
        .env_clear()
        .envs(environment(directory.path(), port))
        .current_dir(directory.path())
        .stdin(Stdio::piped())
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()?;
    // From here on the launcher removes it.
    Ok(Running { port, directory: directory.keep(), log, launcher })
}

/// All the emulator sees: its files stay in `directory`, and settings of the person who runs the tests do not reach it.
fn environment(directory: &Path, port: u16) -> Vec<(&'static str, String)> {
    let inside = |name: &str| directory.join(name).display().to_string();
    vec![
        ("PATH", env::var("PATH").unwrap_or_default()),
        ("HOME", inside("home")),
        ("TMPDIR", inside("tmp")),
        ("FILESYSTEM_ROOT", inside("root")),
        // In a container it would write to the system's directories in spite of FILESYSTEM_ROOT.
        ("OVERRIDE_IN_DOCKER", "0".to_owned()),
        ("LAMBDA_RUNTIME_EXECUTOR", "stagegate-process".to_owned()),
        // An idle function gives its process back soon: many tests, few left running.
        ("LAMBDA_KEEPALIVE_MS", "20000".to_owned()),
        // Its default server listens on all interfaces whatever GATEWAY_LISTEN says.
        ("GATEWAY_SERVER", "hypercorn".to_owned()),
        ("GATEWAY_LISTEN", format!("{}:{port}", Ipv4Addr::LOCALHOST)),
        // No DNS server, and no name looked up outside.
        ("DNS_ADDRESS", "0".to_owned()),
        ("SKIP_SSL_CERT_DOWNLOAD", "1".to_owned()),
        ("DISABLE_EVENTS", "1".to_owned()),
        ("PYTHONUNBUFFERED", "1".to_owned()),
    ]
}

impl Running {
    fn wait_until_ready(mut self) -> Result<Self, Failure> {
        let start = Instant::now();
        let listening = format!("{}:{} ", Ipv4Addr::LOCALHOST, self.port);
        let mut ready_since = None;
        loop {
            let log = self.log.text();
            if log.lines().any(|line| line == READY) {
                let listens = log.lines().any(|line| line.contains(LISTENING) && line.contains(&listening));
                if listens && healthy(self.port).unwrap_or(false) {
                    return Ok(self);
                }
                if !listens && ready_since.get_or_insert_with(Instant::now).elapsed() > LISTEN_LIMIT {
                    return Err(Failure::NotListening(self.describe("does not listen: another process has its port")));
                }
            }
            if let Ok(Some(status)) = self.launcher.try_wait() {
                return Err(Failure::NotListening(self.describe(&format!("ended with {status}"))));
            }
            if start.elapsed() > START_LIMIT {
                let limit = format!("does not answer after {} s", START_LIMIT.as_secs());
                return Err(Failure::TooSlow(self.describe(&limit)));
            }
            thread::sleep(POLL);
        }
    }

    fn describe(&self, failure: &str) -> String {
        format!("the emulator on port {} {failure}; its log ends:\n{}", self.port, self.log.end())
    }
}

fn healthy(port: u16) -> io::Result<bool> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET /_localemu/health HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n")?;
    let mut status = [0; 12];
    stream.read_exact(&mut status)?;
    Ok(status.ends_with(b" 200"))
}
