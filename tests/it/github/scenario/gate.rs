//! Jobs whose release is not good enough.

use super::site::{PROMOTE, Place, Site};
use crate::emulator::canary::split::wait_for;
use crate::emulator::shop::FUNCTION;
use crate::support::emulator::Emulator;

/// An alarm goes off while it bakes, and the configuration says what then.
pub fn failed(emulator: &'static Emulator) {
    let gate = "alarms = [\"complaints\"]\non_alarm = \"rollback\"";
    let site = Site::new(emulator, "failed gate", &["50% 2m"], gate);
    let account = &site.scene.shop.account;
    account.create_alarm("complaints");
    let job = site.runner().start(&site.action, &PROMOTE);
    wait_for(&site.scene.shop, "2", 0.5);
    account.set_alarm("complaints", "ALARM", "complaints");
    let ended = job.end().exits(5).says("result", "rolled-back").says("exit-code", "5").says("version", "1");
    ended.shows(Place::Error, "SG-Q01").shows(Place::Summary, "complaints").shows(Place::Log, "ROLLED BACK");
    site.scene.is_back(true);
}

/// A check that invokes the new version by its number.
pub const SMOKE: &str = "[[target.prod.smoke]]\ninvoke = \"event.json\"\nexpect = { status = 200 }\n";

/// The new version does not do what it should.
pub fn smoke_failed(emulator: &'static Emulator) {
    let site = Site::new(emulator, "failed smoke", &["50% 10m"], "").configured(|config| format!("{config}{SMOKE}"));
    let handler = "def handle(event, context):\n    return {\"statusCode\": 500, \"body\": \"broken\"}\n";
    site.scene.shop.account.update_code(FUNCTION, handler);
    let ended =
        site.runner().file("event.json", "{}").run(&site.action, &PROMOTE).exits(5).says("result", "rolled-back");
    ended.shows(Place::Error, "SG-").shows(Place::Summary, "v1");
    site.scene.before.serves(&site.scene.shop);
}
