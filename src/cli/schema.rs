//! `schema`: for editors and programs.

use super::App;
use super::args::{SchemaArgs, SchemaOf};
use super::end::End;
use crate::problem::Problem;
use crate::{config, event};

/// Prints it.
pub fn run(app: &App, args: &SchemaArgs) -> Result<End, Problem> {
    let schema = match args.of {
        SchemaOf::Config => config::schema(),
        SchemaOf::Events => event::schema(),
    };
    app.reporter.raw(&format!("{schema:#}\n"));
    Ok(End::done())
}
