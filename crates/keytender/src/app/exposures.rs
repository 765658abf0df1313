//! The keys that somebody else may know: when and by whom that was said, and whether they are still used.

use crate::app::inventory::{Inventory, cannot_read};
use crate::app::keys;
use crate::app::view::{ExposureView, KeyQuery, KeyView, PlaceOfExposureView};
use crate::error::Error;
use crate::store::exposures::Exposure;
use crate::store::keys::Term;

/// A page of them.
#[derive(Debug)]
pub struct Found {
    /// The keys.
    pub exposures: Vec<ExposureView>,
    /// How many there are on all pages.
    pub total: u64,
    /// The place of the last, if there are more.
    pub next: Option<Vec<Term>>,
}

/// The exposed keys that are seen, also those that work no more: the most urgent first, at most `limit` after
/// a place.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    inventory: &Inventory,
    limit: u32,
    after: Option<Vec<Term>>,
) -> Result<Found, Error> {
    let query = KeyQuery { exposed: Some(true), ..KeyQuery::default() };
    let found = keys::list(inventory, &query, limit, after).await?;
    let ids: Vec<_> = found.keys.iter().filter_map(|view| view.key.parse().ok()).collect();
    let mut known = inventory.store.exposures(&ids).await.map_err(cannot_read)?;
    let mut places = inventory.store.places_of_exposure(&ids).await.map_err(cannot_read)?;
    let view = |key: KeyView| {
        let id = key.key.parse().ok();
        let said = id.and_then(|id| known.remove(&id));
        let places = id.and_then(|id| places.remove(&id)).unwrap_or_default();
        let (at, by, why) = match said {
            Some(Exposure { at, by, .. })
                if inventory.sight.is_customer() && by.as_ref() != Some(&inventory.actor.name) =>
            {
                (Some(at), None, None)
            }
            Some(Exposure { at, by, why }) => (Some(at), by, why),
            // Somebody took it back in this moment.
            None => (None, None, None),
        };
        let places = places.into_iter().map(PlaceOfExposureView::of).collect();
        ExposureView { key, reported_at: at, reported_by: by, reason: why, places }
    };
    let exposures = found.keys.into_iter().map(view).collect();
    Ok(Found { exposures, total: found.total, next: found.next })
}
