//! AWS as one look sees it: the job takes the release up with the first write, and not before.

use std::cell::Cell;

use super::{App, job};
use crate::aws::{Aws, AwsError, Call, Kind, Reply};
use crate::model::RunId;

/// Passes calls on, and notes in the job that the release is its own before the first that is no read is sent.
pub struct Looking<'a, A> {
    aws: &'a A,
    app: &'a App,
    run: &'a RunId,
    taken: Cell<bool>,
}

impl<'a, A> Looking<'a, A> {
    /// Around `aws`. Whoever does not only look takes the release up at once.
    pub fn new(app: &'a App, aws: &'a A, run: &'a RunId, only_looks: bool) -> Self {
        let this = Self { aws, app, run, taken: Cell::new(false) };
        if !only_looks {
            this.take_up();
        }
        this
    }

    fn take_up(&self) {
        if !self.taken.replace(true) {
            job::takes_up(&self.app.env, self.run);
        }
    }
}

impl<A: Aws> Aws for Looking<'_, A> {
    async fn call(&self, call: &Call) -> Result<Reply, AwsError> {
        if call.operation().kind() != Kind::Read {
            self.take_up();
        }
        self.aws.call(call).await
    }
}
