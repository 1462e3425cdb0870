//! Two values that differ, short enough to be read side by side.

/// Characters of a value that is shown whole.
const WHOLE: usize = 60;
/// Characters shown before the first one that differs.
const LEAD: usize = 16;
/// Characters shown from the first one that differs.
const TAIL: usize = 32;

/// The two values, whole when both are short, else the part that differs with `…` where something was cut. What is absent
/// is `none`. Two values that differ never look alike.
pub(super) fn pair(before: Option<&str>, after: Option<&str>) -> (String, String) {
    match (before, after) {
        (Some(before), Some(after)) if before.chars().count().max(after.chars().count()) > WHOLE => {
            let same = before.chars().zip(after.chars()).take_while(|(a, b)| a == b).count();
            (around(before, same), around(after, same))
        }
        (before, after) => (alone(before), alone(after)),
    }
}

fn alone(value: Option<&str>) -> String {
    match value {
        None => "none".into(),
        // `none` and the empty text would look alike, or leave a gap.
        Some("") => "\"\"".into(),
        Some(text) => around(text, 0),
    }
}

/// The text around a character.
fn around(text: &str, at: usize) -> String {
    let (from, length) = (at.saturating_sub(LEAD), text.chars().count());
    let to = if at == 0 { WHOLE } else { at + TAIL }.min(length);
    let middle: String = text.chars().skip(from).take(to - from).collect();
    let cut = |yes: bool| if yes { "…" } else { "" };
    format!("{}{middle}{}", cut(from > 0), cut(to < length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_values_are_shown_whole_and_absence_is_none() {
        assert_eq!(pair(Some("29000"), Some("5000")), ("29000".into(), "5000".into()));
        assert_eq!(pair(None, Some("")), ("none".into(), "\"\"".into()));
    }

    #[test]
    fn of_long_values_the_part_that_differs_is_shown() {
        let policy = |effect: &str| {
            format!(
                "{{\"Statement\":{{\"Action\":\"execute-api:Invoke\",\"Effect\":\"{effect}\",\"Principal\":\"*\",\"Resource\":\"arn:aws:execute-api:eu-west-1:1:a/*\"}}}}"
            )
        };
        let (before, after) = pair(Some(&policy("Allow")), Some(&policy("Deny")));
        assert_eq!(before, "…voke\",\"Effect\":\"Allow\",\"Principal\":\"*\",\"Resource…");
        assert_eq!(after, "…voke\",\"Effect\":\"Deny\",\"Principal\":\"*\",\"Resource\"…");
    }

    #[test]
    fn one_that_begins_like_the_other_ends_where_the_other_goes_on() {
        let long = "x".repeat(100);
        let (before, after) = pair(Some(&long), Some(&format!("{long}, y")));
        assert_eq!((before.as_str(), after.as_str()), ("…xxxxxxxxxxxxxxxx", "…xxxxxxxxxxxxxxxx, y"));
        assert_eq!(pair(None, Some(&long)).1.chars().count(), WHOLE + 1);
    }
}
