//! Commands over a model of AWS: what they send, print and answer.

mod again;
mod allowed;
mod back;
mod canary;
mod credentials;
mod diff;
mod doctor;
mod drift;
mod fault;
mod gc;
mod init;
mod job;
mod once;
mod page;
mod plan;
mod protect;
mod repair;
mod see;
mod takeup;
mod url;
mod verify;
mod widths;

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;

use super::args::{Args, Command, PromoteArgs, ResumeArgs, RollbackArgs};
use super::end::End;
use super::session::Session;
use super::target::{Located, Need, locate};
use super::{App, args, promote, release, resume, rollback, status, unlock};
use crate::aws::Operation;
use crate::clock::{Clock as _, VirtualClock};
use crate::engine::{Interrupt, OnInterrupt};
use crate::event::Event;
use crate::journal::StateDir;
use crate::model::{AliasName, ApiId, CanaryMode, FunctionName, Reaction, StageName};
use crate::problem::{Code, Exit, Problem};
use crate::report::{Loudness, Progress, Reporter, Shape, Term, status_text};
use crate::world::{Behaviour, Fault, World};

/// A stream that remembers.
#[derive(Clone, Default)]
struct Kept(Rc<RefCell<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Kept {
    fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

/// An account, a folder with a configuration, and a command line at work in it.
struct Desk {
    world: World,
    folder: tempfile::TempDir,
    app: App,
    out: Kept,
    err: Kept,
}

const CONFIG: &str = "schema = 1\n[project]\nname = \"pets\"\n[target.prod]\nfunctions = [\"pets\"]\nalias = \"live\"\n\
    api = \"a1b2c3d4e5\"\nstage = \"prod\"\nalias_variable = \"lambdaAlias\"\n[target.both]\n\
    functions = [\"pets\", \"food\"]\nalias = \"live\"\n";

/// A protected target that shares its alias with the others.
const GUARDED: &str = "[target.guarded]\nfunctions = [\"pets\"]\nalias = \"live\"\nprotected = true\n";

fn pets() -> FunctionName {
    "pets".parse().unwrap()
}

fn live() -> AliasName {
    "live".parse().unwrap()
}

/// Two functions with v1, v2 and new code; `live` on v1; the stage serves `pets` through its variable and is one route
/// behind the definition.
fn world() -> World {
    let world = World::new(VirtualClock::at("2026-11-21T14:00:00Z".parse::<Timestamp>().unwrap()));
    world.set_quotas(false);
    let (api, prod): (ApiId, StageName) = ("a1b2c3d4e5".parse().unwrap(), "prod".parse().unwrap());
    world.edit(|account| {
        for function in [pets(), "food".parse().unwrap()] {
            account.create_function(&function, "one", Behaviour::default());
            account.publish(&function, "first").unwrap();
            account.update_code(&function, "two", Behaviour::default(), Duration::ZERO).unwrap();
            account.publish(&function, "second").unwrap();
            account.update_code(&function, "three", Behaviour::default(), Duration::ZERO).unwrap();
            account.put_alias(&function, &live(), 1, &[]).unwrap();
        }
        account.create_rest_api(&api, "pets");
        account.put_route(&api, "GET", "/pets", &pets(), "${stageVariables.lambdaAlias}").unwrap();
        let deployment = account.deploy(&api, "before").unwrap();
        account.create_stage(&api, &prod, &deployment, &[("lambdaAlias", "live")]).unwrap();
        account.grant(&pets(), &live(), &api, &prod).unwrap();
        account.put_route(&api, "POST", "/pets", &pets(), "${stageVariables.lambdaAlias}").unwrap();
    });
    world
}

impl Desk {
    fn new(shape: Shape) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("stagegate.toml"), CONFIG).unwrap();
        let (app, out, err) = app(folder.path(), shape);
        Self { world: world(), folder, app, out, err }
    }

    fn session(&self) -> Session<&World, VirtualClock> {
        Session {
            aws: &self.world,
            clock: self.world.clock(),
            region: "us-east-1".into(),
            endpoint: None,
            expires: None,
            assumed_end: None,
            renewable: false,
            renewed_from: None,
            lifetime: Default::default(),
            origin: String::new(),
            account: None,
        }
    }

    fn locate(&self, target: &str) -> Located {
        locate(&self.app, target, Need::Release, None).unwrap()
    }

    fn promote(&self, line: &str) -> Result<End, Problem> {
        let args = promote_args(line);
        let located = self.locate(&args.source.target);
        let target = release::target(&self.app, &located, &args.canary)?;
        let session = self.session();
        promote::promote(&self.app, &located, &session, &target, None, &args).now_or_never().expect("the process died")
    }

    fn rollback(&self, line: &str) -> Result<End, Problem> {
        let Command::Rollback(args) = parse(&format!("rollback {line}")) else { panic!("{line}") };
        let RollbackArgs { target, .. } = &args;
        let mut located = self.locate(target);
        let session = self.session();
        located.follow(&self.app, &session).now_or_never().expect("the process died")?;
        rollback::rollback(&self.app, &located, &session, &args).now_or_never().expect("the process died")
    }

    fn resume(&self, line: &str) -> Result<End, Problem> {
        let Command::Resume(args) = parse(&format!("resume {line}")) else { panic!("{line}") };
        let ResumeArgs { target, .. } = &args;
        let located = self.locate(target);
        let session = self.session();
        resume::resume(&self.app, &located, &session, &args).now_or_never().expect("the process died")
    }

    fn operations(&self) -> Vec<Operation> {
        self.world.calls().iter().map(|logged| logged.call.operation()).collect()
    }

    fn serving(&self, function: &str) -> String {
        let function: FunctionName = function.parse().unwrap();
        self.world.look(|account| account.functions[&function].aliases[&live()].version.to_string())
    }

    fn deployment(&self) -> String {
        self.world.look(|account| {
            account.apis.values().flat_map(|api| api.stages.values()).map(|s| s.deployment.clone()).collect::<String>()
        })
    }
}

fn app(folder: &Path, shape: Shape) -> (App, Kept, Kept) {
    let (out, err) = (Kept::default(), Kept::default());
    let term = Term {
        width: 88,
        color: false,
        unicode: true,
        silence: Some("there is no terminal"),
        progress: Progress::Plain,
        runner: false,
    };
    let app = App {
        reporter: Reporter::to(term, shape, Loudness::Normal, Box::new(out.clone()), Box::new(err.clone())),
        args: global(),
        interrupt: Interrupt::default(),
        acting: Cell::new(false),
        attended: Cell::new(super::Attended::No),
        state: Some(StateDir::at(folder.join("state"))),
        directory: folder.to_owned(),
        env: |_| None,
    };
    (app, out, err)
}

/// The same at another width.
fn at(mut desk: Desk, width: usize) -> Desk {
    let term = Term { width, ..desk.app.reporter.term };
    let shape = desk.app.reporter.shape();
    let (out, err) = (Box::new(desk.out.clone()), Box::new(desk.err.clone()));
    desk.app.reporter = Reporter::to(term, shape, Loudness::Normal, out, err);
    desk
}

fn args_of(line: &str) -> Args {
    args::parse(std::iter::once("stagegate").chain(line.split_whitespace()).map(Into::into)).unwrap()
}

fn parse(line: &str) -> Command {
    args_of(line).command
}

fn global() -> args::Global {
    args_of("explain").global
}

fn promote_args(line: &str) -> PromoteArgs {
    match parse(&format!("promote {line}")) {
        Command::Promote(args) => args,
        other => panic!("{other:?}"),
    }
}

#[test]
fn promote_then_rollback_puts_back_alias_and_stage() {
    let desk = Desk::new(Shape::Human);
    let before = desk.deployment();
    let end = desk.promote("prod --yes").unwrap();
    assert_eq!(end.exit(), Exit::Done, "{}", desk.err.text());
    assert_eq!(desk.serving("pets"), "3");
    assert_ne!(desk.deployment(), before);
    let said = desk.err.text();
    assert!(said.contains("go back at any time:   stagegate rollback prod"), "{said}");
    assert!(said.find("go back at any time").unwrap() < said.find("✔ done").unwrap(), "{said}");

    let end = desk.rollback("prod --yes").unwrap();
    assert_eq!(end.exit(), Exit::Done, "{}", desk.err.text());
    assert_eq!((desk.serving("pets"), desk.deployment()), ("1".into(), before));
    assert!(desk.err.text().contains("undo this: stagegate rollback pets:live --to 3"), "{}", desk.err.text());
}

#[test]
fn decision_the_emergency_rollback_is_four_calls_and_asks_nobody() {
    let desk = Desk::new(Shape::Human);
    desk.promote("pets:live --yes").unwrap();
    desk.world.restart();
    assert_eq!(desk.rollback("pets:live --yes").unwrap().exit(), Exit::Done, "{}", desk.err.text());
    let mut calls = desk.operations();
    assert_eq!(calls.remove(0), Operation::GetAlias);
    // GetFunction goes beside the write and its read-back; which of them the World answers first says nothing.
    calls.sort();
    assert_eq!(calls, [Operation::GetAlias, Operation::GetFunction, Operation::UpdateAlias]);
    assert_eq!(desk.serving("pets"), "1");
}

#[test]
fn a_rollback_whose_journal_cannot_be_written_warns_and_rolls_back() {
    let desk = Desk::new(Shape::Human);
    desk.promote("pets:live --yes").unwrap();
    std::fs::remove_dir_all(desk.folder.path().join("state")).unwrap();
    std::fs::write(desk.folder.path().join("state"), "a file where the folder should be").unwrap();
    assert_eq!(desk.rollback("pets:live --yes").unwrap().exit(), Exit::Done);
    assert_eq!(desk.serving("pets"), "1");
    assert!(desk.err.text().contains("warning[SG-J01]"), "{}", desk.err.text());
}

#[test]
fn a_stage_finds_the_release_that_moved_its_aliases() {
    let desk = Desk::new(Shape::Human);
    let before = desk.deployment();
    desk.promote("prod --yes").unwrap();
    let end = desk.rollback("a1b2c3d4e5/prod --yes").unwrap();
    assert_eq!(end.exit(), Exit::Done, "{}", desk.err.text());
    assert_eq!((desk.serving("pets"), desk.deployment()), ("1".into(), before));
    let url = Desk::new(Shape::Human);
    url.promote("prod --yes").unwrap();
    url.rollback("https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/prod/pets --yes").unwrap();
    assert_eq!(url.serving("pets"), "1");
}

#[test]
fn one_alias_of_several_moves_alone_and_says_so_and_the_target_moves_all() {
    let desk = Desk::new(Shape::Human);
    assert_eq!(desk.promote("both --yes").unwrap().exit(), Exit::Done, "{}", desk.err.text());
    desk.rollback("food:live --yes").unwrap();
    assert_eq!((desk.serving("food"), desk.serving("pets")), ("1".into(), "3".into()));
    assert!(desk.err.text().contains("moved 2 functions"), "{}", desk.err.text());

    let desk = Desk::new(Shape::Human);
    desk.promote("both --yes").unwrap();
    assert_eq!(desk.rollback("both --yes").unwrap().exit(), Exit::Done, "{}", desk.err.text());
    assert_eq!((desk.serving("food"), desk.serving("pets")), ("1".into(), "1".into()));
}

#[test]
fn with_nothing_recorded_the_newest_versions_are_listed_and_nothing_is_written() {
    let desk = Desk::new(Shape::Human);
    let refused = desk.rollback("pets:live --yes").unwrap_err();
    assert_eq!((refused.code, refused.exit), (Code::NothingRecorded, Exit::Usage));
    assert!(refused.fix.iter().any(|line| line.contains("--to 2 ")), "{refused:?}");
    assert!(!desk.operations().iter().any(|op| op.kind() == crate::aws::Kind::Write));
    assert_eq!(desk.rollback("pets:live --to 2 --yes").unwrap().exit(), Exit::Done);
    assert_eq!(desk.serving("pets"), "2");
    let again = desk.rollback("pets:live --to 2 --yes").unwrap();
    assert_eq!(again.problem.as_ref().map(|p| p.code), Some(Code::AlreadyThere));
}

#[test]
fn an_identical_latest_is_not_published_again() {
    let desk = Desk::new(Shape::Human);
    desk.promote("pets:live --yes").unwrap();
    desk.world.restart();
    let end = desk.promote("pets:live --yes").unwrap();
    assert_eq!(end.problem.as_ref().map(|p| p.code), Some(Code::NothingToPublish));
    assert_eq!(end.exit(), Exit::Done);
    assert!(!desk.operations().contains(&Operation::PublishVersion));
}

#[test]
fn a_plan_that_is_no_longer_true_is_refused_before_any_write() {
    let desk = Desk::new(Shape::Human);
    let located = desk.locate("prod");
    let target = release::plannable(&located).unwrap();
    let session = desk.session();
    let prepare = || {
        let caller = session.identify(&desk.app).now_or_never().unwrap().unwrap();
        release::prepare(&desk.app, &session, &target, caller, release::Wanted::default())
            .now_or_never()
            .unwrap()
            .unwrap()
    };
    let approved = prepare().plan;
    assert_eq!(approved.digest(), prepare().plan.digest(), "the digest does not hang on time or id");
    desk.world.edit(|account| account.update_code(&pets(), "four", Behaviour::default(), Duration::ZERO)).unwrap();
    let args = promote_args("prod --yes");
    let refused =
        promote::promote(&desk.app, &located, &session, &target, Some(&approved), &args).now_or_never().unwrap();
    let refused = refused.unwrap_err();
    assert_eq!((refused.code, refused.exit), (Code::PlanStale, Exit::Conflict));
    let expected = desk.promote(&format!("prod --yes --expect-plan {}", approved.digest())).unwrap_err();
    assert_eq!(expected.code, Code::PlanStale);
    assert!(!desk.operations().iter().any(|op| op.kind() == crate::aws::Kind::Write));
}

#[test]
fn a_release_that_stopped_is_resumed_by_its_journal_or_undone() {
    for undo in [false, true] {
        let desk = Desk::new(Shape::Human);
        let end = desk.promote("prod --yes --until alias").unwrap();
        assert_eq!(end.exit(), Exit::Done);
        assert!(desk.err.text().contains("go on: stagegate resume prod"), "{}", desk.err.text());
        let end = desk.resume(if undo { "prod --undo" } else { "prod" }).unwrap();
        assert_eq!(end.exit(), Exit::Done, "{}", desk.err.text());
        assert_eq!(desk.serving("pets"), if undo { "1" } else { "3" });
        assert_eq!(desk.resume("prod").unwrap_err().code, Code::NothingInFlight);
    }
}

#[test]
fn unlock_changes_the_record_and_never_the_routing() {
    let desk = Desk::new(Shape::Human);
    desk.promote("pets:live --yes --until alias").unwrap();
    let located = desk.locate("pets:live");
    let session = desk.session();
    let found = status::look(&desk.app, &located, &session).now_or_never().unwrap().unwrap();
    let run = found.aliases[0].record.as_ref().unwrap().run.clone();
    assert!(found.next.iter().any(|line| line.contains(&format!("unlock pets:live {run}"))), "{found:?}");
    assert!(status_text::screen(&found, 88).contains("paused, v1 → v3"));
    let other = crate::model::RunId::new(1, 1);
    let unlock = |run| unlock::unlock(&desk.app, &located, &session, run).now_or_never().unwrap();
    assert_eq!(unlock(&other).unwrap_err().code, Code::UnlockRefused);
    assert_eq!(unlock(&run).unwrap().exit(), Exit::Done);
    assert_eq!(desk.serving("pets"), "3");
    assert_eq!(unlock(&run).unwrap_err().code, Code::UnlockRefused);
    assert_eq!(desk.rollback("pets:live --yes").unwrap().exit(), Exit::Done);
    assert_eq!(desk.serving("pets"), "1");
}

#[test]
fn weights_that_remain_refuse_the_unlock() {
    let desk = Desk::new(Shape::Human);
    desk.promote("pets:live --yes --until alias").unwrap();
    desk.world.edit(|account| account.put_alias(&pets(), &live(), 3, &[(1, 0.5)])).unwrap();
    let located = desk.locate("pets:live");
    let session = desk.session();
    let found = status::look(&desk.app, &located, &session).now_or_never().unwrap().unwrap();
    let run = found.aliases[0].record.as_ref().unwrap().run.clone();
    let refused = unlock::unlock(&desk.app, &located, &session, &run).now_or_never().unwrap().unwrap_err();
    assert_eq!(refused.code, Code::UnlockRefused);
}

#[test]
fn the_event_stream_begins_with_hello_ends_with_result_and_has_no_gaps() {
    let desk = Desk::new(Shape::Events);
    desk.app.reporter.hello(desk.world.clock().now());
    desk.world.inject(9, Fault::denied());
    let end = desk.promote("prod --yes").unwrap_or_else(End::from);
    let exit = super::finish(&desk.app, true, end, &super::job::Caller::Words(&[]));
    let text = desk.out.text();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["type"], "hello");
    let last = lines.last().unwrap();
    assert_eq!((&last["type"], &last["exit_code"]), (&"result".into(), &exit.code().into()));
    assert!(lines.iter().any(|line| line["type"] == "error"), "{text}");
    for (at, line) in lines.iter().enumerate() {
        assert_eq!(line["seq"], at, "{line}");
        assert!(line["ts"].as_str().is_some_and(|ts| ts.ends_with('Z')), "{line}");
    }
    desk.app.emit(&Event::Interrupted { signal: "SIGINT".into(), asks: false });
    assert_eq!(desk.out.text(), text, "nothing follows the result");
}

#[test]
fn a_bare_stage_cannot_be_promoted_and_the_way_is_named() {
    let desk = Desk::new(Shape::Human);
    let refused = release::plannable(&desk.locate("a1b2c3d4e5/prod")).unwrap_err();
    assert_eq!(refused.code, Code::AmbiguousTarget);
    insta::assert_snapshot!("bare_stage", refused.render(88));
}

#[test]
fn a_signal_does_what_the_flag_says_or_else_the_target() {
    let mut target = release::plannable(&Desk::new(Shape::Human).locate("prod")).unwrap();
    for (flag, file, wanted) in [
        (None, Reaction::Rollback, OnInterrupt::Rollback),
        (None, Reaction::Hold, OnInterrupt::Hold),
        (Some(OnInterrupt::Rollback), Reaction::Hold, OnInterrupt::Rollback),
        (Some(OnInterrupt::Hold), Reaction::Rollback, OnInterrupt::Hold),
    ] {
        target.on_interrupt = file;
        assert_eq!(release::on_interrupt(flag, &target), wanted, "{flag:?} over {file:?}");
    }
    assert_eq!(promote_args("prod").on_interrupt, None);
    assert_eq!(promote_args("prod --on-interrupt hold").on_interrupt, Some(OnInterrupt::Hold));
}

#[test]
fn the_flags_change_the_canary_of_this_release_and_a_refusal_repeats_them() {
    let desk = Desk::new(Shape::Human);
    let args = promote_args("prod --preset Canary10Percent5Minutes --canary-mode stage");
    let target = release::target(&desk.app, &desk.locate("prod"), &args.canary).unwrap();
    assert_eq!((target.canary.mode, target.canary.to_string().as_str()), (CanaryMode::Stage, "10% 5m"));
    let flags = "--preset Canary10Percent5Minutes --canary-mode stage --until canary:10% --on-interrupt hold";
    let refused = desk.promote(&format!("prod {flags}")).unwrap_err();
    assert_eq!(refused.code, Code::ConfirmationMissing);
    assert_eq!(refused.fix, [format!("stagegate promote prod {flags} --yes")]);
    let bad = desk.promote("both --canary Canary10Percent5Minutes --canary-mode stage").unwrap_err();
    assert_eq!(bad.code, Code::BadOption);
}

#[test]
fn an_override_without_a_gate_is_refused_before_anything_is_read() {
    let desk = Desk::new(Shape::Human);
    let refused = |line: &str| promote::run(&desk.app, promote_args(line)).now_or_never().unwrap().unwrap_err();
    let no_gate = refused("prod --yes --override-gate incident-4711");
    assert_eq!((no_gate.code, no_gate.exit), (Code::BadOption, Exit::Usage));
    assert!(no_gate.what.contains("no gate"), "{no_gate}");
    let gate = refused("prod --canary Canary10Percent5Minutes --override-gate incident-4711");
    assert_eq!(gate.code, Code::ConfirmationMissing, "with a canary there is one, and the next question comes");
}

#[test]
fn a_broken_file_does_not_stand_in_the_way_of_a_rollback_that_needs_none() {
    let desk = Desk::new(Shape::Human);
    std::fs::write(desk.folder.path().join("stagegate.toml"), "schema = \"broken").unwrap();
    assert!(locate(&desk.app, "pets:live", Need::Place, None).is_ok());
    assert!(desk.err.text().contains("this command goes on without the file"), "{}", desk.err.text());
    assert!(locate(&desk.app, "prod", Need::Place, None).is_err());
}
