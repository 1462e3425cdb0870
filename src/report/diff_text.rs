//! Two stages or two versions side by side, as people read them. Pure.

use super::text::field;
use crate::compare::{Comparison, Section};
use crate::definition::diff::by_place;

/// The screen, at most `width` columns wide.
pub fn screen(found: &Comparison, width: usize) -> String {
    let mut out = field("A  ", &found.a, width) + &field("B  ", &found.b, width) + "\n";
    for section in &found.sections {
        out.push_str(&one(section, found.unseen.is_empty(), width));
    }
    if !found.unseen.is_empty() {
        let kinds: Vec<&str> = found.unseen.iter().map(|kind| kind.text()).collect();
        let text = format!("definitions are compared by export, which does not show: {}", kinds.join(", "));
        out.push_str(&("\n".to_owned() + &field("! ", &text, width)));
    }
    let count = match found.count() {
        0 => "no difference".to_owned(),
        1 => "1 difference, A → B".to_owned(),
        n => format!("{n} differences, A → B"),
    };
    out + &format!("\n{count}\n")
}

fn one(section: &Section, seen: bool, width: usize) -> String {
    let mut out = format!("  {}\n", section.name);
    if section.differences.is_empty() {
        let partly = section.name == "definition" && !seen;
        out.push_str(if partly { "    = the same, as far as exports show\n" } else { "    = the same\n" });
    }
    for line in by_place(&section.differences) {
        let text = line.trim_start_matches(' ');
        let indent = 4 + line.len() - text.len();
        // A sign and its blank: what is wrapped continues below the place.
        let (label, text) = if indent == 4 { text.split_at(2) } else { ("", text) };
        out.push_str(&field(&format!("{}{label}", " ".repeat(indent)), text, width));
    }
    out
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::aws::AwsExt as _;
    use crate::aws::noun::{AccessLog, MethodSettings, StageCanary};
    use crate::aws::operation::{GetDeployment, GetExport, GetStage};
    use crate::clock::VirtualClock;
    use crate::compare::{DIFF_SCHEMA, ServedStage, stages};
    use crate::definition::Unseen;
    use crate::model::{ApiId, FunctionName, StageName, StageRef};
    use crate::world::{Account, World};

    fn account(account: &mut Account) {
        let (api, function): (ApiId, FunctionName) = ("a1b2c3d4e5".parse().unwrap(), "checkout-api".parse().unwrap());
        let (dev, prod): (StageName, StageName) = ("dev".parse().unwrap(), "prod".parse().unwrap());
        account.create_rest_api(&api, "shop");
        for (verb, path) in [("GET", "/orders/{id}"), ("POST", "/orders"), ("GET", "/legacy")] {
            account.put_route(&api, verb, path, &function, "${stageVariables.lambdaAlias}").unwrap();
        }
        let old = account.deploy(&api, "by hand").unwrap();
        account.create_stage(&api, &dev, &old, &[("lambdaAlias", "dev"), ("tableName", "orders-dev")]).unwrap();
        account.put_route(&api, "POST", "/refunds", &function, "live").unwrap();
        account
            .edit_api(&api, |definition| {
                definition.resources.retain(|resource| resource.path != "/legacy");
                definition.method_mut("/orders/{id}", "GET").authorization_type = Some("AWS_IAM".into());
                definition.integration_mut("/orders/{id}", "GET").timeout_in_millis = 5000;
                definition.api.policy = Some(r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny"}]}"#.into());
            })
            .unwrap();
        let new = account.deploy(&api, "by hand").unwrap();
        account.create_stage(&api, &prod, &new, &[("lambdaAlias", "live")]).unwrap();
        let stage = account.stage_mut(&api, &prod).unwrap();
        stage.settings.tracing = true;
        let log = "arn:aws:logs:us-east-1:123456789012:log-group:prod";
        stage.settings.access_log = Some(AccessLog { destination: Some(log.into()), format: None });
        let method =
            MethodSettings { log_level: Some("ERROR".into()), throttling_rate: Some(1000.0), ..Default::default() };
        stage.settings.methods.insert("*/*".into(), method);
        stage.canary = Some(StageCanary {
            deployment: Some(old),
            percent: 10.0,
            overrides: Default::default(),
            use_stage_cache: false,
        });
    }

    fn read(world: &World, stage: &str) -> ServedStage {
        let stage_ref: StageRef = format!("a1b2c3d4e5/{stage}").parse().unwrap();
        let StageRef { api, stage } = stage_ref.clone();
        let found = world.send(GetStage { api: api.clone(), stage: stage.clone() }).now_or_never().unwrap().unwrap();
        let deployment = GetDeployment { api: api.clone(), deployment: found.deployment.clone() };
        let deployment = world.send(deployment).now_or_never().unwrap().unwrap();
        let export = world.send(GetExport { api, stage }).now_or_never().unwrap().unwrap();
        ServedStage { stage_ref, stage: found, deployment, export: Some(export) }
    }

    /// Two stages of one API on two deployments that others made.
    fn found() -> Comparison {
        let world = World::new(VirtualClock::at(jiff::Timestamp::UNIX_EPOCH));
        world.set_quotas(false);
        world.edit(account);
        stages(&read(&world, "dev"), &read(&world, "prod"), "eu-west-1")
    }

    #[test]
    fn two_stages() {
        let found = found();
        insta::assert_snapshot!("diff_88", screen(&found, 88));
        insta::assert_snapshot!("diff_60", screen(&found, 60));
        assert!(screen(&found, 60).lines().all(|line| line.chars().count() <= 60));
    }

    #[test]
    fn the_document_of_two_stages() {
        insta::assert_json_snapshot!("diff_json", found());
    }

    #[test]
    fn what_is_the_same_is_said_with_what_was_not_seen() {
        let sections = vec![Section { name: "definition", differences: Vec::new() }];
        let same = Comparison {
            schema: DIFF_SCHEMA,
            region: "eu-west-1".into(),
            a: "a/dev".into(),
            b: "b/prod".into(),
            sections,
            unseen: Unseen::ALL.to_vec(),
        };
        let said = screen(&same, 88);
        assert!(said.contains("= the same, as far as exports show\n"), "{said}");
        assert!(
            said.contains("which does not show: the API's name, ") && said.ends_with("\nno difference\n"),
            "{said}"
        );
        assert!(!screen(&Comparison { unseen: Vec::new(), ..same }, 88).contains("export"));
    }
}
