//! What a GitHub job gets: its log, its outputs and its summary, from the same commands.

use std::path::PathBuf;
use std::time::Duration;

use jiff::{Timestamp, ToSpan as _};

use super::canary::{desk, summary};
use super::{Desk, Kept};
use crate::aws::Kind;
use crate::cli::end::End;
use crate::cli::job;
use crate::clock::Clock as _;
use crate::github::WorkflowRun;
use crate::model::{Record, RecordState};
use crate::problem::{Code, Exit, Problem};
use crate::report::github::{Job, OUTPUTS, When, Wishes};
use crate::report::{Loudness, Reporter, Shape, Term};
use crate::world::{Fault, Load, Profile};

use super::{live, pets};

impl Desk {
    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same desk in a job.
    fn in_a_job(self) -> Self {
        self.in_a_job_with(Shape::Human, Loudness::Normal)
    }

    fn in_a_job_with(self, shape: Shape, loudness: Loudness) -> Self {
        self.in_a_job_of(shape, loudness, When::Always)
    }

    fn in_a_job_that_wants(self, summary: When) -> Self {
        self.in_a_job_of(Shape::Human, Loudness::Normal, summary)
    }

    fn in_a_job_of(mut self, shape: Shape, loudness: Loudness, summary: When) -> Self {
        let wishes = Wishes {
            title: "promote prod".into(),
            summary,
            annotations: true,
            output: Some(self.file("output")),
            summary_file: Some(self.file("summary")),
            events_file: Some(self.file("events")),
            run: Some(WorkflowRun {
                server: "https://github.com".into(),
                repository: "example/shop".into(),
                id: "9912".into(),
                actor: Some("dana".into()),
                ..WorkflowRun::default()
            }),
            delimiter: "unforeseen".into(),
            ..Wishes::default()
        };
        let term = Term { runner: true, ..self.app.reporter.term };
        let (out, err) = (Kept::default(), Kept::default());
        let reporter = Reporter::to(term, shape, loudness, Box::new(out.clone()), Box::new(err.clone()));
        let events = Box::new(std::fs::File::create(self.file("events")).unwrap());
        self.app.reporter = reporter.copying_to(events).for_job(Job::new(wishes));
        (self.out, self.err) = (out, err);
        self
    }

    /// Ends the job as the program does.
    fn ends(&self, end: Result<End, Problem>) -> Exit {
        let end = end.unwrap_or_else(End::from);
        let at = "2026-11-21T14:40:00Z".parse::<Timestamp>().unwrap();
        end.problem.iter().for_each(|problem| self.app.reporter.problem(at, problem));
        self.app.reporter.end(at, &end.event());
        let failed = end.exit() != Exit::Done;
        assert_eq!(self.app.reporter.close_job(at, end.summary(), end.problem.as_ref(), failed), Vec::<String>::new());
        end.exit()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap()
    }

    fn output(&self, name: &str) -> String {
        let text = self.read("output");
        let (_, rest) = text.split_once(&format!("{name}<<unforeseen\n")).unwrap();
        rest.split_once("\nunforeseen\n").unwrap().0.to_owned()
    }
}

/// The id of a release, the digest and what changes with them are other ones each time.
fn settled(text: &str) -> String {
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let mut rest = line;
        while let Some(at) = rest.find("r-01").filter(|at| rest.len() >= at + 28) {
            out += &rest[..at];
            out += "r-RUN";
            rest = &rest[at + 28..];
        }
        out += rest;
    }
    out
}

#[test]
fn a_promotion_in_a_job_is_told_in_its_log_its_outputs_and_its_summary() {
    let desk = desk().in_a_job();
    assert_eq!(desk.ends(desk.promote("prod --yes --function-version 2")), Exit::Done);
    insta::assert_snapshot!("job_promoted_log", settled(&desk.err.text()));
    insta::assert_snapshot!("job_promoted_summary", settled(&desk.read("summary")));
    let told = ["result", "exit-code", "version", "previous-version"].map(|name| desk.output(name));
    assert_eq!(told, ["promoted", "0", "2", "1"]);
    let outputs = desk.read("output");
    let named: Vec<&str> = outputs.lines().filter_map(|line| line.strip_suffix("<<unforeseen")).collect();
    assert_eq!(named, OUTPUTS.map(|(name, _)| name));
    let events = desk.read("events");
    let last: serde_json::Value = serde_json::from_str(events.lines().last().unwrap()).unwrap();
    assert_eq!(last["seq"], events.lines().count() - 1, "no gaps");
    assert_eq!((&last["type"], &last["result"]), (&"result".into(), &"promoted".into()));
}

#[test]
fn a_failed_gate_in_a_job_is_one_error_and_says_how_to_go_on() {
    let desk = desk().in_a_job();
    let worse = Profile { error_rate: 0.4, ..Profile::default() };
    desk.world.set_load(Load::to_alias(7, &pets(), &live(), 50.0).version(&pets(), 2, worse));
    assert_eq!(desk.ends(desk.promote("prod --yes --function-version 2")), Exit::RolledBack);
    let log = desk.err.text();
    assert_eq!(log.matches("\n::error ").count(), 1, "{log}");
    assert_eq!(log.matches("::group::").count(), log.matches("::endgroup::").count(), "{log}");
    let (ways, write) = (log.find("go back at any time").unwrap(), log.find("alias       pets:live claimed").unwrap());
    assert!(ways < write, "before anything is written: {log}");
    assert_eq!(desk.output("result"), "rolled-back");
    let summary = settled(&desk.read("summary"));
    assert!(summary.contains("| `pets:live` | v1 100% | v1 (100%) |"), "as it was read back: {summary}");
    assert!(summary.contains("failed its gate") && summary.contains("flowchart LR"), "{summary}");
}

#[test]
fn a_summary_on_failure_and_an_error_are_for_steps_that_fail_and_not_for_every_exit_code() {
    for failed in [false, true] {
        let desk = desk().in_a_job_that_wants(When::OnFailure);
        let end = End::new(Exit::Findings, "planned");
        let at = "2026-11-21T14:40:00Z".parse::<Timestamp>().unwrap();
        assert_eq!(desk.app.reporter.close_job(at, end.summary(), None, failed), Vec::<String>::new());
        assert_eq!((desk.file("summary").exists(), desk.err.text().contains("::error ")), (failed, failed));
        assert_eq!(desk.output("exit-code"), "3", "it tells how the command ended all the same");
    }
}

#[test]
fn a_call_that_fails_before_the_first_write_is_an_error_with_its_code() {
    let desk = desk().in_a_job();
    (0..200).for_each(|at| desk.world.inject(at, Fault::denied()));
    let exit = desk.ends(desk.promote("prod --yes"));
    assert_eq!(exit, Exit::Access);
    let log = desk.err.text();
    let line = log.lines().find(|line| line.starts_with("::error ")).unwrap();
    assert!(line.contains("aws now: unchanged") && line.contains("%0A"), "{line}");
    assert_eq!(desk.output("exit-code"), "4");
}

thread_local! {
    /// The runner's temporary folder, for variables that a plain function reads.
    static TEMPORARY: std::cell::RefCell<String> = std::cell::RefCell::default();
}

/// The variables of a job.
fn runner(name: &str) -> Option<String> {
    match name {
        "GITHUB_ACTIONS" => Some("true".into()),
        "GITHUB_RUN_ID" => Some("200".into()),
        "GITHUB_REPOSITORY" => Some("example/shop".into()),
        "RUNNER_TEMP" => Some(TEMPORARY.with_borrow(Clone::clone)),
        _ => None,
    }
}

#[test]
fn a_job_settles_what_it_took_up_whoever_began_it_and_nothing_that_it_only_looked_at() {
    let mut desk = desk();
    TEMPORARY.set(desk.folder.path().display().to_string());
    desk.promote("prod --yes --until canary:5%").unwrap();
    desk.say_state("run");
    desk.elsewhere();
    desk.app.env = runner;
    job::begins(&desk.app.env);
    assert_eq!(summary(&desk.settle("prod --run 200").unwrap()).result, "unchanged", "it was not taken up here");
    let before = desk.record(&pets());
    assert_eq!(desk.resume("prod --once").unwrap().exit(), Exit::InFlight);
    assert_eq!((desk.record(&pets()), desk.split()), (before, vec![(3, 0.05)]), "this look was to write nothing");
    desk.elsewhere();
    for reaction in ["hold", "rollback"] {
        let end = desk.settle(&format!("prod --run 200 --on-interrupt {reaction}")).unwrap();
        assert_eq!((summary(&end).result.as_str(), desk.split()), ("unchanged", vec![(3, 0.05)]), "{reaction}");
    }
    desk.world.clock().advance(Duration::from_secs(660));
    assert_eq!(desk.resume("prod --once").unwrap().exit(), Exit::InFlight);
    assert_eq!(desk.split(), [(3, 0.25)], "and this one acts: {}", desk.err.text());
    desk.elsewhere();
    assert_eq!(summary(&desk.settle("prod --run 200").unwrap()).result, "rolled-back");
    assert_eq!((desk.serving("pets"), desk.split()), ("1".into(), vec![]));
}

#[test]
fn the_ways_out_are_in_the_log_of_a_job_whatever_else_it_is_not_to_hold() {
    for (shape, loudness) in [(Shape::Events, Loudness::Normal), (Shape::Human, Loudness::Quiet)] {
        let desk = desk().in_a_job_with(shape, loudness);
        desk.promote("prod --yes --until smoke").unwrap();
        let log = desk.err.text();
        assert!(
            log.contains("stagegate rollback prod\n") && log.contains("stagegate resume prod --until smoke\n"),
            "{shape:?}: {log}"
        );
        assert!(!desk.out.text().contains("go back at any time"), "{shape:?}");
    }
}

#[test]
fn a_run_settles_its_own_release_and_leaves_others_alone() {
    let mut desk = desk();
    desk.app.env = |name| match name {
        "GITHUB_RUN_ID" => Some("9912".into()),
        "GITHUB_REPOSITORY" => Some("example/shop".into()),
        _ => None,
    };
    desk.promote("prod --yes --until canary:5%").unwrap();
    // Another machine: only the record tells whose it is.
    desk.elsewhere();
    assert_eq!(summary(&desk.settle("prod --run 9913").unwrap()).result, "unchanged");
    let said = desk.err.text();
    assert!(said.contains("is left alone") && said.contains("stagegate rollback prod"), "{said}");
    assert_eq!(desk.split(), [(3, 0.05)]);
    desk.app.env = |_| None;
    assert_eq!(desk.settle("prod --run 9912").unwrap_err().code, Code::BadOption, "of which repository?");
    desk.app.env = |name| match name {
        "GITHUB_RUN_ID" => Some("9912".into()),
        "GITHUB_REPOSITORY" => Some("example/shop".into()),
        _ => None,
    };
    assert_eq!(summary(&desk.settle("prod --run 9912").unwrap()).result, "rolled-back");
    assert_eq!((desk.serving("pets"), desk.split()), ("1".into(), vec![]));
}

/// A release under way, with the lock of the process that is at work on it: in a job with `container:` a cancelled run
/// signals only docker's client.
fn unsignalled() -> (Desk, crate::journal::FileJournal) {
    let desk = desk();
    desk.promote("prod --yes --until canary:5%").unwrap();
    desk.say_state("run");
    let process = desk.app.state.as_ref().unwrap().open(&desk.record(&pets()).run).unwrap();
    (desk, process)
}

/// A second after everything that was.
fn started(desk: &Desk) -> Timestamp {
    desk.world.clock().advance(Duration::from_secs(1));
    desk.world.clock().now()
}

/// Seconds until the first write.
fn until_it_wrote(desk: &Desk, began: Timestamp) -> i64 {
    let calls = desk.world.calls();
    let first = calls.iter().find(|logged| logged.at >= began && logged.call.operation().kind() == Kind::Write);
    first.unwrap().at.duration_since(began).as_secs()
}

#[test]
fn a_release_whose_process_heard_no_signal_is_settled_by_its_records() {
    let (desk, _process) = unsignalled();
    let (began, run) = (started(&desk), desk.record(&pets()).run);
    let end = desk.settle(&format!("prod --run {run}")).unwrap();
    assert_eq!((end.exit(), summary(&end).result.as_str()), (Exit::Done, "rolled-back"), "{}", desk.err.text());
    assert_eq!((desk.serving("pets"), desk.split()), ("1".into(), vec![]));
    let record = desk.record(&pets());
    assert_eq!((record.state, record.bad), (RecordState::RolledBack, vec![]), "its process stops at its next look");
    assert!(desk.err.text().contains("the way back goes by the records alone"), "{}", desk.err.text());
    assert_eq!(until_it_wrote(&desk, began), 0, "nobody is waited for");
}

#[test]
fn a_release_whose_process_heard_no_signal_is_held_where_that_is_asked_for() {
    let (desk, _process) = unsignalled();
    let end = desk.settle("prod --on-interrupt hold").unwrap();
    assert_eq!((end.exit(), summary(&end).result.as_str()), (Exit::Done, "paused"));
    assert_eq!((desk.record(&pets()).state, desk.split()), (RecordState::Paused, vec![(3, 0.05)]));
}

#[test]
fn a_process_that_goes_back_by_itself_is_given_a_moment_and_then_helped() {
    let (desk, _process) = unsignalled();
    let (served, record) = (desk.deployment(), desk.record(&pets()));
    let (back, begun) = (record.from.unwrap(), started(&desk));
    let record = Record { from: Some(record.to), to: back, ..record }.undoing(false, begun + 60.minutes());
    desk.world.edit(|account| {
        account.put_alias(&pets(), &live(), 1, &[]).unwrap();
        account.describe_alias(&pets(), &live(), &record.to_string()).unwrap();
    });
    let end = desk.settle("prod --on-interrupt hold").unwrap();
    assert_eq!(summary(&end).result, "rolled-back", "{}", desk.err.text());
    assert_eq!((desk.serving("pets"), desk.record(&pets()).state), ("1".into(), RecordState::RolledBack));
    assert_ne!(desk.deployment(), served, "the stage had not gone back yet");
    assert_eq!(until_it_wrote(&desk, begun), 5);
}

#[test]
fn a_process_without_a_record_is_waited_for_and_never_called_nothing() {
    let desk = desk();
    desk.promote("prod --yes --until smoke").unwrap();
    let (open, _) = desk.app.state.as_ref().unwrap().list();
    let _process = desk.app.state.as_ref().unwrap().open(&open[0].run).unwrap();
    let began = started(&desk);
    let refused = desk.settle("prod").unwrap_err();
    assert_eq!((refused.code, refused.exit), (Code::LockHeld, Exit::Conflict));
    assert_eq!(desk.world.clock().now().duration_since(began).as_secs(), 5);
}
