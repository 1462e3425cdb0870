//! `man`: the manual, made from the same declaration as parsing and `--help`.

use std::path::Path;

use clap_mangen::Man;

use super::App;
use super::args::{ManArgs, command};
use super::end::End;
use super::help::find;
use crate::problem::{Code, Problem};

/// Prints one page, or writes all of them.
pub fn run(app: &App, args: &ManArgs) -> Result<End, Problem> {
    // Building gives every command its full name and the flags that it inherits.
    let mut whole = command();
    whole.build();
    match &args.out {
        Some(folder) => write(app, &whole, folder)?,
        None => {
            let wanted = find(&whole, &args.what)?;
            let page = page(wanted).map_err(|error| unwritten("the page", &error))?;
            app.reporter.raw(&String::from_utf8_lossy(&page));
        }
    }
    Ok(End::done())
}

fn write(app: &App, whole: &clap::Command, folder: &Path) -> Result<(), Problem> {
    let folder = app.directory.join(folder);
    std::fs::create_dir_all(&folder).map_err(|error| unwritten(&folder.display().to_string(), &error))?;
    let mut written = 0;
    for one in pages(whole) {
        let path = folder.join(format!("{}.1", file_stem(one)));
        page(one)
            .and_then(|page| std::fs::write(&path, page))
            .map_err(|error| unwritten(&path.display().to_string(), &error))?;
        written += 1;
    }
    app.reporter.say(&format!("{written} pages in {}\n", folder.display()));
    Ok(())
}

/// The command and all that are shown below it.
fn pages(command: &clap::Command) -> Vec<&clap::Command> {
    let below = command.get_subcommands().filter(|below| !below.is_hide_set()).flat_map(pages);
    std::iter::once(command).chain(below).collect()
}

/// `stagegate-canary-set`.
fn file_stem(command: &clap::Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}

fn page(command: &clap::Command) -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command.clone().help_template("")).title(file_stem(command)).render(&mut page)?;
    Ok(page)
}

fn unwritten(what: &str, error: &std::io::Error) -> Problem {
    Problem::new(Code::FileUnwritable, format!("cannot write {what}"))
        .why(error.to_string())
        .fix("name another folder: stagegate man --out DIR")
}
