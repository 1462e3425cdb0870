//! Asking a person. A prompt runs on a thread of its own, so that signals are heard while it waits; Ctrl-C and Esc in it
//! mean: stop, nothing was changed.

use dialoguer::theme::Theme;
use dialoguer::{MultiSelect, Select};

use super::{App, line as typing, tty};
use crate::problem::{Code, Exit, Problem};
use crate::report::Progress;
use crate::report::text::cut;

/// Yes or no, typed and sent with Enter; Enter alone takes the default, and what is neither is no.
pub async fn confirm(app: &App, question: &str, default: bool) -> Result<bool, Problem> {
    let typed = line(app, &format!("{question} [{}]", if default { "Y/n" } else { "y/N" })).await?;
    Ok(match typed.trim().to_ascii_lowercase().as_str() {
        "" => default,
        typed => ["y", "yes"].contains(&typed),
    })
}

/// A line that a person types; leaving is no answer.
pub async fn line(app: &App, question: &str) -> Result<String, Problem> {
    let question = app.term().fit(question);
    ask(app, "", move || Ok(typing::read(&question)?)).await?.ok_or_else(left)
}

/// As it is drawn for a list.
struct Plainly;

impl Theme for Plainly {
    fn format_prompt(&self, f: &mut dyn std::fmt::Write, prompt: &str) -> std::fmt::Result {
        f.write_str(&typing::asking(prompt))
    }

    fn format_input_prompt_selection(
        &self,
        f: &mut dyn std::fmt::Write,
        prompt: &str,
        chosen: &str,
    ) -> std::fmt::Result {
        write!(f, "{} {chosen}", typing::asking(prompt))
    }

    fn format_multi_select_prompt_selection(
        &self,
        f: &mut dyn std::fmt::Write,
        prompt: &str,
        chosen: &[&str],
    ) -> std::fmt::Result {
        write!(f, "{} {}", typing::asking(prompt), chosen.join(", "))
    }
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
        let question = format!("Type y = {enter}{others}, n = leave");
        return loop {
            let typed = line(app, &question).await?;
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
    ask(app, &format!("? Enter = {enter}{others}, Esc = leave\n"), move || Ok(press(&offered)?)).await
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

/// One of several; `None` when a person leaves.
pub async fn select(app: &App, question: &str, items: Vec<String>) -> Result<Option<usize>, Problem> {
    let question = app.term().fit(question);
    // A line that the terminal breaks could not be taken away again.
    let room = app.term().width.saturating_sub(6);
    let items: Vec<String> = items.iter().map(|item| cut(&app.term().fit(item), room)).collect();
    if app.term().progress == Progress::Plain {
        return numbered(app, &question, &items).await;
    }
    ask(app, "", move || Select::with_theme(&Plainly).with_prompt(question).items(&items).default(0).interact_opt())
        .await
}

/// One line; Enter takes the default.
pub async fn input(app: &App, question: &str, default: &str) -> Result<String, Problem> {
    let typed = line(app, &format!("{question} [{default}]")).await?;
    Ok(if typed.is_empty() { default.to_owned() } else { typed.trim().to_owned() })
}

/// Some of several, all of them at first; `None` when a person leaves. Where nothing may be redrawn the items are numbered
/// and their numbers typed.
pub async fn several(app: &App, question: &str, items: Vec<String>) -> Result<Option<Vec<usize>>, Problem> {
    let items: Vec<String> = items.iter().map(|item| app.term().fit(item)).collect();
    if app.term().progress != Progress::Live {
        return several_numbered(app, question, &items).await.map(Some);
    }
    let question = app.term().fit(question);
    let all = vec![true; items.len()];
    ask(app, "", move || {
        MultiSelect::with_theme(&Plainly).with_prompt(question).items(&items).defaults(&all).interact_opt()
    })
    .await
}

async fn several_numbered(app: &App, question: &str, items: &[String]) -> Result<Vec<usize>, Problem> {
    for (at, item) in items.iter().enumerate() {
        app.reporter.say(&format!("  {} {item}\n", at + 1));
    }
    loop {
        let typed = input(app, &format!("{question} Numbers, or all"), "all").await?;
        match numbers(&typed, items.len()) {
            Some(chosen) => return Ok(chosen),
            None => app.reporter.say(&format!("write numbers from 1 to {}, such as 1 3, or all\n", items.len())),
        }
    }
}

/// The items as numbered lines, and a typed number; an empty line leaves.
async fn numbered(app: &App, question: &str, items: &[String]) -> Result<Option<usize>, Problem> {
    let lines = items.iter().enumerate().map(|(at, item)| format!("  {}  {item}\n", at + 1));
    app.reporter.say(&format!("{question}\n{}", lines.collect::<String>()));
    loop {
        let typed = line(app, "Type its number, or only Enter to leave").await?;
        match typed.trim().parse::<usize>() {
            Ok(number) if (1..=items.len()).contains(&number) => return Ok(Some(number - 1)),
            _ if typed.trim().is_empty() => return Ok(None),
            _ => app.reporter.say(&format!("  1 to {}, please\n", items.len())),
        }
    }
}

/// `1 3`, `1,3` or `all`, counted from 0 then; none if it is anything else or nothing.
fn numbers(typed: &str, most: usize) -> Option<Vec<usize>> {
    if typed.eq_ignore_ascii_case("all") {
        return Some((0..most).collect());
    }
    let words = typed.split([' ', ',']).filter(|word| !word.is_empty());
    let mut chosen = words
        .map(|word| word.parse::<usize>().ok().filter(|number| (1..=most).contains(number)).map(|number| number - 1))
        .collect::<Option<Vec<usize>>>()?;
    chosen.sort_unstable();
    chosen.dedup();
    (!chosen.is_empty()).then_some(chosen)
}

/// Shows a question, and waits for its answer.
async fn ask<T: Send + 'static>(
    app: &App,
    question: &str,
    prompt: impl FnOnce() -> dialoguer::Result<T> + Send + 'static,
) -> Result<T, Problem> {
    app.reporter.clear();
    if let Some(why) = app.silence() {
        return Err(left().why(why));
    }
    // Also what was typed while AWS was read: nobody could know the question.
    tty::discard_typed();
    tty::take_keys();
    if !question.is_empty() {
        app.reporter.say(question);
    }
    let answer = tokio::task::spawn_blocking(prompt).await;
    give_back_terminal();
    match answer {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(left().why(error.to_string())),
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

/// Ends the line of a question, shows the cursor again, and gives the terminal back as it was before a prompt.
pub fn give_back_terminal() {
    typing::end();
    let term = console::Term::stderr();
    if term.is_term() {
        let _ = term.show_cursor();
    }
    tty::give_back();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_type_them() {
        assert_eq!(numbers("3, 1 1", 3), Some(vec![0, 2]));
        assert_eq!(numbers("ALL", 2), Some(vec![0, 1]));
        for typed in ["", "0", "4", "1-2", "one", ","] {
            assert_eq!(numbers(typed, 3), None, "{typed}");
        }
    }
}
