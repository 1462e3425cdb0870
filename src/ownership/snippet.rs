//! What to write into a tool's own configuration, so that its next update leaves a release alone.

use std::fmt::Write as _;

use super::Attribute;
use crate::aws::noun::StageKind;
use crate::model::{ManagedBy, StageRef, Target};

/// The lines for one tool and a target: to be pasted, with comments that say what they do. Empty for
/// [`ManagedBy::None`]. `kind` is the kind of the target's stage, if it has one.
pub fn snippet(by: ManagedBy, target: &Target, kind: Option<&StageKind>) -> String {
    let stage = target.stage.as_ref().zip(kind);
    match by {
        ManagedBy::Terraform => terraform(target, stage),
        ManagedBy::CloudFormation => cloudformation(target, stage),
        ManagedBy::Sam => sam(target, stage),
        ManagedBy::Cdk => cdk(target, stage),
        ManagedBy::None => String::new(),
    }
}

type Stage<'a> = Option<(&'a StageRef, &'a StageKind)>;

fn of_stage(target: &Target, kind: &StageKind) -> Vec<Attribute> {
    Attribute::of_stage(kind, target.alias_variable.as_deref())
}

fn terraform(target: &Target, stage: Stage<'_>) -> String {
    let mut text = format!("# Terraform: {}.\n", in_every_alias(target));
    let block = |kind: &str, name: &str, attributes: &[Attribute], rest: bool| {
        let ignored: Vec<String> = attributes.iter().map(|attribute| attribute.terraform(rest)).collect();
        format!(
            "resource \"{kind}\" \"{}\" {{\n  # ...\n  lifecycle {{\n    ignore_changes = [{}]\n  }}\n}}\n",
            label(name),
            ignored.join(", ")
        )
    };
    text += &block("aws_lambda_alias", target.alias.as_str(), &Attribute::ALIAS, true);
    if let Some((stage, kind)) = stage {
        let attributes = of_stage(target, kind);
        let resource = if kind.is_rest() { "aws_api_gateway_stage" } else { "aws_apigatewayv2_stage" };
        if !attributes.is_empty() {
            text += &block(resource, stage.stage.as_str(), &attributes, kind.is_rest());
        }
    }
    text
}

/// Names in Terraform begin with a letter or `_` and hold letters, digits, `_` and `-`.
fn label(name: &str) -> String {
    let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    if plain.starts_with(|c: char| c.is_ascii_digit() || c == '-') { format!("_{plain}") } else { plain }
}

fn cloudformation(target: &Target, stage: Stage<'_>) -> String {
    let alias = &target.alias;
    let function = target.functions.first().map_or("FUNCTION", |function| function.as_str());
    let mut text = format!(
        "# CloudFormation has no ignore_changes: {}, either\n\
         # 1. hand it over: deploy it with DeletionPolicy: Retain, then take it out of the template and deploy again; or\n\
         # 2. pass the version that serves into every update, a parameter for each alias:\n\
         Parameters:\n  ServingVersion:\n    Type: String\n\
         Resources:\n  Alias:\n    Type: AWS::Lambda::Alias\n    DeletionPolicy: Retain\n    Properties:\n      \
         Name: {alias}\n      FunctionName: {function}\n      FunctionVersion: !Ref ServingVersion\n\
         # aws lambda get-alias --function-name {function} --name {alias} --query FunctionVersion --output text\n\
         # Between releases only: an update of the alias may empty its description, which holds the record.\n",
        in_every_alias(target)
    );
    stage_lines(&mut text, target, stage);
    text
}

fn sam(target: &Target, stage: Stage<'_>) -> String {
    let mut text = format!(
        "# SAM makes and moves the alias itself: in the AWS::Serverless::Function of every alias {} ({}),\n\
         # in this order, so that no request finds the alias gone:\n\
         # 1. add DeletionPolicy: Retain (it holds for the alias, too), then sam deploy\n\
         # 2. name the alias in the API's definition: without AutoPublishAlias, Events call the function itself\n\
         # 3. take out AutoPublishAlias and DeploymentPreference, then sam deploy\n",
        target.alias,
        functions(target)
    );
    stage_lines(&mut text, target, stage);
    text
}

fn cdk(target: &Target, stage: Stage<'_>) -> String {
    let mut text = format!(
        "// CDK: {}, in this order:\n\
         // 1. keep it:      alias.applyRemovalPolicy(RemovalPolicy.RETAIN), then cdk deploy\n\
         // 2. hand it over: take lambda.Alias and any LambdaDeploymentGroup on it out of the app, then cdk deploy\n",
        in_every_alias(target)
    );
    let mut about_stage = String::new();
    stage_lines(&mut about_stage, target, stage);
    text += &about_stage.replace("# ", "// ");
    text
}

/// A stage in a template: there is no way to tell CloudFormation to leave a property alone.
fn stage_lines(text: &mut String, target: &Target, stage: Stage<'_>) {
    let Some((stage, kind)) = stage else { return };
    let attributes = of_stage(target, kind);
    if attributes.is_empty() {
        return;
    }
    let properties: Vec<&str> = attributes.iter().map(|attribute| attribute.cloudformation(kind.is_rest())).collect();
    let _ = writeln!(text, "# Stage {stage}: an update that changes it sets {} again. Keep it", properties.join(", "));
    let _ = writeln!(text, "# (DeletionPolicy: Retain) and take it out of the template, too.");
    if attributes.contains(&Attribute::Canary) {
        let _ =
            writeln!(text, "# A CanarySetting that is taken out stays on the stage: stagegate canary clear {stage}");
    }
}

fn in_every_alias(target: &Target) -> String {
    format!("for every alias {} ({})", target.alias, functions(target))
}

fn functions(target: &Target) -> String {
    let names: Vec<&str> = target.functions.iter().take(3).map(|function| function.as_str()).collect();
    match target.functions.len().saturating_sub(names.len()) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}
