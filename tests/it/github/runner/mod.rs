//! A stand-in for GitHub's runner: it carries out the steps of a composite Action as `actions/runner` does, cancels them
//! as it does, and reads what they tell it as strictly. What GitHub itself does with the result is not part of it.

mod commands;
mod composite;
pub mod expression;
mod files;
mod job;
mod log;
mod process;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;

pub use self::composite::Action;
pub use self::job::{Conclusion, Ended, Job};
pub use self::process::Exit;

/// The token of a job, which no log may show.
const TOKEN: &str = "ghs_standInTokenOfTheJob";

/// A machine that has run nothing yet, with a checkout.
pub struct Runner {
    folder: Arc<TempDir>,
    env: BTreeMap<String, String>,
}

impl Runner {
    /// With an empty checkout.
    pub fn new() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        for name in ["action", "bin", "home", "temp", "tools", "work"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let runner = Self { folder, env: BTreeMap::new() };
        symlink(env!("CARGO_BIN_EXE_stagegate"), runner.place("bin/stagegate")).unwrap();
        // In place of a download; what the real one does has tests of its own.
        let install = format!("#!/bin/sh\necho '{}' >> \"$GITHUB_PATH\"\n", runner.place("bin").display());
        fs::write(runner.place("action/install.sh"), install).unwrap();
        fs::set_permissions(runner.place("action/install.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        runner
    }

    /// With this variable for all steps, as from the `env:` of a job.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With these.
    pub fn with(mut self, env: impl IntoIterator<Item = (String, String)>) -> Self {
        self.env.extend(env);
        self
    }

    /// With a file in the checkout.
    pub fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.place("work").join(name), text).unwrap();
        self
    }

    /// With a download that lasts until it is cancelled, just before its end.
    pub fn installs_for_ever(self) -> Self {
        let install = self.place("action/install.sh");
        let script = fs::read_to_string(&install).unwrap();
        fs::write(install, format!("{script}echo 'stagegate is being installed'\nexec sleep 600\n")).unwrap();
        self
    }

    /// A place on the machine.
    pub fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a step that `uses:` the Action, with these inputs.
    #[track_caller]
    pub fn start(&self, action: &Action, with: &[(&str, &str)]) -> Job {
        Job::start(action, self.context(action, with), self.machine())
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run(&self, action: &Action, with: &[(&str, &str)]) -> Ended {
        self.start(action, with).end()
    }

    fn machine(&self) -> job::Machine {
        job::Machine {
            env: self.environment(),
            temp: self.place("temp"),
            work: self.place("work"),
            secrets: vec![TOKEN.to_owned()],
            _folder: Arc::clone(&self.folder),
        }
    }

    fn context(&self, action: &Action, with: &[(&str, &str)]) -> expression::Context {
        let text = |path: &str| self.place(path).display().to_string();
        let mut context = expression::Context { env: self.env.clone(), ..Default::default() };
        for (name, value) in [
            ("action_path", text("action")),
            ("action_repository", "shop/stagegate".to_owned()),
            ("token", TOKEN.to_owned()),
            ("workspace", text("work")),
        ] {
            context.github.insert(name.to_owned(), value);
        }
        let unknown: Vec<_> = with.iter().filter(|(name, _)| !action.inputs.contains_key(*name)).collect();
        assert!(unknown.is_empty(), "the Action has no inputs {unknown:?}");
        let given: BTreeMap<&str, &str> = with.iter().copied().collect();
        for (name, input) in &action.inputs {
            let default = || expression::template(input.default.as_deref().unwrap_or_default(), &context);
            let value = given.get(name.as_str()).map_or_else(default, |value| (*value).to_owned());
            context.inputs.insert(name.clone(), value);
        }
        context
    }

    /// The environment of every step.
    fn environment(&self) -> BTreeMap<String, String> {
        let place = |name: &str| self.place(name).display().to_string();
        let mut env: BTreeMap<String, String> = [
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_ACTOR", "dana"),
            ("GITHUB_EVENT_NAME", "workflow_dispatch"),
            ("GITHUB_JOB", "release"),
            ("GITHUB_REF", "refs/heads/main"),
            ("GITHUB_REF_NAME", "main"),
            ("GITHUB_REPOSITORY", "shop/checkout"),
            ("GITHUB_RUN_ATTEMPT", "1"),
            ("GITHUB_RUN_ID", "9912"),
            ("GITHUB_RUN_NUMBER", "7"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_SHA", "3e9a1f7c0d6b5a4f3e2d1c0b9a8f7e6d5c4b3a29"),
            ("GITHUB_WORKFLOW", "Promote"),
            ("LANG", "C.UTF-8"),
            ("RUNNER_ARCH", "X64"),
            ("RUNNER_OS", "Linux"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        for (name, folder) in [
            ("GITHUB_ACTION_PATH", "action"),
            ("GITHUB_WORKSPACE", "work"),
            ("HOME", "home"),
            ("RUNNER_TEMP", "temp"),
            ("RUNNER_TOOL_CACHE", "tools"),
        ] {
            env.insert(name.to_owned(), place(folder));
        }
        env.insert("PATH".to_owned(), std::env::var("PATH").unwrap_or_default());
        env.extend(self.env.clone());
        env
    }
}
