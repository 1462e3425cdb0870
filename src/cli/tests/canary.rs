//! Canaries on the command line: taken up, held, settled, and splits that no release runs.

use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::ToSpan as _;

use super::{Desk, live, parse, pets, promote_args};
use crate::aws::noun::{Routing, StageCanary};
use crate::aws::operation::UpdateAlias;
use crate::aws::{AwsExt as _, Kind, Operation};
use crate::cli::args::Command;
use crate::cli::end::End;
use crate::cli::session::Session;
use crate::cli::target::{Need, locate};
use crate::cli::{canary, pause, promote, release, settle, status};
use crate::clock::VirtualClock;
use crate::event::{Event, Summary};
use crate::model::{ApiId, Description, FunctionName, Record, RecordState, RunId, StageName, Version};
use crate::problem::{Code, Exit, Problem};
use crate::report::{Shape, status_text};
use crate::world::{Fault, Load, World};

const STEPS: &str = "[target.prod.canary]\nmode = \"alias\"\nsteps = [\"5% 10m\", \"25% 10m\"]\n";

/// A desk whose target is shifted in steps, with clients.
pub(super) fn desk() -> Desk {
    let desk = Desk::new(Shape::Human);
    desk.configured();
    desk.world.set_load(Load::to_alias(7, &pets(), &live(), 50.0));
    desk
}

pub(super) fn summary(end: &End) -> Summary {
    let Event::Result(summary) = end.event() else { panic!("no result") };
    *summary
}

impl Desk {
    /// Another machine: without the journals of this one.
    pub(super) fn elsewhere(&self) {
        std::fs::remove_dir_all(self.folder.path().join("state")).unwrap();
    }

    /// Puts the configuration of [`desk`] there.
    pub(super) fn configured(&self) {
        let config = super::CONFIG.replace("[target.both]", &format!("{STEPS}[target.both]"));
        std::fs::write(self.folder.path().join("stagegate.toml"), config).unwrap();
    }

    pub(super) fn unconfigured(&self) {
        std::fs::remove_file(self.folder.path().join("stagegate.toml")).unwrap();
    }

    pub(super) fn record(&self, function: &FunctionName) -> Record {
        let text = self.world.look(|account| account.functions[function].aliases[&live()].description.clone());
        Description::parse(&text).unwrap().record.unwrap()
    }

    pub(super) fn split(&self) -> Vec<(u64, f64)> {
        self.world.look(|account| account.functions[&pets()].aliases[&live()].weights.clone()).into_iter().collect()
    }

    pub(super) fn say_state(&self, word: &str) {
        let record = self.record(&pets());
        let old = if record.state == RecordState::Paused { " paused " } else { " run " };
        let text = record.to_string().replacen(old, &format!(" {word} "), 1);
        self.world.edit(|account| account.describe_alias(&pets(), &live(), &text)).unwrap();
    }

    pub(super) fn status(&self, target: &str) -> status_text::Status {
        status::look(&self.app, &self.locate(target), &self.session()).now_or_never().unwrap().unwrap()
    }

    pub(super) fn pause(&self, target: &str) -> Result<End, Problem> {
        pause::pause(&self.app, &self.locate(target), &self.session()).now_or_never().unwrap()
    }

    pub(super) fn settle(&self, line: &str) -> Result<End, Problem> {
        self.app.acting.set(false);
        let Command::Settle(args) = parse(&format!("settle {line}")) else { panic!("{line}") };
        settle::settle(&self.app, &self.locate(&args.target), &self.session(), &args).now_or_never().unwrap()
    }

    pub(super) fn canary(&self, line: &str) -> Result<End, Problem> {
        let Command::Canary(args) = parse(&format!("canary {line}")) else { panic!("{line}") };
        let (wish, split) = canary::wish(args.command);
        canary::canary(
            &self.app,
            &locate(&self.app, &split.target, Need::Place, None).unwrap(),
            &self.session(),
            &wish,
            &split,
        )
        .now_or_never()
        .unwrap()
    }

    pub(super) fn writes(&self) -> usize {
        self.operations().iter().filter(|op| op.kind() == Kind::Write).count()
    }

    pub(super) fn stage_canary(&self, percent: f64) {
        self.world
            .edit(|account| {
                let (api, prod): (ApiId, StageName) = ("a1b2c3d4e5".parse().unwrap(), "prod".parse().unwrap());
                let deployment = account.deploy(&api, "somebody's trial").unwrap();
                let overrides = [("lambdaAlias".to_owned(), "beta".to_owned())].into();
                let canary = StageCanary { deployment: Some(deployment), percent, overrides, use_stage_cache: false };
                account.put_canary(&api, &prod, Some(canary))
            })
            .unwrap();
    }
}

#[test]
fn a_canary_stops_at_the_share_that_was_asked_for_and_another_machine_finishes_it() {
    let desk = desk();
    let end = desk.promote("prod --yes --until canary:5%").unwrap();
    let said = summary(&end);
    assert_eq!(
        (end.exit(), said.result.as_str(), said.weight),
        (Exit::Done, "paused", Some(5.0)),
        "{}",
        desk.err.text()
    );
    assert_eq!(said.resume.as_deref(), Some("stagegate resume prod"));
    assert_eq!(desk.split(), [(3, 0.05)]);
    desk.elsewhere();
    let end = desk.resume("prod").unwrap();
    let said = summary(&end);
    assert_eq!(
        (end.exit(), said.result.as_str(), said.weight),
        (Exit::Done, "promoted", Some(100.0)),
        "{}",
        desk.err.text()
    );
    assert!(desk.err.text().contains("from its records in AWS"), "{}", desk.err.text());
    assert_eq!(desk.serving("pets"), "3");
    assert_eq!(desk.resume("prod").unwrap_err().code, Code::NothingInFlight);
    assert_eq!(summary(&desk.resume("prod --if-in-flight").unwrap()).result, "unchanged");
}

#[test]
fn a_release_taken_up_elsewhere_is_undone_to_what_was_before() {
    let desk = desk();
    let before = desk.deployment();
    desk.promote("prod --yes --until canary:5%").unwrap();
    desk.elsewhere();
    let end = desk.resume("prod --undo").unwrap();
    assert_eq!((end.exit(), summary(&end).weight), (Exit::Done, Some(0.0)), "{}", desk.err.text());
    assert_eq!((desk.serving("pets"), desk.split(), desk.deployment()), ("1".into(), vec![], before));
}

#[test]
fn a_journal_of_a_release_that_somebody_else_finished_is_closed_and_not_followed() {
    let desk = desk();
    desk.promote("prod --yes --until canary:5%").unwrap();
    let state = desk.folder.path().join("state");
    std::fs::rename(&state, desk.folder.path().join("first")).unwrap();
    desk.resume("prod").unwrap();
    std::fs::remove_dir_all(&state).unwrap();
    std::fs::rename(desk.folder.path().join("first"), &state).unwrap();
    let writes = desk.writes();
    assert_eq!(summary(&desk.resume("prod").unwrap()).result, "unchanged", "{}", desk.err.text());
    assert_eq!(desk.resume("prod").unwrap_err().code, Code::NothingInFlight);
    assert_eq!((desk.writes(), desk.serving("pets")), (writes, "3".into()));
}

#[test]
fn one_look_says_baking_with_exit_8_and_never_goes_past_a_pause() {
    let desk = desk();
    desk.promote("prod --yes --until canary:5%").unwrap();
    let end = desk.resume("prod --once").unwrap();
    assert_eq!((end.exit(), summary(&end).result.as_str()), (Exit::InFlight, "paused"));
    desk.say_state("run");
    desk.elsewhere();
    let end = desk.resume("prod --once").unwrap();
    let said = summary(&end);
    assert_eq!(
        (end.exit(), said.result.as_str(), said.weight),
        (Exit::InFlight, "baking", Some(5.0)),
        "{}",
        desk.err.text()
    );
    assert_eq!(end.problem.as_ref().map(|problem| problem.code), Some(Code::StillBaking));
    assert_eq!(desk.split(), [(3, 0.05)]);
}

#[test]
fn an_alias_alone_needs_its_steps_to_go_on_and_nothing_to_go_back() {
    let line = "pets:live --yes --preset Canary10Percent5Minutes --until canary:10%";
    let desk = Desk::new(Shape::Human);
    desk.promote(line).unwrap();
    desk.elsewhere();
    desk.unconfigured();
    let refused = desk.resume("pets:live").unwrap_err();
    assert_eq!((refused.code, refused.exit), (Code::ScheduleChanged, Exit::Conflict));
    insta::assert_snapshot!(
        "resume_without_steps",
        refused.render(88).replace(&desk.record(&pets()).run.to_string(), "r-RUN")
    );
    let end = desk.resume("pets:live --preset Canary10Percent5Minutes --finish").unwrap();
    assert_eq!(end.exit(), Exit::Done, "{}", desk.err.text());
    assert_eq!(desk.serving("pets"), "3");

    let desk = Desk::new(Shape::Human);
    desk.promote(line).unwrap();
    desk.elsewhere();
    desk.unconfigured();
    assert_eq!(desk.resume("pets:live --undo").unwrap_err().code, Code::ScheduleChanged);
    assert_eq!(desk.rollback("pets:live --yes").unwrap().exit(), Exit::Done, "{}", desk.err.text());
    assert_eq!((desk.serving("pets"), desk.split()), ("1".into(), vec![]));
}

#[test]
fn one_function_of_several_and_an_alias_without_its_stage_are_not_taken_up_alone() {
    let desk = Desk::new(Shape::Human);
    desk.promote("both --yes --preset Canary10Percent5Minutes --until canary:10%").unwrap();
    desk.elsewhere();
    desk.unconfigured();
    let refused = desk.resume("pets:live --preset Canary10Percent5Minutes").unwrap_err();
    assert!(refused.why[0].contains("2 functions together"), "{refused:?}");
    let desk = self::desk();
    desk.promote("prod --yes --until canary:5%").unwrap();
    desk.elsewhere();
    desk.unconfigured();
    let refused = desk.resume("pets:live --preset Canary10Percent5Minutes").unwrap_err();
    assert!(refused.why[0].contains("a1b2c3d4e5/prod"), "{refused:?}");
}

#[test]
fn a_held_canary_says_so_and_finish_goes_all_the_way() {
    let desk = desk();
    desk.world.set_load(Load::to_alias(7, &pets(), &live(), 0.0));
    let end = desk.promote("prod --yes").unwrap();
    let said = summary(&end);
    assert_eq!(
        (end.exit(), said.result.as_str(), said.weight),
        (Exit::InFlight, "held", Some(5.0)),
        "{}",
        desk.err.text()
    );
    let end = desk.resume("prod --finish").unwrap();
    assert_eq!((end.exit(), desk.serving("pets")), (Exit::Done, "3".into()), "{}", desk.err.text());
}

#[test]
fn pause_changes_one_word_and_says_the_same_the_second_time() {
    let desk = desk();
    assert_eq!(desk.pause("prod").unwrap_err().code, Code::NothingInFlight);
    desk.promote("prod --yes --until canary:5%").unwrap();
    desk.say_state("run");
    let before = desk.record(&pets());
    let end = desk.pause("prod").unwrap();
    assert_eq!((end.exit(), summary(&end).result.as_str(), summary(&end).weight), (Exit::Done, "paused", Some(5.0)));
    assert_eq!(desk.record(&pets()), Record { state: RecordState::Paused, ..before });
    let writes = desk.writes();
    assert_eq!(desk.pause("pets:live").unwrap().exit(), Exit::Done);
    assert_eq!((desk.writes(), desk.split()), (writes, vec![(3, 0.05)]));
    assert_eq!(desk.resume("prod").unwrap().exit(), Exit::Done, "{}", desk.err.text());
}

#[test]
fn a_pause_that_loses_a_race_is_decided_again_by_what_is_there_then() {
    let desk = desk();
    desk.promote("prod --yes --until canary:5%").unwrap();
    desk.say_state("run");
    desk.world.reset_count();
    // Between the look and the write somebody changes the share: the pause keeps it.
    let raced = Fault::intrude(|account| {
        let text = account.functions[&pets()].aliases[&live()].description.clone();
        account.put_alias(&pets(), &live(), 1, &[(3, 0.25)]).unwrap();
        account.describe_alias(&pets(), &live(), &text).unwrap();
    });
    desk.world.inject(2, raced);
    assert_eq!(desk.pause("pets:live").unwrap().exit(), Exit::Done, "{}", desk.err.text());
    assert_eq!((desk.record(&pets()).state, desk.split()), (RecordState::Paused, vec![(3, 0.25)]));
}

#[test]
fn a_process_at_work_holds_when_somebody_pauses_its_release() {
    let calls = {
        let desk = desk();
        desk.promote("prod --yes").unwrap();
        let looks: Vec<usize> =
            (0..).zip(desk.operations()).filter(|(_, op)| *op == Operation::GetMetricData).map(|(at, _)| at).collect();
        looks[3]
    };
    let desk = desk();
    desk.world.inject(
        calls + 1,
        Fault::intrude(|account| {
            let text = account.functions[&pets()].aliases[&live()].description.replacen(" run ", " paused ", 1);
            account.describe_alias(&pets(), &live(), &text).unwrap();
        }),
    );
    let end = desk.promote("prod --yes").unwrap();
    assert_eq!((end.exit(), summary(&end).result.as_str()), (Exit::InFlight, "paused"), "{}", desk.err.text());
    assert_eq!((desk.record(&pets()).state, desk.serving("pets")), (RecordState::Paused, "1".into()));
    assert_eq!(desk.resume("prod").unwrap().exit(), Exit::Done, "{}", desk.err.text());
    assert_eq!(desk.serving("pets"), "3");
}

#[test]
fn a_release_that_was_paused_before_any_share_goes_on_and_one_without_a_canary_too() {
    for line in ["prod --yes --until alias", "both --yes --until alias"] {
        let desk = desk();
        let target = line.split(' ').next().unwrap();
        desk.promote(line).unwrap();
        desk.pause(target).unwrap();
        assert_eq!(desk.record(&pets()).state, RecordState::Paused);
        assert_eq!(desk.resume(target).unwrap().exit(), Exit::Done, "{}", desk.err.text());
        assert_eq!(desk.serving("pets"), "3", "{line}");
    }
}

#[test]
fn settle_takes_back_what_a_job_left_without_calling_it_bad_and_is_content_with_nothing() {
    for elsewhere in [false, true] {
        let desk = desk();
        assert_eq!(summary(&desk.settle("prod").unwrap()).result, "unchanged");
        desk.promote("prod --yes --until canary:5%").unwrap();
        let run = desk.record(&pets()).run;
        if elsewhere {
            desk.elsewhere();
        }
        assert_eq!(summary(&desk.settle(&format!("prod --run {}", RunId::new(1, 1))).unwrap()).result, "unchanged");
        let end = desk.settle(&format!("prod --run {run}")).unwrap();
        assert_eq!((end.exit(), summary(&end).result.as_str()), (Exit::Done, "rolled-back"), "{}", desk.err.text());
        assert_eq!((desk.serving("pets"), desk.split()), ("1".into(), vec![]));
        let text = desk.world.look(|account| account.functions[&pets()].aliases[&live()].description.clone());
        assert!(!text.contains("bad="), "{text}");
    }
}

#[test]
fn settle_holds_where_that_is_asked_for_and_needs_no_file_to_go_back() {
    let desk = desk();
    desk.promote("prod --yes --until canary:5%").unwrap();
    desk.say_state("run");
    let end = desk.settle("prod --on-interrupt hold").unwrap();
    assert_eq!((end.exit(), summary(&end).result.as_str()), (Exit::Done, "paused"));
    assert_eq!(desk.record(&pets()).state, RecordState::Paused);
    desk.elsewhere();
    desk.unconfigured();
    assert_eq!(desk.settle("pets:live").unwrap().exit(), Exit::Done, "{}", desk.err.text());
    assert!(desk.err.text().contains("the way back goes by the records alone"), "{}", desk.err.text());
    assert_eq!((desk.serving("pets"), desk.split()), ("1".into(), vec![]));
    assert_eq!(desk.record(&pets()).bad, Vec::<u64>::new(), "a cancelled job says nothing against the version");
}

#[test]
fn weights_that_no_release_runs_are_named_by_the_plan_and_ended_or_changed_by_hand() {
    let desk = Desk::new(Shape::Human);
    desk.world.edit(|account| account.put_alias(&pets(), &live(), 1, &[(2, 0.1)])).unwrap();
    let refused = desk.promote("pets:live --yes").unwrap_err();
    assert_eq!(
        refused.fix,
        ["keep v1: stagegate canary clear pets:live", "keep v2: stagegate canary promote pets:live"]
    );
    assert_eq!(desk.canary("set pets:live 30% --yes").unwrap().exit(), Exit::Done, "{}", desk.err.text());
    assert_eq!(desk.split(), [(2, 0.3)]);
    assert_eq!(desk.canary("clear pets:live").unwrap_err().code, Code::ConfirmationMissing);
    desk.canary("clear prod --yes").unwrap();
    assert_eq!((desk.serving("pets"), desk.split()), ("1".into(), vec![]));
    let again = desk.canary("clear pets:live --yes").unwrap();
    assert_eq!(again.problem.as_ref().map(|problem| problem.code), Some(Code::NoSplit));

    desk.canary("set pets:live 5% --function-version 2 --yes").unwrap();
    assert_eq!(desk.canary("set pets:live 5% --function-version 9 --yes").unwrap_err().code, Code::VersionMissing);
    desk.canary("promote pets:live --yes").unwrap();
    assert_eq!((desk.serving("pets"), desk.split()), ("2".into(), vec![]));
    assert_eq!(desk.rollback("pets:live --yes").unwrap().exit(), Exit::Done, "{}", desk.err.text());
    assert_eq!(desk.serving("pets"), "1", "the way back was recorded");
}

#[test]
fn a_stage_canary_that_no_release_runs_is_removed_or_made_the_stage() {
    let desk = Desk::new(Shape::Human);
    let before = desk.deployment();
    desk.stage_canary(10.0);
    let refused = desk.promote("prod --yes").unwrap_err();
    assert_eq!(refused.code, Code::StaleStageCanary);
    assert!(refused.fix[0].ends_with("stagegate canary clear a1b2c3d4e5/prod"), "{refused:?}");
    desk.canary("set a1b2c3d4e5/prod 25% --yes").unwrap();
    let said = desk.err.text();
    assert!(said.contains("somebody's trial") && said.contains("lambdaAlias = beta, the others live"), "{said}");
    let canary = |desk: &Desk| {
        desk.world
            .look(|account| account.apis.values().flat_map(|api| api.stages.values()).find_map(|s| s.canary.clone()))
    };
    assert_eq!(canary(&desk).map(|canary| canary.percent), Some(25.0));
    desk.canary("clear prod --yes").unwrap();
    assert_eq!((canary(&desk), desk.deployment()), (None, before.clone()));

    desk.stage_canary(10.0);
    desk.canary("promote a1b2c3d4e5/prod --yes").unwrap();
    assert_eq!(canary(&desk), None);
    assert_ne!(desk.deployment(), before);
    let variables = |account: &crate::world::Account| {
        account
            .apis
            .values()
            .flat_map(|api| api.stages.values())
            .map(|stage| stage.variables["lambdaAlias"].clone())
            .collect::<String>()
    };
    assert_eq!(desk.world.look(variables), "beta");
}

#[test]
fn what_a_release_runs_is_left_to_it_at_both_of_its_places() {
    let desk = desk();
    desk.promote("prod --yes --until canary:5%").unwrap();
    let writes = desk.writes();
    for line in ["clear pets:live --yes", "promote prod --yes", "set pets:live 50% --yes"] {
        let refused = desk.canary(line).unwrap_err();
        assert_eq!((refused.code, refused.exit), (Code::ReleaseRuns, Exit::Conflict), "{line}");
    }
    desk.stage_canary(10.0);
    assert_eq!(desk.canary("clear a1b2c3d4e5/prod --yes").unwrap_err().code, Code::ReleaseRuns);
    assert_eq!(desk.writes(), writes);
}

#[test]
fn a_release_that_outlives_its_credentials_is_refused_before_the_first_write() {
    let desk = desk();
    let promote = |line: &str, minutes: i64, renewable: bool| {
        let args = promote_args(line);
        let located = desk.locate(&args.source.target);
        let target = release::target(&desk.app, &located, &args.canary).unwrap();
        let expires = Some(crate::clock::Clock::now(&desk.world.clock()) + minutes.minutes());
        let session: Session<&World, VirtualClock> = Session { expires, renewable, ..desk.session() };
        promote::promote(&desk.app, &located, &session, &target, None, &args).now_or_never().unwrap()
    };
    let refused = promote("prod --yes", 20, false).unwrap_err();
    assert_eq!((refused.code, refused.exit, desk.writes()), (Code::ShortCredentials, Exit::Access, 0));
    insta::assert_snapshot!("short_credentials", refused.render(88));
    assert!(refused.fix[0].ends_with("--until canary:25%"), "the furthest share that 20 minutes are enough for");
    assert_eq!(promote("prod --yes --until canary:5%", 20, false).unwrap().exit(), Exit::Done, "{}", desk.err.text());
    assert!(desk.rollback("prod --yes").is_ok(), "a rollback never asks how long they last");
    let few = promote("prod --yes --function-version 3", 2, false).unwrap_err();
    assert!(!few.fix.iter().any(|fix| fix.contains("split the bake")), "{few:?}");
    assert_eq!(promote("prod --yes --function-version 3", 2, true).unwrap().exit(), Exit::Done, "{}", desk.err.text());
}

#[test]
fn a_share_that_is_none_of_the_steps_and_one_that_lies_behind_are_refused() {
    let desk = desk();
    let refused = desk.promote("prod --yes --until canary:10%").unwrap_err();
    assert_eq!((refused.code, refused.exit, desk.writes()), (Code::BadOption, Exit::Usage, 0));
    desk.promote("prod --yes --until canary:25%").unwrap();
    assert_eq!(desk.split(), [(3, 0.25)], "{}", desk.err.text());
    assert!(desk.resume("prod --until canary:5%").unwrap_err().what.contains("at 25% already"));
    assert_eq!(desk.resume("prod --until canary").unwrap().exit(), Exit::Done, "{}", desk.err.text());
    assert_eq!(desk.split(), [(3, 0.25)], "all steps are over, and nothing is promoted");
}

#[test]
fn status_says_where_the_canary_is_and_whose_a_split_is() {
    let desk = desk();
    let look = |target: &str| status_text::screen(&desk.status(target), 88);
    desk.promote("prod --yes --until canary:5%").unwrap();
    let shown = look("prod");
    assert!(shown.contains("paused at 5%, step 1 of 2"), "{shown}");
    assert!(shown.contains("stagegate resume prod") && !shown.contains("canary clear"), "{shown}");
    desk.rollback("prod --yes").unwrap();
    desk.world.edit(|account| account.put_alias(&pets(), &live(), 1, &[(2, 0.1)])).unwrap();
    desk.stage_canary(10.0);
    let shown = look("prod").split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        "no release of stagegate runs that",
        "canary clear pets:live",
        "a canary that no release runs: 10%",
        "canary clear a1b2c3d4e5/prod",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
}

#[test]
fn capacity_that_moves_is_not_ended_by_hand() {
    let desk = Desk::new(Shape::Human);
    desk.world.edit(|account| account.provision(&pets(), &live(), Duration::from_secs(3600), None)).unwrap();
    let (version, weights, description) = (Version::Number(2), Default::default(), String::new());
    let revision = desk.world.look(|account| account.functions[&pets()].aliases[&live()].revision.clone());
    let routing = Routing { version, weights, description };
    let moved = UpdateAlias { function: pets(), alias: live(), routing, revision };
    desk.world.send(moved).now_or_never().unwrap().unwrap();
    assert_eq!(desk.split(), [(1, 1.0)], "AWS is on the way");
    let refused = desk.canary("clear pets:live --yes").unwrap_err();
    assert_eq!((refused.code, refused.exit), (Code::ProvisionedFailed, Exit::Conflict));
    assert!(refused.what.contains("is no canary"), "{refused}");
    let found = desk.status("pets:live");
    let shown = status_text::screen(&found, 88);
    assert!(shown.contains("that is no canary") && !shown.contains("canary clear"), "{shown}");
}
