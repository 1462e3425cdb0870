//! The file: where it is, what is in it already, and how it is written without ever being half there.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

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
    /// Another one was there.
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
}

impl Place {
    /// No file: the text is only shown.
    pub fn nowhere(app: &App) -> Self {
        let path = app.directory.join(config::FILE_NAME);
        Self { path, shown: config::FILE_NAME.into(), how: How::Created, old: None }
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
                return Ok(Self { path, shown, how: How::Created, old: None });
            }
            Err(_) if force => return Ok(Self { path, shown, how: How::Replaced, old: None }),
            Err(error) => {
                return Err(Problem::new(Code::FileUnreadable, format!("cannot read {shown}")).why(error.to_string()));
            }
        };
        let place = Self { path, shown, how: How::Extended, old: Some(old) };
        if force {
            return Ok(Self { how: How::Replaced, ..place });
        }
        let refused = match place.config(place.old.as_deref().unwrap_or_default()) {
            Ok(config) if config.names().all(|known| known != name) => return Ok(place),
            Ok(_) => Problem::new(Code::AlreadySetUp, format!("{} has a target {name} already", place.shown))
                .fix(format!("add it under another name: {command} --name NAME"))
                .fix(format!("or replace the file, with all its targets: {command} --force")),
            Err(problem) => problem
                .why("a target is added only to a file that can be read")
                .fix(format!("or replace it: {command} --force")),
        };
        let question = format!("Replace {} with all its targets?", place.shown);
        if app.can_prompt() && refused.code == Code::AlreadySetUp && prompt::confirm(app, &question, false).await? {
            return Ok(Self { how: How::Replaced, ..place });
        }
        Err(refused.fix(format!("or look at what would be written: {command} --print")))
    }

    /// The whole file with the new target in it.
    ///
    /// # Errors
    /// What is there cannot take another target.
    pub fn text(&self, draft: &Draft) -> Result<String, Problem> {
        let text = match (&self.old, self.how) {
            (Some(old), How::Extended) => extended(old, &draft.table()),
            _ => draft.file(),
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
        if self.how != How::Replaced && read_file(&self.path).ok() != self.old {
            return Err(Problem::new(Code::FileUnwritable, format!("{} was changed meanwhile", self.shown))
                .why("somebody wrote it after it was read; it stays as it is now")
                .fix("run the command again"));
        }
        let beside = self.path.with_extension(format!("toml.{}.new", std::process::id()));
        let done = put(&beside, text, &self.path).and_then(|()| std::fs::rename(&beside, &self.path));
        done.map_err(|error| {
            let _ = std::fs::remove_file(&beside);
            Problem::new(Code::FileUnwritable, format!("cannot write {}", self.shown))
                .why(error.to_string())
                .fix("see what would be written: --print")
        })?;
        Ok(Written { how: self.how, shown: self.shown.clone() })
    }
}

fn put(beside: &Path, text: &str, path: &Path) -> io::Result<()> {
    let mut file = std::fs::File::create(beside)?;
    file.write_all(text.as_bytes())?;
    if let Ok(old) = std::fs::metadata(path) {
        file.set_permissions(old.permissions())?;
    }
    file.sync_all()
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
