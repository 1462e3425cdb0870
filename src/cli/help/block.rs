//! What a topic is made of, and how that is laid out.

use std::borrow::Cow;

use crate::report::text::field;

/// A part of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// What follows is about this.
    Head(&'static str),
    /// A paragraph.
    Text(Cow<'static, str>),
    /// A word and what it means.
    Row(Cow<'static, str>, Cow<'static, str>),
    /// A command line that can be pasted, and what it does.
    Command(&'static str, &'static str),
}

/// A paragraph.
pub const fn text(text: &'static str) -> Block {
    Block::Text(Cow::Borrowed(text))
}

/// A word and what it means.
pub const fn row(word: &'static str, means: &'static str) -> Block {
    Block::Row(Cow::Borrowed(word), Cow::Borrowed(means))
}

/// Columns from which what a word means stands below it instead of beside it.
const BESIDE_MAX: usize = 28;
/// Narrower than this, it always does.
const NARROW: usize = 56;

/// The text: lines of at most `width` characters, except where a command would be broken.
pub fn render(blocks: &[Block], width: usize) -> String {
    let mut out = String::new();
    for (at, block) in blocks.iter().enumerate() {
        let same = at > 0 && std::mem::discriminant(&blocks[at - 1]) == std::mem::discriminant(block);
        let begins = at > 0 && !matches!(blocks[at - 1], Block::Head(_)) && (!same || matches!(block, Block::Text(_)));
        if begins {
            out.push('\n');
        }
        match block {
            Block::Head(head) => out.push_str(&field("", head, width)),
            Block::Text(text) => out.push_str(&field("  ", text, width)),
            Block::Row(word, means) => out.push_str(&pair(word, means, column(blocks, at, width), width)),
            Block::Command(line, does) => out.push_str(&pair(line, does, column(blocks, at, width), width)),
        }
    }
    out
}

/// Where the meanings start of the rows, or commands, that stand together; 0 where they stand below.
fn column(blocks: &[Block], at: usize, width: usize) -> usize {
    let kind = std::mem::discriminant(&blocks[at]);
    let alike = |block: &&Block| std::mem::discriminant(*block) == kind;
    let before = blocks[..at].iter().rev().take_while(alike);
    let widest = before.chain(blocks[at..].iter().take_while(alike)).map(first).max().unwrap_or_default();
    if width < NARROW || (widest > BESIDE_MAX && widest * 2 > width) { 0 } else { widest + 4 }
}

fn first(block: &Block) -> usize {
    match block {
        Block::Row(word, _) => word.chars().count(),
        Block::Command(line, _) => line.chars().count(),
        Block::Head(_) | Block::Text(_) => 0,
    }
}

fn pair(word: &str, means: &str, column: usize, width: usize) -> String {
    match column {
        0 => format!("  {word}\n{}", field("      ", means, width)),
        column => field(&format!("  {word:<0$}", column - 2), means, width),
    }
}
