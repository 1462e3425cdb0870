//! What IAM's simulator says of the caller.

use super::account::Account;
use crate::aws::noun::{Page, Simulated};
use crate::aws::operation::SimulatePrincipalPolicy;

/// Results on one page (`MaxItems`, by default).
const PAGE: usize = 100;

impl Account {
    pub(super) fn simulate(&self, call: &SimulatePrincipalPolicy) -> Page<Simulated> {
        let any = ["*".to_owned()];
        let resources = if call.resources.is_empty() { &any[..] } else { &call.resources };
        let denied = &self.settings.simulated_denials;
        let of = |action: &String| {
            let is_denied = |resource: &String| {
                denied.contains(action) || denied.contains("*") || denied.contains(&format!("{action} {resource}"))
            };
            let each = resources.iter().map(|resource| Simulated {
                action: action.clone(),
                resource: resource.clone(),
                allowed: !is_denied(resource),
            });
            each.collect::<Vec<_>>()
        };
        let all: Vec<Simulated> = call.actions.iter().flat_map(of).collect();
        let from: usize = call.next.as_ref().and_then(|token| token.parse().ok()).unwrap_or_default();
        let items: Vec<Simulated> = all.iter().skip(from).take(PAGE).cloned().collect();
        let to = from + items.len();
        Page { items, next: (to < all.len()).then(|| to.to_string()) }
    }
}
