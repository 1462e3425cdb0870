//! The configuration file: which keys there are and what each holds.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::canary::{Preset, Steps};
use super::document::{Document, FromToml, Node};
use super::gate::{Alarms, Limit, Share, SlowLimit};
use super::schema;
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

/// Declares a table of the file: a key for every field, and no other key is accepted. What is said of a key is also said
/// to people who edit the file: by the schema, and by the file that `init` writes.
macro_rules! section {
    ($($(#[$doc:meta])* $name:ident { $($(#[doc = $about:literal])+ $key:ident: $kind:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Default)]
        pub(super) struct $name {
            $($(#[doc = $about])+ pub $key: Option<Spanned<$kind>>,)*
        }

        impl FromToml for $name {
            const WANTED: &'static str = "a table";

            fn schema() -> Value {
                schema::table([$((stringify!($key), concat!($($about),+), <$kind>::schema())),*])
            }

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
        /// The version of the keys that this file is written in.
        schema: Whole<SCHEMA, SCHEMA>,
        /// What the targets belong to.
        project: Project,
        /// Keys that count for every target; a target's own win.
        defaults: Keys,
        /// The targets by name.
        target: Targets,
    }

    /// `[project]`.
    Project {
        /// Appears in plans, journals and summaries.
        name: Text,
    }

    /// `[target.NAME]` and `[defaults]`.
    Keys {
        /// The Lambda functions. Several are promoted, judged and rolled back as one.
        functions: Vec<Spanned<FunctionName>>,
        /// The alias of every function: what a release moves. The first release creates it.
        alias: AliasName,
        /// The REST or HTTP API that calls the alias; which kind it is, is looked up.
        api: ApiId,
        /// The stage of the API that clients call; `$default` of an HTTP API.
        stage: StageName,
        /// API and stage in one word, in place of both keys.
        stages: Vec<Spanned<StageRef>>,
        /// The stage variable that the integrations take the alias from.
        alias_variable: VariableName,
        /// Where functions and API are. Default: what the environment or the AWS profile says.
        region: Region,
        /// The AWS profile. Default: what the environment says.
        profile: Profile,
        /// The only account that is allowed, twelve digits. Default: any.
        account: Account,
        /// The tool whose next update would put back what a release changes, where AWS does not show it.
        managed_by: ManagedBy,
        /// What is promoted: `$LATEST`, which is published first; `target.NAME`: what that target serves; or a version
        /// number. Default: `$LATEST`.
        source: SourceText,
        /// A promotion then asks for the target's name, and --yes is not enough. Default: false.
        protected: bool,
        /// How long a new permission is left alone before anything depends on it, 0s to 10m. Default: 20s.
        permission_settle: Settle,
        /// New versions.
        publish: Publish,
        /// Checks that a release must pass.
        smoke: Vec<Spanned<Smoke>>,
        /// How traffic is shifted step by step. Default: all at once.
        canary: CanaryKeys,
        /// What judges the steps of the canary.
        gate: Gate,
        /// What happens when something goes wrong.
        on: On,
        /// When the stage gets a new deployment.
        redeploy: Redeploy,
        /// Stage variables that are set with the release, beside the alias variable.
        variables: Variables,
        /// Custom domains with their base paths under which clients find the stage; `doctor` and `drift` look at them.
        domains: Vec<Spanned<DomainPath>>,
        /// What the stage should be set to; `drift` compares, and nothing is changed.
        stage_settings: StageSettings,
    }

    /// `[target.NAME.stage_settings]`.
    StageSettings {
        /// Stage variables; others may be there besides.
        variables: Variables,
        /// Execution logs of every method; REST APIs only.
        logging: LogLevel,
        /// Detailed CloudWatch metrics of every method.
        metrics: bool,
        /// X-Ray tracing; REST APIs only.
        tracing: bool,
        /// The throttle of every method.
        throttle: ThrottleKeys,
        /// Whether the stage has a cache; REST APIs only.
        cache: bool,
        /// Whether requests are logged.
        access_log: bool,
    }

    /// `throttle` of the stage's settings.
    ThrottleKeys {
        /// Requests per second.
        rate: Whole<0, 1_000_000>,
        /// Requests at once.
        burst: Whole<0, 1_000_000>,
    }

    /// `[target.NAME.publish]`.
    Publish {
        /// The description of a new version; {git_sha} and {git_tag} are filled in.
        description: Template,
        /// How many of the newest versions and deployments a clean-up leaves. Default: 10.
        keep: Whole<1, 10_000>,
    }

    /// `[[target.NAME.smoke]]`.
    Smoke {
        /// Before any traffic: the file with the event that the new version is invoked with, relative to this file.
        invoke: Text,
        /// After the redeployment: the request that is sent through the stage.
        http: HttpCheck,
        /// What the answer must be like. Default: no error, and a status of 2xx.
        expect: Expected,
    }

    /// `expect` of a smoke check.
    Expected {
        /// The status of the answer.
        status: Whole<100, 599>,
        /// What the answer's JSON must contain.
        json: Value,
        /// How long the answer may take, milliseconds.
        max_ms: Whole<1, 900_000>,
    }

    /// `[target.NAME.canary]`.
    CanaryKeys {
        /// alias: a weight on the alias; stage: the canary of a REST API's stage; none: all at once.
        mode: CanaryMode,
        /// Percentage, then a time, "until N req", or both; 100% follows by itself.
        steps: Steps,
        /// The steps by a name of CodeDeploy, in place of `steps`.
        preset: Preset,
        /// The fewest calls of the new version in a step. Default: as many as the proof needs.
        min_invocations: Whole<0, 1_000_000_000>,
        /// How long a step may wait for proof beyond its time, 0s to 48h.
        max_extend: Extension,
        /// Before these steps a person agrees: stagegate resume.
        approve: Vec<Spanned<Percent>>,
    }

    /// `[target.NAME.gate]`.
    Gate {
        /// How many calls of the new version may fail; "off": not looked at. Default: 5%.
        max_error_rate: Limit,
        /// How much worse than the old version the new one may be, in percentage points. Default: 1%.
        max_error_gap: Share<1, 9_999>,
        /// How many times as many slow calls are tolerated; "off": not looked at. Default: 1.1.
        max_slow_ratio: SlowLimit,
        /// How many good releases may be rolled back, however often the gate looks. Default: 1%.
        false_rollbacks: Share<1, 2_000>,
        /// CloudWatch alarms, by name, that must not be in ALARM. Default: none.
        alarms: Alarms,
        /// When one is: hold, and a person decides; or rollback. Default: hold.
        on_alarm: Reaction,
        /// How many answers of the stage may be 5XX; "off": not looked at. Default: 5%.
        max_stage_errors: Limit,
        /// When there is no proof, or no data: hold, promote or rollback. Default: hold.
        on_inconclusive: OnInconclusive,
        /// Whether a step may end before its time once the new version is proven not worse. Default: true.
        early: bool,
    }

    /// `[target.NAME.on]`.
    On {
        /// When the new version is proven worse: rollback or hold. Default: rollback.
        gate_failure: Reaction,
        /// On Ctrl-C in a script, a cancelled job, a lost terminal: rollback or hold. Default: rollback.
        interrupt: Reaction,
    }

    /// `[target.NAME.redeploy]`.
    Redeploy {
        /// if-changed: when the API's definition differs from what the stage serves; always; never. Default: if-changed.
        when: RedeployWhen,
        /// Files whose new content also asks for a deployment, relative to this file; at most 10.
        files: Vec<Spanned<Text>>,
        /// The target whose deployment the stage gets, in place of a new one.
        from: FromTarget,
    }
}

/// `[target.NAME.variables]`: stage variables by name.
pub(super) type Variables = BTreeMap<String, Spanned<VariableValue>>;

impl FromToml for Variables {
    const WANTED: &'static str = "a table of stage variables";

    fn schema() -> Value {
        schema::map(&VariableName::schema(), &VariableValue::schema())
    }

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

    fn schema() -> Value {
        schema::map(&TargetName::schema(), &Keys::schema())
    }

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
        // The one value of `schema` was checked when it was read.
        let File { schema: _schema, project, defaults, target } = read(&document)?;
        Ok(Self {
            project: project.and_then(|project| project.into_inner().name).map(|name| name.into_inner().0),
            defaults: defaults.map(Spanned::into_inner).unwrap_or_default(),
            targets: target.map(Spanned::into_inner).unwrap_or_default(),
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
