//! Whether a command may act: given by a flag, to be asked for, or refused at once.

use super::{App, prompt};
use crate::model::Target;
use crate::problem::{Code, Problem};

/// What a promotion needs before it acts.
#[derive(Debug, PartialEq, Eq)]
pub enum Consent {
    /// A flag gave it.
    Given,
    /// Ask yes or no; no is the default.
    AskYes,
    /// Ask for the name to be typed.
    AskName(String),
}

/// Decides for a promotion. `--yes`, however it was set, is never enough for a protected target. `silence` says why
/// nobody can be asked; the last is the command's name, and the command line that a fix completes.
pub fn promotion(
    target: &Target,
    yes: bool,
    confirm: Option<&str>,
    silence: Option<&'static str>,
    (what, command): (&str, &str),
) -> Result<Consent, Problem> {
    named(&target.label(), target.protected, yes, confirm, silence, (what, command))
}

/// The same for a target that is known by its name.
pub fn named(
    label: &str,
    protected: bool,
    yes: bool,
    confirm: Option<&str>,
    silence: Option<&'static str>,
    (what, command): (&str, &str),
) -> Result<Consent, Problem> {
    match confirm {
        Some(name) if name == label => return Ok(Consent::Given),
        Some(name) => {
            return Err(Problem::new(
                Code::ConfirmationMissing,
                format!("--confirm says {name}, the target is {label}"),
            )
            .why("the confirmation is the target's name, so that the wrong one is never promoted")
            .fix(format!("{command} --confirm {label}")));
        }
        None => {}
    }
    match (protected, yes, silence) {
        (false, true, _) => Ok(Consent::Given),
        (false, false, None) => Ok(Consent::AskYes),
        (true, _, None) => Ok(Consent::AskName(label.to_owned())),
        (false, false, silence) => Err(missing(what, silence).fix(format!("{command} --yes"))),
        (true, yes, silence) => Err(missing(what, silence)
            .why(format!("target {label} is protected{}", if yes { "; --yes is not enough for it" } else { "" }))
            .fix(format!("{command} --confirm {label}"))),
    }
}

/// Decides for a repair: like a promotion where it touches what a protected target has, of which `guard` is the name,
/// else by `--yes`.
pub fn repair(
    guard: Option<&str>,
    (yes, confirm): (bool, Option<&str>),
    silence: Option<&'static str>,
    (what, command): (&str, &str),
) -> Result<Consent, Problem> {
    match (guard, yes, silence) {
        (Some(name), ..) => named(name, true, yes, confirm, silence, (what, command)),
        (None, true, _) => Ok(Consent::Given),
        (None, false, None) => Ok(Consent::AskYes),
        (None, false, silence) => Err(missing(what, silence).fix(format!("{command} --yes"))),
    }
}

/// The refusal where nobody can be asked.
pub fn missing(command: &str, silence: Option<&'static str>) -> Problem {
    Problem::new(Code::ConfirmationMissing, format!("{command} needs a confirmation and nobody can be asked"))
        .why(format!("{}; nothing is assumed", silence.unwrap_or("there is no terminal")))
}

impl Consent {
    /// Gets it for a repair, which was shown before.
    pub async fn obtain_for_repair(self, app: &App) -> Result<(), Problem> {
        match self {
            Self::AskYes if !prompt::confirm(app, "Do it?", false).await? => Err(prompt::left()),
            Self::AskYes => Ok(()),
            other => other.obtain(app).await,
        }
    }

    /// Gets it.
    pub async fn obtain(self, app: &App) -> Result<(), Problem> {
        match self {
            Self::Given => Ok(()),
            Self::AskYes if prompt::confirm(app, "Nothing has been changed. Start?", false).await? => Ok(()),
            Self::AskYes => Err(prompt::left()),
            Self::AskName(name) => {
                app.reporter.say(&format!("{name} is protected. Nothing has been changed.\n"));
                match prompt::line(app, &format!("Type {name} to start, Esc to leave")).await?.trim() {
                    "" => Err(prompt::left()),
                    typed if typed == name => Ok(()),
                    _ => Err(prompt::mistyped(&name).fix("try again, and type the name as it is shown")),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(protected: bool) -> Target {
        let mut target = Target::of_alias("checkout-api".parse().unwrap(), "live".parse().unwrap());
        target.name = Some("prod".into());
        target.protected = protected;
        target
    }

    const COMMAND: (&str, &str) = ("promote", "stagegate promote prod");
    const SILENT: Option<&str> = Some("there is no terminal");

    #[test]
    fn yes_is_enough_for_a_plain_target_and_never_for_a_protected_one() {
        assert_eq!(promotion(&target(false), true, None, SILENT, COMMAND), Ok(Consent::Given));
        assert_eq!(promotion(&target(true), true, None, None, COMMAND), Ok(Consent::AskName("prod".into())));
        let refused = promotion(&target(true), true, None, SILENT, COMMAND).unwrap_err();
        assert_eq!(refused.code, Code::ConfirmationMissing);
        assert_eq!(refused.fix, ["stagegate promote prod --confirm prod"]);
        assert_eq!(promotion(&target(true), false, Some("prod"), SILENT, COMMAND), Ok(Consent::Given));
    }

    #[test]
    fn a_confirmation_of_another_target_is_refused_even_with_yes() {
        assert!(promotion(&target(false), true, Some("staging"), None, COMMAND).is_err());
    }

    #[test]
    fn without_a_terminal_the_flag_is_named_at_once() {
        let refused = promotion(&target(false), false, None, SILENT, COMMAND).unwrap_err();
        assert_eq!(refused.fix, ["stagegate promote prod --yes"]);
        assert_eq!(promotion(&target(false), false, None, None, COMMAND), Ok(Consent::AskYes));
    }
}
