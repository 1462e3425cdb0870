//! The independent AWS client: a Python process with boto3 that answers JSON lines, any number at a time.

use std::collections::HashMap;
use std::fmt;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{env, thread};

use serde_json::{Value, json};

use super::install;

/// Longer than the client's own limits, which answer with an error.
const ANSWER_LIMIT: Duration = Duration::from_secs(300);

/// What a service answered when it refused a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientError {
    /// AWS's error code; `Client.…` when the request never had an answer, such as for arguments that boto3 refuses.
    pub code: String,
    /// The service's own text.
    pub message: String,
    /// The HTTP status; 0 when there was no answer.
    pub status: u16,
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status, self.code, self.message)
    }
}

/// The tests that wait for an answer, by request number; `None` once the client has ended.
type Waiting = Mutex<Option<HashMap<u64, Sender<Value>>>>;

/// A client process. It ends when this process does.
pub struct Client {
    requests: Mutex<ChildStdin>,
    waiting: Arc<Waiting>,
    next: AtomicU64,
}

impl Client {
    /// Starts the client with the interpreter of the emulator's environment.
    pub fn start(python: &Path, endpoint: &str, region: &str) -> Result<Self, String> {
        let mut child = Command::new(python)
            .arg(install::sources().join("client.py"))
            .args([endpoint, region])
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            // No settings of the person who runs the tests.
            .envs([("AWS_CONFIG_FILE", "/dev/null"), ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start the AWS client: {error}"))?;
        let (Some(requests), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the AWS client was started without its pipes".to_owned());
        };
        let waiting = Arc::new(Mutex::new(Some(HashMap::new())));
        let shared = Arc::clone(&waiting);
        thread::spawn(move || hand_out(answers, &shared));
        Ok(Self { requests: Mutex::new(requests), waiting, next: AtomicU64::new(0) })
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Panics
    ///
    /// When the client has ended or does not answer: what it writes to standard error says why.
    #[track_caller]
    pub fn call(&self, account: &str, service: &str, op: &str, args: &Value) -> Result<Value, ClientError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = mpsc::channel();
        if let Some(waiting) = lock(&self.waiting).as_mut() {
            waiting.insert(id, sender);
        }
        let request = json!({"id": id, "account": account, "service": service, "op": op, "args": args});
        if let Err(error) = writeln!(lock(&self.requests), "{request}") {
            panic!("the AWS client took no request: {error}");
        }
        match receiver.recv_timeout(ANSWER_LIMIT) {
            Ok(answer) => result_of(answer),
            Err(error) => panic!("no answer from the AWS client to {service} {op}: {error}"),
        }
    }
}

fn hand_out(answers: ChildStdout, waiting: &Waiting) {
    for line in BufReader::new(answers).lines().map_while(Result::ok) {
        let Ok(answer) = serde_json::from_str::<Value>(&line) else { break };
        let sender = answer["id"].as_u64().and_then(|id| lock(waiting).as_mut()?.remove(&id));
        if let Some(sender) = sender {
            // The test may have given up waiting.
            let _ = sender.send(answer);
        }
    }
    *lock(waiting) = None;
}

fn result_of(mut answer: Value) -> Result<Value, ClientError> {
    let Some(error) = answer.get("error") else { return Ok(answer["ok"].take()) };
    let text = |field: &str| error[field].as_str().unwrap_or_default().to_owned();
    let status = error["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or_default();
    Err(ClientError { code: text("code"), message: text("message"), status })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is a single step, so a panic of another test leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
