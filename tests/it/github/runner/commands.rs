//! Workflow commands in what a step prints, read as GitHub's runner reads them: `::command name=value::data` at the
//! beginning of a line, and its older form `##[command name=value]data` anywhere in one.

use std::collections::BTreeMap;

/// Annotations of one kind that are kept for a step of a workflow, the steps inside a composite taken together.
const ANNOTATIONS_MAX: usize = 10;
/// Characters of an annotation that are kept.
const MESSAGE_MAX: usize = 4096;

/// The commands that the runner knows, and the one that stops it from reading any.
const KNOWN: [&str; 16] = [
    "add-mask",
    "add-matcher",
    "add-path",
    "debug",
    "echo",
    "endgroup",
    "error",
    "group",
    "notice",
    "remove-matcher",
    "save-state",
    "set-env",
    "set-output",
    "warning",
    STOP,
    "internal-set-repo-path",
];
const STOP: &str = "stop-commands";

/// A command with what belongs to it, unescaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// In small letters.
    pub name: String,
    /// `title`, `file`, …
    pub properties: BTreeMap<String, String>,
    /// What follows it.
    pub data: String,
}

/// A line as it is, or the command in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// For people.
    Text(String),
    /// For the runner.
    Command(Command),
}

/// Reads the lines of the steps of one Action.
#[derive(Debug, Default)]
pub struct Commands {
    stopped_by: Option<String>,
    /// What was asked for, in order.
    pub seen: Vec<Command>,
    /// What is not shown.
    masks: Vec<String>,
    open: Option<String>,
    /// What is wrong with the commands so far.
    pub faults: Vec<String>,
}

impl Commands {
    /// With secrets that are hidden from the beginning.
    pub fn hiding(masks: Vec<String>) -> Self {
        Self { masks, ..Self::default() }
    }

    /// Takes a line.
    pub fn take(&mut self, line: &str) -> Line {
        let parsed = parse(line, self.stopped_by.as_deref());
        let Some(command) = parsed else { return Line::Text(self.masked(line)) };
        if let Some(token) = &self.stopped_by {
            if !command.name.eq_ignore_ascii_case(token) {
                return Line::Text(self.masked(line));
            }
            self.stopped_by = None;
            return Line::Command(command);
        }
        self.carry_out(&command);
        self.seen.push(command.clone());
        Line::Command(command)
    }

    fn carry_out(&mut self, command: &Command) {
        match command.name.as_str() {
            STOP => self.stopped_by = Some(command.data.clone()),
            "add-mask" if command.data.trim().is_empty() => self.faults.push("an empty mask".to_owned()),
            "add-mask" => self.masks.push(command.data.clone()),
            "group" => {
                if let Some(open) = self.open.replace(command.data.clone()) {
                    self.faults.push(format!("group {:?} begins inside of group {open:?}", command.data));
                }
            }
            "endgroup" if self.open.take().is_none() => self.faults.push("a group ends that never began".to_owned()),
            "error" | "warning" | "notice" => self.annotated(command),
            _ => {}
        }
    }

    fn annotated(&mut self, command: &Command) {
        let of_kind = self.seen.iter().filter(|seen| seen.name == command.name).count();
        if of_kind >= ANNOTATIONS_MAX {
            self.faults.push(format!("{} annotation {} is dropped", command.name, of_kind + 1));
        }
        let length = command.data.chars().count();
        if length > MESSAGE_MAX {
            self.faults.push(format!("an annotation of {length} characters is cut"));
        }
        if command.data.trim().is_empty() {
            self.faults.push(format!("an empty {} annotation is dropped", command.name));
        }
    }

    /// A step has ended: what it left open stays so for the reader of the log.
    pub fn step_ended(&mut self, step: &str) {
        if let Some(open) = self.open.take() {
            self.faults.push(format!("group {open:?} is open at the end of {step:?}"));
        }
        if let Some(token) = self.stopped_by.take() {
            self.faults.push(format!("commands are stopped at the end of {step:?}, until ::{token}::"));
        }
    }

    /// A line as people see it.
    pub fn masked(&self, line: &str) -> String {
        self.masks.iter().fold(line.to_owned(), |line, mask| line.replace(mask.as_str(), "***"))
    }
}

fn parse(line: &str, token: Option<&str>) -> Option<Command> {
    new_form(line.trim_start(), token).or_else(|| old_form(line, token))
}

fn new_form(line: &str, token: Option<&str>) -> Option<Command> {
    let (head, data) = line.strip_prefix("::")?.split_once("::")?;
    let data_of = |text: &str| unescape(text, &[("%0D", "\r"), ("%0A", "\n"), ("%25", "%")]);
    let property = [("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")];
    command(head, ',', &property, token).map(|command| Command { data: data_of(data), ..command })
}

fn old_form(line: &str, token: Option<&str>) -> Option<Command> {
    let escapes = [("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%25", "%")];
    let (head, data) = line.split_once("##[")?.1.split_once(']')?;
    command(head, ';', &escapes, token).map(|command| Command { data: unescape(data, &escapes), ..command })
}

fn command(head: &str, between: char, escapes: &[(&str, &str)], token: Option<&str>) -> Option<Command> {
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    let known = KNOWN.iter().copied().chain(token).any(|known| known.eq_ignore_ascii_case(name));
    let pairs = properties.trim().split(between).filter_map(|pair| pair.split_once('='));
    let properties = pairs.map(|(name, value)| (name.to_lowercase(), unescape(value, escapes))).collect();
    known.then(|| Command { name: name.to_lowercase(), properties, data: String::new() })
}

fn unescape(text: &str, escapes: &[(&str, &str)]) -> String {
    escapes.iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(lines: &[&str]) -> Commands {
        let mut commands = Commands::default();
        for line in lines {
            commands.take(line);
        }
        commands.step_ended("test");
        commands
    }

    #[test]
    fn both_forms_are_read_where_the_runner_reads_them() {
        for (line, name, data) in [
            ("::error::no", "error", "no"),
            ("  ::set-output name=x::y", "set-output", "y"),
            ("::ERROR title=a%3Ab%2Cc::50%25%0Aoff", "error", "50%\noff"),
            ("text ##[warning]old", "warning", "old"),
            ("::group::", "group", ""),
        ] {
            let Line::Command(command) = Commands::default().take(line) else { panic!("{line}") };
            assert_eq!((command.name.as_str(), command.data.as_str()), (name, data));
        }
        for line in ["text ::error::no", ":: error::no", "::unknown::no", "::error", "##[unknown]x", "%0A::error::no"] {
            assert!(matches!(Commands::default().take(line), Line::Text(_)), "{line}");
        }
        let command = seen(&["::error title=a%3Ab%2Cc,file=x.toml,line=3::m"]).seen.remove(0);
        assert_eq!(command.properties["title"], "a:b,c");
        assert_eq!((command.properties["file"].as_str(), command.properties["line"].as_str()), ("x.toml", "3"));
    }

    #[test]
    fn nothing_is_read_while_commands_are_stopped_and_masks_hide() {
        let commands = seen(&["::stop-commands::abc", "::error::no", "::ABC::", "::add-mask::secret", "::notice::x"]);
        let names: Vec<&str> = commands.seen.iter().map(|command| command.name.as_str()).collect();
        assert_eq!((names, commands.faults.len()), (vec!["stop-commands", "add-mask", "notice"], 0));
        assert_eq!(commands.masked("a secret b"), "a *** b");
    }

    #[test]
    fn what_the_runner_would_drop_cut_or_show_wrongly_is_a_fault() {
        let long = format!("::error::{}", "x".repeat(4097));
        for (lines, fault) in [
            (vec!["::group::a", "::group::b", "::endgroup::"], "inside"),
            (vec!["::group::a"], "open"),
            (vec!["::endgroup::"], "never began"),
            (vec!["::warning::x"; 11], "dropped"),
            (vec![long.as_str()], "cut"),
            (vec!["::notice:: "], "empty"),
            (vec!["::stop-commands::t"], "stopped"),
        ] {
            let faults = seen(&lines).faults;
            assert!(faults.len() == 1 && faults[0].contains(fault), "{lines:?}: {faults:?}");
        }
        let grouped = seen(&["::group::a", "text", "::endgroup::", "::group::b", "::endgroup::"]);
        assert_eq!(grouped.faults, Vec::<String>::new());
    }
}
