//! Progress at a terminal: finished steps are plain lines that scroll away, the one in flight turns in place below.

use std::cell::RefCell;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::frame::Frame;
use super::plain::word;
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
    panel: RefCell<Option<ProgressBar>>,
    /// A whole screen.
    frame: Frame,
    /// The step in flight: named when it does not end well.
    step: RefCell<Option<StepKind>>,
}

impl Live {
    pub(super) fn new(term: &Term, shape: Shape) -> Self {
        let enabled = term.progress == Progress::Live && shape == Shape::Human;
        Self {
            enabled,
            unicode: term.unicode,
            spinner: RefCell::default(),
            panel: RefCell::default(),
            frame: Frame::default(),
            step: RefCell::default(),
        }
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

    /// Shows a screen, in place of the one before.
    pub(super) fn show(&self, text: &str) {
        if let Some(bar) = self.spinner.borrow_mut().take() {
            bar.finish_and_clear();
        }
        self.frame.show(text);
    }

    /// Draws the canary's panel, in place of the one before.
    fn draw(&self, panel: &str) {
        if !self.enabled {
            return;
        }
        if let Some(bar) = self.panel.borrow().as_ref() {
            return bar.set_message(panel.to_owned());
        }
        self.clear();
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_message(panel.to_owned());
        bar.tick();
        *self.panel.borrow_mut() = Some(bar);
    }

    /// Takes it off the screen.
    pub(super) fn clear(&self) {
        self.frame.clear();
        for bar in [&self.spinner, &self.panel] {
            if let Some(bar) = bar.borrow_mut().take() {
                bar.finish_and_clear();
            }
        }
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
            Event::RollingBack { why, .. } => {
                let failed = self.step.borrow_mut().take();
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
            Event::Interrupted { signal } => format!("  {signal}: stopping after the present call\n"),
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
            Event::Gate(_) => self.draw(&fit(board.panel(term.width))),
            Event::StepFinished { .. } => *self.step.borrow_mut() = None,
            Event::RollingBack { .. } => self.begin("putting back what served before"),
            Event::RolledBack { .. } => self.clear(),
            _ => {}
        }
    }
}
