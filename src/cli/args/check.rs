//! The flags of `doctor` and `drift`.

/// The methods that an API can have.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// `doctor`
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    /// The URL as clients call it: an invoke URL, or one of a custom domain
    pub(in crate::cli) url: String,
    /// HTTP method of the request that is followed, and of the retest
    #[arg(long, value_name = "METHOD", default_value = "GET", ignore_case = true, value_parser = METHODS, hide_possible_values = true)]
    pub(in crate::cli) method: String,
    /// Send 20 requests and count what comes back; asks first when the method may change something
    #[arg(long)]
    pub(in crate::cli) retest: bool,
    /// Send them without asking
    #[arg(short, long)]
    pub(in crate::cli) yes: bool,
}

/// `drift`
#[derive(Debug, clap::Args)]
pub struct DriftArgs {
    /// Names of stagegate.toml, API/STAGE or FUNCTION:ALIAS [default: every target of stagegate.toml]
    #[arg(value_name = "TARGET")]
    pub(in crate::cli) targets: Vec<String>,
    /// Exit with 3 from this level on: warning or error
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = FailOn::Warning, hide_possible_values = true)]
    pub(in crate::cli) fail_on: FailOn,
}

/// Which findings a scheduled check fails for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum FailOn {
    /// Warnings and errors.
    Warning,
    /// Errors.
    Error,
}
