//! The log of acts: sealed, checkpointed outside of the database, and verified.

use keytender_core::time::Time;

use super::inventory::{Inventory, cannot_read, cannot_write};
use super::view::{ActView, VerifiedView};
use super::{paging, secrets};
use crate::config::checkpoint::{self, Checkpoint};
use crate::error::Error;
use crate::store::acts::Which;
use crate::store::chain::Break;

/// Seals what was committed, and writes a checkpoint if there was something.
///
/// # Errors
/// When the master key is missing, or the database or the checkpoint cannot be written.
pub async fn seal(inventory: &Inventory) -> Result<(), Error> {
    if !inventory.store.has_unsealed_acts().await.map_err(cannot_read)? {
        return Ok(());
    }
    let sealer = secrets::sealer(inventory, true).await?;
    if let Some(end) = inventory.store.seal_acts(&sealer).await.map_err(cannot_write)? {
        let path = checkpoint::path(&secrets::folder(&inventory.location)?);
        let at = inventory.now.to_string();
        checkpoint::append(&path, &Checkpoint { at, seq: end.seq, mac: end.mac })?;
    }
    Ok(())
}

/// Where a page of the log begins: after the act of this moment and number.
pub type Place = (i64, i64);

/// A page of the log, the newest first, and where the next one begins. A target is a word for a key,
/// or the id of whatever it is.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    inventory: &Inventory,
    mut which: Which,
    limit: u32,
    after: Option<Place>,
) -> Result<(Vec<ActView>, Option<Place>), Error> {
    if let Some(word) = &mut which.target_id
        && let Ok(held) = super::keys::get(inventory, word).await
    {
        // A word that means a key stands for its id.
        *word = held.record.id.to_string();
    }
    let more = i64::from(limit) + 1;
    let acts = inventory.store.list_acts(&which, more, after).await;
    let mut acts = acts.map_err(cannot_read)?;
    let next = paging::cut(&mut acts, limit, |act| (act.at.as_micros(), act.id.as_i64()));
    Ok((acts.into_iter().map(ActView::of).collect(), next))
}

/// Where checkpoints of the log are written, on the machine of the inventory.
///
/// # Errors
/// When the platform's data folder cannot be made.
pub fn checkpoints(inventory: &Inventory) -> Result<String, Error> {
    let path = checkpoint::path(&secrets::folder(&inventory.location)?);
    Ok(path.display().to_string())
}

/// Goes through the whole log and holds it against the checkpoints.
///
/// # Errors
/// When the master key is missing, or the database or the checkpoints cannot be read.
pub async fn verify(inventory: &Inventory) -> Result<VerifiedView, Error> {
    let path = checkpoint::path(&secrets::folder(&inventory.location)?);
    let checkpoints = checkpoint::read(&path)?;
    let mut verified = VerifiedView {
        is_whole: true,
        acts: 0,
        proved: 0,
        proved_at: None,
        broken: None,
        checkpoints: path.display().to_string(),
    };
    if checkpoints.is_empty() && !secrets::has_master_key(inventory).await? {
        return Ok(verified);
    }
    let sealer = secrets::sealer(inventory, false).await?;
    let wanted: Vec<i64> = checkpoints.iter().map(|one| one.seq).collect();
    let chain = inventory.store.read_chain(&sealer, &wanted).await.map_err(cannot_read)?;
    verified.acts = chain.end.as_ref().map_or(0, |end| end.seq);
    verified.broken = chain.broken.map(|place| match place {
        Break::Changed { seq, id } => {
            let id = keytender_core::id::ActId::from_i64(id);
            format!("act {seq} ({id}) is not what was sealed")
        }
        Break::Missing { seq } => format!("act {seq} is missing"),
    });
    for one in checkpoints {
        let found = chain.found.iter().find(|link| link.seq == one.seq);
        match found {
            Some(link) if link.mac == one.mac => {
                verified.proved = one.seq;
                verified.proved_at = Time::parse(&one.at).ok();
            }
            Some(_) => {
                let sentence =
                    format!("act {} is not what the checkpoint of {} says", one.seq, one.at);
                verified.broken.get_or_insert(sentence);
            }
            None => {
                let sentence = format!(
                    "the checkpoint of {} knows {} acts, of which some are missing",
                    one.at, one.seq
                );
                verified.broken.get_or_insert(sentence);
            }
        }
    }
    verified.is_whole = verified.broken.is_none();
    Ok(verified)
}
