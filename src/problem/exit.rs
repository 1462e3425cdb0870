//! What the process exit code says about AWS.

/// Every exit code. The code describes the state of AWS, not the cause of the failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Done, nothing to do, or stopped where it was asked to stop.
    Done = 0,
    /// Failed before the first write: network, throttling after all retries, service error, unsuitable state.
    Failed = 1,
    /// Bad flag, bad configuration, confirmation missing, target ambiguous or unknown.
    Usage = 2,
    /// A looking command found something (`doctor`, `drift`, `--detailed-exitcode`).
    Findings = 3,
    /// Credentials missing, expired or too short-lived; wrong account; access denied.
    Access = 4,
    /// Something was written and everything is read back as it was before: the old version serves.
    RolledBack = 5,
    /// In between: a person must look. Beats every other code.
    InBetween = 6,
    /// Somebody else is at work or changed what was planned on; nothing of ours changed traffic.
    Conflict = 7,
    /// Still in flight.
    InFlight = 8,
    /// SIGINT before the first write.
    Interrupted = 130,
    /// SIGTERM before the first write.
    Terminated = 143,
}

impl Exit {
    /// Every exit code, in ascending order.
    pub const ALL: [Self; 11] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Findings,
        Self::Access,
        Self::RolledBack,
        Self::InBetween,
        Self::Conflict,
        Self::InFlight,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// The number that the process exits with.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// One line for `help exit-codes`.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done, nothing to do, or stopped where asked",
            Self::Failed => "failed before the first write; AWS is as before",
            Self::Usage => "bad flag, configuration or target, or confirmation missing; AWS is as before",
            Self::Findings => "findings (doctor, drift, --detailed-exitcode); AWS is as before",
            Self::Access => "credentials, account or access; AWS is as before",
            Self::RolledBack => "rolled back: the old version serves, read back",
            Self::InBetween => "in between: a person must look",
            Self::Conflict => "conflict: somebody else is at work; nothing of ours changed traffic",
            Self::InFlight => "still in flight",
            Self::Interrupted => "SIGINT before the first write",
            Self::Terminated => "SIGTERM before the first write",
        }
    }

    /// The code to leave with when two problems happened: 6, 7 and 5 go first, then any failure beats none.
    pub const fn worse(self, other: Self) -> Self {
        if other.rank() > self.rank() { other } else { self }
    }

    const fn rank(self) -> u8 {
        match self {
            Self::InBetween => 5,
            Self::Conflict => 4,
            Self::RolledBack => 3,
            Self::Done => 0,
            Self::Findings | Self::InFlight => 1,
            _ => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_between_beats_conflict_beats_rolled_back_beats_the_rest() {
        let order = [Exit::InBetween, Exit::Conflict, Exit::RolledBack, Exit::Access, Exit::Done];
        for (at, worse) in order.iter().enumerate() {
            for better in &order[at..] {
                assert_eq!(worse.worse(*better), *worse);
                assert_eq!(better.worse(*worse), *worse);
            }
        }
    }

    #[test]
    fn numbers_are_the_documented_ones() {
        let numbers: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 8, 130, 143]);
    }
}
