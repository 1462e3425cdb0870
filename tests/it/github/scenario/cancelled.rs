//! Jobs that somebody cancels.

use rustix::process::Signal;

use super::site::{PROMOTE, Site};
use crate::emulator::canary::split::{Split, wait_for};
use crate::emulator::proxy::{Fate, Proxy};
use crate::emulator::shop::TARGET;
use crate::github::runner::{Conclusion, Ended};
use crate::support::emulator::Emulator;

const BAKES: [&str; 1] = ["50% 10m"];

/// Asserts that SIGINT was enough, and that nobody called the step that ran a success.
#[track_caller]
fn heard(ended: &Ended) {
    assert_eq!(ended.step("run").signals, [Signal::INT], "in the time that the runner gives: {}", ended.all());
    assert_eq!(ended.step("run").conclusion, Conclusion::Cancelled, "{}", ended.all());
    let settle = ended.steps.last().unwrap();
    assert_eq!(settle.conclusion, Conclusion::Success, "what is left is looked after: {}", ended.all());
    assert_eq!(ended.conclusion, Conclusion::Cancelled);
}

/// Nothing was written, and nothing is.
pub fn before_the_first_write(emulator: &'static Emulator) {
    let site = Site::new(emulator, "cancelled while reading", &BAKES, "");
    let before = site.scene.shop.dump();
    let first = |operation: &str, _| if operation == "GetAlias" { Fate::HoldBefore } else { Fate::Pass };
    let proxy = Proxy::ruled(site.endpoint(), first);
    let job = site.through(&proxy).start(&site.action, &PROMOTE);
    let held = proxy.held();
    job.cancel();
    job.log.wait("nothing was changed");
    drop(held);
    // The step after it asks for the alias, too.
    let held = proxy.held();
    drop(held);
    let ended = job.end().exits(130);
    heard(&ended);
    assert_eq!(proxy.writes(), Vec::<String>::new());
    assert_eq!(site.scene.shop.dump(), before);
}

/// Everything goes back, within the time that the runner gives.
pub fn while_baking(emulator: &'static Emulator) {
    let site = Site::new(emulator, "cancelled while baking", &BAKES, "");
    let job = site.runner().start(&site.action, &PROMOTE);
    wait_for(&site.scene.shop, "2", 0.5);
    job.cancel();
    let ended = job.end().exits(5).says("result", "rolled-back").says("exit-code", "5").says("version", "1");
    heard(&ended);
    assert!(ended.summary.contains("v1"), "{}", ended.all());
    site.scene.is_back(false);
}

/// It stays where it is, and any machine goes back from there.
pub fn while_baking_on_hold(emulator: &'static Emulator) {
    let site = Site::new(emulator, "cancelled on hold", &BAKES, "");
    let hold = [PROMOTE.as_slice(), &[("on-interrupt", "hold")]].concat();
    let job = site.runner().start(&site.action, &hold);
    wait_for(&site.scene.shop, "2", 0.5);
    job.cancel();
    let ended = job.end();
    ended.is_clean();
    heard(&ended);
    for command in ["resume-command", "rollback-command"] {
        assert!(ended.outputs[command].starts_with("stagegate r"), "{command}: {}", ended.all());
    }
    assert!((Split::of(&site.scene.shop).share("2") - 0.5).abs() < 1e-6, "{:?}", Split::of(&site.scene.shop));
    assert_eq!(site.record().1, "paused", "{}", ended.all());
    let back = site.elsewhere().run(&site.action, &[("command", "rollback"), ("target", TARGET)]);
    back.exits(0).says("result", "rolled-back");
    site.scene.is_back(true);
}
