//! Finds the Python that the emulator needs.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The one minor version that the emulator's pinned packages are for.
pub const VERSION: &str = "3.13";

/// Prints the interpreter's own path, so that a shim in front of it is left out; fails without `venv` or `pip`.
const PROBE: &str = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2], sys.executable)";

/// A working interpreter of [`VERSION`] that can make virtual environments, from the `PATH` or a pyenv installation.
pub fn find() -> Option<PathBuf> {
    let mut candidates = vec![PathBuf::from(format!("python{VERSION}"))];
    candidates.extend(pyenv_interpreters());
    candidates.into_iter().find_map(|candidate| executable_of(&candidate))
}

fn executable_of(candidate: &PathBuf) -> Option<PathBuf> {
    let output = Command::new(candidate).args(["-I", "-c", PROBE]).stdin(Stdio::null()).output().ok()?;
    let answer = String::from_utf8(output.stdout).ok()?;
    let (version, executable) = answer.trim_end().split_once(' ')?;
    (output.status.success() && version == VERSION).then(|| PathBuf::from(executable))
}

fn pyenv_interpreters() -> Vec<PathBuf> {
    let roots = [env::var_os("PYENV_ROOT").map(PathBuf::from), env::home_dir().map(|home| home.join(".pyenv"))];
    let mut versions: Vec<PathBuf> = roots
        .into_iter()
        .flatten()
        .filter_map(|root| root.join("versions").read_dir().ok())
        .flat_map(|entries| entries.flatten())
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(VERSION))
        .map(|entry| entry.path().join("bin").join(format!("python{VERSION}")))
        .collect();
    versions.sort();
    versions
}
