//! Secrets that the program needs: referenced where they are, or sealed where somebody asked us to
//! keep them.

use std::path::{Path, PathBuf};

use keytender_core::secret::Secret;

use super::inventory::{Inventory, cannot_read, cannot_write};
use crate::config::credential::Reference;
use crate::config::location;
use crate::config::master::MasterKey;
use crate::error::Error;
use crate::store::db::Location;
use crate::store::seal::Sealer;

/// The setting that says which master key seals this inventory.
const MASTER_KEY: &str = "master_key";

/// The sealer of the inventory. With `may_make`, an inventory that never had a master key gets one.
///
/// # Errors
/// When the master key is missing, or is not the one of this inventory.
pub async fn sealer(inventory: &Inventory, may_make: bool) -> Result<Sealer, Error> {
    let known = inventory.store.find_setting(MASTER_KEY).await.map_err(cannot_read)?;
    let folder = folder(&inventory.location)?;
    let sealer = Sealer::new(MasterKey::find(&folder, may_make && known.is_none())?);
    match known {
        Some(known) if known != sealer.fingerprint() => {
            Err(Error::new("this master key is not the one of the inventory")
                .hint(format!("the inventory was sealed with the key {known}: bring that one")))
        }
        Some(_) => Ok(sealer),
        None => {
            let put = inventory.store.put_setting(MASTER_KEY, sealer.fingerprint()).await;
            put.map_err(cannot_write)?;
            Ok(sealer)
        }
    }
}

/// Whether the inventory has a master key.
///
/// # Errors
/// When the database does not answer.
pub async fn has_master_key(inventory: &Inventory) -> Result<bool, Error> {
    let known = inventory.store.find_setting(MASTER_KEY).await.map_err(cannot_read)?;
    Ok(known.is_some())
}

/// The folder of what belongs to the inventory and stands outside of it.
///
/// # Errors
/// When the platform's data folder cannot be made.
pub fn folder(location: &Location) -> Result<PathBuf, Error> {
    match location {
        Location::File(path) => {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            Ok(parent.unwrap_or(Path::new(".")).to_path_buf())
        }
        Location::Postgres(_) => location::data_folder(),
    }
}

/// The secret of a record: sealed to its id, or where its reference says.
///
/// # Errors
/// When it is not there or does not open.
pub async fn find(
    inventory: &Inventory,
    id: &str,
    sealed: Option<&str>,
    reference: Option<&str>,
) -> Result<Option<Secret>, Error> {
    if let Some(sealed) = sealed {
        let sealer = sealer(inventory, false).await?;
        let opened = sealer.open(id, sealed);
        return opened
            .map(Some)
            .map_err(|error| Error::new(format!("cannot open the secret of {id}")).source(error));
    }
    reference.map(|text| text.parse::<Reference>()?.resolve()).transpose()
}

/// Seals a secret to a record.
///
/// # Errors
/// When there is no master key and none can be made.
pub async fn seal(inventory: &Inventory, id: &str, secret: &Secret) -> Result<String, Error> {
    let sealer = sealer(inventory, true).await?;
    sealer
        .seal(id, secret)
        .map_err(|error| Error::new(format!("cannot seal the secret of {id}")).source(error))
}
