//! The built command at a terminal: prompts, keys, what stays on the screen, the cursor.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::path::Path;
use std::process::Command;

use crate::support::account::Account;
use crate::support::account_setup::marker_handler;
use crate::support::emulator::Emulator;
use crate::support::python;

/// Runs a command line in a pseudo terminal, waits for a text, sends keys; prints what was on it and the exit code.
const DRIVER: &str = r#"
import os, pty, select, sys, time, fcntl, termios, struct
program, wait, keys, args = sys.argv[1], sys.argv[2], sys.argv[3].encode().decode("unicode_escape").encode(), sys.argv[4:]
pid, fd = pty.fork()
if pid == 0:
    os.execv(program, [program] + args)
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
seen, sent, end = b"", False, time.time() + 60
while time.time() < end:
    if select.select([fd], [], [], 0.2)[0]:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        seen += data
    if not sent and wait.encode() in seen:
        sent = True
        os.write(fd, keys)
else:
    os.kill(pid, 9)
status = os.waitpid(pid, 0)[1]
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
"#;

struct Desk {
    account: Account,
    home: tempfile::TempDir,
    python: std::path::PathBuf,
}

impl Desk {
    /// Exit code and everything that was on the screen.
    fn at_terminal(&self, line: &str, wait: &str, keys: &str) -> (i32, String) {
        let output = Command::new(&self.python)
            .args(["-c", DRIVER, env!("CARGO_BIN_EXE_stagegate"), wait, keys])
            .args(line.split_whitespace())
            .current_dir(self.home.path())
            .env_clear()
            .envs(self.account.env())
            .envs([("HOME", self.home.path().to_str().unwrap()), ("LANG", "C.UTF-8"), ("TERM", "xterm-256color")])
            .envs([("AWS_EC2_METADATA_DISABLED", "true"), ("PATH", "/usr/bin:/bin")])
            .output()
            .unwrap();
        let screen = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        (output.status.code().unwrap(), screen)
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
    let python = python::find()?;
    let account = Emulator::shared()?.account(name);
    account.create_function("pets", &marker_handler("one"));
    account.publish_version("pets");
    account.create_alias("pets", "live", "1", &[]);
    account.update_code("pets", &marker_handler("two"));
    let home = tempfile::tempdir().unwrap();
    let config = "schema = 1\n[target.prod]\nfunctions = [\"pets\"]\nalias = \"live\"\nprotected = true\n";
    std::fs::write(home.path().join("stagegate.toml"), config).unwrap();
    Some(Desk { account, home, python })
}

/// The cursor was shown after it was last hidden.
fn cursor_is_back(screen: &str) -> bool {
    screen.rfind("\u{1b}[?25l").is_none_or(|hidden| screen.rfind("\u{1b}[?25h").is_some_and(|shown| shown > hidden))
}

#[test]
fn a_protected_target_is_typed_and_a_rollback_is_one_enter() {
    let Some(desk) = desk("terminal promote") else { return };
    let (code, screen) = desk.at_terminal("promote prod", "Type prod to start", "prod\\r");
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("✔ done") && screen.contains("✔ promoted prod") && cursor_is_back(&screen), "{screen}");
    assert_eq!(desk.serving(), "2");
    for keys in ["x\\x1b", "\\x03"] {
        let (code, screen) = desk.at_terminal("rollback pets:live", "Enter = roll back now, Esc = leave", keys);
        assert_eq!((code, desk.serving().as_str()), (130, "2"), "{screen}");
        assert!(screen.contains("nothing was changed") && cursor_is_back(&screen), "{screen}");
    }
    let plain = "rollback pets:live --progress plain";
    assert_eq!(desk.at_terminal(plain, "Type y = roll back now, n = leave", "what\\rn\\r").0, 130);
    let (code, screen) = desk.at_terminal("rollback pets:live", "Enter = roll back now", "x \\r");
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("you are") && screen.contains("undo this:") && cursor_is_back(&screen), "{screen}");
    assert_eq!(desk.serving(), "1");
}

#[test]
fn no_at_the_prompt_and_the_wrong_name_and_ctrl_c_change_nothing() {
    let Some(desk) = desk("terminal leave") else { return };
    for (line, wait, keys) in [
        ("promote pets:beta", "Start?", "\\r"),
        ("promote pets:beta", "Start?", "\\x1b"),
        ("promote pets:beta", "Start?", "\\x03"),
        ("promote pets:live", "Type pets:live to start", "\\x03"),
        ("promote prod", "Type prod to start", "live\\r"),
        ("promote prod --yes", "Type prod to start", "\\x03"),
        ("rollback pets:live", "Back to which version?", "\\x03"),
        ("rollback pets:live --progress plain", "only Enter to leave", "7\\r\\r"),
    ] {
        let (code, screen) = desk.at_terminal(line, wait, keys);
        assert_eq!(code, 130, "{line} {keys}: {screen}");
        assert!(screen.contains("nothing was changed") && cursor_is_back(&screen), "{line} {keys}: {screen}");
    }
    assert_eq!((desk.serving(), desk.journals()), ("1".into(), 0));
}
