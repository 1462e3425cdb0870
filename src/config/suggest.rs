//! "Did you mean": the nearest of the words that would have been right.

/// The candidate that differs from `word` by few enough slips to be what was meant: one, or a third of its letters.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let most = (word.chars().count() / 3).max(1);
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(slips, _)| *slips <= most)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}

/// ``did you mean `alias`?``, or else the whole list of what would have been right.
pub fn did_you_mean<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str> + Clone) -> String {
    match nearest(word, candidates.clone()) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => {
            let list: Vec<&str> = candidates.into_iter().collect();
            if list.is_empty() { "there is none to choose from".into() } else { format!("one of: {}", list.join(", ")) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let keys = ["alias", "alias_variable", "api", "stage", "stages"];
        assert_eq!(nearest("alais", keys), Some("alias"));
        assert_eq!(nearest("Stage", keys), Some("stage"));
        assert_eq!(nearest("aliasVariable", keys), Some("alias_variable"));
        assert_eq!(nearest("journal", keys), None);
        assert_eq!(did_you_mean("journal", []), "there is none to choose from");
        assert!(did_you_mean("journal", keys).ends_with("one of: alias, alias_variable, api, stage, stages"));
    }
}
