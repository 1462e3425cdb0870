//! What looks.

use super::place::{
    baking_by_alias, baking_by_stage, by_alias, by_stage, http, http_baking, logged, owned, released_http,
    released_rest, rest, two,
};
use super::*;

const CASES: &[Case] = &[
    case(rest, "plan prod", Exit::Done),
    case(http, "plan prod", Exit::Done),
    case(two, "plan prod", Exit::Done),
    case(rest, "status prod", Exit::Done),
    case(released_http, "status prod", Exit::Done),
    case(baking_by_alias, "status prod", Exit::Done),
    case(baking_by_stage, "status prod", Exit::Done),
    case(released_rest, "status https://api.example.com/shop/pets", Exit::Done),
    case(released_rest, "status https://edge.example.com/shop/pets", Exit::Done),
    case(released_rest, "status prod --wait", Exit::Done),
    case(released_rest, "history prod", Exit::Done),
    case(released_rest, "versions pets", Exit::Done),
    case(released_rest, "diff pets:1 pets:live", Exit::Done),
    case(rest, "diff prod prod", Exit::Done),
    case(released_rest, "doctor https://api.example.com/shop/pets", Exit::Done),
    case(released_http, "doctor https://api.example.com/shop/pets --retest", Exit::Done),
    case(released_rest, "drift prod", Exit::Done),
    case(http, "drift prod", Exit::Findings),
    case(rest, "permission list prod", Exit::Done),
    case(http, "permission list prod", Exit::Done),
    case(rest, "init a1b2c3d4e5/prod --print", Exit::Done),
    case(rest, "verify prod", Exit::Done),
    case(http_baking, "status prod", Exit::Done),
    case(by_alias, "plan prod", Exit::Done),
    case(by_stage, "plan prod", Exit::Done),
    case(owned, "plan prod", Exit::Done),
    case(logged, "logs prod", Exit::Done),
];

const PROOF: Proof = Proof {
    purpose: Purpose::Read,
    cases: CASES,
    idle: &[],
    refused: &[(
        "verify prod",
        "iam:Simulate",
        "whoever wants to know it lets the role ask; without it verify says that it could not",
    )],
};

#[test]
fn whoever_looks_is_allowed_that_and_nothing_else() {
    PROOF.check();
}
