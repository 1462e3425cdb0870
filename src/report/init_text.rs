//! What `init` found and wrote, for people. Pure.

use super::text::{cut, field, one_line};
use crate::config::Draft;
use crate::discover::{Called, Edit, Function, LiveStage, NO_ALIAS, Serving, Through, Ways};
use crate::iam_policy::partition;
use crate::model::ManagedBy;

/// The most functions, routes or commands that are shown of one kind.
const SHOWN: usize = 12;
/// The widest name of a function that what it serves stands beside.
const NAME_MAX: usize = 32;

/// All that is told.
pub struct Screen<'a> {
    /// What was written.
    pub draft: &'a Draft,
    /// The stage, with its API.
    pub stage: Option<&'a LiveStage>,
    /// What it calls.
    pub ways: &'a Ways,
    /// How it finds what is released.
    pub through: Option<&'a Through>,
    /// The functions that are released.
    pub functions: &'a [Function],
    /// What must be edited before a release changes anything.
    pub edits: &'a [Edit],
    /// Who else owns what, one line each; none when that could not be looked at.
    pub owners: Option<&'a [String]>,
    /// What to write into their configuration.
    pub snippets: &'a [(ManagedBy, String)],
    /// What became of which file; none when it is only shown.
    pub written: Option<(&'a str, &'a str)>,
    /// The commands that come next.
    pub next: &'a [String],
    /// The flags that every command needs to mean the same as this one.
    pub flags: &'a str,
}

/// A way of calling, with its functions, as one line to choose from.
pub fn way(called: &Called) -> String {
    let names: Vec<&str> = called.functions.keys().take(4).map(|name| name.as_str()).collect();
    let more = called.functions.len().saturating_sub(names.len());
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}  ({})", names.join(", "), through(&called.through))
}

/// How a stage finds what it calls.
fn through(through: &Through) -> String {
    match through {
        Through::Variable { name, alias: Some(alias) } => format!("alias {alias}, by stage variable {name}"),
        Through::Variable { name, alias: None } => format!("by stage variable {name}, which names no alias yet"),
        Through::Alias { alias } => format!("alias {alias}, by name"),
        Through::Latest => "the function itself: no alias".into(),
        Through::Version { number } => format!("version {number}, by number"),
    }
}

fn some<T>(all: &[T], mut show: impl FnMut(&T)) -> Option<usize> {
    all.iter().take(SHOWN).for_each(&mut show);
    all.len().checked_sub(SHOWN).filter(|more| *more > 0)
}

impl Screen<'_> {
    /// The text: lines of at most `width` characters, except where a command would be broken.
    pub fn text(&self, width: usize) -> String {
        let mut text = self.head(width);
        text.push_str(&self.functions(width));
        text.push_str(&self.rest(width));
        text.push_str(&self.rewiring(width));
        text.push_str(&self.owned(width));
        text.push_str(&self.end(width));
        text
    }

    fn head(&self, width: usize) -> String {
        let Draft { region, account, .. } = self.draft;
        let what = match self.stage {
            Some(stage) => {
                let kind = if stage.stage.kind.is_rest() { "REST API" } else { "HTTP API" };
                format!("{} · {kind} {}", stage.stage_ref, one_line(stage.live.name()))
            }
            None => "no stage: the alias alone is released".into(),
        };
        field("", &format!("{what} · {region} · account {account}"), width) + "\n"
    }

    fn functions(&self, width: usize) -> String {
        let widest = self.functions.iter().map(|function| function.name.as_str().len()).max().unwrap_or_default();
        let column = widest.min(NAME_MAX);
        let mut text = String::new();
        let alias = &self.draft.alias;
        let more = some(self.functions, |function| {
            let label = format!("  {:<column$}  ", cut(function.name.as_str(), NAME_MAX));
            text.push_str(&field(&label, &serves(alias.as_str(), function.serving.as_ref()), width));
        });
        if let Some(more) = more {
            text.push_str(&format!("  and {more} more\n"));
        }
        if let Some(way) = self.through {
            text.push_str(&field("  called as ", &through(way), width));
        }
        text + "\n"
    }

    /// What the stage calls besides.
    fn rest(&self, width: usize) -> String {
        let mut lines: Vec<String> = Vec::new();
        for called in &self.ways.called {
            let others = called.functions.iter().filter(|(name, _)| !self.draft.functions.contains(name));
            lines.extend(others.map(|(name, routes)| {
                format!(
                    "{name}: {} ({})",
                    through(&called.through),
                    routes.iter().take(3).cloned().collect::<Vec<_>>().join(", ")
                )
            }));
        }
        lines.extend(self.ways.notes.iter().cloned());
        if self.ways.elsewhere > 0 {
            lines.push(format!("{} routes that call no Lambda function", self.ways.elsewhere));
        }
        if lines.is_empty() {
            return String::new();
        }
        let mut text = "not in this target\n".to_owned();
        let more = some(&lines, |line| text.push_str(&field("  ", line, width)));
        if let Some(more) = more {
            text.push_str(&format!("  and {more} more\n"));
        }
        text + "\n"
    }

    /// Integrations that name the function alone.
    fn rewiring(&self, width: usize) -> String {
        let (Some(stage), false) = (self.stage, self.edits.is_empty()) else { return String::new() };
        let Draft { alias, region, account, .. } = self.draft;
        let variable = self.draft.stage.as_ref().and_then(|stage| stage.alias_variable.as_deref()).unwrap_or_default();
        let n = self.edits.len();
        let mut text = field(
            "! ",
            &format!(
                "{n} integration{} the function itself, and so runs whatever was uploaded last: no release changes that. \
                 Point {} at stage variable {variable} first; the release then sets it to {alias}:",
                if n == 1 { " names" } else { "s name" },
                if n == 1 { "it" } else { "them" }
            ),
            width,
        );
        let more = some(self.edits, |edit| {
            text.push_str(&field("  ", &edit.routes.join(", "), width));
            match &edit.command {
                Some(command) => text.push_str(&format!("    {command}\n")),
                None => text.push_str(&field("    ", &format!("edit it by hand, it is {}", edit.uri), width)),
            }
        });
        if let Some(more) = more {
            text.push_str(&format!("  and {more} more, in --json\n"));
        }
        if stage.stage.kind.is_auto_deployed() {
            let stage_ref = &stage.stage_ref;
            text.push_str(&field("  ", "This stage serves every edit at once, so the alias comes before it:", width));
            for function in self.draft.functions.iter().take(SHOWN) {
                text.push_str(&format!(
                    "    stagegate promote {function}:{alias}{}\n    aws lambda add-permission --region {region} \
                     --function-name {function} --qualifier {alias} --statement-id {}-{} --action \
                     lambda:InvokeFunction --principal apigateway.amazonaws.com --source-arn \
                     'arn:{}:execute-api:{region}:{account}:{}/{}/*'\n",
                    self.flags,
                    stage_ref.api,
                    stage_ref.stage.as_str().trim_start_matches('$'),
                    partition(region),
                    stage_ref.api,
                    stage_ref.stage,
                ));
            }
        } else {
            let others = "Nothing is served before the next deployment: promote makes it. Other stages of this API get the \
                          edits with theirs, and need the variable then.";
            text.push_str(&field("  ", others, width));
        }
        text + "\n"
    }

    fn owned(&self, width: usize) -> String {
        let Some(owners) = self.owners else { return String::new() };
        let mut text: String = owners.iter().map(|line| field("owner  ", line, width)).collect();
        for (tool, lines) in self.snippets {
            text.push_str(&format!("\nso that {tool} leaves a release alone:\n\n{lines}"));
        }
        if owners.is_empty() {
            let nobody = "no stack is known to own it. Terraform leaves no mark: if it does, write managed_by = \
                          \"terraform\", and verify prints what to write there";
            text.push_str(&field("owner  ", nobody, width));
        }
        text + "\n"
    }

    fn end(&self, width: usize) -> String {
        let Draft { name, protected, .. } = self.draft;
        let what = match self.written {
            Some((word, file)) => format!("✔ {word}  {file}, target {name}"),
            None => format!("not written: target {name} is only shown"),
        };
        let mut text = field("", &what, width);
        if *protected {
            let why = format!(
                "protected, for its name or alias sounds like production: a promotion asks for {name} to be typed"
            );
            text.push_str(&field("  ", &why, width));
        }
        text.push_str("\nnext\n");
        self.next.iter().for_each(|command| text.push_str(&format!("  {command}\n")));
        text
    }
}

fn serves(alias: &str, serving: Option<&Serving>) -> String {
    match serving.map(|serving| (serving, serving.note())) {
        None => format!("{alias} {NO_ALIAS}"),
        Some((serving, None)) => format!("{alias} → {serving}"),
        Some((serving, Some(note))) => format!("{alias} → {serving}: {note}"),
    }
}
