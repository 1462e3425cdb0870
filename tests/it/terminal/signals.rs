//! Signals of the system while somebody is at the terminal: nobody is asked, the configuration decides.

use rustix::process::Signal;

use super::practice::{demo, started};
use crate::support::pty::Terminal;

#[test]
fn a_signal_before_the_first_write_changes_nothing() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 143)] {
        let terminal = demo("", &[], 88);
        terminal.wait("Type prod to start");
        terminal.signal(signal);
        let (exit, screen) = terminal.end();
        assert_eq!(exit, code, "{signal:?}: {screen}");
        assert!(screen.contains("nothing was changed"), "{signal:?}: {screen}");
    }
}

#[test]
fn a_canary_goes_back_when_its_process_is_told_to_go() {
    for signal in [Signal::TERM, Signal::HUP] {
        let terminal = started("");
        terminal.wait("p pause   r roll back");
        terminal.signal(signal);
        let (exit, screen) = terminal.end();
        assert_eq!(exit, 5, "{signal:?}: {screen}");
        assert!(screen.contains("✔ ROLLED BACK in"), "{signal:?}: {screen}");
    }
}

#[test]
fn a_question_does_not_keep_a_process_that_is_told_to_go() {
    for signal in [Signal::TERM, Signal::HUP] {
        let terminal = started("--regress errors");
        terminal.wait("What now?");
        terminal.signal(signal);
        let (exit, screen) = terminal.end();
        assert_eq!(exit, 5, "{signal:?}: {screen}");
    }
}

#[test]
fn a_process_in_the_background_ends_by_its_signal_and_is_not_stopped() {
    let lines = r#"set -m; "$STAGEGATE" demo >out & read -r _; kill -TERM %1; wait %1; echo "ended with $?""#;
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::shell(lines, home.path());
    terminal.wait("step 1 of 3");
    terminal.press("\r");
    terminal.wait("ended with 143");
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn a_terminal_is_given_back_with_the_settings_that_its_owner_made() {
    let lines = r#"stty erase ^H -iutf8 -ixon; "$STAGEGATE" demo --interactive; stty -a | tr ';' '\n'; echo seen"#;
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::shell(lines, home.path());
    terminal.wait("Type prod to start");
    terminal.press("\u{3}");
    let screen = terminal.wait("seen");
    let screen = &screen[screen.rfind("speed").unwrap()..];
    for setting in ["erase = ^H", "-iutf8", "-ixon", " icanon", " echo "] {
        assert!(screen.contains(setting), "{setting}:\n{screen}");
    }
    terminal.end();
}

#[test]
fn a_question_that_a_signal_ends_leaves_its_line_and_its_modes() {
    let lines = r#"(echo $BASHPID > pid; exec "$STAGEGATE" demo --interactive); stty -a; echo seen"#;
    let home = tempfile::tempdir().unwrap();
    let terminal = Terminal::shell(lines, home.path());
    terminal.wait("Type prod to start");
    let pid = std::fs::read_to_string(home.path().join("pid")).unwrap();
    let pid = rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    let screen = terminal.wait("seen");
    assert!(screen.contains("Esc to leave: \nerror[SG-I01]"), "{screen}");
    assert!(screen.contains("start again: stagegate demo --interactive"), "{screen}");
    assert!(screen.contains(" icanon") && screen.contains(" echo "), "{screen}");
    terminal.end();
}
