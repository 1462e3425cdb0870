//! `plan`: everything promote would do, and nothing written.

use std::path::Path;

use serde_json::{Value, json};

use super::args::PlanArgs;
use super::end::End;
use super::release::{self, Prepared, Wanted};
use super::session::connect;
use super::target::{Need, locate};
use super::{App, output};
use crate::plan::{PLAN_FORMAT, Plan};
use crate::problem::{Code, Exit, Problem};
use crate::report::{Shape, plan_text};

/// Schema of the plan's document.
const PLAN_SCHEMA: &str = "stagegate.plan/1.0";

/// Makes and shows the plan.
pub async fn run(app: &App, args: PlanArgs) -> Result<End, Problem> {
    let located = locate(app, &args.source.target, Need::Release, args.source.reading.permission_settle.as_ref())?;
    let target = release::target(app, &located, &args.canary)?;
    release::check_override(args.gate.override_gate.as_deref(), &target)?;
    let session = connect(app, &located, args.source.reading.pace).await?;
    app.reporter.busy("reading AWS");
    let caller = session.identify(app).await?;
    let wanted =
        Wanted { version: args.source.reading.function_version, override_gate: args.gate.override_gate.clone() };
    let prepared = release::prepare(app, &session, &target, caller, wanted).await?;
    let document = document(&prepared);
    if let Some(path) = &args.out {
        let place = app.directory.join(path);
        output::store(&place, &format!("{document:#}\n")).map_err(|error| output::unwritable("--out", path, &error))?;
    }
    match app.reporter.shape() {
        Shape::Human => app.reporter.data(&plan_text::screen(&prepared.plan, &prepared.caller, app.term().width)),
        Shape::Document | Shape::Events => app.reporter.data(&format!("{document:#}\n")),
    }
    if prepared.plan.is_noop() {
        app.reporter.say("Nothing to do.\n");
        return Ok(End::new(Exit::Done, "unchanged").plan_digest(prepared.plan.digest()));
    }
    let digest = prepared.plan.digest();
    let next = located.command(&format!("promote{}", args.exactly(&digest)));
    app.reporter.say(&format!("\nplan {digest}\nexactly this: {next}\n"));
    let exit = if args.detailed_exitcode { Exit::Findings } else { Exit::Done };
    Ok(End::new(exit, "planned").plan_digest(digest))
}

/// The document of `--json` and `--out`.
fn document(prepared: &Prepared) -> Value {
    let plan = &prepared.plan;
    json!({
        "schema": PLAN_SCHEMA,
        "digest": plan.digest(),
        "target": plan.target.label(),
        "nothing_to_do": plan.is_noop(),
        "identity": prepared.caller.identity,
        "steps": plan.steps(),
        "plan": plan,
        "ownership": prepared.ownership,
    })
}

/// Reads a plan that was stored; it must be whole and what its digest says.
pub fn load(path: &Path) -> Result<Plan, Problem> {
    let unusable = |why: String| {
        Problem::new(Code::FileUnreadable, format!("{} is no plan that can be carried out", path.display()))
            .why(why)
            .fix("make it again: stagegate plan TARGET --out FILE")
    };
    let text = std::fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
    let mut document: Value = serde_json::from_str(&text).map_err(|error| unusable(error.to_string()))?;
    let format = document["plan"]["v"].as_u64();
    if format != Some(u64::from(PLAN_FORMAT)) {
        let found = format.map_or_else(|| "none".to_owned(), |v| v.to_string());
        return Err(unusable(format!("its format is {found}, this stagegate reads {PLAN_FORMAT}")));
    }
    let plan: Plan = serde_json::from_value(document["plan"].take()).map_err(|error| unusable(error.to_string()))?;
    if document["digest"] != plan.digest() {
        return Err(unusable("it was edited: its contents do not have its digest".into()));
    }
    Ok(plan)
}
