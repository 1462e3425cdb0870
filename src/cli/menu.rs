//! A choice among a few: keys in, lines out. Pure.

use super::keyboard::Key;
use crate::report::text::field;

/// One that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// A word or two.
    pub label: &'static str,
    /// What it does.
    pub does: String,
}

/// The choice, and where the mark is.
#[derive(Debug)]
pub struct Menu {
    items: Vec<Item>,
    at: usize,
    /// What Esc chooses.
    escape: Option<usize>,
    /// Chosen by a number and Enter, nothing is redrawn.
    typed: Option<String>,
}

impl Menu {
    /// With the mark on the first.
    pub fn new(items: Vec<Item>, escape: Option<usize>, by_line: bool) -> Self {
        Self { items, at: 0, escape, typed: by_line.then(String::new) }
    }

    /// Takes a key; answers what was chosen by it.
    pub fn press(&mut self, key: Key) -> Option<usize> {
        if let Some(typed) = &mut self.typed {
            let text = match key {
                Key::Char(char) => {
                    typed.push(char);
                    return None;
                }
                Key::Enter => std::mem::take(typed),
                _ => return None,
            };
            return self.named(text.trim());
        }
        let count = self.items.len();
        match key {
            Key::Enter => return Some(self.at),
            Key::Escape => return self.escape,
            Key::Up | Key::Char('k') => self.at = (self.at + count - 1) % count,
            Key::Down | Key::Char('j') => self.at = (self.at + 1) % count,
            Key::Backspace => {}
            Key::Char(char) => {
                self.at = char.to_digit(10).and_then(|n| self.place(n as usize)).unwrap_or(self.at);
            }
        }
        None
    }

    /// An empty line is the first; anything else that is no number chooses nothing.
    fn named(&self, text: &str) -> Option<usize> {
        if text.is_empty() { Some(0) } else { self.place(text.parse().ok()?) }
    }

    fn place(&self, number: usize) -> Option<usize> {
        (1..=self.items.len()).contains(&number).then(|| number - 1)
    }

    /// The lines: with a mark, or with numbers.
    pub fn lines(&self, width: usize) -> String {
        let room = self.items.iter().map(|item| item.label.chars().count()).max().unwrap_or_default();
        let mut out = String::new();
        for (at, Item { label, does }) in self.items.iter().enumerate() {
            let head = match &self.typed {
                Some(_) => format!("  {}  {label:<room$}   ", at + 1),
                None => format!("  {} {label:<room$}   ", if at == self.at { '>' } else { ' ' }),
            };
            out += &field(&head, does, width);
        }
        out
    }

    /// What was chosen, as it is repeated.
    pub fn label(&self, at: usize) -> &'static str {
        self.items.get(at).map_or("", |item| item.label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn menu(by_line: bool) -> Menu {
        let item = |label, does: &str| Item { label, does: does.to_owned() };
        let items = vec![
            item("Roll back", "live → v41 (100%), about 1 s"),
            item("Hold", "stay at 25% and keep watching"),
            item("Leave", "exit and keep 25%; later: stagegate resume prod"),
        ];
        Menu::new(items, Some(2), by_line)
    }

    fn chosen(by_line: bool, keys: &str) -> Option<usize> {
        let mut menu = menu(by_line);
        let key = |char| match char {
            '↓' => Key::Down,
            '↑' => Key::Up,
            '⏎' => Key::Enter,
            '⎋' => Key::Escape,
            char => Key::Char(char),
        };
        keys.chars().find_map(|char| menu.press(key(char)))
    }

    #[test]
    fn arrows_letters_and_numbers_move_the_mark_and_enter_takes_it() {
        for (keys, at) in
            [("⏎", Some(0)), ("↓⏎", Some(1)), ("↑⏎", Some(2)), ("jjj⏎", Some(0)), ("k3⏎", Some(2)), ("⎋", Some(2))]
        {
            assert_eq!(chosen(false, keys), at, "{keys}");
        }
        assert_eq!(chosen(false, "p7x↓"), None, "nothing is chosen without Enter");
    }

    #[test]
    fn by_line_a_number_is_typed_and_nonsense_chooses_nothing() {
        for (keys, at) in
            [("⏎", Some(0)), ("2⏎", Some(1)), ("4⏎", None), ("yes⏎", None), (" 3 ⏎", Some(2)), ("⎋", None)]
        {
            assert_eq!(chosen(true, keys), at, "{keys}");
        }
        assert_eq!(chosen(true, "9⏎2⏎"), Some(1), "and can be typed again");
    }

    #[test]
    fn the_lines_are_marked_or_numbered() {
        insta::assert_snapshot!(format!("{}\n{}", menu(false).lines(60), menu(true).lines(44)));
    }
}
