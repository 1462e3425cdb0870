//! What `rollback` shows before it asks and where it looks; `status --watch` and `--wait`; `versions`; `logs`.

use super::*;
use crate::cli::target::settings_of_function;
use crate::cli::{history, logs, versions};
use crate::report::{logs_text, versions_text};
use crate::world::Account;

fn fifteen_minutes(desk: &Desk) {
    desk.world.clock().advance(Duration::from_secs(900));
}

impl Desk {
    fn wait(&self, line: &str) -> Result<End, Problem> {
        let Command::Status(args) = parse(&format!("status {line}")) else { panic!("{line}") };
        let (located, session) = (self.locate(&args.target), self.session());
        status::wait::run(&self.app, &located, &session, &args).now_or_never().expect("the process died")
    }

    fn logs(&self, line: &str) -> Result<logs_text::Logs, Problem> {
        let Command::Logs(args) = parse(&format!("logs {line}")) else { panic!("{line}") };
        logs::look(&self.app, &self.locate(&args.target), &self.session(), &args).now_or_never().unwrap()
    }

    fn listed(&self) -> Result<versions_text::Versions, Problem> {
        versions::look(&self.app, &self.session(), &pets()).now_or_never().unwrap()
    }

    /// A rollback that asks, of somebody who does not answer.
    fn asked(&self, line: &str) -> Problem {
        let refused = self.rollback(line).unwrap_err();
        assert!(self.operations().iter().all(|op| op.kind() != crate::aws::Kind::Write), "{:?}", self.operations());
        refused
    }

    fn says(&self, function: &str, text: &str) {
        let function: FunctionName = function.parse().unwrap();
        let description = self.world.look(|account| account.functions[&function].aliases[&live()].description.clone());
        assert!(description.contains(text), "{description}");
    }

    /// Somebody else acts at the nth call from here on.
    fn meanwhile(&self, call: usize, act: impl Fn(&mut Account) + 'static) {
        self.world.restart();
        self.world.inject(call, Fault::intrude(act));
    }

    fn written(&self) -> String {
        self.world.look(|account| account.functions[&pets()].aliases[&live()].description.clone())
    }
}

/// Ids and times of day that differ from run to run, as they are shown.
fn steady(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("r-0") {
        out.push_str(&rest[..at]);
        out.push_str("r-ID");
        rest = &rest[at + 28..];
    }
    out + rest
}

#[test]
fn a_person_sees_what_serves_where_it_goes_and_what_the_stage_loses_and_leaving_changes_nothing() {
    let url = "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/prod/pets";
    for (width, name) in [(88, "rollback_88"), (60, "rollback_60")] {
        let mut desk = Desk::new(Shape::Human);
        desk.promote("prod --yes").unwrap();
        fifteen_minutes(&desk);
        desk.world.restart();
        desk.app.reporter.term.width = width;
        let before = desk.err.text().len();
        let left = desk.asked(url);
        assert_eq!((left.code, left.exit), (Code::Interrupted, Exit::Interrupted));
        assert!(left.what.contains("nothing was changed"), "{left}");
        let shown = desk.err.text()[before..].to_owned();
        let long = shown.lines().find(|line| line.chars().count() > width && !line.contains("https://"));
        assert_eq!(long, None, "{shown}");
        insta::with_settings!({ filters => [(r"(released?|began) [^;]*?, \d+ [a-z]+ ago", "$1 TIME"), (r"deployment \w{6} → \w{6}", "deployment D2 → D1")] }, {
            insta::assert_snapshot!(name, steady(&shown));
        });
    }
}

#[test]
fn after_it_everything_is_told_with_its_time_and_how_to_undo_it() {
    let desk = Desk::new(Shape::Human);
    desk.promote("prod --yes").unwrap();
    desk.world.edit(|account| account.settings.latency = Duration::from_millis(80));
    let before = desk.err.text().len();
    desk.rollback("prod --yes").unwrap();
    let shown = desk.err.text()[before..].to_owned();
    for said in [
        "✔ ROLLED BACK in ",
        "pets:live → v1 (100%)   0.",
        ", read back",
        "v3 is marked bad",
        "undo this: stagegate rollback pets:live --to 3",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    desk.says("pets", "bad=3");
}

#[test]
fn where_nothing_is_recorded_the_list_can_be_run_as_it_is_printed() {
    let desk = Desk::new(Shape::Human);
    let refused = desk.rollback("pets:live --yes").unwrap_err();
    insta::assert_snapshot!("nothing_recorded", refused.render(88));
    // A person is shown the list, and told of the search as well.
    desk.rollback("pets:live").unwrap_err();
    let said = desk.err.text();
    assert!(said.contains("stagegate rollback pets:live --search-history\n"), "{said}");
    let command = refused.fix[0].split("   ").next().unwrap().strip_prefix("stagegate rollback ").unwrap();
    assert_eq!(desk.rollback(command).unwrap().exit(), Exit::Done);
    assert_eq!(desk.serving("pets"), "2");
}

#[test]
fn the_reason_of_a_rollback_is_said_at_once_and_in_the_history() {
    let desk = Desk::new(Shape::Human);
    desk.promote("pets:live --yes").unwrap();
    desk.rollback("pets:live --yes --reason refunds-fail").unwrap();
    assert!(desk.err.text().contains("pets:live: refunds-fail"), "{}", desk.err.text());
    let known = serde_json::to_value(history::journaled(&desk.app, &desk.locate("pets:live"))).unwrap();
    let reasons: Vec<&serde_json::Value> =
        known.as_array().unwrap().iter().filter_map(|past| past.get("reason")).collect();
    assert_eq!(reasons, ["refunds-fail"], "{known:#}");
}

#[test]
fn a_version_that_cannot_serve_is_found_before_anybody_is_asked() {
    let desk = Desk::new(Shape::Human);
    desk.promote("pets:live --yes").unwrap();
    desk.world.edit(|account| account.delete_version(&pets(), 1)).unwrap();
    desk.world.restart();
    let dead = desk.asked("pets:live");
    assert_eq!((dead.code, dead.exit), (Code::RollbackTargetGone, Exit::Usage));
    insta::assert_snapshot!("dead_target", dead.render(88));
    assert_eq!(desk.rollback("pets:live --to 2 --yes").unwrap().exit(), Exit::Done);
    let failed = |build: &mut crate::world::lambda::Build| build.function.state = Some(crate::aws::noun::State::Failed);
    desk.world.edit(|account| failed(account.version_mut(&pets(), 3).unwrap()));
    desk.world.restart();
    assert_eq!(desk.asked("pets:live --to 3").code, Code::RollbackTargetGone);
}

/// The alias is moved by hand: 1, then 2 for a while, then 3 with a trial of it before.
fn moved_by_hand(desk: &Desk) {
    desk.world.edit(|account| account.publish(&pets(), "third")).unwrap();
    for (version, weights) in [(2, &[][..]), (2, &[(3, 0.1)]), (3, &[])] {
        fifteen_minutes(desk);
        desk.world.edit(|account| account.put_alias(&pets(), &live(), version, weights)).unwrap();
    }
}

#[test]
fn decision_past_calls_are_searched_only_on_request_and_only_where_nothing_else_decides() {
    let desk = Desk::new(Shape::Human);
    moved_by_hand(&desk);
    fifteen_minutes(&desk);
    let refused = desk.rollback("pets:live --yes").unwrap_err();
    let offer = refused.fix.iter().find(|fix| fix.contains("--search-history")).unwrap();
    assert!(offer.ends_with("stagegate rollback pets:live --search-history --yes"), "{offer}");
    assert!(!desk.operations().contains(&Operation::LookupEvents));
    let end = desk.rollback("pets:live --search-history --yes").unwrap();
    assert_eq!((end.exit(), desk.serving("pets").as_str()), (Exit::Done, "2"), "{}", desk.err.text());
    assert!(desk.err.text().contains("had all traffic before (CloudTrail)"), "{}", desk.err.text());
    desk.world.restart();
    desk.promote("pets:live --yes --function-version 1").unwrap();
    desk.rollback("pets:live --search-history --yes").unwrap();
    assert_eq!(desk.serving("pets"), "2");
    assert!(!desk.operations().contains(&Operation::LookupEvents), "the record decides");
}

#[test]
fn what_the_search_cannot_see_is_said_and_a_refusal_leaves_the_list() {
    let desk = Desk::new(Shape::Human);
    desk.world.edit(|account| account.put_alias(&pets(), &live(), 2, &[])).unwrap();
    let unseen = desk.rollback("food:live --search-history --yes").unwrap_err();
    assert_eq!(unseen.code, Code::NothingRecorded);
    insta::assert_snapshot!("search_found_nothing", unseen.render(88));
    desk.world.restart();
    desk.world.inject(1, Fault::denied());
    let denied = desk.rollback("pets:live --search-history --yes").unwrap_err();
    assert_eq!((denied.code, denied.exit), (Code::NothingRecorded, Exit::Usage));
    assert!(desk.err.text().contains("allow cloudtrail:LookupEvents on *"), "{}", desk.err.text());
    assert!(denied.fix[0].contains("--to "), "{denied:?}");
}

#[test]
fn decision_a_split_without_a_record_ends_on_its_stable_version_which_is_not_bad() {
    let desk = Desk::new(Shape::Human);
    moved_by_hand(&desk);
    desk.world.edit(|account| account.put_alias(&pets(), &live(), 3, &[(1, 0.1)])).unwrap();
    fifteen_minutes(&desk);
    assert_eq!(desk.rollback("pets:live --search-history --yes").unwrap().exit(), Exit::Done);
    let split = desk.world.look(|account| account.functions[&pets()].aliases[&live()].weights.clone());
    assert_eq!((desk.serving("pets").as_str(), split.len()), ("3", 0));
    assert!(!desk.written().contains("bad="), "{}", desk.written());
    assert!(!desk.operations().contains(&Operation::LookupEvents));
}

#[test]
fn decision_the_search_never_chooses_what_it_was_rolled_back_from_and_the_list_has_it_last() {
    let desk = Desk::new(Shape::Human);
    desk.promote("pets:live --yes").unwrap();
    fifteen_minutes(&desk);
    desk.rollback("pets:live --yes").unwrap();
    let listed = desk.rollback("pets:live --yes").unwrap_err();
    assert_eq!(listed.code, Code::NothingRecorded);
    assert!(listed.fix[0].contains("--to 2 --yes") && !listed.fix[0].contains("marked bad"), "{listed:?}");
    assert!(listed.fix[1].contains("--to 3 --yes") && listed.fix[1].contains("marked bad"), "{listed:?}");
    desk.world.edit(|account| account.describe_alias(&pets(), &live(), "theirs")).unwrap();
    fifteen_minutes(&desk);
    let searched = desk.rollback("pets:live --search-history --yes").unwrap_err();
    assert_eq!((searched.code, desk.serving("pets").as_str()), (Code::NothingRecorded, "1"), "{searched:?}");
}

#[test]
fn the_commands_of_a_list_keep_what_shall_go_back() {
    let desk = Desk::new(Shape::Human);
    for (line, end) in [("pets:live --alias-only", " --alias-only --yes"), ("both --stage-only", " --stage-only --yes")]
    {
        let refused = desk.rollback(&format!("{line} --yes")).unwrap_err();
        assert_eq!(refused.code, Code::NothingRecorded);
        let commands: Vec<&String> = refused.fix.iter().filter(|fix| fix.contains("stagegate rollback")).collect();
        assert_eq!(commands.len(), 2, "{refused:?}");
        assert!(commands.iter().all(|command| command.contains(end)), "{refused:?}");
    }
}

#[test]
fn a_version_that_is_not_moved_does_not_stop_the_rollback_of_the_stage() {
    let desk = Desk::new(Shape::Human);
    desk.promote("prod --yes").unwrap();
    desk.world.edit(|account| account.delete_version(&pets(), 1)).unwrap();
    desk.world.restart();
    assert_eq!(desk.asked("prod --stage-only").code, Code::Interrupted);
    assert!(!desk.operations().contains(&Operation::GetFunction), "{:?}", desk.operations());
}

#[test]
fn what_is_only_shown_neither_stops_nor_delays_the_question() {
    let desk = Desk::new(Shape::Human);
    desk.promote("prod --yes").unwrap();
    desk.world.restart();
    desk.asked("prod");
    let call = |wanted| desk.operations().iter().position(|one| *one == wanted).unwrap();
    let (serving, stage) = (call(Operation::GetFunction), call(Operation::GetStage));
    desk.world.restart();
    desk.world.inject(serving, Fault::denied());
    assert_eq!(desk.asked("prod").code, Code::Interrupted);
    desk.world.restart();
    // The answer never comes.
    desk.world.inject(stage, Fault::CrashBefore);
    let began = desk.world.clock().now();
    assert_eq!(desk.asked("prod").code, Code::Interrupted);
    assert_eq!(desk.world.clock().now(), began + Duration::from_secs(2));
}

#[test]
fn whoever_waits_is_told_by_the_exit_code_how_the_release_ended() {
    let done = |record: &str, word: &str| record.replacen(" paused ", &format!(" {word} "), 1);
    for (version, word, exit, result) in [
        (3, "done", Exit::Done, "promoted"),
        (1, "back", Exit::RolledBack, "rolled-back"),
        (2, "run", Exit::InBetween, "in-between"),
    ] {
        let desk = super::canary::desk();
        desk.promote("prod --yes --until canary:5%").unwrap();
        let text = desk.written();
        // The look has nine calls; the next one begins after it.
        let text = match word {
            "back" => done(&text, word).replace("1>3", "3>1"),
            _ => done(&text, word),
        };
        desk.meanwhile(30, move |account| {
            account.put_alias(&pets(), &live(), version, &[]).unwrap();
            account.describe_alias(&pets(), &live(), &text).unwrap();
        });
        let end = desk.wait("prod --wait --timeout 1h").unwrap();
        assert_eq!(end.exit(), exit, "{word}: {}", desk.out.text());
        let Event::Result(summary) = end.event() else { panic!() };
        assert_eq!(summary.result, result);
    }
}

#[test]
fn a_rollback_that_leaves_no_trace_in_the_record_is_one() {
    let desk = super::canary::desk();
    desk.promote("prod --yes --until canary:5%").unwrap();
    desk.meanwhile(30, |account| {
        account.put_alias(&pets(), &live(), 1, &[]).unwrap();
        account.describe_alias(&pets(), &live(), "as before the release").unwrap();
    });
    assert_eq!(desk.wait("prod --wait").unwrap().exit(), Exit::RolledBack, "{}", desk.out.text());
}

#[test]
fn where_the_old_version_does_not_serve_alone_the_release_was_not_rolled_back() {
    let wiped = |account: &mut Account| account.describe_alias(&pets(), &live(), "wiped").unwrap();
    let deleted = |account: &mut Account| {
        Rc::make_mut(account.functions.get_mut(&pets()).unwrap()).aliases.remove(&live());
    };
    let unreadable = |account: &mut Account| {
        account.put_alias(&pets(), &live(), 1, &[]).unwrap();
        account.describe_alias(&pets(), &live(), "[sg2 x]").unwrap();
    };
    let acts: [fn(&mut Account); 3] = [wiped, deleted, unreadable];
    for (at, act) in acts.into_iter().enumerate() {
        let desk = super::canary::desk();
        desk.promote("prod --yes --until canary:5%").unwrap();
        desk.meanwhile(30, act);
        assert_eq!(desk.wait("prod --wait").unwrap().exit(), Exit::InBetween, "{at}: {}", desk.out.text());
    }
}

#[test]
fn a_later_release_that_went_back_went_back_to_what_it_had_found() {
    let desk = super::canary::desk();
    desk.promote("prod --yes --until canary:5%").unwrap();
    desk.meanwhile(30, |account| {
        account.put_alias(&pets(), &live(), 3, &[]).unwrap();
        account.describe_alias(&pets(), &live(), "[sg1 01ZZZZZZZZZZZZZZZZZZZZZZZZ back 2>3 n=1 bad=2]").unwrap();
    });
    assert_eq!(desk.wait("prod --wait").unwrap().exit(), Exit::Done, "{}", desk.out.text());
}

#[test]
fn a_wait_that_sees_nothing_is_not_told_that_all_is_over() {
    let desk = Desk::new(Shape::Human);
    desk.world.edit(|account| account.describe_alias(&pets(), &live(), "[sg2 x]")).unwrap();
    let newer = desk.wait("prod --wait").unwrap_err();
    assert_eq!((newer.code, newer.exit), (Code::RecordTooNew, Exit::Conflict));
    desk.world.edit(|account| Rc::make_mut(account.functions.get_mut(&pets()).unwrap()).aliases.remove(&live()));
    assert_eq!(desk.wait("prod --wait").unwrap_err().code, Code::AliasMissing);
}

#[test]
fn the_time_of_a_wait_ends_while_looks_fail_too() {
    let desk = super::canary::desk();
    desk.promote("prod --yes --until canary:5%").unwrap();
    desk.world.restart();
    let began = desk.world.clock().now();
    for call in 12..120 {
        desk.world.inject(call, Fault::Throttled);
    }
    let end = desk.wait("prod --wait --timeout 1m").unwrap();
    assert_eq!((end.exit(), desk.world.clock().now()), (Exit::InFlight, began + Duration::from_secs(60)));
}

#[test]
fn a_wait_that_takes_too_long_says_so_and_one_for_nothing_is_over_at_once() {
    let desk = super::canary::desk();
    assert_eq!(desk.wait("prod --wait").unwrap().exit(), Exit::Done);
    desk.promote("prod --yes --until canary:5%").unwrap();
    let began = desk.world.clock().now();
    let end = desk.wait("prod --wait --timeout 10m").unwrap();
    assert_eq!(desk.world.clock().now(), began + Duration::from_secs(600), "to the second");
    assert_eq!((end.exit(), end.problem.as_ref().map(|p| p.code)), (Exit::InFlight, Some(Code::StillInFlight)));
    let unknown = desk.wait("prod --wait --release r-01JD3K7Q4T0000000000000009").unwrap_err();
    assert_eq!((unknown.code, unknown.exit), (Code::NothingInFlight, Exit::Usage));
}

#[test]
fn programs_get_one_document_with_the_end_in_it() {
    let desk = Desk::new(Shape::Document);
    desk.configured();
    desk.world.set_load(crate::world::Load::to_alias(7, &pets(), &live(), 50.0));
    desk.promote("prod --yes --until canary:5%").unwrap();
    let end = desk.wait("prod --wait --timeout 1m").unwrap();
    assert!(end.problem.is_none(), "it would be a second document");
    assert_eq!(end.exit(), Exit::InFlight);
    let document: serde_json::Value = serde_json::from_str(&desk.out.text()).unwrap();
    assert_eq!((&document["schema"], &document["ended"]), (&"stagegate.status/1.0".into(), &"in-flight".into()));
}

#[test]
fn watching_without_redrawing_is_a_line_for_every_change_and_writes_nothing() {
    let desk = super::canary::desk();
    desk.promote("prod --yes --until canary:5%").unwrap();
    let text = desk.written().replacen(" paused ", " done ", 1);
    desk.meanwhile(60, move |account| {
        account.put_alias(&pets(), &live(), 3, &[]).unwrap();
        account.describe_alias(&pets(), &live(), &text).unwrap();
    });
    let end = desk.wait("prod --watch").unwrap();
    assert_eq!(end.exit(), Exit::Done);
    let lines: Vec<String> = desk.out.text().lines().filter(|line| line.contains("Z  ")).map(str::to_owned).collect();
    assert_eq!(lines.len(), 2, "{}", desk.out.text());
    assert!(lines[0].contains("॥ paused at 5%, step 1 of 2; pets:live v1 95% / v3 5%"), "{lines:?}");
    assert!(lines[1].contains("✔ nothing in flight"), "{lines:?}");
    assert!(desk.operations().iter().all(|op| op.kind() == crate::aws::Kind::Read));
}

#[test]
fn a_look_that_fails_for_a_while_does_not_end_the_wait() {
    let desk = super::canary::desk();
    desk.promote("prod --yes --until canary:5%").unwrap();
    desk.world.restart();
    for call in 30..40 {
        desk.world.inject(call, Fault::Throttled);
    }
    assert_eq!(desk.wait("prod --wait --timeout 10m").unwrap().exit(), Exit::InFlight);
    desk.world.restart();
    desk.world.inject(30, Fault::denied());
    assert_eq!(desk.wait("prod --wait --timeout 10m").unwrap_err().code, Code::AccessDenied);
}

#[test]
fn versions_tell_what_serves_and_what_is_bad() {
    let desk = Desk::new(Shape::Human);
    desk.promote("pets:live --yes").unwrap();
    desk.rollback("pets:live --yes").unwrap();
    desk.world.edit(|account| account.put_alias(&pets(), &"beta".parse().unwrap(), 2, &[(1, 0.1)])).unwrap();
    let found = desk.listed().unwrap();
    let told =
        |at: usize| (found.versions[at].version.label(), found.versions[at].bad, found.versions[at].served.len());
    assert_eq!([told(0), told(1), told(2)], [("v3".into(), true, 0), ("v2".into(), false, 1), ("v1".into(), false, 2)]);
    assert!(found.versions[0].release.is_some() && found.versions[1].release.is_none());
    let document = serde_json::to_value(&found).unwrap();
    assert_eq!((&document["schema"], &document["total"]), (&"stagegate.versions/1.0".into(), &3.into()));
    desk.world.edit(|account| account.functions.remove(&pets()));
    assert_eq!(desk.listed().unwrap_err().code, Code::FunctionMissing);
}

#[test]
fn a_function_of_several_targets_lies_where_all_that_say_so_agree() {
    let mut desk = Desk::new(Shape::Human);
    let write = |folder: &std::path::Path, prod: &str, dev: &str| {
        let text = format!(
            "schema = 1\n[target.prod]\nfunctions = [\"pets\"]\nalias = \"live\"\nregion = \"eu-west-1\"\n{prod}\n\
             [target.dev]\nfunctions = [\"pets\"]\nalias = \"dev\"\n{dev}\n"
        );
        std::fs::write(folder.join("stagegate.toml"), text).unwrap();
    };
    let region =
        |desk: &Desk| settings_of_function(&desk.app, &pets()).map(|settings| settings.region.map(|r| r.value));
    write(desk.folder.path(), "account = \"111122223333\"", "region = \"eu-west-1\"");
    assert_eq!(region(&desk).unwrap().as_deref(), Some("eu-west-1"));
    write(desk.folder.path(), "account = \"111122223333\"", "");
    let settings = settings_of_function(&desk.app, &pets()).unwrap();
    assert_eq!(settings.region.unwrap().value, "eu-west-1", "the other says nothing");
    assert_eq!(settings.account.unwrap().value, "111122223333");
    write(desk.folder.path(), "", "region = \"us-east-1\"");
    let apart = region(&desk).unwrap_err();
    assert_eq!((apart.code, apart.exit), (Code::AmbiguousTarget, Exit::Usage));
    insta::assert_snapshot!("several_regions", apart.render(88));
    desk.app.args.region = Some("us-east-1".into());
    assert_eq!(region(&desk).unwrap().as_deref(), Some("us-east-1"), "a flag says which");
}

#[test]
fn the_lines_are_those_of_the_version_that_matters() {
    let desk = Desk::new(Shape::Human);
    let write = |version: u64, text: &'static str| {
        desk.world.edit(|account| account.version_mut(&pets(), version).unwrap().behaviour.log = text.into());
        let version = crate::model::Version::Number(version);
        let call = crate::aws::operation::Invoke { function: pets(), version, payload: "{}".into(), timeout_s: 9 };
        crate::aws::AwsExt::send(&desk.world, call).now_or_never().unwrap().unwrap();
    };
    let missing = desk.logs("prod").unwrap_err();
    assert_eq!((missing.code, missing.exit), (Code::LogMissing, Exit::Failed));
    insta::assert_snapshot!("log_missing", missing.render(88));
    write(1, "one");
    write(2, "two");
    let read = |line: &str| {
        let found = desk.logs(line).unwrap();
        let one = &found.functions[0];
        let text: Vec<String> = one.lines.iter().map(|line| line.message.clone()).filter(|m| m.len() < 6).collect();
        (one.version.clone(), one.why, text)
    };
    assert_eq!(read("prod"), ("1".into(), "it serves", vec!["one".into()]));
    assert_eq!(read("pets:live --version 2"), ("2".into(), "as asked", vec!["two".into()]));
    desk.promote("pets:live --yes").unwrap();
    write(3, "three");
    desk.rollback("pets:live --yes").unwrap();
    assert_eq!(read("prod"), ("3".into(), "it was rolled back from and is marked bad", vec!["three".into()]));
    fifteen_minutes(&desk);
    assert_eq!(read("prod --since 10m").2, Vec::<String>::new());
    assert_eq!(read("prod --since 1h").2, ["three"]);
    assert!(!desk.logs("prod --since 1h --limit 2").unwrap().functions[0].complete);
    assert_eq!(desk.logs("both --version 2").unwrap_err().code, Code::AmbiguousTarget);
    assert!(desk.logs("pets:live --version 9 --since 1h").unwrap().functions[0].lines.is_empty());
    assert!(desk.err.text().contains("v9 of pets does not exist any more"), "{}", desk.err.text());
}

#[test]
fn without_the_permission_the_very_statement_is_named() {
    let desk = Desk::new(Shape::Human);
    desk.world.edit(|account| account.version_mut(&pets(), 1).unwrap().function.log_group = Some("shop".into()));
    desk.world.inject(2, Fault::denied());
    let denied = desk.logs("pets:live").unwrap_err();
    assert_eq!((denied.code, denied.exit), (Code::AccessDenied, Exit::Access));
    assert_eq!(denied.fix, ["allow logs:FilterLogEvents on arn:aws:logs:us-east-1:123456789012:log-group:shop:*"]);
}
