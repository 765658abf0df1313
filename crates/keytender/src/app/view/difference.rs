//! What changed between two moments, in JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One thing that is different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangeView {
    /// What: `new`, `gone`, `state`, `created`, `expires`, `label` or `last used`.
    pub what: String,
    /// What it was.
    pub before: String,
    /// What it is.
    pub after: String,
}

/// What is different about a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DifferenceView {
    /// The id of the key in Keytender.
    pub key: String,
    /// The provider's id.
    pub id: String,
    /// What people call the account.
    pub account_name: String,
    /// What people call the key.
    pub name: String,
    /// What is different.
    pub changes: Vec<ChangeView>,
}

/// What changed between two moments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DifferenceList {
    /// The form of this document.
    pub version: u32,
    /// The keys that changed.
    pub keys: Vec<DifferenceView>,
}
