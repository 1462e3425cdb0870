//! What GitHub's runner tells a job about itself. Pure: the environment is passed in.

use sha2::{Digest as _, Sha256};

/// Reads a variable of the environment.
type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The workflow run that a command is part of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkflowRun {
    /// `https://github.com`, or an enterprise's own.
    pub server: String,
    /// `ORG/REPO`.
    pub repository: String,
    /// The run's number: the same for all of its jobs and attempts.
    pub id: String,
    /// Who started it.
    pub actor: Option<String>,
    /// The commit.
    pub commit: Option<String>,
    /// The branch or the tag.
    pub reference: Option<String>,
}

/// Whether a runner reads what is written, and obeys lines that look like its commands.
pub fn is_runner(env: Env<'_>) -> bool {
    env("GITHUB_ACTIONS").is_some_and(|on| on == "true")
}

impl WorkflowRun {
    /// The run that the environment speaks of, if any.
    pub fn of(env: Env<'_>) -> Option<Self> {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        let id = set("GITHUB_RUN_ID").filter(|id| is_run_id(id))?;
        Some(Self {
            server: set("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".into()),
            repository: set("GITHUB_REPOSITORY")?,
            id,
            actor: set("GITHUB_ACTOR"),
            commit: set("GITHUB_SHA"),
            reference: set("GITHUB_REF_NAME"),
        })
    }

    /// The same repository's run of another number.
    pub fn with_id(self, id: &str) -> Self {
        Self { id: id.to_owned(), ..self }
    }

    /// Forty bits that the id of every release carries which this run begins: whoever reads a record knows by them whether
    /// the release is this run's, without anything else having been kept.
    pub fn mark(&self) -> u64 {
        let digest = Sha256::digest(format!("{}\n{}\n{}", self.server, self.repository, self.id));
        digest.iter().take(5).fold(0, |bits, byte| bits << 8 | u64::from(*byte))
    }

    /// Where people look at it.
    pub fn url(&self) -> String {
        format!("{}/{}/actions/runs/{}", self.server, self.repository, self.id)
    }
}

/// Whether a text is the number of a workflow run.
pub fn is_run_id(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: &str, repository: &str) -> Option<WorkflowRun> {
        let env = |name: &str| match name {
            "GITHUB_RUN_ID" => Some(id.to_owned()),
            "GITHUB_REPOSITORY" => Some(repository.to_owned()),
            _ => None,
        };
        WorkflowRun::of(&env)
    }

    #[test]
    fn the_mark_tells_runs_and_repositories_apart_and_fits_forty_bits() {
        let mark = |id: &str, repository: &str| run(id, repository).unwrap().mark();
        assert_eq!(mark("9912", "o/r"), mark("9912", "o/r"));
        assert_ne!(mark("9912", "o/r"), mark("9913", "o/r"));
        assert_ne!(mark("9912", "o/r"), mark("9912", "o/s"));
        assert!((0..200).all(|id| mark(&id.to_string(), "o/r") < 1 << 40));
    }

    #[test]
    fn what_is_no_number_is_no_run() {
        assert_eq!(run("", "o/r"), None);
        assert_eq!(run("99x", "o/r"), None);
        assert_eq!(run("9912", ""), None);
        assert_eq!(run("9912", "o/r").unwrap().url(), "https://github.com/o/r/actions/runs/9912");
    }
}
