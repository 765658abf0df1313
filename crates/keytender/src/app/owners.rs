//! Who answers for which keys.

use std::collections::BTreeMap;

use keytender_core::id::OwnerId;
use keytender_core::owner::{ClaimKind, is_address, suggestion};
use serde_json::json;

use super::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use crate::error::Error;
use crate::store::keys::{Filter, HeldKey, Order, Page, Told};
use crate::store::owners::{Owner, OwnerClaim};
use crate::store::{self, Failure};

/// How many keys are read at once.
const PAGE: u32 = 10_000;
/// The time zone of an owner of whom nothing else is said.
pub const DEFAULT_TIME_ZONE: &str = "UTC";

/// Adds an owner.
///
/// # Errors
/// When the address is none, or the name is taken.
pub async fn add(
    inventory: &Inventory,
    name: &str,
    address: &str,
    time_zone: &str,
) -> Result<Owner, Error> {
    check(name, address)?;
    let owner = Owner {
        id: OwnerId::from_random(store::random().map_err(cannot_write)?),
        name: name.to_owned(),
        address: address.to_owned(),
        time_zone: time_zone.to_owned(),
        created_at: inventory.now,
    };
    let mut tx = inventory.begin().await?;
    tx.insert_owner(&owner).await.map_err(|failure| match failure {
        Failure::Exists => Error::new(format!("there is an owner `{name}` already"))
            .hint(format!("change it: keytender owners set {name} --address ADDRESS")),
        failure => cannot_write(failure),
    })?;
    let act = done("owner.add", &owner, json!({"name": name}));
    inventory.log(&mut tx, act).await?;
    commit(tx).await?;
    Ok(owner)
}

/// Writes another address or time zone of an owner.
///
/// # Errors
/// When there is none of this name, or the address is none.
pub async fn set(
    inventory: &Inventory,
    name: &str,
    address: Option<&str>,
    time_zone: Option<&str>,
) -> Result<Owner, Error> {
    let mut owner = get(inventory, name).await?;
    if let Some(address) = address {
        check(name, address)?;
        address.clone_into(&mut owner.address);
    }
    if let Some(zone) = time_zone {
        zone.clone_into(&mut owner.time_zone);
    }
    let mut tx = inventory.begin().await?;
    tx.update_owner(&owner).await.map_err(cannot_write)?;
    inventory.log(&mut tx, done("owner.set", &owner, json!({"name": name}))).await?;
    commit(tx).await?;
    Ok(owner)
}

/// Takes an owner away; its keys have none then.
///
/// # Errors
/// When there is none of this name.
pub async fn remove(inventory: &Inventory, name: &str) -> Result<(), Error> {
    let owner = get(inventory, name).await?;
    let mut tx = inventory.begin().await?;
    tx.remove_owner(owner.id).await.map_err(cannot_write)?;
    inventory.log(&mut tx, done("owner.remove", &owner, json!({"name": name}))).await?;
    commit(tx).await
}

/// Lets an owner claim keys, or takes the claim back.
///
/// # Errors
/// When there is no such owner; when there is no such claim to take back.
pub async fn claim(
    inventory: &Inventory,
    name: &str,
    kind: ClaimKind,
    tag: &str,
    pattern: &str,
    takes_back: bool,
) -> Result<(), Error> {
    let owner = get(inventory, name).await?;
    let claim =
        OwnerClaim { owner_id: owner.id, kind, name: tag.to_owned(), pattern: pattern.to_owned() };
    let mut tx = inventory.begin().await?;
    if takes_back {
        if !tx.remove_claim(&claim).await.map_err(cannot_write)? {
            return Err(Error::new(format!("{name} has no such claim"))
                .hint("keytender owners list shows the claims"));
        }
    } else {
        match tx.insert_claim(&claim, inventory.now).await {
            // Said twice is said.
            Err(Failure::Exists) => return Ok(()),
            other => other.map_err(cannot_write)?,
        }
    }
    let verb = if takes_back { "owner.disclaim" } else { "owner.claim" };
    let details = json!({"name": name, "by": kind.as_str(), "tag": tag, "pattern": pattern});
    inventory.log(&mut tx, done(verb, &owner, details)).await?;
    commit(tx).await
}

fn done<'a>(verb: &'a str, owner: &Owner, details: serde_json::Value) -> Done<'a> {
    Done { verb, target_kind: "owner", target_id: owner.id.to_string(), why: None, details }
}

/// The owner of this name.
///
/// # Errors
/// When there is none.
pub async fn get(inventory: &Inventory, name: &str) -> Result<Owner, Error> {
    let owners = inventory.store.list_owners().await.map_err(cannot_read)?;
    let is_meant = |owner: &Owner| owner.name == name || owner.address == name;
    owners.into_iter().find(is_meant).ok_or_else(|| {
        Error::new(format!("there is no owner `{name}`"))
            .hint(format!("add one: keytender owners add {name} --address ADDRESS"))
    })
}

fn check(name: &str, address: &str) -> Result<(), Error> {
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        return Err(Error::new("an owner's name is a line of text"));
    }
    if !is_address(address) {
        return Err(Error::new(format!("`{name}` was given something that is no mail address"))
            .hint("an address looks like team@example.com"));
    }
    Ok(())
}

/// Somebody who may be the owner of some keys, and why.
#[derive(Clone, Debug)]
pub struct Suggestion {
    /// The address.
    pub address: String,
    /// The owner of this address, if there is one.
    pub owner: Option<String>,
    /// What says so: a tag's name or `principal`.
    pub by: &'static str,
    /// The keys.
    pub keys: Vec<HeldKey>,
}

/// Whom names and tags suggest for the keys without an owner.
///
/// # Errors
/// When the database does not answer.
pub async fn suggest(inventory: &Inventory) -> Result<Vec<Suggestion>, Error> {
    let owners = inventory.store.list_owners().await.map_err(cannot_read)?;
    let mut found: BTreeMap<(String, &'static str), Vec<HeldKey>> = BTreeMap::new();
    for held in ownerless(inventory).await? {
        if let Some(who) = suggestion(&held.record.key) {
            found.entry(who).or_default().push(held);
        }
    }
    let known = |address: &str| {
        owners.iter().find(|owner| owner.address == address).map(|owner| owner.name.clone())
    };
    Ok(found
        .into_iter()
        .map(|((address, by), keys)| Suggestion { owner: known(&address), address, by, keys })
        .collect())
}

/// Every key that nobody answers for.
///
/// # Errors
/// When the database does not answer.
pub async fn ownerless(inventory: &Inventory) -> Result<Vec<HeldKey>, Error> {
    let filter = Filter { owner: Some(None), ..Filter::default() };
    let mut keys = Vec::new();
    loop {
        let offset = u64::try_from(keys.len()).unwrap_or(u64::MAX);
        let page = Page { order: Order::Name, limit: PAGE, offset };
        let (mut more, total) =
            inventory.store.list_keys(&filter, &page).await.map_err(cannot_read)?;
        let is_last = more.is_empty() || offset.saturating_add(u64::from(PAGE)) >= total;
        keys.append(&mut more);
        if is_last {
            return Ok(keys);
        }
    }
}

/// Adds and assigns what was proposed; how many keys got an owner.
///
/// # Errors
/// When the database does not do its part.
pub async fn accept(inventory: &Inventory, suggestions: &[Suggestion]) -> Result<u64, Error> {
    let mut assigned = 0;
    for suggestion in suggestions {
        let owner = match get(inventory, &suggestion.address).await {
            Ok(owner) => owner,
            Err(_) => {
                let address = &suggestion.address;
                add(inventory, address, address, DEFAULT_TIME_ZONE).await?
            }
        };
        for held in &suggestion.keys {
            let told = vec![Told::Owner(Some(owner.id))];
            super::keys::tell(inventory, held, told, Some("suggested")).await?;
            assigned += 1;
        }
    }
    Ok(assigned)
}
