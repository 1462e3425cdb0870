//! The interchange format: what it takes, what it refuses and how it says so.

use serde_json::{Value, json};
use stagegate::gate::interchange::{Answer, Session, header_line, tick_lines};
use stagegate::gate::{Case, Decision, Minute, OnInconclusive, Reason, Settings, Table, Wishes, judge};

use super::{STEPS, counts, header, minute, minutes_of, row, table, told};

fn with(mut value: Value, field: &str, new: Value) -> Value {
    value[field] = new;
    value
}

fn without(mut value: Value, field: &str) -> Value {
    value.as_object_mut().unwrap().shift_remove(field);
    value
}

/// What is said about the line after a good start.
fn refusal(line: &str) -> String {
    let mut session = Session::default();
    session.take(&header().to_string()).unwrap();
    session.take("  ").unwrap();
    session.take(line).unwrap_err().to_string()
}

#[test]
fn a_line_that_cannot_be_used_is_named_with_its_field() {
    let good = || row(1, 0, 0.05, [30, 0, 570, 1]);
    for (line, words) in [
        ("{".to_owned(), "line 3 is not JSON"),
        ("[1]".to_owned(), "line 3 is no JSON object"),
        (good().to_string().replace("30", "NaN"), "line 3 is not JSON"),
        (
            with(good(), "canary_errors", json!(-1)).to_string(),
            "line 3: `canary_errors` must be a whole number of at least 0; it is -1",
        ),
        (with(good(), "canary_errors", json!(1.5)).to_string(), "line 3: `canary_errors` must be"),
        (with(good(), "baseline_invocations", json!("570")).to_string(), "line 3: `baseline_invocations` must be"),
        (without(good(), "baseline_errors").to_string(), "line 3: `baseline_errors` is missing"),
        (without(good(), "weight").to_string(), "line 3: `weight` is missing"),
        (with(good(), "weight", json!(5)).to_string(), "line 3: `weight` must be a number from 0 to 1; it is 5"),
        (without(good(), "now").to_string(), "line 3: `now` is missing"),
        (with(good(), "now", json!(4e9)).to_string(), "line 3: `now` must be"),
        (with(good(), "minute", json!(-1)).to_string(), "line 3: `minute` must be"),
        (with(good(), "more", json!("yes")).to_string(), "line 3: `more` must be true or false"),
        (with(good(), "step", json!(0)).to_string(), "line 3: `step_start` is missing"),
        (with(with(good(), "step", json!(3)), "step_start", json!(0)).to_string(), "line 3: `step` must be below 3"),
        (with(good(), "function", json!("other")).to_string(), "line 3: `function` must be one of"),
        (with(good(), "holds", json!("alarm")).to_string(), "line 3: `holds` must be a list of texts"),
    ] {
        let said = refusal(&line);
        assert!(said.starts_with(words), "{line}\n{said}");
    }
}

#[test]
fn a_header_that_cannot_be_used_is_named_with_its_field() {
    let functions = json!([{"name": "a"}, {"name": "a"}]);
    for (line, words) in [
        (without(header(), "schedule"), "line 1: `schedule` is missing"),
        (with(header(), "schedule", json!([])), "line 1: `schedule` has no step below 100 %"),
        (with(header(), "schedule", json!([[1.0, 10]])), "line 1: `schedule` has no step below 100 %"),
        (with(header(), "schedule", json!([[0.05]])), "line 1: `schedule[0]` must be [weight, minutes]"),
        (with(header(), "schedule", json!([[0.05, -3]])), "line 1: `schedule[0]` must have"),
        (with(header(), "history", json!({"errors": -1})), "line 1: `history.errors` must be"),
        (with(header(), "config", json!({"alhpa": 0.1})), "line 1: `config.alhpa` is no setting"),
        (with(header(), "config", json!({"alpha": 2})), "line 1: `config.alpha` must be"),
        (with(header(), "slow_thresholds", json!(99)), "line 1: `slow_thresholds` must be at most 16"),
        (with(header(), "functions", json!([])), "line 1: `functions` must hold"),
        (with(header(), "functions", json!([{}])), "line 1: `functions[0].name` is missing"),
        (with(header(), "functions", functions), "line 1: `functions[1].name` is there twice"),
        (row(1, 0, 0.05, [30, 0, 570, 1]), "line 1 comes before the start line"),
    ] {
        let said = Session::default().take(&line.to_string()).unwrap_err().to_string();
        assert!(said.starts_with(words), "{line}\n{said}");
    }
}

#[test]
fn slow_counts_are_needed_for_every_threshold() {
    let mut session = Session::default();
    session.take(&with(header(), "slow_thresholds", json!(2)).to_string()).unwrap();
    let line = with(row(1, 0, 0.05, [30, 0, 570, 1]), "canary_slow", json!([1, 0]));
    let said = session.take(&line.to_string()).unwrap_err().to_string();
    assert_eq!(said, "line 2: `baseline_slow` must have 2 numbers, one for each threshold");
    session.take(&with(line, "baseline_slow", json!([1.0, 0.0])).to_string()).unwrap();
}

#[test]
fn a_minute_whose_slow_requests_are_not_known_is_written_and_read_back() {
    let unknown = |n: u64| Minute {
        weight: 0.05,
        canary: counts(300, n),
        baseline: stagegate::gate::Counts { slow: vec![57, 6], ..counts(5700, 6) },
    };
    let tables = [Table { slow_thresholds_ms: vec![228.5, 384.9], ..table((0..3).map(|_| unknown(1))) }];
    let settings = Settings::default();
    let case = Case {
        settings: &settings,
        steps: &STEPS,
        step: 0,
        step_start: 0,
        now: 3,
        tables: &tables,
        holds: &[],
        min_invocations: 0,
    };
    let mut session = Session::default();
    session.take(&stagegate::gate::interchange::header_line(&case)).unwrap();
    let new = (0..3).map(|minute| (tables[0].name.as_str(), minute));
    for line in stagegate::gate::interchange::tick_lines(&case, new) {
        session.take(&line).unwrap();
    }
    assert_eq!(session.case().unwrap().tables, tables);
}

#[test]
fn a_line_that_is_refused_changes_nothing() {
    let mut session = Session::default();
    session.take(&header().to_string()).unwrap();
    session.take(&row(1, 0, 0.05, [30, 30, 570, 1]).to_string()).unwrap();
    session.take(&with(row(2, 0, 0.05, [0, 0, 0, 0]), "canary_errors", json!(-1)).to_string()).unwrap_err();
    let Some(Answer::Judged(judgement)) = session.take(r#"{"now":2,"minute":null}"#).unwrap() else { panic!() };
    assert_eq!(judgement.decision, Decision::Rollback);
}

#[test]
fn without_config_and_wishes_the_reference_defaults_hold() {
    let lines = [header(), row(9, 8, 0.05, [5, 0, 95, 0]), json!({"now": 10, "minute": null})];
    let promoted = told(Wishes::default(), &lines);
    assert_eq!((promoted.decision, promoted.reason), (Decision::Promote, Reason::Unproven));
    let hold = Wishes { on_inconclusive: Some(OnInconclusive::Hold), ..Wishes::default() };
    let held = told(hold.clone(), &lines);
    assert_eq!((held.decision, held.reason), (Decision::Hold, Reason::NotProven));
    let config = with(header(), "config", json!({"on_inconclusive": "hold"}));
    let lines = [config, lines[1].clone(), lines[2].clone()];
    assert_eq!(told(Wishes::default(), &lines).decision, Decision::Hold);
    let promote = Wishes { on_inconclusive: Some(OnInconclusive::Promote), ..Wishes::default() };
    assert_eq!(told(promote, &lines).decision, Decision::Promote, "a wish wins over the header");
}

#[test]
fn the_newest_row_of_a_minute_counts_and_its_order_does_not() {
    let crash = [header(), row(2, 0, 0.05, [30, 0, 570, 1]), row(2, 0, 0.05, [30, 30, 570, 1])];
    assert_eq!(told(Wishes::default(), &crash).decision, Decision::Rollback);
    let healed = [header(), row(2, 0, 0.05, [30, 30, 570, 1]), row(2, 0, 0.05, [30, 0, 570, 1])];
    assert_eq!(told(Wishes::default(), &healed).decision, Decision::Continue);
}

#[test]
fn what_is_written_is_read_back_with_several_functions_and_holds() {
    let slow = |n: u64| Minute {
        weight: 0.05,
        canary: stagegate::gate::Counts { slow: vec![n], ..counts(300, 1) },
        baseline: stagegate::gate::Counts { slow: vec![57], ..counts(5700, 6) },
    };
    let first = Table { name: "a".into(), slow_thresholds_ms: vec![228.5], ..table((0..9).map(|_| slow(3))) };
    let second = Table { name: "b".into(), paired: false, ..table((0..8).map(|_| minute(0.05, [3, 0, 57, 0]))) };
    let settings = Settings { alpha: 0.05, max_extend: Some(15.0), ..Settings::default() };
    let holds = ["alarm checkout-5xx is in ALARM".to_owned()];
    let case = Case {
        settings: &settings,
        steps: &STEPS,
        step: 1,
        step_start: 4,
        now: 9,
        tables: &[first, second],
        holds: &holds,
        min_invocations: 200,
    };
    let mut session = Session::default();
    session.take(&header_line(&case)).unwrap();
    let new = case.tables.iter().flat_map(|t| minutes_of(t).keys().map(|at| (t.name.as_str(), *at)));
    let lines = tick_lines(&case, new);
    assert_eq!(lines.len(), 17);
    let answers: Vec<_> = lines.iter().map(|line| session.take(line).unwrap().unwrap()).collect();
    let Some(Answer::Judged(read)) = answers.last() else { panic!() };
    assert_eq!(**read, judge(&case));
    assert_eq!((read.decision, &read.reason), (Decision::Hold, &Reason::Held));
    assert_eq!(tick_lines(&case, []).len(), 1, "a tick with nothing new");
}

#[test]
fn holds_count_for_their_tick_only() {
    let good = |now: u32| row(now, now - 1, 0.05, [3000, 3, 57_000, 57]);
    let mut lines: Vec<Value> = std::iter::once(header()).chain((1..=5).map(good)).collect();
    lines[5]["holds"] = json!(["alarm"]);
    let held = told(Wishes::default(), &lines);
    assert_eq!((held.decision, held.sentence.as_str()), (Decision::Hold, "held: alarm"));
    lines.push(good(6));
    let passed = told(Wishes::default(), &lines);
    assert_eq!((passed.decision, passed.reason), (Decision::Promote, Reason::NonInferior));
}
