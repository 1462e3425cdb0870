//! Rollouts as lines of JSON: a header, then one line per minute and function as it is seen at a tick. Other programs
//! drive the gate with them (`gate judge`), and a release that was recorded so can be judged again (`gate replay`).
//!
//! The format is that of the benchmark, and more where several functions are promoted together or where somebody else
//! decides about the steps:
//!
//! * header: `functions`, a list of `{name, history, paired, slow_thresholds_ms}`; what one of them lacks is taken from
//!   the header itself; `min_invocations`.
//! * lines: `function`; and on any line of a tick `step` (from 0) with `step_start` when the step is not the one that the
//!   gate's own verdicts lead to, and `holds`, a list of texts that forbid a promotion at this tick.
//!
//! * `canary_slow` and `baseline_slow` may be `[]`: how many of the minute's requests were slow is not known.
//!
//! Fields that are not known are left alone, except in `config`.

mod fields;
mod line;
mod session;
mod write;

pub use fields::BadLine;
pub use line::{Header, Line};
pub use session::{Answer, Session};
pub use write::{header_line, tick_lines};
