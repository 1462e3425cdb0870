//! A second rollback, journals that others have overtaken, and versions that should not be gone back to.

use super::canary::{desk as gradual, summary};
use super::*;
use crate::cli::{flight, history};
use crate::journal::Ending;

impl Desk {
    /// What another machine does, which has neither the journals of this one nor leaves it its own.
    fn on_another<T>(&self, act: impl FnOnce() -> T) -> T {
        let (state, first) = (self.folder.path().join("state"), self.folder.path().join("first"));
        std::fs::rename(&state, &first).unwrap();
        let done = act();
        std::fs::remove_dir_all(&state).unwrap_or_default();
        std::fs::rename(&first, &state).unwrap();
        done
    }

    /// New code, and a release of it.
    fn releases(&self, target: &str, code: &str) {
        self.world.edit(|account| account.update_code(&pets(), code, Behaviour::default(), Duration::ZERO)).unwrap();
        assert_eq!(self.promote(&format!("{target} --yes")).unwrap().exit(), Exit::Done, "{}", self.err.text());
    }

    /// How the releases of a target ended, newest first, as `history` tells it.
    fn endings(&self, target: &str) -> Vec<Option<Ending>> {
        let (located, session) = (self.locate(target), self.session());
        let seen = history::records(&self.app, &located, &session).now_or_never().unwrap().unwrap();
        let past = serde_json::to_value(history::all(&self.app, &located, Some(&seen))).unwrap();
        let ending = |past: &serde_json::Value| serde_json::from_value(past["ending"].clone()).unwrap();
        past.as_array().unwrap().iter().map(ending).collect()
    }
}

#[test]
fn a_second_rollback_goes_no_further_whatever_this_machine_knows() {
    let desk = Desk::new(Shape::Human);
    desk.promote("pets:live --yes").unwrap();
    desk.releases("pets:live", "four");
    desk.rollback("pets:live --yes").unwrap();
    assert_eq!(desk.serving("pets"), "3");
    let writes = desk.writes();
    for line in ["pets:live --yes", "pets:live --yes --search-history", "pets:live"] {
        let refused = desk.rollback(line).unwrap_err();
        let expected = if line.ends_with("live") { Code::Interrupted } else { Code::NothingRecorded };
        assert_eq!((refused.code, desk.writes()), (expected, writes), "{line}: {refused:?}");
        assert!(!refused.fix.iter().any(|fix| fix.contains("--search-history")), "{refused:?}");
    }
    // Where somebody took the record away, this machine still knows what it did.
    let text = desk.world.look(|account| account.functions[&pets()].aliases[&live()].description.clone());
    desk.world.edit(|account| account.describe_alias(&pets(), &live(), "theirs")).unwrap();
    assert_eq!(desk.rollback("pets:live --yes").unwrap_err().code, Code::NothingRecorded);
    desk.world.edit(|account| account.describe_alias(&pets(), &live(), &text)).unwrap();
    assert_eq!(desk.record(&pets()).bad, [4]);
    assert_eq!(desk.rollback("pets:live --to 1 --yes").unwrap().exit(), Exit::Done);
    assert_eq!(desk.serving("pets"), "1");
}

#[test]
fn a_release_that_was_rolled_back_elsewhere_is_not_unfinished_here() {
    let desk = gradual();
    desk.releases("pets:live", "v3");
    desk.world.edit(|account| account.update_code(&pets(), "v4", Behaviour::default(), Duration::ZERO)).unwrap();
    desk.promote("prod --yes --until canary:5%").unwrap();
    assert_eq!((desk.status("prod").unfinished.len(), desk.endings("prod")[0]), (1, None));
    desk.on_another(|| desk.rollback("prod --yes").unwrap());
    let told = desk.status("prod");
    assert_eq!((told.unfinished, told.next), (vec![], Vec::<String>::new()));
    assert_eq!(desk.endings("prod")[0], Some(Ending::RolledBack));
    let writes = desk.writes();
    assert_eq!(desk.rollback("prod --yes").unwrap_err().code, Code::NothingRecorded);
    let end = desk.resume("prod").unwrap();
    assert_eq!((end.exit(), summary(&end).result.as_str()), (Exit::RolledBack, "rolled-back"));
    assert!(desk.err.text().contains("was rolled back from elsewhere; nothing is left to do"), "{}", desk.err.text());
    assert_eq!(desk.resume("prod").unwrap_err().code, Code::NothingInFlight);
    assert_eq!((desk.writes(), desk.serving("pets")), (writes, "3".into()));
}

#[test]
fn what_a_rollback_elsewhere_has_left_is_named_and_finished() {
    let desk = gradual();
    let before = desk.deployment();
    desk.promote("prod --yes --until canary:5%").unwrap();
    assert_ne!(desk.deployment(), before);
    desk.on_another(|| desk.rollback("prod --alias-only --yes").unwrap());
    let told = desk.status("prod");
    assert_eq!(told.unfinished[0].left, ["stage a1b2c3d4e5/prod"], "{told:?}");
    assert_eq!(told.next, ["finish:  stagegate resume prod --undo"]);
    assert!(status_text::screen(&told, 200).contains("rolled back, still there: stage a1b2c3d4e5/prod"));
    let refused = desk.rollback("prod --yes").unwrap_err();
    assert_eq!(refused.fix[0], "finish that: stagegate resume prod --undo", "{refused:?}");
    assert_eq!(desk.resume("prod").unwrap().exit(), Exit::RolledBack, "{}", desk.err.text());
    assert_eq!((desk.deployment(), desk.serving("pets")), (before, "1".into()));
    assert_eq!(desk.status("prod").unfinished, vec![]);
}

#[test]
fn an_alias_that_is_as_before_its_release_again_was_rolled_back() {
    let desk = gradual();
    desk.promote("prod --yes --until canary:5%").unwrap();
    // That way back leaves no record of the release.
    desk.on_another(|| desk.resume("prod --undo").unwrap());
    assert_eq!(desk.status("prod").unfinished, vec![]);
    assert_eq!(desk.endings("prod")[0], Some(Ending::RolledBack));
    assert_eq!(desk.resume("prod").unwrap().exit(), Exit::RolledBack);
    assert_eq!((desk.serving("pets"), desk.split()), ("1".into(), vec![]));

    let desk = Desk::new(Shape::Human);
    let food: FunctionName = "food".parse().unwrap();
    desk.world.edit(|account| Rc::make_mut(account.functions.get_mut(&food).unwrap()).aliases.remove(&live()));
    desk.promote("food:live --yes --until alias").unwrap();
    assert_eq!(desk.status("food:live").unfinished.len(), 1);
    desk.on_another(|| desk.rollback("food:live --yes").unwrap());
    assert_eq!(desk.status("food:live").unfinished, vec![], "{}", desk.err.text());
}

#[test]
fn a_release_that_has_moved_nothing_yet_is_not_taken_for_one_that_went_back() {
    let desk = gradual();
    desk.promote("prod --yes --until publish").unwrap();
    let (found, _) = desk.app.state.as_ref().unwrap().list();
    let located = desk.locate("prod");
    let look = flight::look(&desk.app, &located, &desk.session()).now_or_never().unwrap().unwrap();
    let stands: Vec<flight::Stand> = look.seen.iter().map(flight::Stand::of).collect();
    assert_eq!(flight::over(&found[0], &stands), None);
    assert_eq!(desk.resume("prod --finish").unwrap().exit(), Exit::Done, "{}", desk.err.text());
}
