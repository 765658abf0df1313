//! What changes of an account that is known.

use aws_lc_rs::constant_time;
use keytender_core::owner::is_address;
use keytender_core::secret::Secret;
use serde_json::json;

use super::no_address;
use super::seen::{get_seen, view};
use crate::app::channels::SecretSource;
use crate::app::inventory::{Done, Inventory, cannot_write, commit};
use crate::app::secrets;
use crate::app::view::AccountView;
use crate::error::{Error, Kind};
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
    inventory.sight.refuse_customer()?;
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

/// Gives an account another credential by which it is reached, in the place of the one before.
///
/// # Errors
/// When there is none of this name or id, it is not asked for its keys, a profile or the credential of its
/// organization reaches it, or the credential cannot be understood.
pub async fn set_credential(
    inventory: &Inventory,
    word: &str,
    secret: SecretSource,
    allows: impl FnOnce(&AccountView) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut account = get_seen(inventory, word).await?;
    check_reached(&account)?;
    let id = account.id.to_string();
    match secret {
        SecretSource::Keep(secret) => {
            account.sealed = Some(secrets::seal(inventory, &id, &secret).await?);
            account.secret = Some(secret);
            account.access.credential = None;
        }
        SecretSource::Reference(place) => {
            (account.sealed, account.secret) = (None, None);
            account.access.credential = Some(place.to_string());
        }
        SecretSource::None | SecretSource::Make => {
            return Err(Error::new("no credential was given"));
        }
    }
    // What cannot be opened does not take the place of what can.
    #[cfg(feature = "aws")]
    if !super::is_described(&account.provider, account.kind) {
        crate::app::aws::key(&account)?;
    }
    let mut tx = inventory.begin().await?;
    lock(inventory, &mut tx, &account, allows).await?;
    let changed = tx.set_account_access(account.id, &account.access, account.sealed.as_deref());
    changed.await.map_err(cannot_write)?;
    let details = json!({"provider": account.provider, "name": account.name,
                         "place": account.access.credential});
    let act = Done {
        verb: "account.credential",
        target_kind: "account",
        target_id: id,
        why: None,
        details,
    };
    inventory.log(&mut tx, act).await?;
    commit(tx).await
}

/// Whether this is the credential that is kept for an account; compared in a time that tells only its length.
///
/// # Errors
/// As [`set_credential`]; when no credential of it is kept here.
pub async fn is_credential(
    inventory: &Inventory,
    word: &str,
    secret: &Secret,
) -> Result<bool, Error> {
    let account = get_seen(inventory, word).await?;
    check_reached(&account)?;
    let id = account.id.to_string();
    let kept = secrets::find(inventory, &id, account.sealed.as_deref(), None).await?;
    let kept = kept.ok_or_else(|| {
        Error::new(format!("no credential of `{}` is kept here", account.name))
            .kind(Kind::Conflict)
            .hint(format!("have one kept: keytender accounts set {} --credential -", account.name))
    })?;
    let (kept, given) = (kept.expose().as_bytes(), secret.expose().as_bytes());
    Ok(constant_time::verify_slices_are_equal(kept, given).is_ok())
}

/// Refuses accounts that have no credential of their own.
fn check_reached(account: &Account) -> Result<(), Error> {
    let name = &account.name;
    let refuse = |why: String| Err(Error::new(why).kind(Kind::Conflict));
    match (&account.access.profile, account.parent_id) {
        _ if !account.kind.is_asked() => refuse(format!("`{name}` is not asked for its keys")),
        (Some(profile), _) => {
            refuse(format!("`{name}` is reached by the profile `{profile}` of AWS's configuration"))
        }
        (None, Some(_)) => refuse(format!("`{name}` is reached through its organization")),
        (None, None) => Ok(()),
    }
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
