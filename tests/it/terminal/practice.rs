//! The interactive promotion, on the demo's account: its three screens, every key and every answer.

use crate::support::pty::Terminal;

const UP: &str = "\u{1b}[A";
const DOWN: &str = "\u{1b}[B";
const ENTER: &str = "\r";
const CTRL_C: &str = "\u{3}";
const ESC: &str = "\u{1b}";
const PANEL: &str = "p pause   r roll back   f finish now";

pub fn demo(flags: &str, env: &[(&str, &str)], columns: u16) -> Terminal {
    let line = format!("demo --interactive --minute 1s {flags}");
    Terminal::start(&line, &std::env::temp_dir(), env, columns)
}

/// The plan is shown and agreed to.
pub fn started(flags: &str) -> Terminal {
    started_at(flags, &[], 88)
}

fn started_at(flags: &str, env: &[(&str, &str)], columns: u16) -> Terminal {
    let mut terminal = demo(flags, env, columns);
    terminal.wait("Type prod to start");
    terminal.press("prod\r");
    terminal
}

/// The lines between two texts, the first included.
fn part<'s>(screen: &'s str, from: &str, to: &str) -> &'s str {
    let start = screen.find(from).unwrap_or_else(|| panic!("no {from:?} in:\n{screen}"));
    let end = screen[start..].find(to).map_or(screen.len(), |at| start + at);
    screen[start..end].trim_end()
}

#[test]
fn the_plan_is_the_first_screen_and_a_mistyped_name_changes_nothing() {
    for columns in [88, 60] {
        let mut terminal = demo("", &[], columns);
        let screen = terminal.wait("Type prod to start");
        insta::assert_snapshot!(format!("plan_{columns}"), part(&screen, "  serving", "\u{0}"));
        terminal.press("staging\r");
        let (code, screen) = terminal.end();
        assert_eq!(code, 2, "{screen}");
        assert!(screen.contains("that is not prod, nothing was changed"), "{screen}");
    }
    for keys in [CTRL_C, ENTER] {
        let mut terminal = demo("", &[], 88);
        terminal.wait("Type prod to start");
        terminal.press(keys);
        let (code, screen) = terminal.end();
        assert_eq!(code, 130, "{screen}");
        assert!(screen.contains("nothing was changed"), "{screen}");
    }
}

#[test]
fn what_was_typed_before_a_question_could_be_read_is_no_answer_to_it() {
    let mut terminal =
        Terminal::start_after("prod\r", "demo --interactive --minute 1s", &std::env::temp_dir(), &[], 88);
    terminal.wait("Type prod to start");
    terminal.press(ESC);
    let (code, screen) = terminal.end();
    assert_eq!(code, 130, "{screen}");
    assert!(screen.contains("nothing was changed") && !screen.contains("promoted prod"), "{screen}");
}

#[test]
fn the_panel_follows_the_release_and_the_width_and_is_gone_afterwards() {
    let mut terminal = started("");
    terminal.wait(PANEL);
    let screen = terminal.wait("next look in");
    for part in ["step 1 of 3, 5%", "next look in", "v41 95%, v42 5%", "errors/min", "limit", "metrics up to"] {
        assert!(screen.contains(part), "{part}:\n{screen}");
    }
    terminal.resize(100);
    terminal.wait("step 2 of 3, 25%");
    assert_eq!(terminal.rows_with("▶ canary"), 1, "nothing is left of the wider one");
    // What is asked for is given here.
    terminal.wait("waits before 50%");
    terminal.press(ENTER);
    terminal.wait("step 3 of 3, 50%");
    let (code, screen) = terminal.end();
    assert_eq!(code, 0, "{screen}");
    for line in ["you chose: Go on", "✔ done    canary", "✔ done    promote", "✔ promoted prod"] {
        assert!(screen.contains(line), "{line}:\n{screen}");
    }
    assert!(!screen.contains("▶ canary") && !screen.contains(PANEL), "{screen}");
    assert_eq!(screen.matches("✔ done    publish").count(), 1, "nothing is told twice");
}

#[test]
fn ctrl_c_holds_and_asks_and_every_answer_does_what_it_says() {
    for (keys, code, says) in [
        (ENTER.to_owned(), 5, "✔ ROLLED BACK in"),
        (format!("{DOWN}{DOWN}{ENTER}"), 8, "is left at 5%"),
        (format!("3{ENTER}"), 8, "paused; nothing moves by itself"),
        (CTRL_C.to_owned(), 6, "Ctrl-C came twice: nothing more was sent"),
    ] {
        let mut terminal = started("");
        terminal.wait(PANEL);
        terminal.press(CTRL_C);
        let asked = terminal.wait("What now?   (rolls back by itself in");
        assert!(asked.contains("Holding at 5%. Ctrl-C again leaves it there."), "{asked}");
        assert!(asked.contains("aws now      checkout-api:live: v41 95%, v42 5%"), "{asked}");
        terminal.press(&keys);
        let (exit, screen) = terminal.end();
        assert_eq!(exit, code, "{screen}");
        assert!(screen.contains(says), "{says}:\n{screen}");
        if code != 5 {
            for fix in ["stagegate rollback prod", "stagegate resume prod", "stagegate status prod"] {
                assert!(screen.contains(fix), "{fix}:\n{screen}");
            }
        }
    }
}

#[test]
fn going_on_after_ctrl_c_ends_as_if_nothing_had_been() {
    let mut terminal = started("");
    terminal.wait(PANEL);
    terminal.press(CTRL_C);
    terminal.wait("What now?");
    terminal.press(&format!("{UP}{UP}{ENTER}"));
    terminal.wait("you chose: Go on");
    terminal.wait("waits before 50%");
    terminal.press(ENTER);
    let (code, screen) = terminal.end();
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("✔ promoted prod"), "{screen}");
}

#[test]
fn a_failed_gate_is_the_third_screen() {
    let mut terminal = started("--regress errors");
    terminal.wait("What now?   (rolls back by itself in");
    let asked = terminal.wait("later: stagegate resume prod");
    let asked = part(&asked, "✖ FAILED gate", "\u{0}");
    let shown = without_seconds(asked);
    insta::assert_snapshot!("failed_gate", shown);
    terminal.press(ENTER);
    let (code, screen) = terminal.end();
    assert_eq!(code, 5, "{screen}");
    assert!(screen.contains("✔ ROLLED BACK in") && screen.contains("error[SG-Q01]"), "{screen}");
}

/// Without the seconds that count down.
fn without_seconds(text: &str) -> String {
    let (head, rest) = text.split_once("by itself in ").unwrap();
    let (_, tail) = rest.split_once(')').unwrap();
    format!("{head}by itself in N s){tail}")
}

#[test]
fn a_failed_gate_takes_every_answer_and_none() {
    let mut declined = started("--regress errors");
    declined.wait("What now?");
    declined.press(&format!("{UP}{ENTER}"));
    let (code, screen) = declined.end();
    assert_eq!(code, 6, "going back was declined: {screen}");
    assert!(screen.contains("error[SG-X01]") && screen.contains("going back was declined"), "{screen}");

    let unanswered = started_at("--regress errors", &[("STAGEGATE_PROMPT_TIMEOUT", "5s")], 88);
    unanswered.wait("What now?");
    let (code, screen) = unanswered.end();
    assert_eq!(code, 5, "nobody answered: {screen}");
    assert!(screen.contains("✔ ROLLED BACK"), "{screen}");

    let mut watched = started("--regress errors");
    watched.wait("What now?");
    watched.press(&format!("{DOWN}{ENTER}"));
    watched.wait(PANEL);
    watched.press("r");
    let asked = watched.wait("Roll back at 5%?");
    assert!(asked.contains("you chose: Hold"), "{asked}");
    watched.wait("goes on as planned in");
    watched.press(ENTER);
    let (code, screen) = watched.end();
    assert_eq!(code, 5, "{screen}");

    let mut passed = started("--regress errors");
    passed.wait("What now?");
    passed.press(&format!("{DOWN}{DOWN}{ENTER}"));
    passed.wait("Type override REASON, or Esc to go back   (rolls back by itself in");
    passed.press("because\r");
    passed.wait("not passed: it must begin with `override ` and give a reason");
    passed.wait_last("  >");
    passed.press("x\u{7f}\u{1b}");
    passed.wait_last("later: stagegate resume prod");
    passed.press(&format!("{DOWN}{DOWN}{ENTER}"));
    passed.wait_last("  >");
    passed.press(ENTER);
    passed.wait_last("later: stagegate resume prod");
    passed.press(&format!("{DOWN}{DOWN}{ENTER}"));
    passed.wait_last("  >");
    passed.press("override the load test does it\r");
    passed.wait("let pass: the gate at 5%: the load test does it");
    passed.wait(PANEL);
    passed.press(CTRL_C);
    passed.wait("What now?");
    passed.press(ENTER);
    assert_eq!(passed.end().0, 5);
}

#[test]
fn keys_pause_and_ask_before_they_change_traffic() {
    let mut terminal = started("");
    terminal.wait(PANEL);
    terminal.press("x");
    terminal.press("p");
    terminal.wait("Paused at 5%; the record of the alias says so.");
    terminal.press(ENTER);
    terminal.wait(PANEL);
    terminal.press("r");
    terminal.wait("Roll back at");
    terminal.press(ESC);
    terminal.wait("you chose: No");
    terminal.wait(PANEL);
    terminal.press("f");
    terminal.wait("Finish now?");
    terminal.press(ENTER);
    terminal.wait("you chose: Finish");
    // The share before which a person is asked is not left out.
    terminal.wait("waits before 50%");
    terminal.press(&format!("3{ENTER}"));
    let (code, screen) = terminal.end();
    assert_eq!(code, 0, "an approval that waits is no failure: {screen}");
    assert!(screen.contains("SG-Q07"), "{screen}");
}

#[test]
fn nothing_is_redrawn_for_who_does_not_want_it_and_answers_are_typed() {
    let mut terminal = started_at("--regress errors", &[("STAGEGATE_ACCESSIBLE", "1")], 88);
    terminal.wait("? Number, then Enter (Enter alone is 1):");
    terminal.press("3\r");
    terminal.wait("Type override REASON, or only Enter to go back");
    terminal.press("because\r");
    terminal.wait("not passed: it must begin with");
    terminal.wait_times("Type override REASON", 2);
    terminal.press("\r");
    terminal.wait_times("? Number, then Enter (Enter alone is 1):", 2);
    terminal.press("9\r");
    terminal.press("1\r");
    let (code, screen) = terminal.end();
    assert_eq!(code, 5, "{screen}");
    assert!(screen.contains("  1  Roll back") && screen.contains("you chose: Roll back"), "{screen}");
    assert!(!screen.contains('▶'), "{screen}");
}

#[test]
fn a_terminal_without_our_symbols_gets_ascii() {
    let mut terminal = started_at("--regress errors", &[("LANG", "C")], 60);
    terminal.wait("What now?");
    terminal.press(ENTER);
    let (code, screen) = terminal.end();
    assert_eq!(code, 5, "{screen}");
    assert!(screen.is_ascii() && screen.contains("[!!] FAILED gate at 5%"), "{screen}");
}
