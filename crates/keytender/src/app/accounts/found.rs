//! Accounts of providers that were found at an address: each is bound to the document that somebody approved, by its
//! digest, and to the hosts that this one names. A document that changed is not run before it is approved too.

use std::collections::BTreeSet;

use keytender_core::text::printable;
use serde_json::json;

use super::{get_seen, lock};
use crate::app::described;
use crate::app::discover::{self, Address, FoundDescriptor};
use crate::app::inventory::{Done, Inventory, cannot_write, commit};
use crate::error::{Error, Kind};
use crate::store::accounts::{Access, Account, Found};

/// A document that took the place of the one that an account is bound to.
#[derive(Debug)]
pub struct Changed {
    /// The document as it is now.
    pub found: FoundDescriptor,
    /// What is new in it.
    pub lines: Vec<String>,
}

/// What is said of an account that was found at an address: the host there is the provider.
///
/// # Errors
/// When no call of the document goes to a host that may be reached.
pub fn bind(
    address: &Address,
    found: &FoundDescriptor,
    access: Access,
    pinned: BTreeSet<String>,
) -> Result<(String, Access), Error> {
    let provider = address.host().trim_matches(['[', ']']).replace(':', "-");
    let access = Access {
        endpoint: access.endpoint.or_else(|| address.endpoint()),
        descriptor: Some(found.text.clone()),
        found: Some(Box::new(Found { at: found.url.to_string(), digest: found.digest(), pinned })),
        ..access
    };
    let [own, foreign] = found.hosts(&access);
    let pinned = access.found.as_ref().map(|found| &found.pinned);
    let is_pinned = pinned.is_some_and(|pinned| !foreign.is_disjoint(pinned));
    if own.is_empty() && !is_pinned && !foreign.is_empty() {
        let named: Vec<&str> = foreign.iter().map(String::as_str).collect();
        let named = printable(&named.join(", ")).into_owned();
        return Err(Error::new(format!(
            "the document names hosts of other sites, to which no call goes: {named}"
        ))
        .hint("--allow-host HOST lets calls, and the credential, go there"));
    }
    described::hosts(&provider, &access)?;
    Ok((provider, access))
}

/// The document of an account where it is not the approved one any more; `None` where it is.
///
/// # Errors
/// When the account was not found at an address, or the document cannot be read now.
pub async fn changed(inventory: &Inventory, word: &str) -> Result<Option<Changed>, Error> {
    let account = get_seen(inventory, word).await?;
    let (approved, found) = now(&account).await?;
    if approved.digest == found.digest() {
        return Ok(None);
    }
    let before = described::get(&account.provider, &account.access)?;
    let lines = found.differences(&before, &account.access);
    Ok(Some(Changed { found, lines }))
}

/// What somebody approved, and what is there now.
async fn now(account: &Account) -> Result<(&Found, FoundDescriptor), Error> {
    let approved = account.access.found.as_deref().ok_or_else(|| {
        let name = &account.name;
        Error::new(format!("`{name}` was not found at an address: no document of it changes"))
            .kind(Kind::Conflict)
    })?;
    Ok((approved, discover::again(&approved.at, account.access.allow_private).await?))
}

/// Binds an account to a document that somebody approved, in the place of the one before.
///
/// # Errors
/// When there is no such account, the document is from elsewhere, or no call of it may be made.
pub async fn approve(
    inventory: &Inventory,
    word: &str,
    found: &FoundDescriptor,
) -> Result<(), Error> {
    inventory.sight.refuse_customer()?;
    let account = get_seen(inventory, word).await?;
    let before = account.access.found.as_deref().filter(|one| one.at == found.url.as_str());
    let before = before
        .ok_or_else(|| Error::new("the document is from another place").kind(Kind::Conflict))?;
    let mut access = Access {
        descriptor: Some(found.text.clone()),
        found: Some(Box::new(Found { digest: found.digest(), ..before.clone() })),
        ..account.access.clone()
    };
    access.hosts = described::hosts(&account.provider, &access)?;
    described::check(&account.provider, &access)?;
    let mut tx = inventory.begin().await?;
    lock(inventory, &mut tx, &account, |_| Ok(())).await?;
    let changed = tx.set_account_access(account.id, &access, account.sealed.as_deref());
    changed.await.map_err(cannot_write)?;
    let act = Done {
        verb: "account.approve",
        target_kind: "account",
        target_id: account.id.to_string(),
        why: None,
        details: json!({"provider": account.provider, "name": account.name, "found": access.found,
                        "hosts": access.hosts}),
    };
    inventory.log(&mut tx, act).await?;
    commit(tx).await
}

/// What is to be said of an account whose document changed, or cannot be read now; nothing of any other.
pub(in crate::app) async fn notice(account: &Account) -> Option<String> {
    account.access.found.as_ref()?;
    let name = printable(&account.name);
    match now(account).await {
        Ok((approved, found)) if approved.digest == found.digest() => None,
        Ok(_) => Some(format!(
            "the document that {name} is run by has changed where it was found; what was approved is run until \
             somebody approves the new one: keytender accounts approve {name}"
        )),
        Err(error) => Some(format!(
            "whether the document that {name} is run by has changed is not known: {}",
            error.report()
        )),
    }
}
