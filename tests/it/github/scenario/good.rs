//! Jobs in which everything goes well.

use super::site::{PROMOTE, Place, Site};
use crate::emulator::proxy::{Fate, Proxy};
use crate::emulator::state::Release;
use crate::github::runner::Conclusion;
use crate::support::emulator::Emulator;

/// The gate only advises: so short a canary shows it nothing.
const SHORT: &str = "--override-gate=short on purpose";

/// A promotion, whose log has the ways out before the first write; then plan and promotion of the same.
pub fn promoted_then_nothing_to_do(emulator: &'static Emulator) {
    let site = Site::new(emulator, "good", &["20% 2s", "50% 2s"], "");
    let planned = site.runner().run(&site.action, &[("command", "plan"), ("target", "prod")]).exits(0);
    let digest = planned.outputs["plan-digest"].clone();
    assert!(!digest.is_empty(), "{}", planned.all());
    assert!(!planned.summary.is_empty(), "the approver reads the plan there: {}", planned.all());

    let proxy = Proxy::at_write(site.endpoint(), 1, Fate::HoldBefore);
    let args = format!("{SHORT}\n--expect-plan={digest}\n");
    let job = site.through(&proxy).start(&site.action, &[PROMOTE.as_slice(), &[("args", &args)]].concat());
    let held = proxy.held();
    for way in ["stagegate rollback ", "stagegate resume "] {
        job.log.wait(way);
    }
    drop(held);
    let done = job.end().exits(0).says("result", "promoted").says("exit-code", "0");
    let done = done.says("version", "2").says("previous-version", "1").shows(Place::Summary, "v2");
    assert_eq!(done.step("run").conclusion, Conclusion::Success);
    assert!(done.outputs["rollback-command"].starts_with("stagegate rollback "), "{}", done.all());
    assert!(done.outputs["release-id"].ends_with(&site.record().0), "{}", done.all());
    assert_eq!(done.commands.iter().filter(|command| command.name == "error").count(), 0, "{}", done.all());
    let settle = done.steps.last().unwrap();
    assert_eq!(settle.conclusion, Conclusion::Skipped, "nothing was cancelled: {}", done.all());
    Release::Second.is_done(&site.scene.shop, &site.scene.before);

    let dump = site.scene.shop.dump();
    let plan = site.runner().run(&site.action, &[("command", "plan"), ("target", "prod")]);
    plan.exits(0).says("result", "unchanged");
    site.runner().run(&site.action, &PROMOTE).exits(0).says("result", "unchanged");
    assert_eq!(site.scene.shop.dump(), dump);
}
