//! Where the two are known to answer differently, and why the World may: the one table.
//!
//! Three more are not in it because they never show. The World runs with `permission_moves_alias_revision`, which is the
//! emulator's answer to something that is unknown of AWS (aws-semantics §15.1). Two are corrected where the emulator is
//! started (`tests/emulator/emulator.py`): it takes a series of metrics for another whose dimensions begin alike, and it
//! answers `/canarySettings/useStageCache` with a text in place of a boolean, which no SDK reads.
//!
//! HTTP APIs are in no sequence: the emulator knows no `UpdateStage`, no `ExportApi` and no paging for them, routes no
//! request to them, and lists no deployment of a stage that deploys by itself.

use serde_json::json;
use stagegate::aws::noun::Patch;
use stagegate::aws::operation::{CreateAlias, GetAlias, GetFunction, UpdateAlias};
use stagegate::aws::{AwsError, Call, Reply, Request};
use stagegate::model::{AliasName, FunctionName, Version};
use stagegate::world::World;

use super::compare::{Answer, Difference};
use super::generate::Seen;
use super::names::Kind;
use super::repair;
use super::sides::Sides;

/// What is known of a step when a difference is judged.
pub struct Context<'a> {
    /// The two sides after the call.
    pub sides: &'a Sides,
    /// The World before the call.
    pub before: &'a World,
    /// What was read before the call.
    pub seen: &'a Seen,
    /// The call, in the World's words.
    pub call: &'a Call,
    /// The World's answer.
    pub world: &'a Answer,
    /// The emulator's answer.
    pub emulator: &'a Answer,
}

impl Context<'_> {
    fn worlds_code(&self) -> &str {
        code(self.world)
    }

    fn emulators_code(&self) -> &str {
        code(self.emulator)
    }

    /// The World's error text.
    fn reason(&self) -> &str {
        match self.world {
            Err(AwsError::Rejected { message, .. }) => message,
            _ => "",
        }
    }

    fn both_fail(&self) -> bool {
        self.world.is_err() && self.emulator.is_err()
    }

    fn only_the_emulator_succeeds(&self) -> bool {
        self.world.is_err() && self.emulator.is_ok()
    }

    /// The revisions of an alias and of its policy before the call.
    fn revisions(&self, function: &FunctionName, alias: &AliasName) -> (Option<String>, Option<String>) {
        self.before.look(|account| {
            let function = account.functions.get(function);
            let entry = function.and_then(|function| function.aliases.get(alias));
            let policy = function.and_then(|function| function.policies.get(alias.as_str()));
            (entry.map(|entry| entry.revision.clone()), policy.map(|policy| policy.revision.clone()))
        })
    }

    /// Whether the emulator, too, has no such version.
    fn is_missing(&self, function: &FunctionName, version: Version) -> bool {
        let read = GetFunction { function: function.clone(), qualifier: Some(version.to_string()) };
        code(&self.sides.ask_emulator(&read.call())) == "ResourceNotFoundException"
    }

    /// The patches of an UpdateStage that replace something: path and value.
    fn replaces(&self, which: impl Fn(&str, &str) -> bool) -> bool {
        let Call::UpdateStage(call) = self.call else { return false };
        call.patches.iter().any(|patch| matches!(patch, Patch::Replace { path, value } if which(path, value)))
    }
}

fn refuses_guard(answer: &Answer) -> bool {
    code(answer) == "PreconditionFailedException"
}

/// Whether a value of the call is outside the model's constraints.
fn breaks_a_constraint(call: &Call) -> bool {
    let too_long = |text: &str| text.chars().count() > 256;
    match call {
        Call::CreateAlias(CreateAlias { routing, .. }) | Call::UpdateAlias(UpdateAlias { routing, .. }) => {
            too_long(&routing.description) || routing.weights.values().any(|share| !(0.0..=1.0).contains(share))
        }
        Call::PublishVersion(call) => too_long(&call.description),
        Call::AddPermission(call) => call.statement.sid.contains(' '),
        _ => false,
    }
}

/// The code of an error, empty for success and for an error without one.
fn code(answer: &Answer) -> &str {
    answer.as_ref().err().and_then(AwsError::code).unwrap_or_default()
}

/// A known deviation.
///
/// When only the World succeeded, it is put back to before the call. When the emulator succeeded, `repair` makes the two
/// equal again; without it a sequence ends where only the emulator succeeded.
pub struct Deviation {
    /// Its name in the test's report.
    pub name: &'static str,
    /// What the emulator answers.
    pub emulator: &'static str,
    /// What AWS does, with the source.
    pub aws: &'static str,
    /// Whether this is it.
    pub applies: fn(&Context<'_>, &Difference) -> bool,
    /// Undoes what the emulator should not have done.
    pub repair: Option<fn(&mut Sides, &Call, &Answer)>,
}

/// Also seen, and undone, where the answers are the same: when an alias of the same name is created.
pub const POLICY_OUTLIVES_ALIAS: &str = "a policy outlives its alias";

/// The table.
pub const DEVIATIONS: &[Deviation] = &[
    Deviation {
        name: "UpdateAlias to a missing version",
        emulator: "success",
        aws: "404 (emulators.md, allowance 3: CreateAlias refuses it; aws-semantics §3.4)",
        applies: |context, _| {
            let Call::UpdateAlias(call) = context.call else { return false };
            call.routing.weights.is_empty()
                && context.reason().starts_with("Function not found")
                && context.only_the_emulator_succeeds()
                && context.is_missing(&call.function, call.routing.version)
        },
        repair: Some(repair::alias),
    },
    Deviation {
        name: "a weight of exactly 1 is refused",
        emulator: "400 ValidationException for 1.0",
        aws: "0.0 to 1.0 is allowed (model); AWS itself sets a weight of 1 (aws-semantics §3.6)",
        applies: |context, _| {
            let routing = match context.call {
                Call::CreateAlias(call) => &call.routing,
                Call::UpdateAlias(call) => &call.routing,
                _ => return false,
            };
            routing.weights.values().any(|share| (share - 1.0).abs() < 1e-9)
                && context.emulators_code() == "ValidationException"
        },
        repair: None,
    },
    Deviation {
        name: "constraints are checked late, lengths not at all",
        emulator: "404, 409 or 412 where the value itself is wrong; descriptions of any length",
        aws: "a value outside the model's constraints is a 400 ValidationException (recorded for weights, aws-semantics \
              §3.4); that it comes before all else: unknown, to verify on a real account",
        applies: |context, _| {
            breaks_a_constraint(context.call)
                && context.worlds_code() == "ValidationException"
                && context.emulators_code() != "ValidationException"
                && (context.both_fail() || !matches!(context.call, Call::AddPermission(_)))
        },
        repair: Some(repair::constraint),
    },
    Deviation {
        name: "of two faults of CreateAlias, the other is named",
        emulator: "404 for the missing version",
        aws: "409 or 404: unknown, to verify on a real account",
        applies: |context, _| {
            matches!(context.call, Call::CreateAlias(_))
                && context.worlds_code() == "ResourceConflictException"
                && context.emulators_code() == "ResourceNotFoundException"
        },
        repair: None,
    },
    Deviation {
        name: "an empty description is a version's own",
        emulator: "the version's description is empty",
        aws: "empty, or the function's: unknown, to verify on a real account",
        applies: |context, found| {
            let empty = matches!(context.call, Call::PublishVersion(call) if call.description.is_empty());
            empty && found.path == "/description" && found.emulator == ""
        },
        repair: Some(repair::description),
    },
    Deviation {
        name: "the policy's revision is the alias's",
        emulator: "GetPolicy shows the alias's revision, which UpdateAlias changes",
        aws: "a policy has a revision of its own (recorded, aws-semantics §3.5)",
        applies: |context, found| {
            let (Call::GetPolicy(call), Ok(Reply::GetPolicy(worlds))) = (context.call, context.world) else {
                return false;
            };
            let read = GetAlias { function: call.function.clone(), alias: call.alias.clone() }.call();
            found.kind == Some(Kind::Policy)
                // The World's revision must still stand for the same statements.
                && context.seen.is_policy(&worlds.revision, &worlds.document)
                && matches!(context.sides.ask_emulator(&read),
                    Ok(Reply::GetAlias(alias)) if found.emulator == alias.revision)
        },
        repair: None,
    },
    Deviation {
        name: "the guard of a policy is the alias's revision",
        emulator: "412 for the policy's revision after the alias was updated; the alias's is accepted",
        aws: "the guard is the policy's revision; the alias's only while there is no policy (recorded, aws-semantics §3.5)",
        applies: |context, _| {
            let (function, alias, guard) = match context.call {
                Call::AddPermission(call) => (&call.function, &call.alias, &call.revision),
                Call::RemovePermission(call) => (&call.function, &call.alias, &call.revision),
                _ => return false,
            };
            let (alias, policy) = context.revisions(function, alias);
            match (refuses_guard(context.world), refuses_guard(context.emulator)) {
                (false, true) => guard.is_some() && *guard == policy,
                (true, false) => policy.is_some() && *guard == alias,
                _ => false,
            }
        },
        repair: Some(repair::permission),
    },
    Deviation {
        name: POLICY_OUTLIVES_ALIAS,
        emulator: "GetPolicy is a 500 when an alias with a policy was deleted; an alias of the same name has it again",
        aws: "404; that the policy goes with its alias: unknown, to verify on a real account",
        applies: |context, _| {
            matches!(context.call, Call::GetPolicy(call) if context.revisions(&call.function, &call.alias).0.is_none())
                && context.worlds_code() == "ResourceNotFoundException"
                && matches!(context.emulator, Err(AwsError::Ambiguous { .. }))
        },
        repair: None,
    },
    Deviation {
        name: "GetDeployment of an unknown id",
        emulator: "500",
        aws: "404 NotFoundException (model)",
        applies: |context, _| {
            matches!(context.call, Call::GetDeployment(_))
                && context.worlds_code() == "NotFoundException"
                && matches!(context.emulator, Err(AwsError::Ambiguous { .. }))
        },
        repair: None,
    },
    Deviation {
        name: "a method without an integration is deployed",
        emulator: "success when another method has one, else code NotFoundException",
        aws: "400 BadRequestException (emulators.md, allowance 7)",
        applies: |context, _| {
            matches!(context.call, Call::CreateDeployment(_)) && context.reason() == "No integration defined for method"
        },
        repair: Some(repair::deployment),
    },
    Deviation {
        name: "stage variables of any name and value",
        emulator: "success",
        aws: "names of [A-Za-z0-9_], values of [A-Za-z0-9-._~:/?#&=,]+ (model, aws-semantics §5)",
        applies: |context, _| {
            context.replaces(|path, value| path.ends_with("-dash") || ["", "$LATEST"].contains(&value))
                && context.reason().starts_with("Invalid stage variable")
                && context.only_the_emulator_succeeds()
        },
        repair: Some(repair::stage),
    },
    Deviation {
        name: "a canary of more than 100 %",
        emulator: "success",
        aws: "0.0 to 100.0 (aws-semantics §6.3)",
        applies: |context, _| {
            context.replaces(|path, value| path == "/canarySettings/percentTraffic" && value == "101")
                && context.reason().starts_with("Invalid canary percentTraffic")
                && context.only_the_emulator_succeeds()
        },
        repair: Some(repair::stage),
    },
    Deviation {
        name: "removing one override of a canary",
        emulator: "400 BadRequestException",
        aws: "used by Terraform (aws-semantics §6.3.9, §6.4)",
        applies: |context, _| {
            let Call::UpdateStage(call) = context.call else { return false };
            let one = "/canarySettings/stageVariableOverrides/";
            let removes = |patch: &Patch| matches!(patch, Patch::Remove { path } if path.starts_with(one));
            call.patches.iter().any(removes) && context.emulators_code() == "BadRequestException"
        },
        repair: None,
    },
    Deviation {
        name: "removing from a stage what is not there",
        emulator: "success",
        aws: "unknown, to verify on a real account; the World is strict",
        applies: |context, _| {
            matches!(context.call, Call::UpdateStage(_))
                && context.reason().starts_with("Cannot remove ")
                && context.reason().ends_with("it does not exist")
                && context.only_the_emulator_succeeds()
        },
        repair: Some(repair::stage),
    },
    Deviation {
        name: "GetExport shows the live API",
        emulator: "the methods of the live API",
        aws: "those of the stage's deployment (model; emulators.md, allowance 10)",
        applies: |context, found| {
            matches!(context.call, Call::GetExport(_)) && context.sides.live_at(&found.path) == found.emulator
        },
        repair: None,
    },
    Deviation {
        name: "GetExport of a stage that does not exist",
        emulator: "success",
        aws: "404 NotFoundException (model)",
        applies: |context, _| {
            matches!(context.call, Call::GetExport(_))
                && context.reason() == "Invalid stage identifier specified"
                && context.only_the_emulator_succeeds()
        },
        repair: Some(repair::nothing),
    },
    Deviation {
        name: "GetExport of an API with an ANY method",
        emulator: "500",
        aws: "the method is there as x-amazon-apigateway-any-method (aws-semantics §6.6: what the stage serves)",
        applies: |context, _| {
            matches!(context.call, Call::GetExport(_))
                && matches!(context.emulator, Err(AwsError::Ambiguous { .. }))
                && context.sides.has_live_method("ANY")
        },
        repair: None,
    },
    Deviation {
        name: "the World has two of the default gateway responses",
        emulator: "all 21",
        aws: "all (model); generated ones change nothing that is compared or served",
        applies: |context, found| {
            let default = found.emulator["defaultResponse"] == json!(true) && found.world.is_null();
            matches!(context.call, Call::GetGatewayResponses(_)) && (default || found.path == "/count")
        },
        repair: None,
    },
    Deviation {
        name: "the World has no default models",
        emulator: "models Empty and Error in a new API",
        aws: "unknown, to verify on a real account",
        applies: |context, found| {
            let default = ["/count", "/items/Empty", "/items/Error"].contains(&found.path.as_str());
            matches!(context.call, Call::GetModels(_)) && default
        },
        repair: None,
    },
    Deviation {
        name: "percentiles of a metric",
        emulator: "500 InternalError",
        aws: "the percentile (aws-semantics §8.3); canaries in the emulator run with max_slow_ratio = \"off\"",
        applies: |context, _| {
            let Call::GetMetricData(call) = context.call else { return false };
            call.queries.iter().any(|query| query.stat.starts_with('p'))
                && matches!(context.emulator, Err(AwsError::Ambiguous { .. }))
                && context.world.is_ok()
        },
        repair: None,
    },
];
