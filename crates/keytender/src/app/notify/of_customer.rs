//! Whether and when a customer of an API of ours is told of its keys, and at which address.

use keytender_core::notice::DAYS_BEFORE;
use keytender_core::owner::is_address;
use serde_json::json;

use crate::app::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use crate::app::view::CustomerNoticesView;
use crate::app::{apis, customers};
use crate::error::{Error, Kind};
use crate::store::Failure;
use crate::store::accounts::Account;

/// From which age on a customer is told of a key: the policy for keys that are issued.
pub const AGE_DAYS: u32 = 365;
/// After how many days without a use: the same.
pub const UNUSED_DAYS: u32 = 180;

/// How it stands.
///
/// # Errors
/// When there is no such customer.
pub async fn settings(inventory: &Inventory, word: &str) -> Result<CustomerNoticesView, Error> {
    let account = customers::get(inventory, word).await?;
    view(inventory, &account).await
}

async fn view(inventory: &Inventory, account: &Account) -> Result<CustomerNoticesView, Error> {
    let no_api = || Error::new("a customer of no API").kind(Kind::Internal);
    let api = account.api_id.ok_or_else(no_api)?;
    let api = apis::get(inventory, &api.to_string()).await?;
    let standing = inventory.store.api_notices(api.id).await.map_err(cannot_read)?;
    Ok(CustomerNoticesView {
        account: account.id.to_string(),
        contact: account.contact.clone(),
        started: standing.started_at.is_some(),
        age_days: vec![AGE_DAYS],
        expiry_days: DAYS_BEFORE.map(u32::from).to_vec(),
        unused_days: vec![UNUSED_DAYS],
    })
}

/// Says at which address a customer is told; `None`: at none. `allows` gets it as it is, and may refuse.
///
/// # Errors
/// When there is no such customer, or the address is none.
pub async fn set_contact(
    inventory: &Inventory,
    word: &str,
    contact: Option<&str>,
    allows: impl FnOnce(&CustomerNoticesView) -> Result<(), Error>,
) -> Result<CustomerNoticesView, Error> {
    let account = customers::get(inventory, word).await?;
    if contact.is_some_and(|contact| !is_address(contact)) {
        return Err(Error::new(format!("the contact of `{}` is no mail address", account.name)));
    }
    let mut tx = inventory.begin().await?;
    tx.lock(account.id.as_i64()).await.map_err(Failure::from).map_err(cannot_write)?;
    allows(&view(inventory, &account).await?)?;
    tx.set_account_contact(account.id, contact).await.map_err(cannot_write)?;
    let act = Done {
        details: json!({"provider": account.provider, "name": account.name,
                        "has_contact": contact.is_some()}),
        ..customers::done("account.set", &account)
    };
    inventory.log(&mut tx, act).await?;
    commit(tx).await?;
    settings(inventory, &account.id.to_string()).await
}
