//! The configuration file: which keys there are and what each holds.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::canary::{Preset, Steps};
use super::document::{Document, FromToml, Node};
use super::gate::{Alarms, Limit, Share, SlowLimit};
use super::stage_settings::DomainPath;
use super::value::{
    Account, Extension, FromTarget, HttpCheck, Profile, Region, Settle, SourceText, TargetName, Template, Text,
    VariableName, VariableValue, Whole,
};
use crate::model::{
    AliasName, ApiId, CanaryMode, FunctionName, LogLevel, ManagedBy, OnInconclusive, Percent, Reaction, RedeployWhen,
    StageName, StageRef,
};
use crate::problem::{Code, Problem};

/// The version of the file's keys and their meaning that this release reads.
pub const SCHEMA: u64 = 1;

/// Declares a table of the file: a key for every field, and no other key is accepted.
macro_rules! section {
    ($($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $key:ident: $kind:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Default)]
        pub(super) struct $name {
            $($(#[$about])* pub $key: Option<Spanned<$kind>>,)*
        }

        impl FromToml for $name {
            const WANTED: &'static str = "a table";

            fn from_toml(node: &Node<'_>) -> Result<Self, Problem> {
                let table = node.section::<Self>(&[$(stringify!($key)),*])?;
                Ok(Self { $($key: node.field(table, stringify!($key))?,)* })
            }
        }
    )*};
}

section! {
    /// The whole file.
    File {
        /// Always [`SCHEMA`].
        #[expect(dead_code, reason = "its one value is checked when it is read")]
        schema: Whole<SCHEMA, SCHEMA>,
        project: Project,
        /// Every key of a target; the target's own wins.
        defaults: Keys,
        target: Targets,
    }

    /// `[project]`.
    Project {
        /// Appears in plans, journals and summaries.
        name: Text,
    }

    /// `[target.NAME]` and `[defaults]`.
    Keys {
        functions: Vec<Spanned<FunctionName>>,
        alias: AliasName,
        api: ApiId,
        stage: StageName,
        /// The same as `api` and `stage`, in one word.
        stages: Vec<Spanned<StageRef>>,
        alias_variable: VariableName,
        region: Region,
        profile: Profile,
        account: Account,
        managed_by: ManagedBy,
        source: SourceText,
        protected: bool,
        permission_settle: Settle,
        publish: Publish,
        smoke: Vec<Spanned<Smoke>>,
        canary: CanaryKeys,
        gate: Gate,
        on: On,
        redeploy: Redeploy,
        /// Set with the release, beside the alias variable.
        variables: Variables,
        /// Where clients find the stage.
        domains: Vec<Spanned<DomainPath>>,
        stage_settings: StageSettings,
    }

    /// `[target.NAME.stage_settings]`.
    StageSettings {
        variables: Variables,
        logging: LogLevel,
        metrics: bool,
        tracing: bool,
        throttle: ThrottleKeys,
        cache: bool,
        access_log: bool,
    }

    /// `throttle` of the stage's settings.
    ThrottleKeys {
        rate: Whole<0, 1_000_000>,
        burst: Whole<0, 1_000_000>,
    }

    /// `[target.NAME.publish]`.
    Publish {
        description: Template,
        /// The newest versions and deployments that a clean-up leaves.
        keep: Whole<1, 10_000>,
    }

    /// `[[target.NAME.smoke]]`.
    Smoke {
        /// The file that holds the event, relative to the configuration file. Before any traffic.
        invoke: Text,
        /// The request that is sent through the stage instead, after it was redeployed.
        http: HttpCheck,
        expect: Expected,
    }

    /// `expect` of a smoke check.
    Expected {
        status: Whole<100, 599>,
        json: Value,
        /// At most 15 minutes, the longest time-out of a function.
        max_ms: Whole<1, 900_000>,
    }

    /// `[target.NAME.canary]`.
    CanaryKeys {
        mode: CanaryMode,
        steps: Steps,
        /// The steps by a name that CodeDeploy knows.
        preset: Preset,
        min_invocations: Whole<0, 1_000_000_000>,
        max_extend: Extension,
        approve: Vec<Spanned<Percent>>,
    }

    /// `[target.NAME.gate]`.
    Gate {
        max_error_rate: Limit,
        /// Percentage points.
        max_error_gap: Share<1, 9_999>,
        max_slow_ratio: SlowLimit,
        false_rollbacks: Share<1, 2_000>,
        alarms: Alarms,
        on_alarm: Reaction,
        max_stage_errors: Limit,
        on_inconclusive: OnInconclusive,
        early: bool,
    }

    /// `[target.NAME.on]`.
    On {
        /// A candidate that is proven worse.
        gate_failure: Reaction,
        /// A signal after the first write.
        interrupt: Reaction,
    }

    /// `[target.NAME.redeploy]`.
    Redeploy {
        when: RedeployWhen,
        /// Files that trigger a new deployment, relative to the configuration file.
        files: Vec<Spanned<Text>>,
        /// The target whose deployment the stage gets.
        from: FromTarget,
    }
}

/// `[target.NAME.variables]`: stage variables by name.
pub(super) type Variables = BTreeMap<String, Spanned<VariableValue>>;

impl FromToml for Variables {
    const WANTED: &'static str = "a table of stage variables";

    fn from_toml(node: &Node<'_>) -> Result<Self, Problem> {
        let table = node.value.as_table().ok_or_else(|| node.wrong_type::<Self>())?;
        let mut variables = Self::new();
        for (key, value) in table {
            let (name, path) = (key.get_ref().as_ref(), node.inside(key.get_ref()));
            if let Err(error) = name.parse::<VariableName>() {
                let what = format!("`{name}` is not a valid {}", error.what);
                return Err(node.document.problem(Code::BadValue, what, &path, key.span(), error.rule));
            }
            variables.insert(name.to_owned(), Spanned::from_toml(&node.child(path, value))?);
        }
        Ok(variables)
    }
}

/// The targets by name.
pub(super) type Targets = BTreeMap<String, Spanned<Keys>>;

impl FromToml for Targets {
    const WANTED: &'static str = "tables named [target.NAME]";

    fn from_toml(node: &Node<'_>) -> Result<Self, Problem> {
        let table = node.value.as_table().ok_or_else(|| node.wrong_type::<Self>())?;
        let mut targets = Self::new();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if let Err(error) = name.parse::<TargetName>() {
                let what = format!("`{name}` is not a valid {}", error.what);
                return Err(node.document.problem(Code::BadValue, what, "", key.span(), error.rule));
            }
            if value.get_ref().as_table().is_none() {
                let what = format!("`target.{name}` is not a table");
                return Err(node.document.problem(
                    Code::WrongType,
                    what,
                    "",
                    key.span(),
                    "write it below [target.NAME]",
                ));
            }
            targets.insert(name.to_owned(), Spanned::from_toml(&node.child(node.inside(name), value))?);
        }
        Ok(targets)
    }
}

/// A configuration file whose keys and values are all valid. What belongs to a target is put together by
/// [`Config::target`].
#[derive(Debug, Clone)]
pub struct Config {
    pub(super) document: Document,
    /// Where the file is: smoke events are named relative to it.
    pub(super) directory: PathBuf,
    pub(super) project: Option<String>,
    pub(super) defaults: Keys,
    pub(super) targets: Targets,
}

impl Config {
    /// Reads a document that lies in `directory`.
    ///
    /// # Errors
    /// The first thing that is wrong with it, with its place.
    pub fn parse(document: Document, directory: PathBuf) -> Result<Self, Problem> {
        let file = read(&document)?;
        Ok(Self {
            project: file.project.and_then(|project| project.into_inner().name).map(|name| name.into_inner().0),
            defaults: file.defaults.map(Spanned::into_inner).unwrap_or_default(),
            targets: file.target.map(Spanned::into_inner).unwrap_or_default(),
            document,
            directory,
        })
    }

    /// The names of its targets, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.targets.keys().map(String::as_str)
    }

    /// The file as people find it.
    pub fn file_name(&self) -> &str {
        self.document.name()
    }
}

fn read(document: &Document) -> Result<File, Problem> {
    let top = document.table()?;
    let range = top.span();
    let table = top.into_inner();
    check_schema(document, &table)?;
    let value = DeValue::Table(table);
    File::from_toml(&Node { document, path: String::new(), value: &value, range })
}

/// Another schema is said before any unknown key: the keys are then simply those of another release.
fn check_schema(document: &Document, table: &DeTable<'_>) -> Result<(), Problem> {
    let Some((_, value)) = table.iter().find(|(key, _)| key.get_ref() == "schema") else {
        let what = format!("{} does not say which schema it is written in", document.name());
        return Err(document.problem(
            Code::UnsupportedSchema,
            what,
            "",
            0..0,
            format!("put this line above it: schema = {SCHEMA}"),
        ));
    };
    match value.get_ref().as_integer() {
        Some(number) if number.as_str() == SCHEMA.to_string() => Ok(()),
        _ => {
            let what = format!("this stagegate does not read schema {}", &document.text()[value.span()]);
            let note = format!("write {SCHEMA}, or use the release that the file was written for");
            Err(document.problem(Code::UnsupportedSchema, what, "", value.span(), note))
        }
    }
}
