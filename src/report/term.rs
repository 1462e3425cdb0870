//! The one decision about the terminal, pushed into everything that draws.

use super::text;

/// `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Color {
    /// As the terminal and the environment suggest.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// `--progress`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Progress {
    /// Live at a terminal of at least 48 columns, plain elsewhere.
    #[default]
    Auto,
    /// Redrawn in place.
    Live,
    /// One line per event.
    Plain,
    /// Only the result.
    Never,
}

/// What the user asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wishes {
    /// `--color`
    pub color: Color,
    /// `--progress`
    pub progress: Progress,
    /// `--quiet`
    pub quiet: bool,
    /// `--no-input`
    pub no_input: bool,
}

/// What can be found out about the streams and the environment.
pub struct Probe<'a> {
    /// Standard input is a terminal.
    pub stdin: bool,
    /// Standard error is a terminal.
    pub stderr: bool,
    /// Its width in columns.
    pub columns: Option<u16>,
    /// The environment.
    pub env: &'a dyn Fn(&str) -> Option<String>,
}

/// The decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// Columns of text for people, 40–110.
    pub width: usize,
    /// Whether text for people is coloured.
    pub color: bool,
    /// Whether more than ASCII can be shown.
    pub unicode: bool,
    /// Why nobody can be asked; absent when a person can.
    pub silence: Option<&'static str>,
    /// How progress is shown; never [`Progress::Auto`].
    pub progress: Progress,
    /// Whether GitHub's runner reads what is written, and obeys lines that look like its commands.
    pub runner: bool,
}

/// The width where there is no terminal.
const WIDTH: usize = 88;
/// Columns below which nothing is redrawn, unless somebody wants it.
const NARROW: u16 = 48;

impl Term {
    /// Decides.
    pub fn decide(probe: &Probe<'_>, wishes: Wishes) -> Self {
        let set = |name: &str| (probe.env)(name).filter(|value| !value.is_empty());
        let is_on = |name: &str| set(name).is_some_and(|value| value != "0");
        let runner = set("GITHUB_ACTIONS").is_some_and(|on| on == "true");
        let dumb = set("TERM").is_some_and(|term| term == "dumb");
        let color = match wishes.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto if set("NO_COLOR").is_some() => false,
            Color::Auto if is_on("CLICOLOR_FORCE") || is_on("FORCE_COLOR") => true,
            Color::Auto => (probe.stderr && !dumb) || runner,
        };
        let columns: Option<u16> = set("COLUMNS").and_then(|text| text.parse().ok()).or(probe.columns);
        let is_narrow = columns.is_some_and(|columns| columns < NARROW);
        let progress = match wishes.progress {
            _ if wishes.quiet => Progress::Never,
            Progress::Auto if probe.stderr && !dumb && !is_narrow && !is_on("STAGEGATE_ACCESSIBLE") => Progress::Live,
            Progress::Live if probe.stderr && !dumb => Progress::Live,
            Progress::Auto | Progress::Live | Progress::Plain => Progress::Plain,
            Progress::Never => Progress::Never,
        };
        let ci = set("CI").is_some_and(|ci| ci != "false" && ci != "0");
        Self {
            width: columns.map_or(WIDTH, Self::width_of),
            color,
            unicode: ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| set(name)).is_some_and(|locale| {
                let locale = locale.to_ascii_lowercase();
                locale.contains("utf-8") || locale.contains("utf8")
            }),
            silence: match (wishes.no_input, ci, probe.stdin && probe.stderr) {
                (true, _, _) => Some("--no-input is set"),
                (_, true, _) => Some("CI is set"),
                (_, _, false) => Some("there is no terminal"),
                (false, false, true) => None,
            },
            progress,
            runner,
        }
    }

    /// Columns of text for people at a terminal of so many columns.
    pub fn width_of(columns: u16) -> usize {
        usize::from(columns).clamp(40, 110)
    }

    /// Text as this terminal can show it; what others wrote in it, such as names and descriptions in AWS, commands neither
    /// the terminal nor a runner.
    pub fn fit(&self, text: &str) -> String {
        let text = text::harmless(text);
        let text = if self.unicode { text } else { text::ascii(&text) };
        // Last: a symbol in ASCII may be what a command begins with.
        if self.runner { text::no_commands(&text) } else { text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(terminal: bool, env: &[(&str, &str)], wishes: Wishes) -> Term {
        let env = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Term::decide(&Probe { stdin: terminal, stderr: terminal, columns: None, env: &env }, wishes)
    }

    #[test]
    fn colour_follows_the_flag_then_no_color_then_force_then_the_terminal() {
        let color = |terminal, env: &[(&str, &str)]| decide(terminal, env, Wishes::default()).color;
        assert!(color(true, &[]) && !color(false, &[]));
        assert!(!color(true, &[("NO_COLOR", "1")]) && color(true, &[("NO_COLOR", "")]));
        assert!(!color(true, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]));
        assert!(color(false, &[("CLICOLOR_FORCE", "1")]) && color(false, &[("FORCE_COLOR", "1")]));
        assert!(!color(false, &[("CLICOLOR_FORCE", "0")]) && !color(true, &[("TERM", "dumb")]));
        assert!(color(false, &[("GITHUB_ACTIONS", "true")]) && !color(false, &[("CI", "true")]));
        let always = Wishes { color: Color::Always, ..Wishes::default() };
        assert!(decide(false, &[("NO_COLOR", "1")], always).color);
    }

    #[test]
    fn nobody_is_asked_without_a_terminal_or_in_ci() {
        assert_eq!(decide(true, &[], Wishes::default()).silence, None);
        assert_eq!(decide(false, &[], Wishes::default()).silence, Some("there is no terminal"));
        assert_eq!(decide(true, &[("CI", "true")], Wishes::default()).silence, Some("CI is set"));
        let told = Wishes { no_input: true, ..Wishes::default() };
        assert_eq!(decide(true, &[], told).silence, Some("--no-input is set"));
    }

    #[test]
    fn nothing_is_redrawn_without_a_terminal_even_if_asked() {
        let live = Wishes { progress: Progress::Live, ..Wishes::default() };
        assert_eq!(decide(false, &[], live).progress, Progress::Plain);
        assert_eq!(decide(true, &[("STAGEGATE_ACCESSIBLE", "1")], Wishes::default()).progress, Progress::Plain);
        for (columns, progress) in [("47", Progress::Plain), ("48", Progress::Live)] {
            assert_eq!(decide(true, &[("COLUMNS", columns)], Wishes::default()).progress, progress);
        }
        assert_eq!(decide(true, &[("COLUMNS", "40")], live).progress, Progress::Live, "as it was asked for");
        assert_eq!(decide(true, &[], Wishes { quiet: true, ..live }).progress, Progress::Never);
    }

    #[test]
    fn the_locale_decides_about_symbols() {
        let unicode = |env: &[(&str, &str)]| decide(true, env, Wishes::default()).unicode;
        assert!(unicode(&[("LANG", "de_DE.UTF-8")]) && !unicode(&[("LANG", "C")]) && !unicode(&[]));
        assert!(!unicode(&[("LC_ALL", "C"), ("LANG", "C.UTF-8")]));
        assert_eq!(decide(true, &[("LANG", "C")], Wishes::default()).fit("✔ v41 → v42 …"), "[ok] v41 -> v42 ...");
    }

    #[test]
    fn what_others_wrote_commands_neither_the_terminal_nor_a_runner() {
        let term = |env: &[(&str, &str)]| decide(true, &[env, &[("LANG", "C.UTF-8")]].concat(), Wishes::default());
        let (here, runner) = (term(&[]), term(&[("GITHUB_ACTIONS", "true")]));
        let text = "a\u{1b}[2J\u{9b}1A\rb\u{202e}\n\tc \u{1b}[1;31merror\u{1b}[0m: \u{1b}]0;x\u{7}\n";
        let shown = "a\u{fffd}[2J\u{fffd}1A\u{fffd}b\u{fffd}\n\tc \u{1b}[1;31merror\u{1b}[0m: \u{fffd}]0;x\u{fffd}\n";
        assert_eq!(here.fit(text), shown);
        let commands = "  ::add-mask::x\na ##[error]b\nfunction::x\n";
        assert_eq!(here.fit(commands), commands);
        assert_eq!(runner.fit(commands), "  : :add-mask::x\na ## [error]b\nfunction::x\n");
    }

    #[test]
    fn symbols_in_ascii_command_no_runner_either() {
        for locale in [&[][..], &[("LANG", "C")], &[("LC_ALL", "POSIX")]] {
            let runner = decide(false, &[&[("GITHUB_ACTIONS", "true")], locale].concat(), Wishes::default());
            let shown = runner.fit("▃▃add-mask▃▃x\n\u{a0}▃:error::y\na ██[group]b\n█#[error]c\n");
            assert_eq!(shown, ": :add-mask::x\n : :error::y\na ## [group]b\n## [error]c\n", "{locale:?}");
        }
    }
}
