//! What can go wrong with a call, placed by its number.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use super::account::Account;
use crate::aws::AwsError;

/// A change that somebody else makes.
pub type Intrusion = Rc<dyn Fn(&mut Account)>;

/// What happens to one call.
#[derive(Clone)]
pub enum Fault {
    /// The service says no; nothing happens.
    Rejected(AwsError),
    /// The service says 429 with its own code; nothing happens.
    Throttled,
    /// The request never arrives; the caller cannot know.
    LostRequest,
    /// It happens; the caller never hears of it.
    LostReply,
    /// The caller gives up after its time-out; the call arrives `after` it was sent, and is then judged as it is then.
    Late {
        /// From sending to landing.
        after: Duration,
    },
    /// The process dies before the request leaves: the future never resolves.
    CrashBefore,
    /// It happens, and the process dies before it hears of it.
    CrashAfter,
    /// The process dies with the request on its way; it lands `after` it was sent.
    CrashLate {
        /// From sending to landing.
        after: Duration,
    },
    /// Somebody else changes something right before the call, which then goes its normal way.
    Intrude(Intrusion),
}

impl Fault {
    /// The caller's role lacks the permission.
    pub fn denied() -> Self {
        let message = "User is not authorized to perform this action because no identity-based policy allows it";
        Self::Rejected(AwsError::rejected(403, "AccessDeniedException", message))
    }

    /// The session token has run out.
    pub fn expired() -> Self {
        let message = "The security token included in the request is expired";
        Self::Rejected(AwsError::rejected(403, "ExpiredTokenException", message))
    }

    /// Somebody else changes something right before the call.
    pub fn intrude(change: impl Fn(&mut Account) + 'static) -> Self {
        Self::Intrude(Rc::new(change))
    }

    /// One of every kind but intrusions: what an exhaustive test puts at every call. Late effects land once within the
    /// caller's time-out and once after it.
    pub fn every_kind() -> Vec<Self> {
        let (early, late) = (Duration::from_secs(5), Duration::from_secs(25));
        vec![
            Self::denied(),
            Self::Throttled,
            Self::LostRequest,
            Self::LostReply,
            Self::Late { after: early },
            Self::Late { after: late },
            Self::CrashBefore,
            Self::CrashAfter,
            Self::CrashLate { after: early },
            Self::CrashLate { after: late },
        ]
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(error) => f.debug_tuple("Rejected").field(error).finish(),
            Self::Throttled => f.write_str("Throttled"),
            Self::LostRequest => f.write_str("LostRequest"),
            Self::LostReply => f.write_str("LostReply"),
            Self::Late { after } => write!(f, "Late({after:?})"),
            Self::CrashBefore => f.write_str("CrashBefore"),
            Self::CrashAfter => f.write_str("CrashAfter"),
            Self::CrashLate { after } => write!(f, "CrashLate({after:?})"),
            Self::Intrude(_) => f.write_str("Intrude"),
        }
    }
}

/// Faults by the number of the call they wait for.
#[derive(Debug, Clone, Default)]
pub(super) struct Faults(BTreeMap<usize, Vec<Fault>>);

impl Faults {
    pub(super) fn add(&mut self, index: usize, fault: Fault) {
        self.0.entry(index).or_default().push(fault);
    }

    /// The intrusions at a call, and what happens to the call itself.
    pub(super) fn take(&mut self, index: usize) -> (Vec<Intrusion>, Option<Fault>) {
        let (mut intrusions, mut own) = (Vec::new(), None);
        for fault in self.0.remove(&index).unwrap_or_default() {
            match fault {
                Fault::Intrude(change) => intrusions.push(change),
                other => own = own.or(Some(other)),
            }
        }
        (intrusions, own)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
