//! The section about the gate: what it said at every look, and the minutes that it said it from.

use std::time::Duration;

use jiff::Timestamp;

use super::chart::{Bound, Chart, Event, Look, Series, short};
use super::html::{badge, code, esc, folded, section, table};
use super::judged::{Cell, FunctionCourse, Looks, Minute};
use super::sections::time;
use super::story::Story;
use crate::gate::Verdict;
use crate::model::{Percent, Version};

const HALF_MINUTE: Duration = Duration::from_secs(30);
/// More functions than this are not drawn, only counted.
const DRAWN_MAX: usize = 12;

/// The section; none where nothing was judged.
pub(super) fn section_of(story: &Story) -> Option<String> {
    let judged = &story.judged;
    if judged.looks.is_empty() && judged.broken.is_none() {
        return story.canary().map(|_| section("gate", "The gate", "<p>It has not looked yet.</p>\n"));
    }
    let mut body = limits(story);
    if let Some(broken) = &judged.broken {
        body += &format!(
            "<p>{} {}</p>\n",
            badge("bad", "✖", "incomplete"),
            esc(&format!("a part of the recording cannot be read: {broken}"))
        );
    }
    body += &looks(story);
    let drawn = drawn(story);
    let left = judged.functions.len() - drawn.len();
    for (at, function) in drawn.into_iter().enumerate() {
        body += &pictures(story, function, at);
    }
    if judged.functions.len() > 1 {
        body += &totals(story);
    }
    if left > 0 {
        body += &format!(
            "<p class=\"sub\">{left} more functions are in the table only: those with the most errors and requests are drawn.</p>\n"
        );
    }
    Some(section("gate", "The gate", body))
}

/// The functions that are drawn: those that a verdict was about, then those with the most errors and requests.
fn drawn(story: &Story) -> Vec<&FunctionCourse> {
    let judged = &story.judged;
    let mut all: Vec<&FunctionCourse> = judged.functions.iter().collect();
    if all.len() > DRAWN_MAX {
        let decided = |f: &FunctionCourse| {
            let guilty = |looks: &&Looks| looks.verdict == Verdict::Fail && looks.about.as_ref() == Some(&f.name);
            judged.looks.iter().any(|looks| guilty(&looks))
        };
        all.sort_by_key(|f| {
            let [_, canary] = f.totals();
            std::cmp::Reverse((decided(f), canary.errors, canary.calls))
        });
        all.truncate(DRAWN_MAX);
    }
    all
}

fn limits(story: &Story) -> String {
    let Some(plan) = &story.plan else { return String::new() };
    let gate = &plan.target.gate;
    let mut parts = vec![format!(
        "the new version's error rate is proven not to be more than {} worse",
        points(gate.max_error_gap)
    )];
    parts.extend(gate.max_error_rate.map(|limit| format!("it stays below {limit}, or twice what is usual")));
    parts.extend(
        gate.max_slow_ratio
            .map(|ratio| format!("it is slow at most {} × as often as the version before", short(ratio.value()))),
    );
    parts.extend(
        gate.max_stage_errors.map(|limit| format!("the stage answers at most {limit} of the requests with 5XX")),
    );
    parts.extend((!gate.alarms.is_empty()).then(|| format!("no alarm goes off ({})", gate.alarms.join(", "))));
    format!("<p>A step passes when {}.</p>\n", esc(&parts.join("; ")))
}

fn points(gap: Percent) -> String {
    format!("{} point{}", short(gap.percent()), if gap == Percent::whole(1) { "" } else { "s" })
}

fn verdict(verdict: Verdict) -> String {
    let (tone, symbol) = match verdict {
        Verdict::Pass => ("good", "✔"),
        Verdict::Fail | Verdict::Error => ("bad", "✖"),
        Verdict::Inconclusive => ("wait", "?"),
        Verdict::Pending => ("plain", "…"),
    };
    badge(tone, symbol, &verdict.to_string())
}

fn looks(story: &Story) -> String {
    let row = |looks: &Looks| {
        let when = match looks.count {
            1 => time(story, looks.from),
            _ => format!("{}–{}", time(story, looks.from), time(story, looks.to)),
        };
        let step = format!("{}\u{a0}({})", looks.step, Percent::of_share(looks.weight));
        vec![
            when,
            step,
            looks.count.to_string(),
            verdict(looks.verdict),
            esc(&looks.decision.to_string()),
            esc(&looks.sentence),
        ]
    };
    let rows: Vec<Vec<String>> = story.judged.looks.iter().map(row).collect();
    let all = super::sections::looks_of(story);
    let caption = format!(
        "{all} look{}; those in a row that said the same are one line, with the words of the last",
        if all == 1 { "" } else { "s" }
    );
    table(&caption, &["time", "step", "#looks", "verdict", "what to do", "why"], &rows)
}

/// What the two versions of a function are called.
fn versions(story: &Story, function: &str) -> [String; 2] {
    let member = story.plan.as_ref().and_then(|plan| plan.members.iter().find(|m| m.function.as_str() == function));
    let before = member.and_then(|m| m.before.as_ref()).map(|alias| alias.version.label());
    let after = story
        .candidates
        .iter()
        .find(|(name, _)| name == function)
        .map(|(_, version): &(String, Version)| version.label());
    [
        before.map_or_else(|| "version before".into(), |v| format!("{v}, before")),
        after.map_or_else(|| "new version".into(), |v| format!("{v}, new")),
    ]
}

fn pictures(story: &Story, function: &FunctionCourse, number: usize) -> String {
    let mut out = format!("<h3>{}</h3>\n", esc(&function.name));
    out += &errors(story, function, number).render();
    let latency = latency(story, function, number);
    let timed = latency.series.iter().any(|series| series.points.iter().any(|(_, value)| value.is_some()));
    out += &if timed { latency.render() } else { "<p class=\"sub\">No durations are known.</p>\n".to_owned() };
    out + &folded("The minutes as a table", minutes(story, function))
}

/// A point for every minute, in its middle; a gap where minutes are missing, because nobody has data for them.
fn line(function: &FunctionCourse, value: impl Fn(&Minute) -> Option<f64>) -> Vec<(Timestamp, Option<f64>)> {
    let mut points: Vec<(Timestamp, Option<f64>)> = Vec::new();
    for minute in &function.minutes {
        let middle = minute.at + HALF_MINUTE;
        if points.last().is_some_and(|(last, _)| middle.duration_since(*last).as_secs() > 60) {
            points.push((middle, None));
        }
        points.push((middle, value(minute)));
    }
    points
}

fn chart<'a>(story: &Story, id: String, title: String, says: String) -> Chart<'a> {
    let back = story.back.iter().map(|(at, _)| Event { at: *at, name: "↩ goes back".into() });
    Chart {
        id,
        title,
        says,
        from: story.began,
        to: story.last,
        least_top: 0.0,
        unit: "",
        series: Vec::new(),
        bounds: Vec::new(),
        events: back.collect(),
    }
}

fn both(story: &Story, function: &FunctionCourse, value: impl Fn(&Cell) -> Option<f64>) -> Vec<Series> {
    let [before, new] = versions(story, &function.name);
    vec![
        Series { name: before, look: Look::Stable, points: line(function, |minute| value(&minute.stable)) },
        Series { name: new, look: Look::Canary, points: line(function, |minute| value(&minute.canary)) },
    ]
}

fn errors<'a>(story: &Story, function: &FunctionCourse, number: usize) -> Chart<'a> {
    let [stable, canary] = function.totals();
    let [before, new] = versions(story, &function.name);
    let says = format!(
        "Share of the requests that failed, minute by minute. In all {before}: {}; {new}: {}.",
        counted(&stable),
        counted(&canary)
    );
    let ends = [story.began, story.last];
    let rate = |cell: &Cell| cell.error_rate().map(|rate| rate * 100.0);
    let series = both(story, function, rate);
    let margin = margin(function, story.judged.gap);
    let points = series.iter().map(|series| &series.points).chain([&margin]).flatten();
    let top = points.filter_map(|(_, value)| *value).fold(0.0, f64::max);
    let mut bounds = Vec::new();
    bounds.extend(function.limit.map(|limit| {
        let limit = limit * 100.0;
        // A limit that is far away would press everything else to the ground.
        match limit <= top * 3.0 {
            true => {
                Bound { name: format!("limit {} %", short(limit)), points: ends.map(|at| (at, Some(limit))).into() }
            }
            false => Bound { name: format!("limit {} %, above the picture", short(limit)), points: Vec::new() },
        }
    }));
    bounds.push(Bound {
        name: format!("{before} so far, and {} more: the margin of the proof", gap_points(story.judged.gap)),
        points: margin,
    });
    let title = format!("Error rate of {} by minute", function.name);
    let mut chart = chart(story, format!("errors-{number}"), title, says);
    (chart.unit, chart.series, chart.bounds) = ("%", series, bounds);
    chart
}

/// The error rate of the version before over all minutes so far, and the margin on top, percent.
fn margin(function: &FunctionCourse, gap: f64) -> Vec<(Timestamp, Option<f64>)> {
    let mut so_far = Cell::default();
    let each = |minute: &Minute| {
        so_far.calls += minute.stable.calls;
        so_far.errors += minute.stable.errors;
        (minute.at + HALF_MINUTE, so_far.error_rate().map(|rate| (rate + gap) * 100.0))
    };
    function.minutes.iter().map(each).collect()
}

fn gap_points(gap: f64) -> String {
    points(Percent::of_share(gap))
}

fn latency<'a>(story: &Story, function: &FunctionCourse, number: usize) -> Chart<'a> {
    let [stable, canary] = function.totals();
    let [before, new] = versions(story, &function.name);
    let ms = |cell: &Cell| cell.p99_ms.map_or_else(|| "not known".to_owned(), |ms| format!("{} ms", short(ms.round())));
    let says = format!(
        "Duration that 99 of 100 requests stayed below, minute by minute. Highest of {before}: {}; of {new}: {}.",
        ms(&stable),
        ms(&canary)
    );
    let ends = [story.began, story.last];
    let bound = |ms: &f64| Bound {
        name: format!("slow above {} ms", short(*ms)),
        points: ends.map(|at| (at, Some(*ms))).into(),
    };
    let title = format!("p99 of the durations of {} by minute", function.name);
    let mut chart = chart(story, format!("latency-{number}"), title, says);
    chart.bounds = function.slow_above_ms.iter().map(bound).collect();
    (chart.unit, chart.series) = (" ms", both(story, function, |cell| cell.p99_ms));
    chart
}

fn counted(cell: &Cell) -> String {
    format!("{} of {} requests failed", cell.errors, cell.calls)
}

fn rate(cell: &Cell) -> String {
    cell.error_rate().map_or_else(|| "–".into(), |rate| format!("{} %", short(rate * 100.0)))
}

fn ms(cell: &Cell) -> String {
    cell.p99_ms.map_or_else(|| "–".into(), |ms| format!("{ms:.0}"))
}

fn minutes(story: &Story, function: &FunctionCourse) -> String {
    let row = |minute: &Minute| {
        let mut cells = vec![time(story, minute.at), Percent::of_share(minute.weight).to_string()];
        for cell in [&minute.stable, &minute.canary] {
            cells.extend([cell.calls.to_string(), cell.errors.to_string(), rate(cell), ms(cell)]);
        }
        cells
    };
    let rows: Vec<Vec<String>> = function.minutes.iter().map(row).collect();
    let [before, new] = versions(story, &function.name);
    let caption = format!("{}: on the left {before}, on the right {new}", function.name);
    let head =
        ["minute", "#share", "#requests", "#errors", "#rate", "#p99 ms", "#requests", "#errors", "#rate", "#p99 ms"];
    table(&caption, &head, &rows)
}

fn totals(story: &Story) -> String {
    let row = |function: &FunctionCourse| {
        let mut cells = vec![code(&function.name)];
        for cell in &function.totals() {
            cells.extend([cell.calls.to_string(), cell.errors.to_string(), rate(cell)]);
        }
        cells
    };
    let rows: Vec<Vec<String>> = story.judged.functions.iter().map(row).collect();
    let head = ["function", "#requests before", "#errors", "#rate", "#requests new", "#errors", "#rate"];
    folded("All functions as a table", table("The version before and the new one, over the whole canary", &head, &rows))
}
