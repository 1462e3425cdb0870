//! `help`: a command as `--help` shows it, or a topic. Offline.

mod block;
mod environment;
mod topics;

use self::block::render;
pub use self::topics::{Topic, topics};
use super::App;
use super::args::{HelpArgs, command, command_at};
use super::end::End;
use crate::config::did_you_mean;
use crate::problem::{Code, Problem};
use crate::report::Shape;

/// Prints it.
pub fn run(app: &App, args: &HelpArgs) -> Result<End, Problem> {
    let (name, text) = match args.what.as_slice() {
        [] => (None, of_command(app, command_at(app.term().width))),
        [word] => match Topic::named(word) {
            Some(topic) => (Some(word.clone()), render(&topic.blocks(), app.term().width)),
            None => (Some(word.clone()), below(app, &args.what)?),
        },
        words => (Some(words.join(" ")), below(app, words)?),
    };
    match app.reporter.shape() {
        Shape::Human => app.reporter.data(&text),
        Shape::Document | Shape::Events => {
            let topics: Vec<&str> = topics().collect();
            let document =
                serde_json::json!({ "schema": "stagegate.help/1.0", "about": name, "text": text, "topics": topics });
            app.reporter.data(&format!("{document:#}\n"));
        }
    }
    Ok(End::done())
}

fn below(app: &App, words: &[String]) -> Result<String, Problem> {
    // Building gives every command its full name and the flags that it inherits.
    let mut whole = command();
    whole.build();
    Ok(of_command(app, find(&whole, words)?.clone()))
}

fn of_command(app: &App, command: clap::Command) -> String {
    command.term_width(app.term().width).render_help().to_string()
}

/// The command that these words name, below the whole.
///
/// # Errors
/// There is none; what is near is named.
pub fn find<'c>(whole: &'c clap::Command, words: &[String]) -> Result<&'c clap::Command, Problem> {
    let mut at = whole;
    for word in words {
        at = at.find_subcommand(word).ok_or_else(|| unknown(at, word))?;
    }
    Ok(at)
}

fn unknown(at: &clap::Command, word: &str) -> Problem {
    let shown = at.get_subcommands().filter(|below| !below.is_hide_set()).map(clap::Command::get_name);
    let top = at.get_name() == "stagegate";
    let known: Vec<String> = shown.map(str::to_owned).chain(topics().filter(|_| top).map(str::to_owned)).collect();
    let what = match top {
        true => format!("there is no command and no topic `{word}`"),
        false => format!("there is no command `{word}` below `{}`", at.get_name()),
    };
    let problem = Problem::new(Code::BadArguments, what);
    let problem =
        if known.is_empty() { problem } else { problem.why(did_you_mean(word, known.iter().map(String::as_str))) };
    problem.fix("list them: stagegate help")
}

#[cfg(test)]
mod tests;
