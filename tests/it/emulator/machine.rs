//! A machine that the built program runs on: a home directory, a working directory and an environment.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::proxy::Proxy;
use crate::support::account::Account;

/// A machine. Its directories go when it does.
pub struct Machine {
    work: TempDir,
    env: BTreeMap<String, String>,
}

/// What a program that ended has said.
pub struct Finished {
    /// The exit code; `None` when it was killed.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Machine {
    /// Signed in to the account; nothing below its home, no configuration file.
    pub fn new(account: &Account) -> Self {
        let work = tempfile::tempdir().unwrap();
        let mut machine = Self { work, env: account.env().into_iter().collect() };
        for (name, folder) in [
            ("HOME", ""),
            ("XDG_CACHE_HOME", ".cache"),
            ("XDG_CONFIG_HOME", ".config"),
            ("XDG_DATA_HOME", ".local/share"),
            ("XDG_STATE_HOME", ".local/state"),
        ] {
            let path = machine.work.path().join("home").join(folder);
            machine.env.insert(name.to_owned(), path.display().to_string());
        }
        fs::create_dir_all(machine.work.path().join("home")).unwrap();
        fs::create_dir(machine.work.path().join("project")).unwrap();
        machine
    }

    /// With this `stagegate.toml` in the working directory.
    pub fn config(self, text: &str) -> Self {
        fs::write(self.work.path().join("project/stagegate.toml"), text).unwrap();
        self
    }

    /// With an environment variable.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Without an environment variable.
    pub fn unset(mut self, name: &str) -> Self {
        self.env.remove(name);
        self
    }

    /// With all its requests sent through the proxy.
    pub fn through(self, proxy: &Proxy) -> Self {
        self.set("AWS_ENDPOINT_URL", &proxy.endpoint())
    }

    /// The journals in its state directory.
    pub fn journals(&self) -> Vec<PathBuf> {
        let state = self.work.path().join("home/.local/state/stagegate");
        let entries = fs::read_dir(state).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// Starts the built program, without a terminal.
    pub fn start(&self, arguments: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_stagegate"))
            .args(arguments)
            .env_clear()
            .envs(&self.env)
            .current_dir(self.work.path().join("project"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs the built program to its end.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        finish(self.start(arguments))
    }

    /// Runs it through the proxy and kills it with SIGKILL while the proxy holds a request; which one that was.
    pub fn killed(&self, proxy: &Proxy, arguments: &[&str]) -> String {
        let mut child = self.start(arguments);
        let held = proxy.held();
        child.kill().unwrap();
        let finished = finish(child);
        assert_eq!(finished.code, None, "killed: {}", finished.all());
        held.operation.clone()
    }
}

/// Waits for a program that was started.
pub fn finish(child: Child) -> Finished {
    let output = child.wait_with_output().unwrap();
    Finished {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Finished {
    /// Everything, for messages.
    pub fn all(&self) -> String {
        format!("exit {:?}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }

    /// Asserts the exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.all());
        self
    }

    /// The event of this type, of a command that ran with `--json`.
    #[track_caller]
    pub fn event(&self, kind: &str) -> Value {
        let events = self.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        match events.into_iter().find(|event| event["type"] == kind) {
            Some(event) => event,
            None => panic!("no event {kind}: {}", self.all()),
        }
    }

    /// The shares in percent, above zero, that a version was read back with, in order; of a command that ran with `--json`.
    #[track_caller]
    pub fn shares(&self, version: &str) -> Vec<f64> {
        let events = self.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let routing = events.filter(|event| event["type"] == "routing");
        routing.filter_map(|event| event["weights"][version].as_f64()).filter(|share| *share > 0.0).collect()
    }

    /// The release's id as records have it, without its `r-`.
    #[track_caller]
    pub fn run_id(&self) -> String {
        let release = self.event("result")["release"].as_str().unwrap_or_default().to_owned();
        release.trim_start_matches("r-").to_owned()
    }
}
