//! A command that names no target, where a person can be asked.

use crate::support::pty::Terminal;

const DOWN: &str = "\u{1b}[B";
const ENTER: &str = "\r";
const ESC: &str = "\u{1b}";
const PROD: &str = "schema = 1\n[target.prod]\nfunctions = [\"pets\"]\nalias = \"live\"\nprotected = true\n";
/// What it lacks is found when it is looked at, before AWS is.
const STAGING: &str = "[target.staging]\nfunctions = [\"pets\"]\nalias = \"staging\"\napi = \"a1b2c3d4e5\"\n\
                       stage = \"staging\"\n[[target.staging.smoke]]\ninvoke = \"of-staging.json\"\n";

fn at_terminal(file: &str, line: &str) -> (Terminal, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("stagegate.toml"), file).unwrap();
    (Terminal::start(line, folder.path(), &[("AWS_EC2_METADATA_DISABLED", "true")], 88), folder)
}

#[test]
fn of_several_targets_one_is_chosen_and_it_is_as_if_it_had_been_typed() {
    for command in ["promote", "plan"] {
        let (mut terminal, _folder) = at_terminal(&format!("{PROD}{STAGING}"), command);
        let screen = terminal.wait("staging  pets:staging · a1b2c3d4e5/staging");
        assert!(screen.contains("Which target?") && screen.contains("prod     pets:live · protected"), "{screen}");
        terminal.press(DOWN);
        terminal.press(ENTER);
        let (code, screen) = terminal.end();
        assert_eq!(code, 2, "{screen}");
        assert!(screen.contains("of-staging.json"), "{screen}");
    }
    for command in ["promote", "rollback", "status"] {
        let (mut terminal, _folder) = at_terminal(&format!("{PROD}{STAGING}"), command);
        terminal.wait("staging  pets:staging");
        terminal.press(ESC);
        let (code, screen) = terminal.end();
        assert_eq!(code, 130, "{screen}");
        assert!(screen.contains("nothing was changed"), "{screen}");
    }
}

#[test]
fn the_only_target_is_taken_and_said_unless_nothing_would_be_asked() {
    let only = format!("schema = 1\n{STAGING}");
    let (terminal, _folder) = at_terminal(&only, "promote");
    let (code, screen) = terminal.end();
    assert_eq!(code, 2, "{screen}");
    assert!(screen.contains("target staging, the only one of stagegate.toml"), "{screen}");
    assert!(screen.contains("of-staging.json"), "{screen}");
    for line in ["promote --yes --until smoke", "rollback --yes"] {
        let (terminal, _folder) = at_terminal(&only, line);
        let (code, screen) = terminal.end();
        assert_eq!(code, 2, "{screen}");
        assert!(screen.contains("must be named"), "{screen}");
    }
}
