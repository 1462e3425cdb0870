//! `verify`: everything a promotion reads, checked before it is needed. Writes nothing.

use serde::Serialize;

use super::App;
use super::args::VerifyArgs;
use super::end::End;
use super::members;
use super::release::{self, Prepared};
use super::session::{Session, connect};
use super::target::{Located, Need, locate};
use crate::aws::Aws;
use crate::aws::gateway;
use crate::aws::operation::{GetAlias, GetFunction};
use crate::clock::Clock;
use crate::model::{ManagedBy, Target};
use crate::ownership::{Ownership, snippet};
use crate::problem::{Exit, Problem};
use crate::report::Shape;
use crate::report::text::{field, seconds};

/// One line of the answer.
#[derive(Debug, Serialize)]
struct Check {
    /// What was checked.
    what: String,
    /// Whether it is fine.
    ok: bool,
    /// What was found.
    found: String,
    /// What is wrong.
    problem: Option<Problem>,
}

/// What to write into a tool's own configuration.
#[derive(Debug, Serialize)]
struct Snippet {
    /// The tool.
    tool: ManagedBy,
    /// The lines.
    text: String,
}

/// The checks so far, and what they found of owners.
#[derive(Debug, Default)]
struct Checks {
    all: Vec<Check>,
    ownership: Option<Ownership>,
    snippets: Vec<Snippet>,
}

impl Checks {
    fn take(&mut self, what: &str, found: Result<String, Problem>) -> bool {
        let (ok, text, problem) = match found {
            Ok(text) => (true, text, None),
            Err(problem) => (false, problem.what.clone(), Some(problem)),
        };
        self.all.push(Check { what: what.to_owned(), ok, found: text, problem });
        ok
    }

    /// Who owns what: nothing of it is wrong, but the next update of a tool may take a release back.
    fn take_owners(&mut self, prepared: &Prepared) {
        let (ownership, plan) = (&prepared.ownership, &prepared.plan);
        let lines = [ownership.lines(), ownership.blind_spots()].concat();
        if lines.is_empty() {
            let nobody =
                "no stack and no CodeDeploy deployment; Terraform leaves no mark: say managed_by = \"terraform\"";
            self.take("owner", Ok(nobody.into()));
        }
        for line in lines {
            self.take("owner", Ok(line));
        }
        let kind = plan.stage.as_ref().map(|stage| &stage.before.kind);
        let of = |tool| Snippet { tool, text: snippet(tool, &plan.target, kind) };
        self.snippets = ownership.tools().into_iter().map(of).collect();
        self.ownership = Some(ownership.clone());
    }
}

/// Checks.
pub async fn run(app: &App, args: VerifyArgs) -> Result<End, Problem> {
    let mut checks = Checks::default();
    let located = locate(app, &args.source.target, Need::Release, args.source.permission_settle.as_ref())?;
    let target = release::plannable(&located)?;
    checks.take("configuration", Ok(described(&target)));
    app.reporter.busy("reading AWS");
    match connect(app, &located, args.source.pace).await {
        Ok(session) => {
            let lasts = session
                .expires
                .map_or_else(|| "found; no end is known".to_owned(), |end| format!("found; they end {end:.0}"));
            checks.take("credentials", Ok(lasts));
            look(app, &located, &session, &target, args.source.function_version, &mut checks).await;
        }
        Err(problem) => {
            checks.take("credentials", Err(problem));
        }
    }
    Ok(conclude(app, &checks))
}

fn described(target: &Target) -> String {
    let stage = target.stage.as_ref().map_or_else(|| "no stage".to_owned(), ToString::to_string);
    let n = target.functions.len();
    let smoke = target.smoke.len() + target.stage_smoke.len();
    format!("{n} function{}, alias {}, {stage}, {smoke} smoke checks", if n == 1 { "" } else { "s" }, target.alias)
}

async fn look<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    target: &Target,
    named: Option<u64>,
    checks: &mut Checks,
) {
    let caller = match session.identify(app).await {
        Ok(caller) => caller,
        Err(problem) => {
            checks.take("account", Err(problem));
            return;
        }
    };
    checks.take("account", Ok(format!("{} as {}", caller.identity.account, caller.identity.arn)));
    let mut readable = true;
    for function in &target.functions {
        let found = members::ask(&session.aws, GetFunction { function: function.clone(), qualifier: None }).await;
        let found = found.and_then(|found| {
            found.map(|f| format!("$LATEST, sha256 {}…", crate::plan::short_sha(&f.code_sha256))).ok_or_else(|| {
                Problem::new(crate::problem::Code::FunctionMissing, format!("function {function} does not exist here"))
                    .fix("check the name, --region and --profile")
            })
        });
        readable &= checks.take(&format!("function {function}"), found);
        let request = GetAlias { function: function.clone(), alias: target.alias.clone() };
        let found = members::ask(&session.aws, request).await;
        let found = found.map(|alias| alias.map_or("does not exist yet, is created".into(), |a| a.version.label()));
        readable &= checks.take(&format!("alias {function}:{}", target.alias), found);
    }
    if let Some(stage) = &target.stage {
        let found =
            gateway::existing_stage(&session.aws, stage).await.map(|found| match found.kind.is_auto_deployed() {
                true => "deploys every edit by itself".to_owned(),
                false => format!("deployment {}", found.deployment),
            });
        readable &= checks.take(&format!("stage {stage}"), found);
    }
    if readable {
        // The plan reads everything that a promotion reads: definition, policies, versions, deployments.
        let wanted = release::Wanted { version: named, ..release::Wanted::default() };
        let prepared = release::prepare(app, session, target, caller, wanted).await;
        if let Ok(prepared) = &prepared {
            checks.take_owners(prepared);
        }
        let made = prepared.map(|prepared| {
            let plan = &prepared.plan;
            let what = if plan.is_noop() {
                "nothing to do".to_owned()
            } else {
                format!("at most {}", seconds(plan.duration_s()))
            };
            format!("can be made: {what}; see {}", located.command("plan"))
        });
        checks.take("plan", made);
    }
}

fn conclude(app: &App, found: &Checks) -> End {
    let checks = &found.all;
    match app.reporter.shape() {
        Shape::Human => {
            let width = app.term().width;
            let mut text = String::new();
            for check in checks {
                let mark = if check.ok { "✔ ok     " } else { "✖ FAILED " };
                text.push_str(&field(&format!("{mark} {:<28} ", check.what), &check.found, width));
            }
            app.reporter.data(&text);
            for Snippet { tool, text } in &found.snippets {
                app.reporter.data(&format!("\nso that {tool} leaves a release alone:\n\n{text}"));
            }
            for problem in checks.iter().filter_map(|check| check.problem.as_ref()) {
                app.warn(problem);
            }
        }
        Shape::Document | Shape::Events => {
            let document = serde_json::json!({
                "schema": "stagegate.verify/1.0",
                "ok": checks.iter().all(|check| check.ok),
                "checks": checks,
                "ownership": found.ownership,
                "snippets": found.snippets,
            });
            app.reporter.data(&format!("{document:#}\n"));
        }
    }
    let worst = checks.iter().filter_map(|check| check.problem.as_ref());
    End::new(worst.fold(Exit::Done, |exit, problem| exit.worse(problem.exit)), "verified")
}
