//! The reference's own numbers, every formula and eight whole rollouts, to 1e-9.

use serde_json::Value;
use stagegate::gate::Settings;
use stagegate::gate::evidence::{Pair, exposure, log_lr, log_lr_slo, log_lr_srm, mixture_log_e, ni_block};
use stagegate::gate::interchange::{Answer, Session};
use stagegate::gate::power::{Power, Traffic};

const VECTORS: &str = include_str!("test_vectors.json");

fn close(mine: f64, expected: f64) -> bool {
    (mine - expected).abs() <= 1e-9 * expected.abs().max(1.0)
}

fn pair(arg: &dyn Fn(&str) -> f64) -> Pair {
    Pair { x_canary: arg("xc"), e_canary: arg("nc"), x_baseline: arg("xb"), e_baseline: arg("nb") }
}

/// The numbers that a formula gives; empty if it says "never".
fn computed(unit: &Value) -> Vec<f64> {
    let args = &unit["args"];
    let arg = |name: &str| args[name].as_f64().unwrap();
    let settings = Settings::default();
    match unit["fn"].as_str().unwrap() {
        "log_lr" => vec![log_lr(&pair(&arg), arg("rho"), arg("theta"))],
        "exposure" => {
            let (canary, baseline) = exposure(arg("nc"), arg("nb"), arg("w"), args["thin"].as_bool().unwrap());
            vec![canary, baseline]
        }
        "log_lr_slo" => vec![log_lr_slo(arg("xc"), arg("nc"), arg("s"), arg("theta"))],
        "log_lr_srm" => vec![log_lr_srm(arg("nc"), arg("nb"), arg("w"), arg("f0"), arg("f"))],
        "ni_block" => vec![ni_block(&pair(&arg), arg("p"), arg("delta"))],
        "mixture_log_e" => {
            let minutes: Vec<Vec<f64>> = serde_json::from_value(args["loglrs"].clone()).unwrap();
            vec![mixture_log_e(&minutes, arg("start_now"), args["horizon"].as_u64().unwrap().try_into().unwrap())]
        }
        "mde" => {
            let traffic = Traffic { rps: arg("rps"), weight: arg("w"), base_rate: arg("pb") };
            Power::of(&settings).smallest_visible(&traffic, arg("minutes")).into_iter().collect()
        }
        "threshold_nats" => vec![Power::of(&settings).threshold_nats()],
        other => panic!("{other}"),
    }
}

fn expected(unit: &Value) -> Vec<f64> {
    match &unit["expect"] {
        Value::Null => vec![],
        Value::Array(all) => all.iter().map(|n| n.as_f64().unwrap()).collect(),
        one => vec![one.as_f64().unwrap()],
    }
}

#[test]
fn every_formula_gives_the_reference_number() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let units = vectors["units"].as_array().unwrap();
    assert_eq!(units.len(), 24);
    for unit in units {
        let (mine, reference) = (computed(unit), expected(unit));
        assert_eq!(mine.len(), reference.len(), "{unit}");
        assert!(mine.iter().zip(&reference).all(|(a, b)| close(*a, *b)), "{unit} gives {mine:?}");
    }
}

#[test]
fn every_tick_of_every_rollout_gives_the_reference_verdict_and_numbers() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let scenarios = vectors["scenarios"].as_array().unwrap();
    assert_eq!(scenarios.len(), 8);
    for scenario in scenarios {
        let mut session = Session::default();
        session.take(&scenario["header"].to_string()).unwrap();
        for tick in scenario["ticks"].as_array().unwrap() {
            let answer = feed(&mut session, tick);
            compare(&answer, &tick["expect"], &format!("{} at {}", scenario["name"], tick["now"]));
        }
    }
}

fn feed(session: &mut Session, tick: &Value) -> Value {
    let mut rows = tick["rows"].as_array().unwrap().clone();
    if rows.is_empty() {
        rows.push(serde_json::json!({"minute": null}));
    }
    let last = rows.len() - 1;
    let mut answer = None;
    for (at, mut row) in rows.into_iter().enumerate() {
        row["now"] = tick["now"].clone();
        row["more"] = (at < last).into();
        answer = session.take(&row.to_string()).unwrap();
    }
    let Some(Answer::Judged(_)) = &answer else { panic!("{answer:?}") };
    serde_json::from_str(&answer.unwrap().line()).unwrap()
}

fn compare(mine: &Value, reference: &Value, at: &str) {
    assert_eq!((&mine["verdict"], &mine["reason"]), (&reference["verdict"], &reference["reason"]), "{at}");
    let same = |mine: &Value, reference: &Value| close(mine.as_f64().unwrap(), reference.as_f64().unwrap());
    for log in ["log_m", "log_slo", "log_srm", "log_n"] {
        assert!(same(&mine[log], &reference[log]), "{at}: {log} is {} and not {}", mine[log], reference[log]);
    }
    let parts = reference["parts"].as_object().unwrap();
    assert_eq!(mine["parts"].as_object().unwrap().len(), parts.len(), "{at}");
    assert!(parts.iter().all(|(name, log)| same(&mine["parts"][name], log)), "{at}: {}", mine["parts"]);
}
