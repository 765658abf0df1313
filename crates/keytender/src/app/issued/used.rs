//! How keys are used, and so who still uses a key that was rotated.

use keytender_core::id::KeyId;

use super::{not_ours, rotation};
use crate::app::inventory::{Inventory, cannot_read};
use crate::app::view::{RotationView, UsageView};
use crate::error::Error;
use crate::store::usage::MICROS_PER_DAY;

/// How many days are told.
const DAYS: i64 = 90;

/// How a key is used: how often, when, where and by what.
///
/// # Errors
/// When no key of ours is meant.
pub async fn usage(inventory: &Inventory, word: &str) -> Result<UsageView, Error> {
    let id = crate::app::keys::get(inventory, word).await?.record.id;
    if inventory.store.find_issued(&[id]).await.map_err(cannot_read)?.is_empty() {
        return Err(not_ours(word));
    }
    of(inventory, id).await
}

async fn of(inventory: &Inventory, id: KeyId) -> Result<UsageView, Error> {
    let store = &inventory.store;
    let counted = store.usage_of(id).await.map_err(cannot_read)?;
    let places = store.places_of(id).await.map_err(cannot_read)?;
    let since = inventory.now.as_micros().div_euclid(MICROS_PER_DAY) - DAYS;
    let days = store.days_of(id, since).await.map_err(cannot_read)?;
    Ok(UsageView::of(id.to_string(), counted, &places, &days))
}

/// The rotation that a key is in or was in, and who still uses the key before.
///
/// # Errors
/// When no key of ours is meant, or it is in none.
pub async fn rotation_view(inventory: &Inventory, word: &str) -> Result<RotationView, Error> {
    let found = rotation(inventory, word).await?;
    let used = of(inventory, found.before.key_id).await?;
    Ok(RotationView::of(&found.before, &found.after, &used, inventory.now))
}
