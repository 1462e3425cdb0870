//! A rollback that is repeated, was stopped half-way, or took only a part back.

use super::canary::desk as gradual;
use super::*;

impl Desk {
    /// The deployment that the stage serves, and its alias variable.
    fn stage(&self) -> (String, Option<String>) {
        let (api, prod): (ApiId, StageName) = ("a1b2c3d4e5".parse().unwrap(), "prod".parse().unwrap());
        let stage = self.world.look(|account| account.apis[&api].stages[&prod].clone());
        (stage.deployment.clone(), stage.variables.get("lambdaAlias").cloned())
    }

    /// Where a rollback makes its nth call of an operation.
    fn call_of(smooth: &Self, line: &str, operation: Operation) -> usize {
        smooth.world.restart();
        smooth.rollback(line).unwrap();
        smooth.operations().iter().position(|one| *one == operation).unwrap()
    }
}

#[test]
fn the_stable_version_named_while_a_canary_runs_is_its_rollback_and_once_more_changes_nothing() {
    let desk = gradual();
    let before = desk.stage();
    desk.promote("prod --yes --until canary:5%").unwrap();
    assert_ne!(desk.stage(), before);
    assert_eq!(desk.rollback("pets:live --to 1 --yes").unwrap().exit(), Exit::Done);
    let record = desk.record(&pets());
    assert_eq!((record.bad.as_slice(), record.from), ([3].as_slice(), Some(crate::model::Version::Number(3))));
    for _ in 0..2 {
        assert_eq!(desk.rollback("pets:live --to 1 --yes").unwrap().exit(), Exit::Done);
        assert_eq!((desk.serving("pets"), desk.stage()), ("1".into(), before.clone()));
        assert_eq!(desk.record(&pets()), record);
    }
}

#[test]
fn whoever_goes_past_the_stable_version_takes_both_back() {
    let desk = gradual();
    desk.promote("pets:live --yes").unwrap();
    desk.world.edit(|account| account.update_code(&pets(), "four", Behaviour::default(), Duration::ZERO)).unwrap();
    desk.promote("prod --yes --until canary:5%").unwrap();
    assert_eq!(desk.rollback("pets:live --to 1 --yes").unwrap().exit(), Exit::Done);
    assert_eq!((desk.serving("pets"), desk.record(&pets()).bad), ("1".into(), vec![3, 4]));
    assert!(desk.err.text().contains("marked bad: v3, v4"), "{}", desk.err.text());
}

#[test]
fn a_rollback_of_several_functions_that_reached_only_one_is_finished_by_the_same_command() {
    let desk = Desk::new(Shape::Human);
    desk.promote("both --yes").unwrap();
    desk.rollback("pets:live --yes").unwrap();
    assert_eq!((desk.serving("pets"), desk.serving("food")), ("1".into(), "3".into()));
    let end = desk.rollback("both --yes").unwrap();
    assert_eq!((end.exit(), desk.serving("pets"), desk.serving("food")), (Exit::Done, "1".into(), "1".into()));
    assert_eq!(desk.rollback("both --yes").unwrap_err().code, Code::NothingRecorded);
}

#[test]
fn the_stage_follows_aliases_that_went_back_alone() {
    for back in ["prod --stage-only --yes", "pets:live --to 1 --stage-only --yes"] {
        let desk = Desk::new(Shape::Human);
        let before = desk.stage();
        desk.promote("prod --yes").unwrap();
        let released = desk.stage();
        desk.rollback("prod --alias-only --yes").unwrap();
        let told = "a1b2c3d4e5/prod stays; its way back: stagegate rollback prod --stage-only";
        assert!(desk.err.text().contains(told), "{}", desk.err.text());
        assert_eq!((desk.serving("pets"), desk.stage()), ("1".into(), released));
        let refused = desk.rollback("prod --yes").unwrap_err();
        assert!(refused.fix.iter().any(|fix| fix.ends_with("stagegate rollback prod --stage-only")), "{refused:?}");
        assert_eq!(desk.rollback(back).unwrap().exit(), Exit::Done, "{}", desk.err.text());
        assert_eq!((desk.serving("pets"), desk.stage()), ("1".into(), before));
    }
}

#[test]
fn a_finished_first_release_is_not_taken_back_by_its_stage() {
    let desk = Desk::new(Shape::Human);
    desk.world.edit(|account| {
        std::rc::Rc::make_mut(account.functions.get_mut(&pets()).unwrap()).aliases.remove(&live());
    });
    desk.promote("prod --yes").unwrap();
    let released = desk.stage();
    assert_eq!(desk.rollback("prod --stage-only --yes").unwrap_err().code, Code::FirstRelease);
    assert_eq!(desk.stage(), released);
}

#[test]
fn what_could_not_be_sent_is_tried_again_with_the_version_that_was_named() {
    let promoted = || {
        let desk = Desk::new(Shape::Human);
        desk.promote("prod --yes").unwrap();
        desk.world.restart();
        desk
    };
    let at = Desk::call_of(&promoted(), "pets:live --to 2 --yes", Operation::UpdateAlias);
    let desk = promoted();
    (at..at + 40).for_each(|call| desk.world.inject(call, Fault::denied()));
    let end = desk.rollback("pets:live --to 2 --yes").unwrap();
    assert_eq!((end.exit(), desk.serving("pets")), (Exit::InBetween, "3".into()));
    let problem = end.problem.as_ref().unwrap();
    let again = "try again: stagegate rollback pets:live --to 2";
    assert!(problem.fix.iter().any(|fix| fix == again), "{problem:?}");
}

#[test]
fn a_release_that_comes_back_comes_back_with_its_stage_though_the_first_try_died() {
    let undone = || {
        let desk = Desk::new(Shape::Human);
        desk.promote("prod --yes").unwrap();
        let released = desk.stage();
        desk.rollback("prod --yes").unwrap();
        assert_ne!(desk.stage(), released);
        desk.world.restart();
        (desk, released)
    };
    let at = Desk::call_of(&undone().0, "pets:live --to 3 --yes", Operation::UpdateStage);
    let (desk, released) = undone();
    (at..at + 40).for_each(|call| desk.world.inject(call, Fault::denied()));
    let end = desk.rollback("pets:live --to 3 --yes").unwrap();
    assert_eq!((end.exit(), desk.serving("pets")), (Exit::InBetween, "3".into()));
    assert_ne!(desk.stage(), released);
    desk.world.restart();
    assert_eq!(desk.rollback("pets:live --to 3 --yes").unwrap().exit(), Exit::Done, "{}", desk.err.text());
    assert_eq!((desk.serving("pets"), desk.stage()), ("3".into(), released.clone()));
    let record = desk.record(&pets());
    assert_eq!((record.state, record.expires), (crate::model::RecordState::Promoted, None));
    let writes = desk.writes();
    assert_eq!(desk.rollback("pets:live --to 3 --yes").unwrap().exit(), Exit::Done);
    assert_eq!((desk.writes(), desk.stage()), (writes, released), "and then nothing is left to do");
}

#[test]
fn a_release_whose_permission_went_back_does_not_come_back_with_its_stage() {
    let desk = Desk::new(Shape::Human);
    desk.world.edit(|account| {
        let function = std::rc::Rc::make_mut(account.functions.get_mut(&pets()).unwrap());
        function.policies.clear();
    });
    let before = desk.stage();
    desk.promote("prod --yes --until redeploy").unwrap();
    assert!(desk.record(&pets()).granted);
    desk.rollback("prod --yes").unwrap();
    assert_eq!((desk.serving("pets"), desk.stage()), ("1".into(), before.clone()));
    assert_eq!(desk.rollback("pets:live --to 3 --yes").unwrap().exit(), Exit::Done, "{}", desk.err.text());
    assert_eq!((desk.serving("pets"), desk.stage()), ("3".into(), before));
    assert!(desk.err.text().contains("a1b2c3d4e5/prod stays as it is"), "{}", desk.err.text());
    assert!(!desk.record(&pets()).granted);
}
