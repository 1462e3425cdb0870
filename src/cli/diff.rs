//! `diff`: two stages, or two versions of a function, side by side.

use super::App;
use super::args::DiffArgs;
use super::end::End;
use super::members;
use super::session::{Session, connect_by};
use super::target::{Need, locate, settings_of_function};
use crate::aws::Aws;
use crate::aws::layers::Pace;
use crate::aws::noun::Function;
use crate::aws::operation::GetFunction;
use crate::clock::Clock;
use crate::compare::{Comparison, ServedStage, stages, versions};
use crate::config::{Settings, Sourced, TargetRef};
use crate::model::{FunctionName, StageRef};
use crate::problem::{Code, Exit, Problem};
use crate::report::{Shape, diff_text};

/// What is compared.
#[derive(Debug, PartialEq)]
pub enum Subject {
    /// What a stage serves, and how.
    Stage(StageRef),
    /// A version of a function, by number, alias or `$LATEST`.
    Version {
        /// The function.
        function: FunctionName,
        /// Number, alias or `$LATEST`.
        qualifier: String,
    },
}

/// Looks.
pub async fn run(app: &App, args: DiffArgs) -> Result<End, Problem> {
    let (a, settings) = subject(app, &args.a)?;
    let (b, other) = subject(app, &args.b)?;
    let place = same_place((&args.a, &settings), (&args.b, &other))?;
    let session = connect_by(app, &place, Pace::Share).await?;
    if session.account.is_some() {
        session.identify(app).await?;
    }
    app.reporter.busy("reading AWS");
    show(app, &session, (&a, &b), &args).await
}

/// Looks over a connection, and says what differs.
pub async fn show<A: Aws, C: Clock>(
    app: &App,
    session: &Session<A, C>,
    (a, b): (&Subject, &Subject),
    args: &DiffArgs,
) -> Result<End, Problem> {
    let found = look(app, session, (a, &args.a), (b, &args.b)).await?;
    app.reporter.data(&match app.reporter.shape() {
        Shape::Human => diff_text::screen(&found, app.term().width),
        Shape::Document | Shape::Events => format!("{:#}\n", serde_json::to_value(&found).unwrap_or_default()),
    });
    let differ = args.detailed_exitcode && found.count() > 0;
    Ok(if differ { End::new(Exit::Findings, "findings") } else { End::done() })
}

/// Reads what A or B stands for, and what counts for the connection to it.
pub fn subject(app: &App, text: &str) -> Result<(Subject, Settings), Problem> {
    if let Some((function, qualifier)) = version(text)? {
        let settings = settings_of_function(app, &function)?;
        return Ok((Subject::Version { function, qualifier }, settings));
    }
    let located = locate(app, text, Need::Place, None)?;
    let of_alias = |function: &FunctionName, alias: &dyn std::fmt::Display| Subject::Version {
        function: function.clone(),
        qualifier: alias.to_string(),
    };
    let found = match (&located.place, located.stage(), &located.target) {
        (TargetRef::Alias { function, alias, .. }, ..) => of_alias(function, alias),
        (_, Some(stage), _) => Subject::Stage(stage.clone()),
        (_, None, Some(target)) => match target.functions.as_slice() {
            [function] => of_alias(function, &target.alias),
            several => {
                let what = format!("{text} has {} functions and no stage", several.len());
                let problem = Problem::new(Code::AmbiguousTarget, what);
                return Err(several
                    .iter()
                    .take(5)
                    .fold(problem, |problem, function| problem.fix(format!("name one: {function}:{}", target.alias))));
            }
        },
        (_, None, None) => {
            return Err(Problem::new(Code::UnknownPlace, format!("{text} names neither stage nor version")));
        }
    };
    Ok((found, located.settings))
}

/// `FUNCTION:NUMBER` or `FUNCTION:$LATEST`, which no TARGET is.
fn version(text: &str) -> Result<Option<(FunctionName, String)>, Problem> {
    let Some((function, qualifier)) = text.split_once(':') else { return Ok(None) };
    let number = !qualifier.is_empty() && qualifier.bytes().all(|b| b.is_ascii_digit());
    if !number && qualifier != "$LATEST" {
        return Ok(None);
    }
    let function = function.parse().map_err(|error: crate::model::InvalidName| {
        Problem::new(Code::UnknownPlace, format!("`{text}` cannot be read")).why(error.to_string())
    })?;
    Ok(Some((function, qualifier.to_owned())))
}

/// The settings of the one connection that reads both. What one side does not say is as the other says it; what the file
/// says of one counts for both before what AWS's own variables say.
pub fn same_place((a_text, a): (&str, &Settings), (b_text, b): (&str, &Settings)) -> Result<Settings, Problem> {
    let mut apart = Vec::new();
    let mut joined = |name: &str, a: &Option<Sourced<String>>, b: &Option<Sourced<String>>| {
        let (Some(one), Some(other)) = (a, b) else { return a.clone().or_else(|| b.clone()) };
        let said = |setting: &&Sourced<String>| !setting.from.is_of_aws();
        if one.value != other.value && said(&one) && said(&other) {
            apart.push(format!("{name}: {a_text} in {}, {b_text} in {}", one.value, other.value));
        }
        Some([one, other].into_iter().find(said).unwrap_or(one).clone())
    };
    let settings = Settings {
        region: joined("region", &a.region, &b.region),
        profile: joined("profile", &a.profile, &b.profile),
        account: joined("account", &a.account, &b.account),
        ..a.clone()
    };
    if apart.is_empty() {
        return Ok(settings);
    }
    let problem = Problem::new(Code::BadOption, "A and B lie in different regions or accounts")
        .why("one connection reads both, and their settings contradict each other");
    let problem = apart.into_iter().fold(problem, Problem::why);
    Err(problem.fix("name the place for both: --region REGION --profile NAME --account ID"))
}

async fn look<A: Aws, C: Clock>(
    app: &App,
    session: &Session<A, C>,
    (a, a_text): (&Subject, &str),
    (b, b_text): (&Subject, &str),
) -> Result<Comparison, Problem> {
    match (a, b) {
        (Subject::Stage(a), Subject::Stage(b)) => {
            let (mut a, mut b) = (stage(app, session, a).await?, stage(app, session, b).await?);
            if !a.serves_as(&b) {
                for one in [&mut a, &mut b] {
                    one.export = session.observer(app).export(&one.stage_ref, &one.stage.kind).await?;
                }
            }
            Ok(stages(&a, &b, &session.region))
        }
        (Subject::Version { function, .. }, Subject::Version { function: other, .. }) if function != other => {
            Err(Problem::new(Code::BadOption, format!("{function} and {other} are two functions"))
                .why("versions of one function are compared")
                .fix(format!("stagegate diff {a_text} {function}:N")))
        }
        (Subject::Version { .. }, Subject::Version { .. }) => {
            let (old, new) = (one_version(session, a).await?, one_version(session, b).await?);
            Ok(versions((a_text, &old), (b_text, &new), &session.region))
        }
        (Subject::Stage(_), Subject::Version { .. }) | (Subject::Version { .. }, Subject::Stage(_)) => {
            Err(Problem::new(Code::BadOption, format!("{a_text} and {b_text} are a stage and a version"))
                .why("two stages or two versions can be compared")
                .fix("name two stages, API/STAGE, or two versions, FUNCTION:ALIAS or FUNCTION:NUMBER"))
        }
    }
}

async fn stage<A: Aws, C: Clock>(app: &App, session: &Session<A, C>, of: &StageRef) -> Result<ServedStage, Problem> {
    let (stage, deployment) = session.observer(app).serving(of).await?;
    Ok(ServedStage { stage_ref: of.clone(), stage, deployment, export: None })
}

async fn one_version<A: Aws, C>(session: &Session<A, C>, of: &Subject) -> Result<Function, Problem> {
    let Subject::Version { function, qualifier } = of else {
        return Err(Problem::new(Code::Internal, "a stage is no version"));
    };
    let asked = Some(qualifier.clone()).filter(|qualifier| qualifier != "$LATEST");
    let request = GetFunction { function: function.clone(), qualifier: asked };
    members::ask(&session.aws, request).await?.ok_or_else(|| {
        Problem::new(Code::VersionMissing, format!("{function}:{qualifier} does not exist here"))
            .why("Lambda answered 404 for the function, alias or version in this account and region")
            .fix(format!("list them: aws lambda list-versions-by-function --function-name {function}"))
    })
}
