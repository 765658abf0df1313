//! What a rotation did, as the inventory knows it at once; the next sync says the same.

use std::borrow::Cow;

use keytender_core::id::KeyId;
use keytender_core::inventory::{Event, KeyRecord};
use keytender_core::key::{Key, LastUse, State};
use keytender_core::rotation::{Leaving, Stage};

use super::sealed::Safe;
use crate::app::acts::{self, Act};
use crate::app::inventory::{Inventory, cannot_read, cannot_write, commit};
use crate::app::{accounts, keys, notify, secrets};
use crate::clock;
use crate::error::{Error, Kind};
use crate::store::accounts::Account;
use crate::store::db::Tx;
use crate::store::keys::{HeldKey, Told};
use crate::store::rotations::{Kept, task_of};
use crate::store::tasks::sync_of;
use crate::store::{self, Failure};

/// Brings the inventory to what a rotation has come to.
///
/// # Errors
/// When the database does not do its part.
pub(super) async fn follow(inventory: &Inventory, row: &Kept) -> Result<(), Error> {
    let held = get(inventory, row.key_id).await?;
    let Some(held) = held else { return Ok(()) };
    let account = accounts::get(inventory, &held.account_name).await?;
    let row = &adopt(inventory, row, &held, &account).await?;
    let new = match row.new_key_id.filter(|id| *id != row.key_id) {
        Some(id) => get(inventory, id).await?,
        None => None,
    };
    let is_back = row.state.leaving == Leaving::New;
    let gone = match row.state.stage {
        Stage::Done | Stage::RolledBack => Some(Act::Delete),
        Stage::Disabled => Some(Act::Disable),
        _ => None,
    };
    let (old_act, new_act) = match is_back {
        true => (Some(Act::Enable), gone),
        // Where the secret of one key was changed, nothing has gone.
        false if row.new_key_id == Some(row.key_id) => (None, None),
        false => (gone, None),
    };
    for (held, act) in [(Some(&held), old_act), (new.as_ref(), new_act)] {
        if let (Some(held), Some(act)) = (held, act)
            && is_news(held, act)
        {
            let mut tx = inventory.begin().await?;
            acts::note(&mut tx, &account, &held.record, act, clock::now()).await?;
            commit(tx).await?;
        }
    }
    Ok(())
}

fn is_news(held: &HeldKey, act: Act) -> bool {
    match (act, held.record.key.state) {
        (Act::Disable, state) => state == State::Active,
        (Act::Enable, state) => state == State::Suspended,
        (Act::Delete, state) => state != State::Destroyed,
    }
}

/// A key of the inventory, whoever asks.
pub(super) async fn get(inventory: &Inventory, id: KeyId) -> Result<Option<HeldKey>, Error> {
    let found = inventory.store.find_keys(&id.to_string()).await.map_err(cannot_read)?;
    Ok(found.into_iter().find(|held| held.record.id == id))
}

/// Takes the new key into the inventory, with what was said of the old one, and its secret if that one's was kept.
async fn adopt(
    inventory: &Inventory,
    row: &Kept,
    held: &HeldKey,
    account: &Account,
) -> Result<Kept, Error> {
    let mut row = row.clone();
    let (None, Some(id)) = (row.new_key_id, row.state.new_id().map(str::to_owned)) else {
        return Ok(row);
    };
    let mut tx = inventory.begin().await?;
    tx.lock(account.id.as_i64()).await.map_err(Failure::from).map_err(cannot_write)?;
    let key_id = insert(&mut tx, &row, held, account, &id).await.map_err(cannot_write)?;
    if held.sealed.is_some() {
        let safe = Safe::open(inventory, row.id).await?;
        if let Some(new) = safe.new_key(&row)? {
            let text = secrets::seal(inventory, &key_id.to_string(), &new.secret).await?;
            tx.tell_key(key_id, Told::Sealed(text)).await.map_err(cannot_write)?;
        }
    }
    row.new_key_id = Some(key_id);
    // Whoever spoke meanwhile goes first; the next step tries again.
    if tx.update_rotation(&row).await.map_err(cannot_write)? {
        tx.note_rotating(&row).await.map_err(cannot_write)?;
        commit(tx).await?;
        row.version += 1;
        // What its listing says beside is asked for.
        inventory.store.ask_for_runs(&sync_of(account.id)).await.map_err(cannot_write)?;
    }
    Ok(row)
}

/// The new key in the inventory: as it is there already, or new, or the old one with a new secret.
async fn insert(
    tx: &mut Tx,
    row: &Kept,
    held: &HeldKey,
    account: &Account,
    id: &str,
) -> Result<KeyId, Failure> {
    let now = clock::now();
    let all = tx.keys_of(account.id).await?;
    let known = all.iter().find(|one| one.record.key.id.as_deref() == Some(id));
    if let Some(known) = known.map(|known| known.record.id) {
        if known == held.record.id {
            tx.tell_key(known, Told::Created(Some(now))).await?;
        }
        return Ok(known);
    }
    let record = record(row, held, &all, KeyId::from_random(store::random()?), id);
    tx.write_keys(account.id, std::slice::from_ref(&record)).await?;
    let versions = [(&record, vec![Event::Found])];
    tx.write_key_versions(&versions, now).await?;
    notify::tell(tx, account, false, &versions, now).await?;
    if let Some(owner) = held.owner_by_hand {
        tx.tell_key(record.id, Told::Owner(Some(owner))).await?;
    }
    if let Some(place) = &held.where_used {
        tx.tell_key(record.id, Told::WhereUsed(Some(place.clone()))).await?;
    }
    Ok(record.id)
}

/// The new key, as far as it is known before its provider lists it.
fn record(row: &Kept, held: &HeldKey, all: &[HeldKey], key_id: KeyId, id: &str) -> KeyRecord {
    let now = clock::now();
    let old = &held.record;
    let mut key: Key<'static> = old.key.clone();
    key.id = Some(Cow::Owned(id.to_owned()));
    key.state = State::Active;
    key.provider_state = None;
    key.created_at = Some(now);
    key.expires_at = row.state.new.as_ref().and_then(|new| new.expires_at);
    key.last_used = LastUse::Never { since: now };
    key.exposed = None;
    let mut principal_id = old.principal_id;
    if let Some(target) = &row.target {
        let sibling = all.iter().find(|one| one.record.key.principal.as_deref() == Some(target));
        principal_id = sibling.and_then(|one| one.record.principal_id);
        key.principal = Some(Cow::Owned(target.clone()));
        key.principal_kind = sibling.and_then(|one| one.record.key.principal_kind);
    }
    let mut record = KeyRecord::new(key_id, key, now);
    record.principal_id = principal_id;
    record
}

/// A rotation whose key is not there any more ends its task.
pub(super) fn missing(row: &Kept) -> Error {
    let message = format!("the key of {} is not in the inventory any more", row.id);
    Error::new(message).kind(Kind::NotFound).hint(format!("its task is {}", task_of(row.id)))
}

/// What whoever asks may see of a rotation: as much as of its key.
///
/// # Errors
/// When they do not see the key.
pub(super) async fn check_sight(inventory: &Inventory, row: &Kept) -> Result<HeldKey, Error> {
    keys::get(inventory, &row.key_id.to_string())
        .await
        .map_err(|_| Error::not_found(format!("there is no rotation {}", row.id)))
}
