//! What happened during a command, put together from what the reporter heard. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::event::{Event, Outcome};
use crate::metrics::GateLook;
use crate::model::Percent;
use crate::plan::Plan;
use crate::problem::{Level, Problem};
use crate::report::Board;
use crate::report::board::number;
use crate::step::StepKind;

/// Screens of a looking command that are kept, bytes.
const SCREEN_MAX: usize = 200_000;

/// A step that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// One line.
    pub detail: String,
    /// How long it took, milliseconds.
    pub ms: u64,
}

/// Whose credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// Twelve digits.
    pub account: String,
    /// Where.
    pub region: String,
    /// Who, when it was asked.
    pub arn: Option<String>,
}

/// Everything that a summary is made of.
#[derive(Debug, Clone, Default)]
pub struct Tale {
    /// When the command began.
    pub began: Option<Timestamp>,
    /// Whose credentials.
    pub who: Option<Who>,
    /// The plan and its digest.
    pub plan: Option<(Box<Plan>, String)>,
    /// The steps that ended, in order.
    pub steps: Vec<Step>,
    /// The step under way.
    pub under_way: Option<StepKind>,
    /// The last look of each step of the canary.
    pub looks: BTreeMap<usize, GateLook>,
    /// The shares whose gate a person let pass, and why.
    pub let_pass: Vec<String>,
    /// How many writes were answered with success.
    pub writes: usize,
    /// Why it went back.
    pub back: Option<String>,
    /// What is true after the way back, whether all of it was read back, and how long it took, ms.
    pub went_back: Option<(Vec<String>, bool, u64)>,
    /// `API/STAGE` and the deployment it was read back with.
    pub deployments: BTreeMap<String, String>,
    /// How traffic is split.
    pub board: Board,
    /// What is not success and did not end it.
    pub warnings: Vec<Problem>,
    /// What a looking command printed.
    pub screen: String,
}

impl Tale {
    /// Takes in an event.
    pub fn hear(&mut self, at: Timestamp, event: &Event) {
        self.began.get_or_insert(at);
        match event {
            Event::Identity { account, region, arn, .. } => {
                self.who = Some(Who { account: account.clone(), region: region.clone(), arn: arn.clone() });
            }
            Event::Plan { digest, plan, .. } => {
                let plan = serde_json::from_value(plan.clone()).ok();
                self.plan = plan.map(|plan| (Box::new(plan), digest.clone()));
            }
            Event::StepStarted { step, .. } => self.under_way = Some(*step),
            Event::StepFinished { step, outcome, detail, ms, .. } => {
                self.under_way = None;
                let (name, detail) = (step.name().to_owned(), detail.clone());
                self.steps.push(Step { name, outcome: *outcome, detail, ms: *ms });
            }
            Event::AwsWrite { .. } => self.writes += 1,
            Event::Deployment { stage, deployment, .. } => {
                self.deployments.insert(stage.clone(), deployment.clone());
            }
            Event::Gate(look) => {
                self.looks.insert(look.step, (**look).clone());
            }
            Event::GatePassed { percent, reason, .. } => {
                self.let_pass.push(format!("{}%: {reason}", number(*percent)));
            }
            Event::RollingBack { why, .. } => self.rolls_back(why),
            Event::RolledBack { verified, now, ms, .. } => self.went_back = Some((now.clone(), *verified, *ms)),
            Event::Warning { problem } => self.warn(problem),
            _ => {}
        }
        self.board.hear(at, event);
    }

    /// Takes in a message that does not end the command.
    pub fn warn(&mut self, problem: &Problem) {
        if problem.level != Level::Error && !self.warnings.contains(problem) {
            self.warnings.push(problem.clone());
        }
    }

    /// Takes in what was printed.
    pub fn screen(&mut self, text: &str) {
        let room = SCREEN_MAX.saturating_sub(self.screen.len());
        self.screen.push_str(&text[..text.floor_char_boundary(room)]);
    }

    /// The step in which it turned back did not end well.
    fn rolls_back(&mut self, why: &str) {
        self.back = Some(why.to_owned());
        if let Some(step) = self.under_way.take() {
            let step = Step { name: step.name().to_owned(), outcome: Outcome::Failed, detail: why.to_owned(), ms: 0 };
            self.steps.push(step);
        }
    }

    /// `function:alias` before and now, one row each, and the stage.
    pub fn rows(&self) -> Vec<[String; 3]> {
        let Some((plan, _)) = &self.plan else {
            return self.board.routed().map(|(alias, now)| [alias, String::new(), now]).collect();
        };
        let mut rows: Vec<[String; 3]> = plan.members.iter().map(|member| self.alias_row(plan, member)).collect();
        if let Some(stage) = &plan.stage {
            let name = stage.stage.to_string();
            let before = format!("deployment {}", shown(&stage.before.deployment));
            let heard = self.deployments.get(&name).map(|deployment| format!("deployment {deployment}"));
            let share = self.board.stage_share(&name).filter(|percent| *percent > 0.0);
            let canary = share.map(|percent| format!("canary {}%", number(percent)));
            let heard = heard.into_iter().chain(canary).reduce(|all, one| format!("{all}, {one}"));
            let now = self.now(&name, heard, &before);
            rows.push([name, before, now]);
        }
        rows
    }

    fn alias_row(&self, plan: &Plan, member: &crate::plan::MemberPlan) -> [String; 3] {
        let name = format!("{}:{}", member.function, plan.target.alias);
        let before = member.before.as_ref().map_or_else(
            || "did not exist".to_owned(),
            |alias| {
                let extra: f64 = alias.weights.values().sum();
                let mut text = format!("{} {}", alias.version.label(), Percent::of_share(1.0 - extra));
                for (version, share) in &alias.weights {
                    text += &format!(", v{version} {}", Percent::of_share(*share));
                }
                text
            },
        );
        let now = self.now(&name, self.board.split_of(&name), &before);
        [name, before, now]
    }

    /// What is known of a place now: what was read back on the way back, else what was heard last, else what it was before
    /// when nothing was written. What was heard before the way back began says nothing of the time after it.
    fn now(&self, name: &str, heard: Option<String>, before: &str) -> String {
        let read_back = || {
            let (lines, _, _) = self.went_back.as_ref()?;
            let of_it = lines.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            of_it.map(|now| now.trim_start_matches("→ ").to_owned())
        };
        let known = if self.back.is_some() { read_back() } else { heard };
        known.unwrap_or_else(|| match (self.writes, self.back.is_some()) {
            (0, false) => before.to_owned(),
            _ => "not read back here".to_owned(),
        })
    }
}

/// A deployment's id; a stage that was never deployed has none.
fn shown(deployment: &str) -> &str {
    if deployment.is_empty() { "none" } else { deployment }
}
