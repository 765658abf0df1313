//! A key that was found where a secret must not be: what its API says is to be done then.

use keytender_core::id::KeyId;
use keytender_core::inventory::Event;
use keytender_core::key::State;

use super::revoke::{end, part};
use super::{changed, lock_one, tell, wait_for_app};
use crate::app::acts::{self, Act};
use crate::app::inventory::{Inventory, cannot_write};
use crate::app::leaks::{Done, Sighting, has_ended};
use crate::app::{accounts, apis};
use crate::error::Error;
use crate::store::apis::OnLeak;
use crate::store::db::Tx;
use crate::store::issued::Issued;
use crate::store::keys::{HeldKey, Told};

/// Writes that a key was found in a place, and does what its API says; `None` if that place is known.
///
/// # Errors
/// When the database refuses.
pub(in crate::app) async fn leak(
    inventory: &Inventory,
    tx: &mut Tx,
    id: KeyId,
    seen: &Sighting<'_>,
) -> Result<Option<Done>, Error> {
    wait_for_app(inventory, tx, id).await?;
    let Some(mut both) = lock_one(tx, id).await? else { return Ok(None) };
    let api = apis::get(inventory, &both.issued.api_id.to_string()).await?;
    let account = accounts::get(inventory, &both.held.account_id.to_string()).await?;
    let now = inventory.now;
    let is_new = both.held.record.key.exposed != Some(true);
    let done = what(&both.held, api.settings.on_leak.unwrap_or_default(), inventory);
    if !seen.write(inventory, tx, id, done).await? {
        return Ok(None);
    }
    if is_new {
        tx.tell_key(id, Told::Exposed(Some(now))).await.map_err(cannot_write)?;
    }
    if done == Done::Nothing {
        return Ok(Some(done));
    }
    if both.held.is_kept(now) {
        // Whoever kept it did not know that.
        tx.tell_key(id, Told::Keep(None)).await.map_err(cannot_write)?;
    }
    if is_new {
        tell(tx, &account, &both.held.record, Event::Exposed, now).await?;
    }
    match done {
        Done::Suspended => {
            acts::note(tx, &account, &both.held.record, Act::Disable, now).await?;
        }
        Done::Revoked => {
            end(inventory, tx, &account, &mut both, true, Some(seen.why)).await?;
            let before = part(tx, &both.issued).await?;
            let keys: Vec<&Issued> = [&both.issued].into_iter().chain(&before).collect();
            changed(tx, &keys, now).await?;
        }
        Done::Nothing | Done::Marked => {}
    }
    Ok(Some(done))
}

/// What is done about a key now. One that waits for its first use ends in any case but the last: nobody misses it.
fn what(held: &HeldKey, policy: OnLeak, inventory: &Inventory) -> Done {
    let key = &held.record.key;
    if has_ended(key, inventory.now) {
        return Done::Nothing;
    }
    match (policy, key.state) {
        (OnLeak::Mark, _) => Done::Marked,
        (OnLeak::Suspend, State::Active) => Done::Suspended,
        // It does not work already, and whoever suspended it knows why.
        (OnLeak::Suspend, State::Suspended) => Done::Marked,
        (OnLeak::Suspend | OnLeak::Revoke, _) => Done::Revoked,
    }
}
