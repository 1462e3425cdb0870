//! `init` over a model of AWS: what it finds, asks nobody, writes and refuses.

use futures_util::FutureExt as _;

use super::super::args::Command;
use super::super::end::End;
use super::super::init::init;
use super::super::target::{Need, locate};
use super::{Desk, live, parse, pets, release};
use crate::aws::noun::{AccessLog, MethodSettings, RoutingMode};
use crate::aws::{Kind, Operation};
use crate::config::{Config, Document, SmokeFiles};
use crate::model::{FunctionName, Target};
use crate::problem::{Code, Exit, Problem};
use crate::report::Shape;
use crate::world::Behaviour;

const STAGE: &str = "a1b2c3d4e5/prod";

fn food() -> FunctionName {
    "food".parse().unwrap()
}

/// A desk without a file; the stage also calls `food`, by the same variable.
fn desk(shape: Shape) -> Desk {
    let desk = Desk::new(shape);
    std::fs::remove_file(desk.folder.path().join("stagegate.toml")).unwrap();
    desk.world.edit(|account| {
        let api = "a1b2c3d4e5".parse().unwrap();
        account.put_route(&api, "GET", "/food", &food(), "${stageVariables.lambdaAlias}").unwrap();
        account.grant(&food(), &live(), &api, &"prod".parse().unwrap()).unwrap();
    });
    desk
}

fn run(desk: &Desk, line: &str) -> Result<End, Problem> {
    let Command::Init(args) = parse(&format!("init {line}")) else { panic!("{line}") };
    let mut located = locate(&desk.app, &args.place, Need::Place, None)?;
    init(&desk.app, &mut located, &desk.session(), &args).now_or_never().expect("nothing waits")
}

fn text(desk: &Desk) -> String {
    std::fs::read_to_string(desk.folder.path().join("stagegate.toml")).unwrap()
}

fn read(text: &str, name: &str) -> Target {
    let config = Config::parse(Document::new("stagegate.toml", text), "/".into()).unwrap();
    config.target(name, SmokeFiles::Leave).unwrap()
}

/// A plan of the target can be made, as `verify` makes it.
fn plannable(desk: &Desk, name: &str) -> Result<(), Problem> {
    let located = desk.locate(name);
    let target = release::plannable(&located)?;
    let session = desk.session();
    let caller = session.identify(&desk.app).now_or_never().unwrap()?;
    let prepared = release::prepare(&desk.app, &session, &target, caller, release::Wanted::default());
    prepared.now_or_never().unwrap().map(|_| ())
}

#[test]
fn a_stage_becomes_a_target_that_can_be_planned_and_nothing_in_aws_changes() {
    let desk = desk(Shape::Human);
    assert_eq!(run(&desk, STAGE).unwrap().exit(), Exit::Done);
    insta::assert_snapshot!("init_stage", format!("{}\n-- stagegate.toml\n{}", desk.out.text(), text(&desk)));
    let narrow = super::at(self::desk(Shape::Human), 60);
    run(&narrow, STAGE).unwrap();
    insta::assert_snapshot!("init_stage_60", narrow.out.text());
    let target = read(&text(&desk), "prod");
    assert_eq!(target.functions, [food(), pets()]);
    assert!(target.protected && target.alias_variable.as_deref() == Some("lambdaAlias"));
    assert!(desk.operations().iter().all(|operation| operation.kind() == Kind::Read));
    plannable(&desk, "prod").unwrap();
    let left: Vec<_> = std::fs::read_dir(desk.folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["stagegate.toml"], "nothing else is left behind");
}

#[test]
fn a_url_names_the_domain_and_settings_that_are_on_are_guarded() {
    let desk = desk(Shape::Human);
    desk.world.edit(|account| {
        let (api, prod) = ("a1b2c3d4e5".parse().unwrap(), "prod".parse().unwrap());
        account.create_domain_name("api.example.com", RoutingMode::ApiMappingOnly, false);
        account.map_base_path("api.example.com", "shop", &api, Some(&prod)).unwrap();
        let stage = account.stage_mut(&api, &prod).unwrap();
        let log =
            AccessLog { destination: Some("arn:aws:logs:us-east-1:123456789012:log-group:x".into()), format: None };
        stage.settings.access_log = Some(log);
        let all = MethodSettings { metrics: true, log_level: Some("ERROR".into()), ..MethodSettings::default() };
        stage.settings.methods.insert(MethodSettings::ALL.into(), all);
        stage.variables.insert("table".into(), "s3cret".into());
    });
    run(&desk, "https://api.example.com/shop/pets --name eu --function pets").unwrap();
    let target = read(&text(&desk), "eu");
    assert_eq!(
        (target.domains.as_slice(), target.functions.as_slice()),
        (&["api.example.com/shop".to_owned()][..], &[pets()][..])
    );
    assert_eq!((target.stage_settings.metrics, target.stage_settings.access_log), (Some(true), Some(true)));
    assert!(!text(&desk).contains("s3cret"), "the value of a stage variable may be a secret");
    assert!(
        desk.out.text().contains("not in this target\n  food: alias live, by stage variable lambdaAlias (GET /food)")
    );
    plannable(&desk, "eu").unwrap();
}

#[test]
fn a_second_target_is_added_and_the_rest_stays_as_it_was() {
    let desk = Desk::new(Shape::Human);
    let old = "# mine\r\nschema = 1\r\n[target.prod]   # ü\r\nfunctions = [ \"pets\" ]\r\nalias = \"live\"";
    std::fs::write(desk.folder.path().join("stagegate.toml"), old).unwrap();
    run(&desk, "pets:beta").unwrap();
    assert!(text(&desk).starts_with(old), "{}", text(&desk));
    assert!(desk.out.text().contains("✔ extended  stagegate.toml, target beta"), "{}", desk.out.text());
    assert!(desk.out.text().contains("beta does not exist yet: the first promote creates it"), "{}", desk.out.text());
    assert_eq!((read(&text(&desk), "beta").stage, read(&text(&desk), "prod").alias), (None, live()));
    plannable(&desk, "beta").unwrap();
}

#[test]
fn what_somebody_wrote_is_replaced_only_when_that_is_asked_for() {
    let desk = Desk::new(Shape::Human);
    let before = text(&desk);
    let refused = run(&desk, STAGE).unwrap_err();
    assert_eq!((refused.code, refused.exit), (Code::AlreadySetUp, Exit::Usage));
    insta::assert_snapshot!("init_refused", refused.render(88));
    assert_eq!(text(&desk), before);
    std::fs::write(desk.folder.path().join("stagegate.toml"), "schema = 1\nnonsense = 2\n").unwrap();
    assert_eq!(run(&desk, STAGE).unwrap_err().code, Code::UnknownKey);
    assert_eq!(text(&desk), "schema = 1\nnonsense = 2\n");
    run(&desk, &format!("{STAGE} --force")).unwrap();
    assert_eq!(read(&text(&desk), "prod").functions, [pets()]);
    std::fs::write(
        desk.folder.path().join("stagegate.toml"),
        "schema = 1\ntarget = { one = { functions = [\"f\"], alias = \"a\" } }\n",
    )
    .unwrap();
    let closed = run(&desk, STAGE).unwrap_err();
    assert!(closed.render(200).contains("--print"), "{}", closed.render(200));
}

#[test]
fn force_replaces_one_target_and_never_another() {
    let desk = Desk::new(Shape::Human);
    let file = desk.folder.path().join("stagegate.toml");
    let staging = "# mine\n[target.staging]\nfunctions = [\"pets\"]\nalias = \"beta\"\n";
    std::fs::write(
        &file,
        format!("schema = 1\n\n[target.prod]\nfunctions = [\"gone\"]\nalias = \"live\"\n\n{staging}"),
    )
    .unwrap();
    run(&desk, &format!("{STAGE} --force")).unwrap();
    assert!(text(&desk).starts_with(&format!("schema = 1\n\n{staging}")), "{}", text(&desk));
    assert_eq!(
        (read(&text(&desk), "prod").functions, read(&text(&desk), "staging").alias.as_str()),
        (vec![pets()], "beta")
    );
    let before = text(&desk);
    run(&desk, &format!("{STAGE} --name third --force")).unwrap();
    assert!(text(&desk).starts_with(&before), "a name that is free is added: {}", text(&desk));
    let inline = "schema = 1\ntarget = { prod = { functions = [\"f\"], alias = \"a\" } }\n";
    std::fs::write(&file, inline).unwrap();
    let refused = run(&desk, &format!("{STAGE} --force")).unwrap_err();
    assert_eq!((refused.code, text(&desk).as_str()), (Code::AlreadySetUp, inline));
}

#[test]
fn printing_writes_no_file_and_gives_programs_the_text_alone() {
    let desk = desk(Shape::Human);
    run(&desk, &format!("{STAGE} --print")).unwrap();
    assert_eq!(read(&desk.out.text(), "prod").functions.len(), 2);
    assert!(desk.err.text().contains("only shown"), "{}", desk.err.text());
    assert!(!desk.folder.path().join("stagegate.toml").exists());

    let desk = self::desk(Shape::Document);
    run(&desk, STAGE).unwrap();
    let document: serde_json::Value = serde_json::from_str(&desk.out.text()).unwrap();
    assert_eq!((&document["target"], &document["written"]), (&"prod".into(), &"written".into()));
    assert_eq!(document["functions"][1]["serving"]["shares"]["v1"], 100.0);
    assert_eq!(document["text"], text(&desk));
    assert!(document["problem"].is_null(), "{document:#}");
}

#[test]
fn functions_that_are_called_without_an_alias_come_with_the_edits() {
    let desk = desk(Shape::Human);
    desk.world.edit(|account| {
        let api = "a1b2c3d4e5".parse().unwrap();
        for (method, path) in [("GET", "/pets"), ("POST", "/pets"), ("GET", "/food")] {
            account.put_route(&api, method, path, &pets(), "").unwrap();
        }
    });
    run(&desk, STAGE).unwrap();
    insta::assert_snapshot!("init_latest", format!("{}{}", desk.out.text(), desk.err.text()));
    let target = read(&text(&desk), "prod");
    assert_eq!((target.alias.as_str(), target.alias_variable.as_deref()), ("live", Some("lambdaAlias")));
    assert_eq!(plannable(&desk, "prod").unwrap_err().code, Code::UnqualifiedIntegration);
}

#[test]
fn an_alias_that_is_split_or_missing_is_told() {
    let desk = desk(Shape::Human);
    desk.world.edit(|account| {
        account.put_alias(&pets(), &live(), 1, &[(2, 0.1)]).unwrap();
        account.create_function(&"new".parse().unwrap(), "one", Behaviour::default());
        let api = "a1b2c3d4e5".parse().unwrap();
        account.put_route(&api, "GET", "/new", &"new".parse().unwrap(), "${stageVariables.lambdaAlias}").unwrap();
    });
    run(&desk, STAGE).unwrap();
    let said = desk.out.text();
    assert!(said.contains("pets  live → v1 90 %, v2 10 %: split already"), "{said}");
    assert!(said.contains("new   live does not exist yet"), "{said}");
    assert!(desk.err.text().contains("warning[SG-A03]"), "{}", desk.err.text());
}

#[test]
fn what_cannot_be_set_up_says_why() {
    let desk = desk(Shape::Human);
    let mut shown = String::new();
    for line in [
        "a1b2c3d4e5/nowhere",
        "gone:live",
        "https://www.example.com/x",
        "a1b2c3d4e5/prod --function fod",
        "a1b2c3d4e5/prod --name my.target",
        "pets:live --alias other",
    ] {
        let problem = run(&desk, line).unwrap_err();
        shown.push_str(&format!("$ stagegate init {line}\n{}\n", problem.render(88)));
    }
    desk.world.edit(|account| {
        account.edit_api(&"a1b2c3d4e5".parse().unwrap(), |api| api.resources.clear()).unwrap();
    });
    shown.push_str(&run(&desk, STAGE).unwrap_err().render(88));
    insta::assert_snapshot!("init_errors", shown);
    assert!(desk.operations().iter().all(|operation| *operation != Operation::UpdateAlias));
    assert!(!desk.folder.path().join("stagegate.toml").exists());
}
