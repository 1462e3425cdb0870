//! `verify` over a model of AWS.

use futures_util::FutureExt as _;

use super::super::end::End;
use super::super::target::locate;
use super::super::verify::{Checks, conclude, look};
use super::{Desk, Need, at, live, pets, release};
use crate::aws::noun::{State, UpdateStatus};
use crate::aws::{Kind, Operation};
use crate::cli::args::Reading;
use crate::problem::Exit;
use crate::report::{Loudness, Reporter, Shape};
use crate::world::{Behaviour, Fault};

/// Verifies these targets of the file, as `run` does over a connection.
fn verify(desk: &Desk, names: &[&str]) -> End {
    let all: Vec<Checks> = names
        .iter()
        .map(|name| {
            let mut checks = Checks::of(name);
            let located = locate(&desk.app, name, Need::Release, None).unwrap();
            let target = release::plannable(&located).unwrap();
            let session = desk.session();
            let reading = Reading::default();
            let looked = look(&desk.app, &located, &session, &target, &reading, &mut checks);
            looked.now_or_never().expect("nothing waits");
            checks
        })
        .collect();
    conclude(&desk.app, &all)
}

#[test]
fn the_screen_of_targets_that_are_in_order_and_of_one_that_is_not() {
    for width in [88, 60] {
        let desk = at(Desk::new(Shape::Human), width);
        assert_eq!(verify(&desk, &["prod", "both"]).exit(), Exit::Done, "{}", desk.err.text());
        assert!(desk.operations().iter().all(|operation| operation.kind() == Kind::Read));
        insta::assert_snapshot!(format!("verify_ok_{width}"), desk.out.text());

        let desk = at(Desk::new(Shape::Human), width);
        desk.world.edit(|account| {
            account.put_alias(&pets(), &live(), 1, &[(2, 0.1)]).unwrap();
            let food = "food".parse().unwrap();
            account.function_mut(&food).unwrap().latest.function.last_update = Some(UpdateStatus::InProgress);
        });
        assert_eq!(verify(&desk, &["prod", "both"]).exit(), Exit::Conflict);
        insta::assert_snapshot!(format!("verify_failed_{width}"), format!("{}{}", desk.out.text(), desk.err.text()));
    }
}

#[test]
fn a_function_that_cannot_be_published_is_said_at_once_and_not_waited_for() {
    for (state, update) in [(State::Failed, UpdateStatus::Successful), (State::Active, UpdateStatus::InProgress)] {
        let desk = Desk::new(Shape::Human);
        desk.world.edit(|account| {
            let latest = &mut account.function_mut(&pets()).unwrap().latest.function;
            (latest.state, latest.last_update) = (Some(state), Some(update));
        });
        assert_eq!(verify(&desk, &["prod"]).exit(), Exit::Failed);
        assert!(!desk.operations().contains(&Operation::ListVersionsByFunction), "no plan is made");
    }
}

#[test]
fn what_iam_would_deny_fails_and_what_cannot_be_simulated_does_not() {
    let desk = Desk::new(Shape::Human);
    desk.world.edit(|account| account.settings.simulated_denials.insert("lambda:UpdateAlias".into()));
    assert_eq!(verify(&desk, &["prod"]).exit(), Exit::Access);
    let said = desk.err.text();
    assert!(said.contains("lambda:UpdateAlias on arn:aws:lambda:us-east-1:123456789012:function:pets"), "{said}");
    assert!(said.contains("stagegate iam-policy promote --target prod"), "{said}");

    let desk = Desk::new(Shape::Human);
    desk.world.edit(|account| account.settings.simulated_denials.insert("codedeploy:ListDeployments".into()));
    assert_eq!(verify(&desk, &["prod"]).exit(), Exit::Done, "{}", desk.err.text());
    assert!(desk.out.text().contains("! note    permissions"), "{}", desk.out.text());

    let arn = "arn:aws:lambda:us-east-1:123456789012:function:pets";
    for (denied, exit, said) in [
        (format!("lambda:GetFunction {arn}:live"), Exit::Access, "lambda:GetFunction on arn"),
        (format!("lambda:UpdateAlias {arn}"), Exit::Access, "lambda:UpdateAlias on arn"),
        // Nobody asks about it: aliases are moved by what is allowed on the function.
        (format!("lambda:UpdateAlias {arn}:live"), Exit::Done, "all that promote needs is allowed"),
        (format!("lambda:AddPermission {arn}:live"), Exit::Access, "lambda:AddPermission on arn"),
        (format!("lambda:AddPermission {arn}:live-canary"), Exit::Done, "which only the canary of a stage needs"),
        (format!("lambda:ListTags {arn}"), Exit::Done, "lambda:ListTags, which no release depends on"),
    ] {
        let desk = at(Desk::new(Shape::Human), 200);
        desk.world.edit(|account| account.settings.simulated_denials.insert(denied.clone()));
        assert_eq!(verify(&desk, &["prod"]).exit(), exit, "{denied}");
        let shown = desk.out.text() + &desk.err.text();
        assert!(shown.contains(said), "{denied}: {shown}");
    }

    let desk = Desk::new(Shape::Human);
    verify(&desk, &["prod"]);
    let asked = desk.operations().iter().position(|one| *one == Operation::SimulatePrincipalPolicy).unwrap();
    let desk = Desk::new(Shape::Human);
    desk.world.inject(asked, Fault::denied());
    assert_eq!(verify(&desk, &["prod"]).exit(), Exit::Done, "{}", desk.err.text());
    assert!(desk.out.text().contains("could not be simulated"), "{}", desk.out.text());
}

#[test]
fn credentials_that_end_too_early_are_said_before_a_release_is_refused_for_them() {
    let desk = Desk::new(Shape::Human);
    let mut session = desk.session();
    session.expires = Some("2026-11-21T14:00:05Z".parse().unwrap());
    let mut checks = Checks::of("prod");
    let located = desk.locate("prod");
    let target = release::plannable(&located).unwrap();
    look(&desk.app, &located, &session, &target, &Reading::default(), &mut checks).now_or_never().unwrap();
    assert_eq!(checks.exit(), Exit::Access);
    session.renewable = true;
    let mut checks = Checks::of("prod");
    look(&desk.app, &located, &session, &target, &Reading::default(), &mut checks).now_or_never().unwrap();
    assert_eq!(checks.exit(), Exit::Done);
}

#[test]
fn of_many_functions_only_those_are_listed_that_something_is_to_be_said_about() {
    let desk = Desk::new(Shape::Document);
    let names: Vec<String> = (0..40).map(|n| format!("shop-{n:02}")).collect();
    desk.world.edit(|account| {
        for name in &names {
            let function = name.parse().unwrap();
            account.create_function(&function, "one", Behaviour::default());
            account.publish(&function, "first").unwrap();
            account.update_code(&function, "two", Behaviour::default(), std::time::Duration::ZERO).unwrap();
            if name != "shop-07" {
                account.put_alias(&function, &live(), 1, &[]).unwrap();
            }
        }
    });
    let list = names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let text = format!("schema = 1\n[target.shop]\nfunctions = [{list}]\nalias = \"live\"\n");
    std::fs::write(desk.folder.path().join("stagegate.toml"), text).unwrap();
    assert_eq!(verify(&desk, &["shop"]).exit(), Exit::Done, "{}", desk.out.text());
    let document: serde_json::Value = serde_json::from_str(&desk.out.text()).unwrap();
    assert_eq!((&document["schema"], &document["ok"]), (&"stagegate.verify/1.0".into(), &true.into()));
    let checks = document["targets"][0]["checks"].as_array().unwrap();
    let about: Vec<&str> =
        checks.iter().map(|check| check["what"].as_str().unwrap()).filter(|w| w.contains("shop-")).collect();
    assert_eq!(about, ["function shop-07", "alias shop-07:live"]);
    assert!(
        checks.iter().any(|check| check["found"].as_str().unwrap().starts_with("39 can be published")),
        "{document:#}"
    );
}

#[test]
fn an_alias_variable_that_no_integration_uses_is_told() {
    let desk = Desk::new(Shape::Human);
    let file = desk.folder.path().join("stagegate.toml");
    let written = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, written.replace("\"lambdaAlias\"", "\"lambdaAlais\"")).unwrap();
    assert_eq!(verify(&desk, &["prod"]).exit(), Exit::Done);
    let said = desk.out.text().split_whitespace().collect::<Vec<_>>().join(" ");
    let told = "SG-G13: no integration of a1b2c3d4e5/prod takes the alias from lambdaAlais, the alias_variable of prod; \
                they use lambdaAlias";
    assert!(said.contains(told), "{said}");
}

#[test]
fn what_mends_a_fault_repeats_the_flags_for_programs_too() {
    let mut desk = Desk::new(Shape::Document);
    let (out, err) = (Box::new(desk.out.clone()), Box::new(desk.err.clone()));
    let flags = vec!["--profile shop".to_owned()];
    desk.app.reporter =
        Reporter::to(desk.app.reporter.term, Shape::Document, Loudness::Normal, out, err).repeating(flags);
    desk.world.edit(|account| account.put_alias(&pets(), &live(), 1, &[(2, 0.1)]).unwrap());
    assert_eq!(verify(&desk, &["prod"]).exit(), Exit::Conflict);
    let document: serde_json::Value = serde_json::from_str(&desk.out.text()).unwrap();
    let checks = document["targets"][0]["checks"].as_array().unwrap();
    let fixes: Vec<&str> = checks
        .iter()
        .flat_map(|check| check["problem"]["fix"].as_array())
        .flatten()
        .filter_map(|f| f.as_str())
        .collect();
    let ours: Vec<&&str> = fixes.iter().filter(|fix| fix.contains("stagegate ")).collect();
    assert!(!ours.is_empty() && ours.iter().all(|fix| fix.contains("--profile shop")), "{fixes:?}");
}
