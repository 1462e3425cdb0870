//! `init`: writes `stagegate.toml` from what is live. Nothing in AWS changes.

mod choice;
mod file;

use serde_json::json;

use self::choice::{Choice, choose};
use self::file::{Place, Written};
use super::App;
use super::args::InitArgs;
use super::end::End;
use super::release;
use super::session::{Session, connect};
use super::target::{Located, Need, locate, repeated};
use crate::address::{Address, Mapped};
use crate::aws::Aws;
use crate::aws::layers::Pace;
use crate::clock::Clock;
use crate::config::{Draft, DraftStage, SmokeFiles, TargetRef};
use crate::discover::{self, Function, LiveStage, Ways};
use crate::model::ManagedBy;
use crate::ownership::snippet;
use crate::problem::{Code, Level, Problem};
use crate::report::plan_text::Caller;
use crate::report::{Shape, init_text};

/// Looks, asks, and writes.
pub async fn run(app: &App, args: InitArgs) -> Result<End, Problem> {
    refuse_a_name(&args.place)?;
    let mut located = locate(app, &args.place, Need::Place, None)?;
    let session = connect(app, &located, Pace::Share).await?;
    init(app, &mut located, &session, &args).await
}

/// A name stands for what a file says, and this is about what is live.
fn refuse_a_name(place: &str) -> Result<(), Problem> {
    match TargetRef::parse(place)? {
        TargetRef::Named(name) => Err(Problem::new(Code::UnknownPlace, format!("`{name}` names nothing that is live"))
            .why("init writes the file that gives names to functions and stages")
            .fix("start from the URL that clients call: stagegate init https://api.example.com/checkout")
            .fix("or from the stage or the alias: API_ID/STAGE, FUNCTION:ALIAS")),
        TargetRef::Alias { .. } | TargetRef::Stage { .. } | TargetRef::Url(_) => Ok(()),
    }
}

/// What was found, and what was made of it.
pub(super) struct Found {
    /// The stage, unless an alias was named.
    pub stage: Option<LiveStage>,
    /// What it calls.
    pub ways: Ways,
}

/// The same over a connection.
pub(super) async fn init<A: Aws, C: Clock>(
    app: &App,
    located: &mut Located,
    session: &Session<A, C>,
    args: &InitArgs,
) -> Result<End, Problem> {
    let caller = session.identify(app).await?;
    app.reporter.busy("reading AWS");
    let asked = located.place.clone();
    let mapped = located.follow(app, session).await?;
    let name = choice::name(app, args, located).await?;
    let place = if args.print {
        Place::nowhere(app)
    } else {
        Place::open(app, &name, args.force, &located.command("init")).await?
    };
    let found = find(app, located, session, domain(&asked, mapped.as_ref()), &caller).await?;
    let choice = choose(app, args, located, &found).await?;
    app.reporter.busy("reading functions");
    let functions = discover::alias_of(&session.aws, &choice.functions, &choice.alias).await?;
    let draft = draft(&name, session, &caller, &found, &choice);
    let text = place.text(&draft)?;
    let checked = check(app, session, &place, &text, &draft, caller, &functions).await;
    let written = if args.print { None } else { Some(place.write(&text)?) };
    say(
        app,
        located,
        &Done { draft: &draft, found: &found, choice: &choice, functions: &functions, checked, text, written },
    );
    Ok(End::done())
}

/// Where clients find the stage, when they come by a name of their own.
fn domain(asked: &TargetRef, mapped: Option<&Mapped>) -> Option<String> {
    let (TargetRef::Url(Address::CustomDomain { host, .. }), Some(mapped)) = (asked, mapped) else { return None };
    Some(if mapped.base_path.is_empty() { host.clone() } else { format!("{host}/{}", mapped.base_path) })
}

async fn find<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    domain: Option<String>,
    caller: &Caller,
) -> Result<Found, Problem> {
    let Some(stage_ref) = located.stage() else { return Ok(Found { stage: None, ways: Ways::default() }) };
    let stage = discover::look_at(&session.observer(app), stage_ref, domain).await?;
    let ways = stage.ways(&session.region, &caller.identity.account);
    Ok(Found { stage: Some(stage), ways })
}

fn draft<A, C>(name: &str, session: &Session<A, C>, caller: &Caller, found: &Found, choice: &Choice) -> Draft {
    let api = found.stage.as_ref().map(|stage| stage.live.name().to_owned()).filter(|name| !name.trim().is_empty());
    let first = choice.functions.first().map(ToString::to_string).unwrap_or_default();
    Draft {
        name: name.to_owned(),
        project: api.unwrap_or(first),
        functions: choice.functions.clone(),
        alias: choice.alias.clone(),
        stage: found.stage.as_ref().map(|stage| DraftStage {
            stage: stage.stage_ref.clone(),
            alias_variable: choice.variable.clone(),
            domains: stage.domain.iter().cloned().collect(),
            settings: discover::guarded(&stage.stage),
        }),
        region: session.region.clone(),
        account: caller.identity.account.clone(),
        protected: choice::looks_like_production(name, &choice.alias),
    }
}

/// What a first look at the new target says, as `verify` would.
pub(super) struct Checked {
    /// Why no plan can be made yet.
    problem: Option<Problem>,
    /// Who else owns what, one line each.
    owners: Vec<String>,
    /// What to write there.
    snippets: Vec<(ManagedBy, String)>,
}

/// A plan is made, and not shown: whatever would stop the first release is better known now.
async fn check<A: Aws, C: Clock>(
    app: &App,
    session: &Session<A, C>,
    place: &Place,
    text: &str,
    draft: &Draft,
    caller: Caller,
    functions: &[Function],
) -> Checked {
    let nothing = |problem| Checked { problem: Some(problem), owners: Vec::new(), snippets: Vec::new() };
    if let Some(problem) = functions.iter().find_map(|function| function.trouble.clone()) {
        return nothing(problem);
    }
    let target = match place.config(text).and_then(|config| config.target(&draft.name, SmokeFiles::Leave)) {
        Ok(target) => target,
        Err(problem) => return nothing(problem),
    };
    let prepared = match release::prepare(app, session, &target, caller, release::Wanted::default()).await {
        Ok(prepared) => prepared,
        Err(problem) => return nothing(problem),
    };
    let kind = prepared.plan.stage.as_ref().map(|stage| &stage.before.kind);
    let of = |tool| (tool, snippet(tool, &prepared.plan.target, kind));
    Checked {
        problem: None,
        owners: prepared.ownership.lines(),
        snippets: prepared.ownership.tools().into_iter().map(of).collect(),
    }
}

/// All that is told.
struct Done<'a> {
    draft: &'a Draft,
    found: &'a Found,
    choice: &'a Choice,
    functions: &'a [Function],
    checked: Checked,
    text: String,
    written: Option<Written>,
}

fn say(app: &App, located: &Located, done: &Done<'_>) {
    let Done { draft, found, choice, functions, checked, text, written } = done;
    let edits = match (&found.stage, &choice.variable) {
        (Some(stage), Some(variable)) => discover::edits(stage, &draft.functions, variable, &draft.region),
        _ => Vec::new(),
    };
    let next = ["verify", "plan", "promote"].map(|command| located.command_for(command, &draft.name));
    let screen = init_text::Screen {
        draft,
        stage: found.stage.as_ref(),
        ways: &found.ways,
        through: choice.through.as_ref(),
        functions,
        edits: &edits,
        owners: checked.problem.is_none().then_some(checked.owners.as_slice()),
        snippets: &checked.snippets,
        written: written.as_ref().map(|written| (written.how.word(), written.shown.as_str())),
        next: &next,
        flags: &repeated(app),
    };
    match app.reporter.shape() {
        Shape::Human => {
            let told = screen.text(app.term().width);
            if written.is_some() {
                app.reporter.data(&told);
            } else {
                app.reporter.raw(text);
                app.reporter.aside(&told);
            }
            if let Some(problem) = &checked.problem {
                let before = "until then a release is refused, and verify says so";
                app.warn(&problem.clone().level(Level::Warning).why(before));
            }
        }
        Shape::Document | Shape::Events => {
            let document = json!({
                "schema": "stagegate.init/1.0",
                "target": draft.name,
                "protected": draft.protected,
                "file": written.as_ref().map(|written| &written.shown),
                "written": written.as_ref().map(|written| written.how.word()),
                "text": text,
                "region": draft.region,
                "account": draft.account,
                "stage": draft.stage.as_ref().map(|stage| stage.stage.to_string()),
                "alias": draft.alias,
                "alias_variable": choice.variable,
                "functions": functions,
                "called": found.ways.called,
                "notes": found.ways.notes,
                "edits": edits.iter().filter_map(|edit| edit.command.as_ref()).collect::<Vec<_>>(),
                "owners": checked.owners,
                "snippets": checked.snippets.iter().map(|(tool, text)| json!({ "tool": tool, "text": text })).collect::<Vec<_>>(),
                "problem": checked.problem,
                "next": next,
            });
            app.reporter.data(&format!("{document:#}\n"));
        }
    }
}
