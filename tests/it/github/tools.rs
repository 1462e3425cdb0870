//! The linters of the Action and the workflows, and what renders job summaries: pinned, in an environment of their own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::support::environment::{Environment, announce, attempt, interpreter, without_python};
use crate::support::python;

const REQUIREMENTS: &str = "requirements.txt";
/// Copied beside the packages that they import.
const SCRIPTS: [&str; 3] = ["actionlint.mjs", "gfm.py", "mermaid.mjs"];
const PACKAGES: [&str; 2] = ["package.json", "package-lock.json"];

/// The tools, installed.
pub struct Tools {
    home: PathBuf,
}

static SHARED: OnceLock<Result<Option<Tools>, String>> = OnceLock::new();

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join("github")
}

impl Tools {
    /// The tools of this test process, installed by the first test that asks.
    ///
    /// `None` where there is no Python 3.13: the test has nothing to check with and returns, and the terminal says so.
    ///
    /// # Panics
    /// With the reason when they cannot be installed, and for want of Python when `CI` is set.
    #[track_caller]
    pub fn shared() -> Option<&'static Self> {
        match SHARED.get_or_init(Self::install) {
            Ok(tools) => tools.as_ref(),
            Err(reason) => panic!("{reason}"),
        }
    }

    fn install() -> Result<Option<Self>, String> {
        let Some(base) = python::find() else {
            announce(&without_python("the linters of the Action and the workflows")?);
            return Ok(None);
        };
        let requirements = sources().join(REQUIREMENTS);
        let copied = || SCRIPTS.into_iter().chain(PACKAGES);
        let inputs: Vec<PathBuf> = copied().chain([REQUIREMENTS]).map(|name| sources().join(name)).collect();
        let environment = Environment { name: "github-tools", inputs: &inputs };
        let home = environment.install(&base, |steps, target| {
            steps.pip(&interpreter(target), &["-r".as_ref(), requirements.as_os_str()])?;
            for name in copied() {
                let source = sources().join(name);
                attempt("copy", &source, std::fs::copy(&source, target.join(name)))?;
            }
            let mut npm = Command::new(target.join("bin/npm"));
            npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(target);
            steps.finish(npm)
        })?;
        Ok(Some(Self { home }))
    }

    /// A program of the environment, at the root of this repository.
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.home.join("bin").join(name));
        command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
        command
    }

    /// What one of the scripts answers.
    #[track_caller]
    pub fn ask(&self, script: &str, question: &Value) -> Value {
        let name = if script.ends_with(".py") { "python" } else { "node" };
        let mut command = self.program(name);
        command.arg(self.home.join(script)).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let text = question.to_string();
        let mut input = child.stdin.take().unwrap();
        // Written beside the reading: an answer may fill its pipe before the question has been read to its end.
        let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script} ended with {}: {said}", output.status);
        writer.join().unwrap().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }
}
