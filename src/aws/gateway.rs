//! Stages and deployments of either kind of API. The ids of REST and HTTP APIs look alike, so the kind of an API is
//! found by asking for a REST API first; this is the only place that does.

use std::future::Future;

use super::noun::{Deployment, Page, Stage, StageKind};
use super::operation::{
    CreateDeployment, CreateHttpDeployment, DeleteDeployment, DeleteHttpDeployment, GetDeployment, GetDeployments,
    GetHttpDeployment, GetHttpDeployments, GetHttpStage, GetHttpStages, GetStage, GetStages,
};
use super::{Aws, AwsError, AwsExt, Call, Operation, Remedy, Request, explain};
use crate::model::{ApiId, StageName, StageRef};
use crate::problem::{Code, Problem};

/// Pages of a list we follow before we call it endless (an emulator repeats its token).
pub const PAGES_MAX: usize = 400;

/// A read that failed, with what was asked.
struct Failed {
    operation: Operation,
    subject: String,
    error: Box<AwsError>,
}

impl Failed {
    fn problem(&self) -> Problem {
        explain::problem(self.operation, &self.subject, &self.error)
    }
}

/// The stage, of whichever kind of API; `None` when neither kind has it.
///
/// # Errors
/// AWS cannot be read.
pub async fn stage<A: Aws>(aws: &A, stage: &StageRef) -> Result<Option<Stage>, Problem> {
    let StageRef { api, stage } = stage.clone();
    let rest = GetStage { api: api.clone(), stage: stage.clone() };
    either(ask(aws, rest), ask(aws, GetHttpStage { api, stage })).await
}

/// The stage, which must exist.
///
/// # Errors
/// It does not, or AWS cannot be read.
pub async fn existing_stage<A: Aws>(aws: &A, stage_ref: &StageRef) -> Result<Stage, Problem> {
    stage(aws, stage_ref).await?.ok_or_else(|| missing(stage_ref))
}

/// That there is no such stage.
pub fn missing(stage: &StageRef) -> Problem {
    let api = &stage.api;
    Problem::new(Code::StageMissing, format!("stage {stage} does not exist here"))
        .why("API Gateway answered 404 in this account and region, for a REST API and for an HTTP API of this id")
        .fix(format!("list the stages of a REST API: aws apigateway get-stages --rest-api-id {api}"))
        .fix(format!("or of an HTTP API: aws apigatewayv2 get-stages --api-id {api}"))
        .fix("or, where there is no such API, the APIs: aws apigateway get-rest-apis")
        .fix(format!("the default stage of an HTTP API is named '{api}/$default'; its URL names no stage"))
}

/// All stages of an API; none when there is no such API.
///
/// # Errors
/// AWS cannot be read, or the list does not end.
pub async fn stages<A: Aws>(aws: &A, api: &ApiId) -> Result<Vec<(StageName, Stage)>, Problem> {
    let http = all_pages(aws, |next| GetHttpStages { api: api.clone(), next });
    Ok(either(ask(aws, GetStages { api: api.clone() }), http).await?.unwrap_or_default())
}

/// All deployments of an API; none when there is no such API.
///
/// # Errors
/// AWS cannot be read, or the list does not end.
pub async fn deployments<A: Aws>(aws: &A, api: &ApiId) -> Result<Vec<Deployment>, Problem> {
    let rest = all_pages(aws, |position| GetDeployments { api: api.clone(), position });
    let http = all_pages(aws, |next| GetHttpDeployments { api: api.clone(), next });
    Ok(either(rest, http).await?.unwrap_or_default())
}

/// A deployment of the API that a stage belongs to; `None` when there is none of this id.
///
/// # Errors
/// AWS cannot be read.
pub async fn deployment<A: Aws>(
    aws: &A,
    kind: &StageKind,
    api: &ApiId,
    deployment: &str,
) -> Result<Option<Deployment>, Problem> {
    let (api, deployment) = (api.clone(), deployment.to_owned());
    let found = match kind {
        StageKind::Rest => ask(aws, GetDeployment { api, deployment }).await,
        // A stage that was never deployed names none.
        StageKind::Http { .. } if deployment.is_empty() => return Ok(None),
        StageKind::Http { .. } => ask(aws, GetHttpDeployment { api, deployment }).await,
    };
    match found {
        Ok(found) => Ok(Some(found)),
        Err(failed) if failed.error.remedy() == Remedy::Missing => Ok(None),
        Err(failed) => Err(failed.problem()),
    }
}

/// Takes a snapshot of an API's live definition; nothing points at it yet.
///
/// # Errors
/// What the call answered: it is a write, and whoever sends it looks.
pub async fn create_deployment<A: Aws>(
    aws: &A,
    kind: &StageKind,
    api: &ApiId,
    description: String,
) -> Result<Deployment, AwsError> {
    let api = api.clone();
    match kind {
        StageKind::Rest => aws.send(CreateDeployment { api, description }).await,
        StageKind::Http { .. } => aws.send(CreateHttpDeployment { api, description }).await,
    }
}

/// The write that deletes a deployment.
pub fn delete_deployment(kind: &StageKind, api: &ApiId, deployment: &str) -> Call {
    let (api, deployment) = (api.clone(), deployment.to_owned());
    match kind {
        StageKind::Rest => Call::DeleteDeployment(DeleteDeployment { api, deployment }),
        StageKind::Http { .. } => Call::DeleteHttpDeployment(DeleteHttpDeployment { api, deployment }),
    }
}

/// The operation of [`create_deployment`].
pub const fn creating(kind: &StageKind) -> Operation {
    match kind {
        StageKind::Rest => Operation::CreateDeployment,
        StageKind::Http { .. } => Operation::CreateHttpDeployment,
    }
}

/// Every page of a list.
///
/// # Errors
/// AWS cannot be read, or the list does not end.
pub async fn pages<A: Aws, T, R>(aws: &A, ask: impl Fn(Option<String>) -> R) -> Result<Vec<T>, Problem>
where
    R: Request<Reply = Page<T>>,
{
    all_pages(aws, ask).await.map_err(|failed| failed.problem())
}

async fn all_pages<A: Aws, T, R>(aws: &A, request: impl Fn(Option<String>) -> R) -> Result<Vec<T>, Failed>
where
    R: Request<Reply = Page<T>>,
{
    let (mut all, mut token) = (Vec::new(), None);
    let first = request(None).call();
    for _ in 0..PAGES_MAX {
        let page: Page<T> = ask(aws, request(token.clone())).await?;
        all.extend(page.items);
        if page.next.is_none() || page.next == token {
            return Ok(all);
        }
        token = page.next;
    }
    let cause = format!("the list does not end: {PAGES_MAX} pages were read");
    Err(Failed {
        operation: first.operation(),
        subject: first.subject(),
        error: Box::new(AwsError::Ambiguous { cause }),
    })
}

/// Asks for what may not exist.
///
/// # Errors
/// AWS cannot be read.
pub async fn find<A: Aws, R: Request + Clone>(aws: &A, request: R) -> Result<Option<R::Reply>, Problem> {
    let call = request.clone().call();
    aws.find(request).await.map_err(|error| explain::problem(call.operation(), &call.subject(), &error))
}

async fn ask<A: Aws, R: Request>(aws: &A, request: R) -> Result<R::Reply, Failed> {
    let call = request.call();
    let reply = aws.call(&call).await.and_then(|reply| {
        R::reply(reply).ok_or_else(|| AwsError::Ambiguous { cause: "answered as another call".into() })
    });
    reply.map_err(|error| Failed { operation: call.operation(), subject: call.subject(), error: Box::new(error) })
}

/// The answer for a REST API or, where there is none, for an HTTP API; `None` when there is neither. A role may be
/// allowed to see only one of the two: then what it may see decides.
async fn either<T>(
    rest: impl Future<Output = Result<T, Failed>>,
    http: impl Future<Output = Result<T, Failed>>,
) -> Result<Option<T>, Problem> {
    let denied = |failed: &Failed| failed.error.remedy() == Remedy::Denied;
    let refused = match rest.await {
        Ok(found) => return Ok(Some(found)),
        Err(failed) if failed.error.remedy() == Remedy::Missing => None,
        Err(failed) if denied(&failed) => Some(failed),
        Err(failed) => return Err(failed.problem()),
    };
    match (http.await, refused) {
        (Ok(found), _) => Ok(Some(found)),
        (Err(failed), None) if failed.error.remedy() == Remedy::Missing => Ok(None),
        (Err(failed), Some(refused)) if denied(&failed) || failed.error.remedy() == Remedy::Missing => {
            Err(refused.problem())
        }
        (Err(failed), None) if denied(&failed) => {
            Err(failed.problem().why("there is no such REST API; whether an HTTP API has this id cannot be seen"))
        }
        (Err(failed), _) => Err(failed.problem()),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn answer(code: &str, status: u16) -> Result<&'static str, Failed> {
        let error = Box::new(AwsError::rejected(status, code, "no"));
        Err(Failed { operation: Operation::GetStage, subject: "abc/prod".into(), error })
    }

    fn ask_both(
        rest: Result<&'static str, Failed>,
        http: Result<&'static str, Failed>,
    ) -> Result<Option<&'static str>, Code> {
        let (rest, http) = (std::future::ready(rest), std::future::ready(http));
        either(rest, http).now_or_never().unwrap().map_err(|problem| problem.code)
    }

    #[test]
    fn an_http_api_is_asked_for_only_where_there_is_no_rest_api() {
        let gone = || answer("NotFoundException", 404);
        assert_eq!(ask_both(Ok("rest"), Ok("http")), Ok(Some("rest")));
        assert_eq!(ask_both(gone(), Ok("http")), Ok(Some("http")));
        assert_eq!(ask_both(gone(), gone()), Ok(None));
    }

    #[test]
    fn a_role_that_may_see_only_http_apis_sees_them_and_what_nobody_may_see_is_denied() {
        let (gone, denied) = (|| answer("NotFoundException", 404), || answer("AccessDeniedException", 403));
        assert_eq!(ask_both(denied(), Ok("http")), Ok(Some("http")));
        assert_eq!(ask_both(denied(), gone()), Err(Code::AccessDenied));
        assert_eq!(ask_both(denied(), denied()), Err(Code::AccessDenied));
        assert_eq!(ask_both(gone(), denied()), Err(Code::AccessDenied));
    }

    #[test]
    fn a_read_without_an_answer_is_no_proof_that_there_is_nothing() {
        let throttled = || answer("TooManyRequestsException", 429);
        assert_eq!(ask_both(throttled(), Ok("http")), Err(Code::Throttled));
        assert_eq!(ask_both(answer("NotFoundException", 404), throttled()), Err(Code::Throttled));
    }
}
