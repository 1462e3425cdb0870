//! Integration and authorizer URIs: which function and qualifier a call reaches (aws-semantics §5).

use std::collections::BTreeMap;
use std::fmt;

/// A Lambda function as an integration names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LambdaCall {
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: String,
    /// The function's region, which may differ from the API's.
    pub region: String,
    /// The function's account, which may differ from the API's.
    pub account: String,
    /// The function's name.
    pub function: String,
    /// Alias, version number or `$LATEST`; absent means `$LATEST`.
    pub qualifier: Option<String>,
}

impl LambdaCall {
    /// The ARN as written: qualified when the URI is.
    pub fn arn(&self) -> String {
        let Self { partition, region, account, .. } = self;
        format!("arn:{partition}:lambda:{region}:{account}:function:{self}")
    }

    /// The call runs the unpublished code, which no alias can promote.
    pub fn is_latest(&self) -> bool {
        self.qualifier.as_deref().is_none_or(|qualifier| qualifier == "$LATEST")
    }
}

impl fmt::Display for LambdaCall {
    /// `NAME:QUALIFIER`, or `NAME`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.qualifier {
            Some(qualifier) => write!(f, "{}:{qualifier}", self.function),
            None => f.write_str(&self.function),
        }
    }
}

/// What a URI reaches under a set of stage variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// A Lambda function.
    Lambda(LambdaCall),
    /// A stage variable is unset: API Gateway puts the empty string in its place and the request fails (aws-semantics §5).
    UnsetVariable {
        /// The variables without a value, or those that left the function's name or qualifier empty.
        names: Vec<String>,
        /// The function, when its name does not depend on an unset variable.
        function: Option<String>,
    },
    /// It is a Lambda URI, but what stands for the function is neither a function's ARN nor `NAME` or `NAME:QUALIFIER`
    /// in one.
    Malformed {
        /// What stands there after substitution.
        function: String,
    },
    /// HTTP, another AWS service, or nothing at all.
    NotLambda,
}

impl Resolved {
    /// The function, if it resolved to one.
    pub const fn lambda(&self) -> Option<&LambdaCall> {
        match self {
            Self::Lambda(call) => Some(call),
            Self::UnsetVariable { .. } | Self::Malformed { .. } | Self::NotLambda => None,
        }
    }
}

/// The stage variables that a URI refers to, each once, in order of appearance.
pub fn variables_used(uri: &str) -> Vec<String> {
    let decoded = percent_decode(uri);
    let mut names: Vec<String> = Vec::new();
    for piece in pieces(&decoded) {
        if let Piece::Variable(name) = piece
            && !names.iter().any(|known| known == name)
        {
            names.push(name.to_owned());
        }
    }
    names
}

/// What the URI reaches when the stage has these variables. An empty value counts as unset.
pub fn resolve(uri: &str, variables: &BTreeMap<String, String>) -> Resolved {
    let template = percent_decode(uri);
    let value = |name: &str| variables.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let resolved: String = pieces(&template)
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Variable(name) => value(name).unwrap_or(""),
        })
        .collect();
    let names: Vec<String> = variables_used(&template).into_iter().filter(|name| value(name).is_none()).collect();
    let Some(arn) = lambda_arn(&resolved) else {
        // Only a URI that is nothing but a variable can still turn into a Lambda URI once the variable is set.
        let undecided = template.starts_with("${") && !names.is_empty();
        return if undecided { Resolved::UnsetVariable { names, function: None } } else { Resolved::NotLambda };
    };
    if !names.is_empty() {
        return Resolved::UnsetVariable { names, function: known_name(&template, &value) };
    }
    let Some(reference) = Reference::parse(arn) else { return Resolved::Malformed { function: arn.to_owned() } };
    match reference.call() {
        Ok(call) => Resolved::Lambda(call),
        Err(Flaw::Empty) => Resolved::UnsetVariable {
            names: variables_used(&template),
            function: Some(reference.function.trim_end_matches(':').to_owned()).filter(|name| !name.is_empty()),
        },
        Err(Flaw::Malformed) => Resolved::Malformed { function: reference.function.to_owned() },
    }
}

/// A URI as people read it: `NAME:QUALIFIER` with its variables for a Lambda function, else the URI.
pub fn short(uri: &str) -> String {
    let decoded = percent_decode(uri);
    match lambda_arn(&decoded).and_then(Reference::parse) {
        Some(reference) if !reference.function.is_empty() => reference.function.to_owned(),
        _ => uri.to_owned(),
    }
}

/// The stage variable that the whole qualifier is taken from: where a stage keeps the alias.
pub fn qualifier_variable(uri: &str) -> Option<String> {
    let decoded = percent_decode(uri);
    let (_, qualifier) = lambda_arn(&decoded).and_then(Reference::parse)?.function.rsplit_once(':')?;
    match pieces(qualifier).as_slice() {
        [Piece::Text(""), Piece::Variable(name), Piece::Text("")] => Some((*name).to_owned()),
        _ => None,
    }
}

/// The same URI with this qualifier, in place of the one that it has; none where it is no Lambda URI, or is escaped.
pub fn with_qualifier(uri: &str, qualifier: &str) -> Option<String> {
    let function = lambda_arn(uri).and_then(Reference::parse)?.function;
    let name = function.split_once(':').map_or(function, |(name, _)| name);
    let old = format!(":function:{function}");
    let at = uri.rfind(&old).filter(|_| !uri.contains('%') && !name.is_empty())?;
    Some(format!("{}:function:{name}:{qualifier}{}", &uri[..at], &uri[at + old.len()..]))
}

/// The function's name in the template, when every variable in the name itself has a value.
fn known_name<'v>(template: &str, value: &dyn Fn(&str) -> Option<&'v str>) -> Option<String> {
    let reference = Reference::parse(lambda_arn(template)?)?;
    let mut name = String::new();
    for piece in pieces(reference.function) {
        let text = match piece {
            Piece::Text(text) => text,
            Piece::Variable(variable) => value(variable)?,
        };
        if let Some((before, _)) = text.split_once(':') {
            name.push_str(before);
            return Some(name).filter(|name| !name.is_empty());
        }
        name.push_str(text);
    }
    Some(name).filter(|name| !name.is_empty())
}

/// The Lambda ARN inside a URI, in every form of aws-semantics §5.
fn lambda_arn(uri: &str) -> Option<&str> {
    let parts: Vec<&str> = uri.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "apigateway", _, "lambda", action] => {
            let path = action.strip_prefix("path")?.trim_start_matches('/');
            let (_date, rest) = path.split_once('/')?;
            let (arn, _invocations) = rest.strip_prefix("functions/")?.rsplit_once('/')?;
            Some(arn)
        }
        ["arn", _, "lambda", _, _, _] => Some(uri.strip_suffix("/invocations").unwrap_or(uri)),
        _ => None,
    }
}

/// A Lambda ARN taken apart, its function part still one text.
struct Reference<'a> {
    partition: &'a str,
    region: &'a str,
    account: &'a str,
    /// `NAME` or `NAME:QUALIFIER`.
    function: &'a str,
}

enum Flaw {
    Empty,
    Malformed,
}

impl<'a> Reference<'a> {
    fn parse(arn: &'a str) -> Option<Self> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        match parts.as_slice() {
            &["arn", partition, "lambda", region, account, resource] => {
                Some(Self { partition, region, account, function: resource.strip_prefix("function:")? })
            }
            _ => None,
        }
    }

    fn call(&self) -> Result<LambdaCall, Flaw> {
        let (function, qualifier) = match self.function.split_once(':') {
            Some((function, qualifier)) => (function, Some(qualifier)),
            None => (self.function, None),
        };
        if function.is_empty() || qualifier == Some("") {
            return Err(Flaw::Empty);
        }
        let word = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !word(function) || !qualifier.is_none_or(|q| q == "$LATEST" || word(q)) {
            return Err(Flaw::Malformed);
        }
        Ok(LambdaCall {
            partition: self.partition.to_owned(),
            region: self.region.to_owned(),
            account: self.account.to_owned(),
            function: function.to_owned(),
            qualifier: qualifier.map(str::to_owned),
        })
    }
}

enum Piece<'a> {
    Text(&'a str),
    Variable(&'a str),
}

/// The text cut at its `${stageVariables.NAME}` references; anything else that looks like one stays text.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    const OPEN: &str = "${stageVariables.";
    let (mut found, mut rest, mut from) = (Vec::new(), text, 0);
    while let Some(at) = rest[from..].find(OPEN).map(|at| at + from) {
        let name_at = at + OPEN.len();
        let length = rest[name_at..].bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        if length == 0 || !rest[name_at + length..].starts_with('}') {
            from = name_at;
            continue;
        }
        found.push(Piece::Text(&rest[..at]));
        found.push(Piece::Variable(&rest[name_at..name_at + length]));
        rest = &rest[name_at + length + 1..];
        from = 0;
    }
    found.push(Piece::Text(rest));
    found
}

/// `%XX` decoded where that gives UTF-8; the text as it is otherwise.
fn percent_decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .filter(|hex| hex.iter().all(u8::is_ascii_hexdigit))
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(escaped.unwrap_or(bytes[at]));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: &str = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions";
    const FN: &str = "arn:aws:lambda:eu-west-1:111111111111:function";

    fn stage(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    fn reached(uri: &str, variables: &[(&str, &str)]) -> String {
        match resolve(uri, &stage(variables)) {
            Resolved::Lambda(call) => call.arn(),
            Resolved::UnsetVariable { names, function } => format!("unset {} of {function:?}", names.join(",")),
            Resolved::Malformed { function } => format!("malformed {function}"),
            Resolved::NotLambda => "not lambda".into(),
        }
    }

    #[test]
    fn every_form_of_a_lambda_uri_reaches_its_function() {
        let cases = [
            (format!("{REST}/{FN}:checkout/invocations"), vec![], format!("{FN}:checkout")),
            (format!("{REST}/{FN}:checkout:live/invocations"), vec![], format!("{FN}:checkout:live")),
            (format!("{REST}/{FN}:checkout:7/invocations"), vec![], format!("{FN}:checkout:7")),
            (format!("{REST}/{FN}:checkout:$LATEST/invocations"), vec![], format!("{FN}:checkout:$LATEST")),
            (
                format!("{REST}/{FN}:checkout:${{stageVariables.a}}/invocations"),
                vec![("a", "live")],
                format!("{FN}:checkout:live"),
            ),
            (
                format!("{REST}/{FN}:${{stageVariables.f}}/invocations"),
                vec![("f", "checkout:live")],
                format!("{FN}:checkout:live"),
            ),
            (
                format!("{REST}/{FN}:${{stageVariables.f}}:${{stageVariables.a}}/invocations"),
                vec![("f", "checkout"), ("a", "live")],
                format!("{FN}:checkout:live"),
            ),
            (
                format!("{REST}/{FN}:shop-${{stageVariables.e}}-api:live/invocations"),
                vec![("e", "eu")],
                format!("{FN}:shop-eu-api:live"),
            ),
            (
                format!("{REST}/${{stageVariables.arn}}/invocations"),
                vec![("arn", "arn:aws:lambda:eu-west-1:111111111111:function:checkout:live")],
                format!("{FN}:checkout:live"),
            ),
            (
                format!(
                    "arn:aws:apigateway:eu-west-1:lambda:path/2021-11-15/functions/{FN}:checkout:live/response-streaming-invocations"
                ),
                vec![],
                format!("{FN}:checkout:live"),
            ),
            (
                format!(
                    "arn:aws:apigateway:eu-west-1:lambda:path//2015-03-31/functions/{FN}:checkout:live/invocations"
                ),
                vec![],
                format!("{FN}:checkout:live"),
            ),
            (
                format!(
                    "{REST}/arn%3Aaws%3Alambda%3Aeu-west-1%3A111111111111%3Afunction%3Acheckout%3Alive/invocations"
                ),
                vec![],
                format!("{FN}:checkout:live"),
            ),
            (
                format!("{REST}/{FN}%3Acheckout%3A%24%7BstageVariables.a%7D/invocations"),
                vec![("a", "live")],
                format!("{FN}:checkout:live"),
            ),
            (format!("{FN}:checkout:live"), vec![], format!("{FN}:checkout:live")),
            (format!("{FN}:checkout:live/invocations"), vec![], format!("{FN}:checkout:live")),
            (
                format!("{REST}/arn:aws-cn:lambda:cn-north-1:222222222222:function:checkout:live/invocations"),
                vec![],
                "arn:aws-cn:lambda:cn-north-1:222222222222:function:checkout:live".into(),
            ),
        ];
        for (uri, variables, arn) in cases {
            assert_eq!(reached(&uri, &variables), arn, "{uri}");
        }
    }

    #[test]
    fn an_unset_or_empty_variable_is_named() {
        let alias = format!("{REST}/{FN}:checkout:${{stageVariables.a}}/invocations");
        assert_eq!(reached(&alias, &[]), "unset a of Some(\"checkout\")");
        assert_eq!(reached(&alias, &[("a", "")]), "unset a of Some(\"checkout\")");
        let both = format!("{REST}/{FN}:${{stageVariables.f}}:${{stageVariables.a}}/invocations");
        assert_eq!(reached(&both, &[]), "unset f,a of None");
        assert_eq!(reached(&both, &[("f", "checkout")]), "unset a of Some(\"checkout\")");
        let name = format!("{REST}/{FN}:${{stageVariables.f}}/invocations");
        assert_eq!(reached(&name, &[("f", "checkout:")]), "unset f of Some(\"checkout\")");
        assert_eq!(reached("${stageVariables.uri}", &[]), "unset uri of None");
        let middle = format!("{REST}/{FN}:shop-${{stageVariables.e}}-api:live/invocations");
        assert_eq!(reached(&middle, &[("e", "")]), "unset e of None");
        assert_eq!(reached(&format!("{REST}/${{stageVariables.arn}}/invocations"), &[]), "unset arn of None");
    }

    #[test]
    fn what_is_not_a_function_is_not_taken_for_one() {
        for uri in [
            "",
            "https://${stageVariables.host}/pets",
            "http://petstore.execute-api.eu-west-1.amazonaws.com/petstore/pets",
            "arn:aws:apigateway:eu-west-1:dynamodb:action/PutItem",
            "arn:aws:apigateway:eu-west-1:sqs:path/111111111111/queue",
        ] {
            assert_eq!(reached(uri, &[]), "not lambda", "{uri}");
        }
        let both = format!("{REST}/{FN}:${{stageVariables.f}}:prod/invocations");
        assert_eq!(reached(&both, &[("f", "checkout:live")]), "malformed checkout:live:prod");
        assert_eq!(reached(&format!("{REST}/checkout/invocations"), &[]), "malformed checkout");
    }

    #[test]
    fn variables_are_listed_once_and_only_where_the_syntax_is_theirs() {
        let uri = "arn:x:${stageVariables.b}:${stageVariables.a_1}:${stageVariables.b}:${stageVariables.}:${other.c}";
        assert_eq!(variables_used(uri), ["b", "a_1"]);
        assert_eq!(variables_used("http://${stageVariables.${stageVariables.in}"), ["in"]);
    }

    #[test]
    fn the_variable_of_the_alias_is_found_and_put_in() {
        for (uri, variable) in [
            ("checkout:${stageVariables.a}", Some("a")),
            ("${stageVariables.f}:${stageVariables.a}", Some("a")),
            ("checkout:${stageVariables.a}x", None),
            ("checkout:live", None),
            ("${stageVariables.f}", None),
            ("checkout", None),
        ] {
            assert_eq!(qualifier_variable(&format!("{REST}/{FN}:{uri}/invocations")).as_deref(), variable, "{uri}");
            assert_eq!(qualifier_variable(&format!("{FN}:{uri}")).as_deref(), variable, "{uri}");
        }
        let wanted = format!("{REST}/{FN}:checkout:${{stageVariables.a}}/invocations");
        for uri in ["checkout", "checkout:$LATEST", "checkout:7"] {
            let new = with_qualifier(&format!("{REST}/{FN}:{uri}/invocations"), "${stageVariables.a}");
            assert_eq!(new.as_ref(), Some(&wanted), "{uri}");
        }
        assert_eq!(with_qualifier(&format!("{FN}:checkout"), "live").unwrap(), format!("{FN}:checkout:live"));
        assert_eq!(with_qualifier("https://example.com/function:x", "live"), None);
        assert_eq!(with_qualifier(&format!("{REST}/{}/invocations", FN.replace(':', "%3A")), "live"), None);
    }

    #[test]
    fn a_route_is_shown_by_function_and_qualifier() {
        let uri = format!("{REST}/{FN}:checkout-api:${{stageVariables.lambdaAlias}}/invocations");
        assert_eq!(short(&uri), "checkout-api:${stageVariables.lambdaAlias}");
        assert_eq!(short("https://example.com/a"), "https://example.com/a");
    }
}
