//! Which version an alias goes back to, and which rule decided (SPEC §3). Never "the number minus one"; never a version
//! that is marked bad unless a person names it.

use jiff::Timestamp;

use crate::aws::noun::Alias;
use crate::change::is_moving_capacity;
use crate::model::{Description, Record, RecordState, Version};
use crate::problem::{Code, Problem};

/// The rule that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A person named it.
    Named,
    /// The release is unfinished: what it started from.
    Unfinished,
    /// Traffic is split, and no record says who does that: the stable version.
    Split,
    /// The record's previous version.
    Recorded,
    /// The journal on this machine.
    Journal,
    /// Past calls that CloudTrail keeps.
    Searched,
    /// The record is stale; what it last put there, if a person agrees.
    Stale,
    /// The record is stale, and of an unfinished release; what it started from, if a person agrees.
    StaleUnfinished,
    /// The others of its release go back; it is back already.
    Back,
    /// The others of its release go back; it had nothing before.
    NoneBefore,
}

impl Rule {
    /// For people, to follow a version.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Named => "named by you",
            Self::Unfinished => "served before the unfinished release (recorded)",
            Self::Split => "the stable version of a split that stagegate did not make: the split ends",
            Self::Recorded => "served before (recorded)",
            Self::Journal => "served before (journal on this machine)",
            Self::Searched => "had all traffic before (CloudTrail)",
            Self::Stale => "last put there by stagegate; the alias was moved outside stagegate since",
            Self::StaleUnfinished => {
                "served before the unfinished release; the alias was moved outside stagegate since"
            }
            Self::Back => "is back already",
            Self::NoneBefore => "no version served before: it stays",
        }
    }
}

/// A version that is known to have had all calls before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// That version.
    pub from: Version,
    /// The one that came after it.
    pub to: Version,
    /// Who knows it: [`Rule::Journal`] or [`Rule::Searched`].
    pub rule: Rule,
    /// From when it had them, where that is known.
    pub since: Option<Timestamp>,
    /// Until when, where that is known.
    pub until: Option<Timestamp>,
}

/// The choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen {
    /// Where to; `None` = the alias did not exist before the unfinished release.
    pub version: Option<Version>,
    /// Which rule decided.
    pub rule: Rule,
}

/// Chooses; which versions there are to name instead is for the caller to say. From a version that a rollback has put
/// back nothing goes further back, unless a person names it. `history`, asked only when neither the
/// record nor a split decides, answers what the journals on this machine, and past calls where they were searched, know
/// of the alias: the first that fits decides. `person` says whether somebody will be asked before anything is written:
/// what a stale record leaves open, nobody and nothing else decides (SPEC §3).
pub fn choose(
    name: &str,
    alias: &Alias,
    description: &Description,
    to: Option<u64>,
    history: &dyn Fn() -> Vec<Known>,
    person: bool,
) -> Result<Chosen, Problem> {
    if let Some(number) = to {
        return Ok(Chosen { version: Some(Version::Number(number)), rule: Rule::Named });
    }
    let bad = description.record.as_ref().map(|r| r.bad.as_slice()).unwrap_or_default();
    if let Some(record) = &description.record {
        if !record.agrees_with(alias.version, &alias.weights) {
            return stale(name, alias, record, person);
        }
        if let Some(chosen) = recorded(name, record)? {
            return Ok(chosen);
        }
        // Whatever came before the version that a rollback has put back, a second one does not go there by itself.
        if record.state == RecordState::RolledBack {
            return Err(nothing_recorded(name, alias, Some(record)));
        }
    }
    if is_split(alias) {
        return Ok(Chosen { version: Some(alias.version), rule: Rule::Split });
    }
    match history().into_iter().find(|known| fits(known, alias, bad)) {
        Some(known) => Ok(Chosen { version: Some(known.from), rule: known.rule }),
        None => Err(nothing_recorded(name, alias, description.record.as_ref())),
    }
}

/// Another version gets a share of the calls, and AWS is not on its way with provisioned concurrency.
fn is_split(alias: &Alias) -> bool {
    !alias.weights.is_empty() && !is_moving_capacity(alias)
}

/// It came before the version that serves, and may serve again.
fn fits(known: &Known, alias: &Alias, bad: &[u64]) -> bool {
    known.to == alias.version && known.from != known.to && known.from.number().is_some() && !is_bad(known.from, bad)
}

fn recorded(name: &str, record: &Record) -> Result<Option<Chosen>, Problem> {
    match (record.state, record.from) {
        (RecordState::Undoing, Some(_)) => Ok(Some(Chosen { version: Some(record.to), rule: Rule::Unfinished })),
        (RecordState::Running | RecordState::Paused | RecordState::Undoing, from) => {
            Ok(Some(Chosen { version: from, rule: Rule::Unfinished }))
        }
        // What `$LATEST` was then is not what it is now: it counts as nothing.
        (RecordState::Promoted | RecordState::ByHand, None | Some(Version::Latest)) => {
            let why = match record.from {
                None => "created the alias: there is nothing it could go back to by itself",
                Some(_) => "found the alias on $LATEST: the code that served then may be gone",
            };
            let problem =
                Problem::new(Code::FirstRelease, format!("{name} had no version before {}", record.to.label()))
                    .why(format!("{} {why}", record.run))
                    .aws_now(format!("unchanged; {name} → {}", record.to.label()));
            Err(problem.fix(versions_of(name)))
        }
        (RecordState::Promoted | RecordState::ByHand, Some(from)) if !is_bad(from, &record.bad) => {
            Ok(Some(Chosen { version: Some(from), rule: Rule::Recorded }))
        }
        (RecordState::Promoted | RecordState::ByHand | RecordState::RolledBack, _) => Ok(None),
    }
}

/// Where a member of a release stays or goes that has no way back of its own, while the others have one: a person who
/// rolls a release back must not be stopped by the function that is new in it.
pub fn with_the_others(record: &Record, lead: &Record, alias: &Alias) -> Option<Chosen> {
    let stays = |rule| Some(Chosen { version: Some(alias.version), rule });
    match (record.state, lead.state) {
        _ if record.run != lead.run => None,
        (RecordState::RolledBack, _) => stays(Rule::Back),
        // Its record was closed first; the release is unfinished all the same.
        (RecordState::Promoted, RecordState::Running | RecordState::Paused) => {
            Some(Chosen { version: record.from, rule: Rule::Unfinished })
        }
        (RecordState::Promoted, _) if !record.had_stable() => stays(Rule::NoneBefore),
        _ => None,
    }
}

fn is_bad(version: Version, bad: &[u64]) -> bool {
    version.number().is_some_and(|n| bad.contains(&n))
}

fn stale(name: &str, alias: &Alias, record: &Record, person: bool) -> Result<Chosen, Problem> {
    let left = record.leaves();
    if person && left != alias.version {
        let rule = if left == record.to { Rule::Stale } else { Rule::StaleUnfinished };
        return Ok(Chosen { version: Some(left), rule });
    }
    if person && is_split(alias) {
        return Ok(Chosen { version: Some(alias.version), rule: Rule::Split });
    }
    let now = crate::split::alias::shares(alias.version, &alias.weights);
    let problem =
        Problem::new(Code::RecordStale, format!("{name} was moved outside stagegate, its record no longer holds"))
            .why(format!("the record says {}, the alias is on {now}", record.to.label()))
            .aws_now(format!("unchanged; {name} → {now}"));
    if record.to == alias.version && !alias.weights.is_empty() {
        return Err(problem.fix(format!("end the split: stagegate canary clear {name}")));
    }
    Err(problem.fix(versions_of(name)))
}

fn nothing_recorded(name: &str, alias: &Alias, record: Option<&Record>) -> Problem {
    let why = match record {
        None => {
            "the alias has no record; stagegate never moved it, or its description was overwritten since".to_owned()
        }
        Some(record) if record.state == RecordState::RolledBack => {
            format!("{} was rolled back already; nothing goes further back by itself", record.run)
        }
        Some(_) => "every version the record knows is marked bad".to_owned(),
    };
    Problem::new(Code::NothingRecorded, format!("nothing says where {name} should go back to"))
        .why(why)
        .aws_now(format!("unchanged; {name} → {}", alias.version.label()))
        .fix(versions_of(name))
}

/// Where the versions are listed that could be named instead, of `FUNCTION:ALIAS`.
pub fn versions_of(name: &str) -> String {
    let function = name.split_once(':').map_or(name, |(function, _)| function);
    format!("see which there are: stagegate versions {function}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RunId;

    const NAME: &str = "checkout-api:live";

    fn alias(version: u64) -> Alias {
        Alias {
            arn: "arn:aws:lambda:us-east-1:123456789012:function:checkout-api:live".into(),
            version: Version::Number(version),
            weights: std::collections::BTreeMap::new(),
            description: String::new(),
            revision: "r".into(),
        }
    }

    fn record(state: RecordState, from: Option<u64>, to: u64, bad: &[u64]) -> Description {
        let record = Record {
            run: RunId::new(5, 5),
            state,
            expires: None,
            from: from.map(Version::Number),
            to: Version::Number(to),
            members: 1,
            stage: None,
            stage_canary: false,
            shift: None,
            granted: false,
            bad: bad.to_vec(),
            gate_overridden: false,
            asks: false,
        };
        Description { text: String::new(), record: Some(record) }
    }

    fn journal(from: u64, to: u64) -> Known {
        let (from, to) = (Version::Number(from), Version::Number(to));
        Known { from, to, rule: Rule::Journal, since: None, until: None }
    }

    fn version(chosen: Result<Chosen, Problem>) -> (Option<u64>, Rule) {
        let chosen = chosen.unwrap();
        (chosen.version.and_then(Version::number), chosen.rule)
    }

    #[test]
    fn the_record_decides_before_the_journal() {
        let history = || vec![journal(7, 42)];
        let record = record(RecordState::Promoted, Some(41), 42, &[]);
        assert_eq!(version(choose(NAME, &alias(42), &record, None, &history, false)), (Some(41), Rule::Recorded));
        assert_eq!(version(choose(NAME, &alias(42), &record, Some(39), &history, false)), (Some(39), Rule::Named));
    }

    #[test]
    fn decision_a_version_rolled_back_from_is_not_returned_to_by_itself() {
        let rolled_back = record(RecordState::RolledBack, Some(42), 41, &[42]);
        let error = choose(NAME, &alias(41), &rolled_back, None, &Vec::new, false).unwrap_err();
        assert_eq!(error.code, Code::NothingRecorded);
        let history = || vec![journal(40, 41), searched(40, 41)];
        let again = choose(NAME, &alias(41), &rolled_back, None, &history, false).unwrap_err();
        assert_eq!(again.code, Code::NothingRecorded, "a second rollback goes no further, whatever is known here");
        assert_eq!(version(choose(NAME, &alias(41), &rolled_back, Some(40), &history, false)), (Some(40), Rule::Named));
        let none = Description::default();
        assert_eq!(version(choose(NAME, &alias(41), &none, None, &history, false)), (Some(40), Rule::Journal));
        let bad_before = record(RecordState::Promoted, Some(41), 42, &[41]);
        assert_eq!(
            choose(NAME, &alias(42), &bad_before, None, &Vec::new, false).unwrap_err().code,
            Code::NothingRecorded
        );
    }

    #[test]
    fn decision_a_stale_record_needs_a_person_or_a_number() {
        let record = record(RecordState::Promoted, Some(41), 42, &[]);
        assert_eq!(choose(NAME, &alias(43), &record, None, &Vec::new, false).unwrap_err().code, Code::RecordStale);
        assert_eq!(version(choose(NAME, &alias(43), &record, None, &Vec::new, true)), (Some(42), Rule::Stale));
    }

    #[test]
    fn decision_a_stale_record_of_a_release_in_flight_offers_what_served_before_it() {
        for state in [RecordState::Running, RecordState::Paused] {
            let record = record(state, Some(41), 42, &[]);
            let chosen = choose(NAME, &alias(40), &record, None, &Vec::new, true);
            assert_eq!(version(chosen), (Some(41), Rule::StaleUnfinished));
            let split = Alias { weights: [(43, 0.1)].into(), ..alias(41) };
            assert_eq!(version(choose(NAME, &split, &record, None, &Vec::new, true)), (Some(41), Rule::Split));
        }
    }

    fn searched(from: u64, to: u64) -> Known {
        Known { rule: Rule::Searched, ..journal(from, to) }
    }

    #[test]
    fn decision_what_a_stale_record_leaves_open_past_calls_do_not_decide() {
        let record = record(RecordState::Promoted, Some(41), 42, &[]);
        let history = || vec![searched(39, 43), journal(39, 43)];
        assert_eq!(choose(NAME, &alias(43), &record, None, &history, false).unwrap_err().code, Code::RecordStale);
        assert_eq!(version(choose(NAME, &alias(43), &record, None, &history, true)), (Some(42), Rule::Stale));
    }

    #[test]
    fn decision_a_split_without_a_record_ends_on_its_stable_version() {
        let none = Description::default();
        let history = || vec![searched(41, 42), journal(41, 42)];
        let split = Alias { weights: [(43, 0.1)].into(), ..alias(42) };
        assert_eq!(version(choose(NAME, &split, &none, None, &history, false)), (Some(42), Rule::Split));
        let capacity = Alias { weights: [(41, 1.0)].into(), ..alias(42) };
        assert_eq!(version(choose(NAME, &capacity, &none, None, &history, false)), (Some(41), Rule::Searched));
        let left = record(RecordState::Promoted, Some(41), 42, &[]);
        let refused = choose(NAME, &split, &left, None, &history, false).unwrap_err();
        assert_eq!(refused.code, Code::RecordStale);
        assert!(refused.fix[0].contains("canary clear"), "{refused:?}");
        assert_eq!(version(choose(NAME, &split, &left, None, &history, true)), (Some(42), Rule::Split));
    }

    #[test]
    fn decision_a_finished_first_release_is_never_undone_by_guessing() {
        let record = record(RecordState::Promoted, None, 1, &[]);
        assert_eq!(choose(NAME, &alias(1), &record, None, &Vec::new, true).unwrap_err().code, Code::FirstRelease);
    }

    #[test]
    fn an_unfinished_release_goes_back_to_what_it_started_from() {
        let moved = record(RecordState::Running, Some(41), 42, &[]);
        assert_eq!(version(choose(NAME, &alias(42), &moved, None, &Vec::new, false)), (Some(41), Rule::Unfinished));
        let created = record(RecordState::Running, None, 1, &[]);
        assert_eq!(version(choose(NAME, &alias(1), &created, None, &Vec::new, false)), (None, Rule::Unfinished));
    }

    #[test]
    fn without_any_record_there_is_no_number_minus_one() {
        let none = Description { text: "Orders".into(), record: None };
        assert_eq!(choose(NAME, &alias(42), &none, None, &Vec::new, true).unwrap_err().code, Code::NothingRecorded);
    }
}
