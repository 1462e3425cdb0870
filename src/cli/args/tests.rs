use super::*;
use crate::problem::runs::words;

#[test]
fn every_command_stands_in_one_group_of_the_help() {
    let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    let shown = command();
    let shown = shown.get_subcommands().filter(|c| !c.is_hide_set());
    let mut known: Vec<String> = shown.map(|c| c.get_name().to_owned()).collect();
    grouped.sort_unstable();
    known.sort_unstable();
    assert_eq!(grouped, known);
}

#[test]
fn the_declaration_is_sound() {
    command().debug_assert();
}

fn promote(words: &[&str]) -> Result<PromoteArgs, clap::Error> {
    let args = ["stagegate", "promote", "prod"].iter().chain(words).map(Into::into);
    parse(args).map(|args| match args.command {
        Command::Promote(args) => args,
        other => panic!("{other:?}"),
    })
}

#[test]
fn a_command_acts_by_its_name_as_it_does_when_it_is_read() {
    let mut seen = std::collections::BTreeSet::new();
    for line in [
        "plan a",
        "promote a",
        "resume a",
        "pause a",
        "rollback a",
        "status a",
        "history a",
        "diff a b",
        "doctor a",
        "drift",
        "redeploy a",
        "canary set a 5%",
        "permission list a",
        "permission grant a",
        "permission prune a",
        "unlock a b",
        "gc a",
        "gc a --yes",
        "gc a --confirm a",
        "init a",
        "verify",
        "iam-policy read --target a",
        "logs a",
        "versions a",
        "demo",
        "gate replay a",
        "help",
        "explain",
        "completion bash",
        "man",
        "schema config",
        "settle a",
        "action",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let read = parse(std::iter::once("stagegate").chain(words.iter().copied()).map(Into::into)).unwrap();
        let by_name = acts_by_name(&words[..words.len().min(2)], |flag| words.contains(&flag));
        assert_eq!(by_name, read.command.acts(), "{line}");
        seen.insert(words[0].to_owned());
    }
    let all: std::collections::BTreeSet<String> =
        command().get_subcommands().map(|one| one.get_name().to_owned()).collect();
    assert_eq!(seen, all);
}

#[test]
fn the_flags_of_a_canary_are_repeated_as_a_shell_reads_them() {
    let repeated = |words: &[&str]| promote(words).unwrap().repeated();
    assert_eq!(repeated(&[]), "");
    assert_eq!(repeated(&["--canary", "5% 10m", "--canary-mode", "stage"]), " --canary '5% 10m' --canary-mode stage");
    assert_eq!(repeated(&["--preset=LambdaAllAtOnce"]), " --preset LambdaAllAtOnce");
}

/// A value that each flag takes.
const VALUES: [(&str, &str); 14] = [
    ("function-version", "40"),
    ("permission-settle", "7s"),
    ("pace", "full"),
    ("canary", "5% 10m, 25% 10m"),
    ("preset", "Canary10Percent5Minutes"),
    ("canary-mode", "stage"),
    ("override-gate", "it's known"),
    ("until", "canary:5%"),
    ("on-interrupt", "hold"),
    ("prompt-timeout", "5m"),
    ("plan", "my plans/prod.json"),
    ("expect-plan", "p-1"),
    ("confirm", "prod"),
    ("out", "my plans/prod.json"),
];

/// Every flag of its own that a command knows is repeated so that the same is read again, but for `others`.
fn all_but(name: &str, others: &[&str], repeated: impl Fn(&Command) -> String) {
    let known = command();
    let known = known.find_subcommand(name).unwrap();
    let read = |words: &[String]| {
        let words = ["stagegate".to_owned(), name.to_owned(), "prod".to_owned()].into_iter().chain(words.to_vec());
        parse(words.map(Into::into)).unwrap().command
    };
    let flags: Vec<&str> = known.get_arguments().filter_map(clap::Arg::get_long).collect();
    assert!(others.iter().all(|other| flags.contains(other)), "{others:?}: {flags:?}");
    for flag in flags.iter().filter(|flag| !others.contains(flag)) {
        let arg = known.get_arguments().find(|arg| arg.get_long() == Some(*flag)).unwrap();
        let value = arg.get_action().takes_values().then(|| {
            let found = VALUES.iter().find(|(known, _)| known == flag);
            found.unwrap_or_else(|| panic!("say a value of --{flag} here, and repeat it")).1.to_owned()
        });
        let given = read(&std::iter::once(format!("--{flag}")).chain(value).collect::<Vec<_>>());
        let printed = repeated(&given);
        let again = read(&words(&printed).unwrap());
        assert!(printed.starts_with(&format!(" --{flag}")), "--{flag} is lost: {printed}");
        assert_eq!(format!("{again:?}"), format!("{given:?}"), "{printed}");
    }
}

#[test]
fn decision_a_printed_command_promotes_what_was_asked_for_whatever_flag_asked() {
    all_but("promote", &["yes", "confirm"], |command| match command {
        Command::Promote(args) => args.repeated(),
        _ => String::new(),
    });
    all_but("resume", &["confirm"], |command| match command {
        Command::Resume(args) => args.repeated_with(&args.canary, args.until),
        _ => String::new(),
    });
    all_but("plan", &["out", "detailed-exitcode"], |command| match command {
        Command::Plan(args) => args.exactly("p-2").replacen(" --expect-plan p-2", "", 1),
        _ => String::new(),
    });
}

#[test]
fn flags_together_are_repeated_together() {
    let words = ["--function-version", "40", "--until", "canary:5%", "--on-interrupt", "hold", "--canary", "5% 10m"];
    let given = promote(&words).unwrap();
    assert_eq!(given.repeated(), " --function-version 40 --canary '5% 10m' --until canary:5% --on-interrupt hold");
    let stop = "canary:1%".parse().unwrap();
    assert!(
        given.repeated_until(stop).contains(" --until canary:1% ") && !given.repeated_until(stop).contains("5% --")
    );
    let stored =
        parse(["stagegate", "plan", "prod", "--out", "my plan.json", "--pace", "full"].map(Into::into)).unwrap();
    let Command::Plan(stored) = stored.command else { panic!("{stored:?}") };
    assert_eq!(stored.exactly("p-2"), " --plan 'my plan.json' --pace full");
}

#[test]
fn what_cannot_be_meant_together_is_refused() {
    for words in [
        &["--canary", "none", "--preset", "AllAtOnce"][..],
        &["--canary-mode", "none"],
        &["--override-gate", ""],
        &["--override-gate", "  "],
        &["--plan", "plan.json", "--override-gate", "why"],
        &["--until", "promote"],
        &["--until", "alias:5%"],
        &["--until", "canary:0%"],
        &["--until", "canary:100%"],
        &["--plan", "plan.json", "--canary", "none"],
        &["--plan", "plan.json", "--preset", "AllAtOnce"],
        &["--plan", "plan.json", "--canary-mode", "alias"],
    ] {
        let refused = promote(words).expect_err(&words.join(" "));
        assert_eq!(refused.exit_code(), 2, "{words:?}");
    }
}

fn rollback(words: &[&str]) -> Result<RollbackArgs, clap::Error> {
    let args = ["stagegate", "rollback", "prod"].iter().chain(words).map(Into::into);
    parse(args).map(|args| match args.command {
        Command::Rollback(args) => args,
        other => panic!("{other:?}"),
    })
}

#[test]
fn the_reason_of_a_rollback_is_one_bounded_line_and_a_blank_one_is_none() {
    let reason = |text: &str| rollback(&["--reason", text]).unwrap().reason().map(str::to_owned);
    let said = reason(" refunds\r\n::error title=x::fail\u{1b}[31m \u{202e}now\u{200b} ");
    assert_eq!(said.as_deref(), Some("refunds ::error title=x::fail [31m now"));
    assert_eq!(reason(&"word ".repeat(500)).map(|text| text.chars().count()), Some(199));
    assert_eq!([reason(""), reason(" \t\n"), reason("\u{feff}")], [None, None, None]);
    assert_eq!(rollback(&["--reason", "it's bad"]).unwrap().repeated(), " --reason 'it'\\''s bad'");
}

#[test]
fn the_version_to_go_back_to_is_written_as_it_is_shown() {
    assert_eq!(["40", "v40", " 40\n"].map(|text| rollback(&["--to", text]).unwrap().to), [Some(40); 3]);
    for text in ["0", "", "latest", "-1", "+4", "4.0", "40; rm -rf /"] {
        assert_eq!(rollback(&["--to", text]).expect_err(text).exit_code(), 2, "{text}");
    }
}
