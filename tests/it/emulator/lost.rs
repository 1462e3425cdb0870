//! A write takes effect and its reply is lost: the running release finds out by looking, and ends as if nothing happened.

use std::thread;

use super::proxy::{Fate, Proxy};
use super::state::{Before, Release};
use crate::support::announce;
use crate::support::emulator::Emulator;

/// Loses the reply to each write of a release, each in an account of its own, all at the same time.
fn at_every_write(release: Release) {
    let Some(emulator) = Emulator::shared() else { return };
    let writes = release.writes();
    thread::scope(|scope| {
        for (nth, write) in (1..).zip(writes) {
            thread::Builder::new()
                .name(format!("lost reply to {nth}, {write}"))
                .spawn_scoped(scope, move || {
                    let shop = release.shop(emulator, &format!("e2e lost {release:?} {nth}"));
                    let before = Before::of(&shop);
                    let proxy = Proxy::at_write(&emulator.endpoint(), nth, Fate::LoseReply);
                    let done = shop.machine().through(&proxy).run(&["promote", "prod", "--yes"]);
                    assert_eq!(done.code, Some(0), "{write}: {}", done.all());
                    assert_eq!(proxy.writes(), writes, "nothing was sent twice: {}", done.all());
                    release.is_done(&shop, &before);
                })
                .unwrap();
        }
    });
    announce(&format!("{release:?} release: the replies to {} writes lost, one each", writes.len()));
}

#[test]
fn a_first_release_survives_the_loss_of_any_reply() {
    at_every_write(Release::First);
}

#[test]
fn a_second_release_survives_the_loss_of_any_reply() {
    at_every_write(Release::Second);
}
