//! The end of a key: for good, at once, on every verifier.

use keytender_core::id::{ApiId, AppId, KeyId};
use keytender_core::inventory::Event;
use keytender_core::key::State;
use serde_json::json;

use super::{Both, changed, lock, lock_one, log, put_state};
use crate::app::inventory::{Inventory, cannot_read, cannot_write, commit};
use crate::app::keys::check_text;
use crate::error::Error;
use crate::store::accounts::Account;
use crate::store::db::Tx;
use crate::store::issued::Issued;
use crate::store::keys::Told;

/// What became of a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// The key.
    pub key_id: KeyId,
    /// Of which API.
    pub api_id: ApiId,
    /// The number of the change: a verifier that has applied it refuses the key.
    pub seq: i64,
}

/// Ends a key for good; one that has ended already stays as it is. `is_compromised`: somebody else may know
/// it.
///
/// # Errors
/// When no key of ours is meant, or the database refuses.
pub async fn revoke(
    inventory: &Inventory,
    word: &str,
    is_compromised: bool,
    why: Option<&str>,
) -> Result<Revocation, Error> {
    check_text("a reason", why)?;
    let mut tx = inventory.begin().await?;
    let (mut both, account) = lock(inventory, &mut tx, word).await?;
    let key_id = both.issued.key_id;
    if !end(inventory, &mut tx, &account, &mut both, is_compromised, why).await? {
        // Whoever has heard of everything until now has heard of its end.
        let seq = inventory.store.change_head().await.map_err(cannot_read)?;
        return Ok(Revocation { key_id, api_id: both.issued.api_id, seq });
    }
    let before = part(&mut tx, &both.issued).await?;
    let keys: Vec<&Issued> = [&both.issued].into_iter().chain(&before).collect();
    let details = json!({"id": both.issued.token_id, "compromised": is_compromised});
    log(inventory, &mut tx, "key.revoke", key_id, why, details).await?;
    let seq = changed(&mut tx, &keys, inventory.now).await?;
    commit(tx).await?;
    Ok(Revocation { key_id, api_id: both.issued.api_id, seq })
}

/// Ends every key of an app that ends.
///
/// # Errors
/// When the database refuses.
pub(in crate::app) async fn end_of_app(
    inventory: &Inventory,
    tx: &mut Tx,
    account: &Account,
    app: AppId,
) -> Result<(), Error> {
    let why = Some("its app has ended");
    let mut ended = Vec::new();
    for id in tx.keys_of_app(app).await.map_err(cannot_read)? {
        let Some(mut both) = lock_one(tx, id).await? else { continue };
        if end(inventory, tx, account, &mut both, false, why).await? {
            let details = json!({"id": both.issued.token_id, "compromised": false});
            log(inventory, tx, "key.revoke", id, why, details).await?;
            ended.push(both.issued);
        }
    }
    changed(tx, &ended.iter().collect::<Vec<_>>(), inventory.now).await.map(drop)
}

/// Ends one key; whether it had not ended already.
pub(super) async fn end(
    inventory: &Inventory,
    tx: &mut Tx,
    account: &Account,
    both: &mut Both,
    is_compromised: bool,
    why: Option<&str>,
) -> Result<bool, Error> {
    let now = inventory.now;
    let state = if is_compromised { State::Compromised } else { State::Deactivated };
    let before = both.held.record.key.state;
    let is_over = matches!(before, State::Destroyed | State::Compromised)
        || (before == State::Deactivated && !is_compromised);
    if is_over && both.issued.revoked_at.is_some() {
        return Ok(false);
    }
    if !is_over {
        put_state(tx, account, &both.held, state, Event::Destroyed, now).await?;
    }
    if is_compromised {
        tx.tell_key(both.issued.key_id, Told::Exposed(Some(now))).await.map_err(cannot_write)?;
    }
    both.issued.revoked_at = both.issued.revoked_at.or(Some(now));
    both.issued.revoked_why = why.map(str::to_owned).or_else(|| both.issued.revoked_why.take());
    tx.update_issued(&both.issued).await.map_err(cannot_write)?;
    Ok(true)
}

/// Loosens the other key of a rotation from one that has ended: the one before works on as if nobody had
/// asked for another.
pub(super) async fn part(tx: &mut Tx, ended: &Issued) -> Result<Option<Issued>, Error> {
    let Some(before) = ended.replaces else { return Ok(None) };
    let Some(mut both) = lock_one(tx, before).await? else { return Ok(None) };
    if both.issued.replaced_by != Some(ended.key_id) || ended.activated_at.is_some() {
        return Ok(None);
    }
    both.issued.replaced_by = None;
    tx.update_issued(&both.issued).await.map_err(cannot_write)?;
    Ok(Some(both.issued))
}
