//! A TOML document whose every value can be pointed at.

use std::ops::Range;

use serde_json::{Value, json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::suggest::did_you_mean;
use crate::problem::{Code, Problem, Span};

/// Keys that people know from elsewhere: their name there, ours, and what ours holds.
const RENAMED: &[(&str, &str, &str)] = &[
    ("no_data", "on_inconclusive", "\"hold\", \"promote\" or \"rollback\""),
    ("max_p99_ratio", "max_slow_ratio", "how many times as many slow requests are tolerated, 1.0 to 10.0"),
];

/// The text of a configuration file, with the name that people know it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    name: String,
    text: String,
}

impl Document {
    /// A document called `name`.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// The name that people know it by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line of a place, counted from 1.
    pub(super) fn line(&self, range: &Range<usize>) -> usize {
        self.span(range.clone(), "").line
    }

    /// A place with what to write there.
    pub(super) fn span(&self, range: Range<usize>, note: impl Into<String>) -> Span {
        Span::of(&self.name, &self.text, range, note)
    }

    /// A problem with the value called `path` at a place, and the usual way to fix it.
    pub(super) fn problem(
        &self,
        code: Code,
        what: impl Into<String>,
        path: &str,
        range: Range<usize>,
        note: impl Into<String>,
    ) -> Problem {
        let fix = match path.strip_prefix("target.").and_then(|rest| rest.split('.').next()) {
            Some(target) => format!("edit the line, then: stagegate plan {target}"),
            None => "edit the line and run the command again".to_owned(),
        };
        Problem::new(code, what).at(self.span(range, note)).fix(fix)
    }

    /// The document's top table.
    pub(super) fn table(&self) -> Result<Spanned<DeTable<'_>>, Problem> {
        DeTable::parse(&self.text).map_err(|error| {
            let range = error.span().unwrap_or(0..0);
            self.problem(Code::Syntax, format!("{} is not valid TOML", self.name), "", range, error.message())
        })
    }
}

/// One value of a document.
pub(super) struct Node<'d> {
    pub document: &'d Document,
    /// Its full key, such as `target.prod.functions[1]`.
    pub path: String,
    pub value: &'d DeValue<'d>,
    pub range: Range<usize>,
}

/// What a configuration key can hold.
pub(super) trait FromToml: Sized {
    /// What people are told to write, to follow "expected".
    const WANTED: &'static str;

    /// The same for programs: JSON Schema of what [`FromToml::from_toml`] takes. What a schema cannot say is left out, so
    /// that nothing is refused that the program takes.
    fn schema() -> Value;

    fn from_toml(node: &Node<'_>) -> Result<Self, Problem>;
}

impl<T: FromToml> FromToml for Spanned<T> {
    const WANTED: &'static str = T::WANTED;

    fn schema() -> Value {
        T::schema()
    }

    fn from_toml(node: &Node<'_>) -> Result<Self, Problem> {
        Ok(Self::new(node.range.clone(), T::from_toml(node)?))
    }
}

impl<T: FromToml> FromToml for Vec<Spanned<T>> {
    const WANTED: &'static str = "a list in [ ]";

    fn schema() -> Value {
        json!({ "type": "array", "items": T::schema() })
    }

    fn from_toml(node: &Node<'_>) -> Result<Self, Problem> {
        let items = node.value.as_array().ok_or_else(|| node.wrong_type::<Self>())?;
        let mut list = Self::new();
        for (index, item) in items.iter().enumerate() {
            list.push(Spanned::from_toml(&node.child(format!("{}[{index}]", node.path), item))?);
        }
        Ok(list)
    }
}

impl<'d> Node<'d> {
    pub(super) fn child(&self, path: String, value: &'d Spanned<DeValue<'d>>) -> Node<'d> {
        Node { document: self.document, path, value: value.get_ref(), range: value.span() }
    }

    /// The full key of something inside this table.
    pub(super) fn inside(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The value as a table that has no other keys than `known`; the first other key in the text is reported.
    pub(super) fn section<T: FromToml>(&self, known: &[&str]) -> Result<&'d DeTable<'d>, Problem> {
        let table = self.value.as_table().ok_or_else(|| self.wrong_type::<T>())?;
        let unknown = table.keys().filter(|key| !known.contains(&key.get_ref().as_ref()));
        let Some(key) = unknown.min_by_key(|key| key.span().start) else { return Ok(table) };
        let (path, word) = (self.inside(key.get_ref()), key.get_ref());
        let renamed = RENAMED.iter().find(|(old, new, _)| old == word && known.contains(new));
        let note = match renamed {
            Some((_, new, values)) => format!("it is called `{new}`: {values}"),
            None => did_you_mean(word, known.iter().copied()),
        };
        Err(self.document.problem(Code::UnknownKey, format!("unknown key `{path}`"), &path, key.span(), note))
    }

    /// The value of a key in this table, if it is there.
    pub(super) fn field<T: FromToml>(&self, table: &'d DeTable<'d>, key: &str) -> Result<Option<T>, Problem> {
        let found = table.iter().find(|(name, _)| name.get_ref() == key);
        found.map(|(_, value)| T::from_toml(&self.child(self.inside(key), value))).transpose()
    }

    /// The value as text.
    pub(super) fn text<T: FromToml>(&self) -> Result<&'d str, Problem> {
        self.value.as_str().ok_or_else(|| self.wrong_type::<T>())
    }

    /// The value is of another kind than `T` is made from.
    pub(super) fn wrong_type<T: FromToml>(&self) -> Problem {
        let kind = match self.value {
            DeValue::String(_) => "text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a decimal number",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.problem(Code::WrongType, format!("`{}` is {kind}", self.path), format!("expected {}", T::WANTED))
    }

    /// A problem with this value.
    pub(super) fn problem(&self, code: Code, what: impl Into<String>, note: impl Into<String>) -> Problem {
        self.document.problem(code, what, &self.path, self.range.clone(), note)
    }
}
