//! The reserve: a canary is not waited for until the credentials are gone, for then nobody could take it back.

use std::time::Duration;

use jiff::Timestamp;

use super::{Engine, Stop};
use crate::aws::Aws;
use crate::clock::Clock;
use crate::event::Event;
use crate::journal::Journal;
use crate::problem::{Code, Level, Problem};

/// How long before the end of credentials that are not renewed a canary is no longer waited for.
pub const RESERVE: Duration = Duration::from_secs(300);

/// Why an end is assumed.
pub const ASSUMED: &str = "AWS_SESSION_TOKEN is set and AWS_CREDENTIAL_EXPIRATION is not: 1 h is assumed, and nothing \
                           renews them";

impl<A: Aws, C: Clock, J: Journal> Engine<'_, A, C, J> {
    /// Waits, at most until the credentials are needed for the way back.
    pub(super) async fn wait_in_reserve(&self, until: Timestamp) -> Result<(), Stop> {
        self.warn_of_trouble();
        let end = self.lifetime.end();
        let last = end.and_then(|end| end.checked_sub(jiff::SignedDuration::try_from(RESERVE).ok()?).ok());
        let now = self.clock.now();
        let stop = last.filter(|last| *last < until);
        self.wait(Duration::try_from(stop.unwrap_or(until).duration_since(now)).unwrap_or_default()).await?;
        match end.filter(|_| stop.is_some()) {
            Some(end) => Err(Stop::Expiring(self.expiring(end))),
            None => Ok(()),
        }
    }

    /// Said once until they are renewed after all.
    fn warn_of_trouble(&self) {
        let trouble = self.lifetime.trouble();
        let warned = self.warned.replace(trouble.is_some());
        let (Some(why), Some(end), false) = (trouble, self.lifetime.end(), warned) else { return };
        let problem = Problem::new(Code::ShortCredentials, "the AWS credentials could not be renewed")
            .level(Level::Warning)
            .why(why)
            .why(format!("those in use end at {}; it is tried again until then", end.strftime("%H:%M:%SZ")))
            .aws_now("as this release left it; it goes on")
            .fix("nothing to do yet: five minutes before their end the release stops as on_interrupt says");
        self.emit(&Event::Warning { problem });
    }

    fn expiring(&self, end: Timestamp) -> Problem {
        let ends = if self.lifetime.is_assumed() { "are taken to end" } else { "end" };
        let what = format!("the AWS credentials {ends} at {}, and are not renewed", end.strftime("%H:%M:%SZ"));
        let problem = Problem::new(Code::ShortCredentials, what);
        let problem = match self.lifetime.trouble() {
            Some(why) => problem.why(format!("renewing them failed: {why}")),
            None if self.lifetime.is_assumed() => problem.why(ASSUMED),
            None => problem.why("nothing says that they renew themselves"),
        };
        let minutes = RESERVE.as_secs() / 60;
        problem.why(format!("{minutes} minutes before their end the release stops, while it can still go back"))
    }
}
