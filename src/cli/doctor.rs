//! `doctor URL`: why does this URL not do what was deployed? Six questions, each answered by content.

use std::collections::BTreeSet;

use super::args::DoctorArgs;
use super::consent::{self, Consent};
use super::drift::repair;
use super::end::End;
use super::session::{Session, connect};
use super::target::{Located, Need, locate, shell_word};
use super::{App, prompt};
use crate::address::{self, Address, Found};
use crate::aws::layers::Pace;
use crate::aws::operation::{InvokeStage, RequestUrl};
use crate::aws::{Aws, AwsExt as _};
use crate::clock::Clock;
use crate::config::{self, SmokeFiles};
use crate::doctor::Facts;
use crate::doctor::look::Wanted;
use crate::doctor::retest::{REQUESTS, Retest};
use crate::doctor::visit::{Checkup, Visit};
use crate::model::Target;
use crate::problem::{Code, Exit, Problem};
use crate::report::{Shape, doctor_text};

/// How long a request of the retest may take, seconds: API Gateway itself gives up after 29 or 30.
const TIMEOUT_S: u32 = 35;

/// Looks.
pub async fn run(app: &App, args: DoctorArgs) -> Result<End, Problem> {
    let address = address(&args.url)?;
    agreed(app, &args)?;
    let located = locate(app, &args.url, Need::Place, None)?;
    let session = connect(app, &located, Pace::Share).await?;
    if session.account.is_some() {
        session.identify(app).await?;
    }
    show(app, &located, &session, &address, &args).await
}

/// Requests that only read are sent when they are asked for; others may change something, twenty times.
fn agreed(app: &App, args: &DoctorArgs) -> Result<Consent, Problem> {
    let reads = ["GET", "HEAD", "OPTIONS"].iter().any(|method| args.method.eq_ignore_ascii_case(method));
    match (!args.retest || reads || args.yes, app.silence()) {
        (true, _) => Ok(Consent::Given),
        (false, None) => Ok(Consent::AskYes),
        (false, silence) => Err(consent::missing("doctor --retest", silence)
            .why(format!("{} {} requests may change something", REQUESTS, args.method))
            .fix(format!("stagegate doctor {} --method {} --retest --yes", shell_word(&args.url), args.method))),
    }
}

/// The URL, read.
pub(super) fn address(url: &str) -> Result<Address, Problem> {
    url.parse().map_err(|error: address::NotAnAddress| {
        Problem::new(Code::UnresolvedUrl, format!("`{url}` is no URL that API Gateway answers"))
            .why(error.to_string())
            .fix("give the URL as clients call it: stagegate doctor https://api.example.com/v1/orders")
    })
}

/// Looks over a connection, and says what is found.
pub(super) async fn show<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    address: &Address,
    args: &DoctorArgs,
) -> Result<End, Problem> {
    app.reporter.busy("reading AWS");
    let found = address::find(&session.aws, address, &[]).await?;
    let targets = targets(app);
    let method = args.method.to_ascii_uppercase();
    let stage = found.resolution.outcome.as_ref().ok().map(|mapped| mapped.stage.clone());
    let expected = targets.iter().find(|target| target.domains.iter().any(|domain| is_at(address, domain)));
    let asked = if method == "GET" { String::new() } else { format!(" --method {method}") };
    let serving = |target: &&Target| stage.is_some() && target.stage == stage;
    let declared =
        targets.iter().flat_map(|target| target.variables.keys().chain(target.stage_settings.variables.keys()));
    let declared = declared.cloned().collect();
    let visit = Visit {
        declared: &declared,
        url: &args.url,
        method: &method,
        found: &found,
        expected,
        target: expected.filter(serving).or_else(|| targets.iter().find(serving)),
        region: &session.region,
        retest: format!("stagegate doctor {}{asked} --retest{}", shell_word(&args.url), located.flags()),
        now: session.clock.now(),
        repair: &repair(located, &session.region),
    };
    let checkup = visit.checkup(&facts(app, session, &visit).await);
    if args.retest && agreed(app, args)? == Consent::AskYes {
        let question = format!("Send {REQUESTS} {method} requests to {}?", args.url);
        if !prompt::confirm(app, &question, false).await? {
            return Err(prompt::left());
        }
    }
    let retest = match args.retest {
        true => Some(send(app, session, address, &found, &method, &args.url).await),
        false => None,
    };
    Ok(conclude(app, &checkup, retest.as_ref()))
}

/// What the configuration knows; a file that cannot be read stands in nobody's way here.
fn targets(app: &App) -> Vec<Target> {
    let loaded = config::load(app.args.config.as_deref(), &app.directory, &config::read_file).ok().flatten();
    let Some(config) = loaded else { return Vec::new() };
    config.names().filter_map(|name| config.target(name, SmokeFiles::Leave).ok()).collect()
}

/// Whether a URL lies under a domain of the configuration.
fn is_at(address: &Address, domain: &str) -> bool {
    let Address::CustomDomain { host, path } = address else { return false };
    let (name, base) = domain.split_once('/').unwrap_or((domain, ""));
    let below = path.trim_start_matches('/').strip_prefix(base);
    host == name && below.is_some_and(|rest| base.is_empty() || rest.is_empty() || rest.starts_with('/'))
}

async fn facts<A: Aws, C: Clock>(app: &App, session: &Session<A, C>, visit: &Visit<'_>) -> Facts {
    let Some(mapped) = visit.mapped() else { return Facts::default() };
    let observer = session.observer(app);
    let mut wanted = Wanted::default();
    wanted.stages.insert(mapped.stage.api.clone(), BTreeSet::from([mapped.stage.stage.clone()]));
    let mut facts = observer.facts(&wanted).await;
    if let Ok((_, observed)) = facts.stage(&mapped.stage) {
        facts.aliases = observer.aliases(&visit.pairs(observed)).await;
    }
    facts
}

/// Sends requests one after the other, as a client that calls once would.
async fn send<A: Aws, C: Clock>(
    app: &App,
    session: &Session<A, C>,
    address: &Address,
    found: &Found,
    method: &str,
    url: &str,
) -> Retest {
    app.reporter.busy("sending requests");
    let mut retest = Retest::default();
    for _ in 0..REQUESTS {
        let answer = match (address, &found.resolution.outcome) {
            // What replaces API Gateway's own address replaces this one, too.
            (Address::DefaultEndpoint { .. }, Ok(mapped)) => {
                let (api, stage) = (mapped.stage.api.clone(), mapped.stage.stage.clone());
                let (method, path) = (method.to_owned(), below(url, mapped));
                session.aws.send(InvokeStage { api, stage, method, path, timeout_s: TIMEOUT_S }).await
            }
            _ => {
                let (method, url) = (method.to_owned(), url.to_owned());
                session.aws.send(RequestUrl { method, url, timeout_s: TIMEOUT_S }).await
            }
        };
        retest.take(answer.map_err(|error| error.to_string()));
    }
    retest
}

/// The path below the stage with its query, as it was written.
fn below(url: &str, mapped: &address::Mapped) -> String {
    let query = url.split_once('?').map_or("", |(_, query)| query.split('#').next().unwrap_or_default());
    let path = mapped.path.replace(' ', "%20");
    if query.is_empty() { path } else { format!("{path}?{query}") }
}

pub(super) fn conclude(app: &App, checkup: &Checkup, retest: Option<&Retest>) -> End {
    let mut checkup = checkup.clone();
    for problem in checkup.sections.iter_mut().filter_map(|section| section.unknown.as_mut()) {
        *problem = app.reporter.completed(problem);
    }
    app.reporter.data(&match app.reporter.shape() {
        Shape::Human => doctor_text::screen(&checkup, retest, app.term().width),
        Shape::Document | Shape::Events => {
            let mut document = serde_json::to_value(&checkup).unwrap_or_default();
            if let Some(map) = document.as_object_mut() {
                map.insert("retest".into(), serde_json::to_value(retest).unwrap_or_default());
            }
            format!("{document:#}\n")
        }
    });
    let failed = usize::from(retest.is_some_and(Retest::failed));
    let count = checkup.findings().filter(|finding| finding.matters()).count() + failed;
    let unknown = checkup.sections.iter().filter_map(|section| section.unknown.as_ref());
    let end = match (count > 0, unknown.map(|problem| problem.exit).reduce(Exit::worse)) {
        (true, _) => End::new(Exit::Findings, "findings"),
        (false, Some(exit)) => End::new(exit, "unknown"),
        (false, None) => End::new(Exit::Done, "clean"),
    };
    end.findings(count)
}
