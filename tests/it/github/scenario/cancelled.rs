//! Jobs that somebody cancels.

use rustix::process::Signal;

use super::site::{PROMOTE, Site};
use crate::emulator::canary::split::{Split, wait_for};
use crate::emulator::proxy::{Fate, Proxy};
use crate::emulator::shop::TARGET;
use crate::github::runner::{Conclusion, Ended, Exit};
use crate::support::emulator::Emulator;

const BAKES: [&str; 1] = ["50% 10m"];
/// What a look at a canary begins with.
const LOOK: &str = "POST /service/GraniteServiceVersion20100801/operation/GetMetricData";

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
    let proxy = Proxy::at(site.endpoint(), "GetAlias", 1, Fate::HoldBefore);
    let job = site.through(&proxy).start(&site.action, &PROMOTE);
    let held = proxy.held();
    job.cancel();
    job.log.wait("nothing was changed");
    drop(held);
    let ended = job.end().exits(130);
    heard(&ended);
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

/// A tick of guard.yml that only looks is cancelled, whether AWS answers its look or never does: the canary goes on as it
/// did.
pub fn a_tick_that_only_looks(emulator: &'static Emulator) {
    let site = Site::new(emulator, "cancelled tick", &BAKES, "");
    let job = site.runner().start(&site.action, &PROMOTE);
    wait_for(&site.scene.shop, "2", 0.5);
    job.lose();
    job.end();
    let before = site.scene.shop.alias();
    assert_eq!(site.record().1, "run", "{before}");
    let tick =
        [("command", "resume"), ("target", "prod"), ("args", "--once\n--if-in-flight\n"), ("on-interrupt", "hold")];
    for answered in [true, false] {
        let proxy = Proxy::at(site.endpoint(), LOOK, 1, Fate::HoldBefore);
        let job = site.through(&proxy).start(&site.action, &tick);
        let held = proxy.held();
        job.cancel();
        let held = Some(held).filter(|_| !answered);
        let ended = job.end();
        assert_eq!(ended.step("run").exit, Some(Exit::Code(130)), "held {}: {}", held.is_some(), ended.all());
        assert_eq!(ended.steps.last().unwrap().conclusion, Conclusion::Success, "{}", ended.all());
        assert_eq!(site.scene.shop.alias(), before, "{}", ended.all());
    }
}

/// An earlier job of the same run has left its release paused, for this one to finish: it never came to that.
pub fn before_the_program_ran(emulator: &'static Emulator) {
    let site = Site::new(emulator, "cancelled while installing", &BAKES, "");
    let until = [PROMOTE.as_slice(), &[("until", "canary:50%")]].concat();
    site.runner().run(&site.action, &until).exits(0).says("result", "paused");
    let before = site.scene.shop.alias();
    let finish = [("command", "resume"), ("target", "prod"), ("args", "--finish")];
    let job = site.runner().installs_for_ever().start(&site.action, &finish);
    job.log.wait("is being installed");
    job.cancel();
    let ended = job.end();
    assert_eq!(ended.step("run").conclusion, Conclusion::Skipped, "{}", ended.all());
    assert_eq!(ended.steps.last().unwrap().conclusion, Conclusion::Skipped, "{}", ended.all());
    assert_eq!(site.scene.shop.alias(), before, "{}", ended.all());
}
