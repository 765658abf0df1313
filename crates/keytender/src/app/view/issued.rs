//! What a key of our own API is beside a key, in JSON.

use keytender_core::id::KeyId;
use keytender_core::time::{Span, Time};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{PlaceView, UsageView};
use crate::store::issued::{Issued, NATIVE};

/// What is known of a key because we issued it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IssuedView {
    /// The id of its API.
    #[schema(example = "api_0dj2c8xk3v9q4")]
    pub api: String,
    /// The id of its app.
    #[schema(example = "app_0dj2c8xk3v9q4")]
    pub app: String,
    /// `live`, or `test` for trying.
    #[schema(example = "live")]
    pub environment: String,
    /// What it may do, in the API's own words.
    #[schema(example = json!(["orders:read"]))]
    pub scopes: Vec<String>,
    /// From where it may be used, in CIDR notation; empty: from everywhere.
    pub networks: Vec<String>,
    /// The key whose place it takes.
    pub replaces: Option<String>,
    /// The key that takes its place.
    pub replaced_by: Option<String>,
    /// For how long the key whose place it takes works on, once this one is used.
    pub overlap: Option<Span>,
    /// When it stops because another has taken its place.
    pub retires_at: Option<Time>,
    /// Since when it works.
    pub activated_at: Option<Time>,
    /// When it was ended.
    pub revoked_at: Option<Time>,
    /// Why it was ended.
    pub revoked_why: Option<String>,
    /// Of a key that others issued, how it begins and how it is recognised.
    #[serde(default)]
    pub imported: Option<ImportedView>,
}

/// A key that others issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportedView {
    /// How it begins, if that is known.
    #[schema(example = "sk_9f2a")]
    pub begins: Option<String>,
    /// By which rule it is recognised until it is used for the first time; `native` from then on.
    #[schema(example = "native")]
    pub kept: String,
}

impl ImportedView {
    /// In words.
    pub fn words(&self) -> String {
        let begins = self.begins.as_ref().map(|begins| format!("begins with {begins}; "));
        let kept = match self.kept.as_str() {
            NATIVE => "recognised by its own HMAC".to_owned(),
            rule => format!("recognised by {rule} until its first use"),
        };
        format!("{}{kept}", begins.unwrap_or_default())
    }
}

/// Keys of an API that others issued.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecognisersView {
    /// How such keys are recognised, and how many in each way.
    pub recognisers: Vec<RecogniserView>,
}

/// How keys are recognised that others issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecogniserView {
    /// `native`: by the HMAC of the key under a pepper; or by which hash, of which part of the key, and what leads to it.
    #[schema(example = "sha256 whole")]
    pub rule: String,
    /// How many keys are recognised so. Those of another rule become native with their first use.
    pub keys: u64,
}

/// A pepper, under which keys are kept that others issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PepperView {
    /// From 1; the highest is the present one.
    pub version: i64,
}

impl IssuedView {
    /// The view of it.
    pub fn of(issued: &Issued) -> Self {
        let key = |id: Option<KeyId>| id.map(|id| id.to_string());
        Self {
            api: issued.api_id.to_string(),
            app: issued.app_id.to_string(),
            environment: issued.environment.clone(),
            scopes: issued.scopes.clone(),
            networks: issued.networks.clone(),
            replaces: key(issued.replaces),
            replaced_by: key(issued.replaced_by),
            overlap: issued.overlap,
            retires_at: issued.retires_at,
            activated_at: issued.activated_at,
            revoked_at: issued.revoked_at,
            revoked_why: issued.revoked_why.clone(),
            imported: issued
                .elsewhere
                .as_ref()
                .map(|one| ImportedView { begins: one.begins.clone(), kept: one.kept.clone() }),
        }
    }
}

/// A new key. Its text is shown this once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewKeyView {
    /// The id of the key; `/v1/keys` tells more of it.
    #[schema(example = "key_0dj2c8xk3v9q4")]
    pub key: String,
    /// What a program shows, in `Authorization: Bearer …`.
    #[schema(example = "acme_live_…")]
    pub secret: String,
}

/// The two keys of a rotation, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RotationView {
    /// The key before.
    pub before: String,
    /// The key after.
    pub after: String,
    /// How it stands.
    pub stage: RotationStage,
    /// For how long both work, from the activation of the key after.
    pub overlap: Option<Span>,
    /// Since when the key after works.
    pub activated_at: Option<Time>,
    /// When the key before stops.
    pub overlap_ends_at: Option<Time>,
    /// When the key before was last used; null if never.
    #[serde(default)]
    pub before_last_used_at: Option<Time>,
    /// Where the key before is still used: since the key after works, the latest first.
    #[serde(default)]
    pub still_used: Vec<PlaceView>,
    /// From which address the key before was last used, if it is still used.
    #[serde(default)]
    pub still_used_from: Option<String>,
}

/// How a rotation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RotationStage {
    /// The key after waits for its first use.
    Pending,
    /// Both work.
    Overlap,
    /// Only the key after is left.
    Done,
}

impl RotationView {
    /// The view of a rotation at `now`; `used` is how the key before is used.
    pub fn of(before: &Issued, after: &Issued, used: &UsageView, now: Time) -> Self {
        let since = after.activated_at;
        let is_since = |at: Time| since.is_some_and(|since| at > since);
        let is_still_used = used.last_used_at.is_some_and(is_since);
        let is_over = before.revoked_at.is_some() || before.retires_at.is_some_and(|at| at <= now);
        let stage = match after.activated_at {
            None => RotationStage::Pending,
            Some(_) if is_over => RotationStage::Done,
            Some(_) => RotationStage::Overlap,
        };
        Self {
            before: before.key_id.to_string(),
            after: after.key_id.to_string(),
            stage,
            overlap: after.overlap,
            activated_at: after.activated_at,
            overlap_ends_at: before.retires_at,
            before_last_used_at: used.last_used_at,
            still_used: used
                .places
                .iter()
                .filter(|one| is_since(one.last_used_at))
                .cloned()
                .collect(),
            still_used_from: used.address.clone().filter(|_| is_still_used),
        }
    }
}

/// What became of a revocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RevocationView {
    /// The key.
    pub key: String,
    /// Since when every verifier that is alive refuses it; null where that was not waited for, or is not
    /// proven.
    pub enforced_at: Option<Time>,
    /// Verifiers that have not said that they refuse it.
    pub not_proven: Vec<String>,
}
