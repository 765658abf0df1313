//! Accounts as whoever asks sees them.

use std::collections::HashMap;

use keytender_core::id::SyncId;
use keytender_core::time::Time;

use super::{check, get, missing, unlock};
use crate::app::inventory::{Inventory, cannot_read};
use crate::app::view::{AccountView, CheckView, SyncView};
use crate::error::Error;
use crate::store::accounts::Account;

/// The account of this name or id, if it is one that is seen.
///
/// # Errors
/// When there is none.
pub(in crate::app) async fn get_seen(inventory: &Inventory, word: &str) -> Result<Account, Error> {
    let account = get(inventory, word).await?;
    match inventory.sight.covers_account(&account) {
        true => Ok(account),
        false => Err(missing(word)),
    }
}

/// Every account with its keys and the last look at it, by name; of those that are seen.
///
/// # Errors
/// When the database does not answer.
pub async fn list(inventory: &Inventory) -> Result<Vec<AccountView>, Error> {
    let store = &inventory.store;
    if let Some(own) = inventory.sight.account {
        return Ok(vec![view(inventory, &own.to_string()).await?]);
    }
    let accounts = store.list_accounts().await.map_err(cannot_read)?;
    let syncs = store.last_syncs().await.map_err(cannot_read)?;
    let syncs: HashMap<_, _> = syncs.into_iter().map(|sync| (sync.account_id, sync)).collect();
    let counts = store.count_by_account().await.map_err(cannot_read)?;
    let seen = accounts.iter().filter(|account| inventory.sight.covers_account(account));
    let views = seen.map(|account| {
        let count = counts.get(&account.id).copied().unwrap_or_default();
        AccountView::of(account, &accounts, count, syncs.get(&account.id))
    });
    Ok(views.collect())
}

/// One account, by name or id.
///
/// # Errors
/// When there is none.
pub async fn view(inventory: &Inventory, word: &str) -> Result<AccountView, Error> {
    let store = &inventory.store;
    let account = get_seen(inventory, word).await?;
    let sync = store.list_syncs(account.id, 1, None).await.map_err(cannot_read)?;
    let counts = store.count_by_account().await.map_err(cannot_read)?;
    let count = counts.get(&account.id).copied().unwrap_or_default();
    let all = store.list_accounts().await.map_err(cannot_read)?;
    Ok(AccountView::of(&account, &all, count, sync.first()))
}

/// Who we are at an account, and what we can do there.
///
/// # Errors
/// When there is none of this name or id, or it does not answer.
pub async fn check_seen(inventory: &Inventory, word: &str) -> Result<CheckView, Error> {
    let mut account = [get_seen(inventory, word).await?];
    unlock(inventory, &mut account).await?;
    let [account] = account;
    check(&account).await.map(CheckView::of)
}

/// The looks at an account, newest first, from behind `after` on.
///
/// # Errors
/// When there is none of this name or id.
pub async fn syncs(
    inventory: &Inventory,
    word: &str,
    limit: u32,
    after: Option<(Time, SyncId)>,
) -> Result<Vec<SyncView>, Error> {
    let account = get_seen(inventory, word).await?;
    let syncs = inventory.store.list_syncs(account.id, limit, after).await.map_err(cannot_read)?;
    Ok(syncs.iter().map(SyncView::of).collect())
}
