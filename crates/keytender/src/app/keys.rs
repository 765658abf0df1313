//! Keys that people tell of: added by hand, given an owner, kept until a day.

use std::borrow::Cow;
use std::collections::HashMap;

use keytender_core::id::{KeyId, OwnerId};
use keytender_core::inventory::{Event, KeyRecord};
use keytender_core::key::{Key, LastUse, State};
use keytender_core::secret::Secret;
use keytender_core::time::Time;
use serde_json::json;

use super::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use super::secrets;
use crate::error::Error;
use crate::store::accounts::Account;
use crate::store::keys::{HeldKey, Keep, Told};
use crate::store::{self, Failure};

/// A key that somebody tells of.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What it is called.
    pub label: String,
    /// Its public id.
    pub id: Option<String>,
    /// When it was made.
    pub created_at: Option<Time>,
    /// When it ends.
    pub expires_at: Option<Time>,
    /// When it was last used.
    pub last_used: Option<Time>,
    /// Where it is used.
    pub where_used: Option<String>,
    /// Who answers for it.
    pub owner: Option<OwnerId>,
    /// Its secret, if we are asked to keep it.
    pub secret: Option<Secret>,
}

/// Adds keys to an account that is told by hand, all or none; a key of a label that is there
/// already is refused.
///
/// # Errors
/// When one is there already or ends before it begins, or the database refuses.
pub async fn add(
    inventory: &Inventory,
    account: &Account,
    keys: &[NewKey],
) -> Result<Vec<KeyId>, Error> {
    let mut records = Vec::with_capacity(keys.len());
    for new in keys {
        records.push(record(inventory, account, new)?);
    }
    let mut sealed = HashMap::new();
    for (record, new) in records.iter().zip(keys) {
        if let Some(secret) = &new.secret {
            let text = secrets::seal(inventory, &record.id.to_string(), secret).await?;
            sealed.insert(record.id, text);
        }
    }
    let mut tx = inventory.begin().await?;
    let known = tx.keys_of(account.id).await.map_err(cannot_read)?;
    let living = known.iter().filter(|held| held.record.key.state != State::Destroyed);
    let by_label: HashMap<&str, KeyId> = living
        .filter_map(|held| Some((held.record.key.label.as_deref()?, held.record.id)))
        .collect();
    for new in keys {
        if let Some(id) = by_label.get(new.label.as_str()) {
            return Err(already(&new.label, &account.name, *id));
        }
    }
    tx.write_keys(account.id, &records).await.map_err(|failure| match failure {
        Failure::Exists => Error::new(format!("`{}` has a key with this id already", account.name)),
        failure => cannot_write(failure),
    })?;
    let found: Vec<_> = records.iter().map(|record| (record, vec![Event::Found])).collect();
    tx.write_key_versions(&found, inventory.now).await.map_err(cannot_write)?;
    for (record, new) in records.iter().zip(keys) {
        if let Some(owner) = new.owner {
            tx.tell_key(record.id, Told::Owner(Some(owner))).await.map_err(cannot_write)?;
        }
        if let Some(place) = &new.where_used {
            let told = Told::WhereUsed(Some(place.clone()));
            tx.tell_key(record.id, told).await.map_err(cannot_write)?;
        }
        if let Some(text) = sealed.get(&record.id) {
            tx.tell_key(record.id, Told::Sealed(text.clone())).await.map_err(cannot_write)?;
        }
        let details = json!({"account": account.name, "label": new.label});
        inventory.log(&mut tx, done("key.add", record.id, None, details)).await?;
    }
    commit(tx).await?;
    Ok(records.into_iter().map(|record| record.id).collect())
}

fn already(label: &str, account: &str, id: KeyId) -> Error {
    Error::new(format!("there is a key `{label}` in `{account}` already: {id}"))
        .hint(format!("change it: keytender keys set {id} --help"))
}

fn record(inventory: &Inventory, account: &Account, new: &NewKey) -> Result<KeyRecord, Error> {
    if new.label.trim().is_empty() {
        return Err(Error::new("a key needs a name, by which people know it"));
    }
    if let (Some(created), Some(expires)) = (new.created_at, new.expires_at)
        && expires <= created
    {
        return Err(Error::new(format!("`{}` would end before it was made", new.label)));
    }
    let mut key = Key::new(account.provider.clone());
    key.label = Some(Cow::Owned(new.label.clone()));
    key.id = new.id.clone().map(Cow::Owned);
    key.created_at = new.created_at.map(|at| at.min(inventory.now));
    key.expires_at = new.expires_at;
    key.last_used = match new.last_used {
        Some(at) => LastUse::at(at.min(inventory.now)),
        None => LastUse::unknown("nobody has told when it was used"),
    };
    Ok(KeyRecord {
        id: KeyId::from_random(store::random().map_err(cannot_write)?),
        principal_id: None,
        uses: u32::from(new.last_used.is_some()),
        key,
        largest_gap: None,
        suspended_seen_at: None,
        first_seen_at: inventory.now,
        missing_since: None,
        last_seen_at: None,
    })
}

/// The one key that a word means.
///
/// # Errors
/// When no key is meant, or several are.
pub async fn get(inventory: &Inventory, word: &str) -> Result<HeldKey, Error> {
    let mut found = inventory.store.find_keys(word).await.map_err(cannot_read)?;
    if found.len() > 1 {
        found.retain(|held| held.record.key.state != State::Destroyed);
    }
    let count = found.len();
    match (found.pop(), count) {
        (Some(held), 1) => Ok(held),
        (Some(held), _) => Err(Error::new(format!("`{word}` means {count} keys"))
            .hint(format!("say which, by Keytender's id, such as {}", held.record.id))),
        (None, _) => Err(Error::new(format!("there is no key `{word}`"))
            .hint("keytender keys list --text TEXT finds keys by a part of their name or id")),
    }
}

/// Writes what somebody says of a key, and into the log that it was said.
///
/// # Errors
/// When the key is one of a provider that tells the same itself, or the database refuses.
pub async fn tell(
    inventory: &Inventory,
    held: &HeldKey,
    told: Vec<Told>,
    why: Option<&str>,
) -> Result<(), Error> {
    let mut tx = inventory.begin().await?;
    for one in told {
        let details = details(&one);
        let verb = match one {
            Told::Keep(_) => "key.keep",
            _ => "key.set",
        };
        tx.tell_key(held.record.id, one).await.map_err(cannot_write)?;
        inventory.log(&mut tx, done(verb, held.record.id, why, details)).await?;
    }
    commit(tx).await
}

fn details(told: &Told) -> serde_json::Value {
    match told {
        Told::Owner(owner) => json!({"owner": owner.map(|id| id.to_string())}),
        Told::WhereUsed(place) => json!({"where_used": place}),
        Told::Label(label) => json!({"label": label}),
        Told::Expires(at) => json!({"expires_at": at}),
        Told::Created(at) => json!({"created_at": at}),
        Told::Used(at) => json!({"last_used": at}),
        Told::State(state) => json!({"state": state.as_str()}),
        Told::Sealed(_) => json!({"secret": "sealed"}),
        Told::Exposed(at) => json!({"exposed_at": at}),
        Told::Keep(Some(Keep { until, .. })) => json!({"keep_until": until}),
        Told::Keep(None) => json!({"keep_until": null}),
    }
}

/// An act on a key.
pub(super) fn done<'a>(
    verb: &'a str,
    id: KeyId,
    why: Option<&'a str>,
    details: serde_json::Value,
) -> Done<'a> {
    Done { verb, target_kind: "key", target_id: id.to_string(), why, details }
}
