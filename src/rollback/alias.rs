//! Whose an alias is, and what it needs next on the way back. Pure.

use super::{AliasBack, At, Goal, Phase};
use crate::aws::Call;
use crate::aws::noun::{Alias, Routing};
use crate::change::{self, is_moving_capacity, is_routed};
use crate::model::{Description, Percent, Record, RecordState, RunId, Version};
use crate::problem::{Code, Exit, Problem};
use crate::split::alias::shares;

/// What an alias needs next.
pub(super) enum Next {
    /// It is where it shall be.
    Nothing,
    /// This write.
    Send(Call),
    /// To be left alone: this is not the release's any more.
    Foreign(Alias),
}

/// The write that moves an alias back, if it needs one and is the release's to move.
pub(super) fn alias_call(
    run: &RunId,
    back: &AliasBack,
    phase: Phase,
    name: &str,
    now: Option<&Alias>,
    fenced: &mut bool,
) -> Result<Next, Problem> {
    let at = match (&back.goal, now) {
        (Goal::Absent { .. }, Some(now)) if !is_of(run, now) => return Ok(Next::Foreign(now.clone())),
        // Before anything else goes back, the record says so: that also fences what the release may still have sent.
        (Goal::Absent { undoing: text }, Some(now)) if record_state(run, now) != Some(RecordState::Undoing) => {
            let routing = Routing { version: now.version, weights: now.weights.clone(), description: text.clone() };
            return Ok(Next::Send(change::route(&back.function, &back.alias, Some(now), routing)));
        }
        (Goal::Absent { .. }, _) => return Ok(Next::Nothing),
        (Goal::At(at) | Goal::Beside(at), _) => at,
    };
    let Some(now) = now else {
        return Err(Problem::new(Code::AliasMissing, format!("{name} was deleted, there is nothing to move back"))
            .exit(Exit::InBetween)
            .fix(format!(
                "create it again: aws lambda create-alias --function-name {} --name {} --function-version {}",
                back.function, back.alias, at.version
            )));
    };
    if matches!(back.goal, Goal::Beside(_))
        && let Some(next) = beside(run, back, at, phase, now)
    {
        return Ok(next);
    }
    let write = |routing| Ok(Next::Send(change::route(&back.function, &back.alias, Some(now), routing)));
    let (goal, last) = (at.routing(phase), at.routing(Phase::Last));
    if is_routed(now, &goal) || (at.only_ours && is_routed(now, &last)) {
        // A request of ours may still be on its way: any write changes the revision that it is guarded by.
        let is_fenced = std::mem::replace(fenced, true);
        return if is_fenced { Ok(Next::Nothing) } else { write(if is_routed(now, &goal) { goal } else { last }) };
    }
    match at.only_ours {
        true if is_rolled_back(run, now, at.version) => Ok(Next::Nothing),
        true if is_given_by_hand(run, now, at.version) => Ok(Next::Foreign(now.clone())),
        true if !is_of(run, now) || !is_share(&at.shares, now) => Ok(Next::Foreign(now.clone())),
        false if is_news(run, back, now) => Ok(Next::Foreign(now.clone())),
        _ => write(goal),
    }
}

/// What an alias needs while a person takes it back too. A record that they wrote is closed as they would close it; an
/// alias that they have not reached yet goes their way. Nothing, where the record says none of that. Whatever the release
/// itself may still have sent is fenced by their write.
fn beside(run: &RunId, back: &AliasBack, at: &At, phase: Phase, now: &Alias) -> Option<Next> {
    let description = Description::parse(&now.description).ok()?;
    let record = description.record.clone().filter(|_| is_of(run, now))?;
    let record = match (record.state, phase) {
        (RecordState::Undoing, _) if record.to != at.version => return None,
        (RecordState::Undoing, Phase::Meanwhile) => record,
        (RecordState::Undoing, Phase::Last) => {
            Record { state: RecordState::RolledBack, expires: None, asks: false, ..record }
        }
        (_, Phase::Last) if is_share(&at.shares, now) => {
            Record { granted: record.granted, ..record.rolled_back(at.version, record.to, false) }
        }
        _ => return None,
    };
    let description = description.with(record).fitting().to_string();
    let goal = Routing { description, ..at.routing(phase) };
    let is_there = is_routed(now, &goal);
    Some(if is_there { Next::Nothing } else { Next::Send(change::route(&back.function, &back.alias, Some(now), goal)) })
}

/// Another release has written the alias since the person looked: what they decided about is no longer there.
fn is_news(run: &RunId, back: &AliasBack, now: &Alias) -> bool {
    let of = |alias: &Alias| record(alias).map(|record| record.run);
    let known = back.seen.as_ref().map(of).unwrap_or_default();
    of(now).is_some_and(|now| Some(&now) != known.as_ref() && now != *run)
}

/// The release wrote this alias and nobody after it: neither its record nor, leaving the record, its routing.
pub(super) fn is_of(run: &RunId, alias: &Alias) -> bool {
    record(alias).is_some_and(|record| {
        record.run == *run
            && !matches!(record.state, RecordState::RolledBack | RecordState::ByHand)
            && record.agrees_with(alias.version, &alias.weights)
    })
}

/// The candidate's weight is one that the release gives.
fn is_share(shares: &[Percent], alias: &Alias) -> bool {
    is_moving_capacity(alias) || alias.weights.values().all(|weight| shares.contains(&Percent::of_share(*weight)))
}

/// A person gave everything to another version than this way back leads to, or is about to.
fn is_given_by_hand(run: &RunId, alias: &Alias, to: Version) -> bool {
    record(alias).is_some_and(|record| {
        let is_elsewhere = record.state == RecordState::Undoing && record.to != to;
        record.run == *run && (record.state == RecordState::ByHand || is_elsewhere)
    })
}

/// Somebody has rolled this release back already.
fn is_rolled_back(run: &RunId, alias: &Alias, to: Version) -> bool {
    record_state(run, alias) == Some(RecordState::RolledBack) && alias.version == to
}

pub(super) fn record(alias: &Alias) -> Option<Record> {
    Description::parse(&alias.description).ok()?.record
}

fn record_state(run: &RunId, alias: &Alias) -> Option<RecordState> {
    record(alias).filter(|record| record.run == *run).map(|record| record.state)
}

pub(super) fn foreign(run: &RunId, name: &str, now: &Alias) -> Problem {
    let record = match record(now) {
        Some(record) if record.run == *run => "its record does not say so",
        _ => "its record is not this release's",
    };
    Problem::new(Code::AliasChanged, format!("somebody else moved {name}; it was left as it is"))
        .why(format!("it is on {} and {record}", shares(now.version, &now.weights)))
        .fix(format!("look: stagegate status {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "01JD3K7Q4T0000000000000000";

    fn run() -> RunId {
        format!("r-{RUN}").parse().unwrap()
    }

    /// Back to v40, which another release left there, beside a person.
    fn way() -> AliasBack {
        let at = At {
            version: Version::Number(40),
            meanwhile: format!("Orders [sg1 {RUN} undo x=20261121T1500Z 41>40 n=1]"),
            last: "Orders [sg1 01JD3K7Q4T0000000000000009 done 39>40 n=1]".into(),
            only_ours: true,
            shares: vec![Percent::whole(25)],
        };
        AliasBack {
            function: "orders".parse().unwrap(),
            alias: "live".parse().unwrap(),
            goal: Goal::Beside(Box::new(at)),
            seen: None,
            check_target: false,
            first_revision: None,
        }
    }

    fn alias(version: u64, weights: &[(u64, f64)], record: &str) -> Alias {
        Alias {
            arn: "arn:aws:lambda:us-east-1:123456789012:function:orders:live".into(),
            version: Version::Number(version),
            weights: weights.iter().copied().collect(),
            description: format!("Orders [sg1 {RUN} {record}]"),
            revision: "r".into(),
        }
    }

    /// What is written: version and record, `-` for nothing, `foreign` where it is left alone.
    fn next(phase: Phase, now: &Alias) -> String {
        match alias_call(&run(), &way(), phase, "orders:live", Some(now), &mut true).unwrap() {
            Next::Nothing => "-".into(),
            Next::Foreign(_) => "foreign".into(),
            Next::Send(Call::UpdateAlias(update)) => {
                assert_eq!((update.routing.version, update.routing.weights.len()), (Version::Number(40), 0));
                update.routing.description.replace(&format!("Orders [sg1 {RUN} "), "").replace(']', "")
            }
            Next::Send(call) => panic!("{call:?}"),
        }
    }

    #[test]
    fn beside_a_person_the_record_of_the_release_stays_and_is_closed_as_theirs() {
        let theirs = alias(40, &[], "undo x=20261121T1422Z 41>40 n=1 g bad=41,7");
        assert_eq!(next(Phase::Meanwhile, &theirs), "-", "they have begun");
        assert_eq!(next(Phase::Last, &theirs), "back 41>40 n=1 g bad=41,7");
        let over = alias(40, &[], "back 41>40 n=1 bad=41");
        assert_eq!([Phase::Meanwhile, Phase::Last].map(|phase| next(phase, &over)), ["-", "-"]);
    }

    #[test]
    fn an_alias_that_the_person_has_not_reached_yet_goes_their_way() {
        let split = |state| alias(40, &[(41, 0.25)], &format!("{state} x=20261121T1422Z 40>41 n=1 t=20261121T135207Z"));
        for now in [split("run"), split("paused"), alias(41, &[], "done 40>41 n=1")] {
            assert_eq!(next(Phase::Meanwhile, &now), "undo x=20261121T1500Z 41>40 n=1");
            assert_eq!(next(Phase::Last, &now), "back 41>40 n=1", "nothing is said against it");
        }
    }

    #[test]
    fn what_is_not_the_releases_or_leads_elsewhere_is_left_alone_beside_a_person_too() {
        let others = [
            alias(40, &[(41, 0.9)], "run 40>41 n=1 t=20261121T135207Z"),
            alias(39, &[], "undo 41>39 n=1"),
            alias(41, &[], "hand 40>41 n=1"),
            Alias { description: "Orders [sg1 01JD3K7Q4T000000000000000A run 40>42 n=1]".into(), ..alias(40, &[], "") },
        ];
        for now in others {
            for phase in [Phase::Meanwhile, Phase::Last] {
                assert_eq!(next(phase, &now), "foreign", "{now:?}");
            }
        }
    }
}
