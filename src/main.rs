//! The stagegate command.

use std::process::ExitCode;

fn main() -> ExitCode {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        stagegate::cli::give_back_terminal();
        report(panic);
    }));
    ExitCode::from(stagegate::cli::main(std::env::args_os()).code())
}
