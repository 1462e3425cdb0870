//! Time as a parameter: the engine never asks the machine what time it is.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;

/// What the engine needs to know of time.
pub trait Clock {
    /// Now, UTC.
    fn now(&self) -> Timestamp;
    /// Returns after `time` has passed.
    fn sleep(&self, time: Duration) -> impl Future<Output = ()>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

/// Virtual time for tests, the demo and rehearsals: sleeping moves the clock and returns at once.
/// Clones share one clock.
#[derive(Debug, Clone)]
pub struct VirtualClock(Rc<Cell<Timestamp>>);

impl VirtualClock {
    /// A clock that shows `start`.
    pub fn at(start: Timestamp) -> Self {
        Self(Rc::new(Cell::new(start)))
    }

    /// Moves the clock forward.
    pub fn advance(&self, time: Duration) {
        self.0.set(self.0.get() + time);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.0.get()
    }

    async fn sleep(&self, time: Duration) {
        self.advance(time);
    }
}
