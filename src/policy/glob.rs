//! The wildcards of IAM: `*` any characters, `?` one. Patterns are compared with patterns, not with single texts.

/// Everything that `inner` matches, `outer` matches too. Sound, not complete: a `*` of `inner` is an ordinary symbol
/// that only a `*` of `outer` may consume (aws-semantics §4.4); a `?` of `inner` needs a `?` or `*`.
pub fn covers(outer: &str, inner: &str) -> bool {
    let (outer, inner): (Vec<char>, Vec<char>) = (outer.chars().collect(), inner.chars().collect());
    // One row of the table "outer[..i] consumes inner[..j]" at a time.
    let mut row = vec![false; inner.len() + 1];
    row[0] = true;
    for &symbol in &outer {
        let mut next = vec![false; inner.len() + 1];
        next[0] = symbol == '*' && row[0];
        for (at, &wanted) in inner.iter().enumerate() {
            next[at + 1] = match symbol {
                '*' => row[at + 1] || next[at],
                '?' => row[at] && wanted != '*',
                _ => row[at] && symbol == wanted,
            };
        }
        row = next;
    }
    row[inner.len()]
}

/// Some text is matched by both patterns; both with `*` and `?` as wildcards. Exact.
pub fn overlaps(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    // Cell: the two prefixes share a text.
    let mut row = vec![false; other.len() + 1];
    row[0] = true;
    for (at, &symbol) in other.iter().enumerate() {
        row[at + 1] = row[at] && symbol == '*';
    }
    for &a in &one {
        let mut next = vec![false; other.len() + 1];
        next[0] = row[0] && a == '*';
        for (at, &b) in other.iter().enumerate() {
            next[at + 1] = if a == '*' || b == '*' {
                // A `*` stands for nothing, or swallows the other side's symbol.
                row[at + 1] || next[at]
            } else {
                row[at] && (a == b || a == '?' || b == '?')
            };
        }
        row = next;
    }
    row[other.len()]
}

/// The pattern matches this very text.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let mut row = vec![false; text.len() + 1];
    row[0] = true;
    for &symbol in &pattern {
        let mut next = vec![false; text.len() + 1];
        next[0] = symbol == '*' && row[0];
        for (at, &c) in text.iter().enumerate() {
            next[at + 1] = match symbol {
                '*' => row[at + 1] || next[at],
                '?' => row[at],
                _ => row[at] && symbol == c,
            };
        }
        row = next;
    }
    row[text.len()]
}

/// `test` holds for each of the six colon-separated parts of two ARNs, as `ArnLike` compares them
/// (aws-semantics §4.3). A text of fewer parts is no ARN.
pub fn arn_parts(one: &str, other: &str, test: fn(&str, &str) -> bool) -> bool {
    let (one, other): (Vec<&str>, Vec<&str>) = (one.splitn(6, ':').collect(), other.splitn(6, ':').collect());
    one.len() == 6 && other.len() == 6 && one.iter().zip(&other).all(|(a, b)| test(a, b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The textbook definition, by trying every split.
    fn brute(pattern: &[u8], text: &[u8]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((b'*', rest)) => (0..=text.len()).any(|cut| brute(rest, &text[cut..])),
            Some((b'?', rest)) => !text.is_empty() && brute(rest, &text[1..]),
            Some((c, rest)) => text.first() == Some(c) && brute(rest, &text[1..]),
        }
    }

    #[test]
    fn inclusion_follows_the_rule() {
        for (outer, inner, included) in [
            ("*", "*", true),
            ("a/*", "a/*", true),
            ("a/*", "a/b/*/c", true),
            ("a/*/c", "a/*", false),
            ("a/?", "a/*", false),
            ("a/?", "a/b", true),
            ("a/b", "a/*", false),
            ("a/*", "a/", true),
            ("**", "*", true),
            ("?*", "*", false),
        ] {
            assert_eq!(covers(outer, inner), included, "{outer} ⊇ {inner}");
        }
    }

    #[test]
    fn arns_are_compared_part_by_part() {
        let need = "arn:aws:execute-api:eu-west-1:111111111111:abc/prod/GET/pets/*";
        assert!(arn_parts("arn:aws:execute-api:*:111111111111:abc/*", need, covers));
        assert!(!arn_parts("arn:aws:execute-api:*:abc/*", need, covers));
        assert!(!arn_parts("*", need, covers));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_the_inner_pattern_matches_a_covering_pattern_matches(
            outer in "[ab*?/]{0,6}", inner in "[ab*?/]{0,6}", fills in prop::collection::vec("[ab/]{0,3}", 6)
        ) {
            let mut fills = fills.iter();
            let text: String = inner
                .chars()
                .map(|c| match c {
                    '*' => fills.next().cloned().unwrap_or_default(),
                    '?' => fills.next().and_then(|fill| fill.chars().next()).unwrap_or('b').to_string(),
                    _ => c.to_string(),
                })
                .collect();
            prop_assert!(brute(inner.as_bytes(), text.as_bytes()));
            if covers(&outer, &inner) {
                prop_assert!(brute(outer.as_bytes(), text.as_bytes()), "{outer} covers {inner} but not {text}");
            }
        }

        #[test]
        fn matching_is_the_textbook_definition(pattern in "[ab*?]{0,6}", text in "[ab]{0,6}") {
            prop_assert_eq!(matches(&pattern, &text), brute(pattern.as_bytes(), text.as_bytes()));
        }

        #[test]
        fn patterns_with_a_common_text_overlap(one in "[ab*?]{0,5}", other in "[ab*?]{0,5}", text in "[ab]{0,5}") {
            if brute(one.as_bytes(), text.as_bytes()) && brute(other.as_bytes(), text.as_bytes()) {
                prop_assert!(overlaps(&one, &other));
            }
        }

        #[test]
        fn patterns_that_overlap_have_a_common_text(one in "[ab*?]{0,4}", other in "[ab*?]{0,4}") {
            let mut texts = vec![String::new()];
            for _ in 0..8 {
                texts = texts.iter().flat_map(|t| ["", "a", "b"].map(|c| format!("{t}{c}"))).collect::<std::collections::BTreeSet<_>>().into_iter().collect();
            }
            let common = texts.iter().any(|t| brute(one.as_bytes(), t.as_bytes()) && brute(other.as_bytes(), t.as_bytes()));
            prop_assert_eq!(overlaps(&one, &other), common);
        }
    }
}
