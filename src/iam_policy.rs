//! The least that a role needs, as IAM policy documents: derived from what the steps declare to read, write and write
//! back ([`PIPELINE`]) and from the action and resource that each operation declares (aws-semantics §11).

mod simulate;
pub mod trust;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::aws::operation::Scope;
use crate::aws::{Kind, Operation};
use crate::model::{AliasName, FunctionName, StageRef, candidate_alias};
use crate::step::{Declaration, PIPELINE};
use crate::{address, logs, rollback};

pub use simulate::{FUNCTIONS_MAX, is_optional, principal, questions};

/// The most characters that IAM takes in one managed policy, white space not counted (IAM User Guide, quotas). A policy
/// for many functions is longer: it must be made for a part of them at a time.
pub const MANAGED_POLICY_CHARS_MAX: usize = 6_144;

/// What a role is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Purpose {
    /// Looking: `plan`, `status`, `doctor` and all others that change nothing.
    Read,
    /// Going back and holding: no new version, no new permission, no new deployment.
    Rollback,
    /// Looking, promoting and going back.
    Promote,
    /// Looking at what is old, and deleting it: nothing that a release needs.
    Gc,
}

impl Purpose {
    /// Whether it looks at who owns a function. That says nothing to whoever goes back or cleans up.
    const fn asks_for_owners(self) -> bool {
        matches!(self, Self::Read | Self::Promote)
    }
}

/// What a policy is limited to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyScope {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// Region of functions and API.
    pub region: String,
    /// Account, twelve digits.
    pub account: String,
    /// The functions.
    pub functions: Vec<FunctionName>,
    /// The alias of each.
    pub alias: AliasName,
    /// The stage that calls it, if the target has one.
    pub stage: Option<StageRef>,
}

/// The operations that a purpose needs, each once, in their order.
pub fn operations(purpose: Purpose) -> Vec<Operation> {
    let mut all = match purpose {
        Purpose::Gc => crate::gc::OPERATIONS.to_vec(),
        _ => operations_of(PIPELINE, purpose),
    };
    // Whatever is done, the target may be named by a URL.
    all.extend(address::READS);
    all.extend(beside(purpose));
    sorted(all)
}

/// What is read beside the pipeline: by whoever looks, logs and the aliases of a function; by whoever goes back, past
/// moves of aliases.
fn beside(purpose: Purpose) -> Vec<Operation> {
    match purpose {
        Purpose::Read => [logs::READS, &[Operation::ListAliases]].concat(),
        Purpose::Rollback | Purpose::Promote => rollback::trail::READS.to_vec(),
        Purpose::Gc => Vec::new(),
    }
}

fn sorted(mut operations: Vec<Operation>) -> Vec<Operation> {
    operations.sort_unstable();
    operations.dedup();
    operations
}

fn operations_of(pipeline: &[Declaration], purpose: Purpose) -> Vec<Operation> {
    let all: Vec<Operation> = pipeline
        .iter()
        .flat_map(|step| match purpose {
            Purpose::Read => vec![step.observes],
            Purpose::Rollback => vec![step.observes, step.writes_back],
            Purpose::Promote => vec![step.observes, step.writes, step.writes_back],
            Purpose::Gc => Vec::new(),
        })
        .flatten()
        .copied()
        .filter(|operation| purpose != Purpose::Rollback || !is_evidence(*operation))
        .collect();
    sorted(all)
}

/// What is read of the whole account and not of the target (metrics, alarms, the names of all APIs, other people's
/// deployments and stacks) is evidence to judge a release by. Going back judges nothing.
fn is_evidence(operation: Operation) -> bool {
    matches!(operation.iam_scope(), Scope::Any | Scope::Apis | Scope::Optional) && operation.kind() == Kind::Read
}

/// The policy document. Without a stage it says nothing of API Gateway and its permissions.
pub fn policy(purpose: Purpose, scope: &PolicyScope) -> Value {
    policy_for_all(purpose, std::slice::from_ref(scope))
}

/// One policy document for several scopes: each statement names what it is about in all of them.
pub fn policy_for_all(purpose: Purpose, scopes: &[PolicyScope]) -> Value {
    document(purpose, &operations(purpose), scopes)
}

fn document(purpose: Purpose, operations: &[Operation], scopes: &[PolicyScope]) -> Value {
    let mut all: BTreeMap<Sid, (Vec<&'static str>, Vec<String>)> = BTreeMap::new();
    for scope in scopes {
        for (sid, actions) in statements(purpose, operations, scope) {
            let (_, resources) = all.entry(sid).or_insert_with(|| (actions, Vec::new()));
            for resource in scope.resources(sid) {
                if !resources.contains(&resource) {
                    resources.push(resource);
                }
            }
        }
    }
    let statements: Vec<Value> =
        all.iter().map(|(sid, (actions, resources))| sid.statement(actions, resources)).collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// The statements that a scope needs, with their actions: the same in every scope that needs the statement.
fn statements(purpose: Purpose, operations: &[Operation], scope: &PolicyScope) -> BTreeMap<Sid, Vec<&'static str>> {
    let mut statements: BTreeMap<Sid, Vec<&'static str>> = BTreeMap::new();
    for &operation in operations {
        let whole = operation.iam_action_for_all_of_it().filter(|_| purpose.asks_for_owners());
        // A clean-up looks at versions, and never at what is not published.
        let unpublished = |sid: &Sid| purpose == Purpose::Gc && *sid == Sid::Lambda && Sid::of(operation).len() > 1;
        let needed = |sid: &&Sid| (scope.stage.is_some() || !sid.needs_stage()) && !unpublished(sid);
        for &sid in Sid::of(operation).iter().filter(needed) {
            let actions = statements.entry(sid).or_default();
            for action in std::iter::once(operation.iam_action()).chain(whole) {
                if !actions.contains(&action) {
                    actions.push(action);
                }
            }
        }
    }
    statements
}

/// How many characters IAM counts in a policy, to be compared with [`MANAGED_POLICY_CHARS_MAX`].
pub fn characters(policy: &Value) -> usize {
    policy.to_string().chars().filter(|c| !c.is_whitespace()).count()
}

/// The partition that a region lies in.
pub fn partition(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("cn") => "aws-cn",
        Some("us") if region.starts_with("us-gov-") => "aws-us-gov",
        Some("us") if region.starts_with("us-iso-") => "aws-iso",
        Some("us") if region.starts_with("us-isob-") => "aws-iso-b",
        _ => "aws",
    }
}

/// The statements a policy is made of, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sid {
    Any,
    Lambda,
    Qualified,
    Apis,
    ApiRead,
    Domains,
    RoutingRules,
    Optional,
    Move,
    Smoke,
    Grant,
    Deploy,
    Stage,
    Versions,
    Deployments,
    Logs,
}

impl Sid {
    /// The statements that allow an operation; none when it needs no permission.
    const fn of(operation: Operation) -> &'static [Self] {
        if operation.iam_action().is_empty() {
            return &[];
        }
        match (operation.iam_scope(), operation.kind()) {
            (Scope::Any, _) => &[Self::Any],
            (Scope::Optional, _) => &[Self::Optional],
            (Scope::Function, Kind::Read) => &[Self::Lambda],
            (Scope::Function, Kind::Write | Kind::Invoke) => &[Self::Move],
            (Scope::FunctionOrQualified, _) => &[Self::Lambda, Self::Qualified],
            (Scope::AliasGrant, _) => &[Self::Grant],
            (Scope::Qualified, Kind::Read) => &[Self::Qualified],
            (Scope::Qualified, Kind::Write) => &[Self::Versions],
            (Scope::Qualified, Kind::Invoke) => &[Self::Smoke],
            (Scope::Apis, _) => &[Self::Apis],
            (Scope::ApiRead, _) => &[Self::ApiRead],
            (Scope::Domains, _) => &[Self::Domains],
            (Scope::RoutingRules, _) => &[Self::RoutingRules],
            (Scope::Deployments, _) => &[Self::Deploy],
            (Scope::Deployment, _) => &[Self::Deployments],
            (Scope::Stage, _) => &[Self::Stage],
            (Scope::LogGroup, _) => &[Self::Logs],
        }
    }

    const fn needs_stage(self) -> bool {
        !matches!(
            self,
            Self::Any | Self::Lambda | Self::Qualified | Self::Move | Self::Smoke | Self::Versions | Self::Logs
        )
    }

    fn statement(self, actions: &[&str], resources: &[String]) -> Value {
        let mut statement = json!({
            "Sid": format!("{self:?}"),
            "Effect": "Allow",
            "Action": one_or_many(actions),
            "Resource": one_or_many(resources),
        });
        if self == Self::Grant {
            statement["Condition"] = json!({
                "StringEqualsIfExists": { "lambda:Principal": "apigateway.amazonaws.com" },
            });
        }
        statement
    }
}

impl PolicyScope {
    fn resources(&self, sid: Sid) -> Vec<String> {
        let functions = |qualifiers: &[&str]| {
            let Self { partition, region, account, .. } = self;
            let arn = |function| format!("arn:{partition}:lambda:{region}:{account}:function:{function}");
            let each = |function| qualifiers.iter().map(move |qualifier| arn(function) + qualifier);
            self.functions.iter().flat_map(each).collect()
        };
        match sid {
            Sid::Any | Sid::Optional => vec!["*".into()],
            Sid::Lambda | Sid::Move => functions(&[""]),
            // Never the function by its bare name: that would allow to delete it as a whole.
            Sid::Qualified | Sid::Smoke | Sid::Versions => functions(&[":*"]),
            Sid::Grant => {
                // A stage's canary calls the candidate through an alias of its own.
                let aliases = [Some(self.alias.clone()), candidate_alias(&self.alias)];
                let qualifiers: Vec<String> = aliases.iter().flatten().map(|alias| format!(":{alias}")).collect();
                functions(&qualifiers.iter().map(String::as_str).collect::<Vec<_>>())
            }
            Sid::Logs => {
                let group = |function| {
                    logs::group_arn(&self.partition, &self.region, &self.account, &logs::usual_group(function))
                };
                self.functions.iter().map(group).collect()
            }
            Sid::Apis => vec![format!("arn:{}:apigateway:{}::/restapis", self.partition, self.region)],
            Sid::Domains => vec![self.domain_names("")],
            Sid::RoutingRules => vec![self.domain_names(&self.account)],
            Sid::ApiRead => self.api_paths(|_, _| vec![String::new(), "/*".into()]),
            Sid::Deploy => self.api_paths(|_, _| vec!["/deployments".into()]),
            Sid::Deployments => self.api_paths(|_, _| vec!["/deployments/*".into()]),
            Sid::Stage => self.api_paths(|kind, stage| {
                let pointed = (kind == "restapis").then(|| "/deployments/*".into());
                std::iter::once(format!("/stages/{}", stage.stage)).chain(pointed).collect()
            }),
        }
    }

    /// Every custom domain name and what is below it. Only what is a resource of its own to IAM, such as a routing rule,
    /// carries the account.
    fn domain_names(&self, account: &str) -> String {
        format!("arn:{}:apigateway:{}:{account}:/domainnames/*", self.partition, self.region)
    }

    /// API Gateway's own resources carry no account id. The id of an API does not tell its kind, but only an HTTP API has
    /// a stage called `$default`.
    fn api_paths(&self, below: impl Fn(&str, &StageRef) -> Vec<String>) -> Vec<String> {
        let Some(stage) = &self.stage else { return Vec::new() };
        let Self { partition, region, .. } = self;
        let kinds: &[&str] = if stage.stage.as_str() == "$default" { &["apis"] } else { &["restapis", "apis"] };
        let of = |kind: &&str| {
            let base = format!("arn:{partition}:apigateway:{region}::/{kind}/{}", stage.api);
            below(kind, stage).into_iter().map(move |path| format!("{base}{path}"))
        };
        kinds.iter().flat_map(of).collect()
    }
}

/// A single value stands alone, as AWS writes it.
fn one_or_many<T: AsRef<str>>(values: &[T]) -> Value {
    match values {
        [one] => json!(one.as_ref()),
        many => many.iter().map(AsRef::as_ref).collect(),
    }
}

#[cfg(test)]
mod tests;
