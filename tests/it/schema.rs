//! The schema of the configuration file against the program that reads the file.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};
use stagegate::config::{Config, Document, schema};

const README: &str = include_str!("../../README.md");

fn reads(text: &str) -> bool {
    Config::parse(Document::new("stagegate.toml", text), PathBuf::new()).is_ok()
}

fn validator() -> jsonschema::Validator {
    jsonschema::draft202012::meta::validate(&schema()).unwrap();
    jsonschema::draft202012::new(&schema()).unwrap()
}

fn fits(validator: &jsonschema::Validator, text: &str) -> bool {
    validator.is_valid(&toml::from_str::<Value>(text).unwrap())
}

/// A key of a target: the tables and lists that lead to it, and what it may hold.
struct Leaf {
    path: Vec<String>,
    kind: Value,
}

impl Leaf {
    /// A file that says nothing but this key, and something that a table of the way besides.
    fn file(&self, value: &str, more: Option<usize>) -> String {
        let mut text = value.to_owned();
        for (depth, step) in self.path.iter().enumerate().rev() {
            text = match step.as_str() {
                "[]" => format!("[{text}]"),
                key => {
                    let besides = if more == Some(depth) { ", nonsense = 1" } else { "" };
                    format!("{{ {key} = {text}{besides} }}")
                }
            };
        }
        format!("schema = 1\ndefaults = {text}\n")
    }
}

/// All keys of a target, however deep.
fn leaves() -> Vec<Leaf> {
    let mut found = Vec::new();
    walk(&schema()["$defs"]["target"], Vec::new(), &mut found);
    found
}

fn walk(kind: &Value, path: Vec<String>, found: &mut Vec<Leaf>) {
    let inside = |step: &str| path.iter().cloned().chain([step.to_owned()]).collect::<Vec<_>>();
    if let Some(keys) = kind.get("properties").and_then(Value::as_object) {
        keys.iter().for_each(|(key, kind)| walk(kind, inside(key), found));
    } else if let Some(items) = kind.get("items") {
        walk(items, inside("[]"), found);
    } else if let Some(value) = kind.get("additionalProperties").filter(|value| value.is_object()) {
        walk(value, inside("table"), found);
    } else {
        found.push(Leaf { path, kind: kind.clone() });
    }
}

#[test]
fn the_examples_of_the_readme_fit() {
    let validator = validator();
    let blocks: Vec<&str> = README.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() > 3);
    for block in blocks {
        let text: String = block.lines().map(|line| line.trim_start_matches("> ").to_owned() + "\n").collect();
        assert!(fits(&validator, &text), "{text}");
    }
}

#[test]
fn every_key_is_described_and_what_is_unknown_or_of_another_kind_is_refused_by_both() {
    let (validator, leaves) = (validator(), leaves());
    assert!(leaves.len() > 45, "{}", leaves.len());
    let mut tables = BTreeSet::new();
    for leaf in &leaves {
        let anything = leaf.path.join(".") == "smoke.[].expect.json";
        let date = leaf.file("1979-05-27", None);
        assert!(!reads(&date), "{date}");
        assert!(anything || !fits(&validator, &leaf.file("[[true]]", None)), "{:?}", leaf.path);
        assert!(anything || !reads(&leaf.file("[[true]]", None)), "{:?}", leaf.path);
        for depth in 0..leaf.path.len() {
            if leaf.path[depth] == "[]" || leaf.path[depth] == "table" || leaf.path[..depth].join(".").ends_with("json")
            {
                continue;
            }
            let text = leaf.file("1", Some(depth));
            assert!(!reads(&text) && !fits(&validator, &text), "{text}");
            tables.insert(leaf.path[..depth].join("."));
        }
    }
    assert!(tables.len() > 9, "{tables:?}");
    for (table, keys) in [("/properties", schema()), ("/$defs/target/properties", schema())] {
        for (key, kind) in keys.pointer(table).unwrap().as_object().unwrap() {
            assert!(kind["description"].as_str().is_some_and(|about| about.ends_with('.')), "{key}");
        }
    }
}

/// Texts of every kind that some key takes, and some that none does.
const TEXTS: [&str; 42] = [
    "live",
    "7",
    "a b",
    "$LATEST",
    "$default",
    "target.staging",
    "target.",
    "5%",
    "100%",
    "0.25%",
    "1.234%",
    "0%",
    "101%",
    "",
    " ",
    "us-east-1",
    "useast1",
    "123456789012",
    "12345678901",
    "10m",
    "1h30m",
    "20s",
    "1m 30s",
    "PT1M",
    "-1s",
    "600s",
    "49h",
    "GET /x",
    "GET  /x?y=1",
    "POST /a#b",
    "FETCH /x",
    "api.example.com",
    "api.example.com/v1",
    "api.example.com/v1/",
    "API.example.com",
    "a1b2c3d4e5",
    "a1b2c3d4e5/prod",
    "a1b2c3d4e5/$default",
    "{git_sha} {git_tag}",
    "{commit}",
    "off",
    "ü",
];

#[test]
fn what_the_program_reads_the_schema_never_calls_wrong() {
    let validator = validator();
    let mut read = 0;
    let words: Vec<String> = leaves()
        .iter()
        .filter_map(|leaf| leaf.kind.get("enum").and_then(Value::as_array).cloned())
        .flatten()
        .filter_map(|word| word.as_str().map(str::to_owned))
        .collect();
    let texts = TEXTS.iter().map(|text| (*text).to_owned()).chain(words).chain([
        "x".repeat(64),
        "x".repeat(65),
        "x".repeat(201),
        "x".repeat(513),
    ]);
    let values: Vec<String> = texts
        .map(|text| json!(text).to_string())
        .chain(["true", "0", "1", "99", "599", "600", "1.0", "1.1", "10.5", "10001", "900001"].map(str::to_owned))
        .collect();
    for leaf in leaves() {
        for value in &values {
            let text = leaf.file(value, None);
            if reads(&text) {
                assert!(fits(&validator, &text), "{text}");
                read += 1;
            }
        }
    }
    assert!(read > 300, "{read}");
}

#[test]
fn most_of_what_the_program_refuses_the_schema_refuses_too() {
    let validator = validator();
    for (key, value) in [
        ("alias", "\"42\""),
        ("alias", "\"a b\""),
        ("account", "\"1234\""),
        ("api", "\"A1\""),
        ("stage", "\"$other\""),
        ("functions", "\"pets\""),
        ("source", "\"latest\""),
        ("managed_by", "\"pulumi\""),
        ("protected", "\"yes\""),
        ("canary", "{ mode = \"gradual\" }"),
        ("canary", "{ steps = \"5% 10m\" }"),
        ("gate", "{ max_slow_ratio = 0.5 }"),
        ("gate", "{ max_error_rate = 5 }"),
        ("smoke", "[{ http = \"/health\" }]"),
        ("smoke", "[{ invoke = \"e.json\", expect = { status = 42 } }]"),
        ("redeploy", "{ from = \"staging\" }"),
        ("domains", "[\"https://api.example.com\"]"),
        ("stage_settings", "{ logging = \"error\" }"),
        ("variables", "{ \"a-b\" = \"c\" }"),
    ] {
        let text = format!("schema = 1\ndefaults = {{ {key} = {value} }}\n");
        assert!(!reads(&text) && !fits(&validator, &text), "{text}");
    }
    assert!(
        !fits(&validator, "defaults = {}\n") && !fits(&validator, "schema = 2\n") && fits(&validator, "schema = 1\n")
    );
}

#[test]
fn the_schema_as_it_is_printed() {
    insta::assert_snapshot!(format!("{:#}", schema()));
}
