//! The stand-in itself, on plain scripts.

use std::thread;

use super::*;
use rustix::process::Signal;

/// Says which signals it gets, and goes on after SIGTERM alone.
const TOOL: &str = "#!/bin/bash
trap 'echo tool got SIGINT; exit 5' INT
trap 'echo tool got SIGTERM' TERM
echo tool is ready
while :; do sleep 600 >/dev/null 2>&1 & wait $!; done
";

const TEXT: &str = "name: tool
description: says what it gets
inputs:
  command: { description: c, default: promote }
outputs:
  word: { description: w, value: '${{ steps.run.outputs.word }}' }
runs:
  using: composite
  steps:
    - id: run
      shell: bash
      run: |
        RUN
    - name: settle
      if: cancelled() && inputs.command == 'promote'
      shell: bash
      run: echo settling
";

/// An Action of that text.
fn written(text: &str, run: &str) -> Action {
    Action::parse(&text.replace("RUN", &run.replace('\n', "\n        "))).unwrap()
}

/// An Action of a first step, and one for a cancelled job.
fn action(run: &str) -> Action {
    written(TEXT, run)
}

fn runner() -> Runner {
    let runner = Runner::new();
    let tool = runner.place("work/tool");
    fs::write(&tool, TOOL).unwrap();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    runner
}

fn cancelled(script: &str) -> Ended {
    let runner = runner();
    let job = runner.start(&action(script), &[]);
    job.log.wait("tool is ready");
    job.cancel();
    job.end()
}

#[test]
fn a_cancelled_job_reaches_a_step_that_became_the_tool_and_no_child_of_a_shell() {
    thread::scope(|scope| {
        let with = scope.spawn(|| cancelled("exec ./tool"));
        let without = scope.spawn(|| cancelled("./tool"));
        let deaf = scope.spawn(|| cancelled("trap '' INT TERM\nexec ./tool"));

        let with = with.join().unwrap();
        assert!(with.log.shown().contains("tool got SIGINT"), "{}", with.all());
        let step = with.step("run");
        assert_eq!((step.exit, step.conclusion), (Some(Exit::Code(5)), Conclusion::Cancelled), "{}", with.all());
        assert_eq!(step.signals, [Signal::INT]);
        assert_eq!(with.step("settle").conclusion, Conclusion::Success, "{}", with.all());
        assert_eq!(with.conclusion, Conclusion::Cancelled);

        let without = without.join().unwrap();
        assert!(!without.log.shown().contains("tool got"), "{}", without.all());
        // A shell that is not waiting for its child yet ends by SIGINT itself; else it takes SIGTERM.
        assert_eq!(without.step("run").signals[0], Signal::INT);
        assert_ne!(*without.step("run").signals.last().unwrap(), Signal::KILL);
        assert!(without.log.shown().contains("settling"), "{}", without.all());

        let deaf = deaf.join().unwrap();
        assert_eq!(deaf.step("run").signals, [Signal::INT, Signal::TERM, Signal::KILL], "{}", deaf.all());
        assert_eq!(deaf.step("run").exit, Some(Exit::Signal(9)));
        assert!(deaf.log.shown().contains("settling"), "{}", deaf.all());
    });
}

#[test]
fn a_machine_that_dies_runs_no_further_step_and_leaves_no_outputs() {
    let runner = runner();
    let job = runner.start(&action("echo word=x >> \"$GITHUB_OUTPUT\"\nexec ./tool"), &[]);
    job.log.wait("tool is ready");
    job.lose();
    let ended = job.end();
    assert_eq!((ended.conclusion, ended.step("run").exit), (Conclusion::Lost, Some(Exit::Lost)), "{}", ended.all());
    assert_eq!((ended.steps.len(), ended.outputs.len()), (1, 0), "{}", ended.all());
    assert!(!ended.log.shown().contains("tool got"), "{}", ended.all());
}

#[test]
fn a_step_that_is_killed_fails_without_outputs_and_the_job_goes_on() {
    let runner = runner();
    let killed = "if: failure() && steps.run.outcome == 'failure' && steps.run.outputs.word == ''";
    let text = TEXT.replace("if: cancelled()", killed);
    assert_ne!(text, TEXT);
    let job = runner.start(&written(&text, "exec ./tool"), &[]);
    job.log.wait("tool is ready");
    job.kill();
    let ended = job.end();
    let step = ended.step("run");
    assert_eq!((step.exit, step.conclusion), (Some(Exit::Signal(9)), Conclusion::Failure), "{}", ended.all());
    assert_eq!((ended.step("settle").conclusion, ended.conclusion), (Conclusion::Success, Conclusion::Failure));
    let told = runner.run(&written(&text, "echo word=x >> \"$GITHUB_OUTPUT\"\nexit 3"), &[]);
    assert_eq!(told.step("settle").conclusion, Conclusion::Skipped, "{}", told.all());
}

#[test]
fn what_a_step_tells_is_there_also_when_it_fails_and_later_steps_are_left_out() {
    let script = "cat >> \"$GITHUB_OUTPUT\" <<'.'\nword<<E\na\n\nb=c\nE\n.\necho '# hello' >> \"$GITHUB_STEP_SUMMARY\"\n\
                  echo ::add-mask::hush\necho a hush b\necho ::error title=t::no >&2\necho \"$GITHUB_ACTION_PATH\"\nexit 3";
    let runner = runner();
    let ended = runner.run(&action(script), &[("command", "plan")]);
    assert_eq!(
        (ended.conclusion, ended.step("run").exit),
        (Conclusion::Failure, Some(Exit::Code(3))),
        "{}",
        ended.all()
    );
    assert_eq!((ended.outputs["word"].as_str(), ended.summary.as_str()), ("a\n\nb=c", "# hello\n"));
    let shown = ended.log.shown();
    assert!(shown.contains("a *** b") && !shown.contains("hush") && shown.contains("##[error]no"), "{shown}");
    assert!(shown.contains(&runner.place("action").display().to_string()), "{shown}");
    assert_eq!(ended.step("settle").conclusion, Conclusion::Skipped);
    assert_eq!(ended.faults, Vec::<String>::new());
}

#[test]
fn file_commands_that_cannot_be_read_fail_the_step() {
    let ended = runner().run(&action("echo 'word<<E' >> \"$GITHUB_OUTPUT\""), &[]);
    assert_eq!(
        (ended.conclusion, ended.step("run").exit),
        (Conclusion::Failure, Some(Exit::Code(0))),
        "{}",
        ended.all()
    );
    assert!(ended.faults[0].contains("delimiter"), "{}", ended.all());
}

#[test]
fn a_line_ends_where_the_runner_ends_it_and_no_input_waits() {
    let ended = runner().run(&action("printf 'one\\rtwo\\r\\n::notice::three\\r::warning::four'\ncat"), &[]);
    let names: Vec<&str> = ended.commands.iter().map(|command| command.name.as_str()).collect();
    assert_eq!(names, ["notice", "warning"], "{}", ended.all());
    assert!(ended.log.shown().starts_with("one\ntwo\n"), "{}", ended.all());
}

#[test]
fn an_action_that_the_stand_in_cannot_carry_out_is_refused() {
    for (change, to) in
        [("composite", "node24"), ("shell: bash", "shell: pwsh"), ("id: run", "id: run\n      continue-on-error: true")]
    {
        let text = "name: n\ndescription: d\nruns:\n  using: composite\n  steps:\n    - id: run\n      shell: bash\n      run: a\n";
        assert!(Action::parse(text).is_ok());
        assert!(Action::parse(&text.replace(change, to)).is_err(), "{to}");
    }
}
