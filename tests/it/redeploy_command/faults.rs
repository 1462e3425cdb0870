//! Every fault at every call: the stage serves one of the two deployments, and whoever asked knows which.

use stagegate::problem::Exit;
use stagegate::world::Fault;

use super::lab::Lab;

#[test]
fn every_fault_at_every_call_ends_where_it_says() {
    let mut runs = 0;
    for http in [false, true] {
        let lab = Lab::new(http);
        let calls = {
            let probe = lab.fork();
            probe.redeploy(None).unwrap().unwrap();
            probe.world.calls().len()
        };
        for at in 0..calls {
            for fault in Fault::every_kind() {
                one(&lab.fork(), at, &fault);
                runs += 1;
            }
        }
    }
    println!("{runs} redeploys, each with one fault");
}

fn one(lab: &Lab, at: usize, fault: &Fault) {
    let before = lab.serves();
    lab.world.inject(at, fault.clone());
    let end = lab.redeploy(None);
    let (serves, what) = (lab.serves(), format!("{fault:?} at call {at}: {end:?}"));
    match &end {
        Some(Ok(Some(id))) => assert_eq!(&serves, id, "{what}"),
        Some(Ok(None)) => panic!("there was something to do: {what}"),
        Some(Err(problem)) => match problem.exit {
            Exit::InBetween => assert!(problem.aws_now.contains("could not be read back"), "{what}"),
            exit => {
                assert_eq!(serves, before, "{what}");
                assert_eq!(exit == Exit::RolledBack, lab.deployments() > 0, "{what}");
            }
        },
        // The process died: the stage serves what it did, or the whole of what was shown.
        None => assert!(serves == before || lab.posts(), "{what}"),
    }
    assert_eq!(lab.world.violations(), [""; 0], "{what}");
    assert!(lab.deployments() <= 1, "a deployment is not made twice: {what}");
    lab.world.restart();
    lab.redeploy(None).unwrap().unwrap();
    assert!(lab.posts(), "repeating the command brings the stage there: {what}");
    assert_eq!(lab.world.violations(), [""; 0], "{what}");
}
