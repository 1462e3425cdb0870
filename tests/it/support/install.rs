//! Installs the emulator, once per user and set of pinned packages, into the user's cache directory.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, io};

use sha2::{Digest as _, Sha256};

use super::python;

const EMULATOR: &str = "localemu-1.3.2";
const PLUGIN: &str = "stagegate_process_executor";
const REQUIREMENTS: &str = "requirements.txt";
const PLUGIN_FILES: [&str; 5] = ["pyproject.toml", "__init__.py", "executor.py", "plugin.py", "worker.py"];
/// Written last: an environment without it is one whose installation was cut short.
const FINISHED: &str = "installation-finished";

/// The Python side of the test support, in the source tree.
pub fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join("emulator")
}

/// Installs what is missing and returns the virtual environment's interpreter.
///
/// Other test processes and other clones of the project wait for a running installation and then use it; one that was
/// cut short, or whose base Python has gone, is made again.
pub fn install(base: &Path) -> Result<PathBuf, String> {
    let parent = cache_home()?.join("stagegate-tests");
    let name = format!("{EMULATOR}-{}", fingerprint()?);
    let target = parent.join(&name);
    attempt("make", &parent, fs::create_dir_all(&parent))?;
    let lock_path = parent.join(format!("{name}.lock"));
    let lock = attempt("open", &lock_path, File::create(&lock_path))?;
    if lock.try_lock().is_err() {
        announce(&format!("waiting for another installation of {EMULATOR}"));
        attempt("lock", &lock_path, lock.lock())?;
    }
    let interpreter = target.join("bin").join("python");
    if !(target.join(FINISHED).exists() && runs(&interpreter)) {
        announce(&format!("installing {EMULATOR} into {} (once, some minutes)", target.display()));
        let steps = Steps { log: parent.join(format!("{name}.log")), lock };
        steps.build(base, &target)?;
    }
    Ok(interpreter)
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

/// An installation in progress.
struct Steps {
    log: PathBuf,
    lock: File,
}

impl Steps {
    fn build(&self, base: &Path, target: &Path) -> Result<(), String> {
        if target.exists() {
            attempt("remove", target, fs::remove_dir_all(target))?;
        }
        attempt("empty", &self.log, fs::write(&self.log, ""))?;
        self.run(base, ["-m".as_ref(), "venv".as_ref(), target.as_os_str()])?;
        let python = target.join("bin").join("python");
        // Source packages are built with the pinned setuptools: an isolated build would fetch the newest.
        self.pip(&python, &[pinned("setuptools")?.as_ref()])?;
        self.pip(&python, &["-r".as_ref(), sources().join(REQUIREMENTS).as_os_str()])?;
        self.pip(&python, &[copy_plugin(&target.join("plugin"))?.as_os_str()])?;
        self.run(&python, ["-m", "pip", "check"])?;
        let marker = target.join(FINISHED);
        attempt("write", &marker, File::create(&marker).and_then(|file| file.sync_all()))
    }

    fn pip(&self, python: &Path, packages: &[&OsStr]) -> Result<(), String> {
        let install = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input"];
        let as_pinned = ["--no-deps", "--no-build-isolation"];
        self.run(python, install.iter().chain(&as_pinned).map(OsStr::new).chain(packages.iter().copied()))
    }

    fn run(&self, program: &Path, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<(), String> {
        let open_log = || attempt("open", &self.log, File::options().append(true).open(&self.log));
        let mut command = Command::new(program);
        command.args(arguments).stdout(open_log()?).stderr(open_log()?);
        // A step outlives a killed test process. The empty lock file as its input keeps the lock until it ends too, so
        // that the next installation does not work in the same directory at the same time.
        command.stdin(attempt("share", &self.log, self.lock.try_clone())?);
        // A virtual environment or module path that cargo was started in must not reach this one.
        for name in ["PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__", "PIP_TARGET", "PIP_USER"] {
            command.env_remove(name);
        }
        let status = attempt("run", program, command.status())?;
        if status.success() {
            return Ok(());
        }
        let log = attempt("read", &self.log, fs::read(&self.log))?;
        let end = tail(&String::from_utf8_lossy(&log));
        Err(format!("{command:?} ended with {status}; {} ends:\n{end}", self.log.display()))
    }
}

/// A build leaves files beside its sources, so it gets a copy of them.
fn copy_plugin(to: &Path) -> Result<PathBuf, String> {
    attempt("make", to, fs::create_dir_all(to))?;
    for file in PLUGIN_FILES {
        let source = sources().join(PLUGIN).join(file);
        attempt("copy", &source, fs::copy(&source, to.join(file)))?;
    }
    Ok(to.to_owned())
}

fn pinned(package: &str) -> Result<String, String> {
    let path = sources().join(REQUIREMENTS);
    let text = attempt("read", &path, fs::read_to_string(&path))?;
    let line = text.lines().find(|line| line.split_once("==").is_some_and(|(name, _)| name == package));
    line.map(str::to_owned).ok_or_else(|| format!("{} does not pin {package}", path.display()))
}

/// Of everything that decides what an installation contains.
fn fingerprint() -> Result<String, String> {
    let mut hash = Sha256::new();
    hash.update(python::VERSION);
    let plugin_files = PLUGIN_FILES.map(|file| sources().join(PLUGIN).join(file));
    for path in plugin_files.into_iter().chain([sources().join(REQUIREMENTS)]) {
        let bytes = attempt("read", &path, fs::read(&path))?;
        hash.update(bytes.len().to_be_bytes());
        hash.update(bytes);
    }
    Ok(hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect())
}

fn cache_home() -> Result<PathBuf, String> {
    let configured = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    configured
        .or_else(|| env::home_dir().map(|home| home.join(".cache")))
        .ok_or_else(|| "neither XDG_CACHE_HOME nor HOME is set: no place to install the emulator into".to_owned())
}

fn runs(python: &Path) -> bool {
    let status = Command::new(python).args(["-I", "-c", ""]).stdin(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn attempt<T>(verb: &str, path: &Path, result: io::Result<T>) -> Result<T, String> {
    result.map_err(|error| format!("cannot {verb} {}: {error}", path.display()))
}
