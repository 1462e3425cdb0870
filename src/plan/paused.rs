//! Why a canary is held, as far as its record and its schedule tell: the record says that it is, whether for a person to
//! agree to the next step, and until when it is locked, and the lock is counted from when the record was written.

use jiff::{SignedDuration, Timestamp};

use super::LOCK_MARGIN;
use crate::model::{Canary, Percent, Record, RecordState};

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paused {
    /// A person has to agree to the next step.
    Approval(Percent),
    /// The step is over, and its gate let nothing go on.
    Gate,
    /// A person held it, or wanted it to stop at this share.
    Person,
}

impl Paused {
    /// For people.
    pub fn text(self) -> String {
        match self {
            Self::Approval(percent) => format!("a person has to agree to {percent}: resume agrees, rollback goes back"),
            Self::Gate => "its gate did not let it go on: not proven in time, or worse".into(),
            Self::Person => "a person held it, or it was to stop at this share".into(),
        }
    }
}

/// Why a record is paused, and since when, where that is known. The minute is what the record keeps of a time.
pub fn paused(record: &Record, canary: &Canary) -> Option<(Paused, Option<Timestamp>)> {
    if record.state != RecordState::Paused || !canary.is_gradual() {
        return None;
    }
    let next = record.shift.as_ref().map_or(0, |shift| shift.step() + 1);
    let asked = canary.steps.get(next).filter(|_| record.asks).map(|step| Paused::Approval(step.percent));
    let Some(shift) = &record.shift else {
        return Some((asked.unwrap_or(Paused::Person), None));
    };
    let rest = canary.steps.iter().skip(shift.step()).map(|step| step.bake).sum::<std::time::Duration>();
    let extension = canary.steps.iter().map(|step| canary.extension(step)).max().unwrap_or_default();
    let lock = SignedDuration::try_from(rest + extension + LOCK_MARGIN).ok()?;
    let written = record.expires.and_then(|expires| expires.checked_sub(lock).ok());
    // Whoever only changes the word leaves the lock as it was when the step began.
    let later = written.filter(|written| written.duration_since(shift.step_began()) > SignedDuration::from_secs(60));
    Some(match (asked, later) {
        (Some(asked), written) => (asked, written),
        (None, Some(written)) => (Paused::Gate, Some(written)),
        (None, None) => (Paused::Person, None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CanaryMode, schedule};

    fn canary(approve: &[u32]) -> Canary {
        Canary {
            mode: CanaryMode::Alias,
            steps: schedule::parse("5% 10m, 25% 10m").unwrap(),
            max_extend: Some(std::time::Duration::from_secs(900)),
            approve: approve.iter().map(|percent| Percent::whole(*percent)).collect(),
            ..Canary::default()
        }
    }

    fn record(rest: &str) -> Record {
        format!("[sg1 01JD3K7Q4T0000000000000000 paused{rest}]").parse().unwrap()
    }

    #[test]
    fn the_lock_tells_who_paused_and_the_schedule_for_what() {
        // Planned end, extension and margin: 20 + 15 + 10 minutes after the write.
        let at = |expires: &str| record(&format!(" x=20261121T{expires}Z 41>42 n=1 t=20261121T140007Z"));
        let gate = Some((Paused::Gate, Some("2026-11-21T14:25:00Z".parse().unwrap())));
        assert_eq!(paused(&at("1510"), &canary(&[])), gate);
        let asking = record(" x=20261121T1455Z 41>42 n=1 t=20261121T140007Z a");
        let asked = paused(&asking, &canary(&[25])).unwrap();
        assert_eq!(asked.0, Paused::Approval(Percent::whole(25)));
        assert_eq!(paused(&at("1445"), &canary(&[25])), Some((Paused::Person, None)), "as when the step began");
        let before = record(" x=20261121T1445Z 41>42 n=1");
        assert_eq!(paused(&before, &canary(&[5])), Some((Paused::Person, None)), "nobody was asked");
        let asking = record(" x=20261121T1445Z 41>42 n=1 a");
        assert_eq!(paused(&asking, &canary(&[5])), Some((Paused::Approval(Percent::whole(5)), None)));
        assert_eq!(paused(&before, &Canary::default()), None, "no schedule is known here");
    }
}
