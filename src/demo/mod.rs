//! A whole promotion without AWS: the real plan, engine and rollback on the [world](crate::world), with a fast clock and
//! clients whose every answer is counted. It prints nothing; [`text`] renders what happened.

pub mod practice;
mod shop;
pub mod text;
mod traffic;

use std::cell::RefCell;
use std::time::Duration;

use jiff::Timestamp;

pub use shop::{ALIAS_VARIABLE, CANDIDATE, CROWD_RPS, NEW_ROUTE, ROUTES, STABLE, Shop};
pub use traffic::{Answer, Phase};

use crate::aws::operation::{GetAlias, GetStage};
use crate::aws::{AwsError, AwsExt};
use crate::clock::Clock;
use crate::engine::{Engine, Interrupt, Outcome, Settings};
use crate::event::{self, Event, Listener};
use crate::journal::{Line, MemoryJournal};
use crate::model::{CanaryMode, RunId, Target, Version};
use crate::plan::{Choice, Observer, Plan, plan};
use crate::problem::{Code, Exit, Problem};
use crate::report::Board;
use crate::rollback::{Emergency, Part, Seen};
use crate::step::StepKind;
use crate::world::{LoadReport, World};
use traffic::Street;

/// How long clients are watched before and after the release.
const QUIET: Duration = Duration::from_secs(15);
/// How long they are watched after a rollback.
const SHORT: Duration = Duration::from_secs(5);

/// What is wrong with the release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Regression {
    /// The new version fails some of its requests; its smoke check sees nothing.
    Errors,
    /// The new version takes twice as long as the old one, and less than its smoke check allows.
    Latency,
    /// The role may not add the permission that a new route needs.
    Permission,
    /// Every new execution environment of the new version fails its first request.
    ColdStart,
}

/// How the demo goes. The same options give the same demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoOptions {
    /// What is wrong with the release, if anything.
    pub regress: Option<Regression>,
    /// How traffic is shifted.
    pub canary: CanaryMode,
    /// How long a virtual minute takes for whoever watches, zero = no time at all.
    pub pace: Duration,
    /// Decides when clients ask for what, and the ids of the releases.
    pub seed: u64,
    /// The virtual time at which it begins.
    pub start: Timestamp,
    /// Columns of what is told of it.
    pub width: usize,
}

impl Default for DemoOptions {
    /// A release that succeeds, on 18 November 2026 at 14:00 UTC.
    fn default() -> Self {
        let (regress, canary, pace) = (None, CanaryMode::Alias, Duration::ZERO);
        Self {
            regress,
            canary,
            pace,
            seed: 41,
            start: Timestamp::UNIX_EPOCH + Duration::from_secs(1_795_010_400),
            width: 88,
        }
    }
}

/// A step of the release as it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepLine {
    /// Which.
    pub step: StepKind,
    /// How it ended.
    pub outcome: event::Outcome,
    /// One line for people.
    pub detail: String,
    /// Virtual time, milliseconds.
    pub ms: u64,
}

/// A rollback as it went.
#[derive(Debug, Clone)]
pub struct Back {
    /// The command that a person would have typed.
    pub command: String,
    /// From, to, and the reason for the choice.
    pub moved: (Version, Version, &'static str),
    /// What was true afterwards, as read back.
    pub now: Vec<String>,
    /// Whether all of it was.
    pub clean: bool,
    /// How many calls to AWS it took.
    pub calls: u32,
    /// Virtual time, milliseconds.
    pub ms: u64,
}

/// What happened.
#[derive(Debug, Clone)]
pub struct DemoReport {
    /// The options it was made with.
    pub options: DemoOptions,
    /// The plan that was run.
    pub plan: Plan,
    /// The steps that were run.
    pub steps: Vec<StepLine>,
    /// The canary as a terminal shows it at the last look of each step.
    pub canary: Vec<String>,
    /// The journal of the release.
    pub journal: Vec<Line>,
    /// How the release ended.
    pub outcome: Outcome,
    /// What was true after it, as read back.
    pub status: Vec<String>,
    /// The description of the alias after it: its record, readable by eye.
    pub record: String,
    /// The rollback that follows a success, and the rollback of that.
    pub back: Vec<Back>,
    /// The requests of clients, part by part.
    pub traffic: Vec<Phase>,
    /// What the clients got that are counted by the minute.
    pub crowd: LoadReport,
    /// Whatever clients lost that they had before: nothing, or the demo has found a bug.
    pub violations: Vec<String>,
}

impl DemoReport {
    /// What the process exits with: the release's own exit code, unless something that must not happen did.
    pub fn exit(&self) -> Exit {
        let back = self.back.iter().all(|back| back.clean);
        if self.violations.is_empty() && back { self.outcome.exit } else { Exit::InBetween }
    }

    /// The requests in all parts that were followed one by one, those that nothing answered, and those that reached an alias without permission.
    pub fn totals(&self) -> (u32, u32, u32) {
        let sum = |of: fn(&Phase) -> u32| self.traffic.iter().map(of).sum();
        (sum(Phase::requests), sum(Phase::failed), sum(|phase| phase.without_permission))
    }
}

/// Runs the demo. The listener hears what it would hear of a real release, the plan included.
///
/// # Errors
/// The demo contradicts itself: a bug of stagegate.
pub async fn run(options: &DemoOptions, listener: &dyn Listener) -> Result<DemoReport, Problem> {
    let shop = Shop::new().map_err(|error| broken(&error.to_string()))?;
    let world = shop.open(options.start, options.regress).map_err(|error| broken(&error.to_string()))?;
    world.set_load(shop.crowd(options.regress, options.seed));
    let steps = Steps::new(listener, options.width);
    let street = Street::new(&world, &shop, &steps, options);
    let target = shop.shifted(options.canary);
    street.sleep(QUIET).await;
    let plan = plan_of(&world, &street, &target, options).await?;
    street.on(street.now(), &announced(&plan));
    let interrupt = Interrupt::default();
    let journal = MemoryJournal::default();
    let kept = journal.kept();
    let engine = Engine::new(&street, &street, &street, &interrupt, journal, plan.run.clone(), Settings::default());
    let outcome = engine.promote(&plan).await;
    street.begin("after");
    street.sleep(QUIET).await;
    let (status, record) = look(&street, &shop).await?;
    let mut back = Vec::new();
    if outcome.exit == Exit::Done {
        for (name, to) in [("rollback", None), ("undo", Some(CANDIDATE))] {
            street.begin(name);
            back.push(roll_back(&street, &shop, to, options).await?);
            street.sleep(SHORT).await;
        }
    }
    Ok(DemoReport {
        options: *options,
        plan,
        steps: steps.lines.take(),
        canary: steps.panels.take(),
        journal: kept.take(),
        outcome,
        status,
        record,
        back,
        traffic: street.phases(),
        crowd: world.load_report(),
        violations: world.violations(),
    })
}

/// Hears the steps and the looks of the canary on their way to the listener.
struct Steps<'a> {
    listener: &'a dyn Listener,
    /// Columns of the panels that are kept.
    width: usize,
    lines: RefCell<Vec<StepLine>>,
    board: RefCell<Board>,
    /// The panel of the step under way, until the next one begins.
    panel: RefCell<Option<String>>,
    panels: RefCell<Vec<String>>,
}

impl<'a> Steps<'a> {
    fn new(listener: &'a dyn Listener, width: usize) -> Self {
        Self {
            listener,
            width,
            lines: RefCell::default(),
            board: RefCell::default(),
            panel: RefCell::default(),
            panels: RefCell::default(),
        }
    }
}

impl Listener for Steps<'_> {
    fn on(&self, at: Timestamp, event: &Event) {
        let mut board = self.board.borrow_mut();
        let moves = board.traffic_line(event).is_some();
        board.hear(at, event);
        match event {
            Event::Gate(_) => *self.panel.borrow_mut() = Some(board.panel(self.width)),
            Event::RollingBack { .. } => self.panels.borrow_mut().extend(self.panel.take()),
            _ if moves => self.panels.borrow_mut().extend(self.panel.take()),
            Event::StepFinished { step, outcome, detail, ms, .. } => {
                self.panels.borrow_mut().extend(self.panel.take());
                let line = StepLine { step: *step, outcome: *outcome, detail: detail.clone(), ms: *ms };
                self.lines.borrow_mut().push(line);
            }
            _ => {}
        }
        self.listener.on(at, event);
    }

    fn tick(&self, now: Timestamp, until: Timestamp) {
        self.listener.tick(now, until);
    }
}

fn broken(why: &str) -> Problem {
    Problem::new(Code::Internal, "the demo contradicts itself").why(why).aws_now("not involved")
}

fn run_id(options: &DemoOptions, at: Timestamp) -> RunId {
    RunId::new(u64::try_from(at.as_millisecond()).unwrap_or_default(), options.seed.into())
}

async fn plan_of(world: &World, street: &Street<'_>, target: &Target, options: &DemoOptions) -> Result<Plan, Problem> {
    let observed = Observer { aws: street, clock: street, listener: street }.observe(target, None).await?;
    let at = street.now();
    let (account, region) = world.look(|a| (a.settings.account.clone(), a.settings.region.clone()));
    let run = run_id(options, at);
    plan(target, &observed, &Choice::new(run, at, account, region))
}

fn announced(plan: &Plan) -> Event {
    Event::Plan {
        release: plan.run.clone(),
        target: plan.target.label(),
        digest: plan.digest(),
        plan: serde_json::to_value(plan).unwrap_or_default(),
    }
}

/// What `status` would say.
async fn look(street: &Street<'_>, shop: &Shop) -> Result<(Vec<String>, String), Problem> {
    let wrong = |error: AwsError| broken(&error.to_string());
    let alias =
        street.send(GetAlias { function: shop.function.clone(), alias: shop.alias.clone() }).await.map_err(wrong)?;
    let (api, name) = (shop.stage.api.clone(), shop.stage.stage.clone());
    let stage = street.send(GetStage { api, stage: name }).await.map_err(wrong)?;
    let status = vec![
        format!("{}:{} → {} (100%)", shop.function, shop.alias, alias.version.label()),
        format!("{} → deployment {}", shop.stage, stage.deployment),
    ];
    Ok((status, alias.description))
}

/// The rollback of somebody who has no journal and no configuration.
async fn roll_back(street: &Street<'_>, shop: &Shop, to: Option<u64>, options: &DemoOptions) -> Result<Back, Problem> {
    let (began, calls) = (street.now(), street.calls());
    let alias = street
        .send(GetAlias { function: shop.function.clone(), alias: shop.alias.clone() })
        .await
        .map_err(|error| broken(&error.to_string()))?;
    let seen = [Seen::new(shop.function.clone(), shop.alias.clone(), alias, to.is_some())?];
    let fresh = run_id(options, began);
    let emergency = Emergency::prepare(&seen, to, Part::All, &|_| Vec::new(), false, &fresh, began)?;
    let Some((_, from, chosen)) = emergency.moves.first().cloned() else { return Err(broken("nothing to move")) };
    let run = emergency.way.run.clone();
    let interrupt = Interrupt::default();
    let engine =
        Engine::new(street, street, street, &interrupt, MemoryJournal::default(), run.clone(), Settings::default());
    let undone = emergency.run(&engine).await;
    let clean = undone.is_clean();
    street.on(street.now(), &undone.event(&run));
    let flag = to.map_or_else(String::new, |number| format!(" --to {number}"));
    Ok(Back {
        command: format!("stagegate rollback {}:{}{flag}", shop.function, shop.alias),
        moved: (from, chosen.version.unwrap_or(Version::Latest), chosen.rule.reason()),
        now: undone.now,
        clean,
        calls: street.calls() - calls,
        ms: u64::try_from(street.now().duration_since(began).as_millis()).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests;
