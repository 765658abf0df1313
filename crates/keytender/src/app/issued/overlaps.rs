//! The rotations of an API in which both keys work, and who still uses the old ones.

use super::rotation_view;
use crate::app::apis;
use crate::app::inventory::{Inventory, cannot_read};
use crate::app::keys::{self, Viewer};
use crate::app::view::{KeyView, RotationView};
use crate::error::{Error, Kind};

/// A rotation in which both keys work.
#[derive(Clone, Debug)]
pub struct Overlap {
    /// The key before.
    pub before: KeyView,
    /// The key after.
    pub after: KeyView,
    /// How it stands.
    pub rotation: RotationView,
}

/// The rotations of an API in which both keys work: those whose old key stops first, `limit` at most.
///
/// # Errors
/// When there is no such API, or the database does not answer.
pub async fn overlaps(inventory: &Inventory, api: &str, limit: u32) -> Result<Vec<Overlap>, Error> {
    let api = apis::get(inventory, api).await?;
    let found = inventory.store.list_overlaps(api.id, inventory.now, limit.into()).await;
    let viewer = Viewer::new(inventory).await?;
    let mut overlaps = Vec::new();
    for id in found.map_err(cannot_read)? {
        let rotation = match rotation_view(inventory, &id.to_string()).await {
            Ok(rotation) => rotation,
            // Somebody has cancelled it meanwhile.
            Err(error) if error.of_kind() == Kind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let before = keys::get(inventory, &rotation.before).await?;
        let after = keys::get(inventory, &rotation.after).await?;
        overlaps.push(Overlap {
            before: viewer.whole_one(inventory, &before).await?,
            after: viewer.whole_one(inventory, &after).await?,
            rotation,
        });
    }
    Ok(overlaps)
}
