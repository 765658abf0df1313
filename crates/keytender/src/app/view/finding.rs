//! Findings, in JSON.

use keytender_core::policy::{Action, Severity};
use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::findings::Finding;

/// A rule that a key breaks or broke.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FindingView {
    /// The key.
    #[schema(example = "key_0dj2c8xk3v9q4")]
    pub key: String,
    /// The rule.
    #[schema(example = "key-over-a-year")]
    pub rule: String,
    /// How serious it is.
    pub severity: Severity,
    /// What to do about it.
    pub action: Action,
    /// From when on the key breaks the rule, if that is known.
    pub since: Option<Time>,
    /// When that was found.
    pub found_at: Time,
    /// When it was found to be over; null while the key breaks the rule.
    pub resolved_at: Option<Time>,
}

/// A page of findings.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FindingList {
    /// The findings, the newest first.
    pub findings: Vec<FindingView>,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl FindingView {
    /// The view of a finding.
    pub fn of(finding: &Finding) -> Self {
        Self {
            key: finding.key_id.to_string(),
            rule: finding.rule.clone(),
            severity: finding.severity,
            action: finding.action,
            since: finding.since,
            found_at: finding.found_at,
            resolved_at: finding.resolved_at,
        }
    }
}
