//! Progress at a terminal: finished steps are plain lines that scroll away, the one in flight turns in place below.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::board::{self, Moment};
use super::in_place::InPlace;
use super::plain::{self, word};
use super::rollback_text;
use super::text::{field, seconds};
use super::{Board, Progress, Shape, Term};
use crate::event::{Event, Outcome};
use crate::step::StepKind;

/// The moving part of the screen.
pub(super) struct Live {
    enabled: bool,
    unicode: bool,
    spinner: RefCell<Option<ProgressBar>>,
    /// The canary under way.
    panel: InPlace,
    /// The step in flight: named when it does not end well.
    step: RefCell<Option<StepKind>>,
    /// Reads the columns of the terminal, which may be resized.
    columns: Option<fn() -> Option<u16>>,
    /// The keys that somebody may press while the panel is there.
    keys: Cell<Option<&'static str>>,
    /// When the panel was drawn last, whole seconds.
    drawn: Cell<i64>,
}

impl Live {
    pub(super) fn new(term: &Term, shape: Shape, columns: Option<fn() -> Option<u16>>) -> Self {
        let enabled = term.progress == Progress::Live && shape == Shape::Human;
        Self {
            enabled,
            unicode: term.unicode,
            spinner: RefCell::default(),
            panel: InPlace::default(),
            step: RefCell::default(),
            columns,
            keys: Cell::new(None),
            drawn: Cell::new(0),
        }
    }

    /// Columns of text, as the terminal is now.
    pub(super) fn width(&self, term: &Term) -> usize {
        let columns = self.columns.and_then(|columns| columns());
        columns.map_or(term.width, Term::width_of)
    }

    /// Names the keys below the panel from now on, or no longer.
    pub(super) fn offer_keys(&self, keys: Option<&'static str>) {
        self.keys.set(keys.filter(|_| self.enabled));
    }

    /// Draws the panel again, at most once a second.
    pub(super) fn tick(&self, board: &Board, term: &Term, moment: Moment) {
        // A message takes the panel away, and a look that fails brings none: the keys stay known.
        if board.shifts && board.look.is_some() && self.drawn.replace(moment.now.as_second()) != moment.now.as_second()
        {
            self.draw_panel(board, term, Some(moment));
        }
    }

    fn draw_panel(&self, board: &Board, term: &Term, moment: Option<Moment>) {
        let width = self.width(term);
        let keys = self.keys.get().map_or_else(String::new, |keys| format!("\n{}", field("  ", keys, width)));
        self.draw(&term.fit(&board.panel_at(width, moment)), &term.fit(&keys));
    }

    /// Shows that something is in flight.
    pub(super) fn begin(&self, message: &str) {
        if !self.enabled {
            return;
        }
        self.clear();
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let frames = if self.unicode { "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ " } else { "-\\|/ " };
        let style = ProgressStyle::with_template("  {spinner} {wide_msg} {elapsed}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        bar.set_style(style.tick_chars(frames));
        bar.set_message(message.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        *self.spinner.borrow_mut() = Some(bar);
    }

    /// Draws some lines in place of those before; the foot stays on a terminal that is too low for all of them.
    pub(super) fn draw(&self, panel: &str, foot: &str) {
        if !self.enabled {
            return;
        }
        if let Some(bar) = self.spinner.borrow_mut().take() {
            bar.finish_and_clear();
        }
        self.panel.draw(panel, foot);
    }

    /// Takes it off the screen.
    pub(super) fn clear(&self) {
        if let Some(bar) = self.spinner.borrow_mut().take() {
            bar.finish_and_clear();
        }
        self.panel.clear();
    }

    /// The lines that stay.
    pub(super) fn lines(&self, event: &Event, board: &Board, verbose: bool, width: usize) -> String {
        match event {
            Event::StepFinished { step, outcome, detail, ms, .. } => {
                let text = format!("{detail}  {}", seconds(ms / 1000));
                field(&format!("  {:<9} {step:<11} ", word(*outcome)), &text, width)
            }
            Event::Retry { api, resource, why, .. } => {
                field("  ! looking again  ", &format!("{api} on {resource}: {why}"), width)
            }
            Event::RollingBack { why, asked, .. } => {
                let failed = self.step.borrow_mut().take().filter(|_| !asked);
                let failed = failed.map_or_else(String::new, |step| format!("  ✖ FAILED  {step}\n"));
                failed + &field("  ↩ going back: ", why, width)
            }
            Event::RolledBack { verified, now, ms, took_ms, .. } => {
                let lines = rollback_text::done(*verified, now, took_ms, *ms).into_iter();
                lines.map(|line| field("", &line, width)).collect()
            }
            Event::Gate(look) => board
                .passed_line(look)
                .map_or_else(String::new, |line| field(&format!("  {:<9} ", word(Outcome::Ok)), &line, width)),
            Event::Interrupted { signal, asks } => field("  ", &plain::interrupted(signal, *asks, board), width),
            Event::GatePassed { percent, reason, .. } => {
                field("  ! let pass: ", &format!("the gate at {}%: {reason}", board::number(*percent)), width)
            }
            Event::AwsWrite { api, resource, result, .. } if verbose => {
                field("             wrote       ", &format!("{api} {resource} {result}"), width)
            }
            _ => String::new(),
        }
    }

    /// Moves the part in flight along.
    pub(super) fn follow(&self, event: &Event, board: &Board, term: &Term) {
        let fit = |text: String| term.fit(&text);
        match event {
            Event::StepStarted { step, .. } => {
                *self.step.borrow_mut() = Some(*step);
                self.begin(&fit(format!("{step:<11} {}", step.declaration().does)));
            }
            Event::Waiting { what, max_s } => {
                self.begin(&fit(format!("waiting for {what}, at most {}", seconds(*max_s))));
            }
            Event::Gate(_) => self.draw_panel(board, term, None),
            Event::StepFinished { .. } => *self.step.borrow_mut() = None,
            Event::RollingBack { .. } => self.begin("putting back what served before"),
            Event::RolledBack { .. } => self.clear(),
            _ => {}
        }
    }
}
