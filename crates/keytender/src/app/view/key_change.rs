//! What people say of keys, in JSON: a key to add, what is to change of one, what is to be done to one.

use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::KeyView;
use crate::app::acts::Act;

/// A key that somebody tells of. Its secret is not asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKeyRequest {
    /// Who issued it.
    #[schema(min_length = 1, max_length = 100, example = "stripe")]
    pub provider: String,
    /// What people call it; no other key of the account is called so.
    #[schema(min_length = 1, max_length = 500, example = "shop live")]
    pub name: String,
    /// The account it is in; one named after the provider if none is given. It is made if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub account: Option<String>,
    /// Its public id, never the secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub id: Option<String>,
    /// When its secret came to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Time>,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// When it was last used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Time>,
    /// Where it is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500, example = "the .env of shop")]
    pub where_used: Option<String>,
    /// Who answers for it, by name, address or id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// What is to change of a key; what is absent stays, what is null is taken back. Name, creation, end
/// and use are the provider's to tell where it is asked for its keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyChange {
    /// Who answers for it, by name, address or id.
    #[serde(default, with = "super::presence", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub owner: Option<Option<String>>,
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 500)]
    pub label: Option<String>,
    /// When its secret came to be.
    #[serde(default, with = "super::presence", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Time>)]
    pub created_at: Option<Option<Time>>,
    /// When it ends.
    #[serde(default, with = "super::presence", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Time>)]
    pub expires_at: Option<Option<Time>>,
    /// When it was last used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Time>,
    /// Where it is used.
    #[serde(default, with = "super::presence", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 500)]
    pub where_used: Option<Option<String>>,
    /// Until when it stays as it is: nothing is due before.
    #[serde(default, with = "super::presence", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<KeepRequest>)]
    pub keep: Option<Option<KeepRequest>>,
    /// Whether it was found where a secret must not be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposed: Option<bool>,
    /// Why, for the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub because: Option<String>,
}

impl KeyChange {
    /// Whether it is one that a customer may make of its own key: what it is called, where it is used, and that
    /// it leaked.
    pub fn is_a_customers(&self) -> bool {
        let (label, where_used) = (self.label.clone(), self.where_used.clone());
        let (exposed, because) = (self.exposed.filter(|is| *is), self.because.clone());
        *self == Self { label, where_used, exposed, because, ..Self::default() }
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        let because = self.because.clone();
        *self == Self { because, ..Self::default() }
    }
}

/// Until when a key stays as it is, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeepRequest {
    /// From this moment on it is due again.
    pub until: Time,
    /// Why: an auditor will ask.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

/// What somebody thinks of doing to a key.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanRequest {
    /// What.
    pub act: Act,
    /// Whether it may be deleted before its hold is over; needs a reason.
    #[serde(default)]
    pub really: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub because: Option<String>,
}

/// What would happen to a key.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PlanView {
    /// The moment of which it speaks.
    pub as_of: Time,
    /// Whether the provider was asked, and will do it; else it is only recorded here.
    #[serde(default)]
    pub provider_asked: bool,
    /// What would be done.
    pub act: Act,
    /// What is there to know before: what may break, how it is undone.
    pub notes: Vec<String>,
    /// Whether the key is so already.
    pub is_done: bool,
    /// The key, as its provider shows it now.
    pub key: KeyView,
}
