//! What plan, promote and resume share: from a target to a plan, and from an outcome to the end.

use super::args::Canary;
use super::end::End;
use super::session::Session;
use super::target::Located;
use super::{App, new_run, protect};
use crate::aws::Aws;
use crate::change::Change;
use crate::clock::Clock;
use crate::config::{self, Config, SmokeFiles};
use crate::engine::person::Person;
use crate::engine::{Engine, OnInterrupt, Outcome, Settings};
use crate::journal::{Ending, FileJournal, Journal, JournalError, Progress};
use crate::model::{CanaryMode, Percent, Reaction, Target, Version};
use crate::ownership::Ownership;
use crate::plan::{Choice, Plan, plan};
use crate::problem::{Code, Exit, Level, Problem};
use crate::report::plan_text::Caller;

/// A plan and who made it.
#[derive(Debug)]
pub struct Prepared {
    /// The plan.
    pub plan: Plan,
    /// Who.
    pub caller: Caller,
    /// Who else says what alias and stage shall be.
    pub ownership: Ownership,
}

/// The target, if it can be promoted: a stage alone does not say which functions are meant.
pub fn plannable(located: &Located) -> Result<Target, Problem> {
    if let Some(target) = &located.target {
        return Ok(target.clone());
    }
    let stage = located.stage().map_or_else(|| located.text.clone(), ToString::to_string);
    let (api, name) = stage.split_once('/').unwrap_or((stage.as_str(), "STAGE"));
    Err(Problem::new(Code::AmbiguousTarget, format!("{stage} names a stage, and not what shall be promoted"))
        .why("a stage may call many functions; a release names those that it promotes")
        .fix(format!(
            "put it into stagegate.toml: [target.NAME] functions = [\"FUNCTION\"], alias = \"ALIAS\", api = \"{api}\", stage = \"{name}\""
        ))
        .fix("or promote the alias alone: stagegate promote FUNCTION:ALIAS"))
}

/// The target with the canary that the flags ask for, protected when it touches what a protected target has.
pub fn target(app: &App, located: &Located, canary: &Canary) -> Result<Target, Problem> {
    protect::guarded(app, located, canary.flags().apply(plannable(located)?)?)
}

/// An override without a gate would be recorded for nothing.
pub fn check_override(reason: Option<&str>, target: &Target) -> Result<(), Problem> {
    if reason.is_none() || target.canary.is_gradual() {
        return Ok(());
    }
    Err(Problem::new(Code::BadOption, "--override-gate: this release has no gate")
        .why(format!("target {} moves all traffic at once, and a gate judges the steps of a canary", target.label()))
        .fix("leave it out"))
}

/// What a signal does after the first write: the flag decides, then the target.
pub fn on_interrupt(flag: Option<OnInterrupt>, target: &Target) -> OnInterrupt {
    flag.unwrap_or(match target.on_interrupt {
        Reaction::Rollback => OnInterrupt::Rollback,
        Reaction::Hold => OnInterrupt::Hold,
    })
}

/// What a person asks for beyond the target.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// This version instead of what the target's source says.
    pub version: Option<u64>,
    /// Why the gate only advises.
    pub override_gate: Option<String>,
}

/// Reads AWS and makes the plan.
pub async fn prepare<A: Aws, C: Clock>(
    app: &App,
    session: &Session<A, C>,
    target: &Target,
    caller: Caller,
    wanted: Wanted,
) -> Result<Prepared, Problem> {
    let target = session.placed(target.clone(), &caller);
    let named = wanted.version.map(Version::Number);
    let description = description(&target, &app.env);
    let observed = session.observer(app).observe(&target, named).await?;
    let choice = Choice {
        named,
        description,
        override_gate: wanted.override_gate,
        ..Choice::new(new_run(&app.env), session.clock.now(), caller.identity.account.clone(), session.region.clone())
    };
    let plan = plan(&target, &observed, &choice).map_err(|problem| at_fault(app, &target, problem))?;
    Ok(Prepared { plan, caller, ownership: observed.ownership(&target) })
}

/// What only AWS could show to be wrong with the file, at its place there.
fn at_fault(app: &App, target: &Target, problem: Problem) -> Problem {
    let by_mode = problem.code == Code::Unsupported && target.canary.mode == CanaryMode::Stage;
    let Some(name) = target.name.as_ref().filter(|_| by_mode) else { return problem };
    let config = config::load(app.args.config.as_deref(), &app.directory, &config::read_file).ok().flatten();
    let says_so = |config: &Config| {
        config.target(name, SmokeFiles::Leave).is_ok_and(|written| written.canary.mode == CanaryMode::Stage)
    };
    match config.filter(says_so) {
        Some(config) => config.at_canary_mode(name, problem, "use \"alias\" or \"none\""),
        None => problem,
    }
}

/// Makes an approved plan again from what AWS is now; refuses if anything that it was made from has changed.
pub async fn remake<A: Aws, C: Clock>(
    app: &App,
    session: &Session<A, C>,
    approved: &Plan,
    caller: Caller,
) -> Result<Prepared, Problem> {
    if approved.region != session.region || approved.account != caller.identity.account {
        return Err(Problem::new(Code::PlanStale, "the plan was made for another place")
            .why(format!("it is for account {} in {}", approved.account, approved.region))
            .why(format!("this is account {} in {}", caller.identity.account, session.region))
            .fix("name the right profile and region: --profile NAME --region REGION"));
    }
    let version = approved.members.iter().find(|m| m.named).and_then(|m| match m.source {
        crate::plan::SourcePlan::Existing { version, .. } => version.number(),
        crate::plan::SourcePlan::Publish { .. } => None,
    });
    let override_gate = approved.canary.as_ref().and_then(|canary| canary.override_gate.clone());
    let mut prepared = prepare(app, session, &approved.target, caller, Wanted { version, override_gate }).await?;
    prepared.plan.description.clone_from(&approved.description);
    expect(&prepared.plan, &approved.digest())?;
    Ok(prepared)
}

/// Refuses a plan with another digest than the approved one.
pub fn expect(plan: &Plan, digest: &str) -> Result<(), Problem> {
    let now = plan.digest();
    if now == digest {
        return Ok(());
    }
    Err(Problem::new(Code::PlanStale, "AWS or the configuration is no longer what the approved plan read")
        .why(format!("approved {digest}, now {now}"))
        .why("a plan holds revisions, code hashes, deployment and definition of everything it was made from")
        .fix(format!("plan and approve again: stagegate plan {}", plan.target.label())))
}

/// The description of new versions, with what the build says about itself. An unknown part is left out.
fn description(target: &Target, env: &dyn Fn(&str) -> Option<String>) -> String {
    let first =
        |names: [&str; 2]| names.iter().find_map(|name| env(name).filter(|v| !v.is_empty())).unwrap_or_default();
    let template = target.publish_description.as_deref().unwrap_or_default();
    template
        .replace("{git_sha}", &first(["STAGEGATE_GIT_SHA", "GITHUB_SHA"]))
        .replace("{git_tag}", &first(["STAGEGATE_GIT_TAG", "GITHUB_REF_NAME"]))
        .trim()
        .to_owned()
}

/// The command lines that go on and go back, said before the first write: a terminal that dies leaves them on the screen,
/// and a runner that is lost leaves its log.
pub fn ways(app: &App, located: &Located) {
    app.reporter.keep(&format!(
        "  go back at any time:   {}\n  go on after a stop:    {}\n\n",
        located.command("rollback"),
        located.command("resume")
    ));
}

/// Says how it went, and makes the end.
pub fn conclude(app: &App, located: &Located, plan: &Plan, progress: &Progress, outcome: Outcome) -> End {
    let candidate = progress.published.first().map(|(_, version, _)| *version);
    let unfinished = outcome.ending.is_none();
    let changed = progress.may_have_changed() && outcome.exit != Exit::RolledBack;
    let weight = weight(plan, progress, outcome.ending);
    let way = |wanted: bool, command: &str| wanted.then(|| located.command(command));
    if outcome.exit == Exit::Done && outcome.problem.is_none() {
        for line in &outcome.now {
            app.reporter.say(&format!("{line}\n"));
        }
        if let (true, Some(weight)) = (unfinished && plan.canary.is_some(), weight) {
            app.reporter.say(&format!("the new version has {weight}%; nothing moves by itself\n"));
        }
        app.reporter.say(&if unfinished {
            format!("go on: {}\nundo:  {}\n", located.command("resume"), located.command("rollback"))
        } else if outcome.ending == Some(Ending::RolledBack) {
            format!("✔ rolled back {}\n", plan.target.label())
        } else if plan.is_first_release() {
            // A command that would be refused is worse than none.
            format!("✔ promoted {}   (a first release: no version to go back to yet)\n", plan.target.label())
        } else {
            format!("✔ promoted {}   undo: {}\n", plan.target.label(), located.command("rollback"))
        });
    }
    let deployment = progress.deployment.clone().filter(|_| outcome.exit == Exit::Done);
    End::of_release(plan, outcome, candidate, deployment)
        .weight(weight)
        .commands(way(unfinished, "resume"), way(changed || unfinished, "rollback"))
}

/// The candidate's share of the traffic, 0–100 %; none where it is not certain, or where nothing was to be promoted.
fn weight(plan: &Plan, progress: &Progress, ending: Option<Ending>) -> Option<f64> {
    match ending {
        Some(Ending::Promoted) => Some(100.0),
        Some(Ending::RolledBack | Ending::Stopped) => Some(0.0),
        Some(Ending::Unchanged | Ending::NeedsPerson | Ending::Elsewhere) => None,
        None => Some(
            progress.intents.iter().fold(0.0, |share, change| share_after(plan, progress, change).unwrap_or(share)),
        ),
    }
}

/// The candidate's share once a change is done, if the change decides about it.
fn share_after(plan: &Plan, progress: &Progress, change: &Change) -> Option<f64> {
    let candidate = |function| progress.published.iter().find(|(f, ..)| f == function).map(|(_, version, _)| *version);
    let by_stage = plan.canary.as_ref().is_some_and(|canary| canary.mode == CanaryMode::Stage);
    match change {
        Change::Alias { function, alias, before, want } if *alias == plan.target.alias => {
            let to = candidate(function)?;
            // A function whose version stays says nothing about the others.
            let moves = before.as_ref().is_none_or(|before| before.version != to) || want.version != to;
            let weight = to.number().and_then(|number| want.weights.get(&number));
            match (want.version == to && moves, weight) {
                (true, _) => Some(100.0),
                (false, Some(weight)) => Some(Percent::of_share(*weight).percent()),
                (false, None) => None,
            }
        }
        Change::Stage { want, .. } if by_stage => want.canary.as_ref().map(|canary| canary.percent),
        Change::Alias { .. } | Change::Grant { .. } | Change::Stage { .. } => None,
    }
}

/// The engine of a release over a connection.
pub fn engine<'a, A: Aws, C: Clock>(
    app: &'a App,
    session: &'a Session<A, C>,
    journal: FileJournal,
    plan: &Plan,
    settings: Settings,
    person: &'a dyn Person,
) -> Engine<'a, A, C, FileJournal> {
    super::job::takes_up(&app.env, &plan.run);
    engine_over(app, session, &session.aws, journal, plan, settings, person)
}

/// As [`engine`], with `aws` in place of the session's own; the job takes nothing up by it.
pub fn engine_over<'a, A: Aws, B: Aws, C: Clock>(
    app: &'a App,
    session: &'a Session<A, C>,
    aws: &'a B,
    journal: FileJournal,
    plan: &Plan,
    settings: Settings,
    person: &'a dyn Person,
) -> Engine<'a, B, C, FileJournal> {
    Engine::new(aws, &session.clock, &app.reporter, &app.interrupt, journal, plan.run.clone(), settings)
        .with_person(person)
        .with_lifetime(session.lifetime.clone())
}

/// The version of AWS that a note about nothing to do speaks of.
pub fn nothing_to_do(plan: &Plan) -> End {
    let serving = plan.members.first().and_then(|m| m.before.as_ref()).map(|a| a.version);
    End::new(Exit::Done, "unchanged")
        .release(plan.run.clone())
        .versions(serving.filter(|_| plan.members.len() == 1), None)
        .with(crate::engine::nothing_to_publish(plan))
}

/// The journal of a release on this machine.
pub fn open_journal(
    app: &App,
    open: impl FnOnce(&crate::journal::StateDir) -> Result<FileJournal, JournalError>,
) -> Result<FileJournal, Problem> {
    let Some(state) = &app.state else {
        return Err(Problem::new(Code::JournalUnwritable, "there is no place for the journal")
            .why("neither STAGEGATE_STATE_DIR nor XDG_STATE_HOME nor HOME is set")
            .fix("name a folder: STAGEGATE_STATE_DIR=/path stagegate …"));
    };
    let journal = open(state).map_err(|error| crate::engine::journal_problem(&error))?;
    if journal.was_torn() {
        let problem =
            Problem::new(Code::JournalDamaged, "the last line of the journal was torn by a crash and is left out")
                .level(Level::Warning)
                .why("it was not durable, so the write that it announced was never sent")
                .aws_now(format!("as the {} whole lines before it say; it is looked at", journal.lines().len()))
                .fix("nothing to do: the release goes on from what is whole");
        app.warn(&problem);
    }
    Ok(journal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_holds_what_the_build_says_and_nothing_for_what_it_does_not() {
        let mut target = Target::of_alias("checkout-api".parse().unwrap(), "live".parse().unwrap());
        target.publish_description = Some("{git_sha} {git_tag}".into());
        let env = |name: &str| (name == "GITHUB_SHA").then(|| "3e9a1f7".to_owned());
        assert_eq!(description(&target, &env), "3e9a1f7");
        let both = |name: &str| match name {
            "STAGEGATE_GIT_SHA" => Some("aaa".to_owned()),
            "GITHUB_SHA" => Some("bbb".to_owned()),
            "GITHUB_REF_NAME" => Some("v2".to_owned()),
            _ => None,
        };
        assert_eq!(description(&target, &both), "aaa v2");
    }
}
