//! Revisions, deployment ids and digests differ between the two sides: each is known by where it first appeared.

use std::collections::HashMap;

use stagegate::aws::Call;
use stagegate::aws::noun::Patch;

use super::compare::Difference;

/// Values of one kind are equal when they always appear together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Revision of `$LATEST` or of a version.
    Function,
    /// Revision of an alias.
    Alias,
    /// Revision of a policy.
    Policy,
    /// Digest of a configuration.
    Digest,
    /// Id of a deployment.
    Deployment,
}

#[derive(Debug, Clone, Default)]
struct Names {
    to_emulator: HashMap<String, String>,
    to_world: HashMap<String, String>,
}

/// What each of the World's values is called in the emulator.
#[derive(Debug, Clone, Default)]
pub struct Pairs(HashMap<Kind, Names>);

impl Pairs {
    /// Whether two values stand for the same thing; the first time they appear, they do from then on.
    pub fn same(&mut self, kind: Kind, world: &str, emulator: &str) -> bool {
        let names = self.0.entry(kind).or_default();
        match (names.to_emulator.get(world), names.to_world.get(emulator)) {
            (Some(known), _) => known == emulator,
            (None, Some(_)) => false,
            (None, None) => {
                self.bind(kind, world, emulator);
                true
            }
        }
    }

    /// From now on the two stand for the same thing, whatever they stood for before.
    pub fn bind(&mut self, kind: Kind, world: &str, emulator: &str) {
        let names = self.0.entry(kind).or_default();
        names.to_emulator.insert(world.to_owned(), emulator.to_owned());
        names.to_world.insert(emulator.to_owned(), world.to_owned());
    }

    /// After differences that are known and explained: what appeared together last belongs together.
    pub fn take_over(&mut self, found: &[Difference]) {
        for difference in found {
            let names = (difference.world.as_str(), difference.emulator.as_str());
            if let (Some(kind), (Some(world), Some(emulator))) = (difference.kind, names) {
                self.bind(kind, world, emulator);
            }
        }
    }

    /// The emulator's name of a World's value; made-up values are the same for both.
    pub fn emulators(&self, kinds: &[Kind], value: &str) -> String {
        let known = kinds.iter().find_map(|kind| self.0.get(kind)?.to_emulator.get(value));
        known.map_or_else(|| value.to_owned(), Clone::clone)
    }

    /// The World's name of an emulator's deployment, if it has one.
    pub fn worlds_deployment(&self, emulator: &str) -> Option<&str> {
        self.0.get(&Kind::Deployment)?.to_world.get(emulator).map(String::as_str)
    }

    /// The same call in the emulator's words.
    pub fn translate(&self, call: &Call) -> Call {
        let revision = |value: &str| self.emulators(&[Kind::Alias, Kind::Policy, Kind::Function], value);
        let deployment = |value: &str| self.emulators(&[Kind::Deployment], value);
        let mut call = call.clone();
        match &mut call {
            Call::PublishVersion(c) => c.revision = revision(&c.revision),
            Call::UpdateAlias(c) => c.revision = revision(&c.revision),
            Call::AddPermission(c) => c.revision = c.revision.as_deref().map(revision),
            Call::RemovePermission(c) => c.revision = c.revision.as_deref().map(revision),
            Call::GetDeployment(c) => c.deployment = deployment(&c.deployment),
            Call::UpdateStage(c) => {
                for patch in &mut c.patches {
                    if let Patch::Replace { path, value } = patch
                        && path.ends_with("/deploymentId")
                    {
                        *value = deployment(value);
                    }
                }
            }
            _ => {}
        }
        call
    }
}
