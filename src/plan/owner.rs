//! What the plan says of everybody else who moves the aliases.

use jiff::Timestamp;

use super::{Notice, Observed};
use crate::aws::noun::{LambdaDeployment, ShiftStatus, Tags};
use crate::definition::LiveApi;
use crate::model::FunctionName;
use crate::model::target::Target;
use crate::ownership::{Facts, Ownership, Place, Seen, SeenStage, Subject, ago, ownership};
use crate::problem::{Code, Problem};

impl Observed {
    /// Who owns what, as far as could be seen.
    pub fn ownership(&self, target: &Target) -> Ownership {
        let subjects = self.members.iter().map(|member| Subject {
            function: &member.function,
            alias_arn: member.alias_arn(&target.alias),
            tags: member.latest.tags.as_ref(),
        });
        let stage = self.stage.as_ref().map(|observed| SeenStage {
            stage: &observed.stage_ref,
            kind: &observed.stage.kind,
            tags: &observed.stage.tags,
            api_tags: api_tags(&observed.live),
            variable: target.alias_variable.as_deref(),
        });
        let (alias, declared, facts) = (&target.alias, target.managed_by, &self.owners);
        ownership(&Seen { alias, subjects: subjects.collect(), stage, declared, facts })
    }
}

fn api_tags(live: &LiveApi) -> &Tags {
    match live {
        LiveApi::Rest(live) => &live.api.tags,
        LiveApi::Http(live) => &live.api.tags,
    }
}

/// What the next update of another tool takes back, and what could not be looked at.
pub(super) fn notices(ownership: &Ownership, target: &Target, notices: &mut Vec<Notice>) {
    let fix = format!("what to write there: stagegate verify {}", target.label());
    let reverted = ownership.warnings().into_iter().map(|line| (Code::RevertedElsewhere, format!("{line}; {fix}")));
    let unseen = ownership.blind_spots().into_iter().map(|line| (Code::OwnerUnseen, line));
    notices.extend(reverted.chain(unseen).map(|(code, text)| Notice { code, text }));
}

/// A deployment of CodeDeploy that is in flight would overwrite what a release writes, and fail by it
/// (aws-semantics §9).
pub(super) fn refuse_active(name: &str, function: &FunctionName, facts: &Facts, at: Timestamp) -> Result<(), Problem> {
    let Some(deployment) = facts.active(function) else { return Ok(()) };
    let LambdaDeployment { id, application, group, created, .. } = deployment;
    let whose = [application, group].into_iter().flatten().cloned().collect::<Vec<_>>().join("/");
    let of = if whose.is_empty() { String::new() } else { format!(" of {whose}") };
    let began = created.map_or_else(String::new, |created| format!(", begun {}", ago(created, at)));
    Err(Problem::new(Code::CodeDeployActive, format!("CodeDeploy is moving {name}"))
        .why(format!("deployment {id}{of} is in flight{began}"))
        .why("it would overwrite what a release writes, and fails when the alias is moved under it")
        .aws_now("unchanged by this run; the deployment is in flight")
        .fix(format!("wait for it: aws deploy wait deployment-successful --deployment-id {id}"))
        .fix(format!("or stop it: aws deploy stop-deployment --deployment-id {id} --auto-rollback-enabled")))
}

/// Who may have left weights that no record explains.
pub(super) fn who_left_weights(function: &FunctionName, facts: &Facts, at: Timestamp) -> String {
    if let Some(deployment) = facts.abandoned(function) {
        let ended = match deployment.status {
            ShiftStatus::Failed => "failed",
            _ => "was stopped",
        };
        let when =
            deployment.completed.or(deployment.created).map_or_else(String::new, |then| format!(" {}", ago(then, at)));
        return format!("no record of stagegate; CodeDeploy {} {ended}{when} and left them", deployment.id);
    }
    let unseen = facts.unseen_at(Place::AbandonedDeployments);
    let blind = unseen.map_or_else(String::new, |why| format!("; CodeDeploy could not be asked: {why}"));
    format!("a canary, a person or a stopped CodeDeploy deployment left these weights{blind}")
}
