//! `gc` on the command line: shown first, deleted on request, refused while a release is in flight.

use std::time::Duration;

use futures_util::FutureExt as _;

use super::{Behaviour, Desk, parse, pets};
use crate::aws::Operation;
use crate::cli::args::Command;
use crate::cli::end::End;
use crate::cli::gc;
use crate::engine::Signal;
use crate::model::FunctionName;
use crate::problem::{Code, Exit, Problem};
use crate::report::Shape;
use crate::world::Fault;

const DAY: Duration = Duration::from_secs(86_400);

impl Desk {
    pub(super) fn gc(&self, line: &str) -> Result<End, Problem> {
        let Command::Gc(args) = parse(&format!("gc {line}")) else { panic!("{line}") };
        let located = self.locate(&args.target);
        self.world.reset_count();
        gc::clean_up(&self.app, &located, &self.session(), &args).now_or_never().expect("the process died")
    }

    fn versions(&self, function: &FunctionName) -> Vec<u64> {
        self.world.look(|account| account.functions[function].versions.keys().copied().collect())
    }
}

/// Four releases, a day apart: v3 to v6; v1 and v2 were made by hand.
fn desk(shape: Shape) -> Desk {
    let desk = Desk::new(shape);
    for code in 0..4 {
        desk.world.edit(|account| {
            account.update_code(&pets(), &format!("release {code}"), Behaviour::default(), Duration::ZERO).unwrap();
        });
        assert_eq!(desk.promote("prod --yes").unwrap().exit(), Exit::Done, "{}", desk.err.text());
        desk.world.clock().advance(2 * DAY);
    }
    // The journals of another machine are not here.
    std::fs::remove_dir_all(desk.folder.path().join("state")).unwrap();
    desk
}

#[test]
fn it_shows_first_and_deletes_when_told_to_and_rolls_back_afterwards() {
    let desk = desk(Shape::Human);
    assert_eq!(desk.gc("prod --keep 1").unwrap().exit(), Exit::Done);
    assert_eq!((desk.writes(), desk.versions(&pets()).len()), (0, 6));
    let shown = desk.out.text();
    assert!(shown.contains("To delete: stagegate gc prod --keep 1 --yes"), "{shown}");
    assert!(shown.contains("pets:live is on it") && shown.contains("the way back of pets:live"), "{shown}");
    let end = desk.gc("prod --keep 1 --yes").unwrap();
    assert_eq!(end.exit(), Exit::Done);
    assert_eq!(desk.versions(&pets()), [1, 2, 5, 6]);
    assert!(desk.err.text().contains("✔ deleted: 2 versions"), "{}", desk.err.text());
    assert_eq!(desk.rollback("prod --yes").unwrap().exit(), Exit::Done);
    assert_eq!(desk.serving("pets"), "5");
}

#[test]
fn what_the_journals_here_remember_of_the_last_releases_stays() {
    let desk = Desk::new(Shape::Human);
    for code in 0..4 {
        desk.world.edit(|account| {
            account.update_code(&pets(), &format!("release {code}"), Behaviour::default(), Duration::ZERO).unwrap();
        });
        desk.promote("prod --yes").unwrap();
        desk.world.clock().advance(2 * DAY);
    }
    desk.gc("prod --keep 2 --yes").unwrap();
    assert_eq!(desk.versions(&pets()), [1, 2, 4, 5, 6], "v4 served before the last release but one");
    assert!(desk.out.text().contains("in the journal of r-"), "{}", desk.out.text());
}

#[test]
fn programs_get_a_document_of_what_would_go_and_events_of_what_goes() {
    let looking = desk(Shape::Document);
    looking.gc("prod --keep 1").unwrap();
    let document: serde_json::Value = serde_json::from_str(&looking.out.text()).unwrap();
    assert_eq!((&document["schema"], &document["goes"][0]["version"]), (&"stagegate.gc/1.0".into(), &3.into()));
    assert_eq!(document["command"], "stagegate gc prod --keep 1 --yes");

    let acting = desk(Shape::Events);
    let before = acting.out.text().lines().count();
    acting.gc("prod --keep 1 --yes").unwrap();
    let text = acting.out.text();
    let events: Vec<serde_json::Value> = text.lines().skip(before).map(|l| serde_json::from_str(l).unwrap()).collect();
    let types: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types[..3], ["identity", "sweep", "aws_write"], "{text}");
    assert_eq!(events[1]["sweep"]["goes"][0]["version"], 3);
    assert_eq!((&events[2]["api"], &events[2]["resource"]), (&"lambda:DeleteFunction".into(), &"pets:3".into()));
    let summary = super::canary::summary(&acting.gc("prod --keep 1 --yes").unwrap());
    assert_eq!((summary.result.as_str(), summary.exit_code), ("unchanged", 0));
}

#[test]
fn a_protected_target_needs_its_name_and_the_target_says_how_many_stay() {
    let desk = desk(Shape::Human);
    let config = format!("{}{}", super::CONFIG, super::GUARDED);
    std::fs::write(desk.folder.path().join("stagegate.toml"), &config).unwrap();
    let refused = desk.gc("guarded --yes").unwrap_err();
    assert_eq!((refused.code, desk.writes()), (Code::ConfirmationMissing, 0));
    desk.gc("guarded --keep 1").unwrap();
    assert!(desk.out.text().contains("stagegate gc guarded --keep 1 --confirm guarded"), "{}", desk.out.text());
    let config = config.replace("protected = true\n", "protected = true\n[target.guarded.publish]\nkeep = 3\n");
    std::fs::write(desk.folder.path().join("stagegate.toml"), config).unwrap();
    desk.gc("guarded --confirm guarded").unwrap();
    assert_eq!(desk.versions(&pets()), [1, 2, 4, 5, 6]);
}

#[test]
fn while_a_release_is_in_flight_it_is_refused_whoever_knows_of_it() {
    let desk = desk(Shape::Human);
    desk.world.edit(|account| account.update_code(&pets(), "next", Behaviour::default(), Duration::ZERO)).unwrap();
    desk.promote("prod --yes --until publish").unwrap();
    let refused = desk.gc("prod --keep 1 --yes").unwrap_err();
    assert_eq!((refused.exit, desk.writes()), (Exit::Conflict, 0), "only the journal knows of it");
    assert!(refused.fix.iter().any(|line| line.contains("stagegate resume prod")), "{:?}", refused.fix);
    desk.resume("prod --undo").unwrap();
    desk.promote("prod --yes --until alias").unwrap();
    std::fs::remove_dir_all(desk.folder.path().join("state")).unwrap();
    let refused = desk.gc("prod --keep 1").unwrap_err();
    assert_eq!((refused.code, refused.exit), (Code::LockHeld, Exit::Conflict), "AWS's record says so");
}

#[test]
fn what_ends_it_early_says_what_is_gone_and_how_to_go_on() {
    let one = desk(Shape::Human);
    one.app.interrupt.raise(Signal::Interrupt);
    let end = one.gc("prod --keep 1 --yes").unwrap();
    assert_eq!((end.exit(), one.writes()), (Exit::Interrupted, 0));
    let problem = end.problem.unwrap();
    assert!(problem.aws_now.contains("nothing was deleted"), "{problem:?}");
    assert!(problem.fix.contains(&"go on: stagegate gc prod --keep 1 --yes".to_owned()), "{problem:?}");

    let other = desk(Shape::Human);
    other.gc("prod --keep 1").unwrap();
    let reads = other.operations().len();
    let Command::Gc(args) = parse("gc prod --keep 1 --yes") else { panic!() };
    let located = other.locate("prod");
    other.world.restart();
    // Look, policy, deletion, read-back, policy: then the second deletion.
    other.world.inject(reads + 5, Fault::denied());
    let end = gc::clean_up(&other.app, &located, &other.session(), &args).now_or_never().unwrap().unwrap();
    assert_eq!(other.world.calls()[reads + 5].call.operation(), Operation::DeleteVersion);
    let problem = end.problem.as_ref().unwrap();
    assert_eq!((end.exit(), problem.code), (Exit::Access, Code::AccessDenied));
    assert!(problem.aws_now.starts_with("deleted: pets:3; "), "{problem:?}");
    assert!(problem.fix.contains(&"allow lambda:DeleteFunction to this role or user".to_owned()), "{problem:?}");
}

#[test]
fn a_stage_that_no_target_names_is_cleaned_up_with_the_functions_that_it_calls() {
    let desk = desk(Shape::Human);
    std::fs::remove_file(desk.folder.path().join("stagegate.toml")).unwrap();
    desk.gc("a1b2c3d4e5/prod --keep 1 --yes").unwrap();
    assert_eq!(desk.versions(&pets()), [1, 2, 5, 6]);
    assert_eq!(desk.versions(&"food".parse().unwrap()), [1, 2], "made by hand");
}

#[test]
fn a_function_that_does_not_exist_is_usage_as_for_other_commands() {
    let desk = Desk::new(Shape::Human);
    let missing = desk.gc("nofn:live").unwrap_err();
    assert_eq!((missing.code, missing.exit), (Code::FunctionMissing, Exit::Usage), "{}", missing.render(88));
    assert_eq!(missing.what, "function nofn does not exist here");
    assert!(missing.render(200).contains("aws lambda get-function --function-name nofn"), "{}", missing.render(88));
}
