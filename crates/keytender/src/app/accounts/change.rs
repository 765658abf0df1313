//! What changes of an account that is known.

use keytender_core::owner::is_address;
use serde_json::json;

use super::no_address;
use super::seen::{get_seen, view};
use crate::app::inventory::{Done, Inventory, cannot_write, commit};
use crate::app::view::AccountView;
use crate::error::Error;
use crate::store::Failure;
use crate::store::accounts::Account;
use crate::store::db::Tx;

/// Sets who hears of an account's keys without an owner; `None`: nobody but the installation's
/// contact. `allows` gets the account as it is now, and may refuse.
///
/// # Errors
/// When there is none of this name or id, or the contact is no address.
pub async fn set_contact(
    inventory: &Inventory,
    word: &str,
    contact: Option<&str>,
    allows: impl FnOnce(&AccountView) -> Result<(), Error>,
) -> Result<(), Error> {
    let account = get_seen(inventory, word).await?;
    if contact.is_some_and(|contact| !is_address(contact)) {
        return Err(no_address(&account.name));
    }
    let mut tx = inventory.begin().await?;
    lock(inventory, &mut tx, &account, allows).await?;
    tx.set_account_contact(account.id, contact).await.map_err(cannot_write)?;
    let details = json!({"provider": account.provider, "name": account.name,
                         "has_contact": contact.is_some()});
    let act = Done {
        verb: "account.set",
        target_kind: "account",
        target_id: account.id.to_string(),
        why: None,
        details,
    };
    inventory.log(&mut tx, act).await?;
    commit(tx).await
}

/// Lets nobody else change an account before `tx` ends, if `allows` does not refuse.
pub(super) async fn lock(
    inventory: &Inventory,
    tx: &mut Tx,
    account: &Account,
    allows: impl FnOnce(&AccountView) -> Result<(), Error>,
) -> Result<(), Error> {
    // A sync that is being written is waited for.
    tx.lock(account.id.as_i64()).await.map_err(Failure::from).map_err(cannot_write)?;
    allows(&view(inventory, &account.id.to_string()).await?)
}
