//! Who may invoke an alias: the document of `permission list --json` and its text. Pure.

use serde::Serialize;

use super::text::{field, thousands};
use crate::permission::grant::NEAR;
use crate::permission::subject::{Useless, Verdict};
use crate::permission::{Look, Subject, prune};
use crate::policy::{self, Coverage, LIMIT};
use crate::problem::Problem;

/// [`Permissions::schema`]
pub const PERMISSIONS_SCHEMA: &str = "stagegate.permissions/1.0";
/// Routes named in one line.
const NAMED: usize = 4;

/// All of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Permissions {
    /// Schema of this document.
    pub schema: &'static str,
    /// As the user named it.
    pub target: String,
    /// The region that was read.
    pub region: String,
    /// The aliases.
    pub aliases: Vec<AliasPermissions>,
    /// What could not be looked at.
    pub notes: Vec<String>,
}

/// One alias.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AliasPermissions {
    /// `function:alias`.
    pub alias: String,
    /// Whether it exists.
    pub exists: bool,
    /// Bytes of its policy.
    pub policy_bytes: usize,
    /// Bytes that AWS allows.
    pub policy_bytes_max: usize,
    /// Somebody owns the whole document, and may replace it.
    pub owned: bool,
    /// The release that holds the alias.
    pub in_flight: Option<String>,
    /// What calls it.
    pub calls: Vec<Call>,
    /// The statements of its policy.
    pub statements: Vec<Statement>,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Call {
    /// `API/STAGE`.
    pub stage: String,
    /// Route or authorizer.
    pub caller: String,
    /// What the stage serves makes it.
    pub deployed: bool,
    /// The live definition makes it.
    pub live: bool,
    /// Only the stage's canary makes it.
    pub canary: bool,
    /// Whether it is let in.
    pub standing: Standing,
    /// The statement that lets it in, or denies it.
    pub sid: Option<String>,
    /// Why it is not let in.
    pub why: Vec<String>,
}

/// Whether a call is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// By a statement.
    Covered,
    /// By a role: the policy is not asked.
    Role,
    /// By nothing: it answers 500.
    Missing,
    /// A statement denies it, or may.
    Blocked,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statement {
    /// Its id.
    pub sid: Option<String>,
    /// Whether stagegate added it.
    pub ours: bool,
    /// Whom it lets in, in one line.
    pub says: String,
    /// Why it can go.
    pub useless: Option<Useless>,
    /// Why it stays although its stage does not call the alias now.
    pub kept: Option<String>,
}

/// Puts together what was read.
///
/// # Errors
/// A policy cannot be evaluated.
pub fn document(target: &str, region: &str, look: &Look) -> Result<Permissions, Problem> {
    let aliases = look.subjects.iter().map(|subject| alias(subject, look)).collect::<Result<_, _>>()?;
    let (target, region, notes) = (target.to_owned(), region.to_owned(), look.notes.clone());
    Ok(Permissions { schema: PERMISSIONS_SCHEMA, target, region, aliases, notes })
}

fn alias(subject: &Subject, look: &Look) -> Result<AliasPermissions, Problem> {
    let (document, pruned) = (subject.document()?, prune::plan(subject, look, true)?);
    let statement = |one: &policy::document::Statement| {
        let is_it = |sid: &String| Some(sid) == one.sid.as_ref();
        Statement {
            sid: one.sid.clone(),
            ours: one.sid.as_deref().is_some_and(policy::is_ours),
            says: policy::says(one),
            useless: pruned.removals.iter().find(|removal| is_it(&removal.sid)).map(|removal| removal.why.clone()),
            kept: pruned.kept.iter().find(|(sid, _)| is_it(sid)).map(|(_, why)| why.clone()),
        }
    };
    let mut calls: Vec<Call> =
        subject.verdicts(&document).into_iter().map(|(one, verdict)| call(one, verdict)).collect();
    calls.sort_by(|a, b| a.stage.cmp(&b.stage));
    Ok(AliasPermissions {
        alias: subject.label(),
        exists: subject.exists,
        policy_bytes: subject.bytes(),
        policy_bytes_max: LIMIT,
        owned: document.owned_by_somebody(),
        in_flight: subject.in_flight().map(|record| record.run.to_string()),
        calls,
        statements: document.statements.iter().map(statement).collect(),
    })
}

fn call(one: &crate::permission::StageCall, verdict: Verdict) -> Call {
    let (standing, sid, why) = match verdict {
        Verdict::ByRole => (Standing::Role, None, Vec::new()),
        Verdict::ByPolicy(Coverage::Covered { sid, .. }) => (Standing::Covered, sid, Vec::new()),
        Verdict::ByPolicy(Coverage::Missing { near }) => (Standing::Missing, None, near),
        Verdict::ByPolicy(Coverage::Blocked { sid, why }) => (Standing::Blocked, sid, vec![why]),
    };
    let when = one.when;
    let (stage, caller) = (one.stage.to_string(), one.caller.to_string());
    Call { stage, caller, deployed: when.deployed, live: when.live, canary: when.canary, standing, sid, why }
}

impl Permissions {
    /// Calls that are not let in to an alias that exists, of how many.
    pub fn refused(&self) -> (usize, usize) {
        let calls = || self.aliases.iter().filter(|alias| alias.exists).flat_map(|alias| &alias.calls);
        let refused = |call: &&Call| matches!(call.standing, Standing::Missing | Standing::Blocked);
        (calls().filter(refused).count(), calls().count())
    }

    /// Statements that can go: stagegate's and those of others.
    pub fn useless(&self) -> (usize, usize) {
        let all = self.aliases.iter().flat_map(|alias| &alias.statements).filter(|one| one.useless.is_some());
        let (ours, others): (Vec<&Statement>, Vec<&Statement>) = all.partition(|one| one.ours);
        (ours.len(), others.len())
    }
}

/// The screen.
pub fn screen(found: &Permissions, width: usize) -> String {
    let mut out = format!("{} · {}\n", found.target, found.region);
    for alias in &found.aliases {
        out.push_str(&format!("\n{}", one(alias, width)));
    }
    for note in &found.notes {
        out.push_str(&format!("\n{}", field("! ", note, width)));
    }
    out
}

fn one(alias: &AliasPermissions, width: usize) -> String {
    let bytes = |n: usize| thousands(u64::try_from(n).unwrap_or_default());
    let policy = match (alias.exists, alias.statements.len()) {
        (false, _) => "does not exist".to_owned(),
        (true, 0) => "has no policy".to_owned(),
        (true, n) => {
            let full = if alias.policy_bytes > NEAR { ", nearly full" } else { "" };
            let (used, max) = (bytes(alias.policy_bytes), bytes(alias.policy_bytes_max));
            format!("{used} of {max} bytes of policy, {n} statement{}{full}", if n == 1 { "" } else { "s" })
        }
    };
    let mut out = field(&format!("{}  ", alias.alias), &policy, width);
    if let Some(run) = &alias.in_flight {
        out.push_str(&field("  ! ", &format!("{run} is in flight here"), width));
    }
    if alias.owned {
        let text = "somebody owns the whole document: what is added may be replaced by their next deployment";
        out.push_str(&field("  ! ", text, width));
    }
    if alias.calls.is_empty() {
        out.push_str("  no stage that was looked at calls it\n");
    }
    for stage in alias.calls.chunk_by(|a, b| a.stage == b.stage) {
        out.push_str(&calls(stage, width));
    }
    if !alias.statements.is_empty() {
        out.push_str("  statements\n");
    }
    for statement in &alias.statements {
        let sid = statement.sid.as_deref().unwrap_or("(without id)");
        out.push_str(&field("    ", &format!("{sid}  {}", statement.says), width));
        if let Some(why) = &statement.useless {
            out.push_str(&field("      can go: ", &why.text(), width));
        }
        if let Some(why) = &statement.kept {
            out.push_str(&field("      stays: ", why, width));
        }
    }
    out
}

/// The calls of one stage: those that stand alike in one line.
fn calls(of: &[Call], width: usize) -> String {
    let mut groups: Vec<(String, Vec<&Call>)> = Vec::new();
    for call in of {
        let text = standing(call);
        match groups.iter_mut().find(|(known, _)| *known == text) {
            Some((_, calls)) => calls.push(call),
            None => groups.push((text, vec![call])),
        }
    }
    let mut out = of.first().map(|call| format!("  {}\n", call.stage)).unwrap_or_default();
    for (text, calls) in groups {
        let mark = if matches!(calls[0].standing, Standing::Covered | Standing::Role) { "✔" } else { "✖" };
        let mut names: Vec<&str> = calls.iter().take(NAMED).map(|call| call.caller.as_str()).collect();
        let more = format!("and {} more", calls.len() - names.len());
        if calls.len() > NAMED {
            names.push(&more);
        }
        out.push_str(&field(&format!("    {mark} "), &format!("{}: {text}", names.join(", ")), width));
    }
    out
}

fn standing(call: &Call) -> String {
    let by = call.sid.as_deref().unwrap_or("a statement without id");
    let text = match call.standing {
        Standing::Covered => format!("by {by}"),
        Standing::Role => "by a role of the integration".to_owned(),
        Standing::Missing => "MISSING, answers 500".to_owned(),
        Standing::Blocked => format!("DENIED by {by}: {}", call.why.join("; ")),
    };
    let when = match (call.canary, call.deployed, call.live) {
        (true, ..) => " (canary only)",
        (_, false, _) => " (once it is deployed)",
        (_, _, false) => " (until the next redeploy)",
        _ => "",
    };
    format!("{text}{when}")
}
