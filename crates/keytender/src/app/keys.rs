//! Keys: found, listed, and told of by people: added by hand, given an owner, kept until a day.

use std::borrow::Cow;
use std::collections::HashMap;

use keytender_core::access::Side;
use keytender_core::id::{KeyId, OwnerId};
use keytender_core::inventory::{Event, KeyRecord};
use keytender_core::key::{Key, LastUse, State};
use keytender_core::secret::Secret;
use keytender_core::time::Time;
use keytender_core::token::Environment;
use serde_json::json;

use super::inventory::{Done, Inventory, Sight, cannot_read, cannot_write, commit};
use super::view::NewKeyRequest;
use super::{accounts, evaluate, owners, secrets};
use crate::error::{Error, Kind};
use crate::store::accounts::Account;
use crate::store::db::Tx;
use crate::store::keys::{Filter, HeldKey, Keep, Told};
use crate::store::{self, Failure};

mod list;
mod set;

pub(super) use list::filter;
pub use list::{Found, Viewer, list, timeline, view};
pub use set::{disown, set};

/// The longest name, id or sentence that people give a key, in bytes: PostgreSQL's index takes an id
/// of up to 2,700.
const MAX_TEXT: usize = 500;

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
    /// The kind of key, by its name in the provider's descriptor, if that is known.
    pub key_type: Option<String>,
    /// A moment before now at which it was there already: where nobody tells when it was made, it is at least as old.
    pub known_since: Option<Time>,
}

/// Adds a key of a provider that cannot be asked; its account is made if there is none.
///
/// # Errors
/// When it is there already, is no key that can be, or whoever asks may not add keys.
pub async fn add_one(inventory: &Inventory, asked: &NewKeyRequest) -> Result<KeyId, Error> {
    refuse_narrow(&inventory.sight, "add keys")?;
    let owner = match &asked.owner {
        Some(name) => Some(owners::get(inventory, name).await?.id),
        None => None,
    };
    let new = NewKey {
        label: asked.name.clone(),
        id: asked.id.clone(),
        created_at: asked.created_at,
        expires_at: asked.expires_at,
        last_used: asked.last_used_at,
        where_used: asked.where_used.clone(),
        owner,
        secret: None,
        key_type: None,
        known_since: None,
    };
    check(inventory.now, &new)?;
    let name = asked.account.as_deref().unwrap_or(&asked.provider);
    let account = accounts::manual(inventory, &asked.provider, name).await?;
    let ids = add(inventory, &account, &[new]).await?;
    evaluate::run(&inventory.store, inventory.now).await?;
    ids.into_iter().next().ok_or_else(|| Error::new("no key was added").kind(Kind::Internal))
}

/// Refuses whoever sees only some keys to do what concerns others: they would not see what they did.
pub(super) fn refuse_narrow(sight: &Sight, what: &str) -> Result<(), Error> {
    if sight.owner.is_some() {
        let why = format!("whoever sees only an owner's keys cannot {what}");
        return Err(Error::new(why).kind(Kind::Forbidden));
    }
    if sight.side.is_some_and(|side| side != Side::Held) {
        let why = format!("this token is limited to keys that are issued: it cannot {what}");
        return Err(Error::new(why).kind(Kind::Forbidden));
    }
    sight.refuse_customer()
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
    // Of two who add a key of one name, the later finds the earlier's.
    tx.lock(account.id.as_i64()).await.map_err(Failure::from).map_err(cannot_write)?;
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
        Failure::Exists => Error::new(format!("`{}` has a key with this id already", account.name))
            .kind(Kind::Conflict),
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
        .kind(Kind::Conflict)
        .hint(format!("change it: keytender keys set {id} --help"))
}

fn record(inventory: &Inventory, account: &Account, new: &NewKey) -> Result<KeyRecord, Error> {
    check(inventory.now, new)?;
    let mut key = Key::new(account.provider.clone());
    key.label = Some(Cow::Owned(new.label.clone()));
    key.id = new.id.clone().map(Cow::Owned);
    key.key_type = new.key_type.clone().map(Cow::Owned);
    key.created_at = new.created_at.map(|at| at.min(inventory.now));
    key.expires_at = new.expires_at;
    key.last_used = match new.last_used {
        Some(at) => LastUse::at(at.min(inventory.now)),
        None => LastUse::unknown("nobody has told when it was used"),
    };
    let id = KeyId::from_random(store::random().map_err(cannot_write)?);
    let uses = u32::from(new.last_used.is_some());
    let seen_at = new.known_since.map_or(inventory.now, |since| since.min(inventory.now));
    Ok(KeyRecord { uses, ..KeyRecord::new(id, key, seen_at) })
}

fn check(now: Time, new: &NewKey) -> Result<(), Error> {
    check_label(&new.label)?;
    check_text("an id", new.id.as_deref())?;
    check_text("a place of use", new.where_used.as_deref())?;
    check_times(&new.label, new.created_at.map(|at| at.min(now)), new.expires_at)
}

fn check_label(label: &str) -> Result<(), Error> {
    if label.trim().is_empty() {
        return Err(Error::new("a key needs a name, by which people know it"));
    }
    check_text("a name", Some(label))
}

fn check_times(label: &str, created: Option<Time>, expires: Option<Time>) -> Result<(), Error> {
    match (created, expires) {
        (Some(created), Some(expires)) if expires <= created => {
            Err(Error::new(format!("`{label}` would end before it was made")))
        }
        _ => Ok(()),
    }
}

/// Refuses a text that no database or line of a table takes.
pub(super) fn check_text(what: &str, text: Option<&str>) -> Result<(), Error> {
    match text {
        Some(text) if text.len() > MAX_TEXT => {
            Err(Error::new(format!("{what} has at most {MAX_TEXT} bytes")))
        }
        Some(text) if text.contains('\0') => {
            Err(Error::new(format!("{what} holds a letter that cannot be kept")))
        }
        _ => Ok(()),
    }
}

/// The one key that a word means, of those that are seen.
///
/// # Errors
/// When no key is meant, or several are.
pub async fn get(inventory: &Inventory, word: &str) -> Result<HeldKey, Error> {
    refuse_whole(word)?;
    let seen = inventory.sight.narrow(Filter::default());
    let found = inventory.store.find_keys_among(word, seen).await.map_err(cannot_read)?;
    let facts = |held: &HeldKey| (held.record.id.to_string(), held.record.key.state);
    one(word, found, facts)
}

/// Refuses a whole key where the name of one is expected, and does not repeat it.
///
/// # Errors
/// When `word` is one, or looks like one of ours.
pub fn refuse_whole(word: &str) -> Result<(), Error> {
    let parts: Vec<&str> = word.trim().split('_').collect();
    match parts.as_slice() {
        [_, environment, id, secret]
            if Environment::parse(environment).is_some() && secret.len() > id.len() =>
        {
            let hint = "name it by the letters before its last _, which are no secret";
            Err(Error::new("this is a whole key, which is a secret, and not the name of one")
                .hint(hint))
        }
        _ => Ok(()),
    }
}

/// The one of `found` that a word means; `facts` gives the id and the state of each. Of several of a name, one
/// that has not ended is meant: a rotation leaves the old key's name to the new one.
///
/// # Errors
/// When there is none, or several are there.
pub fn one<T>(
    word: &str,
    mut found: Vec<T>,
    facts: impl Fn(&T) -> (String, State),
) -> Result<T, Error> {
    if found.len() > 1 {
        found.retain(|one| facts(one).1 != State::Destroyed);
    }
    let has_ended = |one: &T| matches!(facts(one).1, State::Deactivated | State::Compromised);
    if found.len() > 1 && !found.iter().all(has_ended) {
        found.retain(|one| !has_ended(one));
    }
    let count = found.len();
    match (found.pop(), count) {
        (Some(one), 1) => Ok(one),
        (Some(one), _) => Err(Error::new(format!("`{word}` means {count} keys"))
            .kind(Kind::Conflict)
            .hint(format!("say which, by Keytender's id, such as {}", facts(&one).0))),
        (None, _) => Err(Error::not_found(format!("there is no key `{word}`"))
            .hint("keytender keys list --text TEXT finds keys by a part of their name or id")),
    }
}

/// Writes what somebody says of a key, and into the log that it was said.
async fn tell(
    inventory: &Inventory,
    tx: &mut Tx,
    id: KeyId,
    told: Vec<Told>,
    why: Option<&str>,
) -> Result<(), Error> {
    for one in told {
        let details = details(&one);
        let verb = match one {
            Told::Keep(_) => "key.keep",
            Told::Disowned => "key.disown",
            _ => "key.set",
        };
        tx.tell_key(id, one).await.map_err(cannot_write)?;
        inventory.log(tx, done(verb, id, why, details)).await?;
    }
    Ok(())
}

/// Gives keys an owner, all or none.
///
/// # Errors
/// When the database refuses.
pub(super) async fn assign(
    inventory: &Inventory,
    keys: &[HeldKey],
    owner: OwnerId,
    why: &str,
) -> Result<(), Error> {
    let mut tx = inventory.begin().await?;
    for held in keys {
        let told = vec![Told::Owner(Some(owner))];
        tell(inventory, &mut tx, held.record.id, told, Some(why)).await?;
    }
    commit(tx).await
}

/// What the log keeps of what was said.
pub(super) fn details(told: &Told) -> serde_json::Value {
    match told {
        Told::Owner(owner) => json!({"owner": owner.map(|id| id.to_string())}),
        Told::Disowned => json!({"owner": null}),
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
