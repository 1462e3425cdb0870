//! The terminal that standard input is: its modes as they were before anything of them was changed, what was typed, and
//! whether it listens to this process.

use std::sync::{Mutex, PoisonError};

use rustix::stdio::stdin;
use rustix::termios::{LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcgetpgrp, tcsetattr};

/// The modes before the first prompt; a panic and a signal must find them, too.
static USUAL: Mutex<Option<Termios>> = Mutex::new(None);

/// Whether keys that are pressed now come to this process. In the background a change of the terminal would stop it.
pub fn is_foreground() -> bool {
    tcgetpgrp(stdin()).is_ok_and(|group| group == rustix::process::getpgrp())
}

/// Takes keys one by one and unseen. Also after a shell, in whose hands the terminal was meanwhile, put it right.
pub fn take_keys() {
    let Ok(now) = tcgetattr(stdin()) else { return };
    let ours = LocalModes::ICANON | LocalModes::ECHO;
    if !now.local_modes.intersects(ours) {
        return;
    }
    let mut keys = now.clone();
    keys.local_modes.remove(ours);
    USUAL.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(now);
    let _ = tcsetattr(stdin(), OptionalActions::Now, &keys);
}

/// Puts the modes back, if they are others now and the terminal is ours.
pub fn give_back() {
    let usual = USUAL.lock().unwrap_or_else(PoisonError::into_inner);
    let (Some(usual), Ok(now)) = (usual.as_ref(), tcgetattr(stdin())) else { return };
    let is_changed = usual.local_modes != now.local_modes
        || usual.input_modes != now.input_modes
        || usual.output_modes != now.output_modes
        || usual.control_modes != now.control_modes;
    if is_changed && is_foreground() {
        let _ = tcsetattr(stdin(), OptionalActions::Now, usual);
    }
}

/// Throws away what was typed so far: it is no answer to a question that could not be read yet.
pub fn discard_typed() {
    if is_foreground() {
        let _ = tcflush(stdin(), QueueSelector::IFlush);
    }
}
