//! What TARGET means here: looked up in the configuration file where it is a name, with the settings that count.

use super::App;
use super::args::Global;
use super::session::Session;
use crate::address::{self, Mapped, Nothing, PassedRule};
use crate::aws::Aws;
use crate::aws::live::IdTokenRequest;
use crate::config::{self, Config, Layer, Settings, SmokeFiles, TargetRef};
use crate::model::{AliasName, FunctionName, StageRef, Target};
use crate::plan::Plan;
use crate::plan::observe::check_account;
use crate::problem::{Code, Level, Problem};

/// A target with its settings.
#[derive(Debug)]
pub struct Located {
    /// What was typed, read.
    pub place: TargetRef,
    /// The target; none for an API stage that no name stands for.
    pub target: Option<Target>,
    /// What counts for the connection.
    pub settings: Settings,
    /// What was typed.
    pub text: String,
    /// The stage that AWS says a URL leads to.
    found: Option<StageRef>,
    /// The flags that a printed command repeats so that it means the same.
    flags: String,
}

/// How much of the configuration file a command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Everything, smoke events included.
    Release,
    /// Names and places. A file that is broken must not stand in the way of a rollback that needs none.
    Place,
}

/// What the file says about a place.
#[derive(Default)]
struct Known {
    layer: Layer,
    /// Where its targets that are there contradict each other about the region: their names, and what each says.
    apart: Vec<(String, String)>,
}

impl Known {
    fn settings(
        self,
        app: &App,
        text: &str,
        settle: Option<&String>,
        at: Option<&TargetRef>,
    ) -> Result<Settings, Problem> {
        let settings = Settings::layered(&app.args.flags(settle), &app.env, self.layer, at)?;
        if settings.region.is_some() || self.apart.is_empty() {
            return Ok(settings);
        }
        let problem = Problem::new(Code::AmbiguousTarget, format!("{text} lies in several regions"))
            .why("the targets of the configuration file that are there name different ones");
        let said = |problem: Problem, (name, region): &(String, String)| problem.why(format!("{name}: {region}"));
        Err(self.apart.iter().fold(problem, said).fix("name the one that is meant: --region REGION"))
    }
}

/// Looks TARGET up.
pub fn locate(app: &App, text: &str, need: Need, permission_settle: Option<&String>) -> Result<Located, Problem> {
    let place = TargetRef::parse(text)?;
    let smoke = if need == Need::Release { SmokeFiles::Read(&config::read_file) } else { SmokeFiles::Leave };
    let loaded = config::load(app.args.config.as_deref(), &app.directory, &config::read_file);
    let (target, known) = match &place {
        TargetRef::Named(name) => {
            let config = loaded?;
            let target = config::named(config.as_ref(), name, smoke)?;
            let layer = config.as_ref().map(|config| config.layer(Some(name))).transpose()?.unwrap_or_default();
            (Some(target), Known { layer, ..Known::default() })
        }
        TargetRef::Alias { function, alias, .. } => {
            let target = Target::of_alias(function.clone(), alias.clone());
            let is_it = |t: &Target| t.functions.contains(function) && t.alias == *alias;
            (Some(target), defaults(app, loaded, need, &is_it)?)
        }
        TargetRef::Stage { stage, .. } => {
            let is_it = |t: &Target| t.stage.as_ref() == Some(stage);
            (None, defaults(app, loaded, need, &is_it)?)
        }
        TargetRef::Url(_) => (None, defaults(app, loaded, need, &|_| false)?),
    };
    let settings = known.settings(app, text, permission_settle, Some(&place))?;
    let target = target.map(|target| settings.apply(target));
    Ok(Located { place, target, settings, text: text.to_owned(), found: None, flags: repeated(app) })
}

/// What the file says about a place that was not given by its name: what it says about the targets that are there, else
/// its `[defaults]`.
fn defaults(
    app: &App,
    loaded: Result<Option<Config>, Problem>,
    need: Need,
    is_it: &dyn Fn(&Target) -> bool,
) -> Result<Known, Problem> {
    match loaded {
        Ok(Some(config)) => known(&config, is_it),
        Ok(None) => Ok(Known::default()),
        Err(problem) if need == Need::Place && app.args.config.is_none() => {
            app.warn(&problem.level(Level::Warning).why("this command goes on without the file"));
            Ok(Known::default())
        }
        Err(problem) => Err(problem),
    }
}

fn known(config: &Config, is_it: &dyn Fn(&Target) -> bool) -> Result<Known, Problem> {
    let names: Vec<&str> = there(config, is_it).collect();
    if names.is_empty() {
        return Ok(Known { layer: config.layer(None)?, ..Known::default() });
    }
    let layers: Vec<Layer> = names.iter().map(|name| config.layer(Some(name))).collect::<Result<_, _>>()?;
    let layer = Layer::agreed(&layers);
    let regions = names.iter().zip(&layers).filter_map(|(name, one)| {
        Some(((*name).to_owned(), one.region.as_ref()?.value.clone())).filter(|_| layer.region.is_none())
    });
    Ok(Known { apart: regions.collect(), layer })
}

/// What counts for the connection to a function that is named without an alias.
pub fn settings_of_function(app: &App, function: &FunctionName) -> Result<Settings, Problem> {
    let loaded = config::load(app.args.config.as_deref(), &app.directory, &config::read_file);
    let known = defaults(app, loaded, Need::Place, &|target| target.functions.contains(function))?;
    known.settings(app, function.as_str(), None, None)
}

/// The names of the targets for which `is_it` says so.
fn there<'c>(config: &'c Config, is_it: &dyn Fn(&Target) -> bool) -> impl Iterator<Item = &'c str> {
    config.names().filter(move |name| config.target(name, SmokeFiles::Leave).is_ok_and(|target| is_it(&target)))
}

/// The name of the only target for which `is_it` says so.
fn only<'c>(config: &'c Config, is_it: &dyn Fn(&Target) -> bool) -> Option<&'c str> {
    let mut names = there(config, is_it);
    names.next().filter(|_| names.next().is_none())
}

/// The target that is meant, with all that the file says about it: of the name that was typed, or of the one that is at
/// this place. None where the file says nothing, or cannot be read.
pub fn configured(app: &App, located: &Located) -> Option<Target> {
    let place = match &located.place {
        TargetRef::Named(_) => return located.target.clone(),
        TargetRef::Url(_) => return None,
        TargetRef::Alias { .. } | TargetRef::Stage { .. } => &located.place,
    };
    let config = config::load(app.args.config.as_deref(), &app.directory, &config::read_file).ok()??;
    let is_it = |target: &Target| match place {
        TargetRef::Alias { function, alias, .. } => target.functions.contains(function) && target.alias == *alias,
        TargetRef::Stage { stage, .. } => target.stage.as_ref() == Some(stage),
        TargetRef::Named(_) | TargetRef::Url(_) => false,
    };
    let target = config.target(only(&config, &is_it)?, SmokeFiles::Leave).ok()?;
    Some(located.settings.apply(target))
}

/// Whether the file has a target here, be it one of several.
pub fn is_configured(app: &App, located: &Located) -> bool {
    let TargetRef::Alias { function, alias, .. } = &located.place else {
        return matches!(located.place, TargetRef::Named(_));
    };
    let Ok(Some(config)) = config::load(app.args.config.as_deref(), &app.directory, &config::read_file) else {
        return false;
    };
    let has = |target: Target| target.functions.contains(function) && target.alias == *alias;
    config.names().any(|name| config.target(name, SmokeFiles::Leave).is_ok_and(has))
}

/// As [`configured`], with the digests of the files that trigger a deployment. One that cannot be read is said, and is
/// then not noted.
pub fn configured_with_files(app: &App, located: &Located) -> Option<Target> {
    let target = configured(app, located)?;
    let config = config::load(app.args.config.as_deref(), &app.directory, &config::read_file).ok()??;
    match config.target(target.name.as_deref()?, SmokeFiles::Read(&config::read_file)) {
        Ok(read) => Some(Target { redeploy_files: read.redeploy_files, ..target }),
        Err(problem) => {
            app.warn(&problem.level(Level::Warning).why("the deployment does not note what the files were"));
            Some(target)
        }
    }
}

/// The flags that were given and that another command must repeat to mean the same, one by one.
pub(super) fn repeats(args: &Global, env: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let config = args.config.as_ref().map(|path| path.display().to_string());
    let given = [
        ("--config", config.as_ref()),
        ("--profile", args.profile.as_ref()),
        ("--region", args.region.as_ref()),
        ("--endpoint-url", args.endpoint_url.as_ref()),
        ("--account", args.account.as_ref()),
    ];
    let given = given.into_iter().filter_map(|(flag, value)| Some(format!("{flag} {}", shell_word(value?))));
    // What a job assumes with its token, nobody can who pastes the command elsewhere.
    let roles = args.assume_role.iter().filter(|_| IdTokenRequest::from_env(env).is_none());
    given.chain(roles.map(|role| format!("--assume-role {}", shell_word(role)))).collect()
}

/// The same as one text, each with a blank before it.
pub(super) fn repeated(app: &App) -> String {
    repeats(&app.args, &app.env).iter().map(|flag| format!(" {flag}")).collect()
}

/// A text as one word of a shell's command line.
pub(super) fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

impl Located {
    /// The flags that a printed command repeats, each with a blank before it.
    pub fn flags(&self) -> &str {
        &self.flags
    }

    /// Asks AWS which stage answers a URL that does not say so itself, and says how it was found; of any other target
    /// nothing is asked. To be called before what the target means is looked at.
    pub async fn follow<A: Aws, C>(&mut self, app: &App, session: &Session<A, C>) -> Result<Option<Mapped>, Problem> {
        let mapped = self.resolve(app, session).await?;
        app.reporter.aside(&self.found.iter().map(|stage| format!("{} → {stage}\n", self.text)).collect::<String>());
        Ok(mapped)
    }

    /// As [`Located::follow`], for a command that says itself where the URL leads.
    pub async fn resolve<A: Aws, C>(&mut self, app: &App, session: &Session<A, C>) -> Result<Option<Mapped>, Problem> {
        let TargetRef::Url(address) = &self.place else { return Ok(None) };
        if session.account.is_some() {
            check_account(&session.aws, session.account.as_deref()).await?;
        }
        let found = address::find(&session.aws, address, &[]).await?.resolution;
        let refused = |why: String| {
            Problem::new(Code::UnresolvedUrl, format!("cannot tell which stage answers {}", self.text))
                .why(why)
                .fix("name the stage or the alias: API_ID/STAGE or FUNCTION:ALIAS")
        };
        if let Some(rule) = found.passed.iter().find(|rule| rule.why.is_doubtful()) {
            let PassedRule { id, priority, .. } = rule;
            return Err(refused(format!(
                "routing rule {id} (priority {priority}) may take it, or not: AWS does not say"
            )));
        }
        let list = |nothing: &Nothing| match nothing {
            Nothing::UnknownDomain(_) => Some("see which there are: aws apigateway get-domain-names"),
            Nothing::UnknownApi(_) => Some("see which there are: aws apigateway get-rest-apis"),
            _ => None,
        };
        let mapped = found.outcome.map_err(|nothing| {
            let problem = refused(nothing.to_string());
            match list(&nothing) {
                Some(list) => problem.fix(list).fix("or another account or region: --profile NAME --region REGION"),
                None => problem,
            }
        })?;
        let stage = mapped.stage.clone();
        let mut told = String::new();
        for rule in &found.passed {
            let elsewhere = rule.leads_to.as_ref().filter(|other| **other != stage);
            told.extend(elsewhere.map(|other| format!("  with headers of routing rule {} → {other}\n", rule.id)));
        }
        app.reporter.aside(&told);
        self.found = Some(stage.clone());
        self.place = TargetRef::Stage { stage, region: Some(session.region.clone()) };
        Ok(Some(mapped))
    }

    /// What was typed and what it leads to, up to the functions that are behind it.
    pub fn chain(&self, ends: &[String]) -> String {
        let stage = self.stage().map(ToString::to_string).filter(|stage| *stage != self.text);
        let end = Some(ends.join(", ")).filter(|end| *end != self.text && !end.is_empty());
        let parts: Vec<String> = std::iter::once(self.text.clone()).chain(stage).chain(end).collect();
        parts.join(" → ")
    }

    /// A command line about this target: the command, then maybe flags of its own.
    pub fn command(&self, command: &str) -> String {
        let (name, flags) = command.split_once(' ').unwrap_or((command, ""));
        let flags = if flags.is_empty() { String::new() } else { format!(" {flags}") };
        format!("stagegate {name} {}{flags}{}", shell_word(&self.text), self.flags)
    }

    /// A command line of a command with subcommands, about this target.
    pub fn command_in(&self, command: &str) -> String {
        self.command_for(command, &shell_word(&self.text))
    }

    /// A command line about another target, reached the same way.
    pub fn command_for(&self, command: &str, target: &str) -> String {
        format!("stagegate {command} {target}{}", self.flags)
    }

    /// Whether a release is about this target.
    pub fn is_of(&self, plan: &Plan) -> bool {
        match &self.place {
            TargetRef::Named(name) => {
                plan.target.name.as_ref() == Some(name)
                    || self
                        .target
                        .as_ref()
                        .is_some_and(|t| t.functions.iter().any(|function| self.moves(plan, function, &t.alias)))
            }
            TargetRef::Alias { function, alias, account, .. } => {
                self.moves(plan, function, alias) && account.as_ref().is_none_or(|a| *a == plan.account)
            }
            TargetRef::Stage { stage, .. } => plan.target.stage.as_ref() == Some(stage),
            TargetRef::Url(_) => false,
        }
    }

    fn moves(&self, plan: &Plan, function: &FunctionName, alias: &AliasName) -> bool {
        let region = self.settings.region.as_ref();
        plan.target.alias == *alias
            && plan.target.functions.contains(function)
            && region.is_none_or(|region| region.value == plan.region)
    }

    /// The stage that this target is or has.
    pub fn stage(&self) -> Option<&StageRef> {
        match &self.place {
            TargetRef::Stage { stage, .. } => Some(stage),
            _ => self.target.as_ref().and_then(|target| target.stage.as_ref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_command_can_be_pasted() {
        assert_eq!(shell_word("checkout-api:live"), "checkout-api:live");
        assert_eq!(shell_word("my file.toml"), "'my file.toml'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
    }
}
