//! Reasons in one sentence, with their numbers, for people.

use super::function::{FunctionEvidence, Seen};
use super::judge::Whole;
use super::minute::Table;
use super::reason::Reason;

/// The sentence of a reason.
pub(super) fn sentence(whole: &Whole<'_>, reason: &Reason) -> String {
    let about = whole.about(reason);
    let text = match (reason, about) {
        (Reason::BadSettings(why), _) => format!("the settings of the gate cannot be used: {why}"),
        (Reason::Held, _) => format!("held: {}", whole.case.holds.join("; ")),
        (Reason::TooFewRequests, _) => too_few(whole),
        (_, Some(f)) => of_function(whole, reason, f),
        (Reason::GoingOn, None) => "nothing to judge yet".to_owned(),
        (_, None) => "there is no function to judge".to_owned(),
    };
    match about {
        Some(f) if whole.functions.len() > 1 => format!("{}: {text}", f.name),
        _ => text,
    }
}

fn of_function(whole: &Whole<'_>, reason: &Reason, f: &FunctionEvidence) -> String {
    let settings = whole.case.settings;
    let margin = format!("not more than {} worse", points(settings.delta));
    match reason {
        Reason::Slow(at) => {
            format!("{}; evidence {}", slower(whole, f, *at), odds(whole.log_m))
        }
        Reason::Slo => format!(
            "errors with nothing to compare with: canary {}, limit {}; evidence {}",
            share(f.canary.errors, f.canary.invocations),
            percent(f.limit.unwrap_or_default()),
            odds(whole.log_slo)
        ),
        Reason::TrafficMissing => format!(
            "requests of the canary are missing: about {} were expected at this weight, {} have reported; evidence {}",
            number(f.expected.round()),
            number(f.reported),
            odds(whole.log_srm)
        ),
        Reason::NonInferior => {
            format!("{margin}, {} sure: {}", percent(1.0 - settings.beta), rates(&f.canary, &f.baseline))
        }
        Reason::Unproven => format!(
            "nothing against it and no proof that it is {margin}: {}; evidence {} of {}",
            rates(&f.canary, &f.baseline),
            odds(f.log_n),
            odds(whole.bars.proof)
        ),
        Reason::NotProven => format!(
            "no proof yet that it is {margin}: {}; evidence {} of {}",
            rates(&f.canary, &f.baseline),
            odds(f.log_n),
            odds(whole.bars.proof)
        ),
        Reason::SloBreach => format!(
            "above the limit of {} in the last 5 minutes: {}",
            percent(f.limit.unwrap_or_default()),
            rates(&f.lately.0, &f.lately.1)
        ),
        Reason::TooLittleTraffic => {
            let needed = format!("of the {} requests of the canary that are needed at least", settings.min_canary);
            let tables = whole.case.tables.iter().filter(|table| table.name == f.name);
            so_far(&number(f.canary.invocations), &needed, unsettled(whole, tables, 0))
        }
        Reason::Suspicious => suspicious(whole, f),
        _ => format!("errors: {}; evidence {}", rates(&f.canary, &f.baseline), odds(whole.log_m)),
    }
}

fn suspicious(whole: &Whole<'_>, f: &FunctionEvidence) -> String {
    if f.log_srm > f.log_m {
        let (expected, reported) = (number(f.expected.round()), number(f.reported));
        let (now, bar) = (odds(f.log_srm), odds(whole.bars.srm));
        return format!(
            "the canary may miss requests: about {expected} expected, {reported} reported; evidence {now} of {bar}"
        );
    }
    let worst = f.parts.iter().filter(|(_, (weight, _))| *weight > 0.0);
    let worst = worst.max_by(|(_, a), (_, b)| (a.0.ln() + a.1).total_cmp(&(b.0.ln() + b.1)));
    let what = match worst.map(|(name, _)| Reason::of_metric(name)) {
        Some(Reason::Slow(at)) => slower(whole, f, at),
        _ => format!("errors: {}", rates(&f.canary, &f.baseline)),
    };
    format!("the canary looks worse, {what}; evidence {} of {}", odds(f.log_m), odds(whole.bars.comparison))
}

fn slower(whole: &Whole<'_>, f: &FunctionEvidence, at: usize) -> String {
    let table = whole.case.tables.iter().find(|table| table.name == f.name);
    let limit = table.and_then(|table| table.slow_thresholds_ms.get(at)).copied().filter(|ms| ms.is_finite());
    let limit = limit.map_or_else(|| format!("threshold {at}"), |ms| format!("{} ms", number(ms)));
    let slow = |seen: &Seen| share(seen.slow.get(at).copied().unwrap_or_default(), seen.invocations);
    format!("slower than {limit}: canary {}, stable {}", slow(&f.canary), slow(&f.baseline))
}

fn too_few(whole: &Whole<'_>) -> String {
    let served: f64 = whole.functions.iter().map(|f| f.in_step).sum();
    let needed = format!("of {} requests of the canary in this step", whole.case.min_invocations);
    so_far(&number(served), &needed, unsettled(whole, whole.case.tables.iter(), whole.case.step_start))
}

/// How many requests count, and how many are seen that do not count yet.
fn so_far(counted: &str, needed: &str, unsettled: u64) -> String {
    if unsettled == 0 {
        return format!("CloudWatch shows {counted} {needed}");
    }
    format!("{counted} {needed} count so far: {unsettled} are in the newest minutes, which are not settled yet")
}

/// Requests of the canary, from a minute on, that CloudWatch shows in minutes that do not count yet.
fn unsettled<'t>(whole: &Whole<'_>, tables: impl Iterator<Item = &'t Table>, from: u32) -> u64 {
    let newest = tables.flat_map(|table| table.minutes.range(whole.case.used(table).max(from)..));
    newest.map(|(_, minute)| minute.canary.invocations).fold(0, u64::saturating_add)
}

fn rates(canary: &Seen, stable: &Seen) -> String {
    let of = |seen: &Seen| share(seen.errors, seen.invocations);
    format!("canary {}, stable {}", of(canary), of(stable))
}

/// `216 of 6310 (3.42 %)`
fn share(part: f64, all: f64) -> String {
    if all > 0.0 {
        format!("{} of {} ({})", number(part), number(all), percent(part / all))
    } else {
        "no requests".into()
    }
}

/// A fraction as `3.42 %`: two digits behind the point, and more where those say nothing.
pub(crate) fn percent(fraction: f64) -> String {
    let percent = fraction * 100.0;
    let digits = if percent == 0.0 || percent >= 99.995 {
        0
    } else if percent >= 0.1 {
        2
    } else {
        4
    };
    let text = format!("{percent:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} %")
}

/// A margin, as a fraction of requests, in percentage points.
pub(crate) fn points(margin: f64) -> String {
    let text = percent(margin).replace(" %", "");
    format!("{text} {}", if text == "1" { "point" } else { "points" })
}

/// A number with at most one digit behind the point.
pub(crate) fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// Evidence as odds: `1:125`; `none` if it speaks for the other side. Beyond a million nobody needs the number.
pub(super) fn odds(log: f64) -> String {
    let ten = log / std::f64::consts::LN_10;
    if log <= 0.0 {
        "none".into()
    } else if ten < 2.0 {
        format!("1:{}", number(log.exp()))
    } else if ten < 6.0 {
        format!("1:{:.0}", log.exp())
    } else {
        "beyond 1:1000000".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_say_something() {
        let rates = [0.0342, 0.0022, 0.00005, 0.0, 1.0, 0.5, 0.25].map(percent);
        assert_eq!([0.01, 0.005, 0.0005].map(points), ["1 point", "0.5 points", "0.05 points"]);
        assert_eq!(rates, ["3.42 %", "0.22 %", "0.005 %", "0 %", "100 %", "50 %", "25 %"]);
        let evidence = [-1.0, 0.7, 4.828_313_737, 14.557_448_86, 1e6].map(odds);
        assert_eq!(evidence, ["none", "1:2", "1:125", "beyond 1:1000000", "beyond 1:1000000"]);
    }
}
