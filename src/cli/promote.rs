//! `promote`: plan, ask, run.

use super::args::PromoteArgs;
use super::consent::{self, Consent};
use super::end::End;
use super::person::AtTerminal;
use super::release::{self, Prepared, Wanted};
use super::session::{Session, connect};
use super::target::{Located, Need, locate};
use super::{App, credentials, plan as plans, protect};
use crate::aws::Aws;
use crate::clock::Clock;
use crate::engine::Settings;
use crate::event::Event;
use crate::model::Target;
use crate::plan::Plan;
use crate::problem::{Code, Problem};
use crate::report::plan_text;

/// Promotes.
pub async fn run(app: &App, args: PromoteArgs) -> Result<End, Problem> {
    let approved = args.plan.as_deref().map(plans::load).transpose()?;
    // An approved plan carries its own events of smoke checks.
    let need = if approved.is_some() { Need::Place } else { Need::Release };
    let located = locate(app, &args.source.target, need, args.source.reading.permission_settle.as_ref())?;
    let target = release::target(app, &located, &args.canary)?;
    if let Some(approved) = &approved {
        check_label(approved, &target)?;
    }
    let planned = approved.as_ref().map_or(&target, |plan| &plan.target);
    release::check_override(args.gate.override_gate.as_deref(), planned)?;
    args.until.map_or(Ok(()), |until| until.check(planned))?;
    // Where nobody can be asked and no flag says yes, AWS is not even read.
    consent(app, &located, &target, approved.as_ref(), &args)?;
    let session = connect(app, &located, args.source.reading.pace).await?;
    promote(app, &located, &session, &target, approved.as_ref(), &args).await
}

/// Promotes over a connection.
pub async fn promote<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    target: &Target,
    approved: Option<&Plan>,
    args: &PromoteArgs,
) -> Result<End, Problem> {
    app.reporter.busy("reading AWS");
    let caller = session.identify(app).await?;
    let Prepared { plan, caller, .. } = match approved {
        Some(approved) => release::remake(app, session, approved, caller).await?,
        None => {
            let wanted = Wanted {
                version: args.source.reading.function_version,
                override_gate: args.gate.override_gate.clone(),
            };
            release::prepare(app, session, target, caller, wanted).await?
        }
    };
    let digest = plan.digest();
    if let Some(expected) = &args.expect_plan {
        release::expect(&plan, expected)?;
    }
    app.emit(&Event::Plan {
        release: plan.run.clone(),
        target: plan.target.label(),
        digest: digest.clone(),
        plan: serde_json::to_value(&plan).unwrap_or_default(),
    });
    if plan.is_noop() {
        return Ok(release::nothing_to_do(&plan));
    }
    args.until.map_or(Ok(()), |until| until.check_plan(&plan))?;
    let needs = credentials::needs(&plan, args.until, None, false, session.clock.now());
    let stop_at = |stop| located.command(&format!("promote{}", args.repeated_until(stop)));
    credentials::check(app, session, &needs, stop_at, (located, args.onward()))?;
    let consent = consent(app, located, target, approved, args)?;
    let screen = format!("{}\nplan {digest}\n\n", plan_text::screen(&plan, &caller, app.term().width));
    if consent == Consent::Given {
        app.reporter.aside(&screen)
    } else {
        app.reporter.say(&screen)
    }
    let agreed = consent == Consent::Given;
    consent.obtain(app).await?;
    // A person may have read the plan for long: the lock counts from now on. The digest does not hold the time.
    let plan = Plan { at: session.clock.now(), ..plan };
    release::ways(app, located, args.onward());

    let journal = release::open_journal(app, |state| state.create(&plan.run))?;
    let on_interrupt = release::on_interrupt(args.on_interrupt, &plan.target);
    let settings = Settings {
        until: args.until.filter(|until| until.percent.is_none()).map(|until| until.step),
        until_percent: args.until.and_then(|until| until.percent),
        on_interrupt,
        ..Settings::default()
    };
    let person = AtTerminal::of(app, &plan, agreed, args.prompt_timeout);
    let engine = release::engine(app, session, journal, &plan, settings, &person);
    app.acting.set(true);
    let outcome = engine.promote(&plan).await;
    let progress = engine.progress();
    drop(engine);
    drop(person);
    Ok(release::conclude(app, (located, args.onward()), &plan, &progress, outcome))
}

/// What the promotion needs before it acts. A plan file cannot take away the protection that the configuration gives.
fn consent(
    app: &App,
    located: &Located,
    target: &Target,
    approved: Option<&Plan>,
    args: &PromoteArgs,
) -> Result<Consent, Problem> {
    let protected = target.protected || approved.is_some_and(|plan| plan.target.protected);
    let target = Target { protected, ..target.clone() };
    let command = located.command(&format!("promote{}", args.repeated()));
    let consent = consent::promotion(&target, args.yes, args.confirm.as_deref(), app.silence(), ("promote", &command));
    let reason = || protect::reason(located, &protect::guard(app, located).ok()??);
    consent.map_err(|problem| reason().into_iter().fold(problem, Problem::why))
}

fn check_label(approved: &Plan, target: &Target) -> Result<(), Problem> {
    if approved.target.label() == target.label() {
        return Ok(());
    }
    Err(Problem::new(
        Code::BadOption,
        format!("the plan is for {}, not for {}", approved.target.label(), target.label()),
    )
    .fix(format!("stagegate promote {} --plan FILE", approved.target.label())))
}
