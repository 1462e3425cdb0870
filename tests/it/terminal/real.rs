//! Prompts before the first write, against the emulator: what is asked, what each answer changes.

use std::path::Path;

use crate::support::account::Account;
use crate::support::account_setup::marker_handler;
use crate::support::emulator::{Emulator, REGION};
use crate::support::pty::Terminal;

struct Desk {
    account: Account,
    home: tempfile::TempDir,
}

impl Desk {
    /// Starts a command line.
    fn at_terminal(&self, line: &str) -> Terminal {
        self.at_terminal_after("", line)
    }

    /// Starts it where keys were pressed already.
    fn at_terminal_after(&self, keys: &str, line: &str) -> Terminal {
        let env = self.account.env();
        let mut env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
        env.push(("AWS_EC2_METADATA_DISABLED", "true"));
        Terminal::start_after(keys, line, self.home.path(), &env, 100)
    }

    /// Exit code and screen of a command line that is answered once.
    fn answered(&self, line: &str, wait: &str, keys: &str) -> (u32, String) {
        let mut terminal = self.at_terminal(line);
        terminal.wait(wait);
        terminal.press(keys);
        terminal.end()
    }

    fn serving(&self) -> String {
        self.account.invoke("pets", "live").0
    }

    fn journals(&self) -> usize {
        let folder = self.home.path().join(Path::new(".local/state/stagegate"));
        std::fs::read_dir(folder).map(|entries| entries.count()).unwrap_or_default()
    }
}

fn desk(name: &str) -> Option<Desk> {
    let account = Emulator::shared()?.account(name);
    account.create_function("pets", &marker_handler("one"));
    account.publish_version("pets");
    account.create_alias("pets", "live", "1", &[]);
    account.update_code("pets", &marker_handler("two"));
    let home = tempfile::tempdir().unwrap();
    let config = "schema = 1\n[target.prod]\nfunctions = [\"pets\"]\nalias = \"live\"\nprotected = true\n";
    std::fs::write(home.path().join("stagegate.toml"), config).unwrap();
    Some(Desk { account, home })
}

#[test]
fn a_protected_target_is_typed_and_a_rollback_is_one_enter() {
    let Some(desk) = desk("terminal promote") else { return };
    let (code, screen) = desk.answered("promote prod", "Type prod to start", "prod\r");
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("✔ done") && screen.contains("✔ promoted prod"), "{screen}");
    assert_eq!(desk.serving(), "2");
    for keys in ["x\u{1b}", "\u{3}"] {
        let (code, screen) = desk.answered("rollback pets:live", "Enter = roll back now, Esc = leave", keys);
        assert_eq!((code, desk.serving().as_str()), (130, "2"), "{screen}");
        assert!(screen.contains("nothing was changed"), "{screen}");
    }
    let plain = "rollback pets:live --progress plain";
    let mut plainly = desk.at_terminal(plain);
    plainly.wait("Type y = roll back now, n = leave");
    plainly.press("what\r");
    plainly.wait_times("Type y = roll back now, n = leave", 2);
    plainly.press("n\r");
    assert_eq!(plainly.end().0, 130);
    let (code, screen) = desk.answered("rollback pets:live", "Enter = roll back now", "x \r");
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("you are") && screen.contains("undo this:"), "{screen}");
    assert_eq!(desk.serving(), "1");
}

#[test]
fn enter_that_was_pressed_while_aws_was_read_rolls_nothing_back() {
    let Some(desk) = desk("terminal typed ahead") else { return };
    assert_eq!(desk.answered("promote prod", "Type prod to start", "prod\r").0, 0);
    for (flags, question) in [("", "Enter = roll back now"), (" --progress plain", "Type y = roll back now, n = leave")]
    {
        let typed = if flags.is_empty() { "\r\r" } else { "y\ry\r" };
        let mut terminal = desk.at_terminal_after(typed, &format!("rollback pets:live{flags}"));
        terminal.wait(question);
        terminal.press("\u{1b}");
        let (code, screen) = terminal.end();
        assert_eq!((code, desk.serving().as_str()), (130, "2"), "{screen}");
    }
}

#[test]
fn no_at_the_prompt_and_the_wrong_name_and_ctrl_c_change_nothing() {
    let Some(desk) = desk("terminal leave") else { return };
    desk.account.publish_version("pets");
    for (line, wait, keys, code) in [
        ("promote pets:beta", "Start?", "\r", 130),
        ("promote pets:beta", "Start?", "n\r", 130),
        ("promote pets:beta", "Start?", "nonsense\r", 130),
        ("promote pets:beta", "Start?", "\u{3}", 130),
        ("promote pets:live", "Type pets:live to start", "\u{3}", 130),
        ("promote prod", "Type prod to start", "live\r", 2),
        ("promote prod --yes", "Type prod to start", "\u{3}", 130),
        ("rollback pets:live", "Back to which version?", "\u{3}", 130),
        ("rollback pets:live --progress plain", "only Enter to leave", "\r", 130),
        ("rollback pets:live --progress plain", "only Enter to leave", "\u{1b}", 130),
        ("promote prod", "Type prod to start, Esc to leave", "li\u{1b}", 130),
    ] {
        let (exit, screen) = desk.answered(line, wait, keys);
        assert_eq!(exit, code, "{line} {keys:?}: {screen}");
        assert!(screen.contains("nothing was changed"), "{line} {keys:?}: {screen}");
    }
    assert_eq!((desk.serving(), desk.journals()), ("1".into(), 0));
}

#[test]
fn yes_is_an_answer_with_enter_only() {
    let Some(desk) = desk("terminal yes") else { return };
    let mut terminal = desk.at_terminal("promote pets:beta");
    terminal.wait("Start?");
    terminal.press_until("y", "[y/N]: y");
    terminal.press("es\r");
    let (code, screen) = terminal.end();
    assert_eq!(code, 0, "{screen}");
    assert_eq!(desk.account.invoke("pets", "beta").0, "2");
}

#[test]
fn at_3_am_a_url_and_one_key_are_enough_on_a_machine_with_nothing_on_it() {
    let Some(desk) = desk("terminal paged") else { return };
    let api = desk.account.create_rest_api("pets", "pets");
    let deployment = desk.account.create_deployment(&api, "by hand");
    desk.account.create_stage(&api, "prod", &deployment, Some("live"));
    desk.account.permit_api(&api, "pets", "live");
    assert_eq!(desk.answered("promote prod", "Type prod to start", "prod\r").0, 0);
    let elsewhere = Desk { home: tempfile::tempdir().unwrap(), account: desk.account };
    let url = format!("rollback https://{api}.execute-api.{REGION}.amazonaws.com/prod/pets");
    let (code, screen) = elsewhere.answered(&url, "Enter = roll back now", "\r");
    assert_eq!(code, 0, "{screen}");
    let way = format!("{api}/prod");
    for said in [way.as_str(), "pets:live", "v2 100%", "v1 100%", "(recorded)", "✔ ROLLED BACK in", "undo this:"] {
        assert!(screen.contains(said), "{said}:\n{screen}");
    }
    assert_eq!(elsewhere.serving(), "1");
}

#[test]
fn init_asks_what_cannot_be_told_and_writes_what_verify_passes() {
    let Some(desk) = desk("terminal init") else { return };
    let file = desk.home.path().join("stagegate.toml");
    std::fs::remove_file(&file).unwrap();
    let question = "Name of the target [live]";
    let (code, screen) = desk.answered("init pets:live", question, "\u{3}");
    assert_eq!((code, file.exists()), (130, false), "{screen}");
    let mut terminal = desk.at_terminal("init pets:live");
    terminal.wait(question);
    terminal.press("no name\r");
    terminal.wait_times(question, 2);
    terminal.press("shop\r");
    let (code, screen) = terminal.end();
    assert_eq!(code, 0, "{screen}");
    assert!(std::fs::read_to_string(&file).unwrap().contains("\n[target.shop]\n"), "{screen}");
    let (code, screen) = desk.at_terminal("verify shop").end();
    assert_eq!(code, 0, "{screen}");
}
