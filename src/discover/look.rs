//! Reading what the place and the functions are.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;

use super::{LiveStage, Serving};
use crate::aws::noun::Alias;
use crate::aws::operation::{GetAlias, GetFunction};
use crate::aws::{Aws, gateway};
use crate::clock::Clock;
use crate::model::{AliasName, FunctionName, StageRef, Version};
use crate::plan::{Observer, function_state};
use crate::problem::Problem;

/// Functions read at the same time.
const PARALLEL: usize = 8;

/// A function that shall be released, as it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Function {
    /// Its name.
    pub name: FunctionName,
    /// Base64 SHA-256 of what was uploaded last.
    pub code_sha256: String,
    /// What its alias serves; none when there is no such alias.
    pub serving: Option<Serving>,
    /// What would make a release of it wait or fail now.
    pub trouble: Option<Problem>,
}

/// A stage with the live definition of its API.
///
/// # Errors
/// It does not exist, or AWS cannot be read.
pub async fn look_at<A: Aws, C: Clock>(
    observer: &Observer<'_, A, C>,
    stage_ref: &StageRef,
    domain: Option<String>,
) -> Result<LiveStage, Problem> {
    let stage = gateway::existing_stage(observer.aws, stage_ref).await?;
    let live = observer.live(&stage_ref.api, &stage.kind).await?;
    Ok(LiveStage { stage_ref: stage_ref.clone(), stage, live, domain })
}

/// The functions with what their alias serves.
///
/// # Errors
/// One of the functions does not exist, or AWS cannot be read.
pub async fn alias_of<A: Aws>(
    aws: &A,
    functions: &[FunctionName],
    alias: &AliasName,
) -> Result<Vec<Function>, Problem> {
    stream::iter(functions).map(|name| function(aws, name, alias)).buffered(PARALLEL).try_collect().await
}

/// A function with what its alias serves.
///
/// # Errors
/// It does not exist, or AWS cannot be read.
pub async fn function<A: Aws>(aws: &A, name: &FunctionName, alias: &AliasName) -> Result<Function, Problem> {
    let latest = GetFunction { function: name.clone(), qualifier: None };
    let latest = gateway::find(aws, latest).await?.ok_or_else(|| function_state::missing(name))?;
    let found = gateway::find(aws, GetAlias { function: name.clone(), alias: alias.clone() }).await?;
    Ok(Function {
        name: name.clone(),
        serving: found.as_ref().map(serving),
        trouble: function_state::trouble(name, &latest),
        code_sha256: latest.code_sha256,
    })
}

fn serving(alias: &Alias) -> Serving {
    let taken: f64 = alias.weights.values().sum();
    let mut shares = vec![(alias.version.label(), (1.0 - taken) * 100.0)];
    shares.extend(alias.weights.iter().map(|(version, share)| (format!("v{version}"), share * 100.0)));
    Serving {
        split: !alias.weights.is_empty(),
        latest: alias.version == Version::Latest,
        shares: shares.into_iter().map(|(version, share)| (version, (share * 100.0).round() / 100.0)).collect(),
    }
}
