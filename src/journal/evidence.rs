//! What the gate was given, taken out of a journal: the lines that `gate replay` reads.

use super::{Entry, Line};

/// The recording in a text that is a journal; `None` when the text is none. A process that took a release up records
/// again from the start line on, so the whole is one recording all the same.
pub fn evidence(text: &str) -> Option<String> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty()).peekable();
    let first: serde_json::Value = serde_json::from_str(lines.peek()?).ok()?;
    if first.get("entry").is_none() || first.get("seq").is_none() {
        return None;
    }
    // A line that a crash tore was never durable, and one of another kind is no evidence.
    let entries = lines.filter_map(|line| serde_json::from_str::<Line>(line).ok());
    let recorded = entries.filter_map(|line| match line.entry {
        Entry::Evidence { lines, .. } => Some(lines),
        _ => None,
    });
    Some(recorded.flatten().map(|line| line + "\n").collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Ending;

    fn line(seq: u64, entry: Entry) -> String {
        let at = "2026-11-21T14:00:00Z".parse().unwrap();
        serde_json::to_string(&Line { v: 1, seq, at, entry }).unwrap() + "\n"
    }

    #[test]
    fn the_evidence_comes_out_as_it_was_given_and_a_recording_is_no_journal() {
        let recorded = |texts: &[&str]| Entry::Evidence {
            lines: texts.iter().map(ToString::to_string).collect(),
            p99: Vec::new(),
        };
        let journal = line(0, recorded(&[r#"{"type":"start"}"#, r#"{"now":0}"#]))
            + &line(1, Entry::TakenUp { newest_write: None })
            + &line(2, recorded(&[r#"{"now":1}"#]));
        let torn = &journal[..journal.len() - 4];
        assert_eq!(evidence(&journal).as_deref(), Some("{\"type\":\"start\"}\n{\"now\":0}\n{\"now\":1}\n"));
        assert_eq!(evidence(torn).as_deref(), Some("{\"type\":\"start\"}\n{\"now\":0}\n"));
        assert_eq!(evidence(&line(0, Entry::Closed { ending: Ending::Promoted })).as_deref(), Some(""));
        assert_eq!(evidence("{\"type\":\"start\"}\n"), None);
        assert_eq!(evidence(""), None);
    }
}
