//! The statements that stagegate adds to an alias's policy, and the room that the policy has for them.

use std::collections::BTreeSet;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::cover::{Need, allows};
use super::document::{Document, Effect, Either, Principals, Statement as Parsed};
use crate::aws::noun::Statement;

/// Bytes that the policy of one qualifier may take (aws-semantics §4.1).
pub const LIMIT: usize = 20_480;

const PREFIX: &str = "stagegate-";
/// AWS's bound on a statement id.
const SID_LIMIT: usize = 100;
const DIGEST: usize = 8;

/// The statement that lets a stage, or one route of it, in: the same source gives the same id, so that a repeated
/// grant is recognised.
pub fn route_statement(api: &str, stage: &str, source_arn: &str) -> Statement {
    statement(api, stage, source_arn)
}

/// The statement that lets an API's authorizer in, which has no stage.
pub fn authorizer_statement(api: &str, source_arn: &str) -> Statement {
    statement(api, "authorizer", source_arn)
}

fn statement(api: &str, part: &str, source_arn: &str) -> Statement {
    let digest = crate::definition::canonical::hex(&Sha256::digest(source_arn), DIGEST);
    let word = |text: &str| -> String {
        text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '-' }).collect()
    };
    let (mut api, mut part) = (word(api), word(part));
    let room = SID_LIMIT - PREFIX.len() - DIGEST - 2;
    api.truncate(room);
    part.truncate(room.saturating_sub(api.len()));
    Statement { sid: format!("{PREFIX}{api}-{part}-{digest}"), source_arn: source_arn.to_owned() }
}

/// The id has the form of those that stagegate gives.
pub fn is_ours(sid: &str) -> bool {
    let digest = sid.strip_prefix(PREFIX).and_then(|rest| rest.rsplit_once('-')).map(|(_, digest)| digest);
    digest.is_some_and(|d| d.len() == DIGEST && d.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
}

/// The length in bytes of the policy after these statements are added, to be compared with [`LIMIT`]. A statement whose
/// id is there already adds nothing.
pub fn size_after(document: Option<&str>, alias_arn: &str, statements: &[Statement]) -> usize {
    let parsed = document.and_then(|text| Document::parse(text).ok()).unwrap_or_default();
    let present: BTreeSet<&str> = parsed.statements.iter().filter_map(|statement| statement.sid.as_deref()).collect();
    let mut count = parsed.statements.len();
    let mut size = document.map_or(r#"{"Version":"2012-10-17","Id":"default","Statement":[]}"#.len(), str::len);
    let mut added = BTreeSet::new();
    for statement in statements {
        if !present.contains(statement.sid.as_str()) && added.insert(statement.sid.as_str()) {
            size += stored(alias_arn, statement).len() + usize::from(count > 0);
            count += 1;
        }
    }
    size
}

/// A statement as `AddPermission` stores it (aws-semantics §4.1).
pub(super) fn stored(alias_arn: &str, statement: &Statement) -> String {
    json!({
        "Sid": statement.sid,
        "Effect": "Allow",
        "Principal": {"Service": "apigateway.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": alias_arn,
        "Condition": {"ArnLike": {"AWS:SourceArn": statement.source_arn}}
    })
    .to_string()
}

/// Ids of statements that another statement makes superfluous, ours first. Removing all of them leaves every call
/// allowed that was: of two equal statements one is named.
pub fn redundant(document: &Document, alias_arn: &str) -> Vec<String> {
    let mut candidates: Vec<usize> = (0..document.statements.len()).collect();
    let ours = |at: usize| document.statements[at].sid.as_deref().is_some_and(is_ours);
    candidates.sort_by_key(|at| !ours(*at));
    let mut removed: Vec<usize> = Vec::new();
    let mut sids = Vec::new();
    for at in candidates {
        let statement = &document.statements[at];
        let Some(sid) = &statement.sid else { continue };
        let others = |other: usize| other != at && !removed.contains(&other);
        if covering(document, statement, alias_arn, others).is_some() {
            removed.push(at);
            sids.push(sid.clone());
        }
    }
    sids
}

/// A statement that another one makes superfluous, and the name of that one; `None` where it does something alone.
pub fn covered_by(document: &Document, sid: &str, alias_arn: &str) -> Option<String> {
    let at = document.statements.iter().position(|statement| statement.sid.as_deref() == Some(sid))?;
    let by = covering(document, document.statements.get(at)?, alias_arn, |other| other != at)?;
    Some(named(document.statements.get(by)?))
}

/// The id of a statement, for people.
pub fn named(statement: &Parsed) -> String {
    statement.sid.clone().unwrap_or_else(|| "a statement without id".into())
}

/// Of the statements that `counts` names by their place, the one that allows the first of a statement's sources; `None`
/// when any source is allowed by none of them.
fn covering(document: &Document, of: &Parsed, alias_arn: &str, counts: impl Fn(usize) -> bool) -> Option<usize> {
    let allowing = |source: &String| {
        let account = source.split(':').nth(4).unwrap_or_default();
        let need = Need { alias_arn, source, account };
        let mut all = document.statements.iter().enumerate();
        all.position(|(at, other)| counts(at) && other.effect == Effect::Allow && allows(other, &need).is_ok())
    };
    let all: Option<Vec<usize>> = gateway_sources(of, alias_arn)?.iter().map(allowing).collect();
    all?.first().copied()
}

/// The sources that a statement lets in, when it does nothing but let API Gateway invoke this alias from them.
pub fn gateway_sources<'a>(statement: &'a Parsed, alias_arn: &str) -> Option<&'a [String]> {
    let only_gateway = match &statement.principals {
        Either::Is(Principals::Named(names)) => {
            names.len() == 1 && names.get("Service").is_some_and(|list| list == &["apigateway.amazonaws.com"])
        }
        Either::Is(Principals::Anyone) | Either::Not(_) => false,
    };
    let only_invoke = matches!(&statement.actions, Either::Is(list) if list == &["lambda:InvokeFunction"]);
    let only_alias = matches!(&statement.resources, Either::Is(list) if list == &[alias_arn]);
    let plain = statement.effect == Effect::Allow && statement.unknown.is_empty();
    if !(plain && only_gateway && only_invoke && only_alias) {
        return None;
    }
    // Any one condition bounds what the statement allows; under a string operator `*` also crosses colons.
    let condition = statement.conditions.iter().find(|condition| {
        condition.key == "aws:sourcearn"
            && condition.quantifier.is_none()
            && matches!(condition.operator.as_str(), "ArnLike" | "ArnEquals")
            && !condition.values.is_empty()
            && !condition.values.iter().any(|value| value.contains("${"))
    })?;
    Some(&condition.values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{authorizer_arn, source_arn, stage_arn};

    const ALIAS: &str = "arn:aws:lambda:us-east-1:111111111111:function:fn:live";

    fn stage() -> Statement {
        route_statement("abc123", "prod", &stage_arn("aws", "us-east-1", "111111111111", "abc123", "prod"))
    }

    fn get_pets() -> String {
        source_arn("aws", "us-east-1", "111111111111", "abc123", "prod", "GET", "/pets/{id}")
    }

    fn document(statements: &[Statement]) -> String {
        let statements: Vec<String> = statements.iter().map(|statement| stored(ALIAS, statement)).collect();
        format!(r#"{{"Version":"2012-10-17","Id":"default","Statement":[{}]}}"#, statements.join(","))
    }

    #[test]
    fn a_statement_id_is_decided_by_what_it_allows() {
        let sid = stage().sid;
        assert!(sid.starts_with("stagegate-abc123-prod-") && sid.len() == "stagegate-abc123-prod-".len() + 8, "{sid}");
        assert_eq!(sid, stage().sid);
        assert_ne!(sid, route_statement("abc123", "prod", &get_pets()).sid);
        let authorizer = authorizer_statement("abc123", &authorizer_arn("aws", "us-east-1", "1", "abc123", "x"));
        assert!(authorizer.sid.starts_with("stagegate-abc123-authorizer-"));
    }

    #[test]
    fn every_statement_id_is_one_that_lambda_accepts() {
        let long = "s".repeat(128);
        for (api, part) in
            [("abc123", long.as_str()), (&"a".repeat(64), &long), ("abc123", "$default"), ("abc123", "v_1")]
        {
            let sid = route_statement(api, part, "arn").sid;
            assert!(sid.len() <= 100, "{sid}");
            assert!(sid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{sid}");
            assert!(is_ours(&sid), "{sid}");
        }
        for foreign in ["apigw-1", "stagegate-", "stagegate-abc-prod-XYZ", "my-stagegate-abc-prod-0123abcd"] {
            assert!(!is_ours(foreign), "{foreign}");
        }
    }

    #[test]
    fn the_size_is_that_of_the_stored_document() {
        let (one, two) = (stage(), route_statement("abc123", "prod", &get_pets()));
        let both = document(&[one.clone(), two.clone()]);
        assert_eq!(size_after(None, ALIAS, &[one.clone(), two.clone()]), both.len());
        assert_eq!(
            size_after(Some(&document(std::slice::from_ref(&one))), ALIAS, std::slice::from_ref(&two)),
            both.len()
        );
        assert_eq!(size_after(Some(&both), ALIAS, &[one.clone(), two, one]), both.len());
        let many: Vec<Statement> =
            (0..80).map(|n| route_statement("abc123", "prod", &format!("{}{n}", get_pets()))).collect();
        assert!(size_after(None, ALIAS, &many) > LIMIT);
        assert!(size_after(None, ALIAS, &many[..40]) < LIMIT);
    }

    #[test]
    fn what_the_stage_statement_covers_is_redundant_ours_first_and_never_both_twins() {
        let foreign = Statement { sid: "apigw-1".into(), source_arn: get_pets() };
        let ours = route_statement("abc123", "prod", &get_pets());
        let text = document(&[foreign.clone(), ours.clone()]);
        assert_eq!(redundant(&Document::parse(&text).unwrap(), ALIAS), [ours.sid.as_str()]);
        let text = document(&[foreign, ours.clone(), stage()]);
        assert_eq!(redundant(&Document::parse(&text).unwrap(), ALIAS), [ours.sid, "apigw-1".into()]);
        assert!(redundant(&Document::parse(&document(&[stage()])).unwrap(), ALIAS).is_empty());
    }

    #[test]
    fn a_statement_that_does_more_is_not_redundant() {
        let more = stored(ALIAS, &Statement { sid: "more".into(), source_arn: get_pets() })
            .replace(r#""lambda:InvokeFunction""#, r#""lambda:*""#);
        let text = format!(r#"{{"Statement":[{more},{}]}}"#, stored(ALIAS, &stage()));
        assert!(redundant(&Document::parse(&text).unwrap(), ALIAS).is_empty());
    }
}
