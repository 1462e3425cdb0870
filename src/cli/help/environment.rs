//! The topic `environment`: the variables that count, from the declarations that read them.

use std::collections::BTreeMap;

use super::block::{Block, row, text};
use crate::cli::args::command;
use crate::config::setting_variables;

/// Variables that no flag and no setting stands for.
const OTHERS: [(&str, &str); 10] = [
    ("STAGEGATE_ACCESSIBLE", "nothing is redrawn in place, as with --progress plain"),
    ("STAGEGATE_STATE_DIR", "where the journals are; else $XDG_STATE_HOME/stagegate, else ~/.local/state/stagegate"),
    ("STAGEGATE_GIT_SHA", "{git_sha} of publish.description; else GITHUB_SHA"),
    ("STAGEGATE_GIT_TAG", "{git_tag} of publish.description; else GITHUB_REF_NAME"),
    ("STAGEGATE_GITHUB_SUMMARY", "the summary of a GitHub job: always, on-failure or never"),
    ("STAGEGATE_GITHUB_ANNOTATIONS", "annotations of a GitHub job: true or false"),
    ("STAGEGATE_COMMAND", "what the Action runs, with the next three: its inputs come as variables"),
    ("STAGEGATE_TARGET", "what it is about"),
    ("STAGEGATE_UNTIL", "where promote and resume stop"),
    ("STAGEGATE_ARGS", "further arguments, one a line"),
];

/// Variables of other tools that are honoured as those tools mean them.
const HONOURED: [(&str, &str); 11] = [
    ("AWS_*", "credentials, profile, region and endpoint, found as the aws CLI finds them"),
    ("NO_COLOR", "no colour; stronger than the next two, weaker than --color"),
    ("CLICOLOR_FORCE, FORCE_COLOR", "colour also where there is no terminal; 0 is unset"),
    ("TERM=dumb", "no colour, nothing redrawn"),
    ("COLUMNS", "the width, 40 to 110"),
    ("LC_ALL, LC_CTYPE, LANG", "the first that is set decides whether more than ASCII is shown: UTF-8"),
    ("CI", "nobody is asked, unless it is false or 0"),
    ("GITHUB_ACTIONS", "true: a GitHub job, with groups, annotations, summary and outputs, unless --no-github"),
    ("GITHUB_OUTPUT", "the file for the outputs of the step"),
    ("GITHUB_STEP_SUMMARY", "the file for its summary"),
    ("GITHUB_RUN_ID", "with GITHUB_REPOSITORY: the run that a release belongs to, for settle"),
];

/// The topic.
pub fn blocks() -> Vec<Block> {
    let mut blocks = vec![
        Block::Head("Environment variables"),
        text(
            "A flag wins over its STAGEGATE_ variable, that over the configuration file, that over the AWS_ variable. An \
             ARN or URL that names its region and account wins over all of them. An empty STAGEGATE_ variable is unset. \
             -v shows where each setting comes from.",
        ),
        Block::Head("In place of flags"),
    ];
    blocks.extend(flags().into_iter().map(|(name, flag)| Block::Row(name.into(), flag.into())));
    blocks.push(Block::Head("Others of stagegate"));
    blocks.extend(OTHERS.map(|(name, does)| row(name, does)));
    blocks.push(Block::Head("Honoured as they are"));
    blocks.extend(HONOURED.map(|(name, does)| row(name, does)));
    blocks
}

/// Variables that stand for flags, with those of AWS that come after them.
fn flags() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    of_command(&command(), &mut found);
    for (flag, ours, theirs) in setting_variables() {
        let after = if theirs.is_empty() { String::new() } else { format!("; then {}", theirs.join(", ")) };
        found.insert(ours.to_owned(), format!("{flag}{after}"));
    }
    found
}

fn of_command(command: &clap::Command, found: &mut BTreeMap<String, String>) {
    for arg in command.get_arguments() {
        if let (Some(name), Some(flag)) = (arg.get_env(), arg.get_long()) {
            found.insert(name.to_string_lossy().into_owned(), format!("--{flag}"));
        }
    }
    command.get_subcommands().for_each(|below| of_command(below, found));
}
