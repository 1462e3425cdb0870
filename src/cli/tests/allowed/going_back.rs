//! What goes back, and what holds.

use super::place::{
    baking_by_alias, baking_by_stage, first_midway, granted_midway, http_baking, moved_by_hand, released_http,
    released_rest, two_released,
};
use super::*;

const CASES: &[Case] = &[
    case(released_rest, "rollback prod --yes", Exit::Done),
    case(released_http, "rollback prod --yes", Exit::Done),
    case(two_released, "rollback prod --yes", Exit::Done),
    case(released_rest, "rollback pets:live --yes", Exit::Done),
    case(released_rest, "rollback a1b2c3d4e5/prod --yes", Exit::Done),
    case(released_rest, "rollback prod --alias-only --yes", Exit::Done),
    case(released_rest, "rollback prod --stage-only --yes", Exit::Done),
    case(released_rest, "rollback pets:live --to 2 --yes", Exit::Done),
    case(released_rest, "rollback https://api.example.com/shop/pets --yes", Exit::Done),
    case(released_rest, "rollback https://edge.example.com/shop/pets --yes", Exit::Done),
    case(released_http, "rollback https://api.example.com/shop/pets --yes", Exit::Done),
    case(moved_by_hand, "rollback pets:live --search-history --yes", Exit::Done),
    case(moved_by_hand, "rollback pets:live --yes", Exit::Usage),
    case(baking_by_alias, "rollback prod --yes", Exit::Done),
    case(baking_by_stage, "rollback prod --yes", Exit::Done),
    case(http_baking, "rollback prod --yes", Exit::Done),
    case(baking_by_alias, "pause prod", Exit::Done),
    case(baking_by_stage, "pause prod", Exit::Done),
    case(baking_by_alias, "settle prod --run RUN", Exit::Done),
    case(baking_by_stage, "settle prod", Exit::Done),
    case(http_baking, "settle prod", Exit::Done),
    case(baking_by_alias, "settle prod --on-interrupt hold", Exit::Done),
    case(baking_by_alias, "resume prod --undo", Exit::Done),
    case(baking_by_stage, "resume prod --undo", Exit::Done),
    case(released_rest, "status prod", Exit::Done),
    case(released_rest, "history prod", Exit::Done),
    case(first_midway, "resume prod --undo", Exit::Done),
    case(first_midway, "settle prod", Exit::Done),
    case(granted_midway, "resume prod --undo", Exit::Done),
    case(granted_midway, "rollback prod --yes", Exit::Done),
    case(baking_by_alias, "unlock prod RUN", Exit::Conflict),
];

const PROOF: Proof = Proof {
    purpose: Purpose::Rollback,
    cases: CASES,
    idle: &[(
        "apigateway:PATCH",
        "/restapis/a1b2c3d4e5/deployments/*",
        "moving a stage's pointer touches the deployment (aws-semantics §11)",
    )],
    refused: &[],
};

#[test]
fn whoever_goes_back_is_allowed_that_and_nothing_else() {
    PROOF.check();
}
