//! What a person can choose about a canary: how much must be seen, who must agree, how long it lasts.

use std::time::Duration;

use stagegate::gate::Verdict;
use stagegate::journal::Entry;
use stagegate::model::{CanaryMode, OnInconclusive, Percent, RecordState, Version};
use stagegate::problem::{Code, Exit};
use stagegate::world::Profile;

use super::during::{Stagecraft, assert_four_parts, minute, share, told};
use super::kinds::BOTH;
use super::lab::{adopt, lab, split, steps};
use crate::faults::lab::Scenario;

fn good() -> Profile {
    Profile::default()
}

fn orders() -> stagegate::model::FunctionName {
    "orders".parse().unwrap()
}

/// How long each step lasted, seconds.
fn lengths(release: &Stagecraft) -> Vec<u64> {
    let mut lengths = Vec::new();
    for (_, look) in release.looks() {
        lengths.resize(look.step, 0);
        lengths[look.step - 1] = look.elapsed_s;
    }
    lengths
}

#[test]
fn a_step_that_asks_for_requests_waits_for_them_and_is_held_without_them() {
    let mut release = Stagecraft::new(CanaryMode::Alias, 100.0, &good());
    release.lab.target.canary.min_invocations = 1_000_000;
    let outcome = release.promote();
    release.assert_held(&outcome, 5.0, "of 1000000 requests of the canary in this step");
    let mut release = Stagecraft::new(CanaryMode::Alias, 100.0, &good());
    release.lab.target.canary.steps = steps("5% until 2000 req, 50% until 2000 req");
    let outcome = release.promote();
    release.assert_promoted(&outcome);
    let served = |step: usize| {
        let looks = release.looks();
        let last = looks.iter().rfind(|(_, look)| look.step == step).unwrap();
        let before = looks.iter().rfind(|(_, look)| look.step + 1 == step);
        last.1.functions[0].canary.invocations - before.map_or(0, |(_, look)| look.functions[0].canary.invocations)
    };
    assert!(served(1) >= 2000 && served(2) >= 2000, "{} {}", served(1), served(2));
    assert!(lengths(&release)[0] > 5 * 60, "5 a second take 2,000 / 5 s: {:?}", lengths(&release));
}

#[test]
fn an_overridden_gate_lets_everything_through_and_says_so_everywhere() {
    for mode in BOTH {
        let release = Stagecraft::new(*mode, 20.0, &Profile::failing(0.5));
        let mut plan = release.lab.plan().unwrap();
        plan.canary.as_mut().unwrap().override_gate = Some("incident-4711".into());
        let outcome = release.promote_plan(&plan);
        release.assert_promoted(&outcome);
        assert!(release.record().gate_overridden);
        let failed = release.looks().iter().filter(|(_, look)| look.verdict == Verdict::Fail).count();
        assert!(failed > 10, "verdicts are recorded: {failed}");
        let lengths = lengths(&release);
        assert!(lengths.iter().all(|s| *s >= 595), "every step has its time: {lengths:?}");
        let kept = release.lab.kept.borrow();
        let reason = |entry: &Entry| match entry {
            Entry::Opened { plan } => plan.canary.as_ref()?.override_gate.clone(),
            _ => None,
        };
        assert_eq!(kept.iter().find_map(|line| reason(&line.entry)).as_deref(), Some("incident-4711"));
        assert!(kept.iter().any(|line| matches!(&line.entry, Entry::Evidence { .. })));
    }
}

#[test]
fn without_proof_it_goes_back_when_that_is_asked_for_and_nobody_is_called_bad() {
    for mode in BOTH {
        let mut release = Stagecraft::new(*mode, 0.5, &good());
        release.lab.target.gate.on_inconclusive = OnInconclusive::Rollback;
        let outcome = release.promote();
        release.assert_back(&outcome, Code::CanaryHeld, "no proof");
    }
}

#[test]
fn a_step_that_needs_approval_waits_before_it_and_goes_on_when_a_person_says_so() {
    for mode in BOTH {
        let mut release = Stagecraft::new(*mode, 100.0, &good());
        release.lab.target.canary.approve = vec![Percent::whole(25), Percent::whole(50)];
        let outcome = release.promote();
        for (now, next) in [(5.0, "25%"), (25.0, "50%")] {
            assert_eq!((if now < 6.0 { outcome.exit } else { Exit::Done }, share(&release.lab)), (Exit::Done, now));
            assert_eq!(release.record().state, RecordState::Paused);
            release.lab.world.clock().advance(Duration::from_secs(3600));
            let again = adopt(&release.lab, false).unwrap().unwrap();
            if now < 6.0 {
                let problem = told(&outcome);
                assert_eq!(problem.code, Code::ApprovalNeeded);
                assert!(problem.what.contains(next), "{problem:?}");
                assert_eq!(told(&again).code, Code::ApprovalNeeded, "{again:?}");
            } else {
                release.assert_promoted(&again);
            }
        }
    }
}

#[test]
fn one_look_at_a_time_comes_to_the_same_end() {
    for mode in BOTH {
        let mut release = Stagecraft::new(*mode, 100.0, &good());
        release.lab.settings.once = true;
        let first = release.promote();
        assert_eq!((first.exit, told(&first).code), (Exit::InFlight, Code::StillBaking));
        let mut looks = 1;
        let end = loop {
            minute(&release.lab);
            let outcome = adopt(&release.lab, false).unwrap().unwrap();
            looks += 1;
            assert!(looks < 60, "it does not end: {outcome:?}");
            if outcome.exit != Exit::InFlight {
                break outcome;
            }
            assert_four_parts(told(&outcome));
        };
        release.assert_promoted(&end);
        assert!(looks >= 15, "{looks}");
    }
    let mut release = Stagecraft::new(CanaryMode::Alias, 100.0, &Profile::failing(0.3));
    release.lab.settings.once = true;
    release.promote();
    let mut outcome = None;
    for _ in 0..5 {
        minute(&release.lab);
        outcome = adopt(&release.lab, false).map(Result::unwrap);
        if outcome.as_ref().is_some_and(|outcome| outcome.exit != Exit::InFlight) {
            break;
        }
    }
    release.assert_back(&outcome.unwrap(), Code::GateFailed, "errors");
}

#[test]
fn finishing_skips_the_rest_unless_the_candidate_is_proven_worse() {
    for (candidate, is_bad) in [(good(), false), (Profile::failing(0.5), true)] {
        for mode in BOTH {
            let mut release = Stagecraft::new(*mode, 20.0, &candidate);
            release.lab.settings.until_percent = Some(Percent::whole(5));
            assert_eq!(release.promote().exit, Exit::Done);
            release.lab.settings.until_percent = None;
            release.lab.settings.finish = true;
            release.lab.world.clock().advance(Duration::from_secs(300));
            let before = release.lab.world.clock();
            let since = stagegate::clock::Clock::now(&before);
            let outcome = adopt(&release.lab, false).unwrap().unwrap();
            let took = stagegate::clock::Clock::now(&release.lab.world.clock()).duration_since(since).as_secs();
            match is_bad {
                true => release.assert_back(&outcome, Code::GateFailed, "errors"),
                false => release.assert_promoted(&outcome),
            }
            assert!(took < 300, "{took}");
        }
    }
}

#[test]
fn proof_shortens_a_step_only_when_it_may() {
    for (early, least, most) in [(true, 300, 420), (false, 600, 666)] {
        let mut release = Stagecraft::new(CanaryMode::Alias, 1000.0, &good());
        release.lab.target.gate.early = early;
        let outcome = release.promote();
        release.assert_promoted(&outcome);
        let lengths = lengths(&release);
        assert!(lengths.iter().all(|s| (least..=most).contains(s)), "{early}: {lengths:?}");
    }
}

#[test]
fn without_proof_no_step_ends_before_its_time() {
    for offset in [0, 20, 50] {
        let mut release = Stagecraft::new(CanaryMode::Alias, 1.0, &good());
        release.lab.target.gate.on_inconclusive = OnInconclusive::Promote;
        release.lab.world.clock().advance(Duration::from_secs(offset));
        let outcome = release.promote();
        release.assert_promoted(&outcome);
        let lengths = lengths(&release);
        assert!(lengths.iter().all(|s| *s >= 600), "{lengths:?}");
    }
}

#[test]
fn steps_of_seconds_wait_for_metrics_all_the_same() {
    for mode in BOTH {
        let mut release = Stagecraft::new(*mode, 1000.0, &good());
        release.lab.target.canary.steps = steps("10% 30s, 50% 45s");
        let outcome = release.promote();
        release.assert_promoted(&outcome);
        assert!(lengths(&release).iter().all(|s| (60..=240).contains(s)), "{:?}", lengths(&release));
        let mut release = Stagecraft::new(*mode, 1000.0, &Profile::failing(0.5));
        release.lab.target.canary.steps = steps("10% 30s, 50% 45s");
        let outcome = release.promote();
        release.assert_back(&outcome, Code::GateFailed, "errors");
        assert_eq!(release.looks().iter().map(|(_, look)| look.step).max(), Some(1), "caught at 10 %");
    }
}

#[test]
fn fractions_of_a_percent_reach_aws_as_they_are() {
    for mode in BOTH {
        let mut release = Stagecraft::new(*mode, 2000.0, &good());
        release.lab.target.canary.steps = steps("0.5% 10m, 12.25% 10m");
        release.lab.settings.until_percent = Some(Percent::from_hundredths(50).unwrap());
        assert_eq!(release.promote().exit, Exit::Done);
        assert!((share(&release.lab) - 0.5).abs() < 1e-9, "{}", share(&release.lab));
        release.lab.settings.until_percent = Some(Percent::from_hundredths(1225).unwrap());
        assert_eq!(adopt(&release.lab, false).unwrap().unwrap().exit, Exit::Done);
        assert!((share(&release.lab) - 12.25).abs() < 1e-9, "{}", share(&release.lab));
        release.lab.settings.until_percent = None;
        let outcome = adopt(&release.lab, false).unwrap().unwrap();
        release.assert_promoted(&outcome);
    }
}

#[test]
fn a_first_release_has_no_canary_and_says_why() {
    for mode in BOTH {
        let lab = lab(Scenario::First, *mode);
        let plan = lab.plan().unwrap();
        assert_eq!(plan.canary, None);
        assert!(plan.notices.iter().any(|n| n.code == Code::NoStableVersion && n.text.starts_with("no canary")));
        let outcome = lab.promote(&plan).unwrap();
        assert_eq!(outcome.exit, Exit::Done, "{:?}", outcome.problem);
        assert_eq!(split(&lab), (Version::Number(1), vec![]));
        assert_eq!(lab.violations(), Vec::<String>::new());
    }
}

#[test]
fn versions_with_different_roles_cannot_share_an_alias_and_can_share_a_stage() {
    let role = "arn:aws:iam::123456789012:role/other";
    let other = |mode| {
        let lab = lab(Scenario::Second, mode);
        let change = |build: &mut stagegate::world::lambda::Build| build.function.role = role.into();
        lab.world.edit(|account| account.configure(&orders(), Duration::ZERO, change)).unwrap();
        lab.world.run_until_quiet();
        lab
    };
    let problem = other(CanaryMode::Alias).plan().unwrap_err();
    assert_four_parts(&problem);
    assert_eq!((problem.code, problem.exit), (Code::CannotSplit, Exit::Usage));
    assert!(problem.why.iter().any(|line| line.contains(role)), "{problem:?}");
    assert!(problem.fix.iter().any(|line| line.contains("--canary-mode stage")), "{problem:?}");
    let release = Stagecraft::of(other(CanaryMode::Stage), 100.0, &good());
    let outcome = release.promote();
    release.assert_promoted(&outcome);
}

#[test]
fn a_changed_definition_is_recommended_to_go_with_a_canary_of_the_stage() {
    let notices = |mode| lab(Scenario::Second, mode).plan().unwrap().notices;
    let exposed = |n: &stagegate::plan::Notice| n.code == Code::DefinitionExposed && n.text.contains("canary.mode");
    assert!(notices(CanaryMode::Alias).iter().any(exposed));
    assert!(!notices(CanaryMode::Stage).iter().any(exposed));
}
