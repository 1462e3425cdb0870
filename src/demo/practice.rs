//! The demo's account for somebody who plays the release engineer: the program's own commands run on it.

use std::time::Duration;

use super::traffic::Street;
use super::{DemoOptions, Shop, broken};
use crate::aws::{Aws, AwsError, Call, Reply};
use crate::clock::Clock;
use crate::event::Silent;
use crate::problem::Problem;
use crate::world::World;
use jiff::Timestamp;

/// The configuration file of whoever works there. Nothing in it is special to the demo.
pub const CONFIG: &str = r#"schema = 1

[project]
name = "checkout"

[target.prod]
functions      = ["checkout-api"]
alias          = "live"
api            = "a1b2c3d4e5"
stage          = "prod"
alias_variable = "lambdaAlias"
protected      = true

[target.prod.canary]
steps   = ["5% 10m", "25% 10m", "50% 10m"]
approve = ["50%"]
"#;

/// The account with its clients.
pub struct Practice {
    world: World,
    shop: Shop,
    options: DemoOptions,
}

impl Practice {
    /// Opens it.
    ///
    /// # Errors
    /// The demo contradicts itself: a bug of stagegate.
    pub fn open(options: &DemoOptions) -> Result<Self, Problem> {
        let shop = Shop::new().map_err(|error| broken(&error.to_string()))?;
        let world = shop.open(options.start, options.regress).map_err(|error| broken(&error.to_string()))?;
        world.set_load(shop.crowd(options.regress, options.seed));
        Ok(Self { world, shop, options: *options })
    }

    /// The region it is in.
    pub fn region(&self) -> String {
        self.world.look(|account| account.settings.region.clone())
    }

    /// AWS and time, as a command sees them.
    pub fn account(&self) -> PracticeAccount<'_> {
        PracticeAccount(Street::new(&self.world, &self.shop, &Silent, &self.options))
    }
}

/// AWS, modelled, in virtual time at a pace that people can follow.
pub struct PracticeAccount<'a>(Street<'a>);

impl Aws for PracticeAccount<'_> {
    async fn call(&self, call: &Call) -> Result<Reply, AwsError> {
        self.0.call(call).await
    }
}

impl Clock for &PracticeAccount<'_> {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn sleep(&self, time: Duration) {
        self.0.sleep(time).await;
    }
}
