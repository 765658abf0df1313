//! The log of acts, in JSON.

use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::store::acts::Act;

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActView {
    /// The id.
    #[schema(example = "act_0dj2c8xk3v9q4")]
    pub id: String,
    /// When.
    pub at: Time,
    /// By whom.
    pub actor: String,
    /// From where.
    pub origin: String,
    /// What.
    #[schema(example = "key.disable")]
    pub verb: String,
    /// How far it has come: `intent` (about to be tried), `done` or `failed`.
    pub stage: String,
    /// What kind of thing it was done to.
    #[schema(example = "key")]
    pub target_kind: String,
    /// Its id.
    pub target: String,
    /// Why, in the actor's words.
    pub why: Option<String>,
    /// What else is known.
    #[schema(value_type = Object)]
    pub details: Value,
}

impl ActView {
    /// The view of an act.
    pub fn of(act: Act) -> Self {
        Self {
            id: act.id.to_string(),
            at: act.at,
            actor: act.actor,
            origin: act.origin,
            verb: act.verb,
            stage: act.stage,
            target_kind: act.target_kind,
            target: act.target_id,
            why: act.why,
            details: serde_json::from_str(&act.details).unwrap_or_default(),
        }
    }
}

/// A page of the log.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ActList {
    /// The acts, the newest first.
    pub acts: Vec<ActView>,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What a verification of the log found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerifiedView {
    /// Whether the log is whole and as it was written.
    pub is_whole: bool,
    /// How many acts the chain holds, as far as it holds.
    pub acts: i64,
    /// How many of them a checkpoint outside of the database proves.
    pub proved: i64,
    /// When that checkpoint was written.
    pub proved_at: Option<Time>,
    /// What does not hold, in a sentence.
    pub broken: Option<String>,
    /// Where the checkpoints are, on the machine of the inventory.
    pub checkpoints: String,
}
