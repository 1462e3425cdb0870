//! What is released: asked where somebody can be asked, decided by flags and by what is live elsewhere.

use super::Found;
use crate::cli::args::InitArgs;
use crate::cli::target::{Located, shell_word};
use crate::cli::{App, prompt};
use crate::config::{TargetRef, check_target_name, nearest};
use crate::discover::{ALIAS, ALIAS_VARIABLE, Called, Through};
use crate::model::{AliasName, FunctionName, InvalidName, StageName};
use crate::problem::{Code, Problem};
use crate::report::init_text::way;
use crate::report::text::cut;

/// Words in a name that say that clients depend on it.
const PRODUCTION: [&str; 6] = ["prod", "production", "prd", "live", "main", "default"];

/// What shall be released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The functions, at least one.
    pub functions: Vec<FunctionName>,
    /// Their alias.
    pub alias: AliasName,
    /// The stage variable that holds it, or shall.
    pub variable: Option<String>,
    /// How the stage finds it now; none without a stage.
    pub through: Option<Through>,
}

/// Whether a target is protected unless somebody says otherwise.
pub fn looks_like_production(name: &str, alias: &AliasName) -> bool {
    let says_so = |text: &str| {
        text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| PRODUCTION.contains(&word.to_lowercase().as_str()))
    };
    says_so(name) || says_so(alias.as_str())
}

/// What the target is called.
pub async fn name(app: &App, args: &InitArgs, located: &Located) -> Result<String, Problem> {
    if let Some(name) = &args.name {
        check_target_name(name)?;
        return Ok(name.clone());
    }
    let usual = usual_name(located);
    if !app.can_prompt() {
        return Ok(usual);
    }
    loop {
        let typed = prompt::input(app, "Name of the target", &usual).await?;
        match check_target_name(&typed) {
            Ok(()) => return Ok(typed),
            Err(problem) => app.reporter.say(&format!("{}\n", problem.what)),
        }
    }
}

/// As the stage is called, or else the alias.
fn usual_name(located: &Located) -> String {
    let name = match (&located.place, located.stage()) {
        (_, Some(stage)) => stage.stage.to_string(),
        (TargetRef::Alias { alias, .. }, None) => alias.to_string(),
        (_, None) => String::new(),
    };
    let name = name.trim_start_matches('$');
    if check_target_name(name).is_ok() { name.to_owned() } else { "prod".to_owned() }
}

/// Functions, alias and variable.
pub async fn choose(app: &App, args: &InitArgs, located: &Located, found: &Found) -> Result<Choice, Problem> {
    let named = parsed(&args.functions, "--function")?;
    let alias: Option<AliasName> =
        args.alias.as_ref().map(|text| text.parse()).transpose().map_err(|e| bad("--alias", &e))?;
    if let (TargetRef::Alias { function, alias: own, .. }, None) = (&located.place, &found.stage) {
        if alias.as_ref().is_some_and(|alias| alias != own) {
            return Err(Problem::new(
                Code::BadOption,
                format!("{} names its alias, and --alias another", located.text),
            )
            .fix("leave --alias out"));
        }
        let mut functions = vec![function.clone()];
        functions.extend(named.into_iter().filter(|other| other != function));
        return Ok(Choice { functions, alias: own.clone(), variable: None, through: None });
    }
    let (called, functions) = match named.first() {
        Some(first) => (of_flags(found, &named, first)?, named),
        None => asked(app, found).await?,
    };
    let alias = decide(app, alias, &called.through, found).await?;
    let variable = match &called.through {
        Through::Variable { name, .. } => Some(name.clone()),
        Through::Alias { .. } => None,
        Through::Latest | Through::Version { .. } => Some(variable_of(found)),
    };
    Ok(Choice { functions, alias, variable, through: Some(called.through.clone()) })
}

fn parsed(texts: &[String], flag: &str) -> Result<Vec<FunctionName>, Problem> {
    let mut names: Vec<FunctionName> = Vec::new();
    for text in texts {
        let name = text.parse().map_err(|error| bad(flag, &error))?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

fn bad(flag: &str, error: &InvalidName) -> Problem {
    Problem::new(Code::BadOption, format!("{flag}: {error}")).fix(format!("correct {flag}"))
}

/// The way that leads to all functions that flags name.
fn of_flags<'f>(found: &'f Found, named: &[FunctionName], first: &FunctionName) -> Result<&'f Called, Problem> {
    let ways = &found.ways;
    for function in named {
        if ways.of(function).is_none() {
            let known: Vec<&str> =
                ways.called.iter().flat_map(|way| way.functions.keys()).map(FunctionName::as_str).collect();
            let problem = Problem::new(Code::BadOption, format!("the stage does not call --function {function}"));
            let problem = match (known.is_empty(), nearest(function.as_str(), known.iter().copied())) {
                (true, _) => problem.why("it calls no function at all"),
                (false, Some(near)) => problem.why(format!("did you mean `{near}`?")),
                (false, None) => problem.why(format!("it calls {}", known.join(", "))),
            };
            return Err(problem.fix("release the alias alone, without a stage: stagegate init FUNCTION:ALIAS"));
        }
    }
    let way = ways.of(first).ok_or_else(|| nothing(found))?;
    match named.iter().find(|function| ways.of(function) != Some(way)) {
        None => Ok(way),
        Some(other) => {
            Err(Problem::new(Code::BadOption, format!("{first} and {other} are not called by the same alias"))
                .why("a target is several functions and one alias of theirs")
                .fix("make a target of each: stagegate init API/STAGE --name NAME --function FUNCTION"))
        }
    }
}

fn nothing(found: &Found) -> Problem {
    let stage = found.stage.as_ref().map(|stage| stage.stage_ref.to_string()).unwrap_or_default();
    let mut problem = Problem::new(Code::NothingToRelease, format!("{stage} calls no function that can be released"));
    for note in found.ways.notes.iter().take(5) {
        problem = problem.why(note);
    }
    match found.ways.elsewhere {
        0 if found.ways.notes.is_empty() => problem = problem.why("its API has no route with an integration"),
        0 => {}
        routes => problem = problem.why(format!("{routes} of its routes call HTTP, other AWS services or nothing")),
    }
    problem
        .fix(format!("see what it calls: stagegate permission list {}", shell_word(&stage)))
        .fix("or release an alias alone, without a stage: stagegate init FUNCTION:ALIAS")
}

/// The likeliest way with all its functions, or what a person chooses.
async fn asked<'f>(app: &App, found: &'f Found) -> Result<(&'f Called, Vec<FunctionName>), Problem> {
    let called = &found.ways.called;
    let first = called.first().ok_or_else(|| nothing(found))?;
    let chosen = match (app.can_prompt(), called.len()) {
        (false, _) | (true, 1) => first,
        (true, _) => {
            let room = app.term().width.saturating_sub(4);
            let items = called.iter().map(|called| cut(&way(called), room)).collect();
            let chosen = prompt::select(app, "Which functions shall be released?", items).await?;
            chosen.and_then(|at| called.get(at)).ok_or_else(prompt::left)?
        }
    };
    let all: Vec<FunctionName> = chosen.functions.keys().cloned().collect();
    if !app.can_prompt() || all.len() == 1 {
        return Ok((chosen, all));
    }
    let items = all.iter().map(ToString::to_string).collect();
    let some = prompt::several(app, "Released as one (Space chooses, Enter agrees)", items).await?;
    let some = some.filter(|some| !some.is_empty()).ok_or_else(prompt::left)?;
    Ok((chosen, some.into_iter().filter_map(|at| all.get(at).cloned()).collect()))
}

/// The alias: what the stage calls, what a flag says, or what a person types.
async fn decide(app: &App, flag: Option<AliasName>, through: &Through, found: &Found) -> Result<AliasName, Problem> {
    match (flag, through.alias(), through) {
        (Some(flag), Some(called), Through::Alias { .. }) if flag != *called => Err(Problem::new(
            Code::BadOption,
            format!("the integrations name the alias {called}, and --alias says {flag}"),
        )
        .why("a release moves the alias that is called")
        .fix("leave --alias out")),
        (Some(flag), ..) => Ok(flag),
        (None, Some(called), _) => Ok(called.clone()),
        (None, None, _) => {
            let usual = found.stage.as_ref().map(|stage| usual_alias(&stage.stage_ref.stage, through));
            let usual = usual.unwrap_or_else(|| ALIAS.to_owned());
            if !app.can_prompt() {
                return usual.parse().map_err(|error| bad("--alias", &error));
            }
            loop {
                let typed = prompt::input(app, "Alias that a release moves", &usual).await?;
                match typed.parse() {
                    Ok(alias) => return Ok(alias),
                    Err(error) => app.reporter.say(&format!("{error}\n")),
                }
            }
        }
    }
}

/// Of a stage whose variable says nothing: the stage's own name, so that each stage has an alias of its own.
fn usual_alias(stage: &StageName, through: &Through) -> String {
    let own = matches!(through, Through::Variable { .. }) && stage.as_str().parse::<AliasName>().is_ok();
    if own { stage.to_string() } else { ALIAS.to_owned() }
}

/// The variable that other integrations of the stage take their alias from, or else the usual one.
fn variable_of(found: &Found) -> String {
    let known = found.ways.called.iter().find_map(|way| match &way.through {
        Through::Variable { name, .. } => Some(name.clone()),
        Through::Alias { .. } | Through::Latest | Through::Version { .. } => None,
    });
    known.unwrap_or_else(|| ALIAS_VARIABLE.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_depend_on_is_recognised_by_its_name() {
        let live = |name: &str, alias: &str| looks_like_production(name, &alias.parse().unwrap());
        for (name, alias) in [("prod", "a"), ("eu-Production", "a"), ("blue", "live"), ("default", "a"), ("prd_2", "a")]
        {
            assert!(live(name, alias), "{name} {alias}");
        }
        for (name, alias) in [("staging", "staging"), ("dev", "beta"), ("products", "a")] {
            assert!(!live(name, alias), "{name} {alias}");
        }
    }
}
