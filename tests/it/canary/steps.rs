//! The smooth way, both kinds: what traffic gets at every step, and what is left in the end.

use stagegate::event::Event;
use stagegate::model::{CanaryMode, Version};
use stagegate::problem::Exit;
use stagegate::world::Profile;

use super::lab::{clients, hear, lab, split};
use crate::faults::lab::Scenario;

/// Tells what happened, for a test that fails.
fn story(heard: &super::lab::Heard) -> String {
    let line = |(at, event): &(jiff::Timestamp, Event)| format!("{at} {}", serde_json::to_string(event).unwrap());
    heard.0.borrow().iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_good_version_gets_five_twenty_five_fifty_and_all() {
    for mode in [CanaryMode::Alias, CanaryMode::Stage] {
        let mut lab = lab(Scenario::Second, mode);
        let heard = hear(&mut lab);
        lab.world.set_load(clients(&lab, 7, 100.0, &Profile::default()));
        let plan = lab.plan().unwrap();
        assert!(plan.canary.is_some());
        let outcome = lab.promote(&plan).unwrap();
        assert_eq!(outcome.exit, Exit::Done, "{:?}\n{}", outcome.problem, story(&heard));
        assert_eq!(split(&lab), (Version::Number(2), vec![]));
        assert_eq!(lab.violations(), Vec::<String>::new());
        let report = lab.world.load_report();
        println!("{mode:?}: {report:?}");
        assert_eq!(report.unserved, 0);
    }
}

#[test]
fn a_bad_version_is_caught_and_goes_back() {
    for mode in [CanaryMode::Alias, CanaryMode::Stage] {
        let mut lab = lab(Scenario::Second, mode);
        let heard = hear(&mut lab);
        lab.world.set_load(clients(&lab, 7, 20.0, &Profile::failing(0.3)));
        let before = lab.state();
        let plan = lab.plan().unwrap();
        let outcome = lab.promote(&plan).unwrap();
        assert_eq!(outcome.exit, Exit::RolledBack, "{:?}\n{}", outcome.problem, story(&heard));
        assert_eq!(lab.state(), before, "{}", story(&heard));
        println!("{:?}", outcome.problem);
    }
}
