//! What a verifier within somebody's API is told, and what it tells.

use std::collections::HashMap;

use keytender_core::id::{AppId, KeyId};
use keytender_core::key::State;
use keytender_verify::feed::{Application, Batch, Changes, Grant, Receipt, Snapshot, VERSION};
use serde::{Deserialize, Serialize};

use super::{AT_ONCE, LEASE, Node, cannot_follow, goes_on, known, number, quotas, shares, uses};
use crate::app::apis;
use crate::app::inventory::{Inventory, cannot_write, commit};
use crate::app::issued;
use crate::error::Error;
use crate::store::verify::Which;

/// The longest name of a verifier.
const MAX_NAME: usize = 200;
/// The most keys in a batch.
const MAX_ROWS: usize = 10_000;

/// Where a page of a snapshot begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    seq: i64,
    is_of_keys: bool,
    after: i64,
}

/// A page of all that a verifier of an API needs to know, and where the next one begins.
///
/// # Errors
/// When there is no such API.
pub async fn snapshot(
    node: &Node,
    inventory: &Inventory,
    api: &str,
    place: Option<Place>,
) -> Result<(Snapshot, Option<Place>), Error> {
    let store = &inventory.store;
    let api = apis::get(inventory, api).await?;
    let Some(place) = place else {
        let seq = store.change_head().await.map_err(cannot_follow)?;
        let apis = node.known_apis(std::slice::from_ref(&api)).await?;
        let first = Place { seq, is_of_keys: false, after: -1 };
        return Ok((Snapshot { apis, ..Snapshot::empty(number(seq)) }, Some(first)));
    };
    let mut page = Snapshot::empty(number(place.seq));
    let is_full = |count: usize| i64::try_from(count).is_ok_and(|count| count >= AT_ONCE);
    let next = if place.is_of_keys {
        let which = Which::After(Some(api.id), Some(KeyId::from_i64(place.after)), AT_ONCE);
        let found = store.known_keys(&which).await.map_err(cannot_follow)?;
        page.keys = found.iter().filter_map(known::key).collect();
        let last = found.last().filter(|_| is_full(found.len()));
        last.map(|last| Place { after: last.key_id.as_i64(), ..place })
    } else {
        let which = Which::After(Some(api.id), Some(AppId::from_i64(place.after)), AT_ONCE);
        let found = store.known_apps(&which).await.map_err(cannot_follow)?;
        page.apps = quotas::apps(store, &found, inventory.now).await.map_err(cannot_follow)?;
        let last = found.last().filter(|_| is_full(found.len()));
        Some(match last {
            Some(last) => Place { after: last.app.id.as_i64(), ..place },
            None => Place { is_of_keys: true, after: -1, ..place },
        })
    };
    Ok((page, next))
}

/// What has changed of an API after a number; `None`: that is forgotten.
///
/// # Errors
/// When there is no such API.
pub async fn changes(
    node: &Node,
    inventory: &Inventory,
    api: &str,
    after: u64,
) -> Result<Option<Changes>, Error> {
    let store = &inventory.store;
    let api = apis::get(inventory, api).await?;
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let head = store.change_head().await.map_err(cannot_follow)?;
    if after > head {
        return Ok(None);
    }
    let found = store.changes_after(after, AT_ONCE).await.map_err(cannot_follow)?;
    match found.first() {
        Some(first) if first.seq != after + 1 => return Ok(None),
        None if after < head => return Ok(None),
        _ => {}
    }
    let through = found.last().map_or(after, |last| last.seq);
    let own: Vec<_> = found.into_iter().filter(|change| change.api_id == api.id).collect();
    let changes = match own.is_empty() {
        true => Vec::new(),
        false => {
            let apis = node.known_apis(std::slice::from_ref(&api)).await?;
            let changed = known::Changed::of(node, apis, &own).await.map_err(cannot_follow)?;
            changed.in_order(number(through))
        }
    };
    Ok(Some(Changes { version: VERSION, after: number(after), through: number(through), changes }))
}

/// Notes how far a verifier has come, and gives it a lease.
///
/// # Errors
/// When there is no such API, or the name cannot be.
pub async fn lease(inventory: &Inventory, api: &str, asked: &Application) -> Result<Grant, Error> {
    let api = apis::get(inventory, api).await?;
    let is_name = !asked.node.is_empty() && asked.node.len() <= MAX_NAME;
    if !is_name || asked.node.chars().any(char::is_control) {
        return Err(Error::new(format!("a verifier's name has 1 to {MAX_NAME} bytes")));
    }
    let applied = i64::try_from(asked.applied_seq).unwrap_or(i64::MAX);
    if asked.needs.len() > MAX_ROWS {
        return Err(Error::new(format!("a verifier needs at most {MAX_ROWS} limits")));
    }
    let mut tx = inventory.begin().await?;
    // Verifiers of two APIs may have one name.
    let node = format!("{}/{}", api.name, asked.node);
    let goes_on = goes_on(asked.on_partition);
    tx.note_verifier(&node, Some(api.id), applied, goes_on).await.map_err(cannot_write)?;
    commit(tx).await?;
    let head = inventory.store.change_head().await.map_err(cannot_follow)?;
    let valid_for_ms = u64::try_from(LEASE.as_micros() / 1_000).unwrap_or(0);
    let divided = shares::divide(&inventory.store, &node, Some(api.id), &asked.needs).await;
    let divided = divided.map_err(cannot_write)?;
    Ok(Grant {
        version: VERSION,
        valid_for_ms,
        head_seq: number(head),
        verifiers: divided.verifiers(api.id),
        shares: divided.shares,
    })
}

/// Ends the lease of a verifier, which verifies no more.
///
/// # Errors
/// When there is no such API.
pub async fn leave(inventory: &Inventory, api: &str, node: &str) -> Result<(), Error> {
    let api = apis::get(inventory, api).await?;
    let mut tx = inventory.begin().await?;
    tx.forget_verifier(&format!("{}/{node}", api.name)).await.map_err(cannot_write)?;
    commit(tx).await
}

/// Keeps what a verifier has counted of an API's keys, and activates those whose first use it tells.
///
/// # Errors
/// When there is no such API, or the batch is too large.
pub async fn usage(inventory: &Inventory, api: &str, mut batch: Batch) -> Result<Receipt, Error> {
    let api = apis::get(inventory, api).await?;
    if batch.rows.len() > MAX_ROWS {
        return Err(Error::new(format!("a batch has at most {MAX_ROWS} keys")));
    }
    let ids: Vec<KeyId> = batch.rows.iter().map(|row| row.key).collect();
    let found = inventory.store.known_keys(&Which::These(ids)).await.map_err(cannot_follow)?;
    let own: HashMap<KeyId, _> =
        found.iter().filter(|key| key.api_id == api.id).map(|key| (key.key_id, key)).collect();
    batch.rows.retain(|row| own.contains_key(&row.key));
    batch.node = format!("{}/{}", api.name, batch.node);
    uses::write(&inventory.store, &batch, None).await.map_err(cannot_write)?;
    for row in &batch.rows {
        if own.get(&row.key).is_some_and(|key| key.state == State::PreActivation) {
            let at = uses::first_use(row, inventory.now);
            issued::activate(inventory, row.key, at).await?;
        }
    }
    let apps: Vec<AppId> = own.values().map(|key| key.app_id).collect();
    let spent = quotas::spent_by(&inventory.store, &apps, inventory.now).await;
    let spent = spent.map_err(cannot_follow)?;
    Ok(Receipt { version: VERSION, sequence: batch.sequence, spent })
}
