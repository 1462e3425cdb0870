//! `drift`: every target compared with what is live, with the configuration, and with what clients call. For cron.

use std::collections::{BTreeMap, BTreeSet};

use super::App;
use super::args::{DriftArgs, FailOn};
use super::end::End;
use super::session::{Session, connect_by};
use super::target::{Located, Need, configured, locate, shell_word};
use crate::address::{self, CustomDomain};
use crate::aws::Aws;
use crate::aws::layers::Pace;
use crate::clock::Clock;
use crate::config::{self, Settings, TargetRef};
use crate::doctor::drift::{Report, Row, Subject, row, unread};
use crate::doctor::look::Wanted;
use crate::doctor::{Facts, Finding, Repair, clients, wiring};
use crate::model::{StageRef, Target};
use crate::problem::{Code, Exit, Level, Problem};
use crate::report::{Shape, drift_text};

/// One target with what counts for it.
pub(super) struct Asked {
    pub located: Located,
    /// What the configuration says about it, if anything.
    pub target: Option<Target>,
}

impl Asked {
    pub(super) fn of(app: &App, text: &str) -> Result<Self, Problem> {
        let located = locate(app, text, Need::Place, None)?;
        if let TargetRef::Url(_) = located.place {
            return Err(Problem::new(Code::BadOption, format!("drift looks at targets, not at URLs: {text}"))
                .why("which stage answers a URL is what doctor finds out")
                .fix(format!("stagegate doctor {}", shell_word(text))));
        }
        let target = configured(app, &located).or_else(|| located.target.clone());
        Ok(Self { located, target })
    }

    fn stage(&self) -> Option<&StageRef> {
        self.located.stage().or_else(|| self.target.as_ref().and_then(|target| target.stage.as_ref()))
    }
}

/// How commands about a target are printed.
pub(super) fn repair(located: &Located, region: &str) -> Repair {
    let profile = located.settings.profile.as_ref().map(|profile| profile.value.clone());
    Repair { flags: located.flags().to_owned(), region: region.to_owned(), profile }
}

/// Looks.
pub async fn run(app: &App, args: DriftArgs) -> Result<End, Problem> {
    let asked = asked(app, &args.targets)?;
    app.reporter.busy("reading AWS");
    let mut rows: BTreeMap<usize, Row> = BTreeMap::new();
    for (settings, members) in groups(&asked) {
        let members: Vec<(usize, &Asked)> = members.into_iter().map(|at| (at, &asked[at])).collect();
        rows.extend(group(app, settings, &members).await);
    }
    let report = Report::of(rows.into_values().collect());
    Ok(conclude(app, &report, args.fail_on))
}

/// The targets that were named, or all of the configuration.
pub(super) fn asked(app: &App, names: &[String]) -> Result<Vec<Asked>, Problem> {
    if !names.is_empty() {
        return names.iter().map(|name| Asked::of(app, name)).collect();
    }
    let config = config::load(app.args.config.as_deref(), &app.directory, &config::read_file)?;
    let Some(config) = config else {
        return Err(Problem::new(Code::NoConfigFile, format!("there is no {} that names targets", config::FILE_NAME))
            .why("without a target drift looks at every target of the configuration")
            .fix("name them: stagegate drift API/STAGE FUNCTION:ALIAS")
            .fix("or give the file: --config FILE"));
    };
    let names: Vec<&str> = config.names().collect();
    if names.is_empty() {
        return Err(Problem::new(Code::UnknownTarget, format!("{} names no target", config.file_name()))
            .fix("add one: [target.NAME]"));
    }
    names.into_iter().map(|name| Asked::of(app, name)).collect()
}

/// What is reached over one connection, together.
fn groups(asked: &[Asked]) -> Vec<(&Settings, Vec<usize>)> {
    let place = |settings: &Settings| {
        [&settings.region, &settings.profile, &settings.account].map(|one| one.as_ref().map(|one| one.value.clone()))
    };
    let mut groups: Vec<(&Settings, Vec<usize>)> = Vec::new();
    for (at, one) in asked.iter().enumerate() {
        let settings = &one.located.settings;
        match groups.iter_mut().find(|(known, _)| place(known) == place(settings)) {
            Some((_, members)) => members.push(at),
            None => groups.push((settings, vec![at])),
        }
    }
    groups
}

/// One connection's targets. What cannot be reached is said in its rows: the others are looked at all the same.
async fn group(app: &App, settings: &Settings, members: &[(usize, &Asked)]) -> Vec<(usize, Row)> {
    let looked = async {
        let session = connect_by(app, settings, Pace::Share).await?;
        if session.account.is_some() {
            session.identify(app).await?;
        }
        let asked: Vec<&Asked> = members.iter().map(|(_, one)| *one).collect();
        Ok(look(app, &session, &asked).await)
    };
    let region = settings.region.as_ref().map_or("unknown", |region| region.value.as_str());
    let rows = looked.await.unwrap_or_else(|problem: Problem| {
        members.iter().map(|(_, one)| unread(&one.located.text, region, one.stage(), &problem)).collect()
    });
    members.iter().map(|(at, _)| *at).zip(rows).collect()
}

/// Reads and compares over a connection: every API once, every alias once.
pub(super) async fn look<A: Aws, C: Clock>(app: &App, session: &Session<A, C>, asked: &[&Asked]) -> Vec<Row> {
    let facts = facts(app, session, asked).await;
    let domains = domains(session, asked).await;
    let now = session.clock.now();
    let rows = asked.iter().map(|one| {
        let repair = repair(&one.located, &session.region);
        let subject = Subject {
            name: &one.located.text,
            target: one.target.as_ref(),
            stage: one.stage(),
            clients: clients(one, &domains, &repair),
            region: &session.region,
        };
        row(subject, &facts, now, &repair)
    });
    rows.collect()
}

/// The custom domain names of the configuration, each read once.
async fn domains<A: Aws, C: Clock>(session: &Session<A, C>, asked: &[&Asked]) -> Domains {
    let mut domains = Domains::new();
    for domain in asked.iter().filter_map(|one| one.target.as_ref()).flat_map(|target| &target.domains) {
        let host = host_of(domain);
        if !domains.contains_key(host) {
            domains.insert(host.to_owned(), address::custom_domain(&session.aws, host).await);
        }
    }
    domains
}

/// What AWS knows of each host.
type Domains = BTreeMap<String, Result<Option<CustomDomain>, Problem>>;

fn host_of(domain: &str) -> &str {
    domain.split('/').next().unwrap_or(domain)
}

/// What is wrong with the domains of a target.
fn clients(one: &Asked, domains: &Domains, repair: &Repair) -> Option<Result<Vec<Finding>, Problem>> {
    let target = one.target.as_ref().filter(|target| !target.domains.is_empty())?;
    let of = |domain: &String| match domains.get(host_of(domain)) {
        Some(Ok(custom)) => Ok(clients::of_domain(domain, custom.as_ref(), target, repair)),
        Some(Err(problem)) => Err(problem.clone()),
        None => Ok(Vec::new()),
    };
    Some(target.domains.iter().map(of).collect::<Result<Vec<_>, _>>().map(|all| all.into_iter().flatten().collect()))
}

/// Stages first, for they say which aliases matter.
async fn facts<A: Aws, C: Clock>(app: &App, session: &Session<A, C>, asked: &[&Asked]) -> Facts {
    let observer = session.observer(app);
    let mut wanted = Wanted::default();
    for stage in asked.iter().filter_map(|one| one.stage()) {
        wanted.stages.entry(stage.api.clone()).or_default().insert(stage.stage.clone());
    }
    let mut facts = observer.facts(&wanted).await;
    let mut pairs = BTreeSet::new();
    for one in asked {
        let served = one.stage().and_then(|stage| facts.stage(stage).ok());
        pairs.extend(wiring::concerned(one.target.as_ref(), served.map(|(_, observed)| observed), &session.region));
    }
    facts.aliases = observer.aliases(&pairs).await;
    facts
}

pub(super) fn conclude(app: &App, report: &Report, fail_on: FailOn) -> End {
    let mut report = report.clone();
    let cells = report.targets.iter_mut().flat_map(|row| &mut row.cells);
    for problem in cells.filter_map(|cell| cell.unknown.as_mut()) {
        *problem = app.reporter.completed(problem);
    }
    app.reporter.data(&match app.reporter.shape() {
        Shape::Human => drift_text::screen(&report, app.term().width, app.term().unicode),
        Shape::Document | Shape::Events => format!("{:#}\n", serde_json::to_value(&report).unwrap_or_default()),
    });
    let least = match fail_on {
        FailOn::Warning => Level::Warning,
        FailOn::Error => Level::Error,
    };
    let count = report.targets.iter().flat_map(Row::findings).filter(|finding| finding.level >= least).count();
    let unknown = report.targets.iter().flat_map(|row| &row.cells).filter_map(|cell| cell.unknown.as_ref());
    let end = match (count > 0, unknown.map(|problem| problem.exit).reduce(Exit::worse)) {
        (true, _) => End::new(Exit::Findings, "findings"),
        // What was not looked at is not fine.
        (false, Some(exit)) => End::new(exit, "unknown"),
        (false, None) => End::new(Exit::Done, "clean"),
    };
    end.findings(count)
}
