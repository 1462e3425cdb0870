//! Two hundred functions with fifty versions each, within the quotas of the account.

use stagegate::aws::layers::{Pace, Paced, Steady};
use stagegate::aws::noun::Routing;
use stagegate::clock::VirtualClock;
use stagegate::engine::{Interrupt, Settings};
use stagegate::model::{RunId, Version};
use stagegate::world::{Outcome, World};

use super::*;

const FUNCTIONS: usize = 200;
const VERSIONS: u64 = 50;

fn account() -> World {
    let world = World::new(VirtualClock::at("2026-11-21T14:00:00Z".parse().unwrap()));
    let run = RunId::new(1_700_000_000_000, 1);
    for at in 0..FUNCTIONS {
        let function: FunctionName = format!("f{at:03}").parse().unwrap();
        world.edit(|account| {
            account.create_function(&function, "0", Behaviour::default());
            for version in 1..=VERSIONS {
                account.update_code(&function, &version.to_string(), Behaviour::default(), Duration::ZERO).unwrap();
                account.publish(&function, &format!("stagegate {run}")).unwrap();
            }
            account.put_alias(&function, &alias(), VERSIONS, &[]).unwrap();
        });
    }
    world.clock().advance(3 * DAY);
    world
}

#[test]
fn two_hundred_functions_with_fifty_versions_are_cleaned_up_within_the_quotas() {
    let world = account();
    let (clock, started) = (world.clock(), world.clock().now());
    let aws = Steady::new(Paced::new(&world, clock.clone(), Pace::Share), clock.clone(), 7);
    let aliases = (0..FUNCTIONS).map(|at| (format!("f{at:03}").parse().unwrap(), alias())).collect();
    let want = Want { aliases, stage: None, neighbours: Vec::new(), region: "us-east-1".into() };
    let rules = Rules { keep: 10, older_than: DAY, others: false, now: clock.now() };
    let observer = Observer { aws: &aws, clock: &clock, listener: &Silent };
    let observed = gc::observe(&observer, &want, Past::default()).now_or_never().unwrap().unwrap();
    // Two pages of versions and one of aliases for each.
    assert_eq!(world.calls().len(), 3 * FUNCTIONS);
    let read_s = clock.now().duration_since(started).as_secs();
    assert!(read_s < 90, "{read_s} s");
    let sweep = gc::sweep(&observed, &want, &rules);
    assert_eq!(sweep.goes().count(), 40 * FUNCTIONS);

    let (interrupt, journal) = (Interrupt::default(), MemoryJournal::default());
    let engine = Engine::new(&aws, &clock, &Silent, &interrupt, journal, RunId::new(1, 1), Settings::default());
    let swept = gc::delete(&engine, &observed, &want, &rules, &sweep).now_or_never().unwrap();
    assert_eq!((swept.stop, swept.gone.len()), (None, 40 * FUNCTIONS));
    let throttled = world
        .calls()
        .iter()
        .filter(|c| matches!(c.outcome, Outcome::Failed(ref e) if e.code() != Some("ResourceNotFoundException")))
        .count();
    assert_eq!(throttled, 0);
    let left = world.look(|account| account.functions.values().map(|f| f.versions.len()).collect::<Vec<_>>());
    assert_eq!(left, vec![10; FUNCTIONS]);
    println!(
        "{} calls, read in {read_s} s, all in {} s",
        world.calls().len(),
        clock.now().duration_since(started).as_secs()
    );
    let routing: Routing =
        Routing { version: Version::Number(50), weights: Default::default(), description: String::new() };
    assert!(world.look(|account| account.functions.values().all(|f| f.aliases[&alias()].version == routing.version)));
}
