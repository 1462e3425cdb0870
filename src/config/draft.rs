//! A target that `init` writes: from what is live to the text of a file that says it, with what each key does and with
//! examples of what else can be said. Pure; what it writes reads back as the same target.

use std::fmt::Write as _;

use super::file::SCHEMA;
use super::schema::about;
use crate::model::{AliasName, FunctionName, StageRef, Target, WantedStage};

/// Columns of a comment, its `#` included.
const WIDTH: usize = 100;

/// What is written about a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The name of its table.
    pub name: String,
    /// What the example of a project is called.
    pub project: String,
    /// At least one.
    pub functions: Vec<FunctionName>,
    /// Their alias.
    pub alias: AliasName,
    /// The stage that calls it, if one shall be released with it.
    pub stage: Option<DraftStage>,
    /// The region.
    pub region: String,
    /// The account, twelve digits.
    pub account: String,
    /// Whether a promotion asks for the name.
    pub protected: bool,
}

/// What is written about its stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftStage {
    /// API and stage.
    pub stage: StageRef,
    /// The variable that integrations take the alias from.
    pub alias_variable: Option<String>,
    /// Custom domains with their base paths.
    pub domains: Vec<String>,
    /// What the stage is set to, as far as it shall be guarded.
    pub settings: WantedStage,
}

/// Lines of the file.
struct Lines(String);

impl Lines {
    /// A comment, wrapped.
    fn comment(&mut self, text: &str) {
        let mut line = String::from("#");
        for word in text.split_whitespace() {
            if line.chars().count() + 1 + word.chars().count() > WIDTH {
                let _ = writeln!(self.0, "{line}");
                line = String::from("#");
            }
            line.push(' ');
            line.push_str(word);
        }
        let _ = writeln!(self.0, "{line}");
    }

    /// A key of the target that counts, after what it does.
    fn key(&mut self, path: &[&str], value: &str) {
        self.explained(path, value, "");
    }

    /// The same as an example: taking the `#` away makes it count.
    fn example(&mut self, path: &[&str], value: &str) {
        self.explained(path, value, "#");
    }

    fn explained(&mut self, path: &[&str], value: &str, mark: &str) {
        self.comment(&about(path));
        let key = path.last().copied().unwrap_or_default();
        let _ = writeln!(self.0, "{mark}{key} = {value}");
    }

    fn line(&mut self, line: &str) {
        let _ = writeln!(self.0, "{line}");
    }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn list<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let texts: Vec<String> = texts.map(quoted).collect();
    format!("[{}]", texts.join(", "))
}

impl Draft {
    /// A whole file with this one target.
    pub fn file(&self) -> String {
        let mut lines = Lines(String::new());
        lines.comment(&format!(
            "What stagegate promotes, and where. Check it with: stagegate verify {}. Everything about its keys: stagegate \
             help targets. For editors: stagegate schema config > stagegate.schema.json",
            self.name
        ));
        lines.comment("A line that begins with # and no blank is an example: without its # it counts.");
        lines.line(&format!("schema = {SCHEMA}\n"));
        lines.line("#[project]");
        lines.comment("Appears in plans, journals and summaries.");
        lines.line(&format!("#name = {}\n", quoted(&self.project)));
        lines.0 + &self.table() + &self.examples()
    }

    /// The target's own table, to stand in a file that is there already.
    pub fn table(&self) -> String {
        let mut lines = Lines(String::new());
        lines.line(&format!("[target.{}]", self.name));
        lines.key(&["functions"], &list(self.functions.iter().map(FunctionName::as_str)));
        lines.key(&["alias"], &quoted(self.alias.as_str()));
        if let Some(DraftStage { stage, alias_variable, domains, .. }) = &self.stage {
            lines.key(&["api"], &quoted(stage.api.as_str()));
            lines.key(&["stage"], &quoted(stage.stage.as_str()));
            if let Some(name) = alias_variable {
                lines.key(&["alias_variable"], &quoted(name));
            }
            if !domains.is_empty() {
                lines.key(&["domains"], &list(domains.iter().map(String::as_str)));
            }
        }
        lines.key(&["region"], &quoted(&self.region));
        lines.key(&["account"], &quoted(&self.account));
        match self.protected {
            true => lines.key(&["protected"], "true"),
            false => lines.example(&["protected"], "true"),
        }
        lines.example(&["source"], &quoted("$LATEST"));
        lines.example(&["managed_by"], &quoted("terraform"));
        lines.0 + &self.settings()
    }

    /// What the stage is set to now.
    fn settings(&self) -> String {
        let Some(DraftStage { settings, .. }) = self.stage.as_ref().filter(|stage| stage.guards()) else {
            return String::new();
        };
        let mut lines = Lines("\n".into());
        lines.comment(&about(&["stage_settings"]));
        lines.line(&format!("[target.{}.stage_settings]", self.name));
        if let Some(level) = settings.logging {
            lines.line(&format!("logging = {}", quoted(&level.to_string())));
        }
        let flags = [
            ("metrics", settings.metrics),
            ("tracing", settings.tracing),
            ("cache", settings.cache),
            ("access_log", settings.access_log),
        ];
        for (key, value) in flags {
            if let Some(value) = value {
                lines.line(&format!("{key} = {value}"));
            }
        }
        if let Some(throttle) = settings.throttle {
            lines.line(&format!("throttle = {{ rate = {}, burst = {} }}", throttle.rate, throttle.burst));
        }
        lines.0
    }

    /// Everything else that can be said of it: each paragraph is valid alone, and all of them together.
    fn examples(&self) -> String {
        let name = &self.name;
        let mut lines = Lines(String::new());
        let mut table = |header: &str, about_it: &[&str], keys: &[(&str, &str)]| {
            lines.line("");
            lines.comment(&about(about_it));
            lines.line(header);
            for (key, value) in keys {
                let path: Vec<&str> = about_it.iter().copied().chain([*key]).collect();
                lines.example(&path, value);
            }
        };
        table(
            &format!("#[target.{name}.publish]"),
            &["publish"],
            &[("description", "\"{git_sha} {git_tag}\""), ("keep", "10")],
        );
        let smoke = format!("#[[target.{name}.smoke]]");
        table(&smoke, &["smoke"], &[("invoke", "\"smoke/health.json\""), ("expect", "{ status = 200, max_ms = 800 }")]);
        if self.stage.is_some() {
            table(&smoke, &["smoke"], &[("http", "\"GET /health\""), ("expect", "{ status = 200, max_ms = 800 }")]);
        }
        let steps = [
            ("mode", "\"alias\""),
            ("steps", "[\"5% 10m\", \"25% 10m until 300 req\", \"50% 10m\"]"),
            ("min_invocations", "200"),
            ("max_extend", "\"30m\""),
            ("approve", "[\"50%\"]"),
        ];
        table(&format!("#[target.{name}.canary]"), &["canary"], &steps);
        let gate = [
            ("max_error_rate", "\"5%\""),
            ("max_error_gap", "\"1%\""),
            ("max_slow_ratio", "1.1"),
            ("false_rollbacks", "\"1%\""),
            ("alarms", "[\"NAME-OF-AN-ALARM\"]"),
            ("on_alarm", "\"hold\""),
            ("max_stage_errors", "\"5%\""),
            ("on_inconclusive", "\"hold\""),
            ("early", "true"),
        ];
        table(&format!("#[target.{name}.gate]"), &["gate"], &gate);
        let on = [("gate_failure", "\"rollback\""), ("interrupt", "\"rollback\"")];
        table(&format!("#[target.{name}.on]"), &["on"], &on);
        if self.stage.is_some() {
            table(&format!("#[target.{name}.redeploy]"), &["redeploy"], &[("when", "\"if-changed\"")]);
        }
        lines.0
    }

    /// The target that the text says, before flags and environment.
    pub fn target(&self) -> Option<Target> {
        let target = Target::of_alias(self.functions.first()?.clone(), self.alias.clone());
        let stage = self.stage.as_ref();
        Some(Target {
            name: Some(self.name.clone()),
            functions: self.functions.clone(),
            stage: stage.map(|stage| stage.stage.clone()),
            alias_variable: stage.and_then(|stage| stage.alias_variable.clone()),
            domains: stage.map(|stage| stage.domains.clone()).unwrap_or_default(),
            stage_settings: stage.map(|stage| stage.settings.clone()).unwrap_or_default(),
            region: Some(self.region.clone()),
            account: Some(self.account.clone()),
            protected: self.protected,
            ..target
        })
    }
}

impl DraftStage {
    /// Whether there is a setting to guard.
    fn guards(&self) -> bool {
        let WantedStage { variables: _, logging, metrics, tracing, throttle, cache, access_log } = &self.settings;
        logging.is_some()
            || throttle.is_some()
            || [metrics, tracing, cache, access_log].iter().any(|flag| flag.is_some())
    }
}

#[cfg(test)]
mod tests;
