//! How a key of our own API is used, in JSON.

use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::usage::{MICROS_PER_DAY, PlaceUse, Usage};

/// How a key is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsageView {
    /// The key.
    #[schema(example = "key_0dj2c8xk3v9q4")]
    pub key: String,
    /// How often it was used.
    pub uses: u64,
    /// When it was last used, to a second; null if never.
    pub last_used_at: Option<Time>,
    /// From where it was last used, if that is known.
    #[schema(example = "203.0.113.9")]
    pub address: Option<String>,
    /// What kind of program used it last, if that is known.
    #[schema(example = "curl")]
    pub agent: Option<String>,
    /// Where it was used, the latest first.
    pub places: Vec<PlaceView>,
    /// How often on each day on which it was used, in UTC, the first first.
    pub days: Vec<DayView>,
}

/// When a key was last used in one region and service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlaceView {
    /// The region, if it is known.
    #[schema(example = "eu-west-1")]
    pub region: Option<String>,
    /// The service, if it is known.
    #[schema(example = "orders")]
    pub service: Option<String>,
    /// When, to a second.
    pub last_used_at: Time,
}

/// How often a key was used on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DayView {
    /// The day, in UTC.
    #[schema(example = "2026-11-30")]
    pub day: String,
    /// How often.
    pub uses: u64,
}

impl PlaceView {
    /// The view of a place.
    pub fn of(place: &PlaceUse) -> Self {
        let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Self {
            region: text(&place.region),
            service: text(&place.service),
            last_used_at: Time::from_micros(place.last_at),
        }
    }
}

impl UsageView {
    /// The view of what was counted of a key; of one that was never used, if nothing was.
    pub fn of(
        key: String,
        counted: Option<Usage>,
        places: &[PlaceUse],
        days: &[(i64, u64)],
    ) -> Self {
        let day = |(day, uses): &(i64, u64)| DayView {
            day: Time::from_micros(day.saturating_mul(MICROS_PER_DAY)).date(),
            uses: *uses,
        };
        Self {
            key,
            uses: counted.as_ref().map_or(0, |one| u64::try_from(one.uses).unwrap_or(0)),
            last_used_at: counted.as_ref().map(|one| Time::from_micros(one.last_at)),
            address: counted.as_ref().and_then(|one| one.address.clone()),
            agent: counted.and_then(|one| one.agent),
            places: places.iter().map(PlaceView::of).collect(),
            days: days.iter().map(day).collect(),
        }
    }
}
