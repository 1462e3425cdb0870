//! What other programs do to the account: deploy code, edit APIs, move aliases behind our back. Used to build a world
//! and, through [`Fault::intrude`](super::Fault::intrude), to disturb a run.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::account::{Account, Due};
use super::alias::{AliasEntry, Provisioning, check_values};
use super::apigateway::{Api, Definition, Snapshot};
use super::invoke::Behaviour;
use super::lambda::{Build, LambdaFunction, Publishing};
use super::permissions::{Granted, ResourcePolicy};
use crate::aws::AwsError;
use crate::aws::noun::{
    Alias, Deployment, Function, GatewayResponse, Integration, Policy, ProvisionedStatus, Resource, RestApi, Routing,
    Stage, StageCanary, State, Statement, UpdateStatus,
};
use crate::model::{AliasName, ApiId, FunctionName, StageName, Version};

/// Base64 of the SHA-256 of a text, the shape of a `CodeSha256`.
pub fn code_sha256(code: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in Sha256::digest(code.as_bytes()).chunks(3) {
        let bits = chunk.iter().enumerate().fold(0_u32, |bits, (i, byte)| bits | u32::from(*byte) << (16 - 8 * i));
        for place in 0..4 {
            let digit = usize::try_from(bits >> (18 - 6 * place) & 63).unwrap_or(0);
            encoded.push(if place > chunk.len() { '=' } else { char::from(ALPHABET[digit]) });
        }
    }
    encoded
}

/// Functions.
impl Account {
    /// Creates a function, Active, with nothing published. `code` stands for its package.
    pub fn create_function(&mut self, name: &FunctionName, code: &str, behaviour: Behaviour) {
        let function = Function {
            arn: self.function_arn(name, None),
            version: Version::Latest,
            code_sha256: code_sha256(code),
            revision: self.next_revision(),
            state: Some(State::Active),
            state_reason: None,
            last_update: Some(UpdateStatus::Successful),
            last_update_reason: None,
            role: format!("arn:{}:iam::{}:role/{name}", self.settings.partition, self.settings.account),
            dead_letter: None,
            snap_start: false,
            description: String::new(),
            master_arn: None,
            timeout_s: 30,
            last_modified: self.now().to_string(),
            config_digest: String::new(),
            code_size: 1_048_576,
            log_group: None,
            code_by_reference: false,
            settings: BTreeMap::new(),
            tags: None,
        };
        let mut latest = Build { function, environment: BTreeMap::new(), behaviour };
        latest.configured();
        self.functions.insert(name.clone(), Rc::new(LambdaFunction::of(latest)));
    }

    /// UpdateFunctionCode; the update stays in progress for `takes`, and the revision changes again when it completes.
    ///
    /// # Errors
    /// 404.
    pub fn update_code(
        &mut self,
        name: &FunctionName,
        code: &str,
        behaviour: Behaviour,
        takes: Duration,
    ) -> Result<(), AwsError> {
        self.configure(name, takes, |latest| {
            latest.function.code_sha256 = code_sha256(code);
            latest.behaviour = behaviour;
        })
    }

    /// UpdateFunctionConfiguration; as [`Account::update_code`].
    ///
    /// # Errors
    /// 404.
    pub fn configure(
        &mut self,
        name: &FunctionName,
        takes: Duration,
        change: impl FnOnce(&mut Build),
    ) -> Result<(), AwsError> {
        let (revision, now) = (self.next_revision(), self.now());
        let latest = &mut self.function_mut(name)?.latest;
        change(latest);
        latest.configured();
        latest.function.revision = revision;
        latest.function.last_modified = now.to_string();
        latest.function.last_update = Some(UpdateStatus::InProgress);
        if takes.is_zero() {
            self.finish_update(name);
        } else {
            self.schedule(takes, Due::UpdateDone { function: name.clone() });
        }
        Ok(())
    }

    /// PublishVersion without guards.
    ///
    /// # Errors
    /// 404.
    pub fn publish(&mut self, name: &FunctionName, description: &str) -> Result<u64, AwsError> {
        Ok(self.snapshot(name, description)?.version.number().unwrap_or_default())
    }

    /// How later publishes of the function go.
    ///
    /// # Errors
    /// 404.
    pub fn set_publishing(&mut self, name: &FunctionName, publishing: Publishing) -> Result<(), AwsError> {
        self.function_mut(name)?.publishing = publishing;
        Ok(())
    }

    /// Changes a version in place: its state, its behaviour.
    ///
    /// # Errors
    /// 404.
    pub fn version_mut(&mut self, name: &FunctionName, version: u64) -> Result<&mut Build, AwsError> {
        self.build(name, Version::Number(version))?;
        let missing = AwsError::rejected(404, "ResourceNotFoundException", "Function not found");
        self.function_mut(name)?.versions.get_mut(&version).ok_or(missing)
    }
}

/// Aliases and permissions.
impl Account {
    /// Creates an alias, or moves it without a guard; keeps the description.
    ///
    /// # Errors
    /// As UpdateAlias, 412 excepted.
    pub fn put_alias(
        &mut self,
        function: &FunctionName,
        alias: &AliasName,
        version: u64,
        weights: &[(u64, f64)],
    ) -> Result<(), AwsError> {
        let found = self.function(function)?.aliases.get(alias);
        let description = found.map(|entry| entry.description.clone()).unwrap_or_default();
        let weights = weights.iter().copied().collect();
        let routing = Routing { version: Version::Number(version), weights, description };
        let exists = found.is_some();
        check_values(&routing)?;
        self.check_routing(function, &routing)?;
        if !exists {
            let entry = AliasEntry {
                version: routing.version,
                weights: BTreeMap::new(),
                description: String::new(),
                revision: String::new(),
                provisioned: None,
            };
            self.function_mut(function)?.aliases.insert(alias.clone(), entry);
        }
        self.route(function, alias, &routing)?;
        self.note_alias(if exists { "UpdateAlias20150331" } else { "CreateAlias20150331" }, function, alias);
        Ok(())
    }

    /// Writes an alias's description and nothing else.
    ///
    /// # Errors
    /// 404.
    pub fn describe_alias(&mut self, function: &FunctionName, alias: &AliasName, text: &str) -> Result<(), AwsError> {
        let revision = self.next_revision();
        let entry = self.alias_mut(function, alias)?;
        text.clone_into(&mut entry.description);
        entry.revision = revision;
        Ok(())
    }

    /// PutProvisionedConcurrencyConfig on an alias, allocated at once; later moves take `takes`, and fail if `fails`.
    ///
    /// # Errors
    /// 404; 400 on a weighted alias or `$LATEST`.
    pub fn provision(
        &mut self,
        function: &FunctionName,
        alias: &AliasName,
        takes: Duration,
        fails: Option<&str>,
    ) -> Result<(), AwsError> {
        let refused = |text: &str| AwsError::rejected(400, "InvalidParameterValueException", text);
        let entry = self.alias_mut(function, alias)?;
        let Version::Number(allocated) = entry.version else {
            return Err(refused("Provisioned Concurrency Configs cannot be applied to unpublished function versions."));
        };
        if !entry.weights.is_empty() {
            return Err(refused("Alias with weights can not be used with Provisioned Concurrency"));
        }
        let (status, fails) = (ProvisionedStatus::Ready, fails.map(str::to_owned));
        entry.provisioned = Some(Provisioning { allocated, status, reason: None, takes, fails, generation: 0 });
        Ok(())
    }

    /// Puts any statement into the policy of a qualifier (the function's own: empty text), replacing one with the same
    /// `Sid`; in effect at once.
    ///
    /// # Errors
    /// 404; 400 for `$LATEST`.
    pub fn put_statement(&mut self, name: &FunctionName, qualifier: &str, statement: Value) -> Result<(), AwsError> {
        self.check_qualifier(name, qualifier)?;
        let (revision, effective) = (self.next_revision(), self.now());
        let policies = &mut self.function_mut(name)?.policies;
        let policy = policies.entry(qualifier.to_owned()).or_insert_with(|| ResourcePolicy::new(String::new()));
        policy.put(Granted { statement, effective });
        policy.revision = revision;
        Ok(())
    }

    /// Lets an API's stage invoke an alias on every route, in effect at once.
    ///
    /// # Errors
    /// 404.
    pub fn grant(
        &mut self,
        function: &FunctionName,
        alias: &AliasName,
        api: &ApiId,
        stage: &StageName,
    ) -> Result<(), AwsError> {
        let (partition, region, account) = (&self.settings.partition, &self.settings.region, &self.settings.account);
        let source_arn = format!("arn:{partition}:execute-api:{region}:{account}:{api}/{stage}/*");
        let statement = Statement { sid: format!("seed-{api}-{stage}"), source_arn };
        let statement = self.statement(function, alias.as_str(), &statement);
        self.put_statement(function, alias.as_str(), statement)
    }
}

/// REST APIs.
impl Account {
    /// Creates a REST API with its root resource and no methods.
    pub fn create_rest_api(&mut self, id: &ApiId, name: &str) {
        let api = RestApi {
            name: name.to_owned(),
            api_key_source: Some("HEADER".into()),
            endpoint_types: vec!["REGIONAL".into()],
            ..RestApi::default()
        };
        let gateway_responses = ["DEFAULT_4XX", "DEFAULT_5XX"].map(|response_type| GatewayResponse {
            response_type: response_type.into(),
            status_code: None,
            response_parameters: BTreeMap::new(),
            response_templates: BTreeMap::from([(
                "application/json".into(),
                r#"{"message":$context.error.messageString}"#.into(),
            )]),
            default_response: true,
        });
        let resources = vec![Resource { path: "/".into(), methods: BTreeMap::new() }];
        let gateway_responses = gateway_responses.into();
        let live = Rc::new(Definition { api, resources, gateway_responses, ..Definition::default() });
        self.apis.insert(id.clone(), Rc::new(Api { live, deployments: BTreeMap::new(), stages: BTreeMap::new() }));
    }

    /// Edits the live definition; stages go on serving their snapshots.
    ///
    /// # Errors
    /// 404.
    pub fn edit_api(&mut self, id: &ApiId, edit: impl FnOnce(&mut Definition)) -> Result<(), AwsError> {
        edit(Rc::make_mut(&mut self.api_mut(id)?.live));
        Ok(())
    }

    /// Puts a proxy route to a function into the live definition. `qualifier` is an alias, a version, a
    /// `${stageVariables.x}`, or empty for `$LATEST`.
    ///
    /// # Errors
    /// 404.
    pub fn put_route(
        &mut self,
        id: &ApiId,
        http_method: &str,
        path: &str,
        function: &FunctionName,
        qualifier: &str,
    ) -> Result<(), AwsError> {
        let arn = self.function_arn(function, Some(qualifier).filter(|text| !text.is_empty()));
        let integration = Integration {
            kind: Some("AWS_PROXY".into()),
            http_method: Some("POST".into()),
            uri: Some(self.integration_uri(&arn)),
            passthrough_behavior: Some("WHEN_NO_MATCH".into()),
            timeout_in_millis: 29_000,
            ..Integration::default()
        };
        self.edit_api(id, |definition| {
            let method = definition.method_mut(path, http_method);
            method.authorization_type = Some("NONE".into());
            method.integration = Some(integration);
        })
    }

    /// CreateDeployment without a stage.
    ///
    /// # Errors
    /// 404; 400 without methods.
    pub fn deploy(&mut self, id: &ApiId, description: &str) -> Result<String, AwsError> {
        Ok(self.create_deployment(id, description)?.id)
    }

    /// CreateStage.
    ///
    /// # Errors
    /// 404.
    pub fn create_stage(
        &mut self,
        id: &ApiId,
        stage: &StageName,
        deployment: &str,
        variables: &[(&str, &str)],
    ) -> Result<(), AwsError> {
        let variables = variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let created = Stage { deployment: deployment.to_owned(), variables, ..Stage::default() };
        self.api_mut(id)?.stages.insert(stage.clone(), created);
        Ok(())
    }

    /// A stage to change: its deployment, variables, cache.
    ///
    /// # Errors
    /// 404.
    pub fn stage_mut(&mut self, id: &ApiId, stage: &StageName) -> Result<&mut Stage, AwsError> {
        self.stage(id, stage)?;
        let missing = AwsError::rejected(404, "NotFoundException", "Invalid stage identifier specified");
        self.api_mut(id)?.stages.get_mut(stage).ok_or(missing)
    }

    /// Attaches a canary to a stage, or takes it off.
    ///
    /// # Errors
    /// 404.
    pub fn put_canary(&mut self, id: &ApiId, stage: &StageName, canary: Option<StageCanary>) -> Result<(), AwsError> {
        self.stage_mut(id, stage)?.canary = canary;
        Ok(())
    }
}

/// Copies of what was read elsewhere.
impl Account {
    /// Takes in a function as read: `$LATEST` and the versions that matter.
    pub fn import_function(&mut self, name: &FunctionName, latest: Function, versions: Vec<Function>) {
        let build = |function| Build { function, environment: BTreeMap::new(), behaviour: Behaviour::default() };
        let mut imported = LambdaFunction::of(build(latest));
        for function in versions {
            if let Version::Number(number) = function.version {
                imported.next_version = imported.next_version.max(number + 1);
                imported.versions.insert(number, build(function));
            }
        }
        imported.recall_published();
        self.functions.insert(name.clone(), Rc::new(imported));
    }

    /// Takes in an alias as read, with its policy; statements are in effect.
    ///
    /// # Errors
    /// 404 when the function was not taken in.
    pub fn import_alias(
        &mut self,
        function: &FunctionName,
        name: &AliasName,
        alias: Alias,
        policy: Option<&Policy>,
    ) -> Result<(), AwsError> {
        let effective = self.now();
        let imported = self.function_mut(function)?;
        let Alias { version, weights, description, revision, .. } = alias;
        let entry = AliasEntry { version, weights, description, revision, provisioned: None };
        imported.aliases.insert(name.clone(), entry);
        if let Some(policy) = policy {
            let document: Value = serde_json::from_str(&policy.document).unwrap_or_default();
            let statements = document["Statement"].as_array().cloned().unwrap_or_default();
            let statements = statements.into_iter().map(|statement| Granted { statement, effective }).collect();
            let id = document["Id"].as_str().unwrap_or_default().to_owned();
            let policy = ResourcePolicy { id, statements, revision: policy.revision.clone() };
            imported.policies.insert(name.to_string(), policy);
        }
        Ok(())
    }

    /// Takes in an API as read, with no deployments.
    pub fn import_api(&mut self, id: &ApiId, live: Definition) {
        let api = Api { live: Rc::new(live), deployments: BTreeMap::new(), stages: BTreeMap::new() };
        self.apis.insert(id.clone(), Rc::new(api));
    }

    /// Takes in a deployment as read, with what it serves.
    ///
    /// # Errors
    /// 404 when the API was not taken in.
    pub fn import_deployment(
        &mut self,
        id: &ApiId,
        deployment: Deployment,
        definition: Definition,
    ) -> Result<(), AwsError> {
        let snapshot = Snapshot { deployment, definition: Rc::new(definition) };
        self.api_mut(id)?.deployments.insert(snapshot.deployment.id.clone(), snapshot);
        Ok(())
    }

    /// Takes in a stage as read.
    ///
    /// # Errors
    /// 404 when the API was not taken in.
    pub fn import_stage(&mut self, id: &ApiId, name: &StageName, stage: Stage) -> Result<(), AwsError> {
        self.api_mut(id)?.stages.insert(name.clone(), stage);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::super::tests::{api, ask, live, pets, prod, world};
    use super::super::{Request, World};
    use super::*;
    use crate::aws::operation as op;
    use crate::clock::{Clock, VirtualClock};

    #[test]
    fn a_code_sha256_is_what_aws_would_print() {
        // Of the empty text, as `openssl dgst -sha256 -binary </dev/null | base64` prints it.
        assert_eq!(code_sha256(""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }

    #[test]
    fn what_was_read_from_one_account_serves_the_same_in_another() {
        let (world, copy) = (world(), World::new(VirtualClock::at(world().clock().now())));
        let get = |q: Option<&str>| ask(&world, op::GetFunction { function: pets(), qualifier: q.map(str::to_owned) });
        let alias = ask(&world, op::GetAlias { function: pets(), alias: live() }).unwrap();
        let policy = ask(&world, op::GetPolicy { function: pets(), alias: live() }).unwrap();
        let stage = ask(&world, op::GetStage { api: api(), stage: prod() }).unwrap();
        let deployment = ask(&world, op::GetDeployment { api: api(), deployment: stage.deployment.clone() }).unwrap();
        let definition = world.look(|account| account.live(&api()).unwrap().clone());
        copy.edit(|account| {
            account.import_function(
                &pets(),
                get(None).unwrap(),
                vec![get(Some("1")).unwrap(), get(Some("2")).unwrap()],
            );
            account.import_alias(&pets(), &live(), alias.clone(), Some(&policy)).unwrap();
            account.import_api(&api(), definition.clone());
            account.import_deployment(&api(), deployment, definition).unwrap();
            account.import_stage(&api(), &prod(), stage).unwrap();
        });
        let request = Request { api: api(), stage: prod(), method: "GET".into(), path: "/pets/1".into() };
        assert_eq!(copy.serve(&request), world.serve(&request));
        assert_eq!(copy.serve(&request).versions(), BTreeMap::from([(Version::Number(1), 1.0)]));
        assert_eq!(ask(&copy, op::GetPolicy { function: pets(), alias: live() }).unwrap(), policy);
        assert_eq!(copy.edit(|account| account.publish(&pets(), "")).unwrap(), 3, "$LATEST differs from version 2");
        assert_eq!(copy.edit(|account| account.publish(&pets(), "")).unwrap(), 3);
    }

    #[test]
    fn provisioned_concurrency_is_refused_on_a_weighted_alias() {
        let world = world();
        world.edit(|account| {
            account.put_alias(&pets(), &live(), 1, &[(2, 0.1)]).unwrap();
            assert!(account.provision(&pets(), &live(), Duration::ZERO, None).is_err());
            account.put_alias(&pets(), &live(), 1, &[]).unwrap();
            assert!(account.provision(&pets(), &live(), Duration::ZERO, None).is_ok());
        });
    }
}
