//! `iam-policy`: the least that a role needs for a target, and who may take it.

use clap::ValueEnum as _;
use serde_json::{Value, json};

use super::App;
use super::args::{IamPolicyArgs, Part};
use super::end::End;
use super::release;
use super::session::connect;
use super::target::{Need, locate};
use crate::aws::layers::Pace;
use crate::iam_policy::trust::{ISSUER, Repository, Subject, TRUST_POLICY_CHARS_MAX, audience, trust};
use crate::iam_policy::{MANAGED_POLICY_CHARS_MAX, PolicyScope, Purpose, characters, partition, policy_for_all};
use crate::model::Target;
use crate::problem::{Code, Problem};
use crate::report::text::wrap;

/// The shape of the document that holds both policies.
const SCHEMA: &str = "stagegate.role/1.0";

/// Prints it. AWS is asked only for what nobody has said: the account and the region.
pub async fn run(app: &App, args: IamPolicyArgs) -> Result<End, Problem> {
    let subjects = subjects(&args)?;
    let scopes = scopes(app, &args.target).await?;
    let policy = policy_for_all(args.purpose, &scopes);
    let Some(repository) = &args.github_oidc else {
        app.reporter.raw(&format!("{policy:#}\n"));
        warn_of_length(app, &policy);
        return Ok(End::done());
    };
    let Some(PolicyScope { partition, account, .. }) = scopes.first() else { return Ok(End::done()) };
    let trust = trust(partition, account, repository, &subjects);
    let document = match args.only {
        Some(Part::Policy) => policy.clone(),
        Some(Part::Trust) => trust.clone(),
        None => json!({ "schema": SCHEMA, "policy": policy, "trust": trust }),
    };
    app.reporter.raw(&format!("{document:#}\n"));
    if args.only != Some(Part::Trust) {
        warn_of_length(app, &policy);
    }
    if args.only != Some(Part::Policy) {
        let length = characters(&trust);
        if length > TRUST_POLICY_CHARS_MAX {
            app.reporter.say(&format!(
                "! {length} characters: IAM takes {TRUST_POLICY_CHARS_MAX} in a trust policy unless the quota was raised; name fewer subjects\n"
            ));
        }
        app.reporter.say(&notes(repository, &subjects, app.reporter.width()));
        app.reporter.aside(&commands(args.purpose, partition));
    }
    Ok(End::done())
}

/// What a role for these targets is limited to. A role is of one account.
async fn scopes(app: &App, targets: &[String]) -> Result<Vec<PolicyScope>, Problem> {
    let mut scopes: Vec<PolicyScope> = Vec::new();
    for text in targets {
        let located = locate(app, text, Need::Place, None)?;
        let target = release::plannable(&located)?;
        let (region, account) = match (&located.settings.region, &located.settings.account) {
            (Some(region), Some(account)) => (region.value.clone(), account.value.clone()),
            _ => {
                let session = connect(app, &located, Pace::Share).await?;
                let caller = session.identify(app).await?;
                (session.region, caller.identity.account)
            }
        };
        if let Some(first) = scopes.first().filter(|first| first.account != account) {
            let what = format!("--target {text} is in account {account}, the target before it in {}", first.account);
            return Err(Problem::new(Code::BadOption, what)
                .why("a role is of one account, and so is its policy")
                .fix("make a role in each account, with the targets that are there"));
        }
        scopes.push(scope(target, region, account));
    }
    Ok(scopes)
}

/// What a role for this target is limited to.
pub(super) fn scope(target: Target, region: String, account: String) -> PolicyScope {
    PolicyScope {
        partition: partition(&region).to_owned(),
        region,
        account,
        functions: target.functions,
        alias: target.alias,
        stage: target.stage,
    }
}

/// Whose jobs are trusted.
fn subjects(args: &IamPolicyArgs) -> Result<Vec<Subject>, Problem> {
    if args.subject.is_empty() {
        return Ok(Subject::usual(args.purpose));
    }
    for subject in &args.subject {
        if let Err(why) = subject.check(args.purpose) {
            let what = format!("--subject {subject}: not for a role that is to {}", name(args.purpose));
            return Err(Problem::new(Code::BadOption, what)
                .why(why)
                .fix("name the environment or the branch, such as --subject environment:production"));
        }
    }
    Ok(args.subject.clone())
}

/// As it is typed.
fn name(purpose: Purpose) -> String {
    purpose.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn warn_of_length(app: &App, policy: &Value) {
    let length = characters(policy);
    if length > MANAGED_POLICY_CHARS_MAX {
        app.reporter.say(&format!(
            "! {length} characters: IAM takes {MANAGED_POLICY_CHARS_MAX} in one managed policy; make it for fewer functions at a time\n"
        ));
    }
}

/// What the trust policy takes for granted.
fn notes(repository: &Repository, subjects: &[Subject], width: usize) -> String {
    let mut notes = String::new();
    if !repository.has_ids() {
        let named = repository.named();
        notes.push_str(&note(
            &format!(
                "Only subjects by name are trusted: repo:{named}:... GitHub writes ids into those of repositories created \
                 on or after 15 July 2026, or switched to it, and their jobs would be refused. With the ids, which this \
                 prints as --github-oidc takes them, both forms are trusted:"
            ),
            width,
        ));
        notes
            .push_str(&format!("  gh api repos/{named} --jq '\"\\(.owner.login)@\\(.owner.id)/\\(.name)@\\(.id)\"'\n"));
    }
    let environments: Vec<&str> = subjects.iter().filter_map(Subject::environment).collect();
    if !environments.is_empty() {
        notes.push_str(&note(
            &format!(
                "Set up in the repository first, with reviewers or deployment branches: {}. An environment that is missing \
                 is made for the first job that names it, without any rule.",
                environments.join(", ")
            ),
            width,
        ));
    }
    notes
}

fn note(text: &str, width: usize) -> String {
    let lines = wrap(text, width.saturating_sub(2));
    lines.iter().enumerate().map(|(at, line)| format!("{}{line}\n", if at == 0 { "! " } else { "  " })).collect()
}

/// How the role comes to be.
fn commands(purpose: Purpose, partition: &str) -> String {
    let (role, audience) = (format!("stagegate-{}", name(purpose)), audience(partition));
    format!(
        "\nwith the two policies in files (--only trust > trust.json, --only policy > policy.json):\n  \
         aws iam create-open-id-connect-provider --url https://{ISSUER} --client-id-list {audience}\n  \
         aws iam create-role --role-name {role} --assume-role-policy-document file://trust.json\n  \
         aws iam put-role-policy --role-name {role} --policy-name {role} --policy-document file://policy.json\n\
         An account needs the provider once.\n"
    )
}
