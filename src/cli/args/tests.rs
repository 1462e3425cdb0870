use super::*;

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
    let repeated = |words: &[&str]| promote(words).unwrap().canary.repeated();
    assert_eq!(repeated(&[]), "");
    assert_eq!(repeated(&["--canary", "5% 10m", "--canary-mode", "stage"]), " --canary '5% 10m' --canary-mode stage");
    assert_eq!(repeated(&["--preset=LambdaAllAtOnce"]), " --preset LambdaAllAtOnce");
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
