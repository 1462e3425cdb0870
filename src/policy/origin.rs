//! What a statement is about, as far as it says so without wildcards.

use super::document::{Condition, Effect, Either, Principals, Statement};

/// The stage that a source ARN names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin<'a> {
    /// Region of the API.
    pub region: &'a str,
    /// Account of the API.
    pub account: &'a str,
    /// Id of the API.
    pub api: &'a str,
    /// The stage; `None` for an authorizer, which belongs to all of them, and for all stages.
    pub stage: Option<&'a str>,
}

/// Reads a source ARN; `None` when it names no single API, region and account.
pub fn origin(source: &str) -> Option<Origin<'_>> {
    let parts: Vec<&str> = source.splitn(6, ':').collect();
    let [_, _, "execute-api", region, account, resource] = parts[..] else { return None };
    let (api, rest) = resource.split_once('/')?;
    let plain = |text: &str| !text.is_empty() && !text.contains(['*', '?', '$']);
    // `$default` is the only stage with a dollar.
    let stage = rest.split('/').next().filter(|stage| *stage == "$default" || plain(stage));
    let stage = stage.filter(|stage| *stage != "authorizers");
    [region, account, api].into_iter().all(plain).then_some(Origin { region, account, api, stage })
}

/// A statement in one line: whom it lets in from where, or denies.
pub fn says(statement: &Statement) -> String {
    let verb = match statement.effect {
        Effect::Allow => "",
        Effect::Deny => "denies ",
    };
    let mut line = format!("{verb}{}", whom(statement));
    match &statement.actions {
        Either::Is(actions) if actions.iter().all(|action| action.eq_ignore_ascii_case("lambda:InvokeFunction")) => {}
        Either::Is(actions) => line.push_str(&format!(" do {}", actions.join(", "))),
        Either::Not(actions) => line.push_str(&format!(" do all but {}", actions.join(", "))),
    }
    for condition in &statement.conditions {
        line.push_str(&format!(", {}", when(condition)));
    }
    line
}

fn whom(statement: &Statement) -> String {
    let names = |principals: &Principals| match principals {
        Principals::Anyone => "anyone".to_owned(),
        Principals::Named(named) => named.values().flatten().cloned().collect::<Vec<_>>().join(", "),
    };
    match &statement.principals {
        Either::Is(principals) => names(principals),
        Either::Not(principals) => format!("all but {}", names(principals)),
    }
}

/// Source ARNs are shortened to what follows the account: the rest is the alias's own, or is shown.
fn when(condition: &Condition) -> String {
    let short = |value: &String| match (condition.key.as_str(), origin(value)) {
        ("aws:sourcearn", Some(_)) => value.splitn(6, ':').nth(5).unwrap_or(value).to_owned(),
        _ => value.clone(),
    };
    let values: Vec<String> = condition.values.iter().map(short).collect();
    let plain = condition.quantifier.is_none() && matches!(condition.operator.as_str(), "ArnLike" | "ArnEquals");
    match condition.key.as_str() {
        "aws:sourcearn" if plain => format!("from {}", values.join(" and ")),
        key => format!("{} {key} {}", condition.operator, values.join(" or ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Document;

    #[test]
    fn only_what_is_named_in_full_is_an_origin() {
        let of = |tail: &str| origin(tail).map(|o| (o.api.to_owned(), o.stage.map(str::to_owned)));
        let base = "arn:aws:execute-api:eu-west-1:111111111111:";
        let stage = |name: &str| Some(("abc".to_owned(), Some(name.to_owned())));
        assert_eq!(of(&format!("{base}abc/prod/GET/pets/*")), stage("prod"));
        assert_eq!(of(&format!("{base}abc/$default/$default")), stage("$default"));
        for all in ["abc/*", "abc/*/GET/", "abc/authorizers/x9"] {
            assert_eq!(of(&format!("{base}{all}")), Some(("abc".into(), None)), "{all}");
        }
        for unclear in ["*", "arn:aws:execute-api:*:1:abc/prod/*", "arn:aws:s3:::bucket", &format!("{base}*/prod/*")] {
            assert_eq!(of(unclear), None, "{unclear}");
        }
    }

    #[test]
    fn a_statement_is_said_in_one_line() {
        let said = |effect: &str, principal: &str, condition: &str| {
            let text = format!(
                r#"{{"Statement":{{"Effect":"{effect}","Principal":{principal},"Action":"lambda:InvokeFunction","Resource":"x","Condition":{condition}}}}}"#
            );
            says(&Document::parse(&text).unwrap().statements[0])
        };
        let source = r#"{"ArnLike":{"AWS:SourceArn":"arn:aws:execute-api:eu-west-1:1:abc/prod/GET/pets"}}"#;
        assert_eq!(
            said("Allow", r#"{"Service":"apigateway.amazonaws.com"}"#, source),
            "apigateway.amazonaws.com, from abc/prod/GET/pets"
        );
        let account = r#"{"StringEquals":{"AWS:SourceAccount":"111111111111"}}"#;
        assert_eq!(said("Deny", r#""*""#, account), "denies anyone, StringEquals aws:sourceaccount 111111111111");
    }
}
