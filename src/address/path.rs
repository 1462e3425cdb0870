//! Paths as API Gateway compares them.

/// A path with its escapes read, so that `/%7Eme` and `/~me` are one. An escaped slash stays escaped: it separates
/// nothing. What no UTF-8 comes of stays as it is. [inferred: AWS says only that parameters are decoded]
pub(super) fn decoded(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        match escaped(rest) {
            Some(byte) if byte != b'/' => {
                bytes.push(byte);
                rest = &rest[3..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| path.to_owned())
}

/// The byte that an escape at the beginning stands for.
fn escaped(bytes: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match bytes {
        [b'%', high, low, ..] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    }
}

/// How a path begins with a base path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Below {
    /// The rest, from `/` on.
    pub rest: String,
    /// The base path ends within a segment: `/ordersandmore` below `orders`.
    pub within_segment: bool,
}

/// What a decoded path is below a base path without slashes around it; none when it does not begin with it.
pub(super) fn below(path: &str, base: &str) -> Option<Below> {
    let rest = path.strip_prefix('/').unwrap_or(path).strip_prefix(base)?;
    let within_segment = !base.is_empty() && !rest.is_empty() && !rest.starts_with('/');
    let rest = if rest.starts_with('/') && !base.is_empty() { rest.to_owned() } else { format!("/{rest}") };
    Some(Below { rest, within_segment })
}

/// The first segment and the rest, from `/` on.
pub(super) fn split_first(path: &str) -> (&str, String) {
    let bare = path.strip_prefix('/').unwrap_or(path);
    let (first, rest) = bare.split_once('/').unwrap_or((bare, ""));
    (first, format!("/{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_but_for_those_that_would_change_the_segments() {
        for (path, wanted) in [
            ("/a%7Eb", "/a~b"),
            ("/a%2fb%2Fc", "/a%2fb%2Fc"),
            ("/caf%C3%A9", "/café"),
            ("/%ff", "/%ff"),
            ("/100%", "/100%"),
            ("/%4", "/%4"),
            ("/%zz", "/%zz"),
            ("/%+1", "/%+1"),
        ] {
            assert_eq!(decoded(path), wanted);
        }
    }

    #[test]
    fn a_base_path_leaves_a_rest_and_says_where_it_ended() {
        let of = |path, base| below(path, base).map(|found| (found.rest, found.within_segment));
        assert_eq!(of("/orders", "orders"), Some(("/".into(), false)));
        assert_eq!(of("/orders/", "orders"), Some(("/".into(), false)));
        assert_eq!(of("/orders/v1/7", "orders/v1"), Some(("/7".into(), false)));
        assert_eq!(of("/ordersandmore/7", "orders"), Some(("/andmore/7".into(), true)));
        assert_eq!(of("/orders", ""), Some(("/orders".into(), false)));
        assert_eq!(of("//orders", ""), Some(("//orders".into(), false)));
        assert_eq!(of("/Orders", "orders"), None);
        assert_eq!(of("/order", "orders"), None);
    }
}
