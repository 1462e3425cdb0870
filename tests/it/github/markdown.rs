//! Job summaries, as GitHub would read them: many texts in one go, since each call starts a process.

use serde_json::{Value, json};

use super::tools::Tools;

/// The HTML of each text, in GitHub's dialect: tables and `<details>` included. `None` for want of Python.
#[track_caller]
pub fn gfm(texts: &[&str]) -> Option<Vec<String>> {
    let answer = Tools::shared()?.ask("gfm.py", &json!(texts));
    Some(serde_json::from_value(answer).unwrap())
}

/// What mermaid's own parser says of each diagram: nothing, or its complaint. `None` for want of Python.
#[track_caller]
pub fn mermaid(diagrams: &[&str]) -> Option<Vec<Result<(), String>>> {
    let answer = Tools::shared()?.ask("mermaid.mjs", &json!(diagrams));
    let one = |answer: &Value| answer.as_str().map_or(Ok(()), |why| Err(why.to_owned()));
    Some(answer.as_array().unwrap().iter().map(one).collect())
}

/// The mermaid diagrams of a Markdown text.
pub fn diagrams(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        match &mut open {
            None if line.trim_end() == "```mermaid" => open = Some(String::new()),
            Some(_) if line.trim_end() == "```" => found.extend(open.take()),
            Some(diagram) => *diagram += &format!("{line}\n"),
            None => {}
        }
    }
    found
}

const SUMMARY: &str = "\
## checkout

| | before |
|---|--:|
| `checkout-api:live` | v41 100 % |

```mermaid
flowchart LR
  A[\"publish v42<br/>✔ 3 s\"] --> B[\"canary 25 %<br/>✖ gate\"]
```

<details><summary>Who</summary>

* run 9912

</details>
";

#[test]
fn tables_and_details_are_rendered() {
    let Some(html) = gfm(&[SUMMARY, "a | b"]) else { return };
    assert_eq!(html.len(), 2);
    for part in ["<table>", "<code>checkout-api:live</code>", "<details><summary>Who</summary>", "<li>run 9912</li>"] {
        assert!(html[0].contains(part), "{part}: {}", html[0]);
    }
    assert!(!html[1].contains("<table>"), "{}", html[1]);
}

#[test]
fn a_diagram_is_parsed_and_a_broken_one_is_seen() {
    let found = diagrams(SUMMARY);
    assert_eq!(found.len(), 1);
    let Some(answers) = mermaid(&[&found[0], "flowchart LR\n  A[\"open -->", "timeline\n  10:00 : a"]) else { return };
    assert_eq!(answers[0], Ok(()));
    assert!(answers[1].as_ref().is_err_and(|why| why.contains("Parse error")), "{answers:?}");
    assert!(answers[2].is_err());
}
