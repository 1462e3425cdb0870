//! `iam-policy`: the least that a role needs for a target.

use super::App;
use super::args::IamPolicyArgs;
use super::end::End;
use super::release;
use super::session::connect;
use super::target::{Need, locate};
use crate::aws::layers::Pace;
use crate::iam_policy::{MANAGED_POLICY_CHARS_MAX, PolicyScope, characters, partition, policy};
use crate::problem::Problem;

/// Prints it. AWS is asked only for what nobody has said: the account and the region.
pub async fn run(app: &App, args: IamPolicyArgs) -> Result<End, Problem> {
    let located = locate(app, &args.target, Need::Place, None)?;
    let target = release::plannable(&located)?;
    let (region, account) = match (&located.settings.region, &located.settings.account) {
        (Some(region), Some(account)) => (region.value.clone(), account.value.clone()),
        _ => {
            let session = connect(app, &located, Pace::Share).await?;
            let caller = session.identify(app).await?;
            (session.region, caller.identity.account)
        }
    };
    let scope = PolicyScope {
        partition: partition(&region).to_owned(),
        region,
        account,
        functions: target.functions,
        alias: target.alias,
        stage: target.stage,
    };
    let document = policy(args.purpose, &scope);
    app.reporter.raw(&format!("{document:#}\n"));
    let size = characters(&document);
    if size > MANAGED_POLICY_CHARS_MAX {
        app.reporter.say(&format!(
            "! {size} characters: IAM takes {MANAGED_POLICY_CHARS_MAX} in one managed policy; make it for fewer functions at a time\n"
        ));
    }
    Ok(End::done())
}
