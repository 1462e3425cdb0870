//! From the keys of the file to a target: defaults applied, and what belongs together checked together.

use std::collections::BTreeMap;

use toml::Spanned;

use super::document::Document;
use super::file::{Config, Keys};
use super::layer::{Layer, Origin, Sourced};
use super::redeploy::Deployed;
use super::smoke::SmokeFiles;
use super::suggest::{did_you_mean, nearest};
use super::value::SourceText;
use crate::model::{AliasName, FunctionName, RedeployWhen, Source, StageRef, Target};
use crate::problem::{Code, Problem};

/// The keys of one target over the defaults.
pub(super) struct Merged<'c> {
    pub name: &'c str,
    document: &'c Document,
    pub own: &'c Spanned<Keys>,
    pub defaults: &'c Keys,
}

impl<'c> Merged<'c> {
    /// A key of the target, or else of the defaults.
    pub fn get<T>(&self, key: impl Fn(&'c Keys) -> Option<&'c Spanned<T>>) -> Option<&'c Spanned<T>> {
        key(self.own.get_ref()).or_else(|| key(self.defaults))
    }

    /// A copy of a plain value.
    pub fn value<T: Clone + 'c>(&self, key: impl Fn(&'c Keys) -> Option<&'c Spanned<T>>) -> Option<T> {
        self.get(key).map(|value| value.get_ref().clone())
    }

    /// A problem at one of the target's values.
    pub fn problem<T>(&self, code: Code, what: String, at: &Spanned<T>, note: impl Into<String>) -> Problem {
        self.document.problem(code, what, &format!("target.{}", self.name), at.span(), note)
    }

    /// A problem that was found later, at one of the target's values.
    pub fn at<T>(&self, problem: Problem, at: &Spanned<T>, note: &str) -> Problem {
        problem.at(self.document.span(at.span(), note))
    }

    fn missing(&self, key: &str, example: &str) -> Problem {
        let what = format!("target {} has no `{key}`", self.name);
        self.problem(Code::MissingKey, what, self.own, format!("add to this table: {key} = {example}"))
    }

    pub(super) fn functions(&self) -> Result<Vec<FunctionName>, Problem> {
        let list = self.get(|keys| keys.functions.as_ref());
        let list = list.ok_or_else(|| self.missing("functions", "[\"FUNCTION\"]"))?;
        let mut names = Vec::new();
        for name in list.get_ref() {
            if names.contains(name.get_ref()) {
                let what = format!("target {} names function {} twice", self.name, name.get_ref());
                return Err(self.problem(Code::Contradiction, what, name, "remove it"));
            }
            names.push(name.get_ref().clone());
        }
        if names.is_empty() {
            let what = format!("target {} names no function", self.name);
            return Err(self.problem(Code::BadValue, what, list, "name at least one"));
        }
        Ok(names)
    }

    /// The one stage, if any. The target's own way of naming it, `stages` or `api` and `stage`, hides the defaults'
    /// other way.
    pub(super) fn stage(&self) -> Result<Option<StageRef>, Problem> {
        let (own, defaults) = (self.own.get_ref(), self.defaults);
        let names_one = |keys: &Keys| keys.api.is_some() || keys.stage.is_some();
        let layer = if own.stages.is_some() || names_one(own) { own } else { defaults };
        if let Some(stages) = &layer.stages {
            if names_one(layer) {
                let what = format!("target {} names its stage twice, as `stages` and as `api` or `stage`", self.name);
                return Err(self.problem(Code::Contradiction, what, stages, "keep one of the two"));
            }
            return self.only(stages);
        }
        match (self.get(|keys| keys.api.as_ref()), self.get(|keys| keys.stage.as_ref())) {
            (Some(api), Some(stage)) => {
                Ok(Some(StageRef { api: api.get_ref().clone(), stage: stage.get_ref().clone() }))
            }
            (Some(_), None) if own.api.is_some() => Err(self.missing("stage", "\"STAGE\"")),
            (None, Some(_)) if own.stage.is_some() => Err(self.missing("api", "\"API_ID\"")),
            _ => Ok(None),
        }
    }

    fn only(&self, stages: &Spanned<Vec<Spanned<StageRef>>>) -> Result<Option<StageRef>, Problem> {
        match stages.get_ref().as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one.get_ref().clone())),
            [_, second, ..] => {
                let what = format!("target {} names {} stages", self.name, stages.get_ref().len());
                Err(self
                    .problem(Code::Unsupported, what, second, "this version promotes one stage per target")
                    .why("all stages of a target are promoted and rolled back as one; this version does that for one")
                    .why("keep one stage here, and give each other stage a target and an alias of its own"))
            }
        }
    }

    /// The alias, which has no default.
    pub(super) fn alias(&self) -> Result<AliasName, Problem> {
        self.value(|keys| keys.alias.as_ref()).ok_or_else(|| self.missing("alias", "\"ALIAS\""))
    }

    fn alias_variable(&self, stage: Option<&StageRef>) -> Result<Option<String>, Problem> {
        match (&self.own.get_ref().alias_variable, stage) {
            (Some(variable), None) => {
                let what = format!("target {} has an `alias_variable` and no stage that could hold it", self.name);
                Err(self.problem(Code::Contradiction, what, variable, "add `api` and `stage`, or remove it"))
            }
            (_, None) => Ok(None),
            (_, Some(_)) => Ok(self.value(|keys| keys.alias_variable.as_ref()).map(|name| name.0)),
        }
    }
}

impl Config {
    /// A problem that only AWS could show with the `canary.mode` of a target, at its place in the file.
    pub fn at_canary_mode(&self, name: &str, problem: Problem, note: &str) -> Problem {
        match self.merged(name) {
            Ok(merged) => merged.at_mode(problem, note),
            Err(_) => problem,
        }
    }

    /// The target called `name`, with the defaults and before flags and environment.
    ///
    /// # Errors
    /// There is no such target, its keys do not fit together, or an event of its smoke checks cannot be used.
    pub fn target(&self, name: &str, smoke: SmokeFiles<'_>) -> Result<Target, Problem> {
        let merged = self.merged(name)?;
        let functions = merged.functions()?;
        let alias = merged.alias()?;
        let stage = merged.stage()?;
        let source = self.source(&merged, &functions, alias.as_str())?;
        let checks = self.smoke(&merged, stage.as_ref(), smoke)?;
        let target = Target {
            name: Some(name.to_owned()),
            project: self.project.clone(),
            functions,
            alias,
            alias_variable: merged.alias_variable(stage.as_ref())?,
            domains: merged.domains(stage.as_ref())?,
            stage_settings: merged.stage_settings(stage.as_ref())?,
            stage,
            region: merged.value(|keys| keys.region.as_ref()).map(|region| region.0),
            profile: merged.value(|keys| keys.profile.as_ref()).map(|profile| profile.0),
            account: merged.value(|keys| keys.account.as_ref()).map(|account| account.0),
            managed_by: merged.value(|keys| keys.managed_by.as_ref()),
            source,
            protected: merged.value(|keys| keys.protected.as_ref()).unwrap_or(false),
            permission_settle: merged
                .value(|keys| keys.permission_settle.as_ref())
                .map_or(Target::PERMISSION_SETTLE, |settle| settle.0),
            publish_description: merged
                .value(|keys| keys.publish.as_ref()?.get_ref().description.as_ref())
                .map(|template| template.0),
            keep: merged
                .value(|keys| keys.publish.as_ref()?.get_ref().keep.as_ref())
                .and_then(|keep| u32::try_from(keep.0).ok()),
            smoke: checks.invoke,
            stage_smoke: checks.http,
            canary: merged.canary()?,
            gate: merged.gate(),
            on_interrupt: merged
                .value(|keys| keys.on.as_ref()?.get_ref().interrupt.as_ref())
                .unwrap_or(Target::ON_INTERRUPT),
            redeploy: RedeployWhen::default(),
            redeploy_files: Vec::new(),
            redeploy_from: None,
            variables: BTreeMap::new(),
        };
        merged.check_canary(&target)?;
        let Deployed { when, files, from, variables } = self.deployed(&merged, &target, smoke)?;
        Ok(Target { redeploy: when, redeploy_files: files, redeploy_from: from, variables, ..target })
    }

    /// What the file says about the settings that flags and environment can say too: for the target `name`, or, for a
    /// target that is not in the file, what `[defaults]` says.
    ///
    /// # Errors
    /// There is no such target.
    pub fn layer(&self, name: Option<&str>) -> Result<Layer, Problem> {
        let nothing = Spanned::new(0..0, Keys::default());
        let merged = match name {
            Some(name) => self.merged(name)?,
            None => Merged { name: "", document: &self.document, own: &nothing, defaults: &self.defaults },
        };
        Ok(Layer {
            region: self.sourced(merged.get(|keys| keys.region.as_ref()), |region| region.0.clone()),
            profile: self.sourced(merged.get(|keys| keys.profile.as_ref()), |profile| profile.0.clone()),
            account: self.sourced(merged.get(|keys| keys.account.as_ref()), |account| account.0.clone()),
            permission_settle: self.sourced(merged.get(|keys| keys.permission_settle.as_ref()), |settle| settle.0),
        })
    }

    fn sourced<T, U>(&self, value: Option<&Spanned<T>>, inner: impl Fn(&T) -> U) -> Option<Sourced<U>> {
        value.map(|value| Sourced {
            value: inner(value.get_ref()),
            from: Origin::File { line: self.document.line(&value.span()) },
        })
    }

    pub(super) fn merged<'c>(&'c self, name: &'c str) -> Result<Merged<'c>, Problem> {
        let own = self.targets.get(name).ok_or_else(|| self.unknown(name))?;
        Ok(Merged { name, document: &self.document, own, defaults: &self.defaults })
    }

    fn unknown(&self, name: &str) -> Problem {
        let file = self.document.name();
        let names: Vec<&str> = self.names().collect();
        let mut problem = Problem::new(Code::UnknownTarget, format!("there is no target `{name}` in {file}"));
        problem = match names.as_slice() {
            [] => {
                problem.why("the file has no [target.NAME] table").fix("add one from what is live: stagegate init URL")
            }
            _ => problem.why(format!("its targets: {}", names.join(", "))),
        };
        if let Some(near) = nearest(name, self.names()) {
            problem = problem.fix(format!("did you mean `{near}`?"));
        }
        let is_function = |keys: &Keys| {
            keys.functions.iter().any(|list| list.get_ref().iter().any(|function| function.get_ref().as_str() == name))
        };
        if self.targets.values().map(Spanned::get_ref).chain([&self.defaults]).any(is_function) {
            problem = problem.fix(format!("the function's alias has to be named, too: {name}:ALIAS"));
        }
        problem.fix("targets that are not in the file: FUNCTION:ALIAS or API/STAGE")
    }

    fn source(&self, merged: &Merged<'_>, functions: &[FunctionName], alias: &str) -> Result<Source, Problem> {
        let Some(source) = merged.get(|keys| keys.source.as_ref()) else { return Ok(Source::Latest) };
        let other = match source.get_ref() {
            SourceText::Latest => return Ok(Source::Latest),
            SourceText::Version(number) => return Ok(Source::Version(*number)),
            SourceText::Target(other) => other,
        };
        let (name, contradiction) = (merged.name, Code::Contradiction);
        if !self.targets.contains_key(other) {
            let what = format!("target {name} takes its source from `{other}`, which does not exist");
            let note = did_you_mean(other, self.names().filter(|known| *known != name));
            return Err(merged.problem(Code::UnknownTarget, what, source, note));
        }
        let from = self.merged(other)?;
        let from_alias = from.alias()?;
        if from_alias.as_str() == alias {
            let what = format!("target {name} takes its source from its own alias {alias}");
            return Err(merged.problem(contradiction, what, source, "name a target with another alias"));
        }
        let (mut ours, mut theirs) = (functions.to_vec(), from.functions()?);
        ours.sort();
        theirs.sort();
        if ours != theirs {
            let what = format!("target {name} takes its source from {other}, which has other functions");
            let names: Vec<&str> = theirs.iter().map(FunctionName::as_str).collect();
            let note = format!("{other} has {}", names.join(", "));
            return Err(merged.problem(contradiction, what, source, note));
        }
        if merged.elsewhere(&from) {
            let what = format!("target {name} takes its source from {other}, which is in another account or region");
            let problem = merged.problem(contradiction, what, source, "name a target of the same account and region");
            return Err(problem.why("version numbers are counted per function, account and region"));
        }
        Ok(Source::Alias(from_alias))
    }
}

impl Merged<'_> {
    /// Both say where they are, and it is not the same place.
    pub(super) fn elsewhere(&self, other: &Merged<'_>) -> bool {
        let differ = |ours: Option<String>, theirs: Option<String>| ours.zip(theirs).is_some_and(|(a, b)| a != b);
        let region = |merged: &Merged<'_>| merged.value(|keys| keys.region.as_ref()).map(|region| region.0);
        let account = |merged: &Merged<'_>| merged.value(|keys| keys.account.as_ref()).map(|account| account.0);
        differ(region(self), region(other)) || differ(account(self), account(other))
    }
}
