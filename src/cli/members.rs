//! Which aliases a rollback, an unlock or a look is about: those of the target that carry the same release.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::App;
use super::session::Session;
use super::target::{Located, is_configured};
use crate::aws::Aws;
pub use crate::aws::gateway::find as ask;
use crate::aws::operation::{GetAlias, GetFunction};
use crate::clock::Clock;
use crate::config::TargetRef;
use crate::definition::Marker;
use crate::model::{AliasName, FunctionName, RunId, StageRef, Target};
use crate::problem::{Code, Problem};
use crate::report::text::field;
use crate::rollback::Seen;

/// Aliases read at the same time.
const PARALLEL: usize = 8;
/// Of aliases that do not exist, how many functions are looked at and named.
const LOOKED_AT: usize = 10;

/// A function's alias, by name.
pub type Pair = (FunctionName, AliasName);

/// The aliases that a rollback of this target moves. `named` says that a person names the version.
pub async fn find<A: Aws, C: Clock>(
    app: &App,
    session: &Session<A, C>,
    located: &Located,
    named: bool,
) -> Result<Vec<Seen>, Problem> {
    match (&located.place, &located.target) {
        (TargetRef::Stage { stage, .. }, _) => of_stage(app, session, located, stage, named).await,
        (_, Some(target)) => {
            tell(app, located, &named_aliases(target));
            let pairs = target.functions.iter().map(|function| (function.clone(), target.alias.clone())).collect();
            let seen = read(session, pairs, named).await?;
            if seen.is_empty() {
                return Err(missing(located));
            }
            Ok(newest(app, seen, |_| true))
        }
        (_, None) => Err(missing(located)),
    }
}

/// Says how the target was resolved.
fn tell(app: &App, located: &Located, names: &[String]) {
    app.reporter.aside(&field("", &located.chain(names), app.term().width));
}

fn named_aliases(target: &Target) -> Vec<String> {
    target.functions.iter().map(|function| format!("{function}:{}", target.alias)).collect()
}

/// None of the aliases of a target exists.
pub fn missing(located: &Located) -> Problem {
    let target = located.target.as_ref().map_or_else(
        || located.text.clone(),
        |t| {
            let names: Vec<String> = t.functions.iter().take(5).map(|f| format!("{f}:{}", t.alias)).collect();
            names.join(", ")
        },
    );
    Problem::new(Code::AliasMissing, format!("{target} does not exist here"))
        .why("Lambda answered 404 for the function or the alias in this account and region")
        .fix("check the name, --region and --profile: aws lambda list-aliases --function-name FUNCTION")
}

/// Of aliases that do not exist: a name that nothing here has is a mistake, and must not look like one where all is
/// quiet. An alias that the file has and whose function exists is created by its first release: that is said. What a
/// stage calls is the stage's matter.
///
/// # Errors
/// None of that is so.
pub async fn refuse_missing<A: Aws, C>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    absent: &[&Pair],
) -> Result<(), Problem> {
    if absent.is_empty() || matches!(located.place, TargetRef::Stage { .. }) {
        return Ok(());
    }
    if !is_configured(app, located) {
        return Err(missing(located));
    }
    for (function, _) in absent.iter().take(LOOKED_AT) {
        // Where that may not be read, nothing speaks against it.
        if let Ok(None) = ask(&session.aws, GetFunction { function: function.clone(), qualifier: None }).await {
            return Err(missing_function(function));
        }
    }
    let names: Vec<String> =
        absent.iter().take(LOOKED_AT).map(|(function, alias)| format!("{function}:{alias}")).collect();
    let more = if absent.len() > LOOKED_AT { format!(" and {} more", absent.len() - LOOKED_AT) } else { String::new() };
    let text = format!("no alias yet, the first release creates it: {}{more}", names.join(", "));
    app.reporter.aside(&field("", &text, app.term().width));
    Ok(())
}

/// A function that does not exist.
pub fn missing_function(function: &FunctionName) -> Problem {
    Problem::new(Code::FunctionMissing, format!("function {function} does not exist here"))
        .why("Lambda answered 404 in this account and region")
        .fix("check the name, --region and --profile: aws lambda list-functions --query 'Functions[].FunctionName'")
}

/// Reads aliases; those that do not exist are left out.
pub async fn read<A: Aws, C>(session: &Session<A, C>, pairs: Vec<Pair>, named: bool) -> Result<Vec<Seen>, Problem> {
    let found: Vec<Option<Seen>> = stream::iter(pairs)
        .map(|(function, alias)| async move {
            let found = ask(&session.aws, GetAlias { function: function.clone(), alias: alias.clone() }).await?;
            found.map(|found| Seen::new(function, alias, found, named)).transpose()
        })
        .buffered(PARALLEL)
        .try_collect()
        .await?;
    Ok(found.into_iter().flatten().collect())
}

/// Of the aliases whose record counts, those that carry the newest release. Without any such record, all of them.
fn newest(app: &App, seen: Vec<Seen>, counts: impl Fn(&Seen) -> bool) -> Vec<Seen> {
    let run = |one: &Seen| one.description.record.as_ref().map(|record| record.run.clone());
    let Some(newest) = seen.iter().filter(|one| counts(one)).filter_map(run).max() else { return seen };
    let (ours, others): (Vec<Seen>, Vec<Seen>) = seen.into_iter().partition(|one| run(one).as_ref() == Some(&newest));
    if !others.is_empty() {
        let names: Vec<String> = others.iter().map(Seen::label).collect();
        app.reporter.aside(&format!("not part of {newest}, left alone: {}\n", names.join(", ")));
    }
    ours
}

/// From a stage to the aliases that its routes call, to the release that last moved them for this stage.
async fn of_stage<A: Aws, C: Clock>(
    app: &App,
    session: &Session<A, C>,
    located: &Located,
    stage: &StageRef,
    named: bool,
) -> Result<Vec<Seen>, Problem> {
    let (pairs, deployed_by) = called(app, session, stage).await?;
    let names: Vec<String> = pairs.iter().map(|(function, alias)| format!("{function}:{alias}")).collect();
    let none = ["no alias".to_owned()];
    tell(app, located, if names.is_empty() { &none } else { &names });
    let seen = read(session, pairs, named).await?;
    let counts = |one: &Seen| {
        one.description.record.as_ref().is_some_and(|record| {
            Some(&record.run) == deployed_by.as_ref()
                || record.stage.as_ref().is_some_and(|recorded| recorded.stage == *stage)
        })
    };
    match seen.len() {
        0 => Err(Problem::new(
            Code::AliasMissing,
            format!("{stage} calls no alias that exists in this account and region"),
        )
        .why(if names.is_empty() {
            "none of its integrations names a Lambda alias".into()
        } else {
            format!("it calls {}", names.join(", "))
        })
        .fix("name the alias: stagegate rollback FUNCTION:ALIAS")),
        _ if seen.iter().any(counts) => Ok(newest(app, seen, counts)),
        1 => Ok(seen),
        n => Err(names.iter().take(10).fold(
            Problem::new(
                Code::AmbiguousTarget,
                format!("{stage} calls {n} aliases and none has a record of a release of this stage"),
            )
            .why("which of them shall go back cannot be told"),
            |problem, name| problem.fix(format!("stagegate rollback {name}")),
        )),
    }
}

/// The aliases that a stage calls as its variables are now, and the release that made its deployment.
pub async fn called<A: Aws, C: Clock>(
    app: &App,
    session: &Session<A, C>,
    stage: &StageRef,
) -> Result<(Vec<Pair>, Option<RunId>), Problem> {
    let observer = session.observer(app);
    let (found, deployment) = observer.serving(stage).await?;
    let deployed_by = deployment.description.parse::<Marker>().ok().map(|marker| marker.run);
    let live = observer.live(&stage.api, &found.kind).await?;
    let mut pairs: Vec<Pair> = live
        .routes(&found.variables)
        .iter()
        .filter_map(|route| route.call.lambda())
        .filter(|call| call.region == session.region)
        .filter_map(|call| Some((call.function.parse().ok()?, call.qualifier.as_deref()?.parse().ok()?)))
        .collect();
    pairs.sort();
    pairs.dedup();
    Ok((pairs, deployed_by))
}
