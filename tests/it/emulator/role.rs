//! A role, assumed at the emulator's STS by the SDK.

use super::machine::Machine;
use crate::support::emulator::Emulator;

#[test]
fn an_emulator_gives_credentials_of_a_role_and_says_whose_they_are() {
    let Some(emulator) = Emulator::shared() else { return };
    let machine = Machine::new(&emulator.account("assumed role"));
    let hub = "arn:aws:iam::111122223333:role/hub";
    let promote = "arn:aws:iam::444455556666:role/promote";
    let finished =
        machine.set("USER", "dana").run(&["verify", "pets:live", "--assume-role", hub, "--assume-role", promote]);
    let said = finished.all().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(&format!("{hub} -> {promote}, by the credentials found here; they end 2")), "{said}");
    assert!(said.contains("and renew themselves, from 2"), "{said}");
    assert!(said.contains("444455556666 as arn:aws:sts::444455556666:assumed-role/promote/stagegate-dana"), "{said}");
}
