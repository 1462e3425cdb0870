//! What cleans up.

use super::place::{old_http, old_rest};
use super::*;

const CASES: &[Case] = &[
    case(old_rest, "gc prod", Exit::Done),
    case(old_rest, "gc prod --keep 1 --yes", Exit::Done),
    case(old_http, "gc prod --keep 1 --yes", Exit::Done),
    case(old_rest, "gc https://api.example.com/shop/pets --keep 1", Exit::Done),
    case(old_rest, "gc https://edge.example.com/shop/pets --keep 1", Exit::Done),
];

const PROOF: Proof = Proof { purpose: Purpose::Gc, cases: CASES, idle: &[], refused: &[] };

#[test]
fn whoever_cleans_up_is_allowed_that_and_nothing_else() {
    PROOF.check();
}
