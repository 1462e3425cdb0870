//! Signals as a flag that is looked at between calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use serde::{Deserialize, Serialize};

/// What asked the process to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C, SIGINT.
    Interrupt,
    /// SIGTERM, SIGHUP.
    Terminate,
}

/// What an interrupt does once something was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum OnInterrupt {
    /// Go back at once.
    #[default]
    Rollback,
    /// Leave everything as it is and print the commands.
    Hold,
}

/// Set by signal handlers, read by the engine between calls. The second request asks to leave everything as it is.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<State>);

#[derive(Debug, Default)]
struct State {
    signal: AtomicU8,
    count: AtomicU8,
}

impl Interrupt {
    /// Notes a signal; answers how many there have been.
    pub fn raise(&self, signal: Signal) -> u8 {
        let code = match signal {
            Signal::Interrupt => 1,
            Signal::Terminate => 2,
        };
        self.0.signal.store(code, Ordering::SeqCst);
        self.0.count.fetch_add(1, Ordering::SeqCst).saturating_add(1)
    }

    /// The signal that was noted, if any.
    pub fn raised(&self) -> Option<Signal> {
        match self.0.signal.load(Ordering::SeqCst) {
            1 => Some(Signal::Interrupt),
            2 => Some(Signal::Terminate),
            _ => None,
        }
    }

    /// Forgets what was noted: a person was asked about it, and goes on.
    pub fn clear(&self) {
        self.0.signal.store(0, Ordering::SeqCst);
        self.0.count.store(0, Ordering::SeqCst);
    }

    /// Whether it was asked for more than once: then even the way back stops.
    pub fn insisted(&self) -> bool {
        self.0.count.load(Ordering::SeqCst) > 1
    }
}
