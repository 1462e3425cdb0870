//! `versions`: the versions of a function, which of them serve, and which are known to be bad.

use std::collections::BTreeMap;

use futures_util::future::try_join;

use super::App;
use super::args::VersionsArgs;
use super::end::End;
use super::members;
use super::rollback::past;
use super::session::{Session, connect_by};
use super::target::settings_of_function;
use crate::aws::Aws;
use crate::aws::gateway;
use crate::aws::layers::Pace;
use crate::aws::noun::{Alias, Function};
use crate::aws::operation::{GetFunction, ListAliases, published_by};
use crate::clock::Clock;
use crate::config::TargetRef;
use crate::model::{AliasName, Description, FunctionName, InvalidName, Percent, Version};
use crate::plan::observe::check_account;
use crate::problem::{Code, Problem};
use crate::report::Shape;
use crate::report::versions_text::{Served, VERSIONS_SCHEMA, VersionRow, Versions, screen};

/// Looks.
pub async fn run(app: &App, args: VersionsArgs) -> Result<End, Problem> {
    let function = function(&args.function)?;
    let settings = settings_of_function(app, &function)?;
    let session = connect_by(app, &settings, Pace::Share).await?;
    if session.account.is_some() {
        check_account(&session.aws, session.account.as_deref()).await?;
    }
    app.reporter.busy("reading AWS");
    let mut found = look(app, &session, &function).await?;
    app.reporter.data(&match app.reporter.shape() {
        Shape::Human => screen(&found, args.limit, session.clock.now(), app.term().width),
        Shape::Document | Shape::Events => {
            found.versions.truncate(args.limit.unwrap_or(usize::MAX));
            format!("{:#}\n", serde_json::to_value(&found).unwrap_or_default())
        }
    });
    Ok(End::done())
}

/// A function's name; with an alias behind it, the function of that alias.
fn function(text: &str) -> Result<FunctionName, Problem> {
    match TargetRef::parse(text) {
        Ok(TargetRef::Alias { function, .. }) => Ok(function),
        _ => text.parse().map_err(|error: InvalidName| {
            Problem::new(Code::UnknownPlace, format!("`{text}` is not a function"))
                .why(error.to_string())
                .fix("name one: stagegate versions FUNCTION")
        }),
    }
}

/// Looks over a connection.
pub async fn look<A: Aws, C: Clock>(
    app: &App,
    session: &Session<A, C>,
    function: &FunctionName,
) -> Result<Versions, Problem> {
    let request = GetFunction { function: function.clone(), qualifier: None };
    if members::ask(&session.aws, request).await?.is_none() {
        return Err(members::missing_function(function));
    }
    let observer = session.observer(app);
    let aliases = gateway::pages(&session.aws, |marker| ListAliases { function: function.clone(), marker });
    let (mut versions, aliases): (_, Vec<(AliasName, Alias)>) = try_join(observer.versions(function), aliases).await?;
    versions.reverse();
    let (served, mut bad) = (served(&aliases), bad(&aliases));
    for (name, alias) in &aliases {
        bad.extend(past::bad_here(app, &alias.arn, &format!("{function}:{name}")));
    }
    let row = |version: Function| VersionRow {
        served: served.get(&version.version).cloned().unwrap_or_default(),
        bad: version.version.number().is_some_and(|number| bad.contains(&number)),
        release: published_by(&version.description),
        version: version.version,
        sha256: version.code_sha256,
        modified: version.last_modified.parse().ok(),
        description: version.description,
    };
    let versions: Vec<VersionRow> = versions.into_iter().map(row).collect();
    Ok(Versions {
        schema: VERSIONS_SCHEMA,
        function: function.to_string(),
        region: session.region.clone(),
        total: versions.len(),
        latest: served.get(&Version::Latest).cloned().unwrap_or_default(),
        versions,
    })
}

/// Version → the aliases that send calls to it, with their share.
fn served(aliases: &[(AliasName, Alias)]) -> BTreeMap<Version, Vec<Served>> {
    let mut served: BTreeMap<_, Vec<Served>> = BTreeMap::new();
    for (name, alias) in aliases {
        let rest = 1.0 - alias.weights.values().sum::<f64>();
        let extra = alias.weights.iter().map(|(number, share)| (Version::Number(*number), *share));
        for (version, share) in std::iter::once((alias.version, rest)).chain(extra) {
            let percent = Percent::of_share(share).percent();
            served.entry(version).or_default().push(Served { alias: name.to_string(), percent });
        }
    }
    served
}

/// The versions that any alias's record remembers as bad.
fn bad(aliases: &[(AliasName, Alias)]) -> Vec<u64> {
    let record = |alias: &Alias| Description::parse(&alias.description).ok()?.record;
    aliases.iter().filter_map(|(_, alias)| record(alias)).flat_map(|record| record.bad).collect()
}
