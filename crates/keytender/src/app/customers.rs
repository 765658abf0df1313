//! Customers of our APIs: each is an account of the inventory, whose keys we issue.

use keytender_core::id::AccountId;
use keytender_core::owner::is_address;
use serde_json::json;

use super::apis::{self, refuse_narrow};
use super::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use super::view::CustomerView;
use crate::error::{Error, Kind};
use crate::store::accounts::{Access, Account, AccountKind};
use crate::store::apis::Api;
use crate::store::changes::Subject;
use crate::store::{self, Failure};

/// The longest name of a customer.
const MAX_NAME: usize = 100;

/// A customer to be added.
#[derive(Clone, Debug, Default)]
pub struct NewCustomer {
    /// What it is called: letters, digits, and - _ . @
    pub name: String,
    /// The API's own id of it.
    pub external_id: Option<String>,
    /// Its mail address.
    pub contact: Option<String>,
}

/// Adds a customer to an API. In the inventory it is called `API/NAME`.
///
/// # Errors
/// When there is no such API, or the name or the id is taken or cannot be.
pub async fn add(
    inventory: &Inventory,
    api: &str,
    new: NewCustomer,
) -> Result<CustomerView, Error> {
    inventory.sight.refuse_customer()?;
    let api = apis::get(inventory, api).await?;
    check(&new)?;
    let account = account(inventory, &api, new)?;
    let mut tx = inventory.begin().await?;
    tx.insert_account(&account).await.map_err(|failure| match failure {
        Failure::Exists => {
            let why = format!(
                "`{}` has a customer of this name or id already: {}",
                api.name, account.name
            );
            Error::new(why).kind(Kind::Conflict)
        }
        failure => cannot_write(failure),
    })?;
    inventory.log(&mut tx, done("account.add", &account)).await?;
    commit(tx).await?;
    Ok(CustomerView::of(&account, &api.name))
}

/// Whether a customer can be called so.
pub(super) fn is_name(name: &str) -> bool {
    let is_plain = |one: char| one.is_alphanumeric() || "-_.@".contains(one);
    !name.is_empty() && name.len() <= MAX_NAME && name.chars().all(is_plain)
}

fn check(new: &NewCustomer) -> Result<(), Error> {
    if !is_name(&new.name) {
        return Err(Error::new("a customer's name consists of letters, digits, and - _ . @")
            .hint("such as globex, or the id that the customer has at your API"));
    }
    if new.contact.as_ref().is_some_and(|contact| !is_address(contact)) {
        return Err(Error::new(format!("the contact of `{}` is no mail address", new.name)));
    }
    super::keys::check_text("an id", new.external_id.as_deref())
}

/// A new customer, which is not written yet.
pub(super) fn account(
    inventory: &Inventory,
    api: &Api,
    new: NewCustomer,
) -> Result<Account, Error> {
    Ok(Account {
        id: AccountId::from_random(store::random().map_err(cannot_write)?),
        provider: api.name.clone(),
        name: format!("{}/{}", api.name, new.name),
        kind: AccountKind::Customer,
        parent_id: None,
        external_id: new.external_id,
        alias: None,
        contact: new.contact,
        security_contact: None,
        access: Access::default(),
        sealed: None,
        secret: None,
        report_header: None,
        created_at: inventory.now,
        api_id: Some(api.id),
        suspended_at: None,
    })
}

/// Some customers of an API after the one of the name `after`, by name; a customer sees itself alone.
///
/// # Errors
/// When there is no such API, or the database does not answer.
pub async fn list(
    inventory: &Inventory,
    api: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<CustomerView>, Error> {
    let api = apis::get(inventory, api).await?;
    if let Some(own) = inventory.sight.account {
        let own = view(inventory, &own.to_string()).await?;
        return Ok(Some(own)
            .filter(|own| after.is_none_or(|after| own.name.as_str() > after))
            .into_iter()
            .collect());
    }
    let found = inventory.store.list_customers(api.id, after, limit.into()).await;
    let found = found.map_err(cannot_read)?;
    Ok(found.iter().map(|account| CustomerView::of(account, &api.name)).collect())
}

/// The customer of this name or id, as people see it.
///
/// # Errors
/// When there is none.
pub async fn view(inventory: &Inventory, word: &str) -> Result<CustomerView, Error> {
    let account = get(inventory, word).await?;
    Ok(CustomerView::of(&account, &account.provider))
}

/// Some customers of an API whose names begin with `prefix`, after the one of the name `after`, by name.
///
/// # Errors
/// When there is no such API, or the database does not answer.
pub async fn find(
    inventory: &Inventory,
    api: &str,
    prefix: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<CustomerView>, Error> {
    inventory.sight.refuse_customer()?;
    let api = apis::get(inventory, api).await?;
    let begins = format!("{}/{prefix}", api.name);
    let first = match after {
        None => inventory.store.find_account(&begins).await.map_err(cannot_read)?,
        Some(_) => None,
    };
    let rest = list(inventory, &api.id.to_string(), Some(after.unwrap_or(&begins)), limit).await?;
    let first = first.filter(|one| one.api_id == Some(api.id));
    let mut found: Vec<_> =
        first.iter().map(|account| CustomerView::of(account, &api.name)).chain(rest).collect();
    found.retain(|one| one.name.starts_with(&begins));
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

/// The customer of this name, such as `acme/globex`, or id.
///
/// # Errors
/// When there is none.
pub(super) async fn get(inventory: &Inventory, word: &str) -> Result<Account, Error> {
    refuse_narrow(&inventory.sight)?;
    let account = super::accounts::get(inventory, word).await?;
    match account.kind {
        AccountKind::Customer => Ok(account),
        _ => Err(Error::new(format!(
            "`{word}` is no customer of an API of yours: keys of it are held"
        ))),
    }
}

/// Stops every key of a customer, or lets them work again; one that is so already stays.
///
/// # Errors
/// When there is none of this name or id.
pub async fn suspend(
    inventory: &Inventory,
    word: &str,
    is_suspended: bool,
    why: Option<&str>,
) -> Result<CustomerView, Error> {
    inventory.sight.refuse_customer()?;
    super::keys::check_text("a reason", why)?;
    let id = get(inventory, word).await?.id;
    let mut tx = inventory.begin().await?;
    let found = tx.lock_account(&id.to_string()).await.map_err(cannot_read)?;
    let mut account =
        found.ok_or_else(|| Error::not_found(format!("there is no account `{word}`")))?;
    if account.suspended_at.is_some() != is_suspended {
        account.suspended_at = is_suspended.then_some(inventory.now);
        tx.suspend_account(account.id, account.suspended_at).await.map_err(cannot_write)?;
        let verb = if is_suspended { "account.suspend" } else { "account.resume" };
        inventory.log(&mut tx, Done { why, ..done(verb, &account) }).await?;
        if let Some(api) = account.api_id {
            let subject = Subject::Account(account.id);
            tx.note_change(api, subject, inventory.now).await.map_err(cannot_write)?;
        }
        commit(tx).await?;
    }
    Ok(CustomerView::of(&account, &account.provider))
}

pub(super) fn done<'a>(verb: &'a str, account: &Account) -> Done<'a> {
    Done {
        verb,
        target_kind: "account",
        target_id: account.id.to_string(),
        why: None,
        details: json!({"provider": account.provider, "name": account.name}),
    }
}
