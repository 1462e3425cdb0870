//! Jobs whose process is killed: cancelled while AWS does not answer a write, for longer than the runner waits, or for
//! want of memory.

use rustix::process::Signal;

use super::site::{PROMOTE, Site};
use crate::emulator::canary::split::wait_for;
use crate::emulator::proxy::{Fate, Held, Proxy};
use crate::github::runner::{Conclusion, Ended, Exit};
use crate::support::emulator::Emulator;

/// Which `UpdateAlias` gives the new version its share; the one before it claims the alias.
const SHIFT: usize = 2;

fn killed(site: &Site, fate: Fate) -> (Ended, Held, Proxy) {
    let proxy = Proxy::at(site.endpoint(), "UpdateAlias", SHIFT, fate);
    let job = site.through(&proxy).start(&site.action, &PROMOTE);
    let held = proxy.held();
    job.cancel();
    let ended = job.end();
    let run = ended.step("run");
    assert_eq!(run.signals, [Signal::INT, Signal::TERM, Signal::KILL], "{}", ended.all());
    assert_eq!(run.exit, Some(Exit::Signal(9)), "{}", ended.all());
    (ended, held, proxy)
}

/// The write took effect: the step after it brings everything back.
pub fn a_write_whose_answer_never_comes(emulator: &'static Emulator) {
    let site = Site::new(emulator, "hung write", &["50% 10m"], "");
    let (ended, held, _proxy) = killed(&site, Fate::HoldAfter);
    drop(held);
    assert_eq!(ended.steps.last().unwrap().conclusion, Conclusion::Success, "{}", ended.all());
    site.scene.is_back(false);
}

/// The write takes effect when everybody has gone: it finds the alias changed, and does nothing.
pub fn a_write_that_lands_after_everything(emulator: &'static Emulator) {
    let site = Site::new(emulator, "hung write, late", &["50% 10m"], "");
    let (ended, held, _proxy) = killed(&site, Fate::HoldBefore);
    assert_eq!(ended.steps.last().unwrap().conclusion, Conclusion::Success, "{}", ended.all());
    held.land();
    site.scene.is_back(false);
}

/// Nobody cancels: the job goes on, and what was begun goes back.
pub fn killed_while_the_job_goes_on(emulator: &'static Emulator) {
    let site = Site::new(emulator, "killed", &["50% 10m"], "");
    let job = site.runner().start(&site.action, &PROMOTE);
    wait_for(&site.scene.shop, "2", 0.5);
    job.kill();
    let ended = job.end();
    assert_eq!(ended.step("run").exit, Some(Exit::Signal(9)), "{}", ended.all());
    assert_eq!(ended.steps.last().unwrap().conclusion, Conclusion::Success, "{}", ended.all());
    assert_eq!(ended.conclusion, Conclusion::Failure, "{}", ended.all());
    site.scene.is_back(false);
}
