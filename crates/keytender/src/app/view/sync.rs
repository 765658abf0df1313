//! Looks at accounts, in JSON.

use std::collections::BTreeMap;

use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::sync::Outcome;
use crate::store::syncs::Sync;

/// A look at an account that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SyncView {
    /// The id.
    #[schema(example = "syn_0dj2c8xk3v9q4")]
    pub id: String,
    /// When it began.
    pub started_at: Time,
    /// When it ended.
    pub finished_at: Time,
    /// When what it saw was so; null if it saw nothing.
    pub observed_at: Option<Time>,
    /// When the credential report was made that it used.
    pub reported_at: Option<Time>,
    /// How many keys it saw.
    pub keys: u64,
    /// How many records it changed.
    pub changes: u64,
    /// Why it saw nothing.
    pub error: Option<String>,
    /// What was odd.
    pub warnings: Vec<String>,
}

impl SyncView {
    /// The view of a look.
    pub fn of(sync: &Sync) -> Self {
        Self {
            id: sync.id.to_string(),
            started_at: sync.started_at,
            finished_at: sync.finished_at,
            observed_at: sync.observed_at,
            reported_at: sync.reported_at,
            keys: sync.keys,
            changes: sync.changes,
            error: sync.error.clone(),
            warnings: sync.warnings.clone(),
        }
    }
}

/// A page of looks at an account.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SyncList {
    /// The looks, newest first.
    pub syncs: Vec<SyncView>,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What a look at an account came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SyncedView {
    /// The account's name.
    pub account: String,
    /// How many keys it has; 0 if it was not seen.
    pub keys: u64,
    /// What happened to keys since the look before, and to how many: `found`, `rotated`, `suspended`,
    /// `resumed`, `changed`, `first-used`, `missing`, `back`, `destroyed`.
    #[schema(example = json!({"found": 3}))]
    pub events: BTreeMap<String, u64>,
    /// How many records were written.
    pub changes: u64,
    /// What was odd.
    pub warnings: Vec<String>,
    /// Why it was not seen; absent if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The names of accounts that were found through it, and added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<String>,
    /// What looks at its members came to, of an organization.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub members: Vec<SyncedView>,
}

impl SyncedView {
    /// The view of an outcome.
    pub fn of(outcome: Outcome) -> Self {
        let (account, added, members) = (outcome.account.name, outcome.added, Vec::new());
        match outcome.result {
            Ok(report) => Self {
                account,
                keys: report.keys,
                events: report
                    .events
                    .into_iter()
                    .map(|(event, times)| (event.as_str().to_owned(), times))
                    .collect(),
                changes: report.changes,
                warnings: report.warnings,
                error: None,
                added,
                members,
            },
            Err(error) => Self {
                account,
                keys: 0,
                events: BTreeMap::new(),
                changes: 0,
                warnings: Vec::new(),
                error: Some(error.report()),
                added,
                members,
            },
        }
    }
}
