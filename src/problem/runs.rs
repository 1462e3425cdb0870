//! Whether a command that is printed can be run as it is printed. For tests: those of the library read every fix that a
//! problem gets, those over the sources every text that holds a command.

use clap::Command;

/// What a printed command may hold for a person to fill in, and what it is tried with.
const FILLED_IN: [(&str, &str); 9] = [
    ("N", "41"),
    ("NUMBER", "41"),
    ("PERCENT", "5%"),
    ("FILE", "file.json"),
    ("TARGET", "prod"),
    ("NAME", "prod"),
    ("ID", "k5m8ra"),
    ("RUN", "r-01JD3K7Q4T0000000000000000"),
    ("STEP", "alias"),
];

/// Reads a command line as the program would.
///
/// # Errors
/// What the program would say of it.
pub fn parses(program: Command, line: &str) -> Result<(), String> {
    let words = words(line).ok_or_else(|| format!("`{line}` is not one plain command line"))?;
    let fill = |word: String| {
        let known = FILLED_IN.iter().find(|(name, _)| *name == word);
        known.map_or(word, |(_, sample)| (*sample).to_owned())
    };
    let words: Vec<String> = words.into_iter().map(fill).collect();
    match program.try_get_matches_from(words) {
        Ok(_) => Ok(()),
        Err(error) if !error.use_stderr() => Ok(()),
        Err(error) => Err(format!("`{line}` does not run: {error}")),
    }
}

/// The words of a command line as a shell splits it; `None` where a quote stays open. Nothing is expanded, so a text that
/// a shell would expand must stand in quotes.
pub fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let (mut word, mut quote): (Option<String>, Option<char>) = (None, None);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, ' ') => words.extend(word.take()),
            (None, '$' | ';' | '&' | '|' | '<' | '>' | '*' | '(' | ')') => return None,
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word.take());
    quote.is_none().then_some(words)
}
