//! Accounts of providers that were found at an address: each is bound to the document that somebody approved, by its
//! digest, and to the hosts that this one names. A document that changed is not run before it is approved too.

use keytender_core::text::printable;
use reqwest::Url;
use serde_json::json;

use super::{get_seen, lock};
use crate::app::described;
use crate::app::discover::{self, Address, FoundDescriptor};
use crate::app::inventory::{Done, Inventory, cannot_write, commit};
use crate::error::{Error, Kind};
use crate::store::accounts::{Access, Account};

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
) -> Result<(String, Access), Error> {
    let provider = address.host().trim_matches(['[', ']']).replace(':', "-");
    let access = Access {
        endpoint: access.endpoint.or_else(|| address.endpoint()),
        descriptor: Some(found.text.clone()),
        source: Some(found.url.to_string()),
        digest: Some(found.digest()),
        ..access
    };
    let [own, foreign] = found.hosts(&access);
    if own.is_empty() && foreign.is_disjoint(&access.pinned) && !foreign.is_empty() {
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
    let found = now(&account).await?;
    if account.access.digest.as_ref() == Some(&found.digest()) {
        return Ok(None);
    }
    let before = described::get(&account.provider, &account.access)?;
    let lines = found.differences(&before, &account.access);
    Ok(Some(Changed { found, lines }))
}

async fn now(account: &Account) -> Result<FoundDescriptor, Error> {
    let source = account.access.source.as_deref().ok_or_else(|| {
        Error::new(format!(
            "`{}` was not found at an address: no document of it changes",
            account.name
        ))
        .kind(Kind::Conflict)
    })?;
    discover::again(source, account.access.allow_private).await
}

/// Binds an account to a document that somebody approved, in the place of the one before.
///
/// # Errors
/// When there is no such account, or it cannot be reached by the document.
pub async fn approve(
    inventory: &Inventory,
    word: &str,
    found: &FoundDescriptor,
) -> Result<(), Error> {
    inventory.sight.refuse_customer()?;
    let account = get_seen(inventory, word).await?;
    let source = account.access.source.as_deref().and_then(|source| Url::parse(source).ok());
    if source.as_ref() != Some(&found.url) {
        return Err(Error::new("the document is from another place").kind(Kind::Conflict));
    }
    let mut access = Access {
        descriptor: Some(found.text.clone()),
        digest: Some(found.digest()),
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
        details: json!({"provider": account.provider, "name": account.name, "source": access.source,
                        "digest": access.digest, "hosts": access.hosts}),
    };
    inventory.log(&mut tx, act).await?;
    commit(tx).await
}

/// What is to be said of an account whose document changed, or cannot be read now; nothing of any other.
pub(in crate::app) async fn notice(account: &Account) -> Option<String> {
    account.access.source.as_ref()?;
    let name = printable(&account.name);
    match now(account).await {
        Ok(found) if account.access.digest.as_ref() == Some(&found.digest()) => None,
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
