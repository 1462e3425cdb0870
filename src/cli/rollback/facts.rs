//! What a person wants to know before they press Enter: since when the version serves, what it goes back to, what the
//! stage loses. Only where somebody is asked: an emergency with `--yes` reads none of it.

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, join, join_all, select};

use super::OFFERED;
use super::choose::Choosing;
use crate::aws::noun::{Function, StageKind};
use crate::aws::operation::{GetDeploymentRoutes, GetFunction};
use crate::aws::{Aws, AwsExt as _, gateway};
use crate::cli::members;
use crate::clock::Clock;
use crate::model::{FunctionName, Version};
use crate::problem::{Exit, Problem};
use crate::report::rollback_text::{Facts, MemberFacts, StageFacts};
use crate::rollback::{Chosen, Emergency, Part, Seen, StageBack, dead};

/// How long somebody at 3 am waits for what is only shown.
const SHOWN_WITHIN: Duration = Duration::from_secs(2);

/// Reads them. A version that cannot serve is found here and not beside the write; where only the stage goes back, no
/// version has to. What is only shown neither stops nor delays the question.
///
/// # Errors
/// Such a version, with those that can be chosen instead; or AWS cannot be read.
pub async fn look<A: Aws, C: Clock>(
    choosing: &Choosing<'_, A, C>,
    emergency: &mut Emergency,
) -> Result<Facts, Problem> {
    let moves = emergency.moves.clone();
    let moved = choosing.seen.iter().zip(&moves).filter(|_| choosing.args.part() != Part::Stage);
    let each = moved.map(|(one, (.., chosen))| member(choosing, one, *chosen));
    let stage = briefly(&choosing.session.clock, stage(choosing, emergency.way.stage.as_ref()));
    let (members, stage) = join(join_all(each), stage).await;
    let members = members.into_iter().collect::<Result<_, _>>()?;
    for alias in &mut emergency.way.aliases {
        alias.check_target = false;
    }
    Ok(Facts { now: choosing.session.clock.now(), members, stage })
}

async fn member<A: Aws, C: Clock>(
    choosing: &Choosing<'_, A, C>,
    one: &Seen,
    chosen: Chosen,
) -> Result<MemberFacts, Problem> {
    let shown = choosing.seen.len() <= OFFERED;
    let serving = Some(one.alias.version).filter(|_| shown);
    let aws = &choosing.session.aws;
    let serving = async { version(aws, &one.function, serving).await.ok().flatten() };
    let serving = briefly(&choosing.session.clock, serving);
    let (serving, back) = join(serving, version(aws, &one.function, chosen.version)).await;
    let back = back?;
    if let Some(version) = chosen.version
        && let Some(problem) = dead(&one.function, &one.name, version, back.as_ref())
    {
        let mut problem = Problem { exit: Exit::Usage, ..problem }.aws_now("unchanged, nothing was written");
        problem.fix.clear();
        let mut others = choosing.offered(one).await?;
        others.retain(|other| other.version != version);
        return Err(choosing.list(problem, one, &others));
    }
    let fits = |known: &crate::rollback::Known| Some(known.from) == chosen.version && known.to == one.alias.version;
    Ok(MemberFacts { since: choosing.since(one), serving, back, known: choosing.known(one).into_iter().find(fits) })
}

/// What is found in time.
async fn briefly<T>(clock: &impl Clock, look: impl Future<Output = Option<T>>) -> Option<T> {
    match select(pin!(look), pin!(clock.sleep(SHOWN_WITHIN))).await {
        Either::Left((found, _)) => found,
        Either::Right(_) => None,
    }
}

async fn version<A: Aws>(
    aws: &A,
    function: &FunctionName,
    version: Option<Version>,
) -> Result<Option<Function>, Problem> {
    let Some(version) = version else { return Ok(None) };
    let qualifier = version.number().map(|n| n.to_string());
    members::ask(aws, GetFunction { function: function.clone(), qualifier }).await
}

/// What the stage serves now, and which routes it loses; nothing where that cannot be read, for nothing hangs on it.
async fn stage<A: Aws, C: Clock>(choosing: &Choosing<'_, A, C>, back: Option<&StageBack>) -> Option<StageFacts> {
    let back = back?;
    let aws = &choosing.session.aws;
    let now = gateway::stage(aws, &back.stage).await.ok()??;
    let before = back.before.deployment.as_ref().filter(|before| **before != now.deployment);
    let drops = match (&now.kind, before) {
        (StageKind::Rest, Some(before)) => {
            let (then, now) = join(routes(aws, back, before), routes(aws, back, &now.deployment)).await;
            then.zip(now).map(|(then, now)| now.difference(&then).cloned().collect())
        }
        _ => None,
    };
    Some(StageFacts { deployment: now.deployment, drops: drops.unwrap_or_default() })
}

async fn routes<A: Aws>(aws: &A, back: &StageBack, deployment: &str) -> Option<BTreeSet<String>> {
    let request = GetDeploymentRoutes { api: back.stage.api.clone(), deployment: deployment.to_owned() };
    aws.send(request).await.ok().flatten()
}
