//! Every fault at every call of the emergency rollback of a finished release, alone and in pairs, with other people
//! taking over when a process dies.

use stagegate::problem::Exit;
use stagegate::world::Fault;

use super::lab::{Lab, Scenario, State};

struct WayBack {
    lab: Lab,
    before: State,
    calls: usize,
}

impl WayBack {
    /// A release that has finished, and what a rollback of it must come to.
    fn of(scenario: Scenario) -> Self {
        let lab = Lab::new(scenario);
        let mut before = lab.state();
        let outcome = lab.promote(&lab.plan().unwrap()).unwrap();
        assert_eq!(outcome.exit, Exit::Done);
        lab.kept.borrow_mut().clear();
        // Grants of a finished release stay (SPEC §3).
        before.statements = lab.state().statements;
        let smooth = lab.fork();
        assert!(smooth.rollback_elsewhere(None).unwrap().unwrap().is_clean());
        assert_eq!(smooth.state(), before);
        let calls = smooth.calls();
        Self { lab, before, calls }
    }

    /// One rollback after the other until one says that it is done; at most four people try.
    fn hurt(&self, faults: [&[(usize, Fault)]; 2]) -> Result<(), String> {
        let lab = self.lab.fork();
        for turn in 0..4 {
            lab.world.restart();
            for (at, fault) in faults.get(turn).copied().unwrap_or_default() {
                lab.world.inject(*at, fault.clone());
            }
            let said = lab.rollback_elsewhere(None);
            let state = lab.state();
            if !lab.violations().is_empty() {
                return Err(format!("{faults:?}: traffic was hurt: {:?}", lab.violations()));
            }
            match said {
                Some(Ok(undone)) if undone.is_clean() && state == self.before => return Ok(()),
                Some(Ok(undone)) if undone.is_clean() => {
                    return Err(format!("{faults:?}: said {undone:?}, AWS is {state:#?}"));
                }
                Some(Err(problem)) if state == self.before && turn > 0 => {
                    // The one before had finished without living to say so.
                    return if problem.fix.is_empty() { Err(format!("{faults:?}: {problem:?}")) } else { Ok(()) };
                }
                _ => {}
            }
        }
        Err(format!("{faults:?}: four rollbacks did not do it: {:#?}", lab.state()))
    }

    fn singles_and_pairs(&self, stride: usize) -> (usize, Vec<String>) {
        let (mut runs, mut failures) = (0, Vec::new());
        for at in 0..self.calls {
            for fault in Fault::every_kind() {
                let first = [(at, fault)];
                runs += 1;
                failures.extend(self.hurt([&first, &[]]).err());
                for (number, second) in Fault::every_kind().into_iter().enumerate() {
                    for later in ((at + number) % stride..self.calls).step_by(stride) {
                        let placed = [(later, second.clone())];
                        runs += 2;
                        failures.extend(self.hurt([&first, &placed]).err());
                        let both = [first[0].clone(), placed[0].clone()];
                        failures.extend(self.hurt([&both, &[]]).err());
                    }
                }
            }
        }
        (runs, failures)
    }
}

fn run(name: &str, scenario: Scenario, stride: usize) {
    let matrix = WayBack::of(scenario);
    let (runs, failures) = matrix.singles_and_pairs(stride);
    println!("{name}: {} calls, {runs} runs, {} failures", matrix.calls, failures.len());
    for failure in failures.iter().take(12) {
        println!("{}", failure.lines().next().unwrap_or_default().chars().take(500).collect::<String>());
    }
    assert!(failures.is_empty(), "{} of {runs} runs failed, the first:\n{}", failures.len(), failures[0]);
}

#[test]
fn every_pair_of_faults_of_the_rollback_of_one_function() {
    run("rollback of one function", Scenario::Second, 1);
}

#[test]
fn pairs_of_faults_of_the_rollback_of_three_functions() {
    run("rollback of three functions", Scenario::Three, 3);
}
