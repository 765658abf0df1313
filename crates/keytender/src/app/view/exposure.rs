//! Exposed keys, in JSON.

use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::KeyView;
use crate::store::exposures::Place;

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
    /// Where it was found, as far as somebody told, the last first.
    #[serde(default)]
    pub places: Vec<PlaceOfExposureView>,
}

/// A place where a key was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlaceOfExposureView {
    /// What kind of place.
    #[schema(example = "commit")]
    pub source: Option<String>,
    /// Where: as it was told, without what may be a secret.
    #[schema(example = "https://github.com/octocat/hello/blob/main/config.yml")]
    pub url: Option<String>,
    /// Who told of it: `anybody`, or the partner that signed it.
    #[schema(example = "github")]
    pub told_by: String,
    /// When.
    pub found_at: Time,
    /// What was done about the key then: `suspended`, `revoked`, `marked`, or `nothing`.
    #[schema(example = "suspended")]
    pub done: String,
}

impl PlaceOfExposureView {
    /// The view of a place.
    pub fn of(place: Place) -> Self {
        let told = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            source: told(place.source),
            url: told(place.url),
            told_by: place.told_by,
            found_at: place.found_at,
            done: place.done,
        }
    }
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
