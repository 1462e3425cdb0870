//! The configuration: the file, strict and versioned; the layers above and below it; and what TARGET means.
//!
//! Everything is pure except [`read_file`], which callers pass in wherever a file is needed.

mod canary;
mod canary_flags;
mod document;
mod draft;
mod file;
mod gate;
mod layer;
mod place;
mod protect;
mod redeploy;
mod resolve;
mod schema;
mod smoke;
mod stage_settings;
mod suggest;
mod value;
mod without;

use std::io;
use std::path::{Path, PathBuf};

pub use canary_flags::CanaryFlags;
pub use document::Document;
pub use draft::{Draft, DraftStage};
pub use file::{Config, SCHEMA};
pub use layer::{Flags, Layer, Origin, Settings, Sourced, setting_variables};
pub use place::TargetRef;
pub use protect::Touched;
pub use schema::{DIALECT, schema};
pub use smoke::SmokeFiles;
pub use suggest::{did_you_mean, nearest};
pub use without::without_target;

use crate::model::Target;
use crate::problem::{Code, Problem};

/// The name of the configuration file.
pub const FILE_NAME: &str = "stagegate.toml";

/// Reads a text file: [`read_file`], or a stand-in.
pub type Reader<'a> = &'a dyn Fn(&Path) -> io::Result<String>;

/// Reads a text file from disk. The only function of this module that touches the machine.
///
/// # Errors
/// Those of [`std::fs::read_to_string`]; text that is not UTF-8 is `InvalidData`.
pub fn read_file(path: &Path) -> io::Result<String> {
    std::fs::read_to_string(path)
}

/// Reads the configuration: the file `given`, or else `stagegate.toml` in `directory` or the nearest directory above
/// it. None if there is no such file.
///
/// # Errors
/// The file cannot be read (a file that was given and is missing, too), or something in it is wrong.
pub fn load(given: Option<&Path>, directory: &Path, read: Reader<'_>) -> Result<Option<Config>, Problem> {
    if let Some(path) = given {
        let path = directory.join(path);
        let text = read(&path).map_err(|error| unreadable(&path, directory, &error))?;
        return parse(&path, directory, text).map(Some);
    }
    for above in directory.ancestors() {
        let path = above.join(FILE_NAME);
        match read(&path) {
            Ok(text) => return parse(&path, directory, text).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(&path, directory, &error)),
        }
    }
    Ok(None)
}

/// The target of this name.
///
/// # Errors
/// There is no file, no such target in it, or its settings do not fit together.
pub fn named(config: Option<&Config>, name: &str, smoke: SmokeFiles<'_>) -> Result<Target, Problem> {
    match config {
        Some(config) => config.target(name, smoke),
        None => {
            Err(Problem::new(Code::NoConfigFile, format!("there is no {FILE_NAME} that could say what `{name}` is"))
                .why(format!("a bare word as target is looked up in {FILE_NAME}, here and in the directories above"))
                .fix("run the command where the file is, or give it with --config FILE")
                .fix("or name the target without a file: FUNCTION:ALIAS or API/STAGE")
                .fix("or write the file from what is live: stagegate init URL"))
        }
    }
}

/// Whether a target can be called that.
///
/// # Errors
/// It cannot, and why.
pub fn check_target_name(name: &str) -> Result<(), Problem> {
    name.parse::<value::TargetName>()
        .map(|_| ())
        .map_err(|error| Problem::new(Code::BadOption, error.to_string()).fix("name it otherwise: --name NAME"))
}

/// Where the configuration file is, or would be: the file `given`, or else `stagegate.toml` in `directory` or the nearest
/// directory above it that `exists` says has one, or else in `directory`.
pub fn place(given: Option<&Path>, directory: &Path, exists: &dyn Fn(&Path) -> bool) -> PathBuf {
    if let Some(path) = given {
        return directory.join(path);
    }
    let mut above = directory.ancestors().map(|above| above.join(FILE_NAME));
    above.find(|path| exists(path)).unwrap_or_else(|| directory.join(FILE_NAME))
}

fn parse(path: &Path, directory: &Path, text: String) -> Result<Config, Problem> {
    let home = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    Config::parse(Document::new(shown(path, directory), text), home)
}

/// The path as people find it: relative to the working directory where it is below it.
pub fn shown(path: &Path, directory: &Path) -> String {
    path.strip_prefix(directory).unwrap_or(path).display().to_string()
}

fn unreadable(path: &Path, directory: &Path, error: &io::Error) -> Problem {
    let why = match error.kind() {
        io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        _ => error.to_string(),
    };
    Problem::new(Code::FileUnreadable, format!("cannot read {}", shown(path, directory)))
        .why(why)
        .fix("name another file with --config FILE, or leave it out: FUNCTION:ALIAS and API/STAGE need none")
}

#[cfg(test)]
mod tests;
