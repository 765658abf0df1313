//! The core from outside: reports, policies and steps.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that meets the unexpected should panic"
)]

#[path = "../../../../fuzz/harness.rs"]
mod harness;

mod akm;
mod contract;
mod inventory;
mod owner;
mod policy;
mod properties;
mod report;
mod sample;
mod steps;
mod token;

use keytender_core::key::Key;
use keytender_core::policy::{Assessment, Policy};
use keytender_core::time::Time;

/// A moment.
fn time(text: &str) -> Time {
    Time::parse(text).unwrap()
}

/// The ids of the rules that `key` breaks.
fn broken(policy: &Policy, key: &Key<'_>, now: Time) -> Vec<String> {
    let mut assessment = Assessment::default();
    policy.assess(key, now, &mut assessment);
    policy.findings(&assessment).map(|finding| finding.rule.id.clone()).collect()
}
