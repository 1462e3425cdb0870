//! The plan as people read it, over a model of AWS.

use futures_util::FutureExt as _;

use super::{Desk, release};
use crate::report::{Shape, plan_text};

/// The screen of the target `prod`.
fn screen(desk: &Desk, width: usize) -> String {
    let target = release::plannable(&desk.locate("prod")).unwrap();
    let session = desk.session();
    let caller = session.identify(&desk.app).now_or_never().unwrap().unwrap();
    let prepared = release::prepare(&desk.app, &session, &target, caller, release::Wanted::default())
        .now_or_never()
        .unwrap()
        .unwrap();
    plan_text::screen(&prepared.plan, &prepared.caller, width)
}

#[test]
fn the_plan_at_two_widths() {
    let desk = Desk::new(Shape::Human);
    insta::assert_snapshot!("plan_88", screen(&desk, 88));
    let narrow = screen(&desk, 60);
    assert!(narrow.lines().all(|line| line.chars().count() <= 60), "{narrow}");
    insta::assert_snapshot!("plan_60", narrow);
}

#[test]
fn a_stage_that_does_not_call_the_functions_is_not_said_to_reach_them() {
    let desk = Desk::new(Shape::Human);
    let file = desk.folder.path().join("stagegate.toml");
    let clients = |functions: &str| {
        let written = super::CONFIG.replacen("[\"pets\"]", functions, 1);
        std::fs::write(&file, written).unwrap();
        let screen = screen(&desk, 88);
        screen.lines().find(|line| line.starts_with("  clients")).unwrap().to_owned()
    };
    assert_eq!(clients("[\"pets\"]"), "  clients    a1b2c3d4e5/prod → pets:live");
    assert_eq!(clients("[\"food\", \"pets\"]"), "  clients    a1b2c3d4e5/prod → pets:live");
    assert_eq!(clients("[\"food\"]"), "  clients    no route of a1b2c3d4e5/prod calls food:live");
}
