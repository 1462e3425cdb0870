//! What releases and repairs.

use super::place::{
    baking_by_alias, baking_by_stage, by_alias, by_stage, first_http, first_midway, first_rest, granted_midway, http,
    http_baking, http_by_alias, moved_by_hand, owned, released_http, released_rest, rest, split_alias, split_stage,
    two, undeployed, unpermitted,
};
use super::*;

const CASES: &[Case] = &[
    case(rest, "promote prod --yes", Exit::Done),
    case(http, "promote prod --yes", Exit::Done),
    case(first_rest, "promote prod --yes", Exit::Done),
    case(first_http, "promote prod --yes", Exit::Done),
    case(two, "promote prod --yes", Exit::Done),
    case(owned, "promote prod --yes", Exit::Done),
    case(by_alias, "promote prod --yes", Exit::Done),
    case(by_stage, "promote prod --yes", Exit::Done),
    case(http_by_alias, "promote prod --yes", Exit::Done),
    case(rest, "plan prod", Exit::Done),
    case(rest, "verify prod", Exit::Done),
    case(baking_by_alias, "resume prod", Exit::Done),
    case(baking_by_alias, "resume prod --once --if-in-flight", Exit::InFlight),
    case(baking_by_stage, "resume prod --finish", Exit::Done),
    case(http_baking, "resume prod", Exit::Done),
    case(baking_by_alias, "resume prod --undo", Exit::Done),
    case(baking_by_stage, "settle prod", Exit::Done),
    case(baking_by_alias, "rollback prod --yes", Exit::Done),
    case(released_rest, "rollback https://api.example.com/shop/pets --yes", Exit::Done),
    case(split_alias, "canary clear pets:live --yes", Exit::Done),
    case(split_alias, "canary set pets:live 10% --yes", Exit::Done),
    case(split_alias, "canary promote pets:live --yes", Exit::Done),
    case(split_stage, "canary clear a1b2c3d4e5/prod --yes", Exit::Done),
    case(split_stage, "canary set a1b2c3d4e5/prod 10% --yes", Exit::Done),
    case(split_stage, "canary promote a1b2c3d4e5/prod --yes", Exit::Done),
    case(undeployed, "redeploy prod --yes", Exit::Done),
    case(released_http, "redeploy prod --force --yes", Exit::Done),
    case(unpermitted, "permission grant prod --yes", Exit::Done),
    case(unpermitted, "permission prune prod --foreign --yes", Exit::Done),
    case(baking_by_alias, "unlock prod RUN", Exit::Conflict),
    case(first_midway, "resume prod --undo", Exit::Done),
    case(granted_midway, "resume prod --undo", Exit::Done),
    case(moved_by_hand, "rollback pets:live --search-history --yes", Exit::Done),
];

const PROOF: Proof = Proof {
    purpose: Purpose::Promote,
    cases: CASES,
    idle: &[(
        "apigateway:PATCH",
        "/restapis/a1b2c3d4e5/deployments/*",
        "moving a stage's pointer touches the deployment (aws-semantics §11)",
    )],
    refused: &[(
        "verify prod",
        "iam:Simulate",
        "whoever wants to know it lets the role ask; without it verify says that it could not",
    )],
};

#[test]
fn whoever_releases_is_allowed_that_and_nothing_else() {
    PROOF.check();
}
