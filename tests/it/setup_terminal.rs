//! The built command sets up a project: at a terminal against the emulator, with keys, and what is then on the screen, in
//! the file and in the exit code.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use crate::support::account::Account;
use crate::support::account_setup::marker_handler;
use crate::support::emulator::{Emulator, REGION};
use crate::support::python;

/// Runs a command line in a pseudo terminal; for each text that is waited for sends keys; prints what was on it, and ends
/// with the command's exit code.
const DRIVER: &str = r#"
import json, os, pty, select, struct, fcntl, sys, termios, time
program, steps, args = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:]
pid, fd = pty.fork()
if pid == 0:
    os.execv(program, [program] + args)
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 100, 0, 0))
seen, from_here, end = b"", 0, time.time() + 90
while time.time() < end:
    if select.select([fd], [], [], 0.2)[0]:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        seen += data
    if steps:
        at = seen.find(steps[0][0].encode(), from_here)
        if at >= 0:
            from_here = len(seen)
            os.write(fd, steps.pop(0)[1].encode())
else:
    os.kill(pid, 9)
status = os.waitpid(pid, 0)[1]
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
"#;

/// An API whose stage calls two functions by the same variable.
struct Desk {
    account: Account,
    api: String,
    home: tempfile::TempDir,
    python: PathBuf,
}

fn desk(name: &str) -> Option<Desk> {
    let python = python::find()?;
    let account = Emulator::shared()?.account(name);
    for function in ["pets", "food"] {
        account.create_function(function, &marker_handler("one"));
        account.publish_version(function);
        account.create_alias(function, "live", "1", &[]);
    }
    let operation = |function: &str| {
        let arn = format!("{}:${{stageVariables.lambdaAlias}}", account.function_arn(function));
        let uri = format!("arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations");
        let integration = json!({"type": "AWS_PROXY", "httpMethod": "POST", "uri": uri});
        json!({"get": {"responses": {"200": {"description": "ok"}}, "x-amazon-apigateway-integration": integration}})
    };
    let document = json!({"openapi": "3.0.1", "info": {"title": "shop", "version": "1"},
        "paths": {"/pets": operation("pets"), "/food": operation("food")}});
    let imported = account.must("apigateway", "import_rest_api", json!({"body": document.to_string()}));
    let api = imported["id"].as_str().unwrap().to_owned();
    let deployment = account.create_deployment(&api, "by hand");
    account.create_stage(&api, "prod", &deployment, Some("live"));
    Some(Desk { account, api, home: tempfile::tempdir().unwrap(), python })
}

impl Desk {
    /// Exit code and everything that was on the screen.
    fn at_terminal(&self, line: &str, steps: &[(&str, &str)], env: &[(&str, &str)]) -> (i32, String) {
        let output = Command::new(&self.python)
            .args(["-c", DRIVER, env!("CARGO_BIN_EXE_stagegate"), &json!(steps).to_string()])
            .args(line.split_whitespace())
            .current_dir(self.home.path())
            .env_clear()
            .envs(self.account.env())
            .envs([("HOME", self.home.path().to_str().unwrap()), ("LANG", "C.UTF-8"), ("TERM", "xterm-256color")])
            .envs([("AWS_EC2_METADATA_DISABLED", "true"), ("PATH", "/usr/bin:/bin")])
            .envs(env.iter().copied())
            .output()
            .unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn file(&self) -> Option<String> {
        std::fs::read_to_string(self.home.path().join("stagegate.toml")).ok()
    }
}

/// The cursor was shown after it was last hidden.
fn cursor_is_back(screen: &str) -> bool {
    screen.rfind("\u{1b}[?25l").is_none_or(|hidden| screen.rfind("\u{1b}[?25h").is_some_and(|shown| shown > hidden))
}

const NAME: &str = "Name of the target";
const FUNCTIONS: &str = "Released as one";

#[test]
fn a_project_is_set_up_by_answers_and_verify_finds_it_in_order() {
    let Some(desk) = desk("setup at a terminal") else { return };
    let place = format!("init {}/prod", desk.api);
    for (wait, key) in [(NAME, "\u{3}"), (FUNCTIONS, "\u{1b}"), (FUNCTIONS, "\u{3}")] {
        let answers = if wait == NAME { vec![(wait, key)] } else { vec![(NAME, "\r"), (wait, key)] };
        let (code, screen) = desk.at_terminal(&place, &answers, &[]);
        assert_eq!(code, 130, "{screen}");
        assert!(cursor_is_back(&screen) && desk.file().is_none(), "{screen}");
    }
    // The first of the two is taken out, the other stays.
    let (code, screen) = desk.at_terminal(&place, &[(NAME, "\r"), (FUNCTIONS, " \r")], &[]);
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("✔ written  stagegate.toml, target prod") && cursor_is_back(&screen), "{screen}");
    let text = desk.file().unwrap();
    assert!(text.contains("functions = [\"pets\"]") && text.contains("alias_variable = \"lambdaAlias\""), "{text}");

    let (code, screen) =
        desk.at_terminal(&place, &[(NAME, "\r"), ("Replace target prod in stagegate.toml?", "\r")], &[]);
    assert_eq!((code, desk.file()), (2, Some(text.clone())), "{screen}");
    let accessible = [("STAGEGATE_ACCESSIBLE", "1")];
    let (code, screen) = desk.at_terminal(
        &place,
        &[(NAME, "all\r"), ("Numbers, or all", "3\r"), ("Numbers, or all", "1 2\r")],
        &accessible,
    );
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("write numbers from 1 to 2") && screen.contains("✔ extended"), "{screen}");
    let both = desk.file().unwrap();
    assert!(both.starts_with(&text) && both[text.len()..].contains("functions = [\"food\", \"pets\"]"), "{both}");

    let (code, screen) = desk.at_terminal("verify", &[], &[]);
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("✔ ok      plan") && screen.contains("not simulated: arn:aws:sts"), "{screen}");
}
