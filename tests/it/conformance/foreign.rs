//! What a different program does to both accounts: the World's setup functions here, boto3 there.

use std::time::Duration;

use serde_json::json;

use super::observed::Invoked;
use super::sides::{Code, Sides, alias, function, stage};

/// A change by a different program.
#[derive(Debug, Clone)]
pub enum Foreign {
    /// UpdateFunctionCode to code with this number.
    UpdateCode { function: &'static str, number: usize, fails: bool },
    /// UpdateFunctionConfiguration of the time-out, seconds.
    Configure { function: &'static str, timeout_s: u32 },
    /// UpdateFunctionConfiguration of the description.
    Describe { function: &'static str, text: String },
    /// DeleteFunction of a version that no alias refers to.
    DeleteVersion { function: &'static str, version: u64 },
    /// UpdateAlias without a guard, of the description alone.
    DescribeAlias { function: &'static str, alias: &'static str, text: String },
    /// UpdateAlias without a guard, of the version alone.
    MoveAlias { function: &'static str, alias: &'static str, version: u64 },
    /// A route to a function's alias in the live API.
    PutRoute { method: &'static str, path: &'static str, function: &'static str, qualifier: &'static str },
    /// A method that calls nothing, which makes the API impossible to deploy.
    PutMethod { method: &'static str, path: &'static str },
    /// A method less in the live API.
    DeleteMethod { method: &'static str, path: &'static str },
    /// UpdateStage of a variable.
    SetVariable { stage: &'static str, name: &'static str, value: &'static str },
    /// Callers of an alias.
    Invoke(Invoked),
    /// SetAlarmState.
    SetAlarm { name: &'static str, rings: bool },
}

/// How long an update of a function stays in progress in the World.
const UPDATE_TIME: Duration = Duration::from_secs(10);

impl Sides {
    /// Makes the change on both sides, where AWS would allow it, and waits until it is done.
    pub fn change(&mut self, change: &Foreign) {
        match change {
            Foreign::UpdateCode { function, number, fails } => self.update_code(function, Code::new(*number, *fails)),
            Foreign::Configure { function, timeout_s } => {
                let seconds = *timeout_s;
                self.configure(function, json!({ "Timeout": seconds }), |latest| latest.timeout_s = seconds);
            }
            Foreign::Describe { function, text } => {
                self.configure(function, json!({ "Description": text }), |latest| latest.description.clone_from(text));
            }
            Foreign::DeleteVersion { function, version } => self.delete_version(function, *version),
            Foreign::DescribeAlias { function: name, alias: of, text } => {
                if self.world.edit(|world| world.describe_alias(&function(name), &alias(of), text)).is_ok() {
                    let update = json!({ "FunctionName": name, "Name": of, "Description": text });
                    self.account.must("lambda", "update_alias", update);
                }
            }
            Foreign::MoveAlias { function: name, alias: of, version } => self.move_alias(name, of, *version),
            Foreign::PutRoute { method, path, function, qualifier } => {
                self.put_route(method, path, function, qualifier)
            }
            Foreign::PutMethod { method, path } => self.put_method(method, path),
            Foreign::DeleteMethod { method, path } => self.delete_method(method, path),
            Foreign::SetVariable { stage: of, name, value } => {
                let patch = json!({ "op": "replace", "path": format!("/variables/{name}"), "value": value });
                let update = json!({ "restApiId": self.api.as_str(), "stageName": of, "patchOperations": [patch] });
                self.account.must("apigateway", "update_stage", update);
                let set = self.world.edit(|world| {
                    let stage = world.stage_mut(&self.api, &stage(of))?;
                    Ok::<_, stagegate::aws::AwsError>(stage.variables.insert((*name).into(), (*value).into()))
                });
                set.unwrap();
            }
            Foreign::Invoke(invoked) => self.invoke(invoked),
            Foreign::SetAlarm { name, rings } => self.set_alarm(name, *rings),
        }
        self.settle(None);
    }

    /// UpdateFunctionCode; in the World it is in progress for a while.
    pub fn update_code(&self, name: &str, code: Code) {
        self.account.update_code(name, &code.handler);
        let emulators = self.account.must("lambda", "get_function_configuration", json!({ "FunctionName": name }));
        let updated = self.world.edit(|world| {
            world.configure(&function(name), UPDATE_TIME, |latest| {
                emulators["CodeSha256"].as_str().unwrap().clone_into(&mut latest.function.code_sha256);
                latest.behaviour = code.behaviour;
            })
        });
        updated.unwrap();
    }

    fn configure(
        &self,
        name: &str,
        mut settings: serde_json::Value,
        change: impl FnOnce(&mut stagegate::aws::noun::Function),
    ) {
        self.world
            .edit(|world| world.configure(&function(name), UPDATE_TIME, |latest| change(&mut latest.function)))
            .unwrap();
        settings["FunctionName"] = json!(name);
        self.account.must("lambda", "update_function_configuration", settings);
        self.account.must("lambda", "wait:function_updated_v2", json!({ "FunctionName": name }));
    }

    fn delete_version(&self, name: &str, version: u64) {
        let exists = self.world.look(|world| world.functions[&function(name)].versions.contains_key(&version));
        if exists && self.world.edit(|world| world.delete_version(&function(name), version)).is_ok() {
            let target = json!({ "FunctionName": name, "Qualifier": version.to_string() });
            self.account.must("lambda", "delete_function", target.clone());
            // It is shown for a while yet.
            while self.account.call("lambda", "get_function", target.clone()).is_ok() {}
        }
    }

    /// Only a version that the alias's weights do not hold, and that exists.
    fn move_alias(&self, name: &str, of: &str, version: u64) {
        let entry = self.world.look(|world| world.functions[&function(name)].aliases.get(&alias(of)).cloned());
        let Some(entry) = entry else { return };
        let weights: Vec<(u64, f64)> = entry.weights.into_iter().collect();
        if self.world.edit(|world| world.put_alias(&function(name), &alias(of), version, &weights)).is_ok() {
            let update = json!({ "FunctionName": name, "Name": of, "FunctionVersion": version.to_string() });
            self.account.must("lambda", "update_alias", update);
        }
    }
}
