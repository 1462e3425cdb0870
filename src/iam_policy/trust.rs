//! Who may take a role: the trust policy for the OIDC tokens of GitHub's jobs (aws-semantics §11, GitHub OIDC).

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

use super::Purpose;

/// Who issues the tokens, as IAM names the provider: without the scheme.
pub const ISSUER: &str = "token.actions.githubusercontent.com";

/// The most characters that IAM takes in a role's trust policy unless the quota was raised, white space not counted
/// (IAM User Guide, quotas).
pub const TRUST_POLICY_CHARS_MAX: usize = 2_048;

/// The audience that a token must be for in a partition.
pub fn audience(partition: &str) -> &'static str {
    if partition == "aws-cn" { "sts.amazonaws.com.cn" } else { "sts.amazonaws.com" }
}

/// A repository on github.com, with the ids that tell it from every other of that name, past or future.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    owner: String,
    name: String,
    ids: Option<(u64, u64)>,
}

impl Repository {
    /// Whether the ids of owner and repository are known.
    pub const fn has_ids(&self) -> bool {
        self.ids.is_some()
    }

    /// `ORG/REPO`, without ids.
    pub fn named(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// The ways in which a token's subject may begin: by the names, and by names and ids, as GitHub writes it for
    /// repositories created from 15 July 2026 on. Without ids the second one cannot be written: a wildcard in their
    /// place would hold for whoever owns the name next, too.
    fn prefixes(&self) -> Vec<String> {
        let Self { owner, name, ids } = self;
        let immutable = ids.map(|(owner_id, id)| format!("repo:{owner}@{owner_id}/{name}@{id}"));
        std::iter::once(format!("repo:{owner}/{name}")).chain(immutable).collect()
    }
}

impl fmt::Display for Repository {
    /// As it is written: `ORG/REPO` or `ORG@ORG_ID/REPO@REPO_ID`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, name, ids } = self;
        match ids {
            Some((owner_id, id)) => write!(f, "{owner}@{owner_id}/{name}@{id}"),
            None => write!(f, "{owner}/{name}"),
        }
    }
}

impl FromStr for Repository {
    type Err = String;

    /// `ORG/REPO` or `ORG@ORG_ID/REPO@REPO_ID`. Names hold what GitHub allows in them, and so no wildcard.
    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "write it as ORG/REPO or ORG@ORG_ID/REPO@REPO_ID".to_owned();
        if text.contains("://") {
            return Err(form() + ", not as a URL");
        }
        let (owner, name) = text.split_once('/').ok_or_else(form)?;
        let ((owner, owner_id), (name, id)) = (split_id(owner)?, split_id(name)?);
        let is_of = |text: &str, more: &str, max: usize| {
            (1..=max).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        // An enterprise's managed users have an underscore.
        if !is_of(owner, "-_", OWNER_CHARS_MAX) {
            return Err(format!("{owner:?} is no name of an organization or user; {}", form()));
        }
        if !is_of(name, "-_.", NAME_CHARS_MAX) || [".", ".."].contains(&name) {
            return Err(format!("{name:?} is no name of a repository; {}", form()));
        }
        let ids = match (owner_id, id) {
            (Some(owner_id), Some(id)) => Some((owner_id, id)),
            (None, None) => None,
            _ => return Err(format!("one id is missing; {}", form())),
        };
        Ok(Self { owner: owner.to_owned(), name: name.to_owned(), ids })
    }
}

/// More than GitHub allows in the name of an owner, which is 39.
const OWNER_CHARS_MAX: usize = 64;

/// The most characters in the name of a repository.
const NAME_CHARS_MAX: usize = 100;

/// A name, and the id behind its `@`.
fn split_id(text: &str) -> Result<(&str, Option<u64>), String> {
    let Some((name, id)) = text.split_once('@') else { return Ok((text, None)) };
    // As GitHub writes it: another spelling of the number would never match.
    match id.parse::<u64>() {
        Ok(number) if number > 0 && number.to_string() == id => Ok((name, Some(number))),
        _ => Err(format!("{id:?} is no id: GitHub's are numbers, such as 123456")),
    }
}

/// What a job's token says of the job behind the repository: `environment:NAME`, `ref:refs/heads/BRANCH`, ...
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject(String);

impl Subject {
    /// Those that the workflows take a role for this purpose with.
    pub fn usual(purpose: Purpose) -> Vec<Self> {
        let usual: &[&str] = match purpose {
            // A plan for a published release runs on its tag.
            Purpose::Read => &["ref:refs/heads/main", "ref:refs/tags/*"],
            // Nothing may make a rollback wait, so its job has no environment.
            Purpose::Rollback => &["ref:refs/heads/main"],
            Purpose::Promote => {
                &["environment:production", "environment:production-bake", "environment:production-guard"]
            }
            Purpose::Gc => &["environment:production-gc"],
        };
        usual.iter().map(|text| Self((*text).to_owned())).collect()
    }

    /// The environment that the job must be in.
    pub fn environment(&self) -> Option<&str> {
        self.0.strip_prefix("environment:")
    }

    fn has_wildcard(&self) -> bool {
        self.0.contains('*')
    }

    /// Why a role for this purpose must not trust it.
    ///
    /// # Errors
    ///
    /// Where somebody could meet it who was never allowed to act: by a pull request, or by naming a branch, a tag or an
    /// environment.
    pub fn check(&self, purpose: Purpose) -> Result<(), String> {
        if purpose == Purpose::Read {
            return Ok(());
        }
        if self.0 == "pull_request" {
            return Err(
                "a pull request is code that nobody has agreed to yet: only a role that reads may trust it".into()
            );
        }
        let all = ["environment:", "ref:refs/heads/", "ref:refs/tags/"];
        let open = all.iter().find(|all| self.0.strip_prefix(**all).is_some_and(|rest| rest.starts_with('*')));
        if let Some(all) = open {
            return Err(format!(
                "{all}* is anything that somebody who may push can name: only a role that reads may trust it"
            ));
        }
        if self.environment().is_some() && self.has_wildcard() {
            return Err("an environment that does not exist yet is made, without any rule, for the first job that names it: name each".into());
        }
        Ok(())
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Subject {
    type Err = String;

    /// `environment:NAME`, `ref:refs/heads/BRANCH`, `ref:refs/tags/TAG` or `pull_request`; `*` in a name is any text.
    fn from_str(text: &str) -> Result<Self, String> {
        let form = "write environment:NAME, ref:refs/heads/BRANCH, ref:refs/tags/TAG or pull_request";
        if text.starts_with("repo:") {
            return Err(format!("{form}, without the repository: --github-oidc says it"));
        }
        let name =
            ["environment:", "ref:refs/heads/", "ref:refs/tags/"].iter().find_map(|kind| text.strip_prefix(kind));
        match name {
            None if text == "pull_request" => {}
            None | Some("") => return Err(form.into()),
            // What IAM reads in another way than as it stands there, or does not take in a policy.
            Some(name) if name.contains(['?', '$', ':', '\\']) || !name.chars().all(|c| (' '..='ÿ').contains(&c)) => {
                return Err(format!("{name:?} holds a character that cannot stand in a trust policy"));
            }
            Some(_) => {}
        }
        Ok(Self(text.to_owned()))
    }
}

/// The trust policy of a role that jobs of a repository may take. Subjects that stand for themselves are compared as they
/// are; only what has a wildcard is a pattern. They are two statements, for within one both comparisons would have to hold.
pub fn trust(partition: &str, account: &str, repository: &Repository, subjects: &[Subject]) -> Value {
    let (patterns, exact): (Vec<_>, Vec<_>) = subjects.iter().partition(|subject| subject.has_wildcard());
    let statement = |sid: &str, operator: &str, subjects: &[&Subject]| {
        let prefixes = repository.prefixes();
        let each =
            |prefix: &String| subjects.iter().map(move |subject| format!("{prefix}:{subject}")).collect::<Vec<_>>();
        let allowed: Vec<String> = prefixes.iter().flat_map(each).collect();
        let mut condition = json!({ "StringEquals": { format!("{ISSUER}:aud"): audience(partition) } });
        condition[operator][format!("{ISSUER}:sub")] = super::one_or_many(&allowed);
        json!({
            "Sid": sid,
            "Effect": "Allow",
            "Principal": { "Federated": format!("arn:{partition}:iam::{account}:oidc-provider/{ISSUER}") },
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": condition,
        })
    };
    let all = [("GitHub", "StringEquals", exact), ("GitHubPattern", "StringLike", patterns)];
    let statements: Vec<Value> =
        all.iter().filter(|(.., s)| !s.is_empty()).map(|(sid, operator, s)| statement(sid, operator, s)).collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}

#[cfg(test)]
mod tests;
