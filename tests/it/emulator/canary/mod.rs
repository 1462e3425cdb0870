//! Canaries of both kinds in real time. Where a step has to end, it takes the two to four minutes that the gate needs: a
//! minute is used when the one after it has ended. All of them run at the same time, each in an account of its own.
//!
//! The emulator has no percentiles (a row of the table in `conformance/deviations.rs`), so none of them judges latency.

mod alias;
pub mod clients;
pub mod scene;
pub mod split;
mod stage;
mod stale;

use std::thread;

use crate::support::emulator::Emulator;

/// A scene and its name.
pub type Named = (&'static str, fn(&'static Emulator));

/// Plays scenes at the same time; one that fails says its name.
pub fn together(scenes: &[Named]) {
    let Some(emulator) = Emulator::shared() else { return };
    thread::scope(|scope| {
        for (name, play) in scenes {
            thread::Builder::new().name((*name).to_owned()).spawn_scoped(scope, move || play(emulator)).unwrap();
        }
    });
}

#[test]
fn canaries_are_promoted_held_taken_back_and_survive_the_death_of_their_process() {
    together(&[
        ("alias, good", alias::good),
        ("alias, bad", alias::bad),
        ("alias, killed", alias::killed),
        ("alias, resumed", alias::resumed),
        ("alias, stopped", alias::stopped),
        ("alias, alarm", alias::alarm),
        ("stage, good", stage::good),
        ("stage, bad", stage::bad),
        ("stage, killed", stage::killed),
        ("stage, resumed", stage::resumed),
    ]);
}
