//! What decides about a stage's deployment besides the live definition: files that trigger a new one, and another target
//! whose deployment is taken over.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{AliasName, FunctionName, StageRef};

/// The most files that one target names: their digests stand in the deployment's description.
pub const FILES_MAX: usize = 10;
/// Hex digits of a file's digest.
pub const FILE_DIGITS: usize = 12;

/// A file whose content decides whether the stage gets a new deployment. Its content is never sent anywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerFile {
    /// As the configuration names it, relative to the configuration file.
    pub name: String,
    /// The first [`FILE_DIGITS`] hex digits of SHA-256 over name and content.
    pub digest: String,
}

impl TriggerFile {
    /// A file with its content.
    pub fn new(name: impl Into<String>, content: &str) -> Self {
        let name = name.into();
        let hash = Sha256::new().chain_update(&name).chain_update([0]).chain_update(content).finalize();
        let digest = hash.iter().take(FILE_DIGITS / 2).map(|byte| format!("{byte:02x}")).collect();
        Self { name, digest }
    }
}

/// The target whose stage proved the deployment that this one gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedeployFrom {
    /// The other target's name.
    pub target: String,
    /// Its stage, of the same API.
    pub stage: StageRef,
    /// Those of its functions that both targets have.
    pub functions: Vec<FunctionName>,
    /// Its alias.
    pub alias: AliasName,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_tells_names_and_contents_apart() {
        let digest = |name, content| TriggerFile::new(name, content).digest;
        let api = digest("openapi.yaml", "paths: {}");
        assert_eq!((api.len(), &api), (FILE_DIGITS, &digest("openapi.yaml", "paths: {}")));
        assert_ne!(api, digest("openapi.yaml", "paths: {} "));
        assert_ne!(api, digest("api.yaml", "paths: {}"));
        assert_ne!(digest("ab", "c"), digest("a", "bc"));
    }
}
