//! The plan for the stage: whether it must be redeployed or re-pointed, and which permissions its routes need.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Notice;
use super::observe::{ObservedMember, ObservedStage};
use crate::aws::noun::{Policy, Stage, StageKind, Statement};
use crate::change::StageSide;
use crate::definition::{self, Caller, Drift, Fingerprint, Resolved, Route, Side, reach};
use crate::model::target::{RedeployWhen, Target};
use crate::model::{AliasName, FunctionName, StageRef};
use crate::policy::{self, Coverage, Document, Need};
use crate::problem::{Code, Problem};

/// The alias variable that the release sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariablePlan {
    /// The variable's name.
    pub name: String,
    /// Its value; `None` = unset.
    pub before: Option<String>,
    /// The alias.
    pub want: String,
}

impl ObservedStage {
    /// What a redeploy would publish, and what the comparison could not see.
    pub fn drift(&self) -> Drift {
        if self.stage.kind.is_auto_deployed() {
            return Drift::default();
        }
        let (deployed, live) = self.exports.as_ref().map(|both| (&both.deployed, both.live.as_ref())).unzip();
        let deployed = Side::deployed(&self.stage.kind, &self.deployment.description, deployed);
        definition::drift(&deployed, &Side::live(&self.live, live.flatten()))
    }
}

impl ObservedStage {
    /// What the deployment that it serves calls with these variables; `None` when that cannot be known: API Gateway gives
    /// no export of it, or it was never deployed.
    pub fn served(&self, variables: &BTreeMap<String, String>) -> Option<Vec<Route>> {
        let Self { stage, live, .. } = self;
        let proven = |marker: definition::Marker| marker.fingerprint == live.fingerprint();
        match &self.exports {
            Some(both) => Some(definition::served::routes(&both.deployed, live, variables)),
            None if stage.deployment.is_empty() => None,
            None if stage.kind.is_auto_deployed() || self.deployment.description.parse().is_ok_and(proven) => {
                Some(live.routes(variables))
            }
            None => None,
        }
    }
}

/// What the release does with the stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StagePlan {
    /// The stage.
    pub stage: StageRef,
    /// As it is.
    pub before: Stage,
    /// The fingerprint of the definition to deploy; absent when what is deployed stays.
    pub redeploy: Option<Fingerprint>,
    /// Why, line by line: what the live definition has and the stage does not serve.
    pub differences: Vec<String>,
    /// Kinds of edits that could not be looked for.
    #[serde(default)]
    pub unseen: Vec<String>,
    /// The alias variable, if it must be set.
    pub variable: Option<VariablePlan>,
    /// The fingerprint of the live definition as read: if it changes, the plan is stale.
    pub live: Fingerprint,
}

impl StagePlan {
    /// Whether the stage is written to.
    pub const fn changes(&self) -> bool {
        self.redeploy.is_some() || self.variable.is_some()
    }

    /// What the release touches, as it is.
    pub fn before_side(&self) -> StageSide {
        StageSide {
            deployment: self.redeploy.as_ref().map(|_| self.before.deployment.clone()),
            variable: self.variable.as_ref().map(|v| (v.name.clone(), v.before.clone())),
            canary: None,
        }
    }

    /// What the release touches, as it shall be.
    pub fn want_side(&self, deployment: Option<String>) -> StageSide {
        let variable = self.variable.as_ref().map(|v| (v.name.clone(), Some(v.want.clone())));
        StageSide { deployment, variable, canary: None }
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.before.kind.is_auto_deployed() {
            lines.push(format!(
                "{} deploys every edit of its API by itself (autoDeploy): nothing to redeploy",
                self.stage
            ));
        } else {
            lines.push(self.redeploy_line());
        }
        lines.extend(self.differences.iter().map(|d| format!("  {d}")));
        if let Some(VariablePlan { name, before, want }) = &self.variable {
            lines.push(format!("  ~ variable {name} {} → {want}", before.as_deref().unwrap_or("(unset)")));
        }
        lines
    }

    fn redeploy_line(&self) -> String {
        match (&self.redeploy, self.differences.len()) {
            (None, 0) if self.unseen.is_empty() => format!("{} serves the live definition", self.stage),
            (None, 0) => format!("{} serves the live definition, as far as its export shows", self.stage),
            (None, n) => format!("{} is {} behind the live definition and stays so", self.stage, count(n, "change")),
            (Some(_), 0) => format!("{} gets a new deployment (redeploy.when = \"always\")", self.stage),
            (Some(_), n) => format!("{} is {} behind the live definition", self.stage, count(n, "change")),
        }
    }
}

pub(super) fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// The stage's variables as they will be.
pub(super) fn variables(target: &Target, stage: &Stage) -> BTreeMap<String, String> {
    let mut variables = stage.variables.clone();
    if let Some(name) = &target.alias_variable {
        variables.insert(name.clone(), target.alias.to_string());
    }
    variables
}

/// Makes the plan for the stage, or says why there is none.
pub(super) fn plan(target: &Target, observed: &ObservedStage, notices: &mut Vec<Notice>) -> Result<StagePlan, Problem> {
    let ObservedStage { stage_ref, stage, .. } = observed;
    refuse_canary(stage_ref, stage)?;
    refuse_undeployed(observed)?;
    notice_failed_deployment(observed, notices);
    let fingerprint = observed.live.fingerprint();
    let drift = observed.drift();
    let differences: Vec<String> = drift.differences.iter().map(ToString::to_string).collect();
    if let Some(blind) = drift.blind_spots() {
        notices.push(Notice { code: Code::UnseenEdits, text: format!("{stage_ref} is {blind}") });
    }
    let wanted = match target.redeploy {
        _ if stage.kind.is_auto_deployed() => false,
        RedeployWhen::Always => true,
        RedeployWhen::IfChanged => !differences.is_empty(),
        RedeployWhen::Never => false,
    };
    if !differences.is_empty() && target.redeploy == RedeployWhen::Never {
        notices.push(Notice {
            code: Code::ForeignEdits,
            text: format!("{stage_ref} is behind the live definition and redeploy.when is \"never\""),
        });
    } else if wanted && !differences.is_empty() {
        notices.push(Notice {
            code: Code::ForeignEdits,
            text: format!("redeploying {stage_ref} publishes every pending edit of the API, whoever made it"),
        });
    }
    let variable = target.alias_variable.as_ref().and_then(|name| {
        let before = stage.variables.get(name).cloned();
        let want = target.alias.to_string();
        (before.as_ref() != Some(&want)).then(|| VariablePlan { name: name.clone(), before, want })
    });
    Ok(StagePlan {
        stage: stage_ref.clone(),
        before: stage.clone(),
        redeploy: wanted.then(|| fingerprint.clone()),
        differences,
        unseen: drift.unseen.iter().map(ToString::to_string).collect(),
        variable,
        live: fingerprint,
    })
}

/// A stage that serves nothing yet could not be put back: API Gateway has no way to take a deployment off a stage.
fn refuse_undeployed(observed: &ObservedStage) -> Result<(), Problem> {
    let ObservedStage { stage_ref, stage, .. } = observed;
    if stage.kind.is_rest() || stage.kind.is_auto_deployed() || !stage.deployment.is_empty() {
        return Ok(());
    }
    Err(Problem::new(Code::Unsupported, format!("stage {stage_ref} was never deployed"))
        .why("a release must be able to go back to what served before, and API Gateway cannot take a deployment off a stage")
        .fix(format!("deploy it once: stagegate redeploy '{stage_ref}'")))
}

/// An automatic deployment that failed leaves the stage on an older definition, which no release changes.
pub(super) fn notice_failed_deployment(observed: &ObservedStage, notices: &mut Vec<Notice>) {
    let StageKind::Http { auto_deploy: true, last_deployment: Some(said) } = &observed.stage.kind else { return };
    if said.to_ascii_lowercase().contains("fail") {
        let text =
            format!("{} serves an older definition: its last automatic deployment failed: {said}", observed.stage_ref);
        notices.push(Notice { code: Code::DeploymentRefused, text });
    }
}

/// A canary that is attached, also at 0 %, splits traffic or refuses a new deployment (aws-semantics §6.3).
pub(super) fn refuse_canary(stage_ref: &StageRef, stage: &Stage) -> Result<(), Problem> {
    let Some(canary) = &stage.canary else { return Ok(()) };
    let on_trial = canary.deployment.as_deref().unwrap_or(&stage.deployment);
    Err(Problem::new(Code::StaleStageCanary, format!("stage {stage_ref} has a canary, and not of this release"))
        .why(format!("{} % of requests go to deployment {on_trial}", canary.percent))
        .why("API Gateway keeps a canary attached, even after it was promoted, until it is removed")
        .fix(format!("keep {}: stagegate canary clear {stage_ref}", stage.deployment))
        .fix(format!("keep {on_trial}: stagegate canary promote {stage_ref}")))
}

/// Routes of the target's functions must reach the alias, through variables that are set.
pub(super) fn check_reach(
    target: &Target,
    observed: &ObservedStage,
    region: &str,
    notices: &mut Vec<Notice>,
) -> Result<(), Problem> {
    let variables = variables(target, &observed.stage);
    let routes = observed.live.routes(&variables);
    let names: Vec<&str> = target.functions.iter().map(FunctionName::as_str).collect();
    if let Some(route) = reach::unset(&routes, &names).first() {
        return Err(unset_variable(route, observed, target, region));
    }
    for function in &target.functions {
        let through = reach::reaching(&routes, function.as_str(), target.alias.as_str());
        let latest = reach::unqualified(&routes, function.as_str());
        match (through.is_empty(), latest.first()) {
            (true, Some(route)) => return Err(unqualified(route, function, target, observed)),
            (false, Some(route)) => notices.push(Notice {
                code: Code::UnqualifiedIntegration,
                text: format!("{} calls {function} without an alias: no release changes what it runs", route.caller),
            }),
            (true, None) => notices.push(Notice {
                code: Code::UnqualifiedIntegration,
                text: format!("no route of {} calls {function}:{}", observed.stage_ref, target.alias),
            }),
            (false, None) => {}
        }
    }
    Ok(())
}

fn unset_variable(route: &Route, observed: &ObservedStage, target: &Target, region: &str) -> Problem {
    let Resolved::UnsetVariable { names, .. } = &route.call else {
        return Problem::new(Code::StageVariableUnset, format!("{} hangs on an unset stage variable", route.caller));
    };
    let StageRef { api, stage } = &observed.stage_ref;
    let name = names.first().map_or("NAME", String::as_str);
    Problem::new(Code::StageVariableUnset, format!("{} needs stage variable {name}, which {} does not set", route.caller, observed.stage_ref))
        .why(format!("the integration calls {}", definition::integration::short(&route.uri)))
        .why("API Gateway puts the empty string in its place and every request fails")
        .fix(format!("let the release set it: alias_variable = \"{name}\" in target {}", target.label()))
        .fix(match observed.stage.kind {
            StageKind::Rest => format!("or set it: aws apigateway update-stage --region {region} --rest-api-id {api} --stage-name {stage} --patch-operations op=replace,path=/variables/{name},value=VALUE"),
            StageKind::Http { .. } => format!("or set it: aws apigatewayv2 update-stage --region {region} --api-id {api} --stage-name '{stage}' --stage-variables {name}=VALUE"),
        })
}

fn unqualified(route: &Route, function: &FunctionName, target: &Target, observed: &ObservedStage) -> Problem {
    let name = target.alias_variable.as_deref().unwrap_or("lambdaAlias");
    Problem::new(
        Code::UnqualifiedIntegration,
        format!("{} calls {function} itself, not the alias {}", route.caller, target.alias),
    )
    .why(format!(
        "no route of {} goes through {function}:{}, so moving the alias would change nothing",
        observed.stage_ref, target.alias
    ))
    .fix(format!("point the integration at {function}:${{stageVariables.{name}}} and set alias_variable = \"{name}\""))
}

/// An alias whose policy is looked at.
pub(super) struct Grantee<'a> {
    pub function: &'a FunctionName,
    pub alias: &'a AliasName,
    pub arn: &'a str,
    pub policy: Option<&'a Policy>,
}

/// The statements that are missing from the policy of a member's alias for the routes that will reach it.
pub(super) fn grants(
    observed: &ObservedStage,
    member: &ObservedMember,
    alias_arn: &str,
    target: &Target,
    region: &str,
) -> Result<Vec<Statement>, Problem> {
    let place = Place::of(alias_arn, region, &observed.stage_ref);
    let (function, alias, policy) = (&member.function, &target.alias, member.policy.as_ref());
    let subject = Grantee { function, alias, arn: alias_arn, policy };
    missing_statements(observed, &subject, &variables(target, &observed.stage), &place)
}

/// The statements that are missing from an alias's policy for the routes that reach it with these variables.
pub(super) fn missing_statements(
    observed: &ObservedStage,
    subject: &Grantee<'_>,
    variables: &BTreeMap<String, String>,
    place: &Place,
) -> Result<Vec<Statement>, Problem> {
    let alias_arn = subject.arn;
    let text = subject.policy.map(|p| p.document.as_str());
    let document = match text.map(Document::parse).transpose() {
        Ok(document) => document.unwrap_or_default(),
        Err(error) => {
            return Err(Problem::new(Code::InvokeBlocked, format!("the policy of {alias_arn} cannot be evaluated"))
                .why(error.to_string()));
        }
    };
    let routes = observed.live.routes(variables);
    let mut missing: Vec<Statement> = Vec::new();
    for route in reach::reaching_arn(&routes, alias_arn) {
        if route.credentials {
            continue;
        }
        let (required, statement) = place.need(&route.caller);
        let need = Need { alias_arn, source: &required, account: &place.account };
        match policy::coverage(&document, &need) {
            Coverage::Covered { .. } => {}
            Coverage::Missing { .. } if missing.contains(&statement) => {}
            Coverage::Missing { .. } => missing.push(statement),
            Coverage::Blocked { sid, why } => return Err(blocked(route, alias_arn, sid.as_deref(), &why)),
        }
    }
    let size = policy::size_after(text, alias_arn, &missing);
    if missing.is_empty() || size <= policy::LIMIT {
        return Ok(missing);
    }
    Err(no_room(size, &policy::redundant(&document, alias_arn), subject, &observed.stage_ref))
}

fn blocked(route: &Route, alias_arn: &str, sid: Option<&str>, why: &str) -> Problem {
    let sid = sid.unwrap_or("(without id)");
    Problem::new(
        Code::InvokeBlocked,
        format!("{} would answer 500: the policy of the alias denies the call, or may", route.caller),
    )
    .why(format!("statement {sid} of {alias_arn}: {why}"))
    .fix("change or remove that statement; whoever owns the policy document must do it")
}

fn no_room(size: usize, redundant: &[String], subject: &Grantee<'_>, stage: &StageRef) -> Problem {
    let Grantee { function, alias, .. } = subject;
    let problem = Problem::new(
        Code::PolicyTooLarge,
        format!("the policy of {function}:{alias} has no room for another statement"),
    )
    .why(format!("it would be {size} bytes, AWS allows {}", policy::LIMIT));
    problem.fix(if redundant.is_empty() {
        format!(
            "remove what nothing needs, those of others too: stagegate permission prune {function}:{alias} --foreign"
        )
    } else {
        format!("make room, without a window: stagegate permission grant '{stage}'")
    })
}

/// Where the calls come from: what an API's source ARNs are made of.
pub struct Place {
    partition: String,
    region: String,
    /// The API's account.
    account: String,
    stage: StageRef,
}

impl Place {
    /// The partition and account of an alias's ARN, with a stage in a region.
    pub fn of(alias_arn: &str, region: &str, stage: &StageRef) -> Self {
        let part = |n: usize| alias_arn.split(':').nth(n).unwrap_or_default().to_owned();
        Self { partition: part(1), region: region.to_owned(), account: part(4), stage: stage.clone() }
    }

    /// The statement that lets every route of the stage call the alias: one for all of them saves room.
    pub fn stage_statement(&self) -> Statement {
        let Self { partition, region, account, stage: StageRef { api, stage } } = self;
        let source = policy::stage_arn(partition, region, account, api.as_str(), stage.as_str());
        policy::route_statement(api.as_str(), stage.as_str(), &source)
    }

    /// The API's account, 12 digits.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The source that a caller uses, and the statement that allows it.
    pub fn need(&self, caller: &Caller) -> (String, Statement) {
        let Self { partition, region, account, stage: StageRef { api, stage } } = self;
        match caller {
            Caller::Method { method, path } => (
                policy::source_arn(partition, region, account, api.as_str(), stage.as_str(), method, path),
                self.stage_statement(),
            ),
            Caller::HttpRoute { key } => (
                policy::http_route_arn(partition, region, account, api.as_str(), stage.as_str(), key),
                self.stage_statement(),
            ),
            Caller::Authorizer { id, .. } => {
                let source = policy::authorizer_arn(partition, region, account, api.as_str(), id);
                let statement = policy::authorizer_statement(api.as_str(), &source);
                (source, statement)
            }
        }
    }
}
