//! Asking a person. A prompt runs on a thread of its own, so that signals are heard while it waits; Ctrl-C and Esc in it
//! mean: stop, nothing was changed.

use std::io::IsTerminal as _;
use std::process::{Command, Stdio};

use dialoguer::theme::SimpleTheme;
use dialoguer::{Confirm, Input, Select};

use super::App;
use crate::problem::{Code, Exit, Problem};
use crate::report::Progress;
use crate::report::text::cut;

/// Yes or no; Enter takes the default.
pub async fn confirm(app: &App, question: &str, default: bool) -> Result<bool, Problem> {
    let question = app.term().fit(question);
    ask(app, move || Confirm::with_theme(&SimpleTheme).with_prompt(question).default(default).interact_opt())
        .await
        .map(|answer| answer.unwrap_or(false))
}

/// Whether a person types this name.
pub async fn types(app: &App, question: &str, name: &str) -> Result<bool, Problem> {
    let (question, name) = (app.term().fit(question), name.to_owned());
    let typed = ask(app, move || line(question)).await?;
    Ok(typed.trim() == name)
}

/// What a person pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Enter.
    Enter,
    /// One of the letters that were offered.
    Letter(char),
    /// Esc, or Ctrl-C.
    Leave,
}

/// One key: Enter does what is named, each letter what stands with it, Esc leaves; any other key does nothing. Where
/// nothing is redrawn the answer is typed, and ends with Enter.
pub async fn key(app: &App, enter: &str, letters: &[(char, &str)]) -> Result<Key, Problem> {
    let offered: Vec<char> = letters.iter().map(|(letter, _)| *letter).collect();
    let others: String = letters.iter().map(|(letter, does)| format!(", {letter} = {does}")).collect();
    if app.term().progress == Progress::Plain {
        let question = app.term().fit(&format!("Type y = {enter}{others}, n = leave"));
        return loop {
            let question = question.clone();
            let typed = ask(app, move || line(question)).await?;
            match typed.trim().to_ascii_lowercase().as_str() {
                "y" | "yes" => break Ok(Key::Enter),
                "n" | "no" => break Ok(Key::Leave),
                other => match other.chars().next().filter(|letter| other.len() == 1 && offered.contains(letter)) {
                    Some(letter) => break Ok(Key::Letter(letter)),
                    None => continue,
                },
            }
        };
    }
    app.reporter.say(&format!("? Enter = {enter}{others}, Esc = leave\n"));
    ask(app, move || Ok(press(&offered)?)).await
}

/// Waits for a key that means something. Ctrl-C is a key here, so that it is not also a signal.
fn press(letters: &[char]) -> std::io::Result<Key> {
    let term = console::Term::stderr();
    if !term.is_term() {
        return Ok(Key::Leave);
    }
    loop {
        match term.read_key_raw()? {
            console::Key::Enter => return Ok(Key::Enter),
            console::Key::Escape | console::Key::CtrlC => return Ok(Key::Leave),
            console::Key::Char(letter) if letters.contains(&letter.to_ascii_lowercase()) => {
                return Ok(Key::Letter(letter.to_ascii_lowercase()));
            }
            _ => {}
        }
    }
}

/// A typed line.
fn line(question: String) -> dialoguer::Result<String> {
    Input::with_theme(&SimpleTheme).with_prompt(question).allow_empty(true).interact_text()
}

/// One of several; `None` when a person leaves.
pub async fn select(app: &App, question: &str, items: Vec<String>) -> Result<Option<usize>, Problem> {
    let question = app.term().fit(question);
    // A line that the terminal breaks could not be taken away again.
    let room = app.term().width.saturating_sub(6);
    let items: Vec<String> = items.iter().map(|item| cut(&app.term().fit(item), room)).collect();
    if app.term().progress == Progress::Plain {
        return numbered(app, &question, &items).await;
    }
    ask(app, move || Select::with_theme(&SimpleTheme).with_prompt(question).items(&items).default(0).interact_opt())
        .await
}

/// The items as numbered lines, and a typed number; an empty line leaves.
async fn numbered(app: &App, question: &str, items: &[String]) -> Result<Option<usize>, Problem> {
    let lines = items.iter().enumerate().map(|(at, item)| format!("  {}  {item}\n", at + 1));
    app.reporter.say(&format!("{question}\n{}", lines.collect::<String>()));
    loop {
        let typed = ask(app, move || line("Type its number, or only Enter to leave".into())).await?;
        match typed.trim().parse::<usize>() {
            Ok(number) if (1..=items.len()).contains(&number) => return Ok(Some(number - 1)),
            _ if typed.trim().is_empty() => return Ok(None),
            _ => app.reporter.say(&format!("  1 to {}, please\n", items.len())),
        }
    }
}

async fn ask<T: Send + 'static>(
    app: &App,
    prompt: impl FnOnce() -> dialoguer::Result<T> + Send + 'static,
) -> Result<T, Problem> {
    app.reporter.clear();
    if let Some(why) = app.silence() {
        return Err(left().why(why));
    }
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
