//! One target compared with what is live, with the configuration, and with what clients call: a row of `drift`.

use jiff::Timestamp;
use serde::Serialize;

use super::wiring::Scope;
use super::{Facts, Finding, ObservedAlias, Repair, alias, canary, deployment, settings, wiring};
use crate::definition::reach::Route;
use crate::model::{FunctionName, StageRef, Target};
use crate::problem::{Level, Problem};

/// [`Report::schema`]
pub const DRIFT_SCHEMA: &str = "stagegate.drift/1.0";

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Column {
    /// Whether the domains of the configuration lead to the stage.
    Clients,
    /// Whether the stage serves the live definition.
    Deployment,
    /// Whether the stage is set as the configuration says.
    Settings,
    /// Whether somebody left a canary.
    Canary,
    /// What the aliases serve, and whether they are where stagegate left them.
    Alias,
    /// Whether the routes may call them.
    Permission,
}

impl Column {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 6] =
        [Self::Clients, Self::Deployment, Self::Settings, Self::Canary, Self::Alias, Self::Permission];

    /// Its heading.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::Deployment => "deployment",
            Self::Settings => "settings",
            Self::Canary => "canary",
            Self::Alias => "alias",
            Self::Permission => "permission",
        }
    }
}

/// One column of one target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cell {
    /// Which.
    pub column: Column,
    /// What is there, in few words; `–` where the target has nothing of the kind.
    pub summary: String,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Why it could not be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<Problem>,
}

/// All columns of one target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// As it is named.
    pub target: String,
    /// Where it is.
    pub region: String,
    /// Its stage.
    pub stage: Option<StageRef>,
    /// In the order of [`Column::ALL`].
    pub cells: Vec<Cell>,
}

impl Row {
    /// All findings, in the order of the columns.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.cells.iter().flat_map(|cell| &cell.findings)
    }
}

/// Everything that `drift` says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Schema of this document.
    pub schema: &'static str,
    /// One for each target.
    pub targets: Vec<Row>,
    /// How many findings are errors.
    pub errors: usize,
    /// How many are warnings.
    pub warnings: usize,
    /// How many columns could not be looked at.
    pub unknown: usize,
}

impl Report {
    /// Of these rows.
    pub fn of(targets: Vec<Row>) -> Self {
        let count =
            |level: Level| targets.iter().flat_map(Row::findings).filter(|finding| finding.level == level).count();
        let unknown = targets.iter().flat_map(|row| &row.cells).filter(|cell| cell.unknown.is_some()).count();
        Self { schema: DRIFT_SCHEMA, errors: count(Level::Error), warnings: count(Level::Warning), unknown, targets }
    }
}

/// What is compared.
pub struct Subject<'a> {
    /// As it was named.
    pub name: &'a str,
    /// What the configuration says; none for a stage that it does not know.
    pub target: Option<&'a Target>,
    /// The stage.
    pub stage: Option<&'a StageRef>,
    /// What is wrong with the domains; none when there are no domains to look at.
    pub clients: Option<Result<Vec<Finding>, Problem>>,
    /// The region that was read.
    pub region: &'a str,
}

/// Compares.
pub fn row(subject: Subject<'_>, facts: &Facts, now: Timestamp, repair: &Repair) -> Row {
    let functions: Option<&[FunctionName]> = subject.target.map(|target| target.functions.as_slice());
    let scope = Scope { functions, region: subject.region };
    let served = subject.stage.map(|stage| facts.stage(stage));
    let observed = served.as_ref().and_then(|served| served.as_ref().ok()).map(|(_, observed)| *observed);
    let pairs = wiring::concerned(subject.target, observed, subject.region);
    let aliases = facts.aliases(&pairs.into_iter().collect::<Vec<_>>());
    let look = Look { subject: &subject, scope, served, aliases, now, repair };
    let cells = Column::ALL.into_iter().map(|column| look.cell(column)).collect();
    Row { target: subject.name.to_owned(), region: subject.region.to_owned(), stage: subject.stage.cloned(), cells }
}

/// The row of a target that could not be looked at.
pub fn unread(name: &str, region: &str, stage: Option<&StageRef>, problem: &Problem) -> Row {
    let cell =
        |column| Cell { column, summary: "unknown".to_owned(), findings: Vec::new(), unknown: Some(problem.clone()) };
    Row {
        target: name.to_owned(),
        region: region.to_owned(),
        stage: stage.cloned(),
        cells: Column::ALL.into_iter().map(cell).collect(),
    }
}

type Served<'a> = (&'a super::ApiFacts, &'a crate::plan::ObservedStage);

struct Look<'a> {
    subject: &'a Subject<'a>,
    scope: Scope<'a>,
    served: Option<Result<Served<'a>, Problem>>,
    aliases: Result<Vec<&'a ObservedAlias>, Problem>,
    now: Timestamp,
    repair: &'a Repair,
}

/// The worst of what is wrong, in few words: its code, and how many others there are.
fn wrong(findings: &[Finding]) -> Option<String> {
    let worst = findings.iter().map(|finding| finding.level).max().filter(|level| *level > Level::Note)?;
    let first = findings.iter().find(|finding| finding.level == worst)?;
    let others = findings.iter().filter(|finding| finding.matters()).count() - 1;
    let code = first.code.short();
    Some(if others > 0 { format!("{code} +{others}") } else { code.to_owned() })
}

/// What a check says: a summary for when nothing is wrong, and what is.
type Checked = Result<Option<(String, Vec<Finding>)>, Problem>;

impl Look<'_> {
    fn cell(&self, column: Column) -> Cell {
        let checked = match column {
            Column::Clients => self.clients(),
            Column::Deployment => self.deployment(),
            Column::Settings => self.settings(),
            Column::Canary => self.canary(),
            Column::Alias => self.alias(),
            Column::Permission => self.permission(),
        };
        let (summary, findings, unknown) = match checked {
            Ok(Some((summary, findings))) => (wrong(&findings).unwrap_or(summary), findings, None),
            Ok(None) => ("–".to_owned(), Vec::new(), None),
            Err(problem) => ("unknown".to_owned(), Vec::new(), Some(problem)),
        };
        Cell { column, summary, findings, unknown }
    }

    fn served(&self) -> Result<Option<Served<'_>>, Problem> {
        self.served.clone().transpose()
    }

    fn clients(&self) -> Checked {
        let found = self.subject.clients.clone().transpose()?;
        Ok(found.map(|findings| ("ok".to_owned(), findings)))
    }

    fn deployment(&self) -> Checked {
        let Some((_, observed)) = self.served()? else { return Ok(None) };
        let summary = if observed.stage.kind.is_auto_deployed() { "auto" } else { "ok" };
        Ok(Some((summary.to_owned(), deployment::of_target(observed, self.subject.target, self.repair))))
    }

    fn settings(&self) -> Checked {
        let (Some((_, observed)), Some(target)) = (self.served()?, self.subject.target) else { return Ok(None) };
        let found = settings::findings(target, &observed.stage_ref, &observed.stage, self.repair);
        Ok(Some(("ok".to_owned(), found)))
    }

    fn canary(&self) -> Checked {
        let aliases = self.aliases.clone()?;
        let Some((api, observed)) = self.served()? else {
            let found = aliases.iter().filter_map(|alias| canary::of_alias(alias, self.now, self.repair)).collect();
            return Ok(Some((canary::summary(None, &aliases), found)));
        };
        let split = canary::Split { observed, api, aliases: &aliases, now: self.now };
        Ok(Some((canary::summary(observed.stage.canary.as_ref(), &aliases), split.findings(self.repair))))
    }

    fn alias(&self) -> Checked {
        let aliases = self.aliases.clone()?;
        let targets: Vec<&ObservedAlias> = match self.subject.target {
            Some(target) => aliases.into_iter().filter(|one| one.alias == target.alias).collect(),
            None => aliases,
        };
        let found = targets.iter().flat_map(|one| alias::findings(one, self.now, self.repair)).collect();
        Ok((!targets.is_empty()).then(|| (alias::summary(&targets), found)))
    }

    fn permission(&self) -> Checked {
        let Some((_, observed)) = self.served()? else { return Ok(None) };
        let routes: Vec<Route> = wiring::routes(observed);
        let mut found = wiring::findings(observed, &routes, &self.aliases.clone()?, self.scope, self.repair);
        if let Some(target) = self.subject.target {
            found.extend(wiring::unreached(observed, &routes, target));
        }
        Ok(Some(("ok".to_owned(), found)))
    }
}
