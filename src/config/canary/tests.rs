//! Canary, gate, reactions and checks through the stage, as the file says them.

use std::time::Duration;

use crate::config::tests::target;
use crate::model::{
    Canary, CanaryMode, Expect, GatePolicy, OnInconclusive, Percent, Ratio, Reaction, StageCheck, Target,
};
use crate::problem::{Code, Exit, Problem};

/// The file around some lines of `[target.prod]`: one function, an alias and a stage.
fn file(lines: &str) -> String {
    let start = "schema = 1\n[target.prod]\nfunctions = [\"checkout-api\"]\nalias = \"live\"\n";
    let stage = "stages = [\"a1b2c3d4e5/prod\"]\nalias_variable = \"lambdaAlias\"\n";
    format!("{start}{stage}{lines}\n")
}

/// The target of some lines, or of a whole file.
fn read(text: &str) -> Result<Target, Problem> {
    if text.starts_with("schema") { target(text, "prod") } else { target(&file(text), "prod") }
}

#[test]
fn every_key_is_read_as_it_says() {
    let prod = read(
        r#"
canary = { mode = "stage", steps = ["5% 10m", "25% 5m until 300 req", "100%"], min_invocations = 200, max_extend = "1h30m", approve = ["25%"] }
on = { gate_failure = "hold", interrupt = "hold" }
smoke = [{ invoke = "ok.json" }, { http = "GET /health?deep=1", expect = { status = 204, max_ms = 800 } }]
[target.prod.gate]
max_error_rate   = "2.5%"
max_error_gap    = "0.5%"
max_slow_ratio   = 1.25
false_rollbacks  = "5%"
alarms           = ["checkout-5xx", "arnold"]
on_alarm         = "rollback"
max_stage_errors = "off"
on_inconclusive  = "promote"
early            = false
"#,
    )
    .unwrap();
    assert_eq!(
        (prod.canary.mode, prod.canary.to_string().as_str()),
        (CanaryMode::Stage, "5% 10m, 25% 5m until 300 req")
    );
    assert_eq!((prod.canary.min_invocations, prod.canary.max_extend), (200, Some(Duration::from_secs(5400))));
    assert_eq!(prod.canary.approve, [Percent::whole(25)]);
    assert_eq!(prod.on_interrupt, Reaction::Hold);
    let expect = Expect { status: Some(204), json: None, max_ms: Some(800) };
    assert_eq!(prod.stage_smoke, [StageCheck { method: "GET".into(), path: "/health?deep=1".into(), expect }]);
    assert_eq!(prod.smoke.len(), 1);
    let wanted = GatePolicy {
        max_error_rate: Percent::from_hundredths(250),
        max_error_gap: Percent::from_hundredths(50).unwrap(),
        max_slow_ratio: Some(Ratio(1250)),
        false_rollbacks: Percent::whole(5),
        alarms: vec!["checkout-5xx".into(), "arnold".into()],
        on_alarm: Reaction::Rollback,
        max_stage_errors: None,
        on_inconclusive: OnInconclusive::Promote,
        on_failure: Reaction::Hold,
        early: false,
    };
    assert_eq!(prod.gate, wanted);
}

#[test]
fn empty_tables_say_nothing() {
    let prod = read("canary = {}\ngate = {}\non = {}").unwrap();
    assert_eq!((prod.canary, prod.gate), (Canary::default(), GatePolicy::default()));
    assert_eq!((prod.on_interrupt, prod.stage_smoke.len()), (Reaction::Rollback, 0));
}

#[test]
fn a_target_stored_before_these_settings_has_their_defaults() {
    let wanted = Target::of_alias("checkout-api".parse().unwrap(), "live".parse().unwrap());
    let mut stored = serde_json::to_value(&wanted).unwrap();
    for key in ["canary", "gate", "stage_smoke", "on_interrupt"] {
        stored.as_object_mut().unwrap().remove(key).expect(key);
    }
    assert_eq!(serde_json::from_value::<Target>(stored).unwrap(), wanted);
}

#[test]
fn the_ends_of_every_range_are_inside() {
    for line in [
        "gate = { max_error_rate = \"0.01%\", max_stage_errors = \"99.99%\", max_error_gap = \"0.01%\" }",
        "gate = { max_slow_ratio = 1, false_rollbacks = \"0.01%\", max_error_gap = \"99.99%\" }",
        "gate = { max_slow_ratio = 10.0, false_rollbacks = \"20%\", alarms = [] }",
        "gate = { max_slow_ratio = \"off\", max_error_rate = \"off\" }",
        "canary = { steps = [\"0.01% 48h\"], max_extend = \"48h\", min_invocations = 1000000000 }",
        "canary = { preset = \"CodeDeployDefault.LambdaLinear10PercentEvery3Minutes\", max_extend = \"0s\" }",
    ] {
        read(line).expect(line);
    }
    let alarms: Vec<String> = (0..100).map(|n| format!("\"a{n}\"")).collect();
    assert_eq!(read(&format!("gate = {{ alarms = [{}] }}", alarms.join(", "))).unwrap().gate.alarms.len(), 100);
}

#[test]
fn the_targets_own_keys_win_one_by_one() {
    let text = format!(
        "{}{}",
        file(
            "[target.prod.canary]\napprove = [\"5%\"]\n[target.prod.gate]\nearly = false\n[target.prod.on]\ninterrupt = \"hold\""
        ),
        r#"
[defaults]
smoke = [{ http = "GET /" }]
[defaults.canary]
steps = ["5% 10m", "25% 10m"]
max_extend = "15m"
approve = ["25%"]
[defaults.gate]
max_slow_ratio = "off"
early = true
alarms = ["checkout-5xx"]
[defaults.on]
gate_failure = "hold"
"#
    );
    let prod = read(&text).unwrap();
    assert_eq!((prod.canary.mode, prod.canary.steps.len()), (CanaryMode::Alias, 2));
    assert_eq!(
        (prod.canary.max_extend, prod.canary.approve),
        (Some(Duration::from_secs(900)), vec![Percent::whole(5)])
    );
    assert_eq!((prod.gate.max_slow_ratio, prod.gate.early, prod.gate.alarms.len()), (None, false, 1));
    assert_eq!((prod.gate.on_failure, prod.on_interrupt), (Reaction::Hold, Reaction::Hold));
    assert_eq!(prod.stage_smoke.len(), 1);
}

#[test]
fn steps_mean_a_canary_and_the_targets_own_way_of_naming_them_counts() {
    for (defaults, own, wanted) in [
        ("", "steps = [\"5% 10m\"]", (CanaryMode::Alias, "5% 10m")),
        ("", "preset = \"Canary10Percent5Minutes\"", (CanaryMode::Alias, "10% 5m")),
        ("", "preset = \"AllAtOnce\"", (CanaryMode::None, "none")),
        ("", "mode = \"none\"\nsteps = [\"5% 10m\"]", (CanaryMode::None, "none")),
        ("steps = [\"5% 10m\"]", "", (CanaryMode::Alias, "5% 10m")),
        ("steps = [\"5% 10m\"]", "mode = \"none\"", (CanaryMode::None, "none")),
        ("steps = [\"5% 10m\"]", "mode = \"stage\"", (CanaryMode::Stage, "5% 10m")),
        ("steps = [\"5% 10m\"]", "preset = \"Canary10Percent5Minutes\"", (CanaryMode::Alias, "10% 5m")),
        ("preset = \"AllAtOnce\"", "steps = [\"5% 10m\"]", (CanaryMode::Alias, "5% 10m")),
        ("mode = \"none\"", "steps = [\"5% 10m\"]", (CanaryMode::Alias, "5% 10m")),
        ("mode = \"none\"\nsteps = [\"5% 10m\"]", "min_invocations = 7", (CanaryMode::None, "none")),
        ("mode = \"stage\"", "steps = [\"5% 10m\"]", (CanaryMode::Stage, "5% 10m")),
        ("mode = \"stage\"", "preset = \"AllAtOnce\"", (CanaryMode::None, "none")),
    ] {
        let text = format!("{}[target.prod.canary]\n{own}\n[defaults.canary]\n{defaults}\n", file(""));
        let canary = read(&text).unwrap().canary;
        assert_eq!((canary.mode, canary.to_string().as_str()), wanted, "{defaults:?} below {own:?}");
    }
}

/// The lines, the code, what is pointed at, and a part of what to write.
const BAD: &[(&str, Code, &str, &str)] = &[
    ("canary = \"5% 10m\"", Code::WrongType, "\"5% 10m\"", "expected a table"),
    ("canary = { mod = \"alias\" }", Code::UnknownKey, "mod", "did you mean `mode`?"),
    ("canary = { mode = \"aliases\" }", Code::BadValue, "\"aliases\"", "did you mean `alias`?"),
    ("canary = { mode = true }", Code::WrongType, "true", "\"alias\", \"stage\" or \"none\""),
    ("canary = { mode = \"alias\" }", Code::Contradiction, "\"alias\"", "add: steps = "),
    ("canary = { mode = \"alias\", preset = \"AllAtOnce\" }", Code::Contradiction, "\"alias\"", "write \"none\""),
    ("canary = { steps = \"5% 10m\" }", Code::WrongType, "\"5% 10m\"", "a list in [ ]"),
    ("canary = { steps = [5] }", Code::WrongType, "5", "a step in quotes"),
    ("canary = { steps = [] }", Code::BadValue, "[]", "write a step such as"),
    ("canary = { steps = [\"\"] }", Code::BadValue, "\"\"", "write a step such as"),
    ("canary = { steps = [\"5% 10m\", \"4% 10m\"] }", Code::BadValue, "4%", "percentages rise"),
    ("canary = { steps = [\"5% 10m\", \"50% 10x\"] }", Code::BadValue, "10x", "such as 10m"),
    ("canary = { steps = [\"5%\\u0020010x\"] }", Code::BadValue, "\"5%\\u0020010x\"", "such as 10m"),
    ("canary = { steps = ['''5% 10x'''] }", Code::BadValue, "'''5% 10x'''", "such as 10m"),
    ("canary = { steps = [\"0.001% 10m\"] }", Code::BadValue, "0.001%", "two decimals"),
    ("canary = { steps = [\"5% 49h\"] }", Code::BadValue, "49h", "48h or less"),
    ("canary = { steps = [\"5%\"] }", Code::BadValue, "5%", "when it ends"),
    ("canary = { steps = [\"100%\"] }", Code::BadValue, "100%", "none"),
    (
        "canary = { preset = \"Canary10Percent5Minuts\" }",
        Code::BadValue,
        "\"Canary10Percent5Minuts\"",
        "did you mean `Canary10Percent5Minutes`?",
    ),
    (
        "canary = { preset = \"Linear2PercentEvery1Minute\" }",
        Code::BadValue,
        "\"Linear2PercentEvery1Minute\"",
        "more than 20 steps",
    ),
    ("canary = { preset = \"fast\" }", Code::BadValue, "\"fast\"", "AllAtOnce, Canary10Percent5Minutes"),
    ("canary = { preset = 10 }", Code::WrongType, "10", "a name in quotes"),
    (
        "canary = { steps = [\"5% 10m\"], preset = \"AllAtOnce\" }",
        Code::Contradiction,
        "\"AllAtOnce\"",
        "keep one of the two",
    ),
    ("canary = { min_invocations = -1 }", Code::BadValue, "-1", "must be 0 to"),
    ("canary = { min_invocations = \"200\" }", Code::WrongType, "\"200\"", "without quotes"),
    ("canary = { max_extend = 15 }", Code::WrongType, "15", "such as \"15m\""),
    ("canary = { max_extend = \"15\" }", Code::BadValue, "\"15\"", "0s to 48h"),
    ("canary = { max_extend = \"49h\" }", Code::BadValue, "\"49h\"", "0s to 48h"),
    ("canary = { steps = [\"5% 10m\"], approve = \"5%\" }", Code::WrongType, "\"5%\"", "a list in [ ]"),
    ("canary = { steps = [\"5% 10m\"], approve = [\"5\"] }", Code::BadValue, "\"5\"", "such as 5%"),
    (
        "canary = { steps = [\"5% 10m\", \"7% 10m\"], approve = [\"5%\", \"6%\"] }",
        Code::Contradiction,
        "\"6%\"",
        "one of: 5%, 7%",
    ),
    ("gate = { max_error_rate = 5 }", Code::WrongType, "5", "\"5%\", or \"off\""),
    ("gate = { max_error_rate = \"5\" }", Code::BadValue, "\"5\"", "or \"off\""),
    ("gate = { max_error_rate = \"0%\" }", Code::BadValue, "\"0%\"", "above 0%"),
    ("gate = { max_stage_errors = \"100%\" }", Code::BadValue, "\"100%\"", "below 100%"),
    ("gate = { max_error_rate = \"none\" }", Code::BadValue, "\"none\"", "or \"off\""),
    ("gate = { max_error_gap = \"off\" }", Code::BadValue, "\"off\"", "such as 5%"),
    ("gate = { max_error_gap = \"0%\" }", Code::BadValue, "\"0%\"", "0.01% to 99.99%"),
    ("gate = { max_error_gap = \"0.005%\" }", Code::BadValue, "\"0.005%\"", "two decimals"),
    ("gate = { max_slow_ratio = \"1.1\" }", Code::WrongType, "\"1.1\"", "without quotes"),
    ("gate = { max_slow_ratio = 0.99 }", Code::BadValue, "0.99", "1.0 to 10.0"),
    ("gate = { max_slow_ratio = 10.001 }", Code::BadValue, "10.001", "1.0 to 10.0"),
    ("gate = { max_slow_ratio = 1.0001 }", Code::BadValue, "1.0001", "three decimals"),
    ("gate = { max_slow_ratio = nan }", Code::BadValue, "nan", "1.0 to 10.0"),
    ("gate = { max_slow_ratio = inf }", Code::BadValue, "inf", "1.0 to 10.0"),
    ("gate = { false_rollbacks = \"0%\" }", Code::BadValue, "\"0%\"", "0.01% to 20%"),
    ("gate = { false_rollbacks = \"20.01%\" }", Code::BadValue, "\"20.01%\"", "0.01% to 20%"),
    ("gate = { alarms = \"checkout-5xx\" }", Code::WrongType, "\"checkout-5xx\"", "a list of alarm names"),
    ("gate = { alarms = [5] }", Code::WrongType, "5", "an alarm name in quotes"),
    ("gate = { alarms = [\"a\", \"\"] }", Code::BadValue, "\"\"", "1 to 255"),
    ("gate = { alarms = [\"a\", \"b\", \"a\"] }", Code::BadValue, "\"a\"", "remove it"),
    (
        "gate = { alarms = [\"arn:aws:cloudwatch:us-east-1:123456789012:alarm:checkout:5xx\"] }",
        Code::BadValue,
        "\"arn:aws:cloudwatch:us-east-1:123456789012:alarm:checkout:5xx\"",
        "write its name: \"checkout:5xx\"",
    ),
    ("gate = { on_alarm = \"promote\" }", Code::BadValue, "\"promote\"", "one of: rollback, hold"),
    ("gate = { on_inconclusive = \"pass\" }", Code::BadValue, "\"pass\"", "hold, promote, rollback"),
    ("gate = { early = \"yes\" }", Code::WrongType, "\"yes\"", "true or false"),
    ("gate = { no_data = \"hold\" }", Code::UnknownKey, "no_data", "it is called `on_inconclusive`"),
    ("gate = { max_p99_ratio = 1.3 }", Code::UnknownKey, "max_p99_ratio", "it is called `max_slow_ratio`"),
    ("no_data = \"hold\"", Code::UnknownKey, "no_data", "one of: functions"),
    ("on = { gate_failure = \"promote\" }", Code::BadValue, "\"promote\"", "one of: rollback, hold"),
    ("on = { interrupt = \"holt\" }", Code::BadValue, "\"holt\"", "did you mean `hold`?"),
    ("on = { gatefailure = \"hold\" }", Code::UnknownKey, "gatefailure", "did you mean `gate_failure`?"),
    ("smoke = [{ http = \"GET /\", invoke = \"ok.json\" }]", Code::Contradiction, "\"GET /\"", "entry of its own"),
    ("smoke = [{ http = \"/health\" }]", Code::BadValue, "\"/health\"", "must begin with GET"),
    ("smoke = [{ http = \"get /health\" }]", Code::BadValue, "\"get /health\"", "must begin with GET"),
    ("smoke = [{ http = \"FETCH /health\" }]", Code::BadValue, "\"FETCH /health\"", "must begin with GET"),
    ("smoke = [{ http = \"GET\" }]", Code::BadValue, "\"GET\"", "begins with /"),
    ("smoke = [{ http = \"GET health\" }]", Code::BadValue, "\"GET health\"", "begins with /"),
    (
        "smoke = [{ http = \"GET https://api.example.com/\" }]",
        Code::BadValue,
        "\"GET https://api.example.com/\"",
        "begins with /",
    ),
    ("smoke = [{ http = \"GET /a b\" }]", Code::BadValue, "\"GET /a b\"", "without blanks"),
    ("smoke = [{ http = \"GET /a#b\" }]", Code::BadValue, "\"GET /a#b\"", "without blanks"),
    ("smoke = [{ http = \"GET /\", expect = { status = 99 } }]", Code::BadValue, "99", "100 to 599"),
];

fn pointed(problem: &Problem) -> (String, String) {
    let span = problem.span.as_ref().unwrap();
    (span.text.chars().skip(span.column - 1).take(span.width).collect(), span.note.clone())
}

#[test]
fn a_bad_value_is_pointed_at_with_what_to_write() {
    for (line, code, at, write) in BAD {
        let problem = read(line).expect_err(line);
        assert_eq!((problem.code, problem.exit), (*code, Exit::Usage), "{line}");
        let (pointed, note) = pointed(&problem);
        assert_eq!(pointed, *at, "{}", problem.render(88));
        assert!(note.contains(write), "{}", problem.render(88));
    }
}

#[test]
fn a_key_is_named_in_full_and_a_step_by_its_number() {
    let what = |line: &str| read(line).unwrap_err().what;
    assert_eq!(what("gate = { false_rollbacks = \"30%\" }"), "`target.prod.gate.false_rollbacks` is out of range");
    assert_eq!(
        what("canary = { steps = [\"5% 10m\", \"4% 10m\"] }"),
        "step 2 of `target.prod.canary.steps`: 4% is not more than the 5% of the step before"
    );
    let alarms: Vec<String> = (0..101).map(|n| format!("\"a{n}\"")).collect();
    assert_eq!(
        what(&format!("gate = {{ alarms = [{}] }}", alarms.join(","))),
        "`target.prod.gate.alarms` has more than 100 alarms"
    );
    assert_eq!(what(&format!("gate = {{ alarms = [\"{}\"] }}", "a".repeat(256))).split(' ').next_back(), Some("name"));
}

#[test]
fn the_canary_of_a_stage_needs_the_stage_its_variable_and_a_short_alias() {
    let start = "schema = 1\n[target.prod]\nfunctions = [\"f\"]\nalias = \"live\"\n";
    let canary = "canary = { mode = \"stage\", steps = [\"5% 10m\"] }\n";
    let no_stage = read(&format!("{start}{canary}")).unwrap_err();
    assert_eq!((no_stage.code, pointed(&no_stage).0.as_str()), (Code::Contradiction, "\"stage\""));
    let no_variable = read(&format!("{start}stages = [\"a1b2c3d4e5/prod\"]\n{canary}")).unwrap_err();
    assert_eq!((no_variable.code, pointed(&no_variable).0.as_str()), (Code::Contradiction, "\"stage\""));
    assert!(no_variable.why[0].contains("another value"), "{no_variable:?}");
    let of_length = |n: usize| read(&file(canary).replace("\"live\"", &format!("\"{}\"", "a".repeat(n))));
    assert!(of_length(121).is_ok());
    let long = of_length(122).unwrap_err();
    assert_eq!((long.code, pointed(&long).0.len()), (Code::Contradiction, 124));
    let check = read(&format!("{start}smoke = [{{ http = \"GET /\" }}]\n")).unwrap_err();
    assert_eq!((check.code, pointed(&check).0.as_str()), (Code::Contradiction, "\"GET /\""));
}
