//! What `GetMetricData` answers about known traffic.

use std::collections::BTreeSet;

use super::super::load::{Lag, Load, Pace, Profile};
use super::super::tests::{SECOND, api, ask, live, pets, prod, refusal, update, world};
use super::super::{Behaviour, Fault, World};
use super::*;
use crate::aws::operation as op;
use crate::model::Version;

fn query(namespace: &str, metric: &str, dimensions: &[(&str, &str)], stat: &str) -> MetricQuery {
    MetricQuery {
        namespace: namespace.into(),
        metric: metric.into(),
        dimensions: dimensions.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        stat: stat.into(),
        period_s: 60,
    }
}

/// A series of `pets`.
pub(in super::super) fn lambda(metric: &str, more: &[(&str, &str)], stat: &str) -> MetricQuery {
    let dimensions: Vec<_> = [("FunctionName", "pets")].iter().chain(more).copied().collect();
    query("AWS/Lambda", metric, &dimensions, stat)
}

/// A series of the stage `prod`.
pub(in super::super) fn stage_query(metric: &str, stat: &str) -> MetricQuery {
    query("AWS/ApiGateway", metric, &[("ApiName", "pets"), ("Stage", "prod")], stat)
}

pub(in super::super) const ALIAS: (&str, &str) = ("Resource", "pets:live");

/// The points of the last 300 minutes.
pub(in super::super) fn points(world: &World, query: &MetricQuery) -> BTreeMap<Timestamp, f64> {
    let end = world.look(Account::now) + 60 * SECOND;
    let call = GetMetricData { queries: vec![query.clone()], start: end - 300 * 60 * SECOND, end, next: None };
    ask(world, call).unwrap().series.remove(0).points
}

pub(in super::super) fn total(world: &World, query: &MetricQuery) -> f64 {
    points(world, query).values().sum()
}

/// 10 minutes of 10 requests per second, a quarter on version 2.
fn loaded(load: impl FnOnce(Load) -> Load) -> World {
    let world = world();
    update(&world, 1, &[(2, 0.25)]).unwrap();
    world.set_load(load(Load { history_minutes: 0, ..Load::to_alias(7, &pets(), &live(), 10.0) }));
    world.clock().advance(600 * SECOND);
    world
}

#[test]
fn series_have_exactly_the_dimensions_that_lambda_emits() {
    let world = loaded(|load| load);
    let sum = |more: &[(&str, &str)]| total(&world, &lambda("Invocations", more, "Sum"));
    let (one, two) = (sum(&[ALIAS, ("ExecutedVersion", "1")]), sum(&[ALIAS, ("ExecutedVersion", "2")]));
    assert!(one > 0.0 && two > 0.0);
    assert_eq!((sum(&[ALIAS]), sum(&[])), (one + two, one + two));
    assert_eq!(total(&world, &query("AWS/Lambda", "Invocations", &[], "Sum")), one + two);
    for none in [
        vec![("Resource", "pets")],
        vec![("Resource", "pets:2")],
        vec![("Resource", "arn:aws:lambda:us-east-1:123456789012:function:pets:live")],
        vec![("ExecutedVersion", "2")],
        vec![("Resource", "pets:2"), ("ExecutedVersion", "2")],
        vec![ALIAS, ("ExecutedVersion", "3")],
        vec![ALIAS, ("Region", "us-east-1")],
    ] {
        assert_eq!(points(&world, &lambda("Invocations", &none, "Sum")), BTreeMap::new(), "{none:?}");
    }
    assert_eq!(points(&world, &stage_query("Count", "Sum")), BTreeMap::new(), "no stage was asked");
    assert_eq!(total(&world, &lambda("Surprises", &[], "Sum")), 0.0);
}

#[test]
fn errors_are_one_sample_per_invocation_unless_switched_off() {
    let world = loaded(|load| load.version(&pets(), 2, Profile::failing(0.0)));
    let at_two = [ALIAS, ("ExecutedVersion", "2")];
    let series = |metric, stat| points(&world, &lambda(metric, &at_two, stat));
    assert_eq!(series("Errors", "SampleCount"), series("Invocations", "Sum"));
    assert_eq!(series("Errors", "Sum").values().sum::<f64>(), 0.0);
    assert_eq!(series("Errors", "Sum").len(), 10);
    world.edit(|account| account.settings.errors_emit_zero = false);
    assert_eq!(points(&world, &lambda("Errors", &at_two, "Sum")), BTreeMap::new());
}

#[test]
fn a_minute_without_requests_has_no_point() {
    let world = loaded(|load| Load { sources: Vec::new(), ..load });
    assert_eq!(points(&world, &lambda("Invocations", &[], "Sum")), BTreeMap::new());
    assert_eq!(points(&world, &lambda("Errors", &[], "SampleCount")), BTreeMap::new());
}

#[test]
fn executed_version_can_be_missing_without_weights_and_on_throttles() {
    let world = loaded(|load| Load { profile: Profile { throttled: 0.1, ..Profile::default() }, ..load });
    let throttled = |more: &[(&str, &str)]| total(&world, &lambda("Throttles", more, "Sum"));
    assert!(throttled(&[]) > 0.0);
    assert_eq!((throttled(&[ALIAS]), throttled(&[ALIAS, ("ExecutedVersion", "1")])), (throttled(&[]), 0.0));
    world.edit(|account| account.settings.throttles_name_version = true);
    let by_version = ["1", "2"].map(|version| throttled(&[ALIAS, ("ExecutedVersion", version)]));
    assert_eq!(by_version.iter().sum::<f64>(), throttled(&[ALIAS]));
    update(&world, 1, &[]).unwrap();
    let one = lambda("Invocations", &[ALIAS, ("ExecutedVersion", "1")], "Sum");
    let weighted = total(&world, &one);
    world.clock().advance(600 * SECOND);
    assert!(total(&world, &one) > weighted);
    world.edit(|account| account.settings.executed_version_without_weights = false);
    assert_eq!(total(&world, &one), weighted);
}

#[test]
fn slow_requests_are_counted_exactly() {
    let world = loaded(|load| Load { history_minutes: 180, ..load });
    world.clock().advance(60 * SECOND);
    let long = |stat: &str| {
        let query = MetricQuery { period_s: 10_800, ..lambda("Duration", &[ALIAS], stat) };
        points(&world, &query).into_iter().next().unwrap().1
    };
    let (count, p90, p99) = (long("SampleCount"), long("p90"), long("p99"));
    // Medians of log-normal percentiles with the cold starts' tail: exp(mu + z·sigma).
    assert!((220.0..240.0).contains(&p90) && (370.0..410.0).contains(&p99), "{p90} {p99}");
    assert!(long(&format!("TC(:{p99})")) >= 0.99 * count && long(&format!("TC(:{})", p99 - 0.01)) < 0.99 * count);
    assert_eq!(long(&format!("TC(:{p90})")) + long(&format!("TC({p90}:)")), count);
    assert_eq!(long(&format!("PR(:{p90})")), 100.0 * long(&format!("TC(:{p90})")) / count);
    let up_to = |limit: f64| long(&format!("TC(:{limit})"));
    let steps: Vec<f64> = (0..50).map(|step| up_to(f64::from(step) * 20.0)).collect();
    assert!(steps.is_sorted());
    let minutes = total(&world, &lambda("Duration", &[ALIAS], "TC(:300)"));
    assert!(minutes > 0.0 && minutes <= total(&world, &lambda("Invocations", &[ALIAS], "Sum")));
}

#[test]
fn what_is_public_only_grows_and_is_all_there_in_the_end() {
    let late = Lag { missing: 0.5, late_errors: 0.3, late_failures: true, ..Lag::slow() };
    for lag in [Lag::normal(), Lag { missing: 0.5, ..Lag::normal() }, late] {
        let [truth, world] =
            [Lag::none(), lag].map(|lag| loaded(|load| Load { profile: Profile::failing(0.2), lag, ..load }));
        let at_one = [ALIAS, ("ExecutedVersion", "1")];
        let queries = ["Errors", "Invocations", "Duration"].map(|metric| lambda(metric, &at_one, "SampleCount"));
        let (mut before, mut partial, mut apart) = (vec![BTreeMap::new(); 3], 0, 0);
        for minute in 0..44 {
            if minute == 40 {
                for world in [&truth, &world] {
                    world.edit(|account| account.edit_load(|load| load.sources.clear()));
                }
            }
            let now: Vec<_> = queries.iter().map(|query| points(&world, query)).collect();
            let complete: Vec<_> = queries.iter().map(|query| points(&truth, query)).collect();
            for ((before, now), complete) in before.iter().zip(&now).zip(&complete) {
                assert!(before.iter().all(|(minute, count)| now.get(minute) >= Some(count)), "taken back: {lag:?}");
                assert!(now.iter().all(|(minute, count)| complete[minute] >= *count), "made up: {lag:?}");
            }
            partial += usize::from(now != complete);
            apart += usize::from(now[0] != now[1]);
            before = now;
            for world in [&truth, &world] {
                world.clock().advance(60 * SECOND);
            }
        }
        assert_eq!(before, queries.iter().map(|query| points(&truth, query)).collect::<Vec<_>>(), "all in the end");
        assert!(partial > 30 && apart > 30, "late, and every series on its own: {partial} {apart}");
    }
}

#[test]
fn slow_publication_shows_nothing_of_the_newest_minute_and_other_stats_show_the_same_samples() {
    let world = loaded(|load| Load { lag: Lag::slow(), ..load });
    let newest = world.look(Account::now) - 60 * SECOND;
    assert!(!points(&world, &lambda("Invocations", &[ALIAS], "Sum")).contains_key(&newest));
    let world = loaded(|load| Load { lag: Lag { pace: Pace::Normal, ..Lag::none() }, ..load });
    let stat = |stat: &str| points(&world, &lambda("Duration", &[ALIAS], stat))[&newest];
    assert_eq!(stat("TC(:120)") + stat("TC(120:)"), stat("SampleCount"));
}

#[test]
fn two_apis_of_one_name_are_one_series() {
    let world = world();
    let request = |id: &str| {
        let (api, stage) = (id.parse().unwrap(), prod());
        let call = op::InvokeStage { api, stage, method: "GET".into(), path: "/".into(), timeout_s: 5 };
        ask(&world, call).unwrap();
    };
    world.edit(|account| {
        let twin = "twin".parse().unwrap();
        account.create_rest_api(&twin, "pets");
        account.put_route(&twin, "GET", "/", &pets(), "live").unwrap();
        let deployment = account.deploy(&twin, "").unwrap();
        account.create_stage(&twin, &prod(), &deployment, &[]).unwrap();
    });
    request(api().as_str());
    request("twin");
    world.clock().advance(60 * SECOND);
    assert_eq!(total(&world, &stage_query("Count", "Sum")), 2.0);
    assert_eq!(points(&world, &stage_query("5XXError", "Average")).into_values().collect::<Vec<_>>(), [0.5]);
}

#[test]
fn an_invoked_version_is_counted_under_its_number_and_not_under_the_alias() {
    let world = world();
    world.edit(|account| account.version_mut(&pets(), 2).unwrap().behaviour = Behaviour::failing("boom"));
    let call = op::Invoke { function: pets(), version: Version::Number(2), payload: "{}".into(), timeout_s: 5 };
    ask(&world, call).unwrap();
    world.clock().advance(60 * SECOND);
    assert_eq!(total(&world, &lambda("Errors", &[("Resource", "pets:2")], "Sum")), 1.0);
    assert_eq!(total(&world, &lambda("Invocations", &[("Resource", "pets:2"), ("ExecutedVersion", "2")], "Sum")), 0.0);
    assert_eq!(total(&world, &lambda("Invocations", &[ALIAS], "Sum")), 0.0);
}

#[test]
fn calls_are_refused_as_cloudwatch_does() {
    let world = world();
    let start = world.look(Account::now);
    let get = |queries: Vec<MetricQuery>, minutes: u32| {
        ask(&world, GetMetricData { queries, start, end: start + minutes * 60 * SECOND, next: None })
    };
    let errors = lambda("Errors", &[], "Sum");
    assert!(get(vec![errors.clone(); 500], 5).is_ok());
    assert_eq!(refusal(get(vec![errors.clone(); 501], 5)).0, 400);
    assert_eq!(refusal(get(vec![errors.clone()], 0)).0, 400);
    assert_eq!(refusal(get(vec![MetricQuery { period_s: 90, ..errors.clone() }], 5)).0, 400);
    assert_eq!(refusal(get(vec![lambda("Errors", &[], "Median")], 5)).0, 400);
    world.reset_count();
    world.inject(0, Fault::denied());
    assert_eq!(refusal(get(vec![errors.clone()], 5)).1, "AccessDeniedException");
    world.edit(|account| account.settings.metric_failures.insert("Errors".into(), "InternalError".into()));
    let series = get(vec![errors, lambda("Invocations", &[], "Sum")], 5).unwrap().series;
    assert_eq!(series[0].failure.as_deref(), Some("InternalError"));
    assert_eq!(series[1], MetricSeries::default());
}

#[test]
fn points_beyond_a_page_come_on_the_next_one_and_unaligned_times_are_aligned_down() {
    let world = world();
    world.set_load(Load { history_minutes: 300, ..Load::to_alias(3, &pets(), &live(), 1.0) });
    let end = world.look(Account::now) + 59 * SECOND;
    let queries = vec![lambda("Invocations", &[], "Sum"); 400];
    let call = |next| GetMetricData { queries: queries.clone(), start: end - 300 * 60 * SECOND, end, next };
    let first = ask(&world, call(None)).unwrap();
    let second = ask(&world, call(first.next.clone())).unwrap();
    let minutes = |page: &MetricPage, series: usize| page.series[series].points.len();
    assert_eq!((first.series.len(), minutes(&first, 0), minutes(&first, 336)), (400, 300, 0));
    assert_eq!((second.next.clone(), minutes(&second, 335), minutes(&second, 336)), (None, 0, 300));
    let starts: BTreeSet<i64> = first.series[0].points.keys().map(|at| at.as_second().rem_euclid(60)).collect();
    assert_eq!(starts, BTreeSet::from([0]));
}

#[test]
fn minutes_are_kept_for_fifteen_days() {
    let world = world();
    world.set_load(Load { history_minutes: 0, ..Load::to_alias(3, &pets(), &live(), 0.1) });
    let start = world.look(Account::now);
    world.clock().advance(16 * 24 * 3600 * SECOND);
    let query = MetricQuery { period_s: 86_400, ..lambda("Invocations", &[], "SampleCount") };
    let call = GetMetricData { queries: vec![query], start, end: start + 16 * 24 * 3600 * SECOND, next: None };
    let points = ask(&world, call).unwrap().series.remove(0).points;
    assert_eq!((points.len(), points.first_key_value().map(|(at, _)| *at)), (15, Some(start + 86_400 * SECOND)));
}
