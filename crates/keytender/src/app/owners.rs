//! Who answers for which keys.

use std::collections::BTreeMap;

use keytender_core::id::OwnerId;
use keytender_core::owner::{ClaimKind, is_address, suggestion};
use keytender_core::steps::name;
use serde_json::json;

use super::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use super::view::{ClaimView, OwnerView, SuggestionView};
use crate::error::{Error, Kind};
use crate::store::db::Tx;
use crate::store::keys::{Filter, HeldKey};
use crate::store::owners::{Owner, OwnerClaim};
use crate::store::{self, Failure};

/// The longest name or pattern, in letters.
const MAX_LINE: usize = 200;
/// How many keys of a suggestion are named.
const EXAMPLES: usize = 3;
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
    check_zone(time_zone)?;
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
            .kind(Kind::Conflict)
            .hint(format!("change it: keytender owners set {name} --address ADDRESS")),
        failure => cannot_write(failure),
    })?;
    let act = done("owner.add", &owner, json!({"name": name}));
    inventory.log(&mut tx, act).await?;
    commit(tx).await?;
    Ok(owner)
}

/// Writes another address or time zone of an owner. `allows` gets the owner as they are now, and may
/// refuse.
///
/// # Errors
/// When there is none of this name, or the address is none.
pub async fn set(
    inventory: &Inventory,
    name: &str,
    address: Option<&str>,
    time_zone: Option<&str>,
    allows: impl FnOnce(&OwnerView) -> Result<(), Error>,
) -> Result<Owner, Error> {
    let mut tx = inventory.begin().await?;
    let mut owner = locked(inventory, &mut tx, name, allows).await?;
    if let Some(zone) = time_zone {
        check_zone(zone)?;
    }
    if let Some(address) = address {
        check(&owner.name, address)?;
        address.clone_into(&mut owner.address);
    }
    if let Some(zone) = time_zone {
        zone.clone_into(&mut owner.time_zone);
    }
    tx.update_owner(&owner).await.map_err(cannot_write)?;
    inventory.log(&mut tx, done("owner.set", &owner, json!({"name": owner.name}))).await?;
    commit(tx).await?;
    Ok(owner)
}

/// Takes an owner away; its keys have none then. `allows` gets the owner as they are now, and may
/// refuse.
///
/// # Errors
/// When there is none of this name, or a user of the API sees this owner's keys.
pub async fn remove(
    inventory: &Inventory,
    name: &str,
    allows: impl FnOnce(&OwnerView) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut tx = inventory.begin().await?;
    let owner = locked(inventory, &mut tx, name, allows).await?;
    let users = inventory.store.list_users().await.map_err(cannot_read)?;
    if let Some(user) = users.iter().find(|user| user.owner_id == Some(owner.id)) {
        let (user, name) = (&user.name, &owner.name);
        return Err(Error::new(format!("the user `{user}` sees the keys of {name}"))
            .kind(Kind::Conflict)
            .hint(format!("remove the user first: keytender users remove {user}")));
    }
    tx.remove_owner(owner.id).await.map_err(cannot_write)?;
    inventory.log(&mut tx, done("owner.remove", &owner, json!({"name": owner.name}))).await?;
    commit(tx).await
}

/// Lets an owner claim keys, or takes the claim back.
///
/// # Errors
/// When there is no such owner; when there is no such claim to take back.
pub async fn claim(
    inventory: &Inventory,
    name: &str,
    claimed: &ClaimView,
    takes_back: bool,
) -> Result<(), Error> {
    let ClaimView { by: kind, tag, pattern } = claimed;
    check_claim(claimed)?;
    let owner = get(inventory, name).await?;
    let tag = tag.clone().unwrap_or_default();
    let claim =
        OwnerClaim { owner_id: owner.id, kind: *kind, name: tag.clone(), pattern: pattern.clone() };
    let mut tx = inventory.begin().await?;
    if takes_back {
        if !tx.remove_claim(&claim).await.map_err(cannot_write)? {
            return Err(Error::not_found(format!("{name} has no such claim"))
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
    let details = json!({"name": owner.name, "by": kind.as_str(), "tag": tag, "pattern": pattern});
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
    let id = name.parse::<OwnerId>().ok();
    let is_meant =
        |owner: &Owner| owner.name == name || owner.address == name || Some(owner.id) == id;
    owners.into_iter().find(is_meant).ok_or_else(|| missing(name))
}

/// The owner of this name, whom nobody else changes before `tx` ends, if `allows` does not refuse.
async fn locked(
    inventory: &Inventory,
    tx: &mut Tx,
    name: &str,
    allows: impl FnOnce(&OwnerView) -> Result<(), Error>,
) -> Result<Owner, Error> {
    tx.lock_owners().await.map_err(cannot_write)?;
    let owner = get(inventory, name).await?;
    allows(&view(inventory, name).await?)?;
    Ok(owner)
}

/// Every owner with what they answer for, by name; of those that are seen.
///
/// # Errors
/// When the database does not answer.
pub async fn list(inventory: &Inventory) -> Result<Vec<OwnerView>, Error> {
    let store = &inventory.store;
    let owners = store.list_owners().await.map_err(cannot_read)?;
    let claims = store.list_claims().await.map_err(cannot_read)?;
    let counts = store.count_by_owner().await.map_err(cannot_read)?;
    inventory.sight.refuse_customer()?;
    let is_seen = |owner: &&Owner| inventory.sight.owner.is_none_or(|seen| seen == Some(owner.id));
    let view = |owner: &Owner| {
        let counted = counts.iter().find(|(id, ..)| *id == Some(owner.id));
        let (keys, due) = counted.map_or((0, 0), |row| (row.1, row.2));
        OwnerView {
            id: owner.id.to_string(),
            name: owner.name.clone(),
            address: owner.address.clone(),
            time_zone: owner.time_zone.clone(),
            claims: claims
                .iter()
                .filter(|one| one.owner_id == owner.id)
                .map(ClaimView::of)
                .collect(),
            keys,
            due,
            created_at: owner.created_at,
        }
    };
    Ok(owners.iter().filter(is_seen).map(view).collect())
}

/// One owner with what they answer for, by name, address or id.
///
/// # Errors
/// When there is none.
pub async fn view(inventory: &Inventory, word: &str) -> Result<OwnerView, Error> {
    let owner = get(inventory, word).await?;
    let id = owner.id.to_string();
    let found = list(inventory).await?.into_iter().find(|one| one.id == id);
    found.ok_or_else(|| missing(word))
}

fn missing(word: &str) -> Error {
    Error::not_found(format!("there is no owner `{word}`"))
        .hint(format!("add one: keytender owners add {word} --address ADDRESS"))
}

/// Whether a text is a line that people can read.
pub(super) fn is_line(text: &str) -> bool {
    let is_long = text.chars().count() > MAX_LINE;
    !text.trim().is_empty() && !is_long && !text.chars().any(char::is_control)
}

fn check_claim(claim: &ClaimView) -> Result<(), Error> {
    if !is_line(&claim.pattern) {
        return Err(Error::new("a claim needs a pattern").hint("such as svc-*"));
    }
    match (claim.by, claim.tag.as_deref()) {
        (ClaimKind::Tag, Some(tag)) if is_line(tag) => Ok(()),
        (ClaimKind::Tag, _) => Err(Error::new("a claim by tag names the tag").hint("such as team")),
        (_, Some(_)) => Err(Error::new("only a claim by tag names a tag")),
        (_, None) => Ok(()),
    }
}

fn check_zone(zone: &str) -> Result<(), Error> {
    match keytender_core::notice::is_time_zone(zone) {
        true => Ok(()),
        false => Err(Error::new(format!("`{zone}` is no time zone"))
            .hint("by its IANA name, such as Europe/Berlin")),
    }
}

fn check(name: &str, address: &str) -> Result<(), Error> {
    if !is_line(name) {
        return Err(Error::new(format!("an owner's name is a line of at most {MAX_LINE} letters")));
    }
    if !is_address(address) {
        return Err(Error::new(format!("`{name}` was given something that is no mail address"))
            .hint("an address looks like team@example.com"));
    }
    Ok(())
}

/// Somebody who may be the owner of some keys, and why.
#[derive(Clone, Debug)]
struct Suggestion {
    /// The address.
    address: String,
    /// The owner of this address, if there is one.
    owner: Option<String>,
    /// What says so: a tag's name or `principal`.
    by: &'static str,
    /// The keys.
    keys: Vec<HeldKey>,
}

/// Whom names and tags suggest for the keys without an owner, by address.
///
/// # Errors
/// When the database does not answer.
pub async fn suggestions(inventory: &Inventory) -> Result<Vec<SuggestionView>, Error> {
    let view = |one: Suggestion| SuggestionView {
        keys: one.keys.len() as u64,
        examples: one.keys.iter().take(EXAMPLES).map(|held| name(&held.record.key)).collect(),
        address: one.address,
        owner: one.owner,
        by: one.by.to_owned(),
    };
    Ok(suggest(inventory).await?.into_iter().map(view).collect())
}

async fn suggest(inventory: &Inventory) -> Result<Vec<Suggestion>, Error> {
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

/// Every key that nobody answers for, of those that are seen.
async fn ownerless(inventory: &Inventory) -> Result<Vec<HeldKey>, Error> {
    let filter = inventory.sight.narrow(Filter { owner: Some(None), ..Filter::default() });
    let mut keys = inventory.store.every_key(&filter).await.map_err(cannot_read)?;
    keys.sort_by_cached_key(|held| (held.account_name.clone(), name(&held.record.key)));
    Ok(keys)
}

/// Adds and assigns what was proposed; how many keys got an owner.
///
/// # Errors
/// When the database does not do its part.
pub async fn accept(inventory: &Inventory) -> Result<u64, Error> {
    let suggestions = suggest(inventory).await?;
    let mut assigned = 0;
    for suggestion in &suggestions {
        let owner = match get(inventory, &suggestion.address).await {
            Ok(owner) => owner,
            Err(_) => {
                let address = &suggestion.address;
                add(inventory, address, address, DEFAULT_TIME_ZONE).await?
            }
        };
        super::keys::assign(inventory, &suggestion.keys, owner.id, "suggested").await?;
        assigned += suggestion.keys.len() as u64;
    }
    Ok(assigned)
}
