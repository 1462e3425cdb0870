//! The variables that the record in an alias has no room for: what they were stands in the description of the deployment
//! that the release made (SPEC §3).

use super::{Recall, StageBack, WayBack};
use crate::aws::Aws;
use crate::clock::Clock;
use crate::definition::Marker;
use crate::engine::Engine;
use crate::journal::Journal;
use crate::model::VariableChange;
use crate::problem::{Code, Problem};

impl<A: Aws, C: Clock, J: Journal> Engine<'_, A, C, J> {
    /// The stage's way back with the variables that its deployment remembers. When they are not to be had, the rest goes
    /// back all the same, and the second answer says what is missing.
    pub(super) async fn recalled(&self, way: &WayBack, back: &StageBack) -> (StageBack, Option<Problem>) {
        let mut whole = StageBack { recall: None, ..back.clone() };
        let Some(recall) = back.recall else { return (whole, None) };
        let found = match self.deployed_by(&back.stage.api, &way.run).await {
            Ok(found) => found,
            Err(problem) => return (whole, Some(forgotten(way, back, &problem.what))),
        };
        let marker = found.as_ref().and_then(|deployment| deployment.description.parse::<Marker>().ok());
        match marker.map(|marker| marker.variables) {
            Some(Some(variables)) => {
                variables.into_iter().for_each(|change| remember(&mut whole, recall, change));
                (whole, None)
            }
            Some(None) => (whole, Some(forgotten(way, back, "the description of its deployment cannot be read"))),
            // It is made before any variable is set.
            None if !recall.finished => (whole, None),
            None => (whole, Some(forgotten(way, back, "the deployment that it made does not exist any more"))),
        }
    }
}

fn remember(whole: &mut StageBack, recall: Recall, change: VariableChange) {
    let VariableChange { name, before, want } = change;
    let (to, from) = if recall.again { (Some(want), before) } else { (before, Some(want)) };
    whole.before.variables.insert(name.clone(), to);
    whole.ours.variables.insert(name, from);
}

fn forgotten(way: &WayBack, back: &StageBack, why: &str) -> Problem {
    let what = format!("variables of {} that {} set are left as they are", back.stage, way.run);
    Problem::new(Code::VariablesForgotten, what)
        .why(why)
        .why("what they were stands in the description of that deployment, and nowhere else in AWS")
        .fix(format!("look which they are: stagegate status {}", back.stage))
        .fix(format!("on the machine that ran it, its journal knows them: stagegate history {}", back.stage))
}
