//! A second rollback, journals that others have overtaken, and versions that should not be gone back to.

use super::canary::{desk as gradual, summary};
use super::*;
use crate::cli::{flight, history, versions};
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
fn a_rollback_elsewhere_is_not_repeated_further_by_the_journals_here() {
    let desk = Desk::new(Shape::Human);
    desk.promote("pets:live --yes").unwrap();
    desk.releases("pets:live", "four");
    desk.on_another(|| desk.rollback("pets:live --yes").unwrap());
    let again = desk.rollback("pets:live --yes").unwrap_err();
    assert_eq!(
        (again.code, desk.serving("pets"), desk.record(&pets()).bad),
        (Code::NothingRecorded, "3".into(), vec![4])
    );
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

#[test]
fn the_version_on_trial_that_a_person_gives_everything_is_told_and_never_counts_as_proven() {
    let desk = gradual();
    desk.releases("pets:live", "v3 as it is");
    desk.world.edit(|account| account.update_code(&pets(), "v4", Behaviour::default(), Duration::ZERO)).unwrap();
    desk.promote("prod --yes --until canary:5%").unwrap();
    desk.rollback("pets:live --to 4 --yes").unwrap();
    let said = desk.err.text();
    assert!(said.contains("v4 is the version on trial: its gate has not passed it"), "{said}");
    assert_eq!((desk.serving("pets"), desk.split()), ("4".into(), vec![]));
    let screen = status_text::screen(&desk.status("pets:live"), 300);
    assert!(screen.contains("not promoted: given all traffic by hand"), "{screen}");
    assert_eq!(desk.status("prod").unfinished, vec![]);
    assert!(!desk.endings("pets:live")[..2].contains(&Some(Ending::Promoted)), "{:?}", desk.endings("pets:live"));
    assert_eq!(desk.record(&pets()).bad, Vec::<u64>::new(), "nothing speaks against v3");

    let undone = |line: &str| {
        let world = desk.world.fork();
        let other = Desk { world, ..Desk::new(Shape::Human) };
        assert_eq!(other.rollback(line).unwrap().exit(), Exit::Done, "{}", other.err.text());
        assert_eq!((other.serving("pets"), other.record(&pets()).bad), ("3".into(), vec![4]));
        let again = other.rollback("pets:live --yes").unwrap_err();
        assert_eq!((again.code, other.serving("pets")), (Code::NothingRecorded, "3".into()));
        other.rollback("pets:live --to 4 --yes").unwrap();
        assert!(other.err.text().contains("v4 is marked bad"), "{}", other.err.text());
    };
    undone("pets:live --to 3 --yes");
    undone("pets:live --yes");
}

#[test]
fn a_name_that_nothing_here_has_is_no_quiet_target() {
    let desk = Desk::new(Shape::Human);
    let status = |target: &str| {
        status::look(&desk.app, &desk.locate(target), &desk.session()).now_or_never().unwrap().map(|_| ())
    };
    let history = |target: &str| {
        let (located, session) = (desk.locate(target), desk.session());
        history::records(&desk.app, &located, &session).now_or_never().unwrap().map(|_| ())
    };
    for typo in ["petz:live", "pets:lve"] {
        for refused in [status(typo).unwrap_err(), history(typo).unwrap_err()] {
            assert_eq!((refused.code, refused.exit), (Code::AliasMissing, Exit::Usage), "{typo}");
        }
    }
    // The file has it: its first release creates the alias, but nothing creates the function.
    desk.world.edit(|account| {
        Rc::make_mut(account.functions.get_mut(&"food".parse().unwrap()).unwrap()).aliases.remove(&live());
    });
    for target in ["food:live", "both"] {
        status(target).unwrap();
        history(target).unwrap();
    }
    assert!(desk.err.text().contains("no alias yet, the first release creates it: food:live"), "{}", desk.err.text());
    desk.world.edit(|account| account.functions.remove(&"food".parse().unwrap()));
    for refused in [status("both").unwrap_err(), history("both").unwrap_err()] {
        assert_eq!((refused.code, refused.exit), (Code::FunctionMissing, Exit::Usage));
    }
}

#[test]
fn a_way_on_that_would_be_refused_is_not_offered() {
    let desk = gradual();
    desk.promote("prod --yes --until canary:5%").unwrap();
    desk.elsewhere();
    let offers = |place: &str| desk.status(place).next.iter().any(|next| next.starts_with("go on"));
    assert!(offers("prod") && offers("a1b2c3d4e5/prod"));
    assert!(!offers("pets:live"), "two targets of the file have it: neither is meant");
    desk.unconfigured();
    assert!(!offers("pets:live") && !offers("a1b2c3d4e5/prod"));
    for place in ["pets:live", "a1b2c3d4e5/prod"] {
        let end = desk.pause(place).unwrap();
        assert_eq!((summary(&end).resume, summary(&end).rollback), (None, Some(format!("stagegate rollback {place}"))));
    }
    assert!(!desk.err.text().contains("go on: stagegate resume pets:live"), "{}", desk.err.text());
    desk.configured();
    assert_eq!(summary(&desk.pause("prod").unwrap()).resume, Some("stagegate resume prod".into()));

    let desk = Desk::new(Shape::Human);
    desk.promote("both --yes").unwrap();
    desk.rollback("both --yes").unwrap();
    let refused = desk.rollback("both --yes").unwrap_err();
    let each: Vec<&String> = refused.fix.iter().filter(|fix| fix.starts_with("one by one")).collect();
    assert_eq!(each.len(), 2, "{refused:?}");
    assert!(each.iter().all(|fix| fix.ends_with(":live --to N --yes")), "{refused:?}");
}

#[test]
fn a_version_that_the_record_has_forgotten_is_still_known_bad_where_it_was_rolled_back_from() {
    let desk = Desk::new(Shape::Human);
    for code in ["v3", "v4", "v5", "v6"] {
        desk.releases("pets:live", code);
        desk.rollback("pets:live --yes").unwrap();
    }
    assert_eq!(desk.record(&pets()).bad, [6, 5, 4], "the record remembers three");
    let marks = |refused: &Problem| -> Vec<(String, bool)> {
        let commands = refused.fix.iter().filter_map(|fix| fix.split_once("--to ")?.1.split_once(' '));
        commands
            .map(|(number, rest)| (number.to_owned(), rest.contains("bad") || rest.contains("rolled back")))
            .collect()
    };
    let refused = desk.rollback("pets:live --yes").unwrap_err();
    let own = |number: &str, bad| (number.to_owned(), bad);
    let last = [own("6", true), own("5", true), own("4", true), own("3", true)];
    assert_eq!(marks(&refused)[0], own("2", false), "{refused:?}");
    assert_eq!(marks(&refused)[1..], last, "{refused:?}");
    let listed = versions::look(&desk.app, &desk.session(), &pets()).now_or_never().unwrap().unwrap();
    let bad: Vec<String> = listed.versions.iter().filter(|row| row.bad).map(|row| row.version.label()).collect();
    assert_eq!(bad, ["v6", "v5", "v4", "v3"]);
    // Whoever puts it there again has taken the mark away.
    desk.rollback("pets:live --to 3 --yes").unwrap();
    desk.rollback("pets:live --to 2 --yes").unwrap();
    desk.promote("pets:live --yes --function-version 3").unwrap();
    let listed = versions::look(&desk.app, &desk.session(), &pets()).now_or_never().unwrap().unwrap();
    assert!(listed.versions.iter().all(|row| row.version.label() != "v3" || !row.bad));
}
