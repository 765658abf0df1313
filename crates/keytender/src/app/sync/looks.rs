//! Looks at accounts that somebody asks for now.

use super::{Progress, run};
use crate::app::inventory::{Inventory, cannot_read};
use crate::app::view::SyncedView;
use crate::app::{accounts, evaluate};
use crate::error::Error;
use crate::store::accounts::Account;

/// Brings the accounts of these names or ids up to date, or all that are asked if none is named, and
/// holds what is new against the policy. Of those that are told by hand nothing is said; `None` if
/// there is no account at all.
///
/// # Errors
/// When there is none of a name, or a kept secret does not open. An account that does not answer is
/// among what is said.
pub async fn looks(
    inventory: &Inventory,
    words: &[String],
    progress: &Progress<'_>,
) -> Result<Option<Vec<SyncedView>>, Error> {
    let mut accounts = named(inventory, words).await?;
    accounts::unlock(inventory, &mut accounts).await?;
    if accounts.is_empty() {
        return Ok(None);
    }
    let outcomes = run(inventory, accounts, progress).await;
    evaluate::run(&inventory.store, inventory.now).await?;
    Ok(Some(outcomes.into_iter().map(SyncedView::of).collect()))
}

async fn named(inventory: &Inventory, words: &[String]) -> Result<Vec<Account>, Error> {
    if words.is_empty() {
        let mut all = inventory.store.list_accounts().await.map_err(cannot_read)?;
        all.retain(|one| one.kind.is_asked() && inventory.sight.covers_account(one));
        return Ok(all);
    }
    let mut accounts = Vec::new();
    for word in words {
        accounts.push(accounts::get_seen(inventory, word).await?);
    }
    Ok(accounts)
}
