//! Installs the emulator, once per user and set of pinned packages, into the user's cache directory.

use std::fs;
use std::path::{Path, PathBuf};

use super::environment::{Environment, attempt, interpreter};

const EMULATOR: &str = "localemu-1.3.2";
const PLUGIN: &str = "stagegate_process_executor";
const REQUIREMENTS: &str = "requirements.txt";
const PLUGIN_FILES: [&str; 5] = ["pyproject.toml", "__init__.py", "executor.py", "plugin.py", "worker.py"];

/// The Python side of the test support, in the source tree.
pub fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join("emulator")
}

/// Installs what is missing and returns the virtual environment's interpreter.
pub fn install(base: &Path) -> Result<PathBuf, String> {
    let requirements = sources().join(REQUIREMENTS);
    let plugin_files = PLUGIN_FILES.map(|file| sources().join(PLUGIN).join(file));
    let inputs: Vec<PathBuf> = plugin_files.into_iter().chain([requirements.clone()]).collect();
    let environment = Environment { name: EMULATOR, inputs: &inputs };
    let target = environment.install(base, |steps, target| {
        let python = &interpreter(target);
        // Source packages are built with the pinned setuptools: an isolated build would fetch the newest.
        steps.pip(python, &[pinned("setuptools")?.as_ref()])?;
        steps.pip(python, &["-r".as_ref(), requirements.as_os_str()])?;
        steps.pip(python, &[copy_plugin(&target.join("plugin"))?.as_os_str()])?;
        steps.run(python, ["-m", "pip", "check"])
    })?;
    Ok(interpreter(&target))
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
