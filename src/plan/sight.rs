//! What the gate will be able to see at the traffic of the last hours, said before anything is written (judge §3.7). Pure.

use serde::{Deserialize, Serialize};

use super::{CanaryPlan, MemberPlan};
use crate::gate::power::{Power, Traffic};
use crate::gate::{number, percent, points, policy};
use crate::metrics::{HISTORY_MINUTES, Past};
use crate::model::target::Target;
use crate::model::{CanaryMode, CanaryStep, FunctionName, OnInconclusive, Percent};
use crate::problem::Problem;

/// What the gate can see in one step, of the function that it sees least of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sight {
    /// The step; none stands for all of them.
    pub percent: Option<Percent>,
    /// The function.
    pub function: FunctionName,
    /// Its requests a second, averaged over the last three hours.
    pub rps: f64,
    /// The smallest error rate (0–1) that is found with 80 % probability before the bake is over; none = not even 1.
    pub finds: Option<f64>,
    /// Minutes until it is typically proven that a good version is not worse than the margin; none = never.
    pub proof_after_min: Option<f64>,
    /// One sentence for people, without a full stop.
    pub sentence: String,
}

/// Says it for every step. Empty without a canary, and when nothing is known about the past.
///
/// # Errors
/// A gate that cannot be set up.
pub(super) fn foresee(
    target: &Target,
    canary: Option<&CanaryPlan>,
    members: &[MemberPlan],
    past: &[Past],
) -> Result<Vec<Sight>, Problem> {
    let Some(canary) = canary else { return Ok(Vec::new()) };
    let is_judged = |member: &MemberPlan| canary.mode == CanaryMode::Stage || member.shifts();
    let judged: Vec<_> = members.iter().zip(past).filter(|(member, _)| is_judged(member)).collect();
    if let Some((member, _)) = judged.iter().find(|(_, past)| requests(past) == 0) {
        return Ok(vec![Sight {
            percent: None,
            function: member.function.clone(),
            rps: 0.0,
            finds: None,
            proof_after_min: None,
            sentence: blind(target, canary, member, judged.len()),
        }]);
    }
    let sights = canary.steps.iter().map(|step| {
        let one = |(member, past): &(&MemberPlan, &Past)| sight(target, canary, step, (member, past), judged.len());
        let all: Vec<Sight> = judged.iter().map(one).collect::<Result<_, _>>()?;
        Ok(all.into_iter().max_by(|a, b| weakness(a).total_cmp(&weakness(b))))
    });
    let sights: Vec<Option<Sight>> = sights.collect::<Result<_, Problem>>()?;
    Ok(sights.into_iter().flatten().collect())
}

/// Orders sights: those that find least and prove last are the greatest.
fn weakness(sight: &Sight) -> f64 {
    sight.finds.unwrap_or(2.0) * 1e9 + sight.proof_after_min.unwrap_or(1e8).min(1e8)
}

fn requests(past: &Past) -> u64 {
    past.count.invocations.max(past.count.samples)
}

fn sight(
    target: &Target,
    canary: &CanaryPlan,
    step: &CanaryStep,
    (member, past): (&MemberPlan, &Past),
    functions: usize,
) -> Result<Sight, Problem> {
    let extension = target.canary.extension(step);
    let settings = policy::settings(&target.gate, Some(extension))?;
    let n = requests(past) as f64;
    let rps = n / (60.0 * f64::from(HISTORY_MINUTES));
    // Half a failure more than were seen: none in a thousand does not mean that there is never one.
    let base_rate = (past.count.errors as f64 + 0.5) / (n + 1.0);
    let traffic = Traffic { rps, weight: step.percent.share(), base_rate };
    let until = step.requests.unwrap_or_default() as f64 / (60.0 * rps * traffic.weight);
    let minutes = (step.bake.as_secs_f64() / 60.0).max(until);
    let power = Power { settings: &settings, functions, paired: past.is_paired() };
    let outlook = power.outlook(&traffic, minutes);
    let longest = minutes + extension.as_secs_f64() / 60.0;
    let found = match (outlook.sees, outlook.sees_total_failure_after) {
        (Some(rate), _) => format!("finds an error rate of {} or worse (80 % sure)", percent(rate)),
        (None, Some(after)) => {
            format!("not even a version that always fails is found (80 % sure): that takes {}", time(after))
        }
        (None, None) => "finds nothing".to_owned(),
    };
    let proof = format!("proof of \"not more than {} worse\"", points(settings.delta));
    let proven = match outlook.proof_after {
        Some(after) if after <= minutes => format!("{proof} takes about {}", time(after)),
        Some(after) if after <= longest => {
            format!("{proof} takes about {}: the step is extended, by at most {}", time(after), time(longest - minutes))
        }
        Some(after) => format!("{proof} takes about {}: {}", time(after), unproven(target, canary)),
        None => format!("there is no {proof}: {}", unproven(target, canary)),
    };
    let whose = if functions > 1 { format!(" of {}", member.function) } else { String::new() };
    Ok(Sight {
        percent: Some(step.percent),
        function: member.function.clone(),
        rps,
        finds: outlook.sees,
        proof_after_min: outlook.proof_after,
        sentence: format!("{} for {} at {} rps{whose}: {found}; {proven}", step.percent, lasts(minutes), rate(rps)),
    })
}

fn blind(target: &Target, canary: &CanaryPlan, member: &MemberPlan, functions: usize) -> String {
    let whose = if functions > 1 { format!("{}: ", member.function) } else { String::new() };
    let then = match (&canary.override_gate, target.gate.on_inconclusive) {
        (Some(_), _) => "the gate is overridden, the canary goes on all the same",
        (None, OnInconclusive::Hold) => "the canary will be held",
        (None, OnInconclusive::Promote) => "without any request the canary will be held all the same",
        (None, OnInconclusive::Rollback) => "the canary will go back",
    };
    format!("{whose}no traffic in the last {} h: nothing can be proven, {then}", HISTORY_MINUTES / 60)
}

/// What a step without proof leads to.
fn unproven(target: &Target, canary: &CanaryPlan) -> &'static str {
    match (&canary.override_gate, target.gate.on_inconclusive) {
        (Some(_), _) => "inconclusive by design, and overridden",
        (None, OnInconclusive::Hold) => "inconclusive by design, it will be held",
        (None, OnInconclusive::Promote) => "inconclusive by design, it goes on unproven",
        (None, OnInconclusive::Rollback) => "inconclusive by design, it will go back",
    }
}

/// How long a step lasts: to the second where it is short, for a person knows what was written.
fn lasts(minutes: f64) -> String {
    let seconds = (minutes * 60.0).round();
    match seconds {
        short if short < 60.0 => format!("{} s", number(short)),
        whole if whole % 60.0 == 0.0 || whole >= 600.0 => time(minutes),
        odd => format!("{} min {:02} s", number((odd / 60.0).floor()), odd % 60.0),
    }
}

/// Minutes for people, rounded up.
fn time(minutes: f64) -> String {
    let minutes = minutes.ceil();
    if minutes < 180.0 {
        return format!("{} min", number(minutes));
    }
    if minutes < 72.0 * 60.0 {
        return format!("{} h", number((minutes / 60.0).ceil()));
    }
    format!("{} days", number((minutes / 1440.0).ceil()))
}

/// Requests a second with two digits that say something.
fn rate(rps: f64) -> String {
    if rps >= 0.095 { number(rps) } else { format!("{rps:.4}") }
}

#[cfg(test)]
mod tests;
