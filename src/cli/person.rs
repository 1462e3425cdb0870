//! The person at the terminal while a release runs: keys at the panel, and a choice where one is needed.

use std::cell::Cell;
use std::time::{Duration, Instant};

use futures_util::future::LocalBoxFuture;

use super::keyboard::{Key, Keyboard};
use super::menu::{Item, Menu};
use super::target::repeated;
use super::{App, Attended, tty};
use crate::engine::person::{Answer, Choice, Demand, Occasion, Person, Question};
use crate::plan::Plan;
use crate::report::Progress;
use crate::report::text::{field, seconds};

/// How long a question waits, unless a flag says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How often the keyboard is looked at while a question stands.
const LOOK: Duration = Duration::from_millis(50);
/// Above a menu.
const WHAT: &str = "What now?";
/// Where a gate is passed once.
const OVERRIDE: &str = "Type override REASON, or Esc to go back";
/// The same where keys come with Enter only.
const OVERRIDE_BY_LINE: &str = "Type override REASON, or only Enter to go back";
/// What the keys below the panel do.
const KEYS: &str = "p pause   r roll back   f finish now   Ctrl-C hold and ask";

/// Whoever sits there.
pub struct AtTerminal<'a> {
    app: &'a App,
    keyboard: Option<Keyboard>,
    /// They agreed to the release beforehand and are not asked about its course; their keys still count.
    agreed: bool,
    patience: Duration,
    place: String,
    /// What a printed command repeats.
    flags: String,
    /// What going back means.
    back: String,
}

impl<'a> AtTerminal<'a> {
    /// For a release; nobody is there where nobody can be asked.
    pub fn of(app: &'a App, plan: &Plan, agreed: bool, patience: Option<Duration>) -> Self {
        let by_line = app.term().progress != Progress::Live;
        let keyboard = if app.can_prompt() { Keyboard::open(by_line) } else { None };
        app.attended.set(if keyboard.is_some() { Attended::Watched } else { Attended::No });
        app.reporter.offer_keys(keyboard.as_ref().map(|_| KEYS));
        Self {
            app,
            keyboard,
            agreed,
            patience: patience.unwrap_or(PATIENCE),
            place: plan.target.label(),
            flags: repeated(app),
            back: back(plan),
        }
    }

    async fn choose(&self, keyboard: &Keyboard, question: &Question) -> Option<Answer> {
        let reporter = &self.app.reporter;
        reporter.clear();
        // What was typed before the question was no answer to it.
        tty::discard_typed();
        reporter.say(&self.headline(question));
        let by_line = keyboard.is_by_line();
        // Whoever paused it may take their time: the records say that it is held.
        let bounded = question.occasion != Occasion::Paused;
        loop {
            // Whoever came back from typing a reason is there, and has as long again.
            let deadline = bounded.then(|| (Instant::now() + self.patience, question.unanswered));
            let mut menu = self.menu(question, by_line);
            if by_line {
                let text = format!("{}{}", asked(WHAT, deadline, reporter.width()), menu.lines(reporter.width()));
                reporter.say(&format!("{text}? Number, then Enter (Enter alone is 1):\n"));
            }
            let at = self.chosen(keyboard, &mut menu, deadline).await?;
            let choice = *question.choices.get(at)?;
            reporter.clear();
            reporter.say(&format!("  you chose: {}\n", menu.label(at)));
            if choice != Choice::PassOnce {
                return Some(Answer { choice, reason: None });
            }
            if let Some(reason) = self.reason(keyboard, question.unanswered).await? {
                return Some(Answer { choice, reason: Some(reason) });
            }
        }
    }

    /// The reason for passing a failed gate: asked for until it fits; none within where somebody goes back to the menu.
    /// Nothing comes back when time is over, nobody is there any more, or a signal came.
    async fn reason(&self, keyboard: &Keyboard, unanswered: Choice) -> Option<Option<String>> {
        loop {
            let line = self.line(keyboard, Some((Instant::now() + self.patience, unanswered))).await?;
            if line.trim().is_empty() {
                return Some(None);
            }
            if let Some(reason) = typed(&line) {
                return Some(Some(reason));
            }
            let why = "not passed: it must begin with `override ` and give a reason";
            self.app.reporter.say(&field("  ", why, self.app.reporter.width()));
        }
    }

    /// A line that is typed, empty for going back; nothing comes back when time is over, nobody is there any more, or a
    /// signal came.
    async fn line(&self, keyboard: &Keyboard, deadline: Option<(Instant, Choice)>) -> Option<String> {
        let reporter = &self.app.reporter;
        let by_line = keyboard.is_by_line();
        let question = if by_line { OVERRIDE_BY_LINE } else { OVERRIDE };
        tty::discard_typed();
        if by_line {
            reporter.say(&asked(question, deadline, reporter.width()));
        }
        let (mut line, mut drawn) = (String::new(), None);
        loop {
            for key in keyboard.pressed() {
                match key {
                    Key::Enter => {
                        reporter.clear();
                        reporter.say(&field("  you typed: ", &line, reporter.width()));
                        return Some(line);
                    }
                    Key::Escape if line.is_empty() => {
                        reporter.clear();
                        return Some(line);
                    }
                    Key::Char(char) => line.push(char),
                    Key::Backspace => drop(line.pop()),
                    Key::Escape => line.clear(),
                    Key::Up | Key::Down => {}
                }
            }
            if self.is_over(keyboard, deadline.map(|(end, _)| end)) {
                reporter.clear();
                return None;
            }
            let shown = format!("{}  > {line}\n", asked(question, deadline, reporter.width()));
            if drawn.as_ref() != Some(&shown) {
                reporter.draw(&shown);
                drawn = Some(shown);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn is_over(&self, keyboard: &Keyboard, end: Option<Instant>) -> bool {
        let late = end.is_some_and(|end| Instant::now() >= end);
        late || self.app.interrupt.raised().is_some() || !keyboard.is_there()
    }

    /// Looks at the keyboard until something is chosen; nothing comes back when time is over or a signal came.
    async fn chosen(&self, keyboard: &Keyboard, menu: &mut Menu, deadline: Option<(Instant, Choice)>) -> Option<usize> {
        let reporter = &self.app.reporter;
        let drawn = Cell::new(None);
        loop {
            if self.is_over(keyboard, deadline.map(|(end, _)| end)) {
                reporter.clear();
                return None;
            }
            let keys = keyboard.pressed();
            let left = deadline.map(|(end, _)| end.saturating_duration_since(Instant::now()).as_secs());
            if let Some(at) = keys.iter().find_map(|key| menu.press(*key)) {
                return Some(at);
            }
            let width = reporter.width();
            if !keys.is_empty() || drawn.replace(Some((left, width))) != Some((left, width)) {
                reporter.draw(&format!("{}{}", asked(WHAT, deadline, width), menu.lines(width)));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn headline(&self, question: &Question) -> String {
        let width = self.app.reporter.width();
        let at = question.share.map_or_else(String::new, |share| format!(" at {share}"));
        let mut out = match question.occasion {
            Occasion::Interrupted if question.share.is_some() => {
                format!("Holding{at}. Ctrl-C again leaves it there.\n")
            }
            Occasion::Interrupted => "Stopped between two calls. Ctrl-C again leaves everything as it is.\n".into(),
            Occasion::Paused if question.recorded => {
                format!("Paused{at}; the record of the alias says so. Ctrl-C leaves it there.\n")
            }
            Occasion::Paused => {
                format!("Held{at} by this process; the record could not be told. Ctrl-C leaves it there.\n")
            }
            Occasion::RollBack => format!("Roll back{at}?\n"),
            Occasion::Finish => "Finish now? The rest of the steps is left out.\n".into(),
            Occasion::GateFailed => format!("\n✖ FAILED gate{at}   (Ctrl-C leaves it there)\n"),
            Occasion::Held => format!("\n! held{at}: a person decides\n"),
            Occasion::Approval => {
                let percent = question.share.map_or_else(String::new, |share| share.to_string());
                format!("\nThe steps before {percent} have passed. {} waits before {percent}.\n", self.place)
            }
        };
        for why in question.problem.iter().flat_map(|problem| &problem.why) {
            out += &field("  ", why, width);
        }
        let now = self.app.reporter.traffic();
        if !now.is_empty() {
            out += &field("  aws now      ", &now, width);
        }
        out
    }

    fn menu(&self, question: &Question, by_line: bool) -> Menu {
        let choices = question.choices;
        let items = choices.iter().map(|choice| self.item(*choice, question)).collect();
        // Where a key asked, Esc is what was before it.
        let escape = matches!(question.occasion, Occasion::RollBack | Occasion::Finish);
        let escape = choices.iter().position(|choice| *choice == Choice::GoOn).filter(|_| escape);
        Menu::new(items, escape, by_line)
    }

    fn item(&self, choice: Choice, question: &Question) -> Item {
        let share = question.share.map_or_else(|| "everything as it is".to_owned(), |share| share.to_string());
        let (label, does) = match (choice, question.occasion) {
            (Choice::RollBack, _) => ("Roll back", format!("{}, about 1 s", self.back)),
            (Choice::GoOn, Occasion::Approval) => ("Go on", format!("to {share}")),
            (Choice::GoOn, Occasion::RollBack | Occasion::Finish) => ("No", "go on as planned".into()),
            (Choice::GoOn, _) => ("Go on", "as planned".into()),
            (Choice::Watch, _) => ("Hold", format!("stay at {share} and keep watching")),
            (Choice::PassOnce, _) => ("Continue", "pass this gate once; asks for a reason".into()),
            (Choice::Finish, _) => ("Finish", "leave out the rest of the steps: all traffic to the new version".into()),
            (Choice::Leave, Occasion::Approval) => {
                ("Wait", format!("exit, nothing moves; later: stagegate resume {}{}", self.place, self.flags))
            }
            (Choice::Leave, _) => {
                ("Leave", format!("exit and keep {share}; later: stagegate resume {}{}", self.place, self.flags))
            }
        };
        Item { label, does }
    }
}

/// The reason for passing a failed gate, typed behind the word that nobody types by mistake.
fn typed(line: &str) -> Option<String> {
    let reason = line.trim().strip_prefix("override ").map(str::trim).filter(|reason| !reason.is_empty());
    reason.map(str::to_owned)
}

/// A question, and what happens if nothing is said.
fn asked(question: &str, deadline: Option<(Instant, Choice)>, width: usize) -> String {
    let Some((end, choice)) = deadline else { return field("? ", question, width) };
    let does = match choice {
        Choice::RollBack => "rolls back by itself",
        Choice::GoOn => "goes on as planned",
        _ => "leaves it where it is",
    };
    let left = end.saturating_duration_since(Instant::now()).as_secs();
    field("? ", &format!("{question}   ({does} in {})", seconds(left)), width)
}

/// What going back would change, in a few words.
fn back(plan: &Plan) -> String {
    let alias = &plan.target.alias;
    let mut text = match plan.members.as_slice() {
        [one] => match &one.before {
            Some(before) => format!("{alias} → {} (100%)", before.version.label()),
            None => format!("{alias} is removed again"),
        },
        all => format!("{alias} of {} functions to what served before", all.len()),
    };
    if let Some(stage) = plan.stage.as_ref().filter(|_| plan.stage_change().is_some()) {
        let deployment = stage.before_side().deployment.unwrap_or_default();
        text += &format!(", {} → {deployment}", stage.stage.stage);
    }
    text
}

impl Person for AtTerminal<'_> {
    fn is_there(&self, occasion: Occasion) -> bool {
        let pressed =
            matches!(occasion, Occasion::Interrupted | Occasion::Paused | Occasion::RollBack | Occasion::Finish);
        self.keyboard.as_ref().is_some_and(Keyboard::is_there) && (pressed || !self.agreed)
    }

    fn demand(&self) -> Option<Demand> {
        let keyboard = self.keyboard.as_ref()?;
        let keys = keyboard.pressed();
        // A line is a key only if it is nothing else.
        let lines = keys.split(|key| *key == Key::Enter).filter(|line| !keyboard.is_by_line() || line.len() == 1);
        let demand = lines.flatten().find_map(|key| match key {
            Key::Char('p' | 'P') => Some(Demand::Pause),
            Key::Char('r' | 'R') => Some(Demand::RollBack),
            Key::Char('f' | 'F') => Some(Demand::Finish),
            _ => None,
        });
        demand.filter(|_| self.app.reporter.offers_keys())
    }

    fn ask<'a>(&'a self, question: &'a Question) -> LocalBoxFuture<'a, Option<Answer>> {
        Box::pin(async move {
            let keyboard = self.keyboard.as_ref()?;
            self.app.attended.set(Attended::Asked);
            let answer = self.choose(keyboard, question).await;
            self.app.attended.set(Attended::Watched);
            answer
        })
    }
}

impl Drop for AtTerminal<'_> {
    fn drop(&mut self) {
        self.app.attended.set(Attended::No);
        self.app.reporter.offer_keys(None);
    }
}
