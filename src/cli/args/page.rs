//! The flags of the report page.

use std::path::PathBuf;

use crate::model::RunId;

/// The release as a page.
#[derive(Debug, clap::Args)]
pub struct PageArgs {
    /// Write the newest release as a page to look at: timeline, metrics, every write
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) html: Option<PathBuf>,
    /// Another release of the page, as history shows it
    #[arg(long, value_name = "ID", requires = "html")]
    pub(in crate::cli) release: Option<RunId>,
}
