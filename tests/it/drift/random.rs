//! Random APIs, random edits and their inverses, written down anew each time: there is drift exactly when the meaning
//! differs, and then a redeploy ends it.

use proptest::prelude::*;
use stagegate::model::RunId;
use stagegate::world::{Request, World};

use super::shop::{By, api, lines, look, marker, prod, serving};
use super::spec::{Edit, Spec, Spelling, edits, spec};

/// What clients get from the stage, route by route.
fn served(world: &World) -> Vec<String> {
    let requests = (0..5).flat_map(|path| ["GET", "POST", "DELETE"].map(|method| (path, method)));
    let request = |(path, method): (u8, &str)| Request {
        api: api(),
        stage: prod(),
        method: method.into(),
        path: format!("/p{path}"),
    };
    requests.map(|one| format!("{:?}", world.serve(&request(one)))).collect()
}

/// As stagegate redeploys.
fn redeploy(world: &World, definition: &stagegate::world::apigateway::Definition) {
    let description = marker(&RunId::new(3, 4), definition);
    world.edit(|account| {
        let deployment = account.deploy(&api(), &description).unwrap();
        account.stage_mut(&api(), &prod()).unwrap().deployment = deployment;
    });
}

/// The edits one by one; after each, what it means now.
fn history(first: &Spec, edits: &[Edit]) -> Vec<Spec> {
    let mut undo = vec![first.clone()];
    let mut all = Vec::new();
    for edit in edits {
        let mut now = undo.last().unwrap().clone();
        match edit {
            Edit::Change(what, place, value) => {
                now.change(*what, *place, *value);
                undo.push(now);
            }
            Edit::Inverse if undo.len() > 1 => drop(undo.pop()),
            Edit::Inverse => {}
        }
        all.push(undo.last().unwrap().clone());
    }
    all
}

fn edited(world: &World, spec: &Spec, spelling: &mut Spelling) -> stagegate::world::apigateway::Definition {
    let definition = spelling.write(spec);
    world.edit(|account| account.edit_api(&api(), |live| *live = definition.clone())).unwrap();
    definition
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_stagegate_deployed_drifts_exactly_when_a_redeploy_would_change_something(
        first in spec(), edits in edits(), seed in any::<u64>(),
    ) {
        let mut spelling = Spelling::new(seed);
        let world = serving(spelling.write(&first), By::Stagegate);
        let mut deployed = first.clone();
        for (step, now) in history(&first, &edits).into_iter().enumerate() {
            let definition = edited(&world, &now, &mut spelling);
            let drift = look(&world);
            prop_assert_eq!(drift.is_empty(), now == deployed, "step {}: {:?}", step, lines(&drift));
            prop_assert!(drift.unseen.is_empty());
            if step % 3 == 2 {
                let before = served(&world);
                redeploy(&world, &definition);
                prop_assert!(now != deployed || served(&world) == before, "step {}", step);
                deployed = now;
                let after = look(&world);
                prop_assert!(after.is_empty(), "step {}: {:?}", step, lines(&after));
            }
        }
    }

    #[test]
    fn what_others_deployed_drifts_exactly_when_what_an_export_shows_differs(
        first in spec(), edits in edits(), seed in any::<u64>(),
    ) {
        let mut spelling = Spelling::new(seed);
        let world = serving(spelling.write(&first), By::Others);
        for (step, now) in history(&first, &edits).into_iter().enumerate() {
            edited(&world, &now, &mut spelling);
            let drift = look(&world);
            let same = now.visible() == first.visible();
            prop_assert_eq!(drift.is_empty(), same, "step {}: {:?}", step, lines(&drift));
            prop_assert!(!drift.unseen.is_empty());
        }
    }
}
