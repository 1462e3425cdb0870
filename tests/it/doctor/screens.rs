//! What `doctor` and `drift` print, at a wide and a narrow terminal, and as documents.

use std::collections::BTreeMap;

use stagegate::aws::noun::{MethodSettings, RoutingMode, StageAnswer, StageCanary};
use stagegate::doctor::drift::Report;
use stagegate::doctor::retest::Retest;
use stagegate::doctor::visit::Checkup;
use stagegate::model::LogLevel;
use stagegate::report::{doctor_text, drift_text};
use stagegate::world::World;

use super::lab::{alias, api, doctor, edit, function, look, name, shop, target};

const README: &str = include_str!("../../../README.md");

/// Everything at once: a domain that leads to the wrong stage, which lacks a route, beside a stage with a stale canary.
fn troubled() -> World {
    let world = shop();
    let orders = function("orders");
    edit(&world, |account| {
        account.put_route(&api(), "POST", "/refunds", &orders, "${stageVariables.lambdaAlias}").unwrap();
        account.create_domain_name("api.example.com", RoutingMode::ApiMappingOnly, false);
        account.map_base_path("api.example.com", "v1", &api(), Some(&name("dev"))).unwrap();
        let trial = account.deploy(&api(), "by hand").unwrap();
        let dev = account.stage_mut(&api(), &name("dev")).unwrap();
        dev.canary = Some(StageCanary {
            deployment: Some(trial),
            percent: 10.0,
            overrides: BTreeMap::new(),
            use_stage_cache: false,
        });
        let prod = account.stage_mut(&api(), &name("prod")).unwrap();
        prod.variables.insert("tableName".into(), "orders".into());
        let logged = MethodSettings { log_level: Some("ERROR".into()), ..MethodSettings::default() };
        prod.settings.methods.insert(MethodSettings::ALL.into(), logged);
        account.put_alias(&orders, &alias("dev"), 2, &[(1, 0.1)]).unwrap();
    });
    world
}

fn checkup() -> Checkup {
    let mut prod = target();
    prod.domains = vec!["api.example.com/v1".into()];
    doctor(&troubled(), "https://api.example.com/v1/refunds", "POST", &[prod])
}

fn retest() -> Retest {
    let mut retest = Retest::default();
    for n in 0..20 {
        let (status, body) = match n {
            3 | 11 => (200, "{\"ok\":true}"),
            _ => (403, "{\"message\":\"Missing Authentication Token\"}"),
        };
        retest.take(Ok(StageAnswer { status, body: body.into(), ..StageAnswer::default() }));
    }
    retest
}

#[test]
fn a_doctors_screen() {
    for width in [88, 60] {
        insta::assert_snapshot!(format!("doctor_{width}"), doctor_text::screen(&checkup(), None, width));
    }
    insta::assert_snapshot!("doctor_retest", doctor_text::screen(&checkup(), Some(&retest()), 88));
    assert!(retest().failed());
}

#[test]
fn a_doctors_document() {
    insta::assert_json_snapshot!("doctor_json", checkup());
}

#[test]
fn the_readme_shows_what_doctor_prints() {
    let screen = doctor_text::screen(&checkup(), None, 88);
    assert!(README.contains(&screen), "the README shows something else than:\n{screen}");
}

fn report() -> Report {
    let world = troubled();
    let (mut prod, mut staging) = (target(), target());
    prod.stage_settings.logging = Some(LogLevel::Info);
    staging.name = Some("staging".into());
    staging.alias = alias("dev");
    staging.stage = Some("a1b2c3d4e5/dev".parse().unwrap());
    let rows = [&staging, &prod].map(|target| look(&world, Some(target), target.stage.as_ref()));
    Report::of(rows.into())
}

#[test]
fn a_table_of_targets() {
    for width in [88, 60] {
        insta::assert_snapshot!(format!("drift_{width}"), drift_text::screen(&report(), width, true));
    }
    insta::assert_json_snapshot!("drift_json", report());
}

#[test]
fn columns_stay_columns_where_symbols_are_spelled_out() {
    let screen = drift_text::screen(&report(), 88, false);
    let lines: Vec<&str> = screen.lines().take(3).collect();
    let at = lines[0].find("permission").unwrap();
    assert!(lines[1..].iter().all(|line| line[at..].starts_with("[ok] ok")), "{screen}");
}

#[test]
fn no_line_is_wider_than_the_terminal_but_for_a_long_word() {
    for width in [40, 60, 88, 200] {
        let screens =
            [doctor_text::screen(&checkup(), Some(&retest()), width), drift_text::screen(&report(), width, true)];
        for line in screens.iter().flat_map(|screen| screen.lines()) {
            let command = [" fix ", " or  ", " --", " \\"].iter().any(|part| line.contains(part));
            let word = line.split_whitespace().map(|word| word.chars().count()).max().unwrap_or(0) + 6 > width;
            assert!(command || word || line.chars().count() <= width, "{width}: {line:?}");
        }
    }
}
