//! Two versions of a function: code and configuration. Values of environment variables are never shown.

use std::collections::BTreeMap;

use super::{Comparison, DIFF_SCHEMA, Section, value, values};
use crate::aws::noun::Function;
use crate::definition::diff::{Change, Difference};
use crate::plan::short_sha;

const ENVIRONMENT: &str = "environment.";
/// What follows the number of a setting.
const UNITS: [(&str, &str); 3] = [("ephemeral_storage", " MB"), ("memory_size", " MB"), ("timeout", " s")];

/// Compares two versions; `a` and `b` say what people asked for, such as `checkout:live`.
pub fn versions((a, old): (&str, &Function), (b, new): (&str, &Function), region: &str) -> Comparison {
    let describe = |name: &str, function: &Function| format!("{name} · {}", function.version.label());
    let mut configuration = values(&settings(old), &settings(new));
    configuration.extend(environment(&old.settings, &new.settings));
    configuration.sort();
    Comparison {
        schema: DIFF_SCHEMA,
        region: region.to_owned(),
        a: describe(a, old),
        b: describe(b, new),
        sections: vec![
            Section { name: "code", differences: code(old, new) },
            Section { name: "configuration", differences: configuration },
        ],
        unseen: Vec::new(),
    }
}

fn code(old: &Function, new: &Function) -> Vec<Difference> {
    let short = |function: &Function| Some(format!("{}…", short_sha(&function.code_sha256)));
    let differ = old.code_sha256 != new.code_sha256;
    differ.then(|| value("sha256", short(old), short(new))).into_iter().collect()
}

fn settings(function: &Function) -> Vec<(String, String)> {
    let own = function.settings.iter().filter(|(name, _)| !name.starts_with(ENVIRONMENT));
    own.map(|(name, text)| {
        let unit = UNITS.iter().find(|(known, _)| known == name).map_or("", |(_, unit)| unit);
        (name.replace(['_', '.'], " "), format!("{text}{unit}"))
    })
    .collect()
}

/// By name only: a digest stands for the value, and even that is not shown.
fn environment(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<Difference> {
    let names = old.keys().chain(new.keys()).filter(|name| name.starts_with(ENVIRONMENT));
    let mut names: Vec<&String> = names.collect();
    names.sort();
    names.dedup();
    let differ = names.into_iter().filter(|name| old.get(*name) != new.get(*name));
    differ
        .map(|name| {
            let change = match (old.contains_key(name), new.contains_key(name)) {
                (false, _) => Change::Added,
                (_, false) => Change::Removed,
                (true, true) => Change::Changed,
            };
            let property = if change == Change::Changed { "another value" } else { "" };
            let place = format!("environment {}", name.strip_prefix(ENVIRONMENT).unwrap_or(name));
            Difference { change, property: property.into(), ..value(&place, None, None) }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::VirtualClock;
    use crate::model::{FunctionName, Version};
    use crate::world::{Behaviour, World};

    #[test]
    fn code_and_configuration_differ_by_name_and_no_value_of_the_environment_is_said() {
        let world = World::new(VirtualClock::at(jiff::Timestamp::UNIX_EPOCH));
        let name: FunctionName = "checkout".parse().unwrap();
        let (old, new) = world.edit(|account| {
            account.create_function(&name, "one", Behaviour::default());
            account
                .configure(&name, Duration::ZERO, |latest| {
                    latest.environment = BTreeMap::from([
                        ("GONE".to_owned(), "secret-a".to_owned()),
                        ("KEPT".to_owned(), "secret-b".to_owned()),
                        ("TABLE".to_owned(), "secret-c".to_owned()),
                    ]);
                    latest.function.settings.insert("memory_size".into(), "128".into());
                })
                .unwrap();
            account.publish(&name, "").unwrap();
            account
                .configure(&name, Duration::ZERO, |latest| {
                    latest.environment.remove("GONE");
                    latest.environment.insert("TABLE".into(), "secret-d".into());
                    latest.environment.insert("FLAG".into(), "secret-e".into());
                    latest.function.settings.insert("memory_size".into(), "256".into());
                    latest.function.timeout_s = 60;
                })
                .unwrap();
            account.update_code(&name, "two", Behaviour::default(), Duration::ZERO).unwrap();
            account.publish(&name, "").unwrap();
            let mut version = |n| account_version(account, &name, n);
            (version(1), version(2))
        });
        let found = versions(("checkout:1", &old), ("checkout:live", &new), "eu-west-1");
        assert_eq!((found.a.as_str(), found.b.as_str()), ("checkout:1 · v1", "checkout:live · v2"));
        let lines: Vec<String> = found.sections[1].differences.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "+ environment FLAG",
                "- environment GONE",
                "~ environment TABLE  another value",
                "~ memory size  128 MB → 256 MB",
                "~ timeout  30 s → 60 s",
            ]
        );
        assert_eq!(found.sections[0].differences.len(), 1);
        let said = serde_json::to_string(&found).unwrap();
        assert!(!said.contains("secret"), "{said}");
        assert!(old.settings.iter().all(|(name, digest)| !name.starts_with(ENVIRONMENT) || !said.contains(digest)));
        assert_eq!(versions(("a", &old), ("b", &old), "").count(), 0);
    }

    fn account_version(account: &mut crate::world::Account, name: &FunctionName, number: u64) -> Function {
        let build = account.version_mut(name, number).unwrap();
        assert_eq!(build.function.version, Version::Number(number));
        build.function.clone()
    }
}
