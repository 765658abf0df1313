//! The demonstration: an estate that is made up from beginning to end, with its history.
//!
//! Tables say who is there (`cast`), which keys are alike (`groups`) and of which there is something
//! to tell (`stories`). `world` makes lives of them, and `history` writes these into the inventory
//! day after day, through what a real look, a real person and the real policy write through: no verdict
//! is made up. One seed and one moment give one estate. Nothing here is real or looks as if it were, no
//! account is ever asked, and no notice ever leaves.

use super::inventory::{Inventory, cannot_read};
use crate::error::Error;

mod cast;
mod chance;
mod groups;
mod history;
mod issued;
mod life;
mod rhythm;
mod rotations;
mod stories;
mod told;
mod used;
mod world;

/// The seed of the estate that people see; any other gives one of the same kind.
pub const SEED: u64 = 7_979;

/// Fills an empty inventory with the estate of this seed, as it is at the inventory's moment.
///
/// # Errors
/// When there is something in the inventory already, or the database does not do its part.
pub async fn fill(inventory: &Inventory, seed: u64) -> Result<(), Error> {
    if !inventory.store.list_accounts().await.map_err(cannot_read)?.is_empty() {
        return Err(Error::new("only an empty inventory is filled with a demonstration"));
    }
    let world = world::make(seed, inventory.now.to_seconds());
    history::write(inventory, &world, seed).await
}

/// Adds an API of the made-up company, with the keys that it issues. Unlike the rest they are others each time.
///
/// # Errors
/// When the database does not do its part.
pub async fn issue(inventory: &Inventory) -> Result<(), Error> {
    issued::fill(inventory).await
}

/// Imports an index of the APIs that the made-up company uses.
///
/// # Errors
/// When the database does not do its part.
pub async fn use_apis(inventory: &Inventory) -> Result<(), Error> {
    used::fill(inventory).await
}
