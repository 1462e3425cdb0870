//! What whoever names a target by its URL has to read.

use super::*;
use crate::aws::noun::RoutingMode;

/// Everything that it takes to find the stage that a URL reaches.
pub(super) fn calls() -> Vec<Call> {
    let this = Try::new();
    let stage = this.shop.stage.clone();
    let mode = RoutingMode::RoutingRuleThenApiMapping;
    this.world.edit(|account| {
        for (name, edge) in [("edge.example.com", true), ("api.example.com", false)] {
            account.create_domain_name(name, mode.clone(), edge);
            account.map_base_path(name, "", &stage.api, Some(&stage.stage)).unwrap();
        }
    });
    let hosts = ["edge.example.com", "api.example.com", "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"];
    hosts
        .into_iter()
        .flat_map(|host| {
            this.world.reset_count();
            let url = format!("https://{host}/").parse().unwrap();
            address::find(&this.world, &url, &[]).now_or_never().unwrap().unwrap();
            this.calls()
        })
        .collect()
}
