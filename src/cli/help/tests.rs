use super::block::Block;
use super::*;
use crate::cli::args;

fn screen(name: &str, width: usize) -> String {
    render(&Topic::named(name).unwrap().blocks(), width)
}

#[test]
fn every_topic_at_the_usual_width_and_at_narrow_ones() {
    for name in topics() {
        let at = |width: usize| format!("-- {width}\n{}", screen(name, width));
        insta::assert_snapshot!(format!("topic_{name}"), [at(88), at(60), at(40)].join("\n"));
    }
}

/// The command lines of the topics: those that stand alone, and those within the text.
fn commands() -> Vec<String> {
    let of = |block: &Block| -> Vec<String> {
        match block {
            Block::Command(line, _) => vec![(*line).to_owned()],
            Block::Text(text) => text.split('`').skip(1).step_by(2).map(str::to_owned).collect(),
            Block::Head(_) | Block::Row(..) => Vec::new(),
        }
    };
    let all = topics().flat_map(|name| Topic::named(name).unwrap().blocks());
    all.flat_map(|block| of(&block)).filter(|line| line.starts_with("stagegate ")).collect()
}

#[test]
fn every_command_of_a_topic_is_one() {
    let commands = commands();
    assert!(commands.len() > 30, "{}", commands.len());
    for line in commands {
        let words = line.split_whitespace().map(|word| word.trim_matches('\'').to_owned());
        let read = args::command().try_get_matches_from(words);
        assert!(read.is_ok(), "{line}: {}", read.unwrap_err());
    }
}

#[test]
fn only_a_command_is_wider_than_the_screen() {
    for name in topics() {
        for width in [40, 60, 88, 110] {
            for line in screen(name, width).lines().filter(|line| line.chars().count() > width) {
                let word = line.trim();
                let is_whole = ["stagegate ", "aws ", "https://"].iter().any(|start| word.starts_with(start));
                assert!(is_whole, "{name} at {width}: {line}");
            }
        }
    }
}

#[test]
fn every_variable_that_is_read_is_told() {
    let told = screen("environment", 110);
    for name in ["STAGEGATE_REGION", "STAGEGATE_YES", "STAGEGATE_PERMISSION_SETTLE", "STAGEGATE_STATE_DIR", "NO_COLOR"]
    {
        assert!(told.contains(name), "{name}");
    }
}

#[test]
fn what_is_unknown_is_refused_with_what_is_near() {
    let mut whole = command();
    whole.build();
    let of = |words: &[&str]| find(&whole, &words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    assert_eq!(of(&["canary", "set"]).unwrap().get_name(), "set");
    let near = of(&["exitcodes"]).unwrap_err();
    assert_eq!(near.code, Code::BadArguments);
    assert!(near.why[0].contains("`exit-codes`"), "{near:?}");
    assert!(of(&["canary", "sett"]).unwrap_err().why[0].contains("`set`"));
    assert!(of(&["status", "now"]).unwrap_err().why.is_empty());
}
