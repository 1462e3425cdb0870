//! Jobs that take a role by their token.

use std::time::Duration;

use super::site::{PROMOTE, Place, Site};
use crate::emulator::canary::split::wait_for;
use crate::emulator::state::Release;
use crate::github::identity::{BEARER, Identity};
use crate::github::runner::{Ended, Runner};
use crate::support::emulator::Emulator;

/// A job of the site with its identity, and the inputs of a promotion that takes a role.
struct Desk {
    site: Site,
    identity: Identity,
    role: String,
}

impl Desk {
    fn new(emulator: &'static Emulator, name: &str, step: &str, lasts: u64) -> Self {
        let site = Site::new(emulator, name, &[step], "");
        let identity = Identity::new(site.endpoint(), &site.scene.shop.account.id, Duration::from_secs(lasts));
        let role = identity.role();
        Self { site, identity, role }
    }

    fn runner(&self) -> Runner {
        self.site.without_keys(self.identity.env())
    }

    fn inputs<'a>(&'a self, args: &'a str) -> Vec<(&'a str, &'a str)> {
        [PROMOTE.as_slice(), &[("role-to-assume", &self.role), ("args", args)]].concat()
    }

    /// Asserts that no log, summary or output has a secret.
    #[track_caller]
    fn keeps_its_secrets(&self, ended: &Ended) {
        let said = format!("{}{}{:?}", ended.log.raw(), ended.summary, ended.told);
        let masks = masks(ended);
        for secret in self.identity.secrets() {
            let told = said.matches(&secret).count();
            let masked = masks.iter().filter(|mask| ***mask == secret).count();
            assert_eq!(told, masked, "{secret} is shown: {}", ended.all());
        }
    }
}

/// What the runner was told to hide.
fn masks(ended: &Ended) -> Vec<&String> {
    ended.commands.iter().filter(|command| command.name == "add-mask").map(|command| &command.data).collect()
}

/// Credentials that end within the bake are renewed after two thirds of their life, and none is used after its end.
pub fn renewed(emulator: &'static Emulator) {
    let desk = Desk::new(emulator, "renewed", "50% 34s", 45);
    let ended = desk.runner().run(&desk.site.action, &desk.inputs("--override-gate=short on purpose")).exits(0);
    desk.keeps_its_secrets(&ended);
    ended.says("result", "promoted").shows(Place::Log, "assumed-role/stagegate-promote/");
    let exchanges = desk.identity.exchanges();
    assert!(exchanges.len() >= 2, "{exchanges:?}");
    for pair in exchanges.windows(2) {
        let apart = pair[1].at - pair[0].at;
        assert!(apart >= Duration::from_secs(29), "before two thirds of its life: {apart:?}");
        assert_eq!(pair[0].session, pair[1].session, "CloudTrail shows one session's name");
    }
    assert!(exchanges[0].session.contains("9912"), "the run: {exchanges:?}");
    assert_eq!(desk.identity.refused(), Vec::<String>::new());
    Release::Second.is_done(&desk.site.scene.shop, &desk.site.scene.before);
}

/// Credentials that cannot be renewed: everything goes back while they last.
pub fn not_renewed_goes_back_in_time(emulator: &'static Emulator) {
    let desk = Desk::new(emulator, "not renewed", "50% 90s", 130);
    let job = desk.runner().start(&desk.site.action, &desk.inputs(""));
    wait_for(&desk.site.scene.shop, "2", 0.5);
    desk.identity.deny_tokens();
    let ended = job.end().exits(5).says("result", "rolled-back");
    desk.keeps_its_secrets(&ended);
    let refused = desk.identity.refused();
    assert!(refused.iter().all(|refused| refused.ends_with(": token")), "only tokens: {refused:?}");
    desk.site.scene.is_back(false);
}

/// A role that does not trust the job.
pub fn refused(emulator: &'static Emulator) {
    let desk = Desk::new(emulator, "refused role", "50% 10m", 3600);
    let desk = Desk { role: desk.role.replace("stagegate-promote", "stagegate-other"), ..desk };
    let before = desk.site.scene.shop.dump();
    let ended = desk.runner().run(&desk.site.action, &desk.inputs("")).exits(4).says("result", "failed");
    desk.keeps_its_secrets(&ended);
    ended.shows(Place::Error, "SG-C").shows(Place::Log, "stagegate-other").shows(Place::Log, "repo:shop/checkout:");
    assert_eq!(desk.site.scene.shop.dump(), before);
}

/// GitHub gives no token.
pub fn no_token(emulator: &'static Emulator) {
    let desk = Desk::new(emulator, "no token", "50% 10m", 3600);
    let before = desk.site.scene.shop.dump();
    desk.identity.deny_tokens();
    let ended = desk.runner().run(&desk.site.action, &desk.inputs("")).exits(4).says("result", "failed");
    desk.keeps_its_secrets(&ended);
    ended.shows(Place::Error, "SG-C").shows(Place::Log, "id-token: write");
    assert_eq!(desk.site.scene.shop.dump(), before);
}

/// The step after a process that was killed takes the role anew, and hides what it is given.
pub fn settled(emulator: &'static Emulator) {
    let desk = Desk::new(emulator, "settled", "50% 10m", 3600);
    let job = desk.runner().start(&desk.site.action, &desk.inputs(""));
    wait_for(&desk.site.scene.shop, "2", 0.5);
    job.kill();
    let ended = job.end();
    desk.keeps_its_secrets(&ended);
    assert!(desk.identity.exchanges().len() >= 2, "{}", ended.all());
    let masks = masks(&ended);
    for secret in desk.identity.secrets().iter().filter(|secret| *secret != BEARER) {
        assert!(masks.contains(&secret), "{secret} is not hidden: {}", ended.all());
    }
    desk.site.scene.is_back(false);
}
