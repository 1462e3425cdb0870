//! Texts of people that look like commands of the runner, ends of its files, or markup.

use serde_json::json;

use super::gate::SMOKE;
use super::site::{PROMOTE, Place, Site};
use crate::emulator::canary::split::wait_for;
use crate::emulator::shop::{ALIAS, FUNCTION};
use crate::github::markdown::gfm;
use crate::github::runner::Ended;
use crate::support::emulator::Emulator;

/// In one line: both forms of a command, escapes, markup.
const LINE: &str =
    "::set-output name=x::y ##[add-mask]prod ##[set-output name=x]y %0A::error::z `b` | c </details> <!--";
/// In several, ended in each way that the runner knows.
const LINES: &str = "a\n::set-output name=x::y\n::error::z\r::warning::w\r\n  ::notice::v\n::stop-commands::s\n::add-mask::prod\n##[add-mask]pets\nEOF\nghadelimiter\n";

/// Asserts that nothing of them was understood.
#[track_caller]
fn harmless(ended: &Ended) {
    ended.is_clean();
    assert!(!ended.commands.iter().any(|command| command.name == "add-mask"), "{}", ended.all());
    let meant = |name: &str| !["x", "y"].contains(&name);
    assert!(ended.told.values().flatten().all(|(name, _)| meant(name)), "{}", ended.all());
    for command in &ended.commands {
        assert!(!["z", "w", "v"].contains(&command.data.as_str()), "{command:?}: {}", ended.all());
    }
    for html in gfm(&[&ended.summary]).into_iter().flatten() {
        assert!(!html.contains("<!--"), "a comment hides what follows: {html}\n{}", ended.all());
        let (open, close) = (html.matches("<details>").count(), html.matches("</details>").count());
        assert_eq!(open, close, "{html}\n{}", ended.all());
    }
}

/// In the descriptions of function and alias, in the description of the version, and in a reason.
pub fn texts_of_a_release(emulator: &'static Emulator) {
    let site = Site::new(emulator, "injection, release", &["50% 2s"], "");
    let site = site.configured(|config| {
        config.replacen("alias = ", &format!("publish.description = {}\nalias = ", json!(LINE)), 1)
    });
    let account = &site.scene.shop.account;
    let function = json!({"FunctionName": FUNCTION, "Description": LINES});
    account.must("lambda", "update_function_configuration", function);
    account.must("lambda", "wait:function_updated_v2", json!({"FunctionName": FUNCTION}));
    let alias = site.scene.shop.alias();
    let record = alias["Description"].as_str().unwrap_or_default().to_owned();
    let described = json!({"FunctionName": FUNCTION, "Name": ALIAS, "Description": format!("a\n::error::z {record}")});
    account.must("lambda", "update_alias", described);

    let reason = format!("--override-gate={LINE}");
    let planned =
        site.runner().run(&site.action, &[("command", "plan"), ("target", "prod"), ("args", &reason)]).exits(0);
    harmless(&planned);
    let done = site.runner().run(&site.action, &[PROMOTE.as_slice(), &[("args", &reason)]].concat());
    let done = done.exits(0).says("result", "promoted");
    harmless(&done);
    let seen = site.runner().run(&site.action, &[("command", "status"), ("target", "prod")]).exits(0);
    harmless(&seen);
}

/// In what a broken version answers, and in the name of an alarm.
pub fn texts_of_a_failure(emulator: &'static Emulator) {
    let name = "::set-output name=x::y ##[add-mask]prod `b` | c <!--";
    let gate = format!("alarms = [{}]\non_alarm = \"rollback\"", json!(name));
    let site = Site::new(emulator, "injection, failure", &["50% 2m"], &gate);
    let account = &site.scene.shop.account;
    account.create_alarm(name);
    let job = site.runner().start(&site.action, &PROMOTE);
    wait_for(&site.scene.shop, "2", 0.5);
    account.set_alarm(name, "ALARM", "complaints");
    let ended = job.end().exits(5).says("result", "rolled-back").shows(Place::Error, "SG-Q01");
    harmless(&ended);

    let site = site.configured(|config| format!("{config}{SMOKE}"));
    let text = json!(LINES);
    let handler = format!("def handle(event, context):\n    print({text})\n    raise Exception({text})\n");
    site.scene.shop.account.update_code(FUNCTION, &handler);
    let ended = site.runner().file("event.json", "{}").run(&site.action, &PROMOTE).exits(5);
    harmless(&ended);
}

/// In a configuration file that is refused for them.
pub fn texts_of_a_configuration(emulator: &'static Emulator) {
    let site = Site::new(emulator, "injection, configuration", &["50% 10m"], "");
    let before = site.scene.shop.dump();
    for text in [LINE, LINES] {
        let key = site.runner().file("stagegate.toml", &format!("schema = 1\n[target.prod]\n{} = 1\n", json!(text)));
        let ended = key.run(&site.action, &PROMOTE).exits(2).says("result", "failed").says("exit-code", "2");
        harmless(&ended);
        let value = format!("schema = 1\n[target.prod]\nfunctions = [{}]\nalias = \"live\"\n", json!(text));
        let ended = site.runner().file("stagegate.toml", &value).run(&site.action, &PROMOTE).exits(2);
        harmless(&ended);
        let target = [("command", "promote"), ("target", text), ("args", text)];
        harmless(&site.runner().run(&site.action, &target).exits(2));
    }
    assert_eq!(site.scene.shop.dump(), before);
}
