//! Many releases of every kind, end to end: engine, metrics, gate and a modelled AWS, each release with a seed of its
//! own. `STAGEGATE_MANY=1000` says how many of each kind; a plain run draws fewer, with bounds as wide as that makes
//! necessary.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use stagegate::aws::operation::{GetAlias, GetPolicy, GetStage};
use stagegate::clock::Clock;
use stagegate::event::{Event, Listener};
use stagegate::gate::Decision;
use stagegate::model::{CanaryMode, Description, OnInconclusive, RecordState, Version, candidate_alias};
use stagegate::problem::Exit;

use super::kinds::{self, Kind, Must};
use super::lab::{adopt, clients, lab};
use crate::faults::lab::{Lab, Scenario, State, alias, api, prod};

/// How many releases of each kind a plain run draws.
const FEW: usize = 20;

/// How a release ended.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Promoted,
    RolledBack,
    Held,
}

/// One release.
#[derive(Debug, Clone, Copy)]
struct Release {
    end: End,
    /// From the first request that is worse to the decision, minutes.
    detected: f64,
    /// Requests that the old version would have answered, or answered in time.
    hurt: f64,
    /// From the first share to the end, minutes.
    took: f64,
    /// A step was over without proof: with another reaction to that, it may have gone otherwise.
    doubtful: bool,
}

/// What one release tells.
#[derive(Default)]
struct Told {
    /// When each step began and its share.
    steps: Vec<(Timestamp, f64)>,
    back: Option<Timestamp>,
    doubtful: bool,
    last: String,
}

#[derive(Default)]
struct Ear(RefCell<Told>);

impl Listener for Ear {
    fn on(&self, at: Timestamp, event: &Event) {
        let mut told = self.0.borrow_mut();
        match event {
            Event::Gate(look) => {
                if told.steps.len() < look.step {
                    told.steps.push((at - Duration::from_secs(look.elapsed_s), look.percent));
                }
                told.doubtful |= look.elapsed_s + 60 >= look.bake_s && look.decision != Decision::Promote;
                told.last = format!("{} {} {}", look.decision, look.reason, look.sentence);
            }
            Event::RollingBack { .. } => told.back = Some(at),
            _ => {}
        }
    }
}

/// How many pasts the releases of one kind share.
const PASTS: usize = 20;

/// Laboratories from which all releases of one kind and mode start, and what AWS must be after each.
struct Start {
    /// The same account with different traffic in the past, begun at different times.
    labs: Vec<Lab>,
    before: State,
    after: State,
}

impl Start {
    fn of(kind: &Kind, mode: CanaryMode, number: usize, count: usize) -> Self {
        let lab = lab(Scenario::Second, mode);
        let before = lab.state();
        let smooth = Lab::new(Scenario::Second);
        assert_eq!(smooth.promote(&smooth.plan().unwrap()).unwrap().exit, Exit::Done);
        let mut after = smooth.state();
        after.deployment = "new".into();
        let bad = kind.bad.as_ref().unwrap_or(&kind.usual);
        let past = |n: usize| {
            let (lab, seed) = (lab.fork(), (number * PASTS + n) as u64);
            lab.world.clock().advance(Duration::from_secs((chance(seed, 0) * 300.0) as u64));
            lab.world.edit(|account| account.settings.errors_emit_zero = kind.zeros);
            lab.world.set_load(kind.dress(clients(&lab, seed, kind.rps, bad)));
            lab
        };
        Self { labs: (0..PASTS.min(count)).map(past).collect(), before, after }
    }

    fn release(&self, kind: &Kind, seed: u64, on_inconclusive: OnInconclusive) -> Release {
        let mut lab = self.labs[seed as usize % self.labs.len()].fork();
        lab.target.gate.on_inconclusive = on_inconclusive;
        let ear = Rc::new(Ear::default());
        lab.listener = Rc::clone(&ear) as Rc<dyn Listener>;
        lab.world.edit(|account| {
            account.edit_load(|load| {
                load.seed = seed;
                load.outages = kind.outages(chance(seed, 1));
            });
        });
        lab.world.clock().advance(Duration::from_millis((chance(seed, 2) * 60_000.0) as u64));
        let plan = lab.plan().unwrap();
        let outcome = lab.promote(&plan).unwrap();
        let ended = lab.world.clock().now();
        let told = ear.0.take();
        let tell = |what: &str| format!("{} seed {seed}: {what}: {outcome:?} {}", kind.name, told.last);
        let minute = Duration::from_secs(60 - ended.as_second().rem_euclid(60) as u64);
        lab.world.clock().advance(minute);
        let report = lab.world.load_report();
        let end = match outcome.exit {
            Exit::Done => End::Promoted,
            Exit::RolledBack => End::RolledBack,
            Exit::InFlight => End::Held,
            _ => panic!("{}", tell("no end of a canary")),
        };
        match end {
            End::Promoted => self.check(&lab, &self.after, RecordState::Promoted, &tell),
            End::RolledBack => self.check(&lab, &self.before, RecordState::RolledBack, &tell),
            End::Held => {
                check_held(&lab, told.steps.last().map_or(0.0, |(_, percent)| *percent), &tell);
                // Whoever decides against it gets everything back as it was.
                assert_eq!(adopt(&lab, true).unwrap().unwrap().exit, Exit::Done, "{}", tell("undone"));
                self.check(&lab, &self.before, RecordState::RolledBack, &tell);
            }
        }
        if kind.bad.is_none() && end == End::RolledBack {
            println!("{}", tell("a good release was rolled back"));
        }
        let (onset, share) = kind.onset();
        let since = |at: Timestamp, from: Timestamp| at.duration_since(from).as_secs_f64() / 60.0;
        let worse = told.steps.iter().find(|(_, percent)| *percent >= share * 100.0).map(|(at, _)| *at);
        let begun = told.steps.first().map_or(ended, |(at, _)| *at);
        Release {
            end,
            detected: told.back.map_or(f64::NAN, |at| since(at, worse.unwrap_or(begun)) - f64::from(onset)),
            hurt: if kind.is_slow() { report.excess_slow } else { report.excess_failed },
            took: since(ended, begun),
            doubtful: told.doubtful,
        }
    }

    fn check(&self, lab: &Lab, want: &State, record: RecordState, tell: &dyn Fn(&str) -> String) {
        let mut state = lab.state();
        if state.deployment != self.before.deployment {
            state.deployment = "new".into();
        }
        assert_eq!(&state, want, "{}", tell("AWS"));
        assert_eq!(lab.violations(), Vec::<String>::new(), "{}", tell("traffic"));
        let stage = lab.peek(GetStage { api: api(), stage: prod() }).unwrap();
        assert_eq!(stage.canary, None, "{}", tell("the stage's canary"));
        let (function, candidate) = (lab.target.functions[0].clone(), candidate_alias(&alias()).unwrap());
        assert!(
            lab.peek(GetAlias { function: function.clone(), alias: candidate.clone() }).is_err(),
            "{}",
            tell("alias")
        );
        assert!(lab.peek(GetPolicy { function: function.clone(), alias: candidate }).is_err(), "{}", tell("policy"));
        let found = lab.peek(GetAlias { function, alias: alias() }).unwrap();
        let state = Description::parse(&found.description).unwrap().record.unwrap().state;
        assert_eq!(state, record, "{}", tell("record"));
    }
}

/// The candidate has exactly the share of the step at which it is held, and the record says that it waits.
fn check_held(lab: &Lab, percent: f64, tell: &dyn Fn(&str) -> String) {
    let found = lab.peek(GetAlias { function: lab.target.functions[0].clone(), alias: alias() }).unwrap();
    let stage = lab.peek(GetStage { api: api(), stage: prod() }).unwrap();
    let by_stage = stage.canary.map_or(0.0, |canary| canary.percent);
    let by_alias = found.weights.get(&2).map_or(0.0, |weight| weight * 100.0);
    assert_eq!(found.version, Version::Number(1), "{}", tell("held"));
    assert!((by_stage + by_alias - percent).abs() < 1e-9, "{}", tell("held at another share"));
    let state = Description::parse(&found.description).unwrap().record.unwrap().state;
    assert_eq!(state, RecordState::Paused, "{}", tell("record"));
    assert_eq!(lab.violations(), Vec::<String>::new(), "{}", tell("traffic"));
}

/// A number from 0 to 1 that follows from a seed (splitmix64).
fn chance(seed: u64, stream: u64) -> f64 {
    let mut z = seed.wrapping_mul(31).wrapping_add(stream).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// All releases of one kind and mode, held without proof and promoted without it.
struct Row<'a> {
    kind: &'a Kind,
    mode: CanaryMode,
    hold: Vec<Release>,
    promote: Vec<Release>,
}

impl<'a> Row<'a> {
    fn run(kind: &'a Kind, mode: CanaryMode, number: usize, count: usize) -> Self {
        let start = Start::of(kind, mode, number, count);
        let seeds = (0..count).map(|n| (number * 1_000_000 + n) as u64);
        let both = |seed| {
            let hold = start.release(kind, seed, OnInconclusive::Hold);
            let again = || start.release(kind, seed, OnInconclusive::Promote);
            // Where every step was proven in its time, the other reaction had no occasion.
            (hold, if hold.doubtful { again() } else { hold })
        };
        let (hold, promote) = seeds.map(both).unzip();
        Self { kind, mode, hold, promote }
    }

    fn line(&self) -> String {
        let [hold, promote] = [&self.hold, &self.promote];
        let shares = |all: &[Release]| [End::RolledBack, End::Promoted, End::Held].map(|end| percent(all, end));
        let ([back, through, held], [back_p, through_p, held_p]) = (shares(hold), shares(promote));
        let detected = sorted(promote, End::RolledBack, |r| r.detected);
        let took = sorted(promote, End::Promoted, |r| r.took);
        let hurt = promote.iter().map(|r| r.hurt).sum::<f64>() / promote.len() as f64;
        let mode = if self.mode == CanaryMode::Stage { "stage" } else { "alias" };
        let good = self.kind.bad.is_none();
        let minutes = |all: &[f64]| {
            if good || all.is_empty() { "–".into() } else { format!("{:.1} / {:.1}", at(all, 0.5), at(all, 0.95)) }
        };
        let finish =
            if took.is_empty() { "–".into() } else { format!("{:.0} / {:.0}", at(&took, 0.5), at(&took, 0.95)) };
        let hurt = if good { "–".into() } else { format!("{hurt:.1}") };
        format!(
            "| {} {} | {mode} | {back:.1} | {through:.1} | {held:.1} | {back_p:.1} | {through_p:.1} | {held_p:.1} | {} | {hurt} | {finish} |",
            if good { "good" } else { "bad" },
            self.kind.name,
            minutes(&detected),
        )
    }

    /// What this kind does not keep of what it must.
    fn broken(&self) -> Vec<String> {
        let n = self.promote.len();
        let count = |all: &[Release], end| all.iter().filter(|r| r.end == end).count();
        let mut broken = Vec::new();
        let mut must = |kept: bool, what: String| {
            if !kept {
                broken.push(format!("{} ({:?}): {what}", self.kind.name, self.mode));
            }
        };
        match self.kind.must {
            Must::Pass { false_rollbacks } => {
                for (all, how) in [(&self.hold, "hold"), (&self.promote, "promote")] {
                    let back = count(all, End::RolledBack);
                    must(back <= most(n, false_rollbacks / 100.0), format!("{back} of {n} rolled back ({how})"));
                }
            }
            Must::Fail { caught, median, p95 } => {
                let missed = n - count(&self.promote, End::RolledBack);
                must(missed <= most(n, 1.0 - caught / 100.0), format!("{missed} of {n} not rolled back"));
                let detected = sorted(&self.promote, End::RolledBack, |r| r.detected);
                for (share, within) in [(0.5, median), (0.95, p95)] {
                    let late = detected.iter().filter(|minutes| **minutes > within).count();
                    let what = format!("{late} of {} detected after more than {within} min", detected.len());
                    must(late <= most(detected.len(), 1.0 - share), what);
                }
            }
            Must::Spare { promoted } => {
                let through = count(&self.hold, End::Promoted);
                must(through <= most(n, promoted / 100.0), format!("{through} of {n} promoted"));
            }
        }
        broken
    }
}

fn percent(all: &[Release], end: End) -> f64 {
    100.0 * all.iter().filter(|r| r.end == end).count() as f64 / all.len() as f64
}

fn sorted(all: &[Release], end: End, of: impl Fn(&Release) -> f64) -> Vec<f64> {
    let mut values: Vec<f64> = all.iter().filter(|r| r.end == end).map(of).collect();
    values.sort_by(f64::total_cmp);
    values
}

/// A quantile of sorted values, by nearest rank.
fn at(sorted: &[f64], share: f64) -> f64 {
    sorted[((share * sorted.len() as f64).ceil() as usize).clamp(1, sorted.len()) - 1]
}

/// The most of `n` that an event of probability `p` happens to, but for once in ten thousand tests (binomial).
fn most(n: usize, p: f64) -> usize {
    if p >= 1.0 {
        return n;
    }
    let (mut term, mut sum, mut k) = ((1.0 - p).powi(n as i32), 0.0, 0);
    loop {
        sum += term;
        if sum >= 1.0 - 1e-4 || k == n {
            return k;
        }
        term *= (n - k) as f64 / (k + 1) as f64 * p / (1.0 - p);
        k += 1;
    }
}

/// Runs all kinds on every processor, in order.
fn run(kinds: &[Kind], count: usize) -> Vec<Row<'_>> {
    let only = std::env::var("STAGEGATE_MANY_KIND").unwrap_or_default();
    let jobs: Vec<(usize, &Kind, CanaryMode)> = kinds
        .iter()
        .enumerate()
        .filter(|(_, kind)| kind.name.contains(&only))
        .flat_map(|(number, kind)| kind.modes.iter().map(move |mode| (number, kind, *mode)))
        .collect();
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((number, kind, mode)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let row = Row::run(kind, *mode, *number + 1, count);
                    done.lock().unwrap().push((*number, *mode == CanaryMode::Stage, row));
                }
            });
        }
    });
    let mut rows = done.into_inner().unwrap();
    rows.sort_by_key(|(number, by_stage, _)| (*number, *by_stage));
    rows.into_iter().map(|(.., row)| row).collect()
}

#[test]
fn good_releases_go_through_and_bad_ones_go_back() {
    let count = std::env::var("STAGEGATE_MANY").map_or(FEW, |text| text.parse().unwrap());
    let kinds = [kinds::good(), kinds::bad()].concat();
    let rows = run(&kinds, count);
    println!(
        "{count} releases of each kind; rolled back, promoted and held in %, with `on_inconclusive` hold and promote;"
    );
    println!("detection and time to 100 % (promote) in minutes, median / p95; requests hurt on average\n");
    println!("| release | by | back | through | held | back (promote) | through | held | detected | hurt | to 100 % |");
    println!("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    rows.iter().for_each(|row| println!("{}", row.line()));
    let mut broken: Vec<String> = rows.iter().flat_map(Row::broken).collect();
    let strict =
        rows.iter().filter(|row| matches!(row.kind.must, Must::Pass { false_rollbacks } if false_rollbacks < 1.0));
    let good: Vec<Release> = strict.flat_map(|row| row.hold.iter().chain(&row.promote)).copied().collect();
    let back = good.iter().filter(|r| r.end == End::RolledBack).count();
    println!("\nfalse rollbacks, sick sandboxes and 0.1 rps aside: {back} of {} runs", good.len());
    // Runs of one seed are no independent draws: half of them count, with twice the events.
    if back > 2 * most(good.len() / 2, 0.001) {
        broken.push(format!("{back} of {} good releases rolled back", good.len()));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
