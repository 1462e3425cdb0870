//! Whether the credentials last as long as the release: one that outlives them cannot roll itself back.

use std::time::Duration;

use jiff::Timestamp;

use super::args::Onward;
use super::session::Session;
use super::target::Located;
use super::until::Until;
use super::{App, assume};
use crate::clock::Clock;
use crate::engine::{ASSUMED, RESERVE};
use crate::model::Shift;
use crate::plan::{CanaryPlan, Plan};
use crate::problem::{Code, Problem};
use crate::report::text::seconds;
use crate::step::StepKind;

/// The longest session that a role gives (aws-semantics §11).
const SESSION_MAX: Duration = Duration::from_secs(43_200);

/// How long a release takes from now on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// To where it stops, with the reserve that a canary keeps for the way back.
    pub whole: Duration,
    /// How much of that is the reserve.
    pub reserve: Duration,
    /// To each share on the way at which it could stop instead.
    pub stops: Vec<(Until, Duration)>,
}

/// How long the rest of a plan takes at most when nothing fails: to where it stops, from the step that it is in. A
/// release that does not wait for its steps bakes nothing.
pub fn needs(plan: &Plan, until: Option<Until>, shift: Option<&Shift>, finish: bool, now: Timestamp) -> Needs {
    let planned = Duration::from_secs(plan.duration_s());
    let Some(canary) = &plan.canary else { return Needs { whole: planned, ..Needs::default() } };
    let calls = planned.saturating_sub(canary.duration());
    let before = until.is_some_and(|until| until.step != StepKind::Canary);
    if before || finish {
        return Needs { whole: calls, ..Needs::default() };
    }
    let ahead = canary.steps.iter().skip(shift.map_or(0, |shift| shift.step() + 1));
    let stops = ahead.map(|step| {
        let stop = Until { step: StepKind::Canary, percent: Some(step.percent) };
        (stop, calls + reserved(bakes(canary, Some(stop), shift, now)))
    });
    let bakes = bakes(canary, until, shift, now);
    Needs { whole: calls + reserved(bakes), reserve: reserved(bakes) - bakes, stops: stops.collect() }
}

/// A bake, with what is kept for the way back at its end.
fn reserved(bake: Duration) -> Duration {
    if bake.is_zero() { bake } else { bake + RESERVE }
}

/// The bakes from the step under way to the share at which it stops.
fn bakes(canary: &CanaryPlan, until: Option<Until>, shift: Option<&Shift>, now: Timestamp) -> Duration {
    let stop = until.and_then(|until| until.percent);
    let from = shift.map_or(0, Shift::step);
    let rest = canary.steps.iter().skip(from).take_while(|step| Some(step.percent) != stop).map(|step| step.bake).sum();
    let passed = shift.map(|shift| now.duration_since(shift.step_began()));
    let passed = passed.and_then(|passed| Duration::try_from(passed).ok()).unwrap_or_default();
    let under_way = canary.steps.get(from).filter(|_| shift.is_some()).map_or(Duration::ZERO, |step| step.bake);
    Duration::saturating_sub(rest, passed.min(under_way))
}

/// Refuses before the first write when the credentials are known, or taken, to end too early. `stop_at` is the command that stops
/// at a share.
///
/// # Errors
/// [`Code::ShortCredentials`].
pub fn check<A, C: Clock>(
    app: &App,
    session: &Session<A, C>,
    needs: &Needs,
    stop_at: impl FnOnce(Until) -> String,
    (located, onward): (&Located, Onward),
) -> Result<(), Problem> {
    let assumed = session.expires.is_none();
    let Some(end) = session.expires.or(session.assumed_end).filter(|_| !session.renewable) else { return Ok(()) };
    let lasts = Duration::try_from(end.duration_since(session.clock.now())).unwrap_or_default();
    if lasts >= needs.whole {
        return Ok(());
    }
    let what = format!(
        "credentials {} {}, this release needs up to {}",
        if assumed { "are taken to last" } else { "last" },
        seconds(lasts.as_secs()),
        seconds(needs.whole.as_secs())
    );
    let why = match assumed {
        true => ASSUMED.to_owned(),
        false => {
            format!("they end at {} and nothing says that they renew themselves", end.strftime("%Y-%m-%d %H:%MZ"))
        }
    };
    let mut problem = Problem::new(Code::ShortCredentials, what)
        .why(why)
        .why("a release whose credentials end on the way can neither go on nor roll itself back");
    if !needs.reserve.is_zero() {
        problem = problem.why(format!("{} of that are kept for the way back", seconds(needs.reserve.as_secs())));
    }
    let furthest = needs.stops.iter().rev().find(|(_, time)| *time <= lasts && *time < needs.whole);
    if let Some((stop, _)) = furthest {
        problem = problem
            .fix(format!("split the bake: {}", stop_at(*stop)))
            .fix(format!("then, with new credentials: {}", located.command(&format!("resume{}", onward.repeated()))));
    }
    Err(longer(app, needs.whole, assumed).into_iter().fold(problem, Problem::fix))
}

/// How to get credentials that last, where this runs.
fn longer(app: &App, needed: Duration, assumed: bool) -> Vec<String> {
    let renewed = if assume::in_github_actions(&app.env) {
        "give the action `role-to-assume`: it renews itself"
    } else {
        "a source that renews itself: an SSO profile, a role in the profile, --assume-role ARN"
    };
    let session = format!("or role-duration-seconds: {}, if the role allows as much", needed.as_secs().max(900));
    let session = Some(session).filter(|_| needed <= SESSION_MAX);
    let said =
        assumed.then(|| "and say when these keys end: AWS_CREDENTIAL_EXPIRATION=YYYY-MM-DDTHH:MM:SSZ".to_owned());
    let runs = "or in several runs: stagegate help long-bakes".to_owned();
    std::iter::once(renewed.to_owned()).chain(session).chain(said).chain([runs]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CanaryMode, schedule};

    fn canary() -> CanaryPlan {
        CanaryPlan {
            mode: CanaryMode::Alias,
            steps: schedule::parse("5% 10m, 25% 20m, 50% 30m").unwrap(),
            api_name: None,
            override_gate: None,
        }
    }

    fn minutes(until: Option<&str>, shift: Option<&Shift>, now: &str) -> u64 {
        let until = until.map(|text| text.parse().unwrap());
        bakes(&canary(), until, shift, now.parse().unwrap()).as_secs() / 60
    }

    #[test]
    fn only_the_bakes_that_are_still_ahead_count() {
        let now = "2026-11-21T14:00:00Z";
        assert_eq!(minutes(None, None, now), 60);
        assert_eq!(minutes(Some("canary:5%"), None, now), 0);
        assert_eq!(minutes(Some("canary:50%"), None, now), 30);
        let began: Timestamp = "2026-11-21T13:40:00Z".parse().unwrap();
        let second = Shift::begin(began).next("2026-11-21T13:52:00Z".parse().unwrap());
        assert_eq!(minutes(None, Some(&second), now), 42, "8 of the 20 minutes at 25 % are over");
        assert_eq!(minutes(None, Some(&second), "2026-11-21T16:00:00Z"), 30, "a long hold takes nothing off the rest");
    }
}
