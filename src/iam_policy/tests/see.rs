//! What whoever looks, or searches for what served before, has to read beside the pipeline.

use super::*;
use crate::aws::operation::ListAliases;
use crate::logs::{self, Ask};
use crate::rollback::trail;

/// The search for what served before.
pub(super) fn search() -> Vec<Call> {
    let this = Try::new();
    trail::search(&this.world, this.world.clock().now()).now_or_never().unwrap().unwrap();
    this.calls()
}

/// Log lines, and the aliases of a function.
pub(super) fn looks() -> Vec<Call> {
    let this = Try::new();
    let (function, end) = (this.shop.function.clone(), this.world.clock().now());
    let ask = Ask { function: function.clone(), version: 41, group: None, start: end, end, limit: 1 };
    // That nothing was written yet makes no difference.
    let _ = logs::read(&this.world, &ask).now_or_never().unwrap();
    let _ = this.world.send(ListAliases { function, marker: None }).now_or_never().unwrap();
    this.calls()
}
