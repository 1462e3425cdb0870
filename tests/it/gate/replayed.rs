//! A recording, judged again.

use serde_json::{Value, json};
use stagegate::gate::replay::replay;
use stagegate::gate::{Decision, OnInconclusive, Wishes};
use stagegate::report::gate_text;

use super::{header, row};

fn text(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Thin and fine: promoted without proof at minute 10, then worse at 25 %.
fn recording() -> String {
    let thin = (1..=12).map(|now| row(now, now - 1, if now > 10 { 0.25 } else { 0.05 }, [5, 0, 95, 0]));
    let bad = (13..=14).map(|now| row(now, now - 1, 0.25, [150, 6, 450, 0]));
    text(&std::iter::once(header()).chain(thin).chain(bad).collect::<Vec<_>>())
}

#[test]
fn the_same_settings_decide_the_same() {
    let ticks = replay(&recording(), &Wishes::default()).unwrap();
    assert!(ticks.iter().all(|tick| !tick.differs() && tick.recorded == tick.judged));
    assert_eq!(ticks[9].judged.decision, Decision::Promote);
    assert_eq!((ticks[9].weight, ticks[10].weight), (0.05, 0.25));
    assert!(gate_text::replay(&ticks, 88).contains("every tick is decided as with the recorded settings"));
}

#[test]
fn other_settings_show_where_they_differ_on_the_course_that_was_taken() {
    let wishes = Wishes { on_inconclusive: Some(OnInconclusive::Hold), ..Wishes::default() };
    let ticks = replay(&recording(), &wishes).unwrap();
    let different: Vec<u32> = ticks.iter().filter(|tick| tick.differs()).map(|tick| tick.now).collect();
    assert_eq!(different, [10]);
    assert_eq!(ticks[10].weight, 0.25, "the recorded course goes on");
    let shown = gate_text::replay(&ticks, 88);
    assert!(shown.contains("hold instead of promote: no proof yet"), "{shown}");
    assert!(shown.contains("  ! promote\n"), "{shown}");
    let line: Value = serde_json::from_str(&ticks[9].line()).unwrap();
    assert_eq!(
        (&line["verdict"], &line["recorded"]["verdict"], &line["differs"]),
        (&json!("hold"), &json!("promote"), &json!(true))
    );
}

#[test]
fn steps_begin_where_the_recording_says() {
    let mut lines = vec![header()];
    for now in 1..=3 {
        let mut line = row(now, now - 1, 0.25, [1500, 1, 4500, 5]);
        (line["step"], line["step_start"]) = (json!(1), json!(0));
        lines.push(line);
    }
    let ticks = replay(&text(&lines), &Wishes::default()).unwrap();
    assert!(ticks.iter().all(|tick| tick.weight == 0.25));
}

#[test]
fn a_broken_recording_is_refused_at_its_line() {
    let broken = recording().replacen("\"canary_errors\":0", "\"canary_errors\":null", 1);
    assert_eq!(replay(&broken, &Wishes::default()).unwrap_err().to_string(), "line 2: `canary_errors` is missing");
    let shown = gate_text::replay(&replay(&text(&[header()]), &Wishes::default()).unwrap(), 88);
    assert_eq!(shown, "the recording holds no tick\n");
}
