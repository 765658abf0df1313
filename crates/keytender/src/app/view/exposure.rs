//! Exposed keys, in JSON.

use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::KeyView;

/// A key that was found where a secret must not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExposureView {
    /// The key: whether it still works, and when and where it was last used.
    pub key: KeyView,
    /// Since when that is known.
    pub reported_at: Option<Time>,
    /// Who said so; null if its provider did.
    pub reported_by: Option<String>,
    /// Why, in their words.
    pub reason: Option<String>,
}

/// A page of exposed keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExposureList {
    /// How many there are on all pages.
    pub total: u64,
    /// The most urgent first.
    pub exposures: Vec<ExposureView>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}
