//! What a canary of the stage leaves behind, and whose it is.

use futures_util::future::join_all;

use super::WayBack;
use super::alias::record;
use super::undone::{Left, Undone};
use crate::aws::Aws;
use crate::aws::noun::Alias;
use crate::aws::operation::GetAlias;
use crate::clock::Clock;
use crate::engine::{Engine, LINGER};
use crate::journal::Journal;

impl<A: Aws, C: Clock, J: Journal> Engine<'_, A, C, J> {
    /// Whether another release has one of the aliases: then the stage's canary is that release's, too. An alias that
    /// cannot be read does not keep the harm from being stopped.
    pub(super) async fn is_succeeded(&self, way: &WayBack, first: bool) -> bool {
        let looks = way.aliases.iter().map(|back| async move {
            match back.seen.clone().filter(|_| first) {
                Some(seen) => Some(seen),
                None => {
                    let request = GetAlias { function: back.function.clone(), alias: back.alias.clone() };
                    self.find(request).await.ok().flatten()
                }
            }
        });
        let other =
            |alias: Alias| record(&alias).is_some_and(|record| record.run != way.run && record.state.holds_lock());
        join_all(looks).await.into_iter().flatten().any(other)
    }

    /// What the canary of the stage needed: its alias goes when the stage has not used it for a while. Where nobody can
    /// wait for that it stays, which harms nobody.
    pub(super) async fn candidates_back(&self, way: &WayBack, stage_is_back: bool, undone: &mut Undone) {
        if way.candidates.is_empty() {
            return;
        }
        let waits = stage_is_back && way.candidates.iter().all(|c| c.removes) && self.interrupt.raised().is_none();
        if waits {
            self.clock.sleep(LINGER).await;
        }
        for candidate in &way.candidates {
            let name = format!("{}:{}", candidate.function, candidate.alias);
            if !waits {
                undone.now.push(format!(
                    "{name} stays: only the canary called it; the next one uses it again, or gc deletes it"
                ));
                continue;
            }
            match self.remove_candidate(&way.run, &candidate.function, &candidate.alias, candidate.grant.as_ref()).await
            {
                Ok(()) => undone.now.push(format!("{name} is deleted, as before")),
                Err(problem) => undone.left.push(Left { problem, needs_person: false }),
            }
        }
    }
}
