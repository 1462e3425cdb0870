//! A gate that was killed and started again at any tick says what one says that never stopped.

use proptest::prelude::*;
use serde_json::Value;
use stagegate::gate::Wishes;
use stagegate::gate::interchange::{Answer, Session};

use super::{header, row};

/// What becomes visible at a tick: rows of this minute and revisions of earlier ones, maybe nothing.
fn ticks() -> impl Strategy<Value = Vec<Vec<[u64; 4]>>> {
    let numbers = (0..40_u64, 0..6_u64, 0..800_u64, 0..30_u64).prop_map(|(nc, xc, nb, xb)| [nc, xc, nb, xb]);
    prop::collection::vec(prop::collection::vec(numbers, 0..3), 1..45)
}

fn lines(now: u32, news: &[[u64; 4]], weight: f64) -> Vec<Value> {
    let mut lines: Vec<Value> = (0..)
        .zip(news)
        .filter(|(back, _)| *back < now)
        .map(|(back, numbers)| {
            let mut line = row(now, now - 1 - back, weight, *numbers);
            line["more"] = true.into();
            line
        })
        .collect();
    match lines.last_mut() {
        Some(last) => last["more"] = false.into(),
        None => lines.push(serde_json::json!({"now": now, "minute": null})),
    }
    lines
}

fn feed(session: &mut Session, lines: &[Value]) -> Option<Answer> {
    lines.iter().map(|line| session.take(&line.to_string()).unwrap()).last().flatten()
}

/// A new process that reads everything that is visible, and is told the step that it was at.
fn started_again(so_far: &[Value], step: usize, step_start: u32) -> Option<Answer> {
    let mut session = Session::new(Wishes::default());
    session.take(&header().to_string()).unwrap();
    let mut all = so_far.to_vec();
    let last = all.len() - 1;
    for line in &mut all[..last] {
        line["more"] = true.into();
    }
    (all[last]["step"], all[last]["step_start"]) = (step.into(), step_start.into());
    feed(&mut session, &all)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_restart_changes_no_verdict(ticks in ticks()) {
        let mut steady = Session::new(Wishes::default());
        steady.take(&header().to_string()).unwrap();
        let mut so_far: Vec<Value> = Vec::new();
        for (now, news) in (1..).zip(&ticks) {
            let (step, start) = steady.case().map(|case| (case.step, case.step_start)).unwrap();
            let new = lines(now, news, [0.05, 0.25, 0.5][step]);
            so_far.extend(new.clone());
            let answer = feed(&mut steady, &new);
            prop_assert_eq!(started_again(&so_far, step, start), answer, "tick {}", now);
        }
    }
}
