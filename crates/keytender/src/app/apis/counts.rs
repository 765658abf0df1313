//! How much there is of an API of ours.

use super::get;
use crate::app::inventory::{Inventory, cannot_read};
use crate::app::keys;
use crate::app::view::KeyQuery;
use crate::error::Error;

/// The rule of the policy for issued keys that tells of exposed ones.
pub const EXPOSED: &str = "key-exposed";

/// How much there is of an API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Its customers.
    pub customers: u64,
    /// Their apps.
    pub apps: u64,
    /// Keys that are not destroyed.
    pub keys: u64,
    /// Those about which something must be done.
    pub due: u64,
    /// Those that somebody else may know and that were not ended.
    pub exposed: u64,
    /// Those that work beside the one that takes their place.
    pub overlaps: u64,
}

/// Counts what there is of an API, by its name or id.
///
/// # Errors
/// When there is none, or the database does not answer.
pub async fn counts(inventory: &Inventory, word: &str) -> Result<Counts, Error> {
    let api = get(inventory, word).await?;
    let counted = inventory.store.count_of_api(api.id, inventory.now).await.map_err(cannot_read)?;
    let [customers, apps, overlaps] = counted;
    let all = KeyQuery { provider: Some(api.name), ..KeyQuery::default() };
    let due = KeyQuery { due: Some(true), ..all.clone() };
    let exposed = KeyQuery { rule: Some(EXPOSED.to_owned()), ..all.clone() };
    Ok(Counts {
        customers,
        apps,
        keys: count(inventory, &all).await?,
        due: count(inventory, &due).await?,
        exposed: count(inventory, &exposed).await?,
        overlaps,
    })
}

async fn count(inventory: &Inventory, query: &KeyQuery) -> Result<u64, Error> {
    let Some(filter) = keys::filter(inventory, query).await? else { return Ok(0) };
    inventory.store.count_keys(&inventory.sight.narrow(filter)).await.map_err(cannot_read)
}
