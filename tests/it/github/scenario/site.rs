//! A repository with the Action in its jobs, and a release that is due.

use std::path::Path;

use crate::emulator::canary::scene::{Kind, Scene};
use crate::emulator::proxy::Proxy;
use crate::emulator::shop::routed;
use crate::github::runner::{Action, Conclusion, Ended, Exit, Runner};
use crate::support::emulator::Emulator;

/// The Action, from the root of the repository.
const ACTION: &str = "action.yml";
/// The commands that it may give to the runner.
const MEANT: [&str; 6] = ["add-mask", "endgroup", "error", "group", "notice", "warning"];

/// What a promotion in a job is told.
pub const PROMOTE: [(&str, &str); 3] = [("command", "promote"), ("target", "prod"), ("confirm", "prod")];

/// A repository.
pub struct Site {
    /// Its shop, with a second release due.
    pub scene: Scene,
    /// The Action.
    pub action: Action,
    endpoint: String,
    config: String,
}

impl Site {
    /// In an account of its own, with a canary of these steps on the alias and these keys of the gate.
    #[track_caller]
    pub fn new(emulator: &'static Emulator, name: &str, steps: &[&str], gate: &str) -> Self {
        let scene = Scene::new(emulator, Kind::Alias, &format!("action, {name}"));
        let config = scene.config(steps, "", gate);
        let action = Action::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(ACTION));
        Self { scene, action, endpoint: emulator.endpoint(), config }
    }

    /// With another text in place of its configuration's.
    pub fn configured(mut self, change: impl FnOnce(&str) -> String) -> Self {
        self.config = change(&self.config);
        self
    }

    /// A machine that has checked the repository out, with keys of the account in its environment.
    pub fn runner(&self) -> Runner {
        self.elsewhere().file("stagegate.toml", &self.config)
    }

    /// One that has checked nothing out.
    pub fn elsewhere(&self) -> Runner {
        let env = self.scene.shop.account.env();
        Runner::new().with(env.into_iter().filter(|(name, _)| name.starts_with("AWS_")))
    }

    /// One whose credentials come from elsewhere.
    pub fn without_keys(&self, env: Vec<(String, String)>) -> Runner {
        Runner::new().with(env).file("stagegate.toml", &self.config)
    }

    /// One whose requests go through a proxy.
    pub fn through(&self, proxy: &Proxy) -> Runner {
        self.runner().set("AWS_ENDPOINT_URL", &proxy.endpoint())
    }

    /// The emulator's address, for a proxy in front of it.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The record in the alias: the release's id and its state.
    #[track_caller]
    pub fn record(&self) -> (String, String) {
        let alias = self.scene.shop.alias();
        let words: Vec<String> = routed(&alias).1.split(' ').map(str::to_owned).collect();
        let at = words.iter().position(|word| word.ends_with("[sg1")).unwrap_or_else(|| panic!("no record: {alias}"));
        (words[at + 1].clone(), words[at + 2].clone())
    }
}

impl Ended {
    /// Asserts the exit code of the Action's own step, and that the runner found nothing to complain about: no command
    /// that was not meant, one error at most, outputs that say the same.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.step("run").exit, Some(Exit::Code(code)), "{}", self.all());
        let success = if code == 0 { Conclusion::Success } else { Conclusion::Failure };
        let is = self.step("run").conclusion;
        assert!(is == success || is == Conclusion::Cancelled, "{}", self.all());
        self.is_clean();
        self
    }

    /// Asserts that much.
    #[track_caller]
    pub fn is_clean(&self) {
        assert_eq!(self.faults, Vec::<String>::new(), "{}", self.all());
        let strange: Vec<_> = self.commands.iter().filter(|command| !MEANT.contains(&command.name.as_str())).collect();
        assert!(strange.is_empty(), "{strange:?}: {}", self.all());
        let errors = self.commands.iter().filter(|command| command.name == "error").count();
        assert!(errors <= 1, "{errors} errors: {}", self.all());
        for (step, told) in &self.told {
            let mut names: Vec<&String> = told.iter().map(|(name, _)| name).collect();
            names.sort_unstable();
            let count = names.len();
            names.dedup();
            assert_eq!(names.len(), count, "{step} told an output twice: {}", self.all());
        }
        for (name, _) in self.told.get("run").into_iter().flatten() {
            assert!(self.outputs.contains_key(name), "the output {name} is none of the Action's: {}", self.all());
        }
    }

    /// Asserts an output.
    #[track_caller]
    pub fn says(self, output: &str, value: &str) -> Self {
        assert_eq!(self.outputs.get(output).map(String::as_str), Some(value), "{output}: {}", self.all());
        self
    }

    /// Asserts that summary, log or an annotation has a text.
    #[track_caller]
    pub fn shows(self, place: Place, text: &str) -> Self {
        let shown = match place {
            Place::Log => self.log.shown(),
            Place::Summary => self.summary.clone(),
            Place::Error => {
                let errors = self.commands.iter().filter(|command| command.name == "error");
                errors.map(|error| format!("{:?} {}\n", error.properties, error.data)).collect()
            }
        };
        assert!(shown.contains(text), "{place:?} without {text:?}: {}", self.all());
        self
    }
}

/// Where a person reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The log.
    Log,
    /// The job's summary.
    Summary,
    /// The annotations that are errors.
    Error,
}
