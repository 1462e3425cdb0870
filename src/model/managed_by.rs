//! Which tool's configuration says what alias and stage shall be, where a person says so.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A tool that would put back what a release changes (`managed_by`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ManagedBy {
    /// Terraform or OpenTofu. It leaves no mark in AWS, so only the configuration can say it.
    Terraform,
    /// CloudFormation from a template of one's own.
    #[serde(rename = "cloudformation")]
    CloudFormation,
    /// CloudFormation from a SAM template.
    Sam,
    /// CloudFormation from a CDK app.
    Cdk,
    /// No tool would put it back, or the tool was told to leave it alone.
    None,
}

impl ManagedBy {
    /// Every value with its word in the configuration.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("terraform", Self::Terraform),
        ("cloudformation", Self::CloudFormation),
        ("sam", Self::Sam),
        ("cdk", Self::Cdk),
        ("none", Self::None),
    ];

    /// Whether it works through stacks of CloudFormation.
    pub const fn uses_stacks(self) -> bool {
        matches!(self, Self::CloudFormation | Self::Sam | Self::Cdk)
    }
}

impl fmt::Display for ManagedBy {
    /// The tool's own spelling.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Terraform => "Terraform",
            Self::CloudFormation => "CloudFormation",
            Self::Sam => "SAM",
            Self::Cdk => "CDK",
            Self::None => "no tool",
        })
    }
}
