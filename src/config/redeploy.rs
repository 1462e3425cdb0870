//! What a target says about its stage's deployment and variables.

use std::collections::BTreeMap;

use toml::Spanned;

use super::Reader;
use super::file::{Config, Redeploy};
use super::resolve::Merged;
use super::smoke::SmokeFiles;
use super::suggest::did_you_mean;
use super::value::Text;
use crate::model::redeploy::FILES_MAX;
use crate::model::{RedeployFrom, RedeployWhen, StageRef, Target, TriggerFile};
use crate::problem::{Code, Problem};

/// The keys below `redeploy` and `variables`, put together.
#[derive(Default)]
pub(super) struct Deployed {
    pub when: RedeployWhen,
    pub files: Vec<TriggerFile>,
    pub from: Option<RedeployFrom>,
    pub variables: BTreeMap<String, String>,
}

impl Config {
    /// What the keys say; all of it needs a stage.
    pub(super) fn deployed(
        &self,
        merged: &Merged<'_>,
        target: &Target,
        files: SmokeFiles<'_>,
    ) -> Result<Deployed, Problem> {
        let (own, defaults) = (merged.own.get_ref(), merged.defaults);
        let own = own.redeploy.as_ref().map(Spanned::get_ref);
        let layer = Layer::of(merged, own, defaults.redeploy.as_ref().map(Spanned::get_ref))?;
        let Some(stage) = &target.stage else { return merged.without_stage(own).map(|()| Deployed::default()) };
        let from = layer.from.map(|from| self.from(merged, target, stage, from)).transpose()?;
        let list = layer.files.filter(|_| from.is_none()).map(Spanned::get_ref);
        let files = match (files, list) {
            (SmokeFiles::Read(read), Some(list)) => self.triggers(merged, list, read)?,
            _ => Vec::new(),
        };
        let variables = merged.variables(target)?;
        Ok(Deployed { when: layer.when, files, from, variables })
    }

    /// The files with their digests. One that is missing would never trigger anything.
    fn triggers(
        &self,
        merged: &Merged<'_>,
        list: &[Spanned<Text>],
        read: Reader<'_>,
    ) -> Result<Vec<TriggerFile>, Problem> {
        if let Some(one_more) = list.get(FILES_MAX) {
            let what = format!("target {} names {} files in `redeploy.files`", merged.name, list.len());
            let note = format!("at most {FILES_MAX}: their digests stand in the deployment's description");
            return Err(merged.problem(Code::BadValue, what, one_more, note));
        }
        let mut files: Vec<TriggerFile> = Vec::new();
        for name in list {
            let file = &name.get_ref().0;
            if files.iter().any(|known| known.name == *file) {
                let what = format!("target {} names {file} twice in `redeploy.files`", merged.name);
                return Err(merged.problem(Code::Contradiction, what, name, "remove it"));
            }
            let content = read(&self.directory.join(file)).map_err(|error| {
                let why = match error.kind() {
                    std::io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
                    _ => error.to_string(),
                };
                let what = format!("{file}, in `redeploy.files` of target {}, cannot be read", merged.name);
                merged
                    .problem(Code::TriggerFile, what, name, why)
                    .why("names are relative to the configuration file; a pattern such as *.vtl is taken as a name")
            })?;
            files.push(TriggerFile::new(file, &content));
        }
        Ok(files)
    }

    /// The other target's stage: of the same API, and not this one.
    fn from(
        &self,
        merged: &Merged<'_>,
        target: &Target,
        stage: &StageRef,
        from: &Spanned<super::value::FromTarget>,
    ) -> Result<RedeployFrom, Problem> {
        let (name, other) = (merged.name, from.get_ref().0.as_str());
        if !self.targets.contains_key(other) {
            let what = format!("target {name} takes its deployment from `{other}`, which does not exist");
            let note = did_you_mean(other, self.names().filter(|known| *known != name));
            return Err(merged.problem(Code::UnknownTarget, what, from, note));
        }
        let theirs = self.merged(other)?;
        let contradiction = |what: String, note: &str| merged.problem(Code::Contradiction, what, from, note);
        let Some(there) = theirs.stage()? else {
            let what = format!("target {name} takes its deployment from {other}, which has no stage");
            return Err(contradiction(what, "name a target with a stage of the same API"));
        };
        if there == *stage {
            let what = format!("target {name} takes its deployment from its own stage {stage}");
            return Err(contradiction(what, "name a target with another stage of the same API"));
        }
        if there.api != stage.api || merged.elsewhere(&theirs) {
            let what = format!("target {name} is a stage of API {}, and {other} one of another API", stage.api);
            return Err(contradiction(what, "name a target with a stage of the same API")
                .why(format!("{other} is {there}; a deployment belongs to one API in one account and region")));
        }
        let alias = theirs.alias()?;
        let mut functions = theirs.functions()?;
        functions.retain(|function| target.functions.contains(function));
        Ok(RedeployFrom { target: other.to_owned(), stage: there, functions, alias })
    }
}

/// The keys that decide. The target's own way of choosing a deployment, `from` or `when` and `files`, hides the defaults'
/// other way.
#[derive(Default)]
struct Layer<'c> {
    when: RedeployWhen,
    files: Option<&'c Spanned<Vec<Spanned<Text>>>>,
    from: Option<&'c Spanned<super::value::FromTarget>>,
}

impl<'c> Layer<'c> {
    fn of(merged: &Merged<'_>, own: Option<&'c Redeploy>, defaults: Option<&'c Redeploy>) -> Result<Self, Problem> {
        for keys in [own, defaults].into_iter().flatten() {
            let other = keys.when.as_ref().map(|when| ("when", when.span()));
            let other = other.or_else(|| keys.files.as_ref().map(|files| ("files", files.span())));
            if let (Some(_), Some((key, span))) = (&keys.from, other) {
                let what = format!("target {} has `redeploy.from` and `redeploy.{key}`", merged.name);
                let note = "keep one: the other stage's deployment, or new ones of the live definition";
                return Err(merged.problem(Code::Contradiction, what, &Spanned::new(span, ()), note));
            }
        }
        let makes_new = |keys: &Redeploy| keys.when.is_some() || keys.files.is_some();
        let new = own.filter(|keys| makes_new(keys));
        let from = own.and_then(|keys| keys.from.as_ref());
        if let Some(from) = from.or_else(|| defaults.filter(|_| new.is_none())?.from.as_ref()) {
            return Ok(Self { from: Some(from), ..Self::default() });
        }
        let either = |keys: Option<&'c Redeploy>| keys.and_then(|keys| keys.when.as_ref());
        let when = either(own).or_else(|| either(defaults)).map(|when| *when.get_ref()).unwrap_or_default();
        let list = |keys: Option<&'c Redeploy>| keys.and_then(|keys| keys.files.as_ref());
        let files = list(own).or_else(|| list(defaults));
        if let (RedeployWhen::Never, Some(files)) = (when, files) {
            let what = format!("target {} has `redeploy.files` and redeploy.when = \"never\"", merged.name);
            return Err(merged.problem(Code::Contradiction, what, files, "no file triggers anything then: keep one"));
        }
        Ok(Self { when, files, from: None })
    }
}

impl Merged<'_> {
    /// Without a stage nothing is deployed: own keys about it are a mistake, those of the defaults are for others.
    fn without_stage(&self, own: Option<&Redeploy>) -> Result<(), Problem> {
        let files = own.and_then(|keys| keys.files.as_ref()).map(|key| ("redeploy.files", key.span()));
        let from = own.and_then(|keys| keys.from.as_ref()).map(|key| ("redeploy.from", key.span()));
        let variables = self.own.get_ref().variables.as_ref().map(|key| ("variables", key.span()));
        let Some((key, span)) = files.or(from).or(variables) else { return Ok(()) };
        let what = format!("target {} has `{key}` and no stage", self.name);
        Err(self.problem(Code::Contradiction, what, &Spanned::new(span, ()), "add `api` and `stage`, or remove it"))
    }

    /// The stage variables, the target's own over the defaults'.
    fn variables(&self, target: &Target) -> Result<BTreeMap<String, String>, Problem> {
        let tables = [self.defaults.variables.as_ref(), self.own.get_ref().variables.as_ref()];
        let all = tables.into_iter().flatten().flat_map(Spanned::get_ref);
        let mut variables = BTreeMap::new();
        for (name, value) in all {
            if target.alias_variable.as_ref() == Some(name) {
                let what = format!("target {} sets {name} twice, as `alias_variable` and in `variables`", self.name);
                let note = "remove it here: the alias variable always holds the alias";
                return Err(self.problem(Code::Contradiction, what, value, note));
            }
            variables.insert(name.clone(), value.get_ref().0.clone());
        }
        Ok(variables)
    }
}
