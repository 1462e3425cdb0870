use super::*;
use crate::event::Event;
use crate::gate::{Decision, Verdict};
use crate::model::{GatePolicy, RunId, schedule};
use crate::report::text::ascii;

fn at() -> jiff::Timestamp {
    "2026-11-21T14:21:40Z".parse().unwrap()
}

fn version(invocations: u64, errors: u64, p99_ms: Option<f64>) -> VersionLook {
    VersionLook { invocations, errors, p99_ms, errors_per_minute: vec![1, 0, 2, 1, 9, 0, 0, 3, errors / 10] }
}

fn look(functions: &[&str]) -> GateLook {
    let one = |name: &&str| FunctionLook {
        function: (*name).to_owned(),
        stable: version(118_204, 41, Some(412.4)),
        canary: version(6_022, 15, Some(447.0)),
    };
    GateLook {
        release: RunId::new(1, 1),
        step: 2,
        steps: 3,
        percent: 25.0,
        elapsed_s: 401,
        bake_s: 600,
        up_to: "2026-11-21T14:21:00Z".parse().unwrap(),
        verdict: Verdict::Pending,
        decision: Decision::Continue,
        reason: "going-on".into(),
        sentence: "no proof yet that it is not more than 1 point worse: canary 15 of 6022 (0.25 %), stable 41 of 118204 (0.03 %); evidence 1:3.1 of 1:40".into(),
        evidence_worse: 0.2,
        evidence_no_worse: 1.1,
        functions: functions.iter().map(one).collect(),
        alarms_raised: vec!["checkout-5xx".into()],
        alarms_red_before: vec!["queue-age".into()],
    }
}

fn board(look: GateLook, functions: &[&str]) -> Board {
    let gate = GatePolicy {
        alarms: ["checkout-5xx", "queue-age", "db-connections"].map(str::to_owned).into(),
        ..GatePolicy::default()
    };
    let mut board =
        Board { gate: Some(gate), steps: schedule::parse("5% 10m, 25% 10m, 50% 10m").unwrap(), ..Board::default() };
    for weights in [serde_json::json!({"41": 100.0}), serde_json::json!({"41": 75.0, "42": 25.0})] {
        for function in functions {
            board.hear(
                at(),
                &Event::Routing {
                    release: look.release.clone(),
                    function: (*function).to_owned(),
                    alias: "live".into(),
                    weights: weights.clone(),
                },
            );
        }
    }
    board.hear(at(), &Event::Gate(Box::new(look)));
    board
}

#[test]
fn the_panel_at_three_widths_and_in_ascii() {
    let board = board(look(&["checkout-api"]), &["checkout-api"]);
    for width in [44, 60, 88] {
        insta::assert_snapshot!(format!("panel_{width}"), board.panel(width));
    }
    insta::assert_snapshot!("panel_ascii", ascii(&board.panel(88)));
}

#[test]
fn between_two_looks_the_clock_goes_on_and_the_numbers_stay() {
    let board = board(look(&["checkout-api"]), &["checkout-api"]);
    let now = at() + std::time::Duration::from_secs(4);
    let moment = Moment { now, next: now + std::time::Duration::from_secs(21) };
    let (then, later) = (board.panel(88), board.panel_at(88, Some(moment)));
    assert!(then.contains("6:41 of 10:00") && later.contains("6:45 of 10:00"), "{later}");
    assert!(later.contains("next look in 21 s") && !then.contains("next look"), "{later}");
    let numbers = |panel: &str| panel.lines().filter(|l| l.contains("errors")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(numbers(&then), numbers(&later));
}

#[test]
fn several_functions_have_a_table_each_and_a_stage_its_bar() {
    let names = ["a-very-long-name-of-a-function-that-somebody-chose-in-2016-for-good", "orders", "pay", "mail"];
    let mut board = board(look(&names), &names);
    board.hear(at(), &Event::StageCanary { release: RunId::new(1, 1), stage: "a1b2c3d4e5/prod".into(), percent: 25.0 });
    insta::assert_snapshot!("panel_several", board.panel(88));
}

#[test]
fn no_line_is_longer_than_the_terminal_is_wide() {
    let names = ["a-very-long-name-of-a-function-that-somebody-chose-in-2016-for-good", "orders", "pay", "mail"];
    for functions in [&names[..1], &names[1..2], &names[..]] {
        let mut look = look(functions);
        for one in &mut look.functions {
            one.stable.invocations *= 100_000;
            one.canary.errors_per_minute = vec![7; 300];
        }
        (look.elapsed_s, look.bake_s) = (100_000, 172_800);
        let board = board(look, functions);
        for width in 40..=200 {
            let panel = board.panel(width);
            for line in [panel.clone(), ascii(&panel)].iter().flat_map(|text| text.lines()) {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
            assert!(ascii(&panel).is_ascii(), "{panel}");
        }
    }
}

#[test]
fn a_dead_canary_is_not_drawn_as_a_healthy_one() {
    let mut look = look(&["checkout-api"]);
    look.functions[0].canary = VersionLook::default();
    let panel = board(look, &["checkout-api"]).panel(88);
    let row = |label: &str| panel.lines().find(|line| line.trim_start().starts_with(label)).unwrap().to_owned();
    assert!(row("errors ").contains("–") && row("gap").contains("–"), "{panel}");
}

#[test]
fn a_minute_with_more_errors_is_higher() {
    assert_eq!(sparkline(&[0, 1, 3, 7], 10), "▁▂▄█");
    assert_eq!(sparkline(&[0, 70, 700], 10), "▁▂█");
    assert_eq!(sparkline(&[9, 9, 0, 0], 2), "▁▁", "the newest are kept");
}
