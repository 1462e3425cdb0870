//! What a stage should be set to, besides its deployment.

use std::collections::BTreeMap;
use std::fmt;

/// What the configuration says about a stage's settings; what it does not say is anybody's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WantedStage {
    /// Stage variables; others may be there besides.
    pub variables: BTreeMap<String, String>,
    /// Execution logs of every method; REST APIs only.
    pub logging: Option<LogLevel>,
    /// Detailed CloudWatch metrics of every method.
    pub metrics: Option<bool>,
    /// X-Ray tracing; REST APIs only.
    pub tracing: Option<bool>,
    /// The throttle of every method.
    pub throttle: Option<Throttle>,
    /// A cache cluster; REST APIs only.
    pub cache: Option<bool>,
    /// Requests are logged.
    pub access_log: Option<bool>,
}

/// What execution logs hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// Errors.
    Error,
    /// Errors and every request.
    Info,
}

impl fmt::Display for LogLevel {
    /// As API Gateway spells it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "OFF",
            Self::Error => "ERROR",
            Self::Info => "INFO",
        })
    }
}

/// How many requests are let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    /// Requests per second.
    pub rate: u64,
    /// Requests at once.
    pub burst: u64,
}
