//! The built command and its streams: pipes that close, disks that are full, and what the environment says of a terminal.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

const CONFIG: &str = "schema = 1\n[target.prod]\nfunctions = [\"checkout-api\"]\nalias = \"live\"\n";

fn command(folder: &Path, line: &str, env: &[(&str, &str)]) -> Command {
    std::fs::write(folder.join("stagegate.toml"), CONFIG).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_stagegate"));
    command.args(line.split_whitespace()).current_dir(folder).env_clear().env("HOME", folder).env("COLUMNS", "88");
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    command.env("LANG", "C.UTF-8").envs(env.iter().copied()).stdin(Stdio::null());
    command
}

/// What looks and needs no account.
const LOOKING: [(&str, i32); 7] = [
    ("--help", 0),
    ("promote --help", 0),
    ("explain", 0),
    ("explain sg-a02", 0),
    ("completion bash", 0),
    ("iam-policy read --target prod --account 123456789012 --region us-east-1", 0),
    ("status prod --json", 2),
];

#[test]
fn a_reader_that_goes_away_changes_neither_exit_code_nor_what_is_said() {
    let folder = tempfile::tempdir().unwrap();
    for (line, code) in LOOKING.into_iter().chain([("demo", 0), ("demo --regress errors", 5), ("demo --json", 0)]) {
        let mut child =
            command(folder.path(), line, &[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = [0];
        let _ = child.stdout.as_mut().unwrap().read(&mut first);
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.as_str()), (Some(code), ""), "{line}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_standard_output_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for (line, code) in LOOKING {
        let output = command(folder.path(), line, &[]).stdout(full()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("standard output cannot be written"), "{line}: {said}");
        assert_eq!(output.status.code(), Some(if code == 0 { 1 } else { code }), "{line}");
    }
    // What acts goes on, and says it once.
    for (line, code) in [("demo", 0), ("demo --json", 0), ("demo --json --regress errors", 5)] {
        let output = command(folder.path(), line, &[]).stdout(full()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said.matches("warning[SG-K16]: standard output").count(), 1, "{line}: {said}");
        assert_eq!(output.status.code(), Some(code), "{line}");
    }
}

#[test]
fn colour_symbols_and_prompts_follow_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let shown = |line: &str, env: &[(&str, &str)]| {
        let output = command(folder.path(), line, env).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    for (env, colored, ascii) in [
        (&[][..], false, false),
        (&[("CLICOLOR_FORCE", "1")], true, false),
        (&[("FORCE_COLOR", "1")], true, false),
        (&[("FORCE_COLOR", "0")], false, false),
        (&[("NO_COLOR", "1"), ("FORCE_COLOR", "1")], false, false),
        (&[("NO_COLOR", ""), ("FORCE_COLOR", "1")], true, false),
        (&[("TERM", "dumb")], false, false),
        (&[("TERM", "dumb"), ("CLICOLOR_FORCE", "1")], true, false),
        (&[("GITHUB_ACTIONS", "true")], true, false),
        (&[("CI", "true")], false, false),
        (&[("LANG", "C")], false, true),
        (&[("LC_ALL", "C")], false, true),
        (&[("LC_ALL", "C"), ("CLICOLOR_FORCE", "1")], true, true),
        (&[("STAGEGATE_ACCESSIBLE", "1")], false, false),
        (&[("STAGEGATE_COLOR", "always")], true, false),
    ] {
        let refused = shown("promote prod --region us-east-1", env);
        assert_eq!(refused.contains('\u{1b}'), colored, "{env:?}: {refused}");
        assert!(refused.contains("nobody can be asked") || refused.contains("SG-C04"), "{env:?}: {refused}");
        assert!(!refused.contains("\u{1b}[?25"), "the cursor is nobody's business without a terminal: {refused:?}");
        let typed = shown("plan prdo", env);
        assert_eq!(typed.is_ascii(), ascii || !typed.contains('│'), "{env:?}: {typed}");
    }
}

#[test]
fn the_help_of_every_command_at_two_widths() {
    let folder = tempfile::tempdir().unwrap();
    let program = stagegate::cli::command();
    let mut lines = vec![String::new()];
    for one in program.get_subcommands() {
        lines.push(one.get_name().to_owned());
        let below = one.get_subcommands().filter(|sub| sub.get_name() != "help");
        lines.extend(below.map(|sub| format!("{} {}", one.get_name(), sub.get_name())));
    }
    for width in ["88", "60"] {
        let mut whole = String::new();
        for line in &lines {
            let output = command(folder.path(), &format!("{line} --help"), &[("COLUMNS", width)]).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{line}");
            whole += &format!("$ stagegate {line} --help\n{}\n", String::from_utf8(output.stdout).unwrap());
        }
        insta::assert_snapshot!(format!("help_{width}"), whole);
    }
}
