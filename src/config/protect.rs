//! Which protected target a place belongs to, whatever name it was given by.

use super::file::Config;
use crate::model::{AliasName, FunctionName, StageRef};

/// What a command is about to touch.
#[derive(Debug, Clone, Copy, Default)]
pub struct Touched<'a> {
    /// A stage.
    pub stage: Option<&'a StageRef>,
    /// Functions, each by `alias`.
    pub functions: &'a [FunctionName],
    /// Their alias.
    pub alias: Option<&'a AliasName>,
    /// Region, if it is known.
    pub region: Option<&'a str>,
    /// Account, if it is known.
    pub account: Option<&'a str>,
}

impl Config {
    /// The first protected target, in the order of names, that has this stage or one of these aliases. Where a place does
    /// not say its region or account, it may be the same.
    pub fn guard(&self, touched: &Touched<'_>) -> Option<&str> {
        self.names().find(|name| self.is_guarded(name, touched))
    }

    fn is_guarded(&self, name: &str, touched: &Touched<'_>) -> bool {
        let Ok(target) = self.merged(name) else { return false };
        if !target.value(|keys| keys.protected.as_ref()).unwrap_or(false) {
            return false;
        }
        let apart = |here: Option<&str>, there: Option<String>| here.zip(there).is_some_and(|(a, b)| a != b);
        if apart(touched.region, target.value(|keys| keys.region.as_ref()).map(|region| region.0))
            || apart(touched.account, target.value(|keys| keys.account.as_ref()).map(|account| account.0))
        {
            return false;
        }
        // Every part on its own: another mistake in the table must not take its protection away.
        let stage = target.stage().ok().flatten();
        let functions = target.functions().unwrap_or_default();
        let same_alias = target.alias().is_ok_and(|alias| touched.alias == Some(&alias));
        touched.stage.is_some() && stage.as_ref() == touched.stage
            || same_alias && functions.iter().any(|function| touched.functions.contains(function))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Document;
    use super::*;

    const FILE: &str = r#"
schema = 1
[defaults]
functions = ["checkout-api"]
[target.beta]
alias = "beta"
stages = ["a1b2c3d4e5/prod"]
[target.blue]
alias = "blue"
stages = ["a1b2c3d4e5/blue"]
[target.prod]
alias = "live"
stages = ["a1b2c3d4e5/prod"]
region = "us-east-1"
account = "123456789012"
protected = true
source = "target.gone"
"#;

    fn guard(touched: &Touched<'_>) -> Option<String> {
        let config = Config::parse(Document::new("stagegate.toml", FILE), "/shop".into()).unwrap();
        config.guard(touched).map(str::to_owned)
    }

    #[test]
    fn a_protected_place_is_found_by_its_stage_or_its_alias_and_by_nothing_else() {
        let (prod, blue) = ("a1b2c3d4e5/prod".parse().unwrap(), "a1b2c3d4e5/blue".parse().unwrap());
        let (live, beta) = ("live".parse().unwrap(), "beta".parse().unwrap());
        let functions = ["checkout-api".parse().unwrap()];
        let others = ["refunds-api".parse().unwrap()];
        let none = Touched::default();
        assert_eq!(guard(&Touched { stage: Some(&prod), ..none }).as_deref(), Some("prod"));
        assert_eq!(guard(&Touched { stage: Some(&blue), ..none }), None);
        let alias = Touched { functions: &functions, alias: Some(&live), ..none };
        assert_eq!(guard(&alias).as_deref(), Some("prod"), "although its source is a mistake");
        assert_eq!(guard(&Touched { functions: &others, ..alias }), None);
        assert_eq!(guard(&Touched { alias: Some(&beta), ..alias }), None);
        assert_eq!(guard(&Touched { alias: Some(&beta), stage: Some(&prod), ..alias }).as_deref(), Some("prod"));
        assert_eq!(guard(&Touched { account: Some("999988887777"), ..alias }), None);
        assert_eq!(guard(&Touched { region: Some("us-east-1"), ..alias }).as_deref(), Some("prod"));
        assert_eq!(guard(&none), None);
    }
}
