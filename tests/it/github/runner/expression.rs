//! The part of GitHub's expressions that an Action of ours may use. Anything else is refused by name: a stand-in that
//! guesses proves nothing.

use std::collections::BTreeMap;

/// What an expression can see.
#[derive(Debug, Default)]
pub struct Context {
    /// `inputs.NAME`.
    pub inputs: BTreeMap<String, String>,
    /// `env.NAME`, as the workflow sets it for its job and the step that uses the Action.
    pub env: BTreeMap<String, String>,
    /// `github.NAME`.
    pub github: BTreeMap<String, String>,
    /// `steps.ID.outputs.NAME`.
    pub outputs: BTreeMap<String, BTreeMap<String, String>>,
    /// `steps.ID.outcome`.
    pub outcomes: BTreeMap<String, String>,
    /// `needs.JOB.outputs.NAME`.
    pub needs: BTreeMap<String, BTreeMap<String, String>>,
    /// How it went so far.
    pub status: Status,
}

/// How a job and the steps of an Action went so far.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// The job was cancelled.
    pub cancelled: bool,
    /// A step of the Action failed.
    pub failed: bool,
    /// A step of the Action was cut short.
    pub cut: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Bool(bool),
    Text(String),
}

impl Value {
    fn truthy(&self) -> bool {
        match self {
            Self::Bool(value) => *value,
            Self::Text(text) => !text.is_empty(),
        }
    }

    /// Texts are compared without regard to case.
    fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bool(one), Self::Bool(two)) => one == two,
            (Self::Text(one), Self::Text(two)) => one.to_lowercase() == two.to_lowercase(),
            _ => panic!("a text compared with a truth value: {self:?}, {other:?}"),
        }
    }
}

/// Whether a step runs: its `if:`, which without a function of status begins with `success() &&`.
pub fn condition(text: Option<&str>, context: &Context) -> bool {
    let text = text.map_or("success()", str::trim);
    let text = text.strip_prefix("${{").and_then(|text| text.strip_suffix("}}")).unwrap_or(text);
    let asks = ["success(", "failure(", "always(", "cancelled("].iter().any(|function| text.contains(function));
    let holds = evaluate(text, context).truthy();
    if asks { holds } else { success(context.status) && holds }
}

/// A text with each `${{ … }}` replaced.
pub fn template(text: &str, context: &Context) -> String {
    let mut parts = text.split("${{");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let Some((expression, rest)) = part.split_once("}}") else { panic!("`${{{{` without `}}}}` in {text:?}") };
        match evaluate(expression, context) {
            Value::Text(value) => filled += &value,
            Value::Bool(value) => filled += if value { "true" } else { "false" },
        }
        filled += rest;
    }
    filled
}

const fn success(status: Status) -> bool {
    !status.cancelled && !status.failed && !status.cut
}

fn evaluate(text: &str, context: &Context) -> Value {
    let mut reader = Reader { tokens: tokens(text), at: 0, context, text };
    let value = reader.any();
    assert!(reader.at == reader.tokens.len(), "cannot read the expression {text:?}");
    value
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Text(String),
    Name(String),
    Sign(&'static str),
}

const SIGNS: [&str; 8] = ["==", "!=", "&&", "||", "!", "(", ")", ","];

fn tokens(text: &str) -> Vec<Token> {
    let mut rest = text.trim_start();
    let mut tokens = Vec::new();
    while !rest.is_empty() {
        let of_name = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if let Some(quoted) = rest.strip_prefix('\'') {
            let Some((inside, after)) = quoted.split_once('\'') else { panic!("an open quote in {text:?}") };
            assert!(!after.starts_with('\''), "a doubled quote is not read: {text:?}");
            tokens.push(Token::Text(inside.to_owned()));
            rest = after;
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else {
            let length = rest.find(|c| !of_name(c)).unwrap_or(rest.len());
            assert!(length > 0, "`{rest}` is not read in the expression {text:?}");
            tokens.push(Token::Name(rest[..length].to_owned()));
            rest = &rest[length..];
        }
        rest = rest.trim_start();
    }
    tokens
}

/// Recursive descent: `||` binds weaker than `&&`, that weaker than `==`.
struct Reader<'r> {
    tokens: Vec<Token>,
    at: usize,
    context: &'r Context,
    text: &'r str,
}

impl Reader<'_> {
    fn takes(&mut self, sign: &'static str) -> bool {
        let takes = self.tokens.get(self.at) == Some(&Token::Sign(sign));
        self.at += usize::from(takes);
        takes
    }

    fn any(&mut self) -> Value {
        let mut value = self.all();
        while self.takes("||") {
            let next = self.all();
            value = if value.truthy() { value } else { next };
        }
        value
    }

    fn all(&mut self) -> Value {
        let mut value = self.comparison();
        while self.takes("&&") {
            let next = self.comparison();
            value = if value.truthy() { next } else { value };
        }
        value
    }

    fn comparison(&mut self) -> Value {
        let value = self.single();
        if self.takes("==") {
            Value::Bool(value.equals(&self.single()))
        } else if self.takes("!=") {
            Value::Bool(!value.equals(&self.single()))
        } else {
            value
        }
    }

    fn single(&mut self) -> Value {
        if self.takes("!") {
            return Value::Bool(!self.single().truthy());
        }
        if self.takes("(") {
            let value = self.any();
            assert!(self.takes(")"), "`)` is missing in {:?}", self.text);
            return value;
        }
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        match token {
            Some(Token::Text(text)) => Value::Text(text),
            Some(Token::Name(name)) if name == "contains" && self.takes("(") => {
                let (all, part) = (self.argument(","), self.argument(")"));
                Value::Bool(all.to_lowercase().contains(&part.to_lowercase()))
            }
            Some(Token::Name(name)) if self.takes("(") => {
                assert!(self.takes(")"), "a function with arguments is not read: {:?}", self.text);
                Value::Bool(self.status(&name))
            }
            Some(Token::Name(name)) => self.named(&name),
            other => panic!("{other:?} is not read in the expression {:?}", self.text),
        }
    }

    /// A text that an argument is, and what ends it.
    fn argument(&mut self, end: &'static str) -> String {
        let Value::Text(text) = self.any() else { panic!("an argument is no text: {:?}", self.text) };
        assert!(self.takes(end), "`{end}` is missing in {:?}", self.text);
        text
    }

    fn status(&self, function: &str) -> bool {
        let status = self.context.status;
        match function {
            "always" => true,
            "cancelled" => status.cancelled,
            "success" => success(status),
            "failure" => status.failed && !status.cancelled,
            other => panic!("the function {other}() is not read: {:?}", self.text),
        }
    }

    fn named(&self, name: &str) -> Value {
        let parts: Vec<&str> = name.split('.').collect();
        let found = match parts.as_slice() {
            ["true"] => return Value::Bool(true),
            ["false"] => return Value::Bool(false),
            ["inputs", input] => self.context.inputs.get(*input).unwrap_or_else(|| panic!("no input {input}")).clone(),
            ["github", of] => self.context.github.get(*of).unwrap_or_else(|| panic!("github.{of} is not read")).clone(),
            ["env", of] => self.context.env.get(*of).cloned().unwrap_or_default(),
            // An output that was not set is empty, and so is every output of a step that did not run.
            ["steps", id, "outputs", output] => {
                self.context.outputs.get(*id).and_then(|of| of.get(*output)).cloned().unwrap_or_default()
            }
            ["needs", job, "outputs", output] => {
                self.context.needs.get(*job).and_then(|of| of.get(*output)).cloned().unwrap_or_default()
            }
            ["steps", id, "outcome"] => self.context.outcomes.get(*id).cloned().unwrap_or_default(),
            _ => panic!("`{name}` is not read in the expression {:?}", self.text),
        };
        Value::Text(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(status: Status) -> Context {
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Context {
            inputs: map(&[("command", "promote"), ("target", "prod"), ("args", "")]),
            env: map(&[("SET", "set")]),
            github: map(&[("workspace", "/w")]),
            outputs: BTreeMap::from([("run".to_owned(), map(&[("exit-code", "5")]))]),
            outcomes: map(&[("run", "failure"), ("killed", "failure"), ("before", "skipped")]),
            needs: BTreeMap::new(),
            status,
        }
    }

    #[test]
    fn conditions_are_read_as_github_reads_them() {
        let (fine, cancelled) = (Status::default(), Status { cancelled: true, cut: true, ..Status::default() });
        let failed = Status { failed: true, ..Status::default() };
        let settle = "cancelled() && (inputs.command == 'promote' || inputs.command == 'resume')";
        let killed = "failure() && steps.killed.outcome == 'failure' && steps.killed.outputs.exit-code == ''";
        let by_itself = "failure() && steps.run.outcome == 'failure' && steps.run.outputs.exit-code == ''";
        let not_run = "failure() && steps.before.outcome == 'failure' && steps.before.outputs.exit-code == ''";
        for (text, status, runs) in [
            (None, fine, true),
            (None, cancelled, false),
            (None, failed, false),
            (Some(settle), fine, false),
            (Some(settle), cancelled, true),
            (Some(settle), failed, false),
            (Some(killed), failed, true),
            (Some(killed), fine, false),
            (Some(by_itself), failed, false),
            (Some(not_run), failed, false),
            (Some("inputs.command == 'PROMOTE'"), fine, true),
            (Some("inputs.command != 'promote'"), fine, false),
            (Some("contains(inputs.command, 'MOT')"), fine, true),
            (Some("contains(inputs.command, 'resume') || contains('', inputs.target)"), fine, false),
            (Some("inputs.args"), fine, false),
            (Some("inputs.target"), failed, false),
            (Some("always() && inputs.target"), cancelled, true),
            (Some("failure() || cancelled()"), failed, true),
            (Some("!cancelled() && !(inputs.command == 'plan')"), failed, true),
            (Some("${{ success() }}"), fine, true),
            (Some("(inputs.args || env.NONE) == ''"), fine, true),
            (Some("(inputs.args || env.SET) == 'set'"), fine, true),
        ] {
            assert_eq!(condition(text, &context(status)), runs, "{text:?} {status:?}");
        }
    }

    #[test]
    fn templates_are_filled_and_what_was_not_set_is_empty() {
        let filled = template(
            "${{ github.workspace }}/${{inputs.target}}: ${{ steps.run.outputs.exit-code }} ${{ steps.run.outputs.none }}",
            &context(Status::default()),
        );
        assert_eq!(filled, "/w/prod: 5 ");
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        for text in ["hashFiles()", "inputs.misspelt", "secrets.KEY", "inputs.command > 'a'", "contains(inputs.args)"] {
            let refused = std::panic::catch_unwind(|| condition(Some(text), &context(Status::default())));
            assert!(refused.is_err(), "{text}");
        }
    }
}
