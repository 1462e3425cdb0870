//! The weights of an alias.

use std::collections::BTreeMap;

use crate::aws::noun::{Alias, Provisioned, ProvisionedStatus, Routing};
use crate::change::is_moving_capacity;
use crate::model::{Description, Percent, Record, RecordState, RunId, Version};
use crate::problem::{Code, Exit, Problem};

use super::{Wish, of_release};

/// An alias as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighted {
    /// `function:alias`.
    pub place: String,
    /// The alias.
    pub alias: Alias,
    /// Its description, taken apart.
    pub description: Description,
    /// Its provisioned concurrency; looked for when the weights may be AWS's own.
    pub provisioned: Option<Provisioned>,
}

/// The write that does what is wished.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The alias afterwards.
    pub routing: Routing,
    /// One line for people.
    pub says: String,
}

/// `v40 90% / v41 10%`.
pub fn shares(version: Version, weights: &BTreeMap<u64, f64>) -> String {
    let rest = 1.0 - weights.values().sum::<f64>();
    let mut text = format!("{} {}", version.label(), Percent::of_share(rest));
    for (version, weight) in weights {
        text.push_str(&format!(" / v{version} {}", Percent::of_share(*weight)));
    }
    text
}

impl Weighted {
    /// What it is, one line each.
    pub fn lines(&self) -> Vec<String> {
        let Self { place, alias, description, .. } = self;
        let mut lines = vec![format!("{place}  {}", shares(alias.version, &alias.weights))];
        lines.push(match &description.record {
            None => "no record, so stagegate has never moved it".to_owned(),
            Some(record) if record.state.holds_lock() => format!("{} is in flight here", record.run),
            Some(record) if alias.weights.is_empty() => format!("last moved by {}", record.run),
            Some(record) => format!("{} has ended; the weights came after it", record.run),
        });
        let released = description.record.as_ref().is_some_and(|record| record.state.holds_lock());
        if self.is_capacity() {
            lines.push("AWS moves provisioned concurrency: that is no canary, and ends by itself".into());
        } else if !alias.weights.is_empty() && !released {
            lines.push("a person, another tool or a stopped CodeDeploy deployment left these weights".into());
        }
        lines
    }

    /// A weight of 1 on the version before is how AWS moves provisioned concurrency (aws-semantics §3.6).
    pub fn is_capacity(&self) -> bool {
        self.provisioned.is_some() && is_moving_capacity(&self.alias)
    }

    /// Whether its calls are split by something that is not a release.
    pub fn is_split(&self) -> bool {
        !self.alias.weights.is_empty() && !self.is_capacity()
    }

    /// The write, or nothing where nothing is split. `fresh` is the id under which a version that is promoted is
    /// recorded, so that a rollback knows the way.
    ///
    /// # Errors
    /// A release runs it, AWS moves capacity, or the wish does not fit.
    pub fn step(&self, wish: &Wish, fresh: &RunId) -> Result<Option<Step>, Problem> {
        let Self { place, alias, description, .. } = self;
        if let Some(record) = description.record.as_ref().filter(|record| record.state.holds_lock()) {
            return Err(of_release(place, record));
        }
        if self.is_capacity() {
            return Err(self.capacity());
        }
        let routing = |version, weights, description: String| Routing { version, weights, description };
        let keep = alias.description.clone();
        Ok(match wish {
            Wish::Clear if alias.weights.is_empty() => None,
            Wish::Clear => {
                let says = format!("{place} → {} (100%), weights cleared", alias.version.label());
                Some(Step { routing: routing(alias.version, BTreeMap::new(), keep), says })
            }
            Wish::Promote => match alias.weights.keys().next() {
                None => None,
                Some(number) => {
                    let to = Version::Number(*number);
                    let says = format!("{place} → {} (100%), weights cleared; way back recorded", to.label());
                    let description = self.recorded(to, fresh).to_string();
                    Some(Step { routing: routing(to, BTreeMap::new(), description), says })
                }
            },
            Wish::Set { percent, version, .. } => {
                let weights = BTreeMap::from([(self.on_trial(*version)?, percent.share())]);
                let says = format!("{place} → {}", shares(alias.version, &weights));
                Some(Step { routing: routing(alias.version, weights, keep), says })
            }
        })
    }

    /// The record of a version that was promoted by hand: the way back of the next rollback.
    fn recorded(&self, to: Version, fresh: &RunId) -> Description {
        let before = self.description.record.as_ref();
        let bad = before.map(|record| record.bad.clone()).unwrap_or_default();
        let record = Record {
            run: fresh.clone(),
            state: RecordState::Promoted,
            expires: None,
            from: Some(self.alias.version),
            to,
            members: 1,
            stage: None,
            stage_canary: false,
            shift: None,
            granted: false,
            bad: bad.into_iter().filter(|bad| Some(*bad) != to.number()).collect(),
            gate_overridden: false,
            asks: false,
        };
        self.description.with(record).fitting()
    }

    /// The version whose share is set: the one that has one, or the one that is named.
    fn on_trial(&self, named: Option<u64>) -> Result<u64, Problem> {
        let Self { place, alias, .. } = self;
        if alias.version == Version::Latest {
            return Err(Problem::new(Code::BadOption, format!("{place} is on $LATEST, which cannot share an alias"))
                .fix(format!("put it on a version first: stagegate promote {place}")));
        }
        match (named, alias.weights.keys().next()) {
            (Some(number), _) if alias.version == Version::Number(number) => {
                Err(Problem::new(Code::BadOption, format!("v{number} is what {place} is on: it has the rest anyway"))
                    .fix(format!("give it everything: stagegate canary clear {place}"))
                    .fix("or name the other version: --function-version N"))
            }
            (Some(number), _) | (None, Some(&number)) => Ok(number),
            (None, None) => Err(Problem::new(Code::BadOption, format!("{place} has no version on trial"))
                .why(format!("all calls get {}", alias.version.label()))
                .fix(format!("name one: stagegate canary set {place} PERCENT --function-version N"))),
        }
    }

    fn capacity(&self) -> Problem {
        let Self { place, alias, provisioned, .. } = self;
        let failed = provisioned.as_ref().filter(|p| p.status == ProvisionedStatus::Failed);
        let problem =
            Problem::new(Code::ProvisionedFailed, format!("{place} is no canary: its provisioned concurrency moves"))
                .why(format!(
                    "AWS keeps {} until the new version has its capacity",
                    shares(alias.version, &alias.weights)
                ))
                .exit(Exit::Conflict)
                .aws_now("unchanged; the weight goes away by itself when the status is READY");
        match failed {
            None => problem.fix(format!("wait, then look: stagegate status {place}")),
            Some(p) => problem
                .why(format!("its status is FAILED: {}", p.reason.as_deref().unwrap_or("no reason is given")))
                .fix("check the account's concurrency")
                .fix(format!("or go back: stagegate rollback {place}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: &str = "checkout-api:live";

    fn weighted(version: &str, weights: &[(u64, f64)], description: &str) -> Weighted {
        let alias = Alias {
            arn: "arn:aws:lambda:us-east-1:123456789012:function:checkout-api:live".into(),
            version: version.parse().unwrap(),
            weights: weights.iter().copied().collect(),
            description: description.into(),
            revision: "r".into(),
        };
        let description = Description::parse(description).unwrap();
        Weighted { place: PLACE.into(), alias, description, provisioned: None }
    }

    fn fresh() -> RunId {
        RunId::new(7, 7)
    }

    fn set(percent: u32, version: Option<u64>) -> Wish {
        Wish::Set { percent: Percent::whole(percent), version, deployment: None }
    }

    fn done(run: &str, to: u64) -> String {
        format!("Checkout [sg1 01JD3K7Q4T0000000000000000 {run} 39>{to} n=1 bad=38,41]")
    }

    #[test]
    fn clear_keeps_the_primary_and_promote_takes_the_other_and_records_the_way_back() {
        let split = weighted("40", &[(41, 0.1)], &done("done", 40));
        let cleared = split.step(&Wish::Clear, &fresh()).unwrap().unwrap().routing;
        assert_eq!((cleared.version, cleared.weights.len()), (Version::Number(40), 0));
        assert_eq!(cleared.description, split.alias.description, "the record holds again");
        let promoted = split.step(&Wish::Promote, &fresh()).unwrap().unwrap().routing;
        assert_eq!((promoted.version, promoted.weights.len()), (Version::Number(41), 0));
        let described = Description::parse(&promoted.description).unwrap();
        let record = described.record.unwrap();
        assert_eq!((described.text.as_str(), record.from), ("Checkout", Some(Version::Number(40))));
        assert!(record.agrees_with(promoted.version, &promoted.weights));
        assert_eq!(record.bad, [38], "a version that somebody promotes is not bad any more");
    }

    #[test]
    fn a_share_is_changed_or_a_trial_begins() {
        let split = weighted("40", &[(41, 0.1)], "");
        assert_eq!(split.step(&set(30, None), &fresh()).unwrap().unwrap().routing.weights, [(41, 0.3)].into());
        assert_eq!(split.step(&set(30, Some(42)), &fresh()).unwrap().unwrap().routing.weights, [(42, 0.3)].into());
        let whole = weighted("40", &[], "");
        assert_eq!(whole.step(&set(5, Some(41)), &fresh()).unwrap().unwrap().routing.weights, [(41, 0.05)].into());
        for (alias, wish) in
            [(&whole, set(5, None)), (&split, set(5, Some(40))), (&weighted("$LATEST", &[], ""), set(5, Some(1)))]
        {
            assert_eq!(alias.step(&wish, &fresh()).unwrap_err().code, Code::BadOption);
        }
        assert_eq!(set(0, None).check(PLACE).unwrap_err().fix, ["stagegate canary clear checkout-api:live"]);
        assert_eq!(set(100, None).check(PLACE).unwrap_err().fix, ["stagegate canary promote checkout-api:live"]);
    }

    #[test]
    fn nothing_split_is_nothing_to_do() {
        let whole = weighted("40", &[], "");
        assert_eq!(whole.step(&Wish::Clear, &fresh()), Ok(None));
        assert_eq!(whole.step(&Wish::Promote, &fresh()), Ok(None));
    }

    #[test]
    fn what_a_release_runs_is_left_to_it() {
        for state in ["run", "paused", "undo"] {
            let split = weighted("39", &[(40, 0.1)], &done(state, 40));
            for wish in [Wish::Clear, Wish::Promote, set(5, None)] {
                let refused = split.step(&wish, &fresh()).unwrap_err();
                assert_eq!((refused.code, refused.exit), (Code::ReleaseRuns, Exit::Conflict));
                assert!(refused.what.contains("r-01JD3K7Q4T0000000000000000"), "{refused}");
            }
        }
    }

    #[test]
    fn capacity_that_moves_is_no_canary_and_a_full_weight_without_capacity_is_one() {
        let mut moving = weighted("41", &[(40, 1.0)], "");
        assert!(moving.is_split() && moving.step(&Wish::Clear, &fresh()).unwrap().is_some());
        moving.provisioned = Some(Provisioned { status: ProvisionedStatus::InProgress, reason: None });
        let refused = moving.step(&Wish::Clear, &fresh()).unwrap_err();
        assert!(
            !moving.is_split() && refused.what.contains("no canary") && refused.exit == Exit::Conflict,
            "{refused}"
        );
    }
}
