//! The canary while it runs, as a panel that is redrawn in place: how far it is, who gets the traffic, what both
//! versions do, and what the gate says. No line is longer than the width, in either alphabet. Pure.

use super::board::{Board, Moment, number, rate, split};
use super::text::{clock, cut, field, seconds, thousands};
use crate::metrics::{FunctionLook, GateLook, VersionLook};

/// Functions that get a table of their own, those that fail most first.
const SHOWN: usize = 3;
/// Heights of a minute.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Columns of a terminal below which the limits are left out.
const FOLDS: usize = 72;
/// Columns that the replacement of a symbol by ASCII may cost in a line.
const SLACK: usize = 2;

impl Board {
    /// The panel at a width of at least 40 columns, as it was at the last look; empty before the first.
    pub fn panel(&self, width: usize) -> String {
        self.panel_at(width, None)
    }

    /// The same, a while after that look.
    pub fn panel_at(&self, width: usize, moment: Option<Moment>) -> String {
        let Some(look) = &self.look else { return String::new() };
        let width = width.max(40) - SLACK;
        let since = moment.zip(self.looked).map(|(moment, looked)| moment.now.duration_since(looked).as_secs());
        let elapsed = look.elapsed_s + since.and_then(|since| u64::try_from(since).ok()).unwrap_or_default();
        let mut out = progress(look, elapsed, width);
        out += &self.steps_line(look, width);
        out += &self.traffic(width);
        out += &self.tables(look, width);
        out += &self.alarms(look, width);
        out += &field("  verdict   ", &format!("{}: {}", look.verdict, look.sentence), width);
        let seen = look.up_to.strftime("%H:%MZ");
        let next = moment.map(|moment| moment.next.duration_since(moment.now).as_secs().max(0).unsigned_abs());
        let next = next.map_or_else(String::new, |left| format!("; next look in {}", seconds(left)));
        out += &field("  seen      ", &format!("metrics up to {seen}; CloudWatch is 1 to 2 min behind{next}"), width);
        out
    }

    fn steps_line(&self, look: &GateLook, width: usize) -> String {
        let word = |at: usize| match (at + 1).cmp(&look.step) {
            std::cmp::Ordering::Less => "passed",
            std::cmp::Ordering::Equal => "now",
            std::cmp::Ordering::Greater => "next",
        };
        let steps: Vec<String> =
            self.steps.iter().enumerate().map(|(at, step)| format!("{} {}", step.percent, word(at))).collect();
        if steps.is_empty() { String::new() } else { field("  steps     ", &steps.join(" · "), width) }
    }

    fn traffic(&self, width: usize) -> String {
        let mut out = String::new();
        let splits = self.aliases.iter().filter(|(_, shares)| shares.len() > 1);
        for (name, shares) in splits.take(SHOWN) {
            out += &bar(name, shares.first().map_or(100.0, |(_, share)| *share), &split(shares), width);
        }
        if let Some((stage, percent)) = self.stage.as_ref().filter(|(_, percent)| *percent > 0.0) {
            out += &bar(stage, 100.0 - percent, &format!("canary {}%", number(*percent)), width);
        }
        out
    }

    fn tables(&self, look: &GateLook, width: usize) -> String {
        let mut functions: Vec<&FunctionLook> = look.functions.iter().collect();
        functions.sort_by(|a, b| gap(b).total_cmp(&gap(a)));
        let mut out = String::new();
        for function in functions.iter().take(SHOWN) {
            let title = if functions.len() > 1 { function.function.clone() } else { String::new() };
            out += &self.table(&title, function, width);
        }
        if functions.len() > SHOWN {
            out += &field("  ", &format!("and {} more, none of them worse", functions.len() - SHOWN), width);
        }
        out
    }

    fn table(&self, title: &str, function: &FunctionLook, width: usize) -> String {
        let grid = Grid::of(width);
        let (stable, canary) = if title.is_empty() { self.names() } else { ("stable".into(), "canary".into()) };
        let gate = self.gate.as_ref();
        let limit = |of: fn(&crate::model::GatePolicy) -> Option<String>| gate.and_then(of).unwrap_or_default();
        let FunctionLook { stable: old, canary: new, .. } = function;
        let both = |of: &dyn Fn(&VersionLook) -> String| (of(old), of(new));
        let ms = |look: &VersionLook| look.p99_ms.map_or_else(|| "–".into(), |ms| format!("{ms:.0} ms"));
        let mut out = grid.row(title, (stable, canary), if gate.is_some() { "limit" } else { "" });
        out += &grid.row("calls", both(&|look| thousands(look.invocations)), "");
        out += &grid.row("errors", both(&rate), &limit(|gate| Some(format!("≤ {}", gate.max_error_rate?))));
        let difference = if old.invocations > 0 && new.invocations > 0 {
            format!("{:+.2} points", gap(function)).replace("-0.00", "+0.00")
        } else {
            "–".into()
        };
        let margin = limit(|gate| Some(format!("≤ {}", gate.max_error_gap).replace('%', "")));
        out += &grid.row("gap", (String::new(), difference), &margin);
        out += &grid.row("p99", both(&ms), &limit(|gate| Some(format!("slow ≤ {} ×", gate.max_slow_ratio?.value()))));
        out + &grid.row("errors/min", both(&|look| sparkline(&look.errors_per_minute, grid.column - 2)), "")
    }

    fn alarms(&self, look: &GateLook, width: usize) -> String {
        let Some(gate) = self.gate.as_ref().filter(|gate| !gate.alarms.is_empty()) else {
            let raised = look.alarms_raised.join(", ");
            return if raised.is_empty() { raised } else { field("  alarms    ", &format!("ALARM {raised}"), width) };
        };
        let state = |name: &String| match (look.alarms_raised.contains(name), look.alarms_red_before.contains(name)) {
            (true, _) => format!("{name} ALARM"),
            (false, true) => format!("{name} red before"),
            (false, false) => format!("{name} quiet"),
        };
        let states: Vec<String> = gate.alarms.iter().map(state).collect();
        field("  alarms    ", &states.join(", "), width)
    }
}

/// `▶ canary    step 2 of 3, 25%   ━━━━━╸────  6:41 of 10:00`
fn progress(look: &GateLook, elapsed_s: u64, width: usize) -> String {
    let head = format!("▶ canary    step {} of {}, {}%", look.step, look.steps, number(look.percent));
    let time = format!("{} of {}", clock(elapsed_s), clock(look.bake_s));
    let room = width.saturating_sub(head.chars().count() + time.chars().count() + 4).min(24);
    if room < 5 {
        let head = format!("▶ canary    {}/{}, {}%", look.step, look.steps, number(look.percent));
        return format!("{}\n", cut(&format!("{head}, {time}"), width));
    }
    let done = if look.bake_s == 0 { 1.0 } else { elapsed_s as f64 / look.bake_s as f64 };
    let full = part(done, room);
    let bar: String = (0..room).map(|at| if at < full { '━' } else { '─' }).collect();
    format!("{head}  {bar}  {time}\n")
}

fn bar(name: &str, stable_percent: f64, words: &str, width: usize) -> String {
    let words = cut(words, width / 2);
    let room = width.saturating_sub(words.chars().count() + 14).min(40);
    let name = cut(name, width - 2);
    let full = part(stable_percent / 100.0, room);
    let bar: String = (0..room).map(|at| if at < full { '█' } else { '░' }).collect();
    if name.chars().count() + room + words.chars().count() + 6 <= width {
        format!("  {name}  {bar}  {words}\n")
    } else {
        format!("  {name}\n            {bar}  {words}\n")
    }
}

/// How many of `room` places a share of 0–1 fills.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0–room")]
fn part(share: f64, room: usize) -> usize {
    (share.clamp(0.0, 1.0) * room as f64).round() as usize
}

/// How much more the canary fails, in percentage points.
fn gap(function: &FunctionLook) -> f64 {
    let rate = |look: &VersionLook| look.errors as f64 / (look.invocations.max(1)) as f64 * 100.0;
    rate(&function.canary) - rate(&function.stable)
}

/// The newest minutes, as high as they are; up to eight errors a minute are shown one by one.
pub(super) fn sparkline(minutes: &[u64], room: usize) -> String {
    let newest = &minutes[minutes.len().saturating_sub(room)..];
    let top = newest.iter().copied().max().unwrap_or_default().max(HEIGHTS.len() as u64 - 1);
    newest.iter().map(|errors| HEIGHTS[part(*errors as f64 / top as f64, HEIGHTS.len() - 1)]).collect()
}

/// The columns of the table.
struct Grid {
    label: usize,
    column: usize,
    limits: bool,
    width: usize,
}

impl Grid {
    fn of(width: usize) -> Self {
        if width + SLACK < FOLDS {
            return Self { label: 10, column: ((width - 12) / 2).min(19), limits: false, width };
        }
        Self { label: 12, column: ((width - 14 - 14) / 2).min(19), limits: true, width }
    }

    fn row(&self, label: &str, (stable, canary): (String, String), limit: &str) -> String {
        let (column, named) = (self.column, self.label);
        // The name of a function is longer than the label of a number: it has the line for itself.
        let title = if label.chars().count() > named {
            format!("  {}\n  {:named$}", cut(label, self.width - 2), "")
        } else {
            format!("  {label:named$}")
        };
        let limit = if self.limits && !limit.is_empty() { format!("   {limit}") } else { String::new() };
        format!("{title}{stable:>column$}{canary:>column$}{limit}").trim_end().to_owned() + "\n"
    }
}

#[cfg(test)]
mod tests;
