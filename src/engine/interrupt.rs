//! Signals as a flag that is looked at between calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

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

/// Set by signal handlers, read by the engine between calls. The second request of a kind asks to leave everything as it
/// is. One of the other kind does not: a CI runner that cancels sends SIGINT, and SIGTERM some seconds later.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<State>);

#[derive(Debug, Default)]
struct State {
    signal: AtomicU8,
    interrupts: AtomicU8,
    terminates: AtomicU8,
    heard: Notify,
}

impl Interrupt {
    /// Notes a signal.
    pub fn raise(&self, signal: Signal) {
        let (code, count) = match signal {
            Signal::Interrupt => (1, &self.0.interrupts),
            Signal::Terminate => (2, &self.0.terminates),
        };
        self.0.signal.store(code, Ordering::SeqCst);
        count.fetch_add(1, Ordering::SeqCst);
        self.0.heard.notify_waiters();
    }

    /// Waits until a signal has been noted.
    pub async fn heard(&self) {
        let mut heard = std::pin::pin!(self.0.heard.notified());
        // From here on none is missed: one that came before is seen, one that comes later wakes.
        heard.as_mut().enable();
        if self.raised().is_none() {
            heard.await;
        }
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
        self.0.interrupts.store(0, Ordering::SeqCst);
        self.0.terminates.store(0, Ordering::SeqCst);
    }

    /// Whether the same was asked for more than once: then even the way back stops.
    pub fn insisted(&self) -> bool {
        [&self.0.interrupts, &self.0.terminates].iter().any(|count| count.load(Ordering::SeqCst) > 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_of_a_kind_insist() {
        use Signal::{Interrupt as Int, Terminate as Term};
        let cases: [(&[Signal], bool); 5] = [
            (&[Int], false),
            (&[Int, Term], false),
            (&[Term, Int], false),
            (&[Int, Term, Int], true),
            (&[Term, Term], true),
        ];
        for (signals, insisted) in cases {
            let interrupt = Interrupt::default();
            signals.iter().for_each(|signal| interrupt.raise(*signal));
            assert_eq!((interrupt.insisted(), interrupt.raised()), (insisted, signals.last().copied()), "{signals:?}");
            interrupt.clear();
            assert_eq!((interrupt.insisted(), interrupt.raised()), (false, None));
        }
    }
}
