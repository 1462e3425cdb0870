//! The files by which a step tells the runner something, fresh for each step.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// A summary that is longer is dropped as a whole (bytes).
const SUMMARY_MAX: usize = 1024 * 1024;

/// The files of one step.
#[derive(Debug)]
pub struct Files {
    folder: PathBuf,
}

/// What a step has told.
#[derive(Debug, Default)]
pub struct Told {
    /// By `GITHUB_OUTPUT`, in order.
    pub outputs: Vec<(String, String)>,
    /// By `GITHUB_ENV`, in order.
    pub env: Vec<(String, String)>,
    /// By `GITHUB_PATH`, in order.
    pub path: Vec<String>,
    /// By `GITHUB_STEP_SUMMARY`.
    pub summary: String,
}

const FILES: [(&str, &str); 4] =
    [("GITHUB_OUTPUT", "output"), ("GITHUB_ENV", "env"), ("GITHUB_PATH", "path"), ("GITHUB_STEP_SUMMARY", "summary")];

impl Files {
    /// Empty ones, in a folder of their own.
    pub fn create(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        for (_, file) in FILES {
            fs::write(folder.join(file), "")?;
        }
        Ok(Self { folder })
    }

    /// The variables that name them.
    pub fn env(&self) -> BTreeMap<String, String> {
        FILES.iter().map(|(name, file)| ((*name).to_owned(), self.folder.join(file).display().to_string())).collect()
    }

    /// What they say; an error is what the runner would fail the step with.
    pub fn read(&self) -> Result<Told, String> {
        let text = |file: &str| read(&self.folder.join(file));
        let summary = text("summary")?;
        if summary.len() > SUMMARY_MAX {
            return Err(format!("a summary of {} bytes is dropped", summary.len()));
        }
        let path = text("path")?.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
        Ok(Told { outputs: pairs(&text("output")?)?, env: pairs(&text("env")?)?, path, summary })
    }
}

fn read(file: &Path) -> Result<String, String> {
    let bytes = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    String::from_utf8(bytes).map_err(|error| format!("{}: {error}", file.display()))
}

/// `NAME=VALUE` and `NAME<<DELIMITER`, whichever sign comes first in the line.
fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    let mut lines = text.split_inclusive('\n');
    while let Some(line) = lines.next() {
        let line = line.strip_suffix('\n').unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        let (equals, here) = (line.find('='), line.find("<<"));
        let (name, value) = match (equals, here) {
            (Some(equals), here) if here.is_none_or(|here| equals < here) => {
                (&line[..equals], line[equals + 1..].into())
            }
            (_, Some(here)) => (&line[..here], heredoc(&line[here + 2..], &mut lines)?),
            (_, None) => return Err(format!("Invalid format {line:?}")),
        };
        if name.is_empty() {
            return Err(format!("Invalid format {line:?}: no name"));
        }
        found.push((name.to_owned(), value));
    }
    Ok(found)
}

/// The lines up to the delimiter, without the last line's end.
fn heredoc<'l>(delimiter: &str, lines: &mut impl Iterator<Item = &'l str>) -> Result<String, String> {
    if delimiter.is_empty() {
        return Err("Invalid format: the delimiter must not be empty".to_owned());
    }
    let mut value = String::new();
    for line in lines {
        if line.strip_suffix('\n').unwrap_or(line) == delimiter {
            return Ok(value.strip_suffix('\n').unwrap_or(&value).to_owned());
        }
        value += line;
    }
    Err(format!("Matching delimiter not found {delimiter:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_to_the_byte() {
        let text = "a=1\n\nb<<END\none\n\ntwo=2<<x\nENDE\nEND\nc==<<\nd<<E\nE\ne=\nf<<E\n\nE\n";
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = [
            pair("a", "1"),
            pair("b", "one\n\ntwo=2<<x\nENDE"),
            pair("c", "=<<"),
            pair("d", ""),
            pair("e", ""),
            pair("f", ""),
        ];
        assert_eq!(pairs(text).unwrap(), expected);
    }

    #[test]
    fn what_the_runner_cannot_read_fails_the_step() {
        for (text, why) in [
            ("a<<END\none\n", "delimiter not found"),
            ("a<<END\none\n END\n", "delimiter not found"),
            ("a<<\none\n", "must not be empty"),
            ("no sign\n", "Invalid format"),
            ("=x\n", "no name"),
        ] {
            assert!(pairs(text).unwrap_err().contains(why), "{text:?}");
        }
    }

    #[test]
    fn a_summary_above_the_limit_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::create(folder.path().join("step")).unwrap();
        fs::write(folder.path().join("step/summary"), vec![b'x'; SUMMARY_MAX]).unwrap();
        assert_eq!(files.read().unwrap().summary.len(), SUMMARY_MAX);
        fs::write(folder.path().join("step/summary"), vec![b'x'; SUMMARY_MAX + 1]).unwrap();
        assert!(files.read().unwrap_err().contains("dropped"));
    }
}
