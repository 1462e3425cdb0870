//! The file: where it is, what is in it already, and how it is written without ever being half there.

use std::io;
use std::path::{Path, PathBuf};

use crate::cli::output::store;
use crate::cli::{App, prompt};
use crate::config::{self, Config, Document, Draft, SmokeFiles, read_file};
use crate::problem::{Code, Problem};

/// How the file came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// There was none.
    Created,
    /// A target was added at its end.
    Extended,
    /// A target of the same name was there, or a file that could not be read.
    Replaced,
}

impl How {
    /// In one word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "written",
            Self::Extended => "extended",
            Self::Replaced => "replaced",
        }
    }
}

/// A file that was written.
#[derive(Debug)]
pub struct Written {
    /// How.
    pub how: How,
    /// As people find it.
    pub shown: String,
}

/// Where the target goes.
#[derive(Debug)]
pub struct Place {
    path: PathBuf,
    shown: String,
    how: How,
    /// What is there now.
    old: Option<String>,
    /// What stays of it, and the target is added to.
    rest: Option<String>,
}

impl Place {
    /// No file: the text is only shown.
    pub fn nowhere(app: &App) -> Self {
        let path = app.directory.join(config::FILE_NAME);
        Self { path, shown: config::FILE_NAME.into(), how: How::Created, old: None, rest: None }
    }

    /// The file that a target of this name goes into.
    ///
    /// # Errors
    /// There is one that must not be replaced, or it cannot be read.
    pub async fn open(app: &App, name: &str, force: bool, command: &str) -> Result<Self, Problem> {
        let path = config::place(app.args.config.as_deref(), &app.directory, &Path::exists);
        // What a link points at is written, and the link stays.
        let path = path.canonicalize().unwrap_or(path);
        let shown = config::shown(&path, &app.directory);
        let old = match read_file(&path) {
            Ok(old) => old,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { path, shown, how: How::Created, old: None, rest: None });
            }
            Err(_) if force => return Ok(Self { path, shown, how: How::Replaced, old: None, rest: None }),
            Err(error) => {
                return Err(Problem::new(Code::FileUnreadable, format!("cannot read {shown}")).why(error.to_string()));
            }
        };
        let place = Self { path, shown, how: How::Extended, rest: Some(old.clone()), old: Some(old) };
        match place.config(place.rest.as_deref().unwrap_or_default()) {
            Ok(config) if config.names().all(|known| known != name) => Ok(place),
            Ok(_) => place.instead_of(app, name, force, command).await,
            Err(_) if force => Ok(Self { how: How::Replaced, rest: None, ..place }),
            Err(problem) => Err(problem
                .why("a target is added only to a file that can be read")
                .fix(format!("or replace all of it: {command} --force"))
                .fix(format!("or look at what would be written: {command} --print"))),
        }
    }

    /// In place of the target of that name, if that is wanted.
    async fn instead_of(self, app: &App, name: &str, force: bool, command: &str) -> Result<Self, Problem> {
        let other = format!("add it under another name: {command} --name NAME");
        let look = format!("or look at what would be written: {command} --print");
        let question = format!("Replace target {name} in {}?", self.shown);
        let agreed = force || app.can_prompt() && prompt::confirm(app, &question, false).await?;
        if !agreed {
            return Err(Problem::new(Code::AlreadySetUp, format!("{} has a target {name} already", self.shown))
                .fix(other)
                .fix(format!("or replace that target, all others stay: {command} --force"))
                .fix(look));
        }
        match self.old.as_deref().and_then(|old| config::without_target(old, name)) {
            Some(rest) => Ok(Self { how: How::Replaced, rest: Some(rest), ..self }),
            None => {
                Err(Problem::new(Code::AlreadySetUp, format!("target {name} cannot be taken out of {}", self.shown))
                    .why(format!("it is not written in tables of its own, such as [target.{name}]"))
                    .fix(other)
                    .fix(look))
            }
        }
    }

    /// The whole file with the new target in it.
    ///
    /// # Errors
    /// What is there cannot take another target.
    pub fn text(&self, draft: &Draft) -> Result<String, Problem> {
        let text = match &self.rest {
            Some(rest) => extended(rest, &draft.table()),
            None => draft.file(),
        };
        match self.config(&text).and_then(|config| config.target(&draft.name, SmokeFiles::Leave)) {
            Ok(_) => Ok(text),
            Err(problem) => Err(problem
                .why(format!("target {} does not fit into what {} says already", draft.name, self.shown))
                .fix("see what would be written, and add it by hand: --print")),
        }
    }

    /// A text as the configuration that it would be here.
    ///
    /// # Errors
    /// It is none.
    pub fn config(&self, text: &str) -> Result<Config, Problem> {
        let home = self.path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        Config::parse(Document::new(&self.shown, text), home)
    }

    /// Puts the text there: beside it first, then in its place, so that no reader ever sees half a file.
    ///
    /// # Errors
    /// It cannot be written, or somebody has changed the file meanwhile; it is as it was.
    pub fn write(&self, text: &str) -> Result<Written, Problem> {
        if read_file(&self.path).ok() != self.old {
            return Err(Problem::new(Code::FileUnwritable, format!("{} was changed meanwhile", self.shown))
                .why("somebody wrote it after it was read; it stays as it is now")
                .fix("run the command again"));
        }
        store(&self.path, text).map_err(|error| {
            Problem::new(Code::FileUnwritable, format!("cannot write {}", self.shown))
                .why(error.to_string())
                .fix("see what would be written: --print")
        })?;
        Ok(Written { how: self.how, shown: self.shown.clone() })
    }
}

/// What was there, byte for byte, then the new table, with the line ends that the file has.
fn extended(old: &str, table: &str) -> String {
    let newline = if old.contains("\r\n") { "\r\n" } else { "\n" };
    let gap = match (old.is_empty(), old.ends_with('\n')) {
        (true, _) => String::new(),
        (false, true) => newline.to_owned(),
        (false, false) => newline.repeat(2),
    };
    format!("{old}{gap}{}", table.replace('\n', newline))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_stays_byte_for_byte() {
        for old in ["schema = 1\n", "schema = 1", "schema = 1\r\n# end\r\n", "schema = 1 # ü\n\n\n"] {
            let new = extended(old, "[target.prod]\nalias = \"live\"\n");
            assert!(new.starts_with(old), "{new:?}");
            assert_eq!(new.matches("\r\n").count() == new.matches('\n').count(), old.contains('\r'), "{new:?}");
            assert!(new[old.len()..].trim_start().starts_with("[target.prod]"), "{new:?}");
        }
    }
}
