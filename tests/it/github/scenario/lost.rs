//! Machines that die.

use super::site::{PROMOTE, Place, Site};
use crate::emulator::canary::split::{Split, wait_for};
use crate::emulator::shop::TARGET;
use crate::github::runner::Conclusion;
use crate::support::emulator::Emulator;

/// Other jobs see it from the record alone: the guard, a look, a second promotion, and the way back.
pub fn found_by_guard_status_and_rollback(emulator: &'static Emulator) {
    let site = Site::new(emulator, "lost", &["50% 10m"], "");
    let shop = &site.scene.shop;
    let job = site.runner().start(&site.action, &PROMOTE);
    wait_for(shop, "2", 0.5);
    job.lose();
    let ended = job.end();
    assert_eq!((ended.conclusion, ended.summary.as_str()), (Conclusion::Lost, ""), "{}", ended.all());
    let (run, split) = (site.record().0, Split::of(shop));
    for way in ["stagegate rollback ", "stagegate resume "] {
        assert!(ended.log.shown().contains(way), "all that is left: {}", ended.all());
    }

    // As guard.yml asks for it.
    let tick = [("command", "resume"), ("target", "prod"), ("confirm", "prod"), ("args", "--once\n--if-in-flight\n")];
    let tick = [tick.as_slice(), &[("job-summary", "on-failure")]].concat();
    let ended = site.runner().run(&site.action, &tick).exits(0).says("result", "baking");
    assert_eq!(ended.summary, "", "a green tick is worth no page: {}", ended.all());
    assert_eq!(Split::of(shop), split);

    let seen = site.elsewhere().run(&site.action, &[("command", "status"), ("target", TARGET)]);
    seen.exits(0).shows(Place::Log, &run);
    let second = site.runner().run(&site.action, &PROMOTE).exits(7).says("result", "failed");
    second.shows(Place::Error, "SG-L01").shows(Place::Log, &run);
    assert_eq!(Split::of(shop), split);

    let back = site.elsewhere().run(&site.action, &[("command", "rollback"), ("target", TARGET)]);
    back.exits(0).says("result", "rolled-back").says("version", "1");
    site.scene.is_back(true);
    site.runner().run(&site.action, &tick).exits(0).says("result", "unchanged");
}
