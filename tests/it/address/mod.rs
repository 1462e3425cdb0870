//! From a URL to the stage and the route that answer it.

mod calls;
mod same_as_aws;

use futures_util::FutureExt;
use jiff::Timestamp;
use stagegate::address::{Address, Found, find};
use stagegate::clock::VirtualClock;
use stagegate::model::{ApiId, StageRef};
use stagegate::problem::Problem;
use stagegate::world::{Behaviour, World};

/// The stages that mappings and rules can lead to: of two REST APIs, and of an HTTP API.
pub const STAGES: [&str; 6] = ["r1/dev", "r1/prod", "r2/dev", "r2/prod", "h1/$default", "h1/dev"];
/// How many of them are of REST APIs.
pub const REST: usize = 4;

pub fn stage(text: &str) -> StageRef {
    text.parse().unwrap()
}

/// [`STAGES`], each with a route for every path, and no domain name yet.
pub fn world() -> World {
    let world = World::new(VirtualClock::at(Timestamp::UNIX_EPOCH));
    world.set_quotas(false);
    let function = "any".parse().unwrap();
    world.edit(|account| {
        account.create_function(&function, "code", Behaviour::default());
        for (n, text) in STAGES.iter().enumerate() {
            let StageRef { api, stage } = stage(text);
            if n >= REST {
                if account.http_api_mut(&api).is_err() {
                    account.create_http_api(&api, "http");
                    account.put_http_route(&api, "$default", &function, "").unwrap();
                }
                account.create_http_stage(&api, &stage, false, &[]).unwrap();
            } else {
                if account.api_mut(&api).is_err() {
                    account.create_rest_api(&api, "rest");
                    account.put_route(&api, "ANY", "/{proxy+}", &function, "").unwrap();
                }
                let deployment = account.deploy(&api, "").unwrap();
                account.create_stage(&api, &stage, &deployment, &[]).unwrap();
            }
        }
    });
    world
}

pub fn api(text: &str) -> ApiId {
    text.parse().unwrap()
}

/// Asks the World where a URL leads.
pub fn locate(world: &World, url: &str, headers: &[(String, String)]) -> Result<Found, Problem> {
    let address: Address = url.parse().unwrap();
    world.reset_count();
    find(world, &address, headers).now_or_never().expect("the process died")
}
