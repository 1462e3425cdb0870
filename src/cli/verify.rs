//! `verify`: everything a promotion reads and needs, checked before it is needed. Writes nothing.

mod checks;
mod permissions;

use futures_util::{StreamExt as _, stream};

pub(super) use self::checks::Checks;
use self::checks::{Mark, Snippet};
use super::App;
use super::args::{Onward, Reading, VerifyArgs};
use super::credentials;
use super::end::End;
use super::release::{self, Prepared};
use super::session::{Session, connect};
use super::target::{Located, Need, locate};
use crate::aws::Aws;
use crate::aws::gateway;
use crate::clock::Clock;
use crate::config;
use crate::discover::{self, NO_ALIAS, Serving};
use crate::iam_policy::{PolicyScope, partition};
use crate::model::Target;
use crate::problem::{Code, Exit, Problem};
use crate::report::text::seconds;
use crate::report::verify_text::{self, Row};
use crate::report::{Shape, plan_text::Caller};

/// Functions read at the same time.
const PARALLEL: usize = 8;
/// Up to so many functions each has its own lines; of more only those that something is to be said about.
const EACH_MAX: usize = 10;

/// Checks one target, or all of the file.
pub async fn run(app: &App, args: VerifyArgs) -> Result<End, Problem> {
    let names = match &args.target {
        Some(name) => vec![name.clone()],
        None => every(app)?,
    };
    let mut all = Vec::new();
    for name in names {
        app.reporter.busy(&format!("reading AWS for {name}"));
        all.push(target(app, &name, &args.reading).await);
    }
    Ok(conclude(app, &all))
}

/// The names of the file.
fn every(app: &App) -> Result<Vec<String>, Problem> {
    let loaded = config::load(app.args.config.as_deref(), &app.directory, &config::read_file)?;
    let Some(config) = loaded else {
        return Err(Problem::new(Code::NoConfigFile, format!("there is no {} to verify", config::FILE_NAME))
            .why("it is looked for here and in the directories above")
            .fix("write one from what is live: stagegate init URL")
            .fix("or name the place: stagegate verify FUNCTION:ALIAS"));
    };
    let names: Vec<String> = config.names().map(str::to_owned).collect();
    if names.is_empty() {
        return Err(Problem::new(Code::MissingKey, format!("{} has no [target.NAME] table", config.file_name()))
            .fix("add one from what is live: stagegate init URL"));
    }
    Ok(names)
}

async fn target(app: &App, name: &str, reading: &Reading) -> Checks {
    let mut checks = Checks::of(name);
    let located = locate(app, name, Need::Release, reading.permission_settle.as_ref());
    let found = located.and_then(|located| release::plannable(&located).map(|target| (located, target)));
    let (located, target) = match found {
        Ok(found) => found,
        Err(problem) => {
            checks.take("configuration", Err(problem));
            return checks;
        }
    };
    checks.take("configuration", Ok(described(&target)));
    match connect(app, &located, reading.pace).await {
        Ok(session) => look(app, &located, &session, &target, reading, &mut checks).await,
        Err(problem) => {
            checks.take("credentials", Err(problem));
        }
    }
    checks
}

fn described(target: &Target) -> String {
    let stage = target.stage.as_ref().map_or_else(|| "no stage".to_owned(), ToString::to_string);
    let n = target.functions.len();
    let smoke = target.smoke.len() + target.stage_smoke.len();
    let canary = if target.canary.is_gradual() { format!(", canary {}", target.canary) } else { String::new() };
    let s = if n == 1 { "" } else { "s" };
    format!("{n} function{s}, alias {}, {stage}, {smoke} smoke checks{canary}", target.alias)
}

/// Checks over a connection.
pub(super) async fn look<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    target: &Target,
    reading: &Reading,
    checks: &mut Checks,
) {
    checks.take("credentials", Ok(described_keys(session)));
    let caller = match session.identify(app).await {
        Ok(caller) => caller,
        Err(problem) => {
            checks.take("account", Err(problem));
            return;
        }
    };
    checks.take("account", Ok(format!("{} as {}", caller.identity.account, caller.identity.arn)));
    let mut readable = functions(session, target, checks).await;
    if let Some(stage) = &target.stage {
        let found =
            gateway::existing_stage(&session.aws, stage).await.map(|found| match found.kind.is_auto_deployed() {
                true => "deploys every edit by itself".to_owned(),
                false => format!("deployment {}", found.deployment),
            });
        readable &= checks.take(&format!("stage {stage}"), found);
    }
    if readable {
        plan(app, located, session, target, (caller, reading), checks).await;
    }
}

/// Where they come from, and how they are renewed.
fn described_keys<A, C>(session: &Session<A, C>) -> String {
    let lasts = match (session.expires, session.renewable, session.renewed_from) {
        (Some(end), false, _) => format!("they end {end:.0} and are not renewed"),
        (Some(end), true, Some(from)) => format!("they end {end:.0} and renew themselves, from {from:.0} on"),
        (Some(end), true, None) => format!("they end {end:.0} and renew themselves"),
        (None, ..) => match session.assumed_end {
            Some(end) => format!("no end is known: taken to end {end:.0}, and not renewed"),
            None => "no end is known".to_owned(),
        },
    };
    let origin = if session.origin.is_empty() { "found" } else { &session.origin };
    format!("{origin}; {lasts}")
}

/// Functions and aliases; whether all of them can be released.
async fn functions<A: Aws, C: Clock>(session: &Session<A, C>, target: &Target, checks: &mut Checks) -> bool {
    let (alias, many) = (&target.alias, target.functions.len() > EACH_MAX);
    let found: Vec<_> = stream::iter(&target.functions)
        .map(|name| async move { (name, discover::function(&session.aws, name, alias).await) })
        .buffered(PARALLEL)
        .collect()
        .await;
    let (mut fine, mut silent) = (true, 0);
    for (name, found) in found {
        let found = match found {
            Ok(found) => found,
            Err(problem) => {
                fine &= checks.take(&format!("function {name}"), Err(problem));
                continue;
            }
        };
        let note = found.serving.as_ref().map_or(Some(NO_ALIAS), Serving::note);
        if many && found.trouble.is_none() && note.is_none() {
            silent += 1;
            continue;
        }
        let latest = format!("$LATEST, sha256 {}…", crate::plan::short_sha(&found.code_sha256));
        fine &= checks.take(&format!("function {name}"), found.trouble.map_or(Ok(latest), Err));
        let what = format!("alias {name}:{alias}");
        match (found.serving, note) {
            (Some(serving), None) => fine &= checks.take(&what, Ok(serving.to_string())),
            (Some(serving), Some(note)) => checks.note(&what, format!("{serving}: {note}")),
            (None, _) => checks.note(&what, NO_ALIAS),
        }
    }
    if silent > 0 {
        checks.take("functions", Ok(format!("{silent} can be published, each has its alias {alias}")));
    }
    fine
}

/// The plan reads everything that a promotion reads: definition, policies, versions, deployments, alarms, metrics.
async fn plan<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    target: &Target,
    (caller, reading): (Caller, &Reading),
    checks: &mut Checks,
) {
    let wanted = release::Wanted { version: reading.function_version, ..release::Wanted::default() };
    let prepared = match release::prepare(app, session, target, caller, wanted).await {
        Ok(prepared) => prepared,
        Err(problem) => {
            checks.take("plan", Err(problem));
            return;
        }
    };
    let Prepared { plan, caller, ownership } = &prepared;
    let what = match plan.is_noop() {
        true => "nothing to do".to_owned(),
        false => format!("at most {}", seconds(plan.duration_s())),
    };
    checks.take(
        "plan",
        Ok(format!("can be made: {what}; see {}", located.command(&format!("plan{}", reading.repeated())))),
    );
    for notice in &plan.notices {
        checks.note("plan", format!("{}: {}", notice.code, notice.text));
    }
    if plan.canary.is_some() {
        let alarms = target.gate.alarms.len();
        checks.take("gate", Ok(format!("metrics are readable, {alarms} of {alarms} alarms exist")));
        plan.sight.iter().for_each(|sight| checks.note("gate", sight.sentence.clone()));
    }
    let needs = credentials::needs(plan, None, None, false, session.clock.now());
    let stop_at = |until| located.command(&format!("promote --until {until}{}", reading.repeated()));
    let lasts = credentials::check(app, session, &needs, stop_at, (located, Onward::default()));
    if session.expires.or(session.assumed_end).is_some() {
        checks.take("time", lasts.map(|()| "the credentials last as long as the release".into()));
    }
    let scope = PolicyScope {
        partition: partition(&session.region).to_owned(),
        region: session.region.clone(),
        account: caller.identity.account.clone(),
        functions: target.functions.clone(),
        alias: target.alias.clone(),
        stage: target.stage.clone(),
    };
    permissions::check(&session.aws, &caller.identity.arn, &scope, plan, checks).await;
    checks.take_owners(ownership, plan);
}

/// Says all of it; the worst decides.
pub(super) fn conclude(app: &App, all: &[Checks]) -> End {
    match app.reporter.shape() {
        Shape::Human => all.iter().for_each(|checks| show(app, checks, all.len() > 1)),
        Shape::Document | Shape::Events => {
            let ok = all.iter().all(|checks| checks.ok);
            let mut all = all.to_vec();
            let checks = all.iter_mut().flat_map(|checks| &mut checks.all);
            for problem in checks.filter_map(|check| check.problem.as_mut()) {
                *problem = app.reporter.completed(problem);
            }
            let document = serde_json::json!({ "schema": "stagegate.verify/1.0", "ok": ok, "targets": all });
            app.reporter.data(&format!("{document:#}\n"));
        }
    }
    End::new(all.iter().fold(Exit::Done, |exit, checks| exit.worse(checks.exit())), "verified")
}

fn show(app: &App, checks: &Checks, several: bool) {
    let row = |check: &'_ checks::Check| {
        let mark = match check.mark {
            Mark::Ok => "✔ ok",
            Mark::Note => "! note",
            Mark::Failed => "✖ FAILED",
        };
        (mark, check.what.clone(), check.found.clone())
    };
    let lines: Vec<(&'static str, String, String)> = checks.all.iter().map(row).collect();
    let rows: Vec<Row<'_>> = lines.iter().map(|(mark, what, found)| Row { mark, what, found }).collect();
    let head = if several { format!("{}\n", checks.target) } else { String::new() };
    let tail = if several { "\n" } else { "" };
    app.reporter.data(&format!("{head}{}", verify_text::rows(&rows, app.term().width)));
    for Snippet { tool, text } in &checks.snippets {
        app.reporter.data(&format!("\nso that {tool} leaves a release alone:\n\n{text}"));
    }
    checks.problems().for_each(|problem| app.warn(problem));
    app.reporter.data(tail);
}
