//! The commands that mend what was found, as they can be pasted.

use crate::aws::noun::StageKind;
use crate::model::StageRef;

/// What every printed command repeats so that it means the same place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repair {
    /// The flags of stagegate that the call had, each with a blank before it.
    pub flags: String,
    /// The region that was read.
    pub region: String,
    /// The AWS profile that was named.
    pub profile: Option<String>,
}

impl Repair {
    /// `stagegate redeploy a1b2c3d4e5/prod`, with the flags.
    pub fn stagegate(&self, command: &str) -> String {
        format!("stagegate {command}{}", self.flags)
    }

    /// `aws apigateway …`, with region and profile.
    pub fn aws(&self, command: &str) -> String {
        let profile = self.profile.as_ref().map_or_else(String::new, |name| format!(" --profile {name}"));
        format!("aws {command} --region {}{profile}", self.region)
    }

    /// Sets variables of a stage. A stage of an HTTP API gets all that it shall have.
    pub fn set_variables(&self, stage: &StageRef, kind: &StageKind, variables: &[(&str, &str)]) -> String {
        let StageRef { api, stage } = stage;
        match kind {
            StageKind::Rest => {
                let patches: Vec<String> = variables
                    .iter()
                    .map(|(name, value)| format!("op=replace,path=/variables/{name},value={value}"))
                    .collect();
                self.patch(api.as_str(), stage.as_str(), &patches)
            }
            StageKind::Http { .. } => {
                let pairs: Vec<String> = variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
                self.aws(&format!(
                    "apigatewayv2 update-stage --api-id {api} --stage-name '{stage}' --stage-variables {}",
                    pairs.join(",")
                ))
            }
        }
    }

    /// `update-stage` of a REST API with patch operations.
    pub fn patch(&self, api: &str, stage: &str, patches: &[String]) -> String {
        let patches: Vec<String> = patches.iter().map(|patch| quoted(patch)).collect();
        self.aws(&format!(
            "apigateway update-stage --rest-api-id {api} --stage-name {stage} --patch-operations {}",
            patches.join(" ")
        ))
    }
}

/// As one word of a shell's command line.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    match text.chars().all(plain) && !text.is_empty() {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_name_the_place_and_can_be_pasted() {
        let repair =
            Repair { flags: " --region eu-west-1".into(), region: "eu-west-1".into(), profile: Some("ops".into()) };
        assert_eq!(repair.stagegate("redeploy a1/prod"), "stagegate redeploy a1/prod --region eu-west-1");
        let stage = "a1b2c3d4e5/prod".parse().unwrap();
        assert_eq!(
            repair.set_variables(&stage, &StageKind::Rest, &[("lambdaAlias", "live"), ("q", "a&b")]),
            "aws apigateway update-stage --rest-api-id a1b2c3d4e5 --stage-name prod --patch-operations \
             op=replace,path=/variables/lambdaAlias,value=live 'op=replace,path=/variables/q,value=a&b' \
             --region eu-west-1 --profile ops"
        );
        let http = StageKind::Http { auto_deploy: true, last_deployment: None };
        assert!(repair.set_variables(&stage, &http, &[("a", "1"), ("b", "2")]).contains("--stage-variables a=1,b=2 "));
    }
}
