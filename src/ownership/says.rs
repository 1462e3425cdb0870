//! Ownership in words: one line for all things that have one owner and lose the same.

use jiff::Timestamp;

use super::{Attribute, Owned, Owner, Ownership, Place, StackPlace, Thing};
use crate::model::ManagedBy;

/// Things named in one line.
const NAMED: usize = 3;

/// Things of one sort with one owner.
struct Group<'a> {
    owner: &'a Owner,
    reverts: &'a [Attribute],
    things: Vec<(&'a Thing, Option<&'a str>)>,
}

impl Ownership {
    /// What the tools' next updates would take back, one line for each tool and sort of thing. None where the
    /// configuration says that no tool would.
    pub fn warnings(&self) -> Vec<String> {
        if self.declared == Some(ManagedBy::None) {
            return Vec::new();
        }
        self.groups().iter().filter(|group| !group.reverts.is_empty()).map(Group::line).collect()
    }

    /// Who owns what, without CodeDeploy, whose deployments have messages of their own.
    pub fn lines(&self) -> Vec<String> {
        self.groups().iter().map(Group::line).collect()
    }

    /// What could not be looked at and who would have been found there; nothing of tools where the configuration says
    /// that none would take anything back.
    pub fn blind_spots(&self) -> Vec<String> {
        let silenced = |place: Place| place.is_about_tools() && self.declared == Some(ManagedBy::None);
        let seen = self.unseen.iter().filter(|unseen| !silenced(unseen.place));
        seen.map(|unseen| format!("{} could not be looked at: {}", unseen.place.what(), unseen.why)).collect()
    }

    fn groups(&self) -> Vec<Group<'_>> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        for Owned { thing, owners, reverts } in &self.things {
            for owner in owners.iter().filter(|owner| owner.tool().is_some()) {
                let same = |group: &&mut Group<'_>| {
                    group.owner.is_like(owner)
                        && group.things.first().is_some_and(|(first, _)| first.sort() == thing.sort())
                };
                match groups.iter_mut().find(same) {
                    Some(group) => group.things.push((thing, owner.logical_id())),
                    None => groups.push(Group { owner, reverts, things: vec![(thing, owner.logical_id())] }),
                }
            }
        }
        groups
    }
}

impl Group<'_> {
    fn line(&self) -> String {
        let names: Vec<String> = self.things.iter().take(NAMED).map(|(thing, id)| named(thing, *id)).collect();
        let (names, many) = (names.join(", "), self.things.len() > 1);
        let subject = match (self.things.len(), self.things.first()) {
            (1, _) | (_, None) => names,
            (n, Some((first, _))) if n <= NAMED => format!("{n} {} ({names})", first.sort()),
            (n, Some((first, _))) => format!("{n} {} ({names} and {} more)", first.sort(), n - NAMED),
        };
        let verb = if many { "belong" } else { "belongs" };
        let (whose, it) = (self.owner.whose(), if many { "them" } else { "it" });
        if self.reverts.is_empty() {
            return format!("{subject} {verb} to {whose}");
        }
        let words: Vec<String> = self.reverts.iter().map(Attribute::word).collect();
        let when = match self.owner {
            Owner::Terraform => format!("its next apply, unless told to ignore {it},"),
            _ => format!("its next update that touches {it}"),
        };
        format!("{subject} {verb} to {whose}: {when} puts back its own {}", enumerated(&words))
    }
}

/// `a, b and c`.
fn enumerated(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn named(thing: &Thing, logical_id: Option<&str>) -> String {
    let name = thing.to_string();
    logical_id.map_or_else(|| name.clone(), |id| format!("{name} = {id}"))
}

impl std::fmt::Display for Thing {
    /// What a person types to mean it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Alias(function, alias) => write!(f, "{function}:{alias}"),
            Self::Function(function) => write!(f, "{function}"),
            Self::Api(api) => write!(f, "API {api}"),
            Self::Stage(stage) => write!(f, "stage {stage}"),
        }
    }
}

impl Thing {
    /// Several of them.
    const fn sort(&self) -> &'static str {
        match self {
            Self::Alias(..) => "aliases",
            Self::Function(_) => "functions",
            Self::Api(_) => "APIs",
            Self::Stage(_) => "stages",
        }
    }
}

impl Place {
    const fn what(self) -> &'static str {
        match self {
            Self::ActiveDeployments => "whether CodeDeploy moves an alias of the target",
            Self::AbandonedDeployments => "whether CodeDeploy left the weights",
            Self::Stacks => "which stacks the aliases belong to",
            Self::Tags => "which stacks the functions belong to",
        }
    }

    /// Whether it would tell which tool takes a release back.
    const fn is_about_tools(self) -> bool {
        matches!(self, Self::Stacks | Self::Tags)
    }
}

impl Owner {
    const fn place(&self) -> Option<&StackPlace> {
        match self {
            Self::CloudFormation(place) | Self::Sam(place) | Self::Cdk(place) => Some(place),
            Self::Terraform | Self::CodeDeploy { .. } => None,
        }
    }

    fn logical_id(&self) -> Option<&str> {
        self.place()?.logical_id.as_deref()
    }

    /// The same tool and the same stack.
    fn is_like(&self, other: &Self) -> bool {
        let stack = |owner: &Self| owner.place().and_then(|place| place.stack.clone());
        self.tool() == other.tool() && stack(self) == stack(other)
    }

    fn whose(&self) -> String {
        let Some(tool) = self.tool() else { return "CodeDeploy".into() };
        match self.place().and_then(|place| place.stack.as_deref()) {
            Some(stack) if tool == ManagedBy::CloudFormation => format!("CloudFormation stack {stack}"),
            Some(stack) => format!("{tool} stack {stack}"),
            None => format!("{tool} (managed_by)"),
        }
    }
}

/// How long ago something was, in its largest unit: `6 days ago`.
pub(crate) fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs().max(0);
    let (n, unit) = match seconds {
        0..120 => return "just now".into(),
        120..7_200 => (seconds / 60, "minutes"),
        7_200..172_800 => (seconds / 3_600, "hours"),
        _ => (seconds / 86_400, "days"),
    };
    format!("{n} {unit} ago")
}
