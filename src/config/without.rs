//! A file without one of its targets: its tables are taken out, all else stays byte for byte. Pure.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The text without `[target.NAME]` and the tables below it. Comments in them go with them; those directly above the next
/// table stay. `None` where the text cannot be read, or where the target is not written in tables of its own.
pub fn without_target(text: &str, name: &str) -> Option<String> {
    let document = DeTable::parse(text).ok()?;
    let mut values = Vec::new();
    document.get_ref().values().for_each(|value| leaves(value, &mut values));
    let (mut kept, mut aside, mut cutting, mut at) = (String::with_capacity(text.len()), String::new(), false, 0);
    for line in text.split_inclusive('\n') {
        let within = values.iter().any(|range| range.start < at && at < range.end);
        if let Some(path) = header(line).filter(|_| !within) {
            cutting = path.first().is_some_and(|word| word == "target") && path.get(1).is_some_and(|word| word == name);
            if !cutting {
                kept.push_str(&aside);
            }
            aside.clear();
        }
        match line.trim_start().starts_with('#') && !within {
            _ if !cutting => kept.push_str(line),
            true => aside.push_str(line),
            false => aside.clear(),
        }
        at += line.len();
    }
    if cutting {
        let end = kept.trim_end().len();
        let newline = kept.get(end..).and_then(|rest| rest.find('\n')).map_or(0, |at| at + 1);
        kept.truncate(end + newline);
    }
    let is_left = match DeTable::parse(&kept).ok()?.get_ref().get("target").map(Spanned::get_ref) {
        Some(DeValue::Table(targets)) => targets.contains_key(name),
        _ => false,
    };
    (!is_left).then_some(kept)
}

/// Where values stand: a line in the middle of one is no header, whatever it begins with.
fn leaves(value: &Spanned<DeValue<'_>>, found: &mut Vec<Range<usize>>) {
    match value.get_ref() {
        DeValue::Table(table) => table.values().for_each(|value| leaves(value, found)),
        DeValue::Array(all) if all.iter().all(|one| matches!(one.get_ref(), DeValue::Table(_))) => {
            all.iter().for_each(|value| leaves(value, found));
        }
        _ => found.push(value.span()),
    }
}

/// The keys of a line such as `[target.prod.gate]`.
fn header(line: &str) -> Option<Vec<String>> {
    if !line.trim_start().starts_with('[') {
        return None;
    }
    let parsed = DeTable::parse(line).ok()?;
    let (mut keys, mut table) = (Vec::new(), parsed.get_ref());
    while let Some((key, value)) = table.iter().next() {
        keys.push(key.get_ref().to_string());
        table = match value.get_ref() {
            DeValue::Table(table) => table,
            DeValue::Array(all) => match all.first().map(Spanned::get_ref) {
                Some(DeValue::Table(table)) => table,
                _ => break,
            },
            _ => break,
        };
    }
    Some(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# ours\nschema = 1\n\n[defaults]\nregion = \"eu-west-1\"\n\n# the shop\n[target.prod]   # ü\n\
                        functions = [\n  \"pets\",\n]\nalias = \"live\"\n\n[[target.prod.smoke]]\ninvoke = '''\n\
                        [target.staging]\n'''\n\n# gone with prod\n\n# stays\n[target.staging]\nfunctions = [\"pets\"]\n\
                        alias = \"beta\"\n\n[target . \"prod\" . gate] # late\nmax_slow_ratio = 1.2\n# end\n";

    #[test]
    fn the_tables_of_one_target_go_and_all_else_stays_byte_for_byte() {
        let expected = "# ours\nschema = 1\n\n[defaults]\nregion = \"eu-west-1\"\n\n# the shop\n# stays\n[target.staging]\n\
                        functions = [\"pets\"]\nalias = \"beta\"\n";
        assert_eq!(without_target(FILE, "prod").unwrap(), expected);
        assert_eq!(without_target(&FILE.replace('\n', "\r\n"), "prod").unwrap(), expected.replace('\n', "\r\n"));
        let staging = without_target(FILE, "staging").unwrap();
        assert!(staging.starts_with(&FILE[..FILE.find("[target.staging]\nfunctions").unwrap()]), "{staging}");
        assert!(
            staging.ends_with("# stays\n[target . \"prod\" . gate] # late\nmax_slow_ratio = 1.2\n# end\n"),
            "{staging}"
        );
    }

    #[test]
    fn what_has_no_table_of_its_own_is_not_taken_out() {
        for text in [
            "schema = 1\ntarget = { prod = { functions = [\"f\"], alias = \"a\" } }\n",
            "schema = 1\n[target]\nprod.functions = [\"f\"]\nprod.alias = \"a\"\n",
            "schema = 1\nnonsense",
        ] {
            assert_eq!(without_target(text, "prod"), None, "{text}");
        }
    }
}
