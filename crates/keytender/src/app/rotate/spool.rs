//! The last resort for a key that was made while the database could not be written: its secret, sealed, in a
//! file beside the inventory that only we may read, until the database takes it.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use keytender_core::id::RotationId;
use keytender_core::secret::Secret;
use keytender_core::time::Time;
use serde::{Deserialize, Serialize};

use super::provider::Minted;
use super::sealed::Safe;
use crate::app::inventory::Inventory;
use crate::app::secrets;
use crate::error::Error;

/// Only the one who runs the program reads it.
const MODE: u32 = 0o600;

#[derive(Serialize, Deserialize)]
struct Line {
    id: String,
    expires_at: Option<Time>,
    sealed: String,
}

fn path(inventory: &Inventory, id: RotationId) -> Result<PathBuf, Error> {
    Ok(secrets::folder(&inventory.location)?.join(format!("{id}.sealed")))
}

/// Keeps a new key, sealed.
///
/// # Errors
/// When the file cannot be written.
pub(super) async fn keep(
    inventory: &Inventory,
    id: RotationId,
    safe: &Safe,
    new: &Minted,
) -> Result<(), Error> {
    let line = Line { id: new.id.clone(), expires_at: new.expires_at, sealed: safe.seal_new(new)? };
    let text = serde_json::to_vec(&line).unwrap_or_default();
    let path = path(inventory, id)?;
    let write = move || {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(MODE).open(path)?;
        file.write_all(&text)?;
        file.sync_all()
    };
    let written = tokio::task::spawn_blocking(write).await;
    let written = written.map_err(|error| refuse("written").source(error))?;
    written.map_err(|error| refuse("written").source(error))
}

/// The new key that was kept, with its sealed secret.
///
/// # Errors
/// When there is a file that cannot be read or does not open.
pub(super) async fn find(
    inventory: &Inventory,
    safe: &Safe,
    id: RotationId,
) -> Result<Option<(Minted, String)>, Error> {
    let text = match tokio::fs::read(path(inventory, id)?).await {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refuse("read").source(error)),
    };
    let line: Line = serde_json::from_slice(&text).map_err(|error| refuse("read").source(error))?;
    let secret: Secret = safe.unseal_new(&line.sealed)?;
    let new = Minted { id: line.id, secret, expires_at: line.expires_at };
    Ok(Some((new, line.sealed)))
}

/// Forgets it: the database has it.
///
/// # Errors
/// When the file cannot be removed.
pub(super) fn forget(inventory: &Inventory, id: RotationId) -> Result<(), Error> {
    fs::remove_file(path(inventory, id)?).map_err(|error| refuse("removed").source(error))
}

fn refuse(what: &str) -> Error {
    Error::new(format!("the sealed key beside the inventory cannot be {what}"))
}
