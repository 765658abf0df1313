//! Accounts: where keys are held, added and removed.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use keytender_core::id::{AccountId, ApiId};
use keytender_core::owner::is_address;
use keytender_core::secret::Secret;
use serde_json::json;

use super::described;
use super::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use super::secrets;
use super::view::AccountView;
use crate::error::{Error, Kind};
use crate::store::accounts::{Access, Account, AccountKind};
use crate::store::changes::Subject;
use crate::store::db::Tx;
use crate::store::{self, Failure};

pub mod members;

/// How many bytes a name may have.
const MAX_NAME: usize = 100;

/// An account to be added.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// `aws`, `github` …
    pub provider: String,
    /// What people call it here.
    pub name: String,
    /// What it is to us.
    pub kind: AccountKind,
    /// How it is reached.
    pub access: Access,
    /// An address for its keys without an owner.
    pub contact: Option<String>,
    /// A secret that we are asked to keep.
    pub secret: Option<Secret>,
}

/// Adds an account. Nothing is asked of it yet.
///
/// # Errors
/// When the name is taken or no name, or the contact is no address.
pub async fn add(inventory: &Inventory, mut new: NewAccount) -> Result<Account, Error> {
    inventory.sight.refuse_customer()?;
    check_new(&new)?;
    refuse_own_api(inventory, &new.provider).await?;
    if is_described(&new.provider, new.kind) {
        new.access.hosts = described::hosts(&new.provider, &new.access)?;
    }
    let id = AccountId::from_random(store::random().map_err(cannot_write)?);
    let sealed = match &new.secret {
        Some(secret) => Some(secrets::seal(inventory, &id.to_string(), secret).await?),
        None => None,
    };
    let account = Account {
        id,
        provider: new.provider,
        name: new.name,
        kind: new.kind,
        parent_id: None,
        external_id: None,
        alias: None,
        contact: new.contact,
        security_contact: None,
        access: new.access,
        sealed,
        secret: new.secret,
        report_header: None,
        created_at: inventory.now,
        api_id: None,
        suspended_at: None,
    };
    // What cannot be opened is not added.
    #[cfg(feature = "aws")]
    if !is_described(&account.provider, account.kind) {
        super::aws::key(&account)?;
    }
    let mut tx = inventory.begin().await?;
    tx.insert_account(&account).await.map_err(|failure| match failure {
        Failure::Exists => Error::new(format!("there is an account `{}` already", account.name))
            .kind(Kind::Conflict)
            .hint(format!(
                "give it another name, or remove the first: keytender accounts remove {}",
                account.name
            )),
        failure => cannot_write(failure),
    })?;
    inventory.log(&mut tx, done("account.add", &account)).await?;
    commit(tx).await?;
    Ok(account)
}

/// Something that Keytender may be allowed to do at an account.
#[derive(Clone, Debug)]
pub struct Ability {
    /// The permission, in the provider's word.
    pub permission: Cow<'static, str>,
    /// What it is for.
    pub purpose: Cow<'static, str>,
    /// Whether a sync is impossible without it.
    pub is_needed: bool,
    /// Whether it is there; `None` where it cannot be tried without changing something.
    pub is_there: Option<bool>,
}

/// Who Keytender is at an account, and what it can do there.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Who.
    pub who: Option<String>,
    /// What it can do.
    pub abilities: Vec<Ability>,
    /// What follows.
    pub sentence: String,
}

/// Asks an account who we are there, and tries each reading permission.
///
/// # Errors
/// When the account does not answer, or not to us.
pub async fn check(account: &Account) -> Result<Checked, Error> {
    match account.kind {
        AccountKind::Manual => Ok(Checked {
            who: None,
            abilities: Vec::new(),
            sentence: format!(
                "{} is told by hand: Keytender watches what you tell it and cannot act there.",
                account.name
            ),
        }),
        AccountKind::Own => Ok(Checked {
            who: None,
            abilities: Vec::new(),
            sentence: format!(
                "{} is this installation's own: its keys are the tokens of its API.",
                account.name
            ),
        }),
        AccountKind::Customer => Ok(Checked {
            who: None,
            abilities: Vec::new(),
            sentence: format!("{} is a customer: its keys are issued here.", account.name),
        }),
        AccountKind::Live | AccountKind::Organization => {
            match is_described(&account.provider, account.kind) {
                true => described::look(account).await,
                false => look(account).await,
            }
        }
    }
}

#[cfg(feature = "aws")]
use aws::look;
use change::lock;

#[cfg(feature = "aws")]
mod aws;
mod change;
mod found;
mod reach;
mod seen;

pub use change::{is_credential, set_contact, set_credential};
pub(super) use found::notice;
pub use found::{Changed, approve, bind, changed};
pub use reach::{check as check_reach, kind_of};
pub(super) use seen::get_seen;
pub use seen::{check_seen, list, syncs, view};

#[cfg(not(feature = "aws"))]
async fn look(account: &Account) -> Result<Checked, Error> {
    Err(Error::new(format!("no connector for `{}`", account.provider)))
}

/// Whether an account is asked as a descriptor says.
pub(super) fn is_described(provider: &str, kind: AccountKind) -> bool {
    kind == AccountKind::Live && provider != "aws"
}

fn is_plain(one: char) -> bool {
    one.is_alphanumeric() || "-_.@".contains(one)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_NAME && text.chars().all(is_plain)
}

fn check_new(new: &NewAccount) -> Result<(), Error> {
    if !is_name(&new.name) {
        return Err(Error::new("an account's name consists of letters, digits, and - _ . @")
            .hint("such as aws-prod"));
    }
    if !is_name(&new.provider) {
        return Err(Error::new("a provider's name consists of letters, digits, and - _ . @")
            .hint("such as aws, github, stripe"));
    }
    if new.contact.as_ref().is_some_and(|contact| !is_address(contact)) {
        return Err(no_address(&new.name));
    }
    reach::check(new)
}

/// Keys of an API of ours are issued, not held.
async fn refuse_own_api(inventory: &Inventory, provider: &str) -> Result<(), Error> {
    match inventory.store.find_api(provider).await.map_err(cannot_read)? {
        Some(api) => {
            let why = format!("`{}` is an API of yours: its keys are issued, not held", api.name);
            let hint = format!("a customer of it: keytender accounts add {} NAME", api.name);
            Err(Error::new(why).kind(Kind::Conflict).hint(hint))
        }
        None => Ok(()),
    }
}

fn no_address(name: &str) -> Error {
    Error::new(format!("the contact of `{name}` is no mail address"))
}

/// Opens the secrets of accounts that we were asked to keep, before they are asked for their keys.
/// A member is reached with what its organization keeps.
///
/// # Errors
/// When the master key is missing, or one does not open.
pub async fn unlock(inventory: &Inventory, accounts: &mut [Account]) -> Result<(), Error> {
    let mut kept: HashMap<AccountId, Option<String>> = HashMap::new();
    if accounts.iter().any(|account| account.parent_id.is_some()) {
        let all = inventory.store.list_accounts().await.map_err(cannot_read)?;
        kept.extend(all.into_iter().map(|account| (account.id, account.sealed)));
    }
    let mut opened: HashMap<AccountId, Option<Secret>> = HashMap::new();
    for account in accounts.iter_mut().filter(|account| account.secret.is_none()) {
        let (id, sealed) = match account.parent_id.filter(|_| account.sealed.is_none()) {
            Some(id) => (id, kept.get(&id).and_then(Option::as_deref)),
            None => (account.id, account.sealed.as_deref()),
        };
        account.secret = match opened.entry(id) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(place) => {
                let secret = secrets::find(inventory, &id.to_string(), sealed, None).await?;
                place.insert(secret).clone()
            }
        };
    }
    Ok(())
}

/// The account of this name or id; a customer finds its own alone.
///
/// # Errors
/// When there is none.
pub async fn get(inventory: &Inventory, word: &str) -> Result<Account, Error> {
    let found = inventory.store.find_account(word).await.map_err(cannot_read)?;
    let found = found.filter(|account| inventory.sight.is_in(account.id));
    found.ok_or_else(|| missing(word))
}

fn missing(word: &str) -> Error {
    Error::not_found(format!("there is no account `{word}`"))
        .hint("keytender accounts list shows the accounts")
}

/// The account of this name for keys that are told by hand; it is made if there is none.
///
/// # Errors
/// When the account of this name is asked for its keys, or is another provider's.
pub async fn manual(inventory: &Inventory, provider: &str, name: &str) -> Result<Account, Error> {
    match inventory.store.find_account(name).await.map_err(cannot_read)? {
        Some(account) if account.kind == AccountKind::Own => {
            Err(Error::new(format!("`{name}` is this installation's own: none are told by hand"))
                .hint("keytender tokens create"))
        }
        Some(account) if account.kind == AccountKind::Customer => {
            Err(Error::new(format!("`{name}` is a customer: its keys are issued, not told"))
                .hint("keytender keys create --app APP"))
        }
        Some(account) if account.kind != AccountKind::Manual => {
            Err(Error::new(format!("`{name}` is asked for its keys: none are told by hand"))
                .hint(format!("keytender sync {name}")))
        }
        Some(account) if account.provider != provider => Err(Error::new(format!(
            "the account `{name}` is one of {}, not of {provider}",
            account.provider
        ))),
        Some(account) => Ok(account),
        None => {
            let new = NewAccount {
                provider: provider.to_owned(),
                name: name.to_owned(),
                kind: AccountKind::Manual,
                access: Access::default(),
                contact: None,
                secret: None,
            };
            add(inventory, new).await
        }
    }
}

/// Takes an account and its keys out of the inventory, and with an organization the members that
/// were found through it. The log of acts keeps that they were there. `allows` gets the account as
/// it is now, and may refuse.
///
/// # Errors
/// When there is none of this name or id.
pub async fn remove(
    inventory: &Inventory,
    name: &str,
    allows: impl FnOnce(&AccountView) -> Result<(), Error>,
) -> Result<Account, Error> {
    inventory.sight.refuse_customer()?;
    let account = get_seen(inventory, name).await?;
    if account.kind == AccountKind::Own {
        return Err(Error::new(format!("`{name}` is this installation's own account: it stays"))
            .kind(Kind::Conflict)
            .hint("keytender users remove ends a user's tokens"));
    }
    let mut tx = inventory.begin().await?;
    lock(inventory, &mut tx, &account, allows).await?;
    if let Some(api) = account.api_id {
        forget_customer(inventory, &mut tx, &account, api).await?;
        commit(tx).await?;
        return Ok(account);
    }
    let mut gone = tx.list_accounts().await.map_err(cannot_read)?;
    gone.retain(|one| one.id == account.id || one.parent_id == Some(account.id));
    // The members first: they hang on their organization.
    gone.sort_by_key(|one| one.parent_id.is_none());
    for one in &gone {
        if let Some(id) = tx.live_rotation(one.id).await.map_err(cannot_read)? {
            return Err(Error::new(format!("a key of `{}` is being replaced: {id}", one.name))
                .kind(Kind::Conflict)
                .hint(format!("keytender rotations show {id} says how to end it")));
        }
        tx.remove_account(one.id).await.map_err(cannot_write)?;
        inventory.log(&mut tx, done("account.remove", one)).await?;
    }
    commit(tx).await?;
    Ok(account)
}

/// Takes a customer of an API of ours and its keys away: no verifier knows them any more.
async fn forget_customer(
    inventory: &Inventory,
    tx: &mut Tx,
    account: &Account,
    api: ApiId,
) -> Result<(), Error> {
    let apps = tx.apps_of(account.id).await.map_err(cannot_read)?;
    for token in tx.token_keys_in(account.id).await.map_err(cannot_read)? {
        super::tokens::end(tx, token, inventory.now).await?;
    }
    tx.remove_account(account.id).await.map_err(cannot_write)?;
    inventory.log(tx, done("account.remove", account)).await?;
    // An app that is gone takes its keys along.
    for app in apps {
        tx.note_change(api, Subject::App(app), inventory.now).await.map_err(cannot_write)?;
    }
    Ok(())
}

fn done<'a>(verb: &'a str, account: &Account) -> Done<'a> {
    Done {
        verb,
        target_kind: "account",
        target_id: account.id.to_string(),
        why: None,
        details: json!({"provider": account.provider, "name": account.name}),
    }
}
