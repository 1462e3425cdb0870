//! Which permissions the routes of a stage need, and which of them are missing.

use std::collections::BTreeMap;

use super::observe::{ObservedMember, ObservedStage};
use super::stage::variables;
use crate::aws::noun::{Policy, Statement};
use crate::definition::{Caller, Route, reach};
use crate::model::target::Target;
use crate::model::{AliasName, FunctionName, StageRef};
use crate::policy::{self, Coverage, Document, Need};
use crate::problem::{Code, Problem};

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
    let routes = observed.routes(variables);
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
            Coverage::Blocked { sid, why } => {
                return Err(blocked(route, alias_arn, sid.as_deref(), &why, &observed.stage_ref));
            }
        }
    }
    let size = policy::size_after(text, alias_arn, &missing);
    if missing.is_empty() || size <= policy::LIMIT {
        return Ok(missing);
    }
    Err(no_room(size, &policy::redundant(&document, alias_arn), subject, &observed.stage_ref))
}

fn blocked(route: &Route, alias_arn: &str, sid: Option<&str>, why: &str, stage: &StageRef) -> Problem {
    let sid = sid.unwrap_or("(without id)");
    Problem::new(
        Code::InvokeBlocked,
        format!("{} would answer 500: the policy of the alias denies the call, or may", route.caller),
    )
    .why(format!("statement {sid} of {alias_arn}: {why}"))
    .fix("change or remove that statement; whoever owns the policy document must do it")
    .fix(format!("see every route and its statement: stagegate permission list '{stage}'"))
}

fn no_room(size: usize, redundant: &[String], subject: &Grantee<'_>, stage: &StageRef) -> Problem {
    let Grantee { function, alias, .. } = subject;
    let problem = Problem::new(
        Code::PolicyTooLarge,
        format!("the policy of {function}:{alias} has no room for another statement"),
    )
    .why(format!("it would be {size} bytes, AWS allows {}", policy::LIMIT));
    let named: Vec<&str> = redundant.iter().take(NAMED_MAX).map(String::as_str).collect();
    let more = redundant.len().saturating_sub(named.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let problem = match named.is_empty() {
        true => problem,
        false => problem.why(format!("statements that others cover: {}{more}", named.join(", "))),
    };
    problem.fix(if redundant.is_empty() {
        format!(
            "remove what nothing needs, those of others too: stagegate permission prune {function}:{alias} --foreign"
        )
    } else {
        format!("make room, without a window: stagegate permission grant '{stage}'")
    })
}

/// How many statements are named.
const NAMED_MAX: usize = 5;

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
