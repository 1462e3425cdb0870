//! Resource policies, one per qualifier, each with its own revision (aws-semantics §3.5, §4.1).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::{Account, Due};
use super::alias::alias_not_found;
use super::lambda::invalid;
use crate::aws::AwsError;
use crate::aws::noun::{Policy, Statement};
use crate::aws::operation::{AddPermission, RemovePermission};
use crate::model::{AliasName, FunctionName};

/// Bytes that the policy of one qualifier may have.
const POLICY_BYTES: usize = 20_480;
const STALE_POLICY: &str = "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to \
                            retrieve the latest Revision Id";

/// The policy of one qualifier.
#[derive(Debug, Clone)]
pub struct ResourcePolicy {
    /// The document's `Id`; anything but `default` says that somebody owns the whole document.
    pub id: String,
    /// Its statements.
    pub statements: Vec<Granted>,
    /// The policy's own revision.
    pub revision: String,
}

/// A statement of a policy.
#[derive(Debug, Clone)]
pub struct Granted {
    /// The statement as GetPolicy shows it.
    pub statement: Value,
    /// From when calls see it; GetPolicy shows it earlier.
    pub effective: Timestamp,
}

impl Granted {
    fn sid(&self) -> Option<&str> {
        self.statement["Sid"].as_str()
    }
}

impl ResourcePolicy {
    pub(super) fn new(revision: String) -> Self {
        Self { id: "default".into(), statements: Vec::new(), revision }
    }

    /// The document as GetPolicy returns it.
    pub fn document(&self) -> String {
        let statements: Vec<&Value> = self.statements.iter().map(|granted| &granted.statement).collect();
        json!({ "Version": "2012-10-17", "Id": self.id, "Statement": statements }).to_string()
    }

    /// Puts a statement, replacing one of the same id.
    pub(super) fn put(&mut self, granted: Granted) {
        if let Some(sid) = granted.sid() {
            self.statements.retain(|old| old.sid() != Some(sid));
        }
        self.statements.push(granted);
    }
}

fn stale_policy() -> AwsError {
    AwsError::rejected(412, "PreconditionFailedException", STALE_POLICY)
}

fn missing(text: impl Into<String>) -> AwsError {
    AwsError::rejected(404, "ResourceNotFoundException", text)
}

impl Account {
    /// The statement as AddPermission stores it for API Gateway.
    pub fn statement(&self, function: &FunctionName, qualifier: &str, statement: &Statement) -> Value {
        json!({
            "Sid": statement.sid,
            "Effect": "Allow",
            "Principal": { "Service": "apigateway.amazonaws.com" },
            "Action": "lambda:InvokeFunction",
            "Resource": self.function_arn(function, Some(qualifier)),
            "Condition": { "ArnLike": { "AWS:SourceArn": statement.source_arn } },
        })
    }

    pub(super) fn get_policy(&self, function: &FunctionName, qualifier: &str) -> Result<Policy, AwsError> {
        let policy = self.functions.get(function).and_then(|f| f.policies.get(qualifier));
        let policy = policy.ok_or_else(|| missing("The resource you requested does not exist."))?;
        Ok(Policy { document: policy.document(), revision: policy.revision.clone() })
    }

    pub(super) fn add_permission(&mut self, call: &AddPermission) -> Result<(), AwsError> {
        let AddPermission { function, alias, statement, revision } = call;
        let (sid, qualifier) = (statement.sid.as_str(), alias.as_str());
        if sid.is_empty() || sid.len() > 100 || !sid.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)) {
            return Err(invalid(
                sid,
                "statementId",
                "Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)",
            ));
        }
        let alias_revision = self.alias(function, alias)?.revision.clone();
        let value = self.statement(function, qualifier, statement);
        let policy = self.function(function)?.policies.get(qualifier);
        // While there is no policy, the alias's own revision is the one that counts (recorded).
        let expected = policy.map_or(&alias_revision, |policy| &policy.revision);
        if revision.as_ref().is_some_and(|given| given != expected) {
            return Err(stale_policy());
        }
        let mut policy = policy.cloned().unwrap_or_else(|| ResourcePolicy::new(String::new()));
        if policy.statements.iter().any(|granted| granted.sid() == Some(sid)) {
            return Err(AwsError::rejected(
                409,
                "ResourceConflictException",
                format!(
                    "The statement id ({sid}) provided already exists. Please provide a new statement id, or remove \
                     the existing statement."
                ),
            ));
        }
        let delay = self.settings.permission_delay;
        policy.put(Granted { statement: value, effective: self.now() + delay });
        let size = policy.document().len();
        if size > POLICY_BYTES {
            return Err(AwsError::rejected(
                400,
                "PolicyLengthExceededException",
                format!("The final policy size ({size}) is bigger than the limit ({POLICY_BYTES})."),
            ));
        }
        policy.revision = self.next_revision();
        self.function_mut(function)?.policies.insert(qualifier.to_owned(), policy);
        self.schedule(delay, Due::Effective { function: function.clone(), qualifier: qualifier.to_owned() });
        self.policy_changed(function, qualifier)
    }

    pub(super) fn remove_permission(&mut self, call: &RemovePermission) -> Result<(), AwsError> {
        let RemovePermission { function, alias, sid, revision } = call;
        self.alias(function, alias)?;
        let new_revision = self.next_revision();
        let policies = &mut self.function_mut(function)?.policies;
        let policy = policies
            .get_mut(alias.as_str())
            .ok_or_else(|| missing("No policy is associated with the given resource."))?;
        let position = policy
            .statements
            .iter()
            .position(|granted| granted.sid() == Some(sid))
            .ok_or_else(|| missing(format!("Statement {sid} is not found in resource policy.")))?;
        if revision.as_ref().is_some_and(|given| *given != policy.revision) {
            return Err(stale_policy());
        }
        policy.statements.remove(position);
        policy.revision = new_revision;
        if policy.statements.is_empty() {
            policies.remove(alias.as_str());
        }
        self.policy_changed(function, alias.as_str())
    }

    /// Gives the alias a new revision where the account is set to do so.
    fn policy_changed(&mut self, function: &FunctionName, qualifier: &str) -> Result<(), AwsError> {
        if self.settings.permission_moves_alias_revision {
            let revision = self.next_revision();
            let mut aliases = self.function_mut(function)?.aliases.iter_mut();
            if let Some((_, entry)) = aliases.find(|(name, _)| name.as_str() == qualifier) {
                entry.revision = revision;
            }
        }
        Ok(())
    }

    /// Whether a policy can hang on the qualifier; the empty text is the function itself.
    pub(super) fn check_qualifier(&self, function: &FunctionName, qualifier: &str) -> Result<(), AwsError> {
        let found = self.function(function)?;
        let exists = qualifier.is_empty()
            || found.aliases.keys().any(|alias| alias.as_str() == qualifier)
            || qualifier.parse().is_ok_and(|version: u64| found.versions.contains_key(&version));
        if qualifier == "$LATEST" {
            let text = "We currently do not support adding policies for $LATEST.";
            return Err(AwsError::rejected(400, "InvalidParameterValueException", text));
        }
        if exists { Ok(()) } else { Err(alias_not_found(&self.function_arn(function, Some(qualifier)))) }
    }
}

impl Account {
    /// Takes the whole policy of an alias away, as somebody does who tidies up.
    ///
    /// # Errors
    /// 404.
    pub fn drop_policy(&mut self, function: &FunctionName, alias: &AliasName) -> Result<(), AwsError> {
        self.function_mut(function)?.policies.remove(alias.as_str());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::World;
    use super::super::tests::{alias, ask, live, pets, refusal, world};
    use super::*;
    use crate::aws::operation as op;

    const SOURCE: &str = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/prod/*";

    fn beta() -> AliasName {
        "beta".parse().unwrap()
    }

    /// With an alias `beta` that has no policy.
    fn fresh() -> World {
        let world = world();
        world.edit(|account| account.put_alias(&pets(), &beta(), 1, &[])).unwrap();
        world
    }

    fn add(world: &World, sid: &str, revision: Option<&str>) -> Result<(), AwsError> {
        let statement = Statement { sid: sid.into(), source_arn: SOURCE.into() };
        let revision = revision.map(str::to_owned);
        ask(world, AddPermission { function: pets(), alias: beta(), statement, revision })
    }

    fn remove(world: &World, sid: &str, revision: Option<String>) -> Result<(), AwsError> {
        ask(world, RemovePermission { function: pets(), alias: beta(), sid: sid.into(), revision })
    }

    fn policy(world: &World) -> Result<Policy, AwsError> {
        ask(world, op::GetPolicy { function: pets(), alias: beta() })
    }

    #[test]
    fn a_statement_is_stored_as_recorded() {
        let world = fresh();
        add(&world, "ours", None).unwrap();
        assert_eq!(
            policy(&world).unwrap().document,
            concat!(
                r#"{"Version":"2012-10-17","Id":"default","Statement":[{"Sid":"ours","Effect":"Allow","#,
                r#""Principal":{"Service":"apigateway.amazonaws.com"},"Action":"lambda:InvokeFunction","#,
                r#""Resource":"arn:aws:lambda:us-east-1:123456789012:function:pets:beta","#,
                r#""Condition":{"ArnLike":{"AWS:SourceArn":"#,
                r#""arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/prod/*"}}}]}"#
            )
        );
    }

    #[test]
    fn a_policy_has_its_own_revision_and_the_first_statement_takes_the_aliass() {
        let world = fresh();
        let get = || ask(&world, op::GetAlias { function: pets(), alias: beta() }).unwrap().revision;
        let before = get();
        assert_eq!(refusal(add(&world, "one", Some("stale"))).0, 412);
        add(&world, "one", Some(&before)).unwrap();
        let first = policy(&world).unwrap().revision;
        assert_eq!(get(), before, "the alias's revision stays");
        let (status, code, text) = refusal(add(&world, "two", Some(&before)));
        assert_eq!((status, code.as_str()), (412, "PreconditionFailedException"));
        assert!(text.ends_with("Call the GetPolicy API to retrieve the latest Revision Id"), "{text}");
        add(&world, "two", Some(&first)).unwrap();
        assert_ne!(policy(&world).unwrap().revision, first);
        assert_eq!(refusal(remove(&world, "two", Some(first))).0, 412);
    }

    #[test]
    fn where_permissions_move_the_alias_its_revision_changes() {
        let world = fresh();
        world.edit(|account| account.settings.permission_moves_alias_revision = true);
        let before = ask(&world, op::GetAlias { function: pets(), alias: beta() }).unwrap().revision;
        let other = alias(&world).revision;
        add(&world, "one", None).unwrap();
        assert_ne!(ask(&world, op::GetAlias { function: pets(), alias: beta() }).unwrap().revision, before);
        assert_eq!(alias(&world).revision, other);
    }

    #[test]
    fn duplicates_and_missing_things_are_refused_as_recorded() {
        let world = fresh();
        assert_eq!(refusal(policy(&world)).2, "The resource you requested does not exist.");
        assert_eq!(refusal(remove(&world, "x", None)).2, "No policy is associated with the given resource.");
        add(&world, "one", None).unwrap();
        let (status, code, text) = refusal(add(&world, "one", None));
        assert_eq!((status, code.as_str()), (409, "ResourceConflictException"));
        assert!(text.starts_with("The statement id (one) provided already exists"), "{text}");
        assert_eq!(refusal(remove(&world, "x", None)).2, "Statement x is not found in resource policy.");
        remove(&world, "one", None).unwrap();
        assert_eq!(refusal(policy(&world)).0, 404, "the last statement took the policy along");
        assert_eq!(refusal(add(&world, "not allowed", None)).1, "ValidationException");
        ask(&world, op::DeleteAlias { function: pets(), alias: beta() }).unwrap();
        let arn = "Cannot find alias arn: arn:aws:lambda:us-east-1:123456789012:function:pets:beta";
        assert_eq!(refusal(add(&world, "one", None)).2, arn);
        assert_eq!(refusal(remove(&world, "one", None)).2, arn);
    }

    #[test]
    fn the_same_statement_id_may_hang_on_two_qualifiers() {
        let world = fresh();
        let sid = "seed-a1b2c3d4e5-prod";
        assert!(ask(&world, op::GetPolicy { function: pets(), alias: live() }).unwrap().document.contains(sid));
        assert!(add(&world, sid, None).is_ok());
    }

    #[test]
    fn a_policy_holds_20480_bytes() {
        let world = fresh();
        let refused = (0..100).find_map(|number| add(&world, &format!("s{number}"), None).err()).unwrap();
        let (status, code, text) = refusal(Err::<(), _>(refused));
        assert_eq!((status, code.as_str()), (400, "PolicyLengthExceededException"));
        assert!(text.starts_with("The final policy size (20") && text.ends_with("limit (20480)."), "{text}");
    }

    #[test]
    fn policies_do_not_hang_on_latest_or_on_nothing() {
        let world = fresh();
        let put = |qualifier: &str| world.edit(|account| account.put_statement(&pets(), qualifier, json!({})));
        assert_eq!(refusal(put("$LATEST")).0, 400);
        assert_eq!(refusal(put("gone")).0, 404);
        assert_eq!((put(""), put("1"), put("live")), (Ok(()), Ok(()), Ok(())));
    }
}
