//! One URL followed from the client to the function: the six questions of `doctor`, each answered by content.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use super::look::Pair;
use super::wiring::Scope;
use super::{
    ApiFacts, Facts, Finding, ObservedAlias, Repair, alias, apart, canary, clients, deployment, settings, wiring,
};
use crate::address::{ApiKind, Found, Mapped, RouteMatch, RouteTable};
use crate::aws::noun::StageKind;
use crate::definition::reach::{Caller, Route};
use crate::model::{StageRef, Target};
use crate::plan::ObservedStage;
use crate::problem::{Code, Level, Problem};

/// [`Checkup::schema`]
pub const DOCTOR_SCHEMA: &str = "stagegate.doctor/1.0";

/// What comes before the command that tests again.
pub const RETEST: &str = "after the fixes: ";

/// One question with its answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Section {
    /// 1 to 6; 0 is what is looked at besides.
    pub number: u8,
    /// The question.
    pub title: String,
    /// What is so.
    pub facts: Vec<String>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Why it could not be answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<Problem>,
}

impl Section {
    /// A question without an answer yet.
    pub fn new(number: u8, title: impl Into<String>) -> Self {
        Self { number, title: title.into(), facts: Vec::new(), findings: Vec::new(), unknown: None }
    }

    /// The worst of its findings.
    pub fn level(&self) -> Option<Level> {
        self.findings.iter().map(|finding| finding.level).max()
    }
}

/// Everything that `doctor` says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checkup {
    /// Schema of this document.
    pub schema: &'static str,
    /// As it was given.
    pub url: String,
    /// The HTTP method that was followed.
    pub method: String,
    /// The region that was read.
    pub region: String,
    /// The stage that answers.
    pub stage: Option<StageRef>,
    /// In their order.
    pub sections: Vec<Section>,
}

impl Checkup {
    /// All findings.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.sections.iter().flat_map(|section| &section.findings)
    }
}

/// What is followed.
pub struct Visit<'a> {
    /// As it was given.
    pub url: &'a str,
    /// HTTP method, upper case.
    pub method: &'a str,
    /// Where AWS says that it leads.
    pub found: &'a Found,
    /// What the configuration says about its domain, with the target's name.
    pub expected: Option<&'a Target>,
    /// What the configuration says about the stage that answers.
    pub target: Option<&'a Target>,
    /// The variables that the configuration sets in one stage or another: that only one of them has one is no accident.
    pub declared: &'a BTreeSet<String>,
    /// The region that was read.
    pub region: &'a str,
    /// The command that tests again.
    pub retest: String,
    /// The time.
    pub now: Timestamp,
    /// How commands are printed.
    pub repair: &'a Repair,
}

impl Visit<'_> {
    /// The stage that answers, with what decided.
    pub fn mapped(&self) -> Option<&Mapped> {
        self.found.resolution.outcome.as_ref().ok()
    }

    /// The aliases that matter: of the route that answers and of its authorizers, or of every route when none does.
    pub fn pairs(&self, observed: &ObservedStage) -> BTreeSet<Pair> {
        wiring::pairs_of(&self.routes(observed), self.region)
    }

    fn routes(&self, observed: &ObservedStage) -> Vec<Route> {
        let mut all = wiring::routes(observed);
        all.extend(wiring::canary_routes(observed));
        let Some(wanted) = self.mapped().and_then(|mapped| self.answering(observed, mapped)) else { return all };
        all.retain(|route| route.caller == wanted || matches!(route.caller, Caller::Authorizer { .. }));
        all
    }

    /// The route that answers, as the stage serves it.
    fn answering(&self, observed: &ObservedStage, mapped: &Mapped) -> Option<Caller> {
        caller(&observed.stage.kind, served_table(observed)?.find(self.method, &mapped.path))
    }

    /// Answers all questions.
    pub fn checkup(&self, facts: &Facts) -> Checkup {
        let mut sections = vec![self.which_stage(facts)];
        if let Some(mapped) = self.mapped() {
            match facts.stage(&mapped.stage) {
                Ok((api, observed)) => sections.extend(self.of_stage(facts, mapped, api, observed)),
                Err(problem) => {
                    let mut section = Section::new(2, "Is the deployment current");
                    section.unknown = Some(problem);
                    sections.push(section);
                }
            }
        }
        Checkup {
            schema: DOCTOR_SCHEMA,
            url: self.url.to_owned(),
            method: self.method.to_owned(),
            region: self.region.to_owned(),
            stage: self.mapped().map(|mapped| mapped.stage.clone()),
            sections,
        }
    }

    fn which_stage(&self, facts: &Facts) -> Section {
        let mut section = Section::new(1, "Which stage answers");
        section.facts = clients::facts(self.found);
        section.findings = clients::findings(self.url, self.found, self.expected, self.repair);
        let Some(mapped) = self.mapped() else { return section };
        if let Some(Ok(api)) = facts.apis.get(&mapped.stage.api) {
            section.findings.extend(clients::disabled(api, mapped));
            section.facts.extend(others(api, &mapped.stage));
        }
        section
    }

    fn of_stage(&self, facts: &Facts, mapped: &Mapped, api: &ApiFacts, observed: &ObservedStage) -> Vec<Section> {
        let pairs: Vec<Pair> = self.pairs(observed).into_iter().collect();
        let aliases = facts.aliases(&pairs);
        let mut current = Section::new(2, "Is the deployment current");
        current.findings = deployment::of_target(observed, self.target, self.repair);
        self.route(&mut current, mapped, observed);
        let mut manual = Section::new(3, "Does this API need manual deployment");
        manual.facts.push(deployment::manual(&observed.stage.kind).to_owned());
        let mut apart = Section::new(4, "Have stages drifted apart");
        apart.findings = apart::findings(&mapped.stage, api, self.declared, self.repair);
        if let Some(target) = self.target {
            apart.findings.extend(settings::findings(target, &mapped.stage, &observed.stage, self.repair));
        }
        if api.stages.len() == 1 {
            apart.facts.push("it is the only stage of its API".into());
        }
        let mut again = Section::new(6, "Redeploy and retest");
        again.facts.push(format!("{RETEST}{}", self.retest));
        vec![current, manual, apart, self.split(api, observed, &aliases), again, self.besides(observed, &aliases)]
    }

    /// Whether the stage serves the route that was asked for, and why the answer is what it is when it does not.
    fn route(&self, section: &mut Section, mapped: &Mapped, observed: &ObservedStage) {
        let live = RouteTable::of_live(&observed.live).find(self.method, &mapped.path);
        let Some(table) = served_table(observed) else {
            section.facts.push("what the stage serves cannot be read: API Gateway gives no export".into());
            return;
        };
        let served = table.find(self.method, &mapped.path);
        let kind = api_kind(&observed.stage.kind);
        let asked = format!("{} {}", self.method, mapped.path);
        if served.is_answered() {
            section.facts.push(format!("{asked} is answered by {}", self.calls(observed, &served)));
            if served != live {
                let then = if live.is_answered() { self.calls(observed, &live) } else { "nothing".into() };
                section.facts.push(format!("a redeploy changes that: then by {then}"));
            }
            return;
        }
        let (status, message) = kind.no_route();
        let why = format!("{asked} answers {status} \"{message}\": the stage serves no such route");
        let mut finding = Finding::new(Code::RouteMissing, &mapped.stage, why);
        finding.details.extend(nearest(&served));
        finding = match live.is_answered() {
            true => finding
                .details([format!("it is defined, and not deployed: {}", self.calls(observed, &live))])
                .fix(self.repair.stagegate(&format!("redeploy {}", super::repair::quoted(&mapped.stage.to_string())))),
            false => {
                finding.details(["it is not defined either: nothing that is deployed now would answer".to_owned()])
            }
        };
        section.findings.push(finding);
    }

    /// What a route calls, for people.
    fn calls(&self, observed: &ObservedStage, found: &RouteMatch) -> String {
        let Some(caller) = caller(&observed.stage.kind, found.clone()) else { return "the CORS settings".into() };
        let called = |routes: Vec<Route>| routes.into_iter().find(|route| route.caller == caller);
        let route =
            called(wiring::routes(observed)).or_else(|| called(observed.live.routes(&observed.stage.variables)));
        match route.as_ref().map(|route| (&route.call, &route.uri)) {
            Some((call, _)) if call.lambda().is_some() => {
                format!("{caller} → {}", call.lambda().map(ToString::to_string).unwrap_or_default())
            }
            Some((_, uri)) => format!("{caller} → {}", crate::definition::integration::short(uri)),
            None => caller.to_string(),
        }
    }

    fn split(
        &self,
        api: &ApiFacts,
        observed: &ObservedStage,
        aliases: &Result<Vec<&ObservedAlias>, Problem>,
    ) -> Section {
        let mut section = Section::new(5, "Is a canary changing part of the answers");
        match aliases {
            Ok(aliases) => {
                let split = canary::Split { observed, api, aliases, now: self.now };
                section.findings = split.findings(self.repair);
                section.facts.extend(split.together());
            }
            Err(problem) => section.unknown = Some(problem.clone()),
        }
        section
    }

    /// Permission, aliases, variables and what calls $LATEST, of the route that answers.
    fn besides(&self, observed: &ObservedStage, aliases: &Result<Vec<&ObservedAlias>, Problem>) -> Section {
        let mut section = Section::new(0, "Also");
        let aliases = match aliases {
            Ok(aliases) => aliases,
            Err(problem) => {
                section.unknown = Some(problem.clone());
                return section;
            }
        };
        let scope = Scope { functions: None, region: self.region };
        let mut routes = self.routes(observed);
        routes.dedup();
        section.findings = wiring::findings(observed, &routes, aliases, scope, self.repair);
        // That a route calls what is not there says it already.
        let own = aliases.iter().flat_map(|one| alias::findings(one, self.now, self.repair));
        section.findings.extend(own.filter(|finding| finding.code != Code::AliasMissing));
        let wrong = |codes: &[Code]| section.findings.iter().any(|finding| codes.contains(&finding.code));
        let mark = |name: &str, bad: bool| format!("{name} {}", if bad { "✖" } else { "✔" });
        let waf =
            observed.stage.settings.web_acl.as_deref().map_or("none", |arn| arn.rsplit('/').nth(1).unwrap_or(arn));
        section.facts.push(
            [
                mark("permission", wrong(&[Code::PermissionMissing, Code::InvokeBlocked])),
                mark("alias exists", wrong(&[Code::AliasMissing])),
                mark("variables set", wrong(&[Code::StageVariableUnset])),
                mark("no $LATEST", wrong(&[Code::UnqualifiedIntegration])),
                format!("WAF {waf}"),
            ]
            .join(" · "),
        );
        section
    }
}

fn api_kind(kind: &StageKind) -> ApiKind {
    if kind.is_rest() { ApiKind::Rest } else { ApiKind::Http }
}

/// The routes that the stage serves.
fn served_table(observed: &ObservedStage) -> Option<RouteTable> {
    match &observed.exports {
        Some(exports) => RouteTable::of_export(api_kind(&observed.stage.kind), &exports.deployed),
        // No export was needed: it is proven to serve what is live, or deploys itself.
        None if observed.drift().is_empty() => Some(RouteTable::of_live(&observed.live)),
        None => None,
    }
}

/// A route that was found as what calls.
fn caller(kind: &StageKind, found: RouteMatch) -> Option<Caller> {
    match (kind, found) {
        (StageKind::Rest, RouteMatch::Route { path, method }) => Some(Caller::Method { method, path }),
        (StageKind::Http { .. }, RouteMatch::Route { path, method }) => {
            Some(Caller::HttpRoute { key: format!("{method} {path}") })
        }
        (_, RouteMatch::Default) => Some(Caller::HttpRoute { key: "$default".into() }),
        (_, RouteMatch::Preflight | RouteMatch::NoMethod { .. } | RouteMatch::NoPath) => None,
    }
}

/// What comes nearest to a route that is not there.
fn nearest(found: &RouteMatch) -> Option<String> {
    match found {
        RouteMatch::NoMethod { path, methods } => Some(format!("{path} is there, with {}", methods.join(", "))),
        RouteMatch::NoPath => Some("no path of the stage matches".into()),
        RouteMatch::Route { .. } | RouteMatch::Default | RouteMatch::Preflight => None,
    }
}

/// The other stages of the API: an old bookmark may mean one of them.
fn others(api: &ApiFacts, stage: &StageRef) -> Option<String> {
    let names: Vec<&str> =
        api.stages.keys().filter(|name| **name != stage.stage).map(crate::model::StageName::as_str).collect();
    (!names.is_empty()).then(|| format!("other stages of this API: {}", names.join(", ")))
}
