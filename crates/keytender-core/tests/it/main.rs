//! The core from outside: reports, policies and steps.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that meets the unexpected should panic, and says when it is skipped"
)]

#[path = "../../../../fuzz/harness.rs"]
mod harness;

mod akm;
#[cfg(feature = "schema")]
mod apis_json;
mod conform;
mod contract;
mod draft;
#[cfg(feature = "schema")]
mod index;
mod inventory;
mod owner;
mod policy;
mod properties;
mod report;
mod rotation;
mod sample;
#[cfg(feature = "schema")]
mod schema;
mod steps;
mod token;

use std::path::{Path, PathBuf};

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

/// What the tests run beside, by the variable that `scripts/test` sets; says so where it is not
/// there.
fn partner(variable: &str) -> Option<String> {
    let value = std::env::var(variable).ok();
    if value.is_none() {
        eprintln!("skipped: {variable} is not set; scripts/test sets it");
    }
    value
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Holds a text that is made against the one in the repository.
fn hold(path: &str, now: &str) {
    let path = root().join(path);
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    if kept != now && std::env::var_os("KEYTENDER_TEST_ACCEPT").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, now).unwrap();
        return;
    }
    let path = path.display();
    assert!(kept == now, "{path}: look at it, then run again with KEYTENDER_TEST_ACCEPT=1");
}
