//! What is left of a release after its aliases went back elsewhere: whoever moved them may have left the rest.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::aws::operation::GetPolicy;
use crate::aws::{Aws, gateway};
use crate::cli::members::ask;
use crate::cli::session::Session;
use crate::engine::Cause;
use crate::journal::Summary;
use crate::policy;
use crate::problem::Problem;
use crate::rollback::{GrantBack, StageBack, WayBack};

/// Policies read at the same time.
const PARALLEL: usize = 8;

/// What the journal of a release announced besides its aliases and AWS still holds, each as people call it: the stage
/// where it still has what the release put there, and statements. What a canary of the stage leaves to `gc` is not meant.
///
/// # Errors
/// AWS cannot be read.
pub async fn left<A: Aws, C>(session: &Session<A, C>, summary: &Summary) -> Result<Vec<String>, Problem> {
    let Some(plan) = &summary.progress.plan else { return Ok(Vec::new()) };
    let way = WayBack::from_journal(plan, &summary.progress, Cause::Failed);
    let mut left = Vec::new();
    if let Some(back) = way.stage.as_ref().filter(|stage| stage.has_anything())
        && is_left(session, back).await?
    {
        left.push(format!("stage {}", back.stage));
    }
    let there = |grant| async move { Ok::<_, Problem>(is_there(session, grant).await?.then_some(grant)) };
    let grants: Vec<Option<&GrantBack>> = stream::iter(&way.grants).map(there).buffered(PARALLEL).try_collect().await?;
    left.extend(
        grants.into_iter().flatten().map(|one| format!("statement {} of {}:{}", one.sid, one.function, one.alias)),
    );
    Ok(left)
}

/// Whether the stage still has anything that the release put there.
async fn is_left<A: Aws, C>(session: &Session<A, C>, back: &StageBack) -> Result<bool, Problem> {
    let Some(now) = gateway::stage(&session.aws, &back.stage).await? else { return Ok(false) };
    let (side, _) = back.before.back_from(&back.ours, &now);
    Ok(side.write(&back.stage, &now).is_some())
}

async fn is_there<A: Aws, C>(session: &Session<A, C>, grant: &GrantBack) -> Result<bool, Problem> {
    let request = GetPolicy { function: grant.function.clone(), alias: grant.alias.clone() };
    let found = ask(&session.aws, request).await?;
    Ok(found.is_some_and(|policy| policy::statement_ids(&policy.document).contains(&grant.sid)))
}
