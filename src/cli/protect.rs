//! Which protected target a command would touch, by whatever name its place was given.

use super::App;
use super::target::Located;
use crate::config::{self, TargetRef, Touched};
use crate::model::Target;
use crate::problem::Problem;

/// The name of the protected target that has the stage or the alias: that of TARGET itself, or another one that shares
/// them.
///
/// # Errors
/// The configuration file cannot be read: what it protects is then not known, and nothing is taken for unprotected.
pub fn guard(app: &App, located: &Located) -> Result<Option<String>, Problem> {
    if let Some(target) = located.target.as_ref().filter(|target| target.protected) {
        return Ok(Some(target.label()));
    }
    let config = config::load(app.args.config.as_deref(), &app.directory, &config::read_file)?;
    let settings = &located.settings;
    let touched = Touched {
        stage: located.stage(),
        functions: located.target.as_ref().map(|target| target.functions.as_slice()).unwrap_or_default(),
        alias: located.target.as_ref().map(|target| &target.alias),
        region: settings.region.as_ref().map(|region| region.value.as_str()),
        account: settings.account.as_ref().map(|account| account.value.as_str()),
    };
    Ok(config.as_ref().and_then(|config| config.guard(&touched)).map(str::to_owned))
}

/// The target as it must be confirmed: protected when any protected target is touched.
///
/// # Errors
/// As [`guard`].
pub fn guarded(app: &App, located: &Located, target: Target) -> Result<Target, Problem> {
    let protected = guard(app, located)?.is_some();
    Ok(Target { protected: protected || target.protected, ..target })
}

/// What to add where a confirmation is missing: the name that was typed need not be the one that is protected.
pub fn reason(located: &Located, guard: &str) -> Option<String> {
    let own = matches!(&located.place, TargetRef::Named(name) if name == guard);
    (!own).then(|| format!("{} is, or shares stage or alias with, target {guard}, which is protected", located.text))
}
