//! Users: who may use Keytender over its API, and what they may do there.
//!
//! A user is a principal of our own account; the tokens are the principal's keys.

use std::collections::HashMap;

use keytender_core::access::{Role, Scopes};
use keytender_core::id::{AccountId, OwnerId, PrincipalId, UserId};
use keytender_core::inventory::PrincipalRecord;
use keytender_core::key::{Principal, PrincipalKind};
use keytender_core::owner::is_address;
use keytender_core::time::Time;
use serde_json::json;

use super::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use super::owners::DEFAULT_TIME_ZONE;
use super::tokens::{self, Created, NewToken};
use super::view::UserView;
use crate::error::{Error, Kind};
use crate::store::accounts::{Access, Account, AccountKind};
use crate::store::db::Tx;
use crate::store::owners::Owner;
use crate::store::users::User;
use crate::store::{self, Failure};

/// The provider of our own tokens, and the name of their account.
pub(super) const OWN: &str = "keytender";
/// The first user.
const FIRST: &str = "administrator";
/// The advisory lock that two nodes meet at which start on an empty database.
const LOCK: i64 = 0x6b65_7974_7573;
/// The longest name of a user.
const MAX_NAME: usize = 100;

/// A user that somebody adds, or what they are from now on.
#[derive(Clone, Debug)]
pub struct UserFacts {
    /// What the user may do.
    pub role: Role,
    /// The mail address.
    pub address: Option<String>,
    /// By its name, the owner whose keys a user of the role `owner` sees.
    pub owner: Option<String>,
    /// Whether no token of the user works.
    pub is_suspended: bool,
}

/// Adds a user.
///
/// # Errors
/// When the name is taken or none, or the facts do not fit each other.
pub async fn add(inventory: &Inventory, name: &str, facts: &UserFacts) -> Result<User, Error> {
    let is_plain = |one: char| one.is_alphanumeric() || "-_.@+".contains(one);
    if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(is_plain) {
        return Err(Error::new("a user's name consists of letters, digits, and - _ . @ +")
            .hint("such as mia, or ci@example.com"));
    }
    let mut tx = inventory.begin().await?;
    let user = add_in(inventory, &mut tx, name, facts).await?;
    commit(tx).await?;
    Ok(user)
}

async fn add_in(
    inventory: &Inventory,
    tx: &mut Tx,
    name: &str,
    facts: &UserFacts,
) -> Result<User, Error> {
    let account = own_account(inventory, tx).await?;
    let owner_id = checked(inventory, facts).await?;
    if tx.lock_user(name).await.map_err(cannot_read)?.is_some() {
        return Err(Error::new(format!("there is a user `{name}` already"))
            .kind(Kind::Conflict)
            .hint(format!("change what they may do: keytender users set {name} --role ROLE")));
    }
    let principal_id = principal(inventory, tx, account.id, name).await?;
    let user = User {
        id: UserId::from_random(store::random().map_err(cannot_write)?),
        name: name.to_owned(),
        role: facts.role,
        address: facts.address.clone(),
        owner_id,
        principal_id,
        suspended_at: facts.is_suspended.then_some(inventory.now),
        created_at: inventory.now,
    };
    tx.insert_user(&user).await.map_err(cannot_write)?;
    inventory.log(tx, done("user.add", &user)).await?;
    Ok(user)
}

/// The principal of our account for a user; one of that name who was there before comes back.
async fn principal(
    inventory: &Inventory,
    tx: &mut Tx,
    account: AccountId,
    name: &str,
) -> Result<PrincipalId, Error> {
    let known = tx.list_principals(account).await.map_err(cannot_read)?;
    let mut record = match known.into_iter().find(|record| record.principal.name == name) {
        Some(record) => record,
        None => PrincipalRecord {
            id: PrincipalId::from_random(store::random().map_err(cannot_write)?),
            principal: Principal {
                provider: OWN.into(),
                account: OWN.into(),
                name: name.to_owned().into(),
                kind: PrincipalKind::User,
                has_password: Some(false),
                password_last_used: None,
                mfa: None,
            },
            reference: None,
            tags: None,
            is_admin: None,
            cells: None,
            first_seen_at: inventory.now,
            gone_at: None,
        },
    };
    record.gone_at = None;
    let id = record.id;
    tx.write_principals(account, std::slice::from_ref(&record)).await.map_err(cannot_write)?;
    Ok(id)
}

/// Whose keys the user sees, if the facts fit each other.
async fn checked(inventory: &Inventory, facts: &UserFacts) -> Result<Option<OwnerId>, Error> {
    if facts.address.as_ref().is_some_and(|address| !is_address(address)) {
        return Err(Error::new("the user was given something that is no mail address")
            .hint("an address looks like mia@example.com"));
    }
    match (&facts.owner, facts.role) {
        (Some(name), _) => match super::owners::get(inventory, name).await {
            Ok(owner) => Ok(Some(owner.id)),
            // What is not there is not the user.
            Err(error) => Err(error.kind(Kind::Refused)),
        },
        (None, Role::Owner) => Err(Error::new("a user of the role owner sees an owner's keys")
            .hint("say whose: --owner NAME")),
        (None, _) => Ok(None),
    }
}

/// Writes what a user is from now on. `change` gets what they are now, and may refuse.
///
/// # Errors
/// When there is none of this name, the facts do not fit, or nobody would be left who may do this.
pub async fn set(
    inventory: &Inventory,
    name: &str,
    change: impl FnOnce(&UserView) -> Result<UserFacts, Error>,
) -> Result<User, Error> {
    let mut tx = inventory.begin().await?;
    let mut user = locked(&mut tx, name).await?;
    let facts = change(&of(inventory, &user).await?)?;
    user.owner_id = checked(inventory, &facts).await?;
    user.role = facts.role;
    user.address = facts.address;
    user.suspended_at = facts.is_suspended.then_some(user.suspended_at.unwrap_or(inventory.now));
    tx.update_user(&user).await.map_err(cannot_write)?;
    leave_somebody(&mut tx).await?;
    inventory.log(&mut tx, done("user.set", &user)).await?;
    commit(tx).await?;
    Ok(user)
}

/// Takes a user away; their tokens end at once. `check` may refuse.
///
/// # Errors
/// When there is none of this name, or nobody would be left who may do this.
pub async fn remove(
    inventory: &Inventory,
    name: &str,
    check: impl FnOnce(&UserView) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut tx = inventory.begin().await?;
    let user = locked(&mut tx, name).await?;
    check(&of(inventory, &user).await?)?;
    for key in tx.token_keys(user.id).await.map_err(cannot_read)? {
        tokens::end(&mut tx, key, inventory.now).await?;
    }
    end_principal(inventory, &mut tx, &user).await?;
    tx.remove_user(user.id).await.map_err(cannot_write)?;
    leave_somebody(&mut tx).await?;
    inventory.log(&mut tx, done("user.remove", &user)).await?;
    commit(tx).await
}

/// Notes that the principal of a user is gone.
async fn end_principal(inventory: &Inventory, tx: &mut Tx, user: &User) -> Result<(), Error> {
    let account = own_account(inventory, tx).await?.id;
    let known = tx.list_principals(account).await.map_err(cannot_read)?;
    let found = known.into_iter().find(|record| record.id == user.principal_id);
    let Some(mut record) = found else { return Ok(()) };
    record.gone_at = Some(inventory.now);
    tx.write_principals(account, std::slice::from_ref(&record)).await.map_err(cannot_write)
}

/// Refuses what would leave no administrator.
async fn leave_somebody(tx: &mut Tx) -> Result<(), Error> {
    match tx.count_administrators().await.map_err(cannot_read)? {
        0 => Err(Error::new("nobody would be left who may administrate").kind(Kind::Conflict)),
        _ => Ok(()),
    }
}

/// Every user, by name.
///
/// # Errors
/// When the database does not answer.
pub async fn list(inventory: &Inventory) -> Result<Vec<UserView>, Error> {
    let users = inventory.store.list_users().await.map_err(cannot_read)?;
    views(inventory, &users).await
}

async fn views(inventory: &Inventory, users: &[User]) -> Result<Vec<UserView>, Error> {
    let owners = inventory.store.list_owners().await.map_err(cannot_read)?;
    let owners: HashMap<_, _> = owners.into_iter().map(|owner| (owner.id, owner.name)).collect();
    let sign_ins = inventory.store.list_sign_ins().await.map_err(cannot_read)?;
    let sign_ins: HashMap<_, _> = sign_ins.iter().map(|one| (one.user_id, one)).collect();
    let view = |user: &User| {
        let owner = user.owner_id.and_then(|id| owners.get(&id).cloned());
        UserView::of(user, owner, sign_ins.get(&user.id).copied())
    };
    Ok(users.iter().map(view).collect())
}

/// One user, by name or id.
///
/// # Errors
/// When there is none.
pub async fn view(inventory: &Inventory, word: &str) -> Result<UserView, Error> {
    let all = list(inventory).await?;
    all.into_iter().find(|user| user.name == word || user.id == word).ok_or_else(|| missing(word))
}

async fn of(inventory: &Inventory, user: &User) -> Result<UserView, Error> {
    let view = views(inventory, std::slice::from_ref(user)).await?.pop();
    view.ok_or_else(|| missing(&user.name))
}

pub(super) async fn locked(tx: &mut Tx, name: &str) -> Result<User, Error> {
    tx.lock_user(name).await.map_err(cannot_read)?.ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Error {
    Error::not_found(format!("there is no user `{name}`"))
        .hint("keytender users list shows the users")
}

/// Our own account; it is made at the first need.
pub(super) async fn own_account(inventory: &Inventory, tx: &mut Tx) -> Result<Account, Error> {
    tx.lock(LOCK).await.map_err(Failure::from).map_err(cannot_write)?;
    let accounts = tx.list_accounts().await.map_err(cannot_read)?;
    if let Some(account) = accounts.iter().find(|account| account.kind == AccountKind::Own) {
        return Ok(account.clone());
    }
    let is_taken = accounts.iter().any(|account| account.name == OWN);
    let account = Account {
        id: AccountId::from_random(store::random().map_err(cannot_write)?),
        provider: OWN.to_owned(),
        name: if is_taken { format!("{OWN}-tokens") } else { OWN.to_owned() },
        kind: AccountKind::Own,
        parent_id: None,
        external_id: None,
        alias: None,
        contact: None,
        security_contact: None,
        access: Access::default(),
        sealed: None,
        secret: None,
        report_header: None,
        created_at: inventory.now,
        api_id: None,
        suspended_at: None,
    };
    tx.insert_account(&account).await.map_err(cannot_write)?;
    Ok(account)
}

/// Who answers for a user's tokens: the owner whose keys they see, else the owner of their address,
/// who is added where there is none; `None` without an address.
pub(super) async fn answers_for(
    tx: &mut Tx,
    user: &User,
    now: Time,
) -> Result<Option<OwnerId>, Error> {
    if user.owner_id.is_some() {
        return Ok(user.owner_id);
    }
    let Some(address) = &user.address else { return Ok(None) };
    let owners = tx.list_owners().await.map_err(cannot_read)?;
    if let Some(owner) = owners.iter().find(|owner| owner.address == *address) {
        return Ok(Some(owner.id));
    }
    let is_taken = owners.iter().any(|owner| owner.name == user.name);
    let owner = Owner {
        id: OwnerId::from_random(store::random().map_err(cannot_write)?),
        name: if is_taken { address.clone() } else { user.name.clone() },
        address: address.clone(),
        time_zone: DEFAULT_TIME_ZONE.to_owned(),
        created_at: now,
    };
    tx.insert_owner(&owner).await.map_err(cannot_write)?;
    Ok(Some(owner.id))
}

/// The first administrator and a token, if there is no user yet.
///
/// # Errors
/// When the database does not do its part.
pub async fn first(inventory: &Inventory) -> Result<Option<Created>, Error> {
    if !inventory.store.list_users().await.map_err(cannot_read)?.is_empty() {
        return Ok(None);
    }
    let mut tx = inventory.begin().await?;
    own_account(inventory, &mut tx).await?;
    // Another node may have been quicker: the lock was waited for.
    if tx.count_administrators().await.map_err(cannot_read)? > 0 {
        return Ok(None);
    }
    let facts =
        UserFacts { role: Role::Administrator, address: None, owner: None, is_suspended: false };
    let user = add_in(inventory, &mut tx, FIRST, &facts).await?;
    let new = NewToken {
        account: None,
        label: "first token".to_owned(),
        scopes: Scopes::ALL,
        side: None,
        expires_at: None,
    };
    let created = tokens::create_in(inventory, &mut tx, &user, new).await?;
    commit(tx).await?;
    Ok(Some(created))
}

pub(super) fn done<'a>(verb: &'a str, user: &User) -> Done<'a> {
    Done {
        verb,
        target_kind: "user",
        target_id: user.id.to_string(),
        why: None,
        details: json!({"name": user.name, "role": user.role.as_str(),
                        "is_suspended": user.suspended_at.is_some()}),
    }
}
