//! Which stage clients reach by a URL or a domain, and which one the configuration means.

use super::{ApiFacts, Finding, Repair};
use crate::address::{ClientRequest, CustomDomain, Found, How, Mapped, Nothing, Passed, resolve};
use crate::model::Target;
use crate::problem::{Code, Level};

/// How the way was found, line by line.
pub fn facts(found: &Found) -> Vec<String> {
    let mut lines = Vec::new();
    if let Ok(mapped) = &found.resolution.outcome {
        let base = match (mapped.base_path.is_empty(), &found.domain) {
            (_, None) => "default endpoint".to_owned(),
            (true, Some(custom)) => custom.domain.name.clone(),
            (false, Some(custom)) => format!("{}/{}", custom.domain.name, mapped.base_path),
        };
        lines.push(format!("{base} → {}", mapped.stage));
        lines.push(how(found, mapped));
    }
    for rule in &found.resolution.passed {
        let to = rule.leads_to.as_ref().map_or_else(|| "somewhere else".to_owned(), ToString::to_string);
        lines.push(match &rule.why {
            Passed::Headers(globs) => {
                let globs: Vec<String> =
                    globs.iter().map(|glob| format!("{}: {}", glob.header, glob.value_glob)).collect();
                format!("a request with header {} gets {to} (rule {})", globs.join(" or "), rule.id)
            }
            Passed::WithinSegment(base) => {
                format!("rule {} may take it to {to}: its base path {base} matches within a segment", rule.id)
            }
            Passed::UnknownCondition => {
                format!("rule {} may take it to {to}: it has a condition of a new kind", rule.id)
            }
        });
    }
    lines
}

fn how(found: &Found, mapped: &Mapped) -> String {
    let mode = found
        .domain
        .as_ref()
        .map_or_else(String::new, |custom| format!("; mode {}", custom.domain.routing_mode.as_str()));
    match &mapped.how {
        How::DefaultEndpoint => "by the path of the invoke URL".into(),
        How::Mapping { stage_in_path: true, .. } => format!("by a mapping that leaves the stage to the path{mode}"),
        How::Mapping { id: Some(id), .. } => format!("by API mapping {id}{mode}"),
        How::Mapping { id: None, .. } => format!("by a base path mapping{mode}"),
        How::Rule { id, priority } => format!("by routing rule {id}, priority {priority}{mode}"),
    }
}

/// A way that leads nowhere, or to another stage than the configuration says.
pub fn findings(url: &str, found: &Found, expected: Option<&Target>, repair: &Repair) -> Vec<Finding> {
    let mapped = match &found.resolution.outcome {
        Ok(mapped) => mapped,
        Err(nothing) => return vec![nowhere(url, nothing, repair)],
    };
    let mut all = Vec::new();
    let wanted = expected.and_then(|target| Some((target, target.stage.as_ref()?)));
    if let Some((target, wanted)) = wanted.filter(|(_, wanted)| **wanted != mapped.stage) {
        let what = format!("{} answers, the configuration expects {wanted} (target {})", mapped.stage, target.label());
        let finding = Finding::new(Code::WrongStage, url, what);
        all.push(remaps(found, mapped, target, repair).into_iter().fold(finding, Finding::fix));
    }
    if found.resolution.is_doubtful() {
        let what = "which stage answers hangs on what AWS does not document";
        all.push(Finding::new(Code::NothingMapped, url, what).level(Level::Note));
    }
    all
}

/// Whether a domain of the configuration leads to its target's stage; `custom` is what AWS knows of it.
pub fn of_domain(text: &str, custom: Option<&CustomDomain>, target: &Target, repair: &Repair) -> Vec<Finding> {
    let (host, path) = text.split_once('/').unwrap_or((text, ""));
    let Some(custom) = custom else { return vec![nowhere(text, &Nothing::UnknownDomain(host.to_owned()), repair)] };
    let request = ClientRequest { host: host.to_owned(), path: format!("/{path}"), headers: Vec::new() };
    let found = Found { resolution: resolve(custom, &request), domain: Some(custom.clone()), stages: None };
    findings(text, &found, Some(target), repair)
}

fn nowhere(url: &str, nothing: &Nothing, repair: &Repair) -> Finding {
    let status = nothing.status().map_or_else(String::new, |status| format!(": clients get {status}"));
    let finding = Finding::new(Code::NothingMapped, url, format!("{nothing}{status}"));
    match nothing {
        Nothing::UnknownDomain(_) => {
            let list = repair.aws("apigateway get-domain-names");
            finding
                .fix(format!("see which there are, a private one is not found by its name: {list}"))
                .fix("or look in another account or region: --profile NAME --region REGION")
        }
        Nothing::UnknownApi(_) => {
            let [rest, http] = ["apigateway get-rest-apis", "apigatewayv2 get-apis"].map(|list| repair.aws(list));
            finding.fix(format!("see which REST APIs there are: {rest}")).fix(format!("or which HTTP APIs: {http}"))
        }
        Nothing::Unmapped(domain) => {
            let list = repair.aws(&format!("apigatewayv2 get-api-mappings --domain-name {domain}"));
            finding.fix(format!("see what is mapped: {list}"))
        }
        Nothing::NoStageInPath { api, .. } | Nothing::NoSuchStage { api, .. } => {
            let list = repair.aws(&format!("apigateway get-stages --rest-api-id {api}"));
            finding.fix(format!("see its stages: {list}"))
        }
        Nothing::UnknownAction(_) | Nothing::UnknownMode(_) => finding,
    }
}

/// The command that leads the URL to the stage that the configuration means.
fn remaps(found: &Found, mapped: &Mapped, target: &Target, repair: &Repair) -> Option<String> {
    let wanted = target.stage.as_ref()?;
    let domain = &found.domain.as_ref()?.domain.name;
    let (api, stage) = (&wanted.api, super::repair::quoted(wanted.stage.as_str()));
    Some(match &mapped.how {
        How::DefaultEndpoint => return None,
        How::Mapping { id: Some(id), .. } => repair.aws(&format!(
            "apigatewayv2 update-api-mapping --domain-name {domain} --api-mapping-id {id} --api-id {api} --stage {stage}"
        )),
        How::Mapping { id: None, .. } => {
            let base = if mapped.base_path.is_empty() { "'(none)'".to_owned() } else { mapped.base_path.clone() };
            let to_api = match mapped.stage.api == *api {
                true => String::new(),
                false => format!(" op=replace,path=/restapiId,value={api}"),
            };
            repair.aws(&format!(
                "apigateway update-base-path-mapping --domain-name {domain} --base-path {base} \
                 --patch-operations op=replace,path=/stage,value={stage}{to_api}"
            ))
        }
        How::Rule { id, .. } => {
            let show = format!("apigatewayv2 get-routing-rule --domain-name {domain} --routing-rule-id {id}");
            format!("change the rule's action: {}", repair.aws(&show))
        }
    })
}

/// An API that does not answer at its default address.
pub fn disabled(api: &ApiFacts, mapped: &Mapped) -> Option<Finding> {
    let what = "the API does not answer at its default endpoint: clients get 403";
    mapped.is_disabled(&api.live).then(|| {
        Finding::new(Code::NothingMapped, &mapped.stage, what)
            .details(["disableExecuteApiEndpoint is set: it is called by its custom domain only".to_owned()])
    })
}
