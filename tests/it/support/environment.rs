//! Virtual environments of pinned packages, installed once per user and set of packages into the user's cache directory.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, io};

use sha2::{Digest as _, Sha256};

use super::python;

/// Written last: an environment without it is one whose installation was cut short.
const FINISHED: &str = "installation-finished";

/// What is installed.
pub struct Environment<'a> {
    /// What it is called, with its version.
    pub name: &'a str,
    /// The files that decide what it contains.
    pub inputs: &'a [PathBuf],
}

impl Environment<'_> {
    /// Installs what is missing and returns the virtual environment's directory, which `build` fills.
    ///
    /// Other test processes and other clones of the project wait for a running installation and then use it; one that was
    /// cut short, or whose base Python has gone, is made again.
    pub fn install(
        &self,
        base: &Path,
        build: impl FnOnce(&Steps, &Path) -> Result<(), String>,
    ) -> Result<PathBuf, String> {
        let parent = cache_home()?.join("stagegate-tests");
        let name = format!("{}-{}", self.name, self.fingerprint()?);
        let target = parent.join(&name);
        attempt("make", &parent, fs::create_dir_all(&parent))?;
        let lock_path = parent.join(format!("{name}.lock"));
        let lock = attempt("open", &lock_path, File::create(&lock_path))?;
        if lock.try_lock().is_err() {
            announce(&format!("waiting for another installation of {}", self.name));
            attempt("lock", &lock_path, lock.lock())?;
        }
        if !(target.join(FINISHED).exists() && runs(&interpreter(&target))) {
            announce(&format!("installing {} into {} (once, some minutes)", self.name, target.display()));
            let steps = Steps { log: parent.join(format!("{name}.log")), lock };
            steps.create(base, &target)?;
            build(&steps, &target)?;
            let marker = target.join(FINISHED);
            attempt("write", &marker, File::create(&marker).and_then(|file| file.sync_all()))?;
        }
        Ok(target)
    }

    /// Of everything that decides what an installation contains.
    fn fingerprint(&self) -> Result<String, String> {
        let mut hash = Sha256::new();
        hash.update(python::VERSION);
        for path in self.inputs {
            let bytes = attempt("read", path, fs::read(path))?;
            hash.update(bytes.len().to_be_bytes());
            hash.update(bytes);
        }
        Ok(hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect())
    }
}

/// The Python of a virtual environment.
pub fn interpreter(target: &Path) -> PathBuf {
    target.join("bin").join("python")
}

/// Tells the person at the terminal: the test harness holds back what tests print, but not what they write here.
pub fn announce(text: &str) {
    // A closed standard error is no reason to fail a test.
    let _ = writeln!(io::stderr(), "\nstagegate tests: {text}");
}

/// The last lines of a log.
pub fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

/// For want of Python: the notice under which tests are skipped, or, with CI set, the error that fails them.
pub fn without_python(what: &str) -> Result<String, String> {
    skipped(what, env::var("CI").is_ok_and(|value| !value.is_empty()))
}

fn skipped(what: &str, in_ci: bool) -> Result<String, String> {
    let version = python::VERSION;
    let missing = format!("no working python{version} with venv and pip, on the PATH or in a pyenv installation");
    if in_ci {
        return Err(format!("{missing}: with CI set, {what} must not be skipped"));
    }
    Ok(format!("SKIPPED {what}: {missing}"))
}

/// An installation in progress.
pub struct Steps {
    log: PathBuf,
    lock: File,
}

impl Steps {
    fn create(&self, base: &Path, target: &Path) -> Result<(), String> {
        if target.exists() {
            attempt("remove", target, fs::remove_dir_all(target))?;
        }
        attempt("empty", &self.log, fs::write(&self.log, ""))?;
        self.run(base, ["-m".as_ref(), "venv".as_ref(), target.as_os_str()])
    }

    /// Installs packages, and nothing that is not named.
    pub fn pip(&self, python: &Path, packages: &[&OsStr]) -> Result<(), String> {
        let install = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input"];
        let as_pinned = ["--no-deps", "--no-build-isolation"];
        self.run(python, install.iter().chain(&as_pinned).map(OsStr::new).chain(packages.iter().copied()))
    }

    /// Runs a step of the installation.
    pub fn run(&self, program: &Path, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<(), String> {
        let mut command = Command::new(program);
        command.args(arguments);
        self.finish(command)
    }

    /// As [`Steps::run`], for a command that is put together already.
    pub fn finish(&self, mut command: Command) -> Result<(), String> {
        let open_log = || attempt("open", &self.log, File::options().append(true).open(&self.log));
        command.stdout(open_log()?).stderr(open_log()?);
        // A step outlives a killed test process. The empty lock file as its input keeps the lock until it ends too, so
        // that the next installation does not work in the same directory at the same time.
        command.stdin(attempt("share", &self.log, self.lock.try_clone())?);
        // A virtual environment or module path that cargo was started in must not reach this one.
        for name in ["PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__", "PIP_TARGET", "PIP_USER"] {
            command.env_remove(name);
        }
        let status = command.status().map_err(|error| format!("cannot run {command:?}: {error}"))?;
        if status.success() {
            return Ok(());
        }
        let log = attempt("read", &self.log, fs::read(&self.log))?;
        let end = tail(&String::from_utf8_lossy(&log));
        Err(format!("{command:?} ended with {status}; {} ends:\n{end}", self.log.display()))
    }
}

fn cache_home() -> Result<PathBuf, String> {
    let configured = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    configured
        .or_else(|| env::home_dir().map(|home| home.join(".cache")))
        .ok_or_else(|| "neither XDG_CACHE_HOME nor HOME is set: no place to install what tests need".to_owned())
}

fn runs(python: &Path) -> bool {
    let status = Command::new(python).args(["-I", "-c", ""]).stdin(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// What was done to a path, with a message that names both.
pub fn attempt<T>(verb: &str, path: &Path, result: io::Result<T>) -> Result<T, String> {
    result.map_err(|error| format!("cannot {verb} {}: {error}", path.display()))
}

#[test]
fn a_missing_python_skips_the_tests_at_home_and_fails_them_in_ci() {
    assert!(skipped("them", false).is_ok_and(|notice| notice.contains("SKIPPED") && notice.contains("python3.13")));
    assert!(skipped("them", true).is_err_and(|reason| reason.contains("python3.13") && reason.contains("CI")));
}
