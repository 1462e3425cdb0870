//! Keys, read without waiting while a release runs. Ctrl-C stays a signal. The terminal is given back as it was.

use std::cell::Cell;
use std::io::IsTerminal as _;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::stdio::stdin;

use super::tty;

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A character.
    Char(char),
    /// Enter.
    Enter,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Esc.
    Escape,
    /// The key that takes a character back.
    Backspace,
}

/// The keyboard of the terminal that standard input is.
#[derive(Debug)]
pub struct Keyboard {
    /// Keys come with Enter only, and are shown as they are typed: for people who do not want anything redrawn.
    by_line: bool,
    /// There is nothing more to read.
    gone: Cell<bool>,
}

impl Keyboard {
    /// None where standard input is no terminal.
    pub fn open(by_line: bool) -> Option<Self> {
        let keyboard = Self { by_line, gone: Cell::new(false) };
        std::io::stdin().is_terminal().then_some(keyboard)
    }

    /// Whether anybody can press a key now: not in the background, and not once the terminal has gone.
    pub fn is_there(&self) -> bool {
        !self.gone.get() && tty::is_foreground()
    }

    /// Whether keys come with Enter only.
    pub const fn is_by_line(&self) -> bool {
        self.by_line
    }

    /// What was pressed since the last time.
    pub fn pressed(&self) -> Vec<Key> {
        // In the background a look at the terminal would stop the process.
        if !self.is_there() {
            return Vec::new();
        }
        if !self.by_line {
            tty::take_keys();
        }
        let (mut bytes, mut buffer) = (Vec::new(), [0; 64]);
        while is_ready() {
            match rustix::io::read(stdin(), &mut buffer) {
                Ok(count @ 1..) => bytes.extend_from_slice(&buffer[..count]),
                Ok(_) | Err(_) => {
                    self.gone.set(true);
                    break;
                }
            }
        }
        decode(&bytes)
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        tty::give_back();
    }
}

fn is_ready() -> bool {
    let mut streams = [PollFd::from_borrowed_fd(stdin(), PollFlags::IN)];
    poll(&mut streams, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}

/// The keys that bytes of a terminal stand for; sequences of others are left out.
fn decode(bytes: &[u8]) -> Vec<Key> {
    let text = String::from_utf8_lossy(bytes);
    let mut rest = text.chars().peekable();
    let mut keys = Vec::new();
    while let Some(char) = rest.next() {
        match char {
            '\n' | '\r' => keys.push(Key::Enter),
            '\u{7f}' | '\u{8}' => keys.push(Key::Backspace),
            '\u{1b}' if matches!(rest.peek(), Some('[' | 'O')) => {
                rest.next();
                // Parameters come before the letter that ends a sequence.
                let last = rest.by_ref().find(|char| !char.is_ascii_digit() && *char != ';');
                keys.extend(match last {
                    Some('A') => Some(Key::Up),
                    Some('B') => Some(Key::Down),
                    _ => None,
                });
            }
            '\u{1b}' => keys.push(Key::Escape),
            char if !char.is_control() => keys.push(Key::Char(char)),
            _ => {}
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_told_from_escape_and_others_are_no_keys() {
        use Key::{Char, Down, Enter, Escape, Up};
        assert_eq!(decode(b"p\r"), [Char('p'), Enter]);
        assert_eq!(decode(b"\x1b[A\x1bOB\x1b"), [Up, Down, Escape]);
        assert_eq!(decode(b"\x1b[15~r\x1b[1;5Cf"), [Char('r'), Char('f')], "function keys and Ctrl-arrows");
        assert_eq!(decode("ü\t\x00\x7f".as_bytes()), [Char('ü'), Key::Backspace]);
    }
}
