//! The pipeline, declared once. Planner, executor, rollback, `explain` and the IAM policy read these declarations.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::Operation;
use crate::aws::Operation as Op;

/// The steps of a release, in the order they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// Make the version.
    Publish,
    /// Run it before any traffic.
    Smoke,
    /// Claim and move the alias.
    Alias,
    /// Let the API invoke the alias.
    Permission,
    /// Make the stage serve the live definition, through the alias.
    Redeploy,
    /// Shift traffic step by step, each step judged.
    Canary,
    /// Read everything back and close the record.
    Promote,
}

/// What a step is: the one place that says what it reads, writes and writes back.
#[derive(Debug)]
pub struct Declaration {
    /// Which step.
    pub kind: StepKind,
    /// Its name on the command line and in every output.
    pub name: &'static str,
    /// What it does, one line.
    pub does: &'static str,
    /// How it is undone, one line.
    pub undo: &'static str,
    /// What it observes, before and after its writes.
    pub observes: &'static [Operation],
    /// The writes that get there.
    pub writes: &'static [Operation],
    /// The writes that go back.
    pub writes_back: &'static [Operation],
}

/// All steps, in order.
pub const PIPELINE: &[Declaration] = &[
    Declaration {
        kind: StepKind::Publish,
        name: "publish",
        does: "publish $LATEST as a new version, or take a version that exists; wait until it is Active",
        undo: "none: a version without traffic harms nobody and is kept as evidence",
        observes: &[Op::GetFunction, Op::ListVersionsByFunction],
        writes: &[Op::PublishVersion],
        writes_back: &[],
    },
    Declaration {
        kind: StepKind::Smoke,
        name: "smoke",
        does: "invoke the version by its number with your events, before it has traffic",
        undo: "none",
        observes: &[],
        writes: &[Op::Invoke],
        writes_back: &[],
    },
    Declaration {
        kind: StepKind::Alias,
        name: "alias",
        does: "point the alias at the version and write the record, in one guarded call; with a canary, only claim it",
        undo: "the previous version, weights and description; an alias that the release created is deleted last",
        observes: &[
            Op::GetAlias,
            Op::GetProvisionedConcurrencyConfig,
            Op::ListDeployments,
            Op::BatchGetDeployments,
            Op::ListDeploymentTargets,
            Op::BatchGetDeploymentTargets,
            Op::DescribeStackResources,
        ],
        writes: &[Op::CreateAlias, Op::UpdateAlias],
        writes_back: &[Op::UpdateAlias, Op::DeleteAlias],
    },
    Declaration {
        kind: StepKind::Permission,
        name: "permission",
        does: "prove from the alias's own policy that the API may invoke it, and grant what is missing",
        undo: "remove the statements that this release added",
        observes: &[Op::GetPolicy],
        writes: &[Op::AddPermission],
        writes_back: &[Op::RemovePermission],
    },
    Declaration {
        kind: StepKind::Redeploy,
        name: "redeploy",
        does: "when the live definition differs from what the stage serves: take a snapshot, then point the stage at it; set the alias variable",
        undo: "point the stage at the previous deployment and variable; never a new deployment",
        observes: &[
            Op::GetRestApi,
            Op::GetResources,
            Op::GetModels,
            Op::GetAuthorizers,
            Op::GetRequestValidators,
            Op::GetGatewayResponses,
            Op::GetStage,
            Op::GetStages,
            Op::GetDeployment,
            Op::GetDeployments,
            Op::GetExport,
            Op::GetApi,
            Op::GetRoutes,
            Op::GetIntegrations,
            Op::GetHttpAuthorizers,
            Op::GetHttpStage,
            Op::GetHttpStages,
            Op::GetHttpDeployment,
            Op::GetHttpDeployments,
            Op::ExportApi,
        ],
        writes: &[
            Op::CreateDeployment,
            Op::UpdateStage,
            Op::CreateHttpDeployment,
            Op::UpdateHttpStage,
            Op::InvokeStage,
        ],
        writes_back: &[Op::UpdateStage, Op::UpdateHttpStage],
    },
    Declaration {
        kind: StepKind::Canary,
        name: "canary",
        does: "give the version a share of the traffic, step by step, and judge each step by CloudWatch's metrics and alarms",
        undo: "weights or canary are removed: the version that served before gets everything back",
        observes: &[Op::GetAlias, Op::GetStage, Op::GetMetricData, Op::DescribeAlarms, Op::GetRestApis],
        writes: &[Op::UpdateAlias, Op::UpdateStage],
        writes_back: &[Op::UpdateAlias, Op::UpdateStage],
    },
    Declaration {
        kind: StepKind::Promote,
        name: "promote",
        does: "give the version all traffic, read alias and stage back and close the record",
        undo: "the inverse of what the release did",
        observes: &[Op::GetAlias, Op::GetStage, Op::GetHttpStage],
        writes: &[Op::UpdateAlias, Op::UpdateStage, Op::RemovePermission, Op::DeleteAlias],
        writes_back: &[Op::UpdateAlias, Op::UpdateStage],
    },
];

impl StepKind {
    /// The step's declaration.
    pub fn declaration(self) -> &'static Declaration {
        PIPELINE.iter().find(|d| d.kind == self).unwrap_or(&PIPELINE[0])
    }

    /// The step's name.
    pub fn name(self) -> &'static str {
        self.declaration().name
    }

    /// The step of that name.
    pub fn named(name: &str) -> Option<Self> {
        PIPELINE.iter().find(|d| d.name == name).map(|d| d.kind)
    }
}

impl std::fmt::Display for StepKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declarations_are_in_the_order_the_steps_run() {
        assert!(PIPELINE.is_sorted_by_key(|d| d.kind));
        assert!(
            PIPELINE.iter().all(|d| StepKind::named(d.name) == Some(d.kind) && d.kind.declaration().name == d.name)
        );
    }

    #[test]
    fn going_back_never_creates_a_deployment_or_a_permission() {
        for declaration in PIPELINE {
            for forbidden in [Op::CreateDeployment, Op::CreateHttpDeployment, Op::AddPermission, Op::PublishVersion] {
                assert!(!declaration.writes_back.contains(&forbidden), "{}", declaration.name);
            }
        }
    }
}
