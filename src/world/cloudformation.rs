//! CloudFormation's stacks, as a reader sees them: which resource belongs to which, and the tags that this leaves
//! (aws-semantics §9).

use super::account::Account;
use crate::aws::AwsError;
use crate::aws::noun::{StackResource, Tags};
use crate::aws::operation::DescribeStackResources;
use crate::model::{AliasName, FunctionName};

/// The most resources that one answer has.
const RESOURCES: usize = 100;

impl Account {
    /// The tags that CloudFormation puts on what it makes.
    pub fn stack_tags(&self, stack: &str, logical_id: &str) -> Tags {
        let tags = [("stack-name", stack.to_owned()), ("stack-id", self.stack_id(stack))];
        let logical = [("logical-id", logical_id.to_owned())];
        tags.into_iter().chain(logical).map(|(key, value)| (format!("aws:cloudformation:{key}"), value)).collect()
    }

    /// Makes a function part of a stack, as SAM, CDK or a template would.
    ///
    /// # Errors
    /// 404.
    pub fn put_function_into_stack(&mut self, name: &FunctionName, stack: &str, id: &str) -> Result<(), AwsError> {
        let tags = self.stack_tags(stack, id);
        self.function_mut(name)?.tags.extend(tags);
        self.put_stack_resource(stack, id, "AWS::Lambda::Function", name.as_str());
        Ok(())
    }

    /// Makes an alias part of a stack.
    pub fn put_alias_into_stack(&mut self, function: &FunctionName, alias: &AliasName, stack: &str, id: &str) {
        let arn = self.function_arn(function, Some(alias.as_str()));
        self.put_stack_resource(stack, id, "AWS::Lambda::Alias", &arn);
    }

    /// Adds a resource to a stack, and the stack if it is new.
    pub fn put_stack_resource(&mut self, stack: &str, logical_id: &str, kind: &str, physical_id: &str) {
        self.stacks.push(StackResource {
            stack: stack.to_owned(),
            stack_id: self.stack_id(stack),
            logical_id: logical_id.to_owned(),
            physical_id: Some(physical_id.to_owned()),
            kind: kind.to_owned(),
        });
    }

    fn stack_id(&self, stack: &str) -> String {
        let super::Settings { partition, region, account, .. } = &self.settings;
        format!("arn:{partition}:cloudformation:{region}:{account}:stack/{stack}/11111111-2222-3333-4444-555555555555")
    }

    pub(super) fn stack_resources(&self, call: &DescribeStackResources) -> Vec<StackResource> {
        let asked = |one: &&StackResource| one.physical_id.as_ref() == Some(&call.physical_id);
        let Some(found) = self.stacks.iter().find(asked) else { return Vec::new() };
        let others = self.stacks.iter().filter(|one| one.stack == found.stack && *one != found);
        let others = others.filter(|_| self.settings.stack_answers_are_whole);
        std::iter::once(found).chain(others).take(RESOURCES).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ask, live, pets, world};
    use crate::aws::operation as op;

    #[test]
    fn a_resource_tells_its_stack_and_where_aws_does_so_the_others_in_it() {
        let world = world();
        world.edit(|account| {
            account.put_function_into_stack(&pets(), "shop", "Pets").unwrap();
            account.put_alias_into_stack(&pets(), &live(), "shop", "PetsAliaslive");
        });
        let function = ask(&world, op::GetFunction { function: pets(), qualifier: Some("1".into()) }).unwrap();
        assert_eq!(function.tags.unwrap()["aws:cloudformation:stack-name"], "shop");
        let physical_id = world.look(|account| account.function_arn(&pets(), Some("live")));
        let kinds = || {
            let found = ask(&world, op::DescribeStackResources { physical_id: physical_id.clone() }).unwrap();
            found.into_iter().map(|one| one.kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds(), ["AWS::Lambda::Alias", "AWS::Lambda::Function"]);
        world.edit(|account| account.settings.stack_answers_are_whole = false);
        assert_eq!(kinds(), ["AWS::Lambda::Alias"]);
        assert_eq!(ask(&world, op::DescribeStackResources { physical_id: "other".into() }), Ok(Vec::new()));
        world.edit(|account| account.settings.tags_readable = false);
        assert_eq!(ask(&world, op::GetFunction { function: pets(), qualifier: None }).unwrap().tags, None);
    }
}
