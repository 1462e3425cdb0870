//! Reading what a permission command is about. Every API's definition is read once, whatever the number of its stages.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::call::{self, StageCall};
use super::prune::named_stage;
use super::subject::Subject;
use crate::aws::noun::{Alias, Policy};
use crate::aws::operation::{GetAlias, GetPolicy};
use crate::aws::{Aws, AwsExt as _, Request, explain, gateway};
use crate::clock::Clock;
use crate::definition::LiveApi;
use crate::model::{AliasName, ApiId, FunctionName, Record, RunId, StageRef};
use crate::plan::{ObservedStage, Observer, read_description};
use crate::problem::{Code, Problem};

/// Aliases read at the same time.
const PARALLEL: usize = 8;

/// A function's alias, by name.
type Pair = (FunctionName, AliasName);

/// What shall be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// These aliases, whatever calls them.
    pub aliases: Vec<Pair>,
    /// These stages, which must exist.
    pub stages: Vec<StageRef>,
    /// Also every alias that those stages call.
    pub called: bool,
    /// Also every stage that policies and records of the aliases name.
    pub named: bool,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Look {
    /// The aliases, sorted.
    pub subjects: Vec<Subject>,
    /// The stages, sorted.
    pub stages: Vec<KnownStage>,
    /// Records of the aliases, and of all that these stages call, by `function:alias`.
    pub records: BTreeMap<String, Record>,
    /// A record that cannot be read: whether a release is in flight, and where its way back goes, is not known.
    pub unread: Option<Box<Problem>>,
    /// What could not be looked at, one line each.
    pub notes: Vec<String>,
}

/// A stage, as far as it is known.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownStage {
    /// Which.
    pub stage_ref: StageRef,
    /// What is known of it.
    pub known: Known,
}

/// What is known of a stage.
#[derive(Debug, Clone, PartialEq)]
pub enum Known {
    /// It was read.
    Read(Box<ObservedStage>),
    /// API Gateway answered 404 in this account and region, for both kinds of API.
    Gone,
    /// It exists, or may, and why it cannot be read.
    Unreadable(String),
}

impl Look {
    /// What is known of a stage; `None` when it was not looked at.
    pub fn stage(&self, stage: &StageRef) -> Option<&Known> {
        self.stages.iter().find(|one| one.stage_ref == *stage).map(|one| &one.known)
    }

    /// The stages that were read.
    pub fn read(&self) -> impl Iterator<Item = &ObservedStage> {
        self.stages.iter().filter_map(|one| match &one.known {
            Known::Read(observed) => Some(&**observed),
            Known::Gone | Known::Unreadable(_) => None,
        })
    }

    /// A release whose way back, or way forward again, points a stage elsewhere.
    pub fn way_back(&self, stage: &StageRef) -> Option<&RunId> {
        let names = |record: &&Record| record.stage.as_ref().is_some_and(|recorded| recorded.stage == *stage);
        self.records.values().find(names).map(|record| &record.run)
    }

    /// An alias that a release holds, with its record.
    pub fn in_flight(&self) -> Option<(&str, &Record)> {
        self.records
            .iter()
            .find(|(_, record)| record.state.holds_lock())
            .map(|(label, record)| (label.as_str(), record))
    }
}

/// Reads.
///
/// # Errors
/// A stage that must exist does not, or AWS cannot be read.
pub async fn look<A: Aws, C: Clock>(
    observer: &Observer<'_, A, C>,
    region: &str,
    wanted: &Wanted,
) -> Result<Look, Problem> {
    let mut reader = Reader { observer, region, look: Look::default(), definitions: BTreeMap::new() };
    for stage in &wanted.stages {
        reader.must_read(stage).await?;
    }
    let mut pairs: BTreeSet<Pair> = wanted.aliases.iter().cloned().collect();
    if wanted.called {
        pairs.extend(reader.calls().into_iter().map(|call| (call.function, call.alias)));
    }
    reader.subjects(pairs.into_iter().collect()).await?;
    if wanted.named {
        for stage in reader.named() {
            reader.may_read(stage).await?;
        }
    }
    reader.assign().await?;
    reader.note_unset();
    reader.look.stages.sort_by(|a, b| a.stage_ref.cmp(&b.stage_ref));
    Ok(reader.look)
}

struct Reader<'r, 'a, A, C> {
    observer: &'r Observer<'a, A, C>,
    region: &'r str,
    look: Look,
    definitions: BTreeMap<ApiId, LiveApi>,
}

impl<A: Aws, C: Clock> Reader<'_, '_, A, C> {
    async fn must_read(&mut self, stage: &StageRef) -> Result<(), Problem> {
        if self.look.stage(stage).is_some() {
            return Ok(());
        }
        let observed = self.observer.stage_with(stage, self.definitions.get(&stage.api)).await?;
        self.definitions.entry(stage.api.clone()).or_insert_with(|| observed.live.clone());
        self.knows(stage, Known::Read(Box::new(observed)));
        Ok(())
    }

    /// A stage that only a policy or a record names: it may be gone, or not ours to see. Everything else that fails is a
    /// failure: what was not answered proves nothing.
    async fn may_read(&mut self, stage: StageRef) -> Result<(), Problem> {
        let read = match gateway::stage(self.observer.aws, &stage).await {
            Ok(None) => {
                self.knows(&stage, Known::Gone);
                return Ok(());
            }
            Ok(Some(_)) => self.must_read(&stage).await,
            Err(problem) => Err(problem),
        };
        match read {
            Err(problem) if matches!(problem.code, Code::AccessDenied | Code::ApiKindUnsupported) => {
                self.knows(&stage, Known::Unreadable(problem.what));
                Ok(())
            }
            other => other,
        }
    }

    fn knows(&mut self, stage: &StageRef, known: Known) {
        self.look.stages.push(KnownStage { stage_ref: stage.clone(), known });
    }

    fn calls(&self) -> Vec<StageCall> {
        self.look.read().flat_map(|observed| call::calls(observed, self.region)).collect()
    }

    async fn subjects(&mut self, pairs: Vec<Pair>) -> Result<(), Problem> {
        let aws = self.observer.aws;
        let found: Vec<_> =
            stream::iter(pairs).map(|pair| with_policy(aws, pair)).buffered(PARALLEL).try_collect().await?;
        for ((function, alias), found) in found {
            let record = found.as_ref().and_then(|(found, _)| self.record(format!("{function}:{alias}"), found));
            let exists = found.is_some();
            let (arn, policy) = found.map(|(found, policy)| (found.arn, policy)).unwrap_or_default();
            let subject = Subject { function, alias, arn, exists, policy, record, calls: Vec::new() };
            subject.document()?;
            self.look.subjects.push(subject);
        }
        Ok(())
    }

    /// Stages in this account and region that policies and records of the subjects name, and that were not read.
    fn named(&self) -> BTreeSet<StageRef> {
        let of_policy = |subject: &Subject| -> Vec<StageRef> {
            let document = subject.document().unwrap_or_default();
            let sources = document.statements.iter().flat_map(|one| &one.conditions).flat_map(|one| &one.values);
            sources.filter_map(|source| named_stage(source, &subject.arn)).collect()
        };
        let of_record = |subject: &Subject| Some(subject.record.as_ref()?.stage.as_ref()?.stage.clone());
        let all = self.look.subjects.iter().flat_map(|one| of_policy(one).into_iter().chain(of_record(one)));
        all.filter(|stage| self.look.stage(stage).is_none()).collect()
    }

    /// Hands every call to its alias, and reads the records of the other aliases that are called.
    async fn assign(&mut self) -> Result<(), Problem> {
        let mut others: BTreeSet<Pair> = BTreeSet::new();
        for call in self.calls() {
            let mut known = self.look.subjects.iter_mut();
            match known.find(|one| one.function == call.function && one.alias == call.alias) {
                // One that does not exist has no ARN of its own.
                Some(one) if one.arn.is_empty() || one.arn == call.arn => {
                    one.arn.clone_from(&call.arn);
                    one.calls.push(call);
                }
                Some(_) => self.look.notes.push(format!(
                    "{} of {} calls {}, which is in another account or region: its policy is not looked at",
                    call.caller, call.stage, call.arn
                )),
                None => {
                    others.insert((call.function, call.alias));
                }
            }
        }
        for (function, alias) in others {
            let label = format!("{function}:{alias}");
            if let Some(found) = ask(self.observer.aws, GetAlias { function, alias }).await? {
                self.record(label, &found);
            }
        }
        Ok(())
    }

    /// Calls that no policy can let in, because they reach nothing.
    fn note_unset(&mut self) {
        let unset = self.look.read().filter_map(|observed| Some((&observed.stage_ref, call::unset(observed)?)));
        let notes = unset.map(|(stage, (routes, names))| {
            let (names, s) = (names.join(", "), if routes == 1 { "" } else { "s" });
            format!("{routes} route{s} of {stage} answer 500: stage variable {names} is not set")
        });
        let notes: Vec<String> = notes.collect();
        self.look.notes.extend(notes);
    }

    fn record(&mut self, label: String, alias: &Alias) -> Option<Record> {
        match read_description(&label, Some(alias)) {
            Ok(description) => {
                let record = description.record?;
                self.look.records.insert(label, record.clone());
                Some(record)
            }
            Err(problem) => {
                self.look.notes.push(problem.what.clone());
                self.look.unread.get_or_insert(Box::new(problem));
                None
            }
        }
    }
}

async fn with_policy<A: Aws>(
    aws: &A,
    (function, alias): Pair,
) -> Result<(Pair, Option<(Alias, Option<Policy>)>), Problem> {
    let (f, a) = (function.clone(), alias.clone());
    let Some(found) = ask(aws, GetAlias { function: f.clone(), alias: a.clone() }).await? else {
        return Ok(((function, alias), None));
    };
    let policy = ask(aws, GetPolicy { function: f, alias: a }).await?;
    Ok(((function, alias), Some((found, policy))))
}

async fn ask<A: Aws, R: Request + Clone>(aws: &A, request: R) -> Result<Option<R::Reply>, Problem> {
    let call = request.clone().call();
    aws.find(request).await.map_err(|error| explain::problem(call.operation(), &call.subject(), &error))
}
