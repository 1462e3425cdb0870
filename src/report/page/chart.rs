//! Line charts as inline SVG: no script, colours from the style sheet, every series with a mark of its own.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::html::esc;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 232.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 30.0;
/// The most labels on the axis of time.
const TICKS_MAX: i64 = 8;
/// Distances between labels on the axis of time, seconds.
const STEPS_S: [i64; 15] =
    [15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400, 172_800, 604_800];
/// With more points than this, only every line is drawn and no mark.
const MARKS_MAX: usize = 90;

/// How a series looks, and what its class in the style sheet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// The version before: a line with circles.
    Stable,
    /// The candidate: a broken line with squares.
    Canary,
    /// The candidate's share: an area.
    Share,
}

impl Look {
    const fn class(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Canary => "canary",
            Self::Share => "share",
        }
    }

    fn mark(self, x: f64, y: f64) -> String {
        match self {
            Self::Canary => format!("<rect x=\"{:.1}\" y=\"{:.1}\" width=\"6\" height=\"6\"/>", x - 3.0, y - 3.0),
            _ => format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>"),
        }
    }
}

/// A series. A gap is where nothing is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub name: String,
    pub look: Look,
    pub points: Vec<(Timestamp, Option<f64>)>,
}

/// A bound of the gate: a line that a series may not cross, or may follow at a distance.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bound {
    pub name: String,
    pub points: Vec<(Timestamp, Option<f64>)>,
}

/// Something that happened at a time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    pub at: Timestamp,
    pub name: String,
}

/// A chart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chart<'a> {
    pub id: String,
    pub title: String,
    /// What it shows, in a sentence, for those who do not see it.
    pub says: String,
    pub from: Timestamp,
    pub to: Timestamp,
    /// The value at the top at least.
    pub least_top: f64,
    pub unit: &'a str,
    pub series: Vec<Series>,
    pub bounds: Vec<Bound>,
    pub events: Vec<Event>,
}

impl Chart<'_> {
    /// The picture with its legend.
    pub fn render(&self) -> String {
        let scale = self.scale();
        let mut out = format!(
            "<figure><figcaption>{}</figcaption>\n{}<div class=\"scroll\"><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>\n",
            esc(&self.title),
            self.legend(),
            esc(&self.title),
            esc(&self.says),
            id = esc(&self.id),
        );
        out += &scale.axes(self.unit);
        for (at, bound) in self.bounds.iter().enumerate() {
            let _ = writeln!(out, "<path class=\"bound b{}\" d=\"{}\"/>", at % 2, path(&scale, &bound.points));
        }
        for event in &self.events {
            let x = scale.x(event.at);
            let _ = writeln!(
                out,
                "<g class=\"event\"><path d=\"M{x:.1} {TOP}V{:.1}\"/><text x=\"{:.1}\" y=\"{:.1}\"{}>{}</text></g>",
                HEIGHT - BOTTOM,
                if x > WIDTH * 0.7 { x - 5.0 } else { x + 5.0 },
                TOP + 11.0,
                if x > WIDTH * 0.7 { " text-anchor=\"end\"" } else { "" },
                esc(&event.name)
            );
        }
        for series in &self.series {
            out += &drawn(&scale, series);
        }
        out + "</svg></div></figure>\n"
    }

    fn scale(&self) -> Scale {
        let all = self.series.iter().map(|s| &s.points).chain(self.bounds.iter().map(|b| &b.points));
        let top = all.flatten().filter_map(|(_, value)| *value).fold(self.least_top, f64::max);
        Scale { from: self.from, to: self.to.max(self.from + std::time::Duration::from_secs(60)), top: nice(top) }
    }

    fn legend(&self) -> String {
        let mut out = String::from("<ul class=\"legend\">");
        for series in &self.series {
            let key = match series.look {
                Look::Share => "<rect class=\"area\" x=\"2\" y=\"2\" width=\"24\" height=\"10\"/>".to_owned(),
                look => format!("<path d=\"M1 7H27\"/>{}", look.mark(14.0, 7.0)),
            };
            let _ = write!(
                out,
                "<li><svg class=\"key {}\" viewBox=\"0 0 28 14\" aria-hidden=\"true\">{key}</svg>{}</li>",
                series.look.class(),
                esc(&series.name)
            );
        }
        for (at, bound) in self.bounds.iter().enumerate() {
            let _ = write!(
                out,
                "<li><svg class=\"key\" viewBox=\"0 0 28 14\" aria-hidden=\"true\"><path class=\"bound b{}\" d=\"M1 7H27\"/></svg>{}</li>",
                at % 2,
                esc(&bound.name)
            );
        }
        out + "</ul>\n"
    }
}

struct Scale {
    from: Timestamp,
    to: Timestamp,
    top: f64,
}

impl Scale {
    fn x(&self, at: Timestamp) -> f64 {
        let seconds = |from: Timestamp, to: Timestamp| to.duration_since(from).as_secs_f64();
        let part = (seconds(self.from, at) / seconds(self.from, self.to)).clamp(0.0, 1.0);
        LEFT + part * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - (value / self.top).clamp(0.0, 1.0) * (HEIGHT - TOP - BOTTOM)
    }

    /// Lines and labels of both axes.
    fn axes(&self, unit: &str) -> String {
        let mut out = String::from("<g class=\"axis\">");
        for part in 0..=4 {
            let value = self.top * f64::from(part) / 4.0;
            let y = self.y(value);
            let _ = write!(
                out,
                "<path d=\"M{LEFT} {y:.1}H{:.1}\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}{}</text>",
                WIDTH - RIGHT,
                LEFT - 8.0,
                y + 4.0,
                short(value),
                esc(unit)
            );
        }
        let span = self.to.duration_since(self.from).as_secs().max(1);
        let step = STEPS_S.into_iter().find(|step| span / step <= TICKS_MAX).unwrap_or(span);
        let format = if span > 86_400 {
            "%d %b %H:%M"
        } else if step < 60 {
            "%H:%M:%S"
        } else {
            "%H:%M"
        };
        let mut at = (self.from.as_second() + step - 1).div_euclid(step) * step;
        while at <= self.to.as_second() {
            if let Ok(time) = Timestamp::from_second(at) {
                let x = self.x(time);
                let _ = write!(
                    out,
                    "<path d=\"M{x:.1} {:.1}v5\"/><text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                    HEIGHT - BOTTOM,
                    HEIGHT - 9.0,
                    time.strftime(format)
                );
            }
            at += step;
        }
        out + "</g>\n"
    }
}

/// A line through the points, broken at gaps.
fn path(scale: &Scale, points: &[(Timestamp, Option<f64>)]) -> String {
    let mut out = String::new();
    let mut pen = false;
    for (at, value) in points {
        if let Some(value) = value {
            let word = if pen { 'L' } else { 'M' };
            let _ = write!(out, "{word}{:.1} {:.1}", scale.x(*at), scale.y(*value));
        }
        pen = value.is_some();
    }
    out
}

fn drawn(scale: &Scale, series: &Series) -> String {
    let mut out = format!("<g class=\"{}\">", series.look.class());
    if series.look == Look::Share {
        out += &area(scale, &series.points);
        return out + "</g>\n";
    }
    let _ = write!(out, "<path d=\"{}\"/>", path(scale, &series.points));
    let known: Vec<(f64, f64)> =
        series.points.iter().filter_map(|(at, value)| Some((scale.x(*at), scale.y((*value)?)))).collect();
    // A point between two gaps has no line: without its mark it would not be seen.
    let lonely = |at: usize| {
        let known = |at: Option<usize>| at.and_then(|at| series.points.get(at)).is_some_and(|(_, v)| v.is_some());
        !known(at.checked_sub(1)) && !known(Some(at + 1))
    };
    for (at, (time, value)) in series.points.iter().enumerate() {
        let Some(value) = value else { continue };
        if known.len() <= MARKS_MAX || lonely(at) {
            out += &series.look.mark(scale.x(*time), scale.y(*value));
        }
    }
    out + "</g>\n"
}

/// An area under steps: a value holds until the next one.
fn area(scale: &Scale, points: &[(Timestamp, Option<f64>)]) -> String {
    let Some((first, _)) = points.first() else { return String::new() };
    let mut line = format!("M{:.1} {:.1}", scale.x(*first), scale.y(0.0));
    for (at, value) in points {
        let _ = write!(line, "H{:.1}V{:.1}", scale.x(*at), scale.y(value.unwrap_or(0.0)));
    }
    let _ = write!(line, "H{:.1}", scale.x(scale.to));
    format!("<path class=\"area\" d=\"{line}V{:.1}Z\"/><path d=\"{line}\"/>", scale.y(0.0))
}

/// The next number that reads well on an axis of four parts.
fn nice(top: f64) -> f64 {
    if top <= 0.0 || !top.is_finite() {
        return 1.0;
    }
    let power = 10_f64.powf(top.log10().floor());
    let digit = top / power;
    let steps = [1.0, 2.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    // What is equal but for rounding fits.
    power * steps.into_iter().find(|step| digit <= step * 1.000_001).unwrap_or(10.0)
}

/// A number with as many digits as it needs.
pub(super) fn short(value: f64) -> String {
    let digits = if value >= 100.0 || value == 0.0 {
        0
    } else if value >= 1.0 {
        2
    } else {
        4
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_number_that_reads_well() {
        let tops = [0.0, 0.013, 0.05, 1.0, 3.7, 100.0, 101.0, 8_345.0, f64::NAN].map(nice);
        assert_eq!(tops.map(short), ["1", "0.02", "0.05", "1", "4", "100", "200", "10000", "1"]);
    }

    #[test]
    fn a_gap_breaks_the_line_and_a_lonely_point_keeps_its_mark() {
        let at = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
        let points = [Some(1.0), Some(2.0), None, Some(3.0), None, Some(4.0)];
        let points = points.into_iter().enumerate().map(|(n, value)| (at(n as i64), value)).collect();
        let series = Series { name: "v<1".into(), look: Look::Stable, points };
        let scale = Scale { from: at(0), to: at(5), top: 4.0 };
        assert_eq!(path(&scale, &series.points).matches('M').count(), 3);
        assert_eq!(drawn(&scale, &series).matches("<circle").count(), 4);
        let many = (0..200).map(|n| (at(n), (n != 1).then_some(1.0))).collect();
        assert_eq!(drawn(&scale, &Series { points: many, ..series }).matches("<circle").count(), 1, "the first one");
    }
}
