//! Undoing, as a different program, what the emulator did and AWS would not have done.

use serde_json::{Map, Value, json};
use stagegate::aws::{Call, Reply};
use stagegate::model::{AliasName, FunctionName};
use stagegate::world::alias::AliasEntry;

use super::compare::Answer;
use super::names::Kind;
use super::sides::Sides;
use crate::support::account_setup::routing;

/// Gives the call's alias what the World has, and a new revision on both sides.
pub fn alias(sides: &mut Sides, call: &Call, _: &Answer) {
    let (function, alias) = match call {
        Call::UpdateAlias(call) => (&call.function, &call.alias),
        Call::AddPermission(call) => (&call.function, &call.alias),
        Call::RemovePermission(call) => (&call.function, &call.alias),
        other => panic!("{} is not about an alias that could be repaired", other.operation()),
    };
    renew(sides, function, alias);
}

fn renew(sides: &Sides, function: &FunctionName, alias: &AliasName) {
    let entry: AliasEntry = sides.world.look(|world| world.functions[function].aliases[alias].clone());
    let AliasEntry { version, weights, description, .. } = entry;
    let weights: Vec<(String, f64)> = weights.iter().map(|(version, share)| (version.to_string(), *share)).collect();
    let weights: Vec<(&str, f64)> = weights.iter().map(|(version, share)| (version.as_str(), *share)).collect();
    let update = json!({ "FunctionName": function.as_str(), "Name": alias.as_str(), "RoutingConfig": routing(&weights),
        "FunctionVersion": version.to_string(), "Description": description });
    sides.account.must("lambda", "update_alias", update);
    sides.world.edit(|world| world.describe_alias(function, alias, &description)).unwrap();
}

/// For a read: there is nothing to undo.
pub fn nothing(_: &mut Sides, _: &Call, _: &Answer) {}

/// Empties the policy that a deleted alias of the same name has left to a new one; whether there was one.
pub fn leftover_policy(sides: &mut Sides, call: &Call) -> bool {
    let Call::CreateAlias(create) = call else { return false };
    let target = json!({ "FunctionName": create.function.as_str(), "Qualifier": create.alias.as_str() });
    let Ok(found) = sides.account.call("lambda", "get_policy", target.clone()) else { return false };
    let document: Value = serde_json::from_str(found["Policy"].as_str().unwrap()).unwrap();
    for statement in document["Statement"].as_array().unwrap() {
        let mut remove = target.clone();
        remove["StatementId"] = statement["Sid"].clone();
        sides.account.must("lambda", "remove_permission", remove);
    }
    renew(sides, &create.function, &create.alias);
    true
}

/// Takes back what breaks a constraint; a version, which cannot be taken back, is published by the World as well.
pub fn constraint(sides: &mut Sides, call: &Call, answer: &Answer) {
    match call {
        Call::CreateAlias(create) => {
            let target = json!({ "FunctionName": create.function.as_str(), "Name": create.alias.as_str() });
            sides.account.must("lambda", "delete_alias", target);
        }
        Call::PublishVersion(publish) => {
            sides.world.edit(|world| world.publish(&publish.function, &publish.description)).unwrap();
        }
        _ => alias(sides, call, answer),
    }
}

/// Gives the World's new version the description that the emulator's has.
pub fn description(sides: &mut Sides, call: &Call, answer: &Answer) {
    let (Call::PublishVersion(call), Ok(Reply::PublishVersion(made))) = (call, answer) else {
        panic!("no version was made")
    };
    let number = made.version.number().unwrap();
    sides.world.edit(|world| {
        let build = world.version_mut(&call.function, number).unwrap();
        build.function.description.clone_from(&made.description);
    });
}

/// Takes back a statement that was added, or adds one that was taken away.
pub fn permission(sides: &mut Sides, call: &Call, answer: &Answer) {
    match call {
        Call::AddPermission(add) => {
            let remove = json!({ "FunctionName": add.function.as_str(), "Qualifier": add.alias.as_str(),
                "StatementId": add.statement.sid });
            sides.account.must("lambda", "remove_permission", remove);
        }
        Call::RemovePermission(remove) => {
            let policy =
                sides.world.look(|world| world.functions[&remove.function].policies[remove.alias.as_str()].clone());
            let sid = |statement: &Value| statement["Sid"] == remove.sid.as_str();
            let granted = policy.statements.iter().find(|granted| sid(&granted.statement)).unwrap();
            let source = &granted.statement["Condition"]["ArnLike"]["AWS:SourceArn"];
            let add = json!({ "FunctionName": remove.function.as_str(), "Qualifier": remove.alias.as_str(),
                "StatementId": remove.sid, "Action": "lambda:InvokeFunction",
                "Principal": "apigateway.amazonaws.com", "SourceArn": source });
            sides.account.must("lambda", "add_permission", add);
        }
        other => panic!("{} is not about a permission", other.operation()),
    }
    alias(sides, call, answer);
}

/// Deletes the deployment that was made.
pub fn deployment(sides: &mut Sides, call: &Call, answer: &Answer) {
    let (Call::CreateDeployment(call), Ok(Reply::CreateDeployment(made))) = (call, answer) else {
        panic!("no deployment was made")
    };
    sides.account.must(
        "apigateway",
        "delete_deployment",
        json!({ "restApiId": call.api.as_str(), "deploymentId": made.id }),
    );
}

/// Makes the call's stage again as the World has it.
pub fn stage(sides: &mut Sides, call: &Call, _: &Answer) {
    let Call::UpdateStage(call) = call else { panic!("{} is not about a stage", call.operation()) };
    let worlds = sides.world.look(|world| world.apis[&call.api].stages[&call.stage].clone());
    let target = json!({ "restApiId": call.api.as_str(), "stageName": call.stage.as_str() });
    sides.account.must("apigateway", "delete_stage", target.clone());
    let deployment = |id: &str| json!(sides.pairs.emulators(&[Kind::Deployment], id));
    let mut settings: Map<String, Value> = target.as_object().unwrap().clone();
    settings.insert("deploymentId".into(), deployment(&worlds.deployment));
    settings.insert("variables".into(), json!(worlds.variables));
    if let Some(canary) = worlds.canary {
        let id = deployment(canary.deployment.as_deref().unwrap_or_default());
        let canary = json!({ "deploymentId": id, "percentTraffic": canary.percent,
            "stageVariableOverrides": canary.overrides, "useStageCache": canary.use_stage_cache });
        settings.insert("canarySettings".into(), canary);
    }
    sides.account.must("apigateway", "create_stage", Value::Object(settings));
}
