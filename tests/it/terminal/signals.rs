//! Signals of the system while somebody is at the terminal: nobody is asked, the configuration decides.

use rustix::process::Signal;

use super::practice::{demo, started};

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
