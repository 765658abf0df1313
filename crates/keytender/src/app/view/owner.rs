//! Owners and their claims, in JSON.

use keytender_core::owner::ClaimKind;
use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::owners::OwnerClaim;

/// One claim of an owner: which keys they answer for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ClaimView {
    /// By what keys are claimed.
    pub by: ClaimKind,
    /// The tag's name, of a claim by tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub tag: Option<String>,
    /// What the tag, principal, account or provider must look like; `*` and `?` stand for any letters
    /// and for one.
    #[schema(min_length = 1, max_length = 200, example = "svc-*")]
    #[param(min_length = 1, max_length = 200)]
    pub pattern: String,
}

impl ClaimView {
    /// The view of a claim.
    pub fn of(claim: &OwnerClaim) -> Self {
        Self {
            by: claim.kind,
            tag: Some(claim.name.clone()).filter(|name| !name.is_empty()),
            pattern: claim.pattern.clone(),
        }
    }
}

/// Who answers for keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnerView {
    /// The id.
    #[schema(example = "own_0dj2c8xk3v9q4")]
    pub id: String,
    /// The name.
    pub name: String,
    /// The mail address.
    pub address: String,
    /// The time zone in whose working hours notices go out, by its IANA name.
    #[schema(example = "Europe/Berlin")]
    pub time_zone: String,
    /// Which keys they answer for.
    pub claims: Vec<ClaimView>,
    /// How many keys they answer for that are not destroyed.
    pub keys: u64,
    /// How many of them are due.
    pub due: u64,
    /// Since when they are known.
    pub created_at: Time,
}

/// A page of owners.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OwnerList {
    /// The owners, by name.
    pub owners: Vec<OwnerView>,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Somebody who may be the owner of some keys, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SuggestionView {
    /// The mail address.
    pub address: String,
    /// The owner of this address; null if there is none yet.
    pub owner: Option<String>,
    /// What says so: a tag's name, or `principal`.
    pub by: String,
    /// How many keys.
    pub keys: u64,
    /// The names of the first of them, at most three.
    pub examples: Vec<String>,
}

/// A page of suggestions.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SuggestionList {
    /// The suggestions, by address.
    pub suggestions: Vec<SuggestionView>,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What accepting all suggestions came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Assigned {
    /// How many keys got an owner.
    pub assigned: u64,
}
