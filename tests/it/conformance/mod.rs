//! The World and an independent emulator, asked the same sequences of calls through the same port, answer the same.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a helper that fails is a test that fails")]

mod compare;
mod deviations;
mod foreign;
mod generate;
mod names;
mod observed;
mod repair;
mod sides;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, thread};

use self::compare::{Answer, Difference, differences, outcome};
use self::deviations::{Context, DEVIATIONS, Deviation, POLICY_OUTLIVES_ALIAS};
use self::generate::{Generator, Seen, Step};
use self::sides::Sides;
use crate::support::announce;
use crate::support::emulator::Emulator;

const SEQUENCES: u64 = 12;
const STEPS: usize = 115;
const THREADS: usize = 4;

/// What a sequence found.
#[derive(Default)]
struct Report {
    /// Operation → answers that were compared.
    compared: BTreeMap<String, usize>,
    /// Deviation → steps in which it occurred.
    deviations: BTreeMap<&'static str, usize>,
    failures: Vec<String>,
}

impl Report {
    fn add(&mut self, other: Self) {
        for (name, count) in other.compared {
            *self.compared.entry(name).or_default() += count;
        }
        for (name, count) in other.deviations {
            *self.deviations.entry(name).or_default() += count;
        }
        self.failures.extend(other.failures);
    }

    fn total(&self) -> usize {
        self.compared.values().sum()
    }
}

/// `STAGEGATE_CONFORMANCE_SEED` runs one sequence alone.
#[test]
fn the_world_and_the_emulator_answer_the_same() {
    let Some(emulator) = Emulator::shared() else { return };
    let only: Option<u64> = env::var("STAGEGATE_CONFORMANCE_SEED").ok().map(|seed| seed.parse().unwrap());
    let seeds: Vec<u64> = only.map_or_else(|| (1..=SEQUENCES).collect(), |seed| vec![seed]);
    let (report, position) = (Mutex::new(Report::default()), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..THREADS.min(seeds.len()) {
            scope.spawn(|| {
                loop {
                    let next = usize::try_from(position.fetch_add(1, Ordering::Relaxed)).unwrap();
                    let Some(seed) = seeds.get(next) else { return };
                    let found = run(emulator, *seed);
                    report.lock().unwrap().add(found);
                }
            });
        }
    });
    let report = report.into_inner().unwrap();
    announce(&summary(&report));
    assert!(report.failures.is_empty(), "{}", report.failures.join("\n\n"));
    let idle = DEVIATIONS.iter().map(|deviation| deviation.name).filter(|name| !report.deviations.contains_key(name));
    let idle: Vec<_> = idle.collect();
    assert!(only.is_some() || idle.is_empty(), "no longer seen, to be taken out of the table: {idle:?}");
}

fn summary(report: &Report) -> String {
    let mut text = format!("conformance: {} answers compared", report.total());
    for (operation, count) in &report.compared {
        let _ = write!(text, "\n  {count:5} {operation}");
    }
    let _ = write!(text, "\nknown deviations, in how many steps:");
    for deviation in DEVIATIONS {
        let count = report.deviations.get(deviation.name).copied().unwrap_or_default();
        let Deviation { name, emulator, aws, .. } = deviation;
        let _ = write!(text, "\n  {count:5} {name}\n          the emulator: {emulator}\n          AWS: {aws}");
    }
    text
}

/// Says which sequence it was when a helper panics in the midst of it.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if thread::panicking() {
            announce(&format!("conformance: the panic was in the sequence with seed {}", self.0));
        }
    }
}

/// Runs one sequence, up to its end or to the first difference that nothing explains.
fn run(emulator: &'static Emulator, seed: u64) -> Report {
    let _named = Named(seed);
    let mut sides = Sides::new(emulator, &format!("conformance-{seed}"));
    let report = follow(&mut sides, seed);
    sides.close();
    report
}

fn follow(sides: &mut Sides, seed: u64) -> Report {
    let mut generator = Generator::new(seed, sides.api.clone());
    let (mut seen, mut report, mut log) = (Seen::default(), Report::default(), Vec::new());
    for number in 0..STEPS {
        let step = generator.next(&seen);
        log.push(format!("{number:3} {step:?}"));
        let call = match step {
            Step::Foreign(change) => {
                sides.change(&change);
                continue;
            }
            Step::Call(call) => call,
        };
        *report.compared.entry(call.operation().to_string()).or_default() += 1;
        let before = sides.world.fork();
        let (world, emulators) = sides.ask(&call);
        let found = differences(&call, &world, &emulators, &mut sides.pairs);
        let context = Context { sides, before: &before, seen: &seen, call: &call, world: &world, emulator: &emulators };
        let (known, unknown) = explain(&context, &found);
        if !unknown.is_empty() {
            report.failures.push(describe(seed, &log, &context, &unknown));
            return report;
        }
        for deviation in known.values() {
            *report.deviations.entry(deviation.name).or_default() += 1;
        }
        sides.pairs.take_over(&found);
        sides.settle(emulators.as_ref().ok());
        if let (Ok(reply), Ok(_)) = (&world, &emulators) {
            seen.note(&call, reply);
            if repair::leftover_policy(sides, &call) {
                *report.deviations.entry(POLICY_OUTLIVES_ALIAS).or_default() += 1;
            }
        }
        match (world.is_ok(), emulators.is_ok(), known.values().find_map(|deviation| deviation.repair)) {
            (true, false, _) => sides.world = before,
            (_, true, Some(repair)) => repair(sides, &call, &emulators),
            (false, true, None) => return report,
            _ => {}
        }
    }
    report
}

/// The deviations that explain differences, by name, and the differences that none explains.
fn explain<'a>(
    context: &Context<'_>,
    found: &'a [Difference],
) -> (BTreeMap<&'static str, &'static Deviation>, Vec<&'a Difference>) {
    let mut known = BTreeMap::new();
    let mut unknown = Vec::new();
    for difference in found {
        match DEVIATIONS.iter().find(|deviation| (deviation.applies)(context, difference)) {
            Some(deviation) => drop(known.insert(deviation.name, deviation)),
            None => unknown.push(difference),
        }
    }
    (known, unknown)
}

fn describe(seed: u64, log: &[String], context: &Context<'_>, unknown: &[&Difference]) -> String {
    let full = |answer: &Answer| format!("{} {answer:?}", outcome(answer));
    let places: BTreeSet<String> = unknown
        .iter()
        .map(|found| format!("  {:?}: the World {}, the emulator {}", found.path, found.world, found.emulator))
        .collect();
    format!(
        "seed {seed}: the World and the emulator differ after\n{}\nin\n{}\nthe World: {}\nthe emulator: {}",
        log.join("\n"),
        places.into_iter().collect::<Vec<_>>().join("\n"),
        full(context.world),
        full(context.emulator),
    )
}
