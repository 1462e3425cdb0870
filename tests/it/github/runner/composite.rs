//! An `action.yml` of the composite kind.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

/// The Action.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    name: String,
    #[serde(rename = "description")]
    _description: String,
    #[serde(default, rename = "author")]
    _author: String,
    #[serde(default, rename = "branding")]
    _branding: BTreeMap<String, String>,
    /// What `with:` may say.
    #[serde(default)]
    pub inputs: BTreeMap<String, Input>,
    /// What later steps of a workflow may read.
    #[serde(default)]
    pub outputs: BTreeMap<String, Output>,
    runs: Runs,
}

/// One input.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Input {
    #[serde(rename = "description")]
    _description: String,
    /// Taken when `with:` does not name it.
    pub default: Option<String>,
    // GitHub does not enforce it, and neither does this.
    #[serde(default, rename = "required")]
    _required: bool,
}

/// One output.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    #[serde(rename = "description")]
    _description: String,
    /// The expression that it is.
    pub value: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Runs {
    using: String,
    steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Step {
    /// By which outputs are named.
    #[serde(default)]
    pub id: String,
    /// As the log shows it.
    #[serde(default)]
    pub name: String,
    /// Whether it runs.
    #[serde(rename = "if")]
    pub condition: Option<String>,
    shell: String,
    /// Where it runs.
    pub working_directory: Option<String>,
    /// Its environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Its script.
    pub run: String,
}

impl Action {
    /// Reads it; what the stand-in cannot carry out is refused.
    #[track_caller]
    pub fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The same from its text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let action: Self = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        if action.runs.using != "composite" {
            return Err(format!("{} runs {}, not composite", action.name, action.runs.using));
        }
        match action.runs.steps.iter().find(|step| step.shell != "bash") {
            Some(step) => Err(format!("the step {:?} wants the shell {}", step.name, step.shell)),
            None => Ok(action),
        }
    }

    /// Its steps, in order.
    pub fn steps(&self) -> &[Step] {
        &self.runs.steps
    }
}

impl Step {
    /// Its id; its name when it has none.
    pub fn label(&self) -> String {
        if self.id.is_empty() { self.name.clone() } else { self.id.clone() }
    }
}
