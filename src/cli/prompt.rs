//! Asking a person. A prompt runs on a thread of its own, so that signals are heard while it waits; Ctrl-C and Esc in it
//! mean: stop, nothing was changed.

use std::io::IsTerminal as _;
use std::process::{Command, Stdio};

use dialoguer::theme::SimpleTheme;
use dialoguer::{Input, Select};

use super::App;
use crate::problem::{Code, Exit, Problem};

/// Yes or no, typed and sent with Enter; Enter alone takes the default, and what is neither is no.
pub async fn confirm(app: &App, question: &str, default: bool) -> Result<bool, Problem> {
    let typed = line(app, &format!("{question} [{}]", if default { "Y/n" } else { "y/N" })).await?;
    Ok(match typed.trim().to_ascii_lowercase().as_str() {
        "" => default,
        typed => ["y", "yes"].contains(&typed),
    })
}

/// A line that a person types.
pub async fn line(app: &App, question: &str) -> Result<String, Problem> {
    let question = app.term().fit(question);
    ask(app, move || Input::with_theme(&SimpleTheme).with_prompt(question).allow_empty(true).interact_text()).await
}

/// One of several; `None` when a person leaves.
pub async fn select(app: &App, question: &str, items: Vec<String>) -> Result<Option<usize>, Problem> {
    let question = app.term().fit(question);
    let items: Vec<String> = items.iter().map(|item| app.term().fit(item)).collect();
    ask(app, move || Select::with_theme(&SimpleTheme).with_prompt(question).items(&items).default(0).interact_opt())
        .await
}

async fn ask<T: Send + 'static>(
    app: &App,
    prompt: impl FnOnce() -> dialoguer::Result<T> + Send + 'static,
) -> Result<T, Problem> {
    app.reporter.clear();
    match tokio::task::spawn_blocking(prompt).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => {
            give_back_terminal();
            Err(left().why(error.to_string()))
        }
        Err(error) => Err(Problem::new(Code::Internal, "the prompt failed").why(error.to_string())),
    }
}

/// Nobody said yes.
pub fn left() -> Problem {
    Problem::new(Code::Interrupted, "stopped at the prompt, nothing was changed").exit(Exit::Interrupted)
}

/// Something else was typed than the name.
pub fn mistyped(name: &str) -> Problem {
    Problem::new(Code::ConfirmationMissing, format!("that is not {name}, nothing was changed"))
        .why("the confirmation is the target's name, so that the wrong one is never promoted")
}

/// Shows the cursor again and ends the raw mode of a prompt that was left by a signal.
pub fn give_back_terminal() {
    let term = console::Term::stderr();
    if !term.is_term() {
        return;
    }
    let _ = term.show_cursor();
    if std::io::stdin().is_terminal() {
        let _ = Command::new("stty").arg("sane").stderr(Stdio::null()).stdout(Stdio::null()).status();
    }
}
