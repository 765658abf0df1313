//! Destinations: where the secret of a held key is used, as people tell it.

use keytender_core::id::{DestinationId, KeyId};
use keytender_core::rotation::plan;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::words;
use crate::app::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use crate::app::keys;
use crate::app::view::{DestinationView, NewDestinationRequest};
use crate::deliver::{ByHand, Destination, Hook};
use crate::error::{Error, Kind};
use crate::store::db::Tx;
use crate::store::destinations::Destination as Kept;
use crate::store::{self, Failure};

/// A destination of a rotation, as it was when that began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Its name.
    pub name: String,
    /// How to get there.
    pub spec: Destination,
    /// How its users are told to read it again.
    pub hook: Option<Hook>,
}

impl Place {
    fn of(kept: &Kept) -> Result<Self, Error> {
        let broken = |error: serde_json::Error| {
            Error::new(format!("the destination `{}` is not understood", kept.name))
                .source(error)
                .hint("remove it and add it again")
        };
        Ok(Self {
            name: kept.name.clone(),
            spec: serde_json::from_str(&kept.spec).map_err(broken)?,
            hook: kept.hook.as_deref().map(serde_json::from_str).transpose().map_err(broken)?,
        })
    }

    /// Where a person puts it, of which nothing else was told.
    pub(super) fn by_hand() -> Self {
        let note = "where the key is used".to_owned();
        let spec = Destination::ByHand(ByHand { note });
        Self { name: "by-hand".to_owned(), spec, hook: None }
    }

    /// As a plan names it.
    pub(super) fn planned(&self) -> plan::Destination {
        plan::Destination {
            name: self.name.clone(),
            by_hand: matches!(self.spec, Destination::ByHand(_)),
            has_reload: self.hook.is_some(),
        }
    }
}

/// The destinations of a key.
///
/// # Errors
/// When one is not understood.
pub(super) async fn of_key(inventory: &Inventory, key: KeyId) -> Result<Vec<Place>, Error> {
    let kept = inventory.store.list_destinations(Some(key)).await.map_err(cannot_read)?;
    kept.iter().map(Place::of).collect()
}

/// The destinations of the key that `word` means, or of every key that whoever asks sees.
///
/// # Errors
/// When no key is meant.
pub async fn list(
    inventory: &Inventory,
    word: Option<&str>,
) -> Result<Vec<DestinationView>, Error> {
    let key = match word {
        Some(word) => Some(keys::get(inventory, word).await?.record.id),
        None => None,
    };
    let kept = inventory.store.list_destinations(key).await.map_err(cannot_read)?;
    let mut views = Vec::with_capacity(kept.len());
    for one in &kept {
        // Whoever sees only some keys sees their destinations alone.
        if key.is_none() && keys::get(inventory, &one.key_id.to_string()).await.is_err() {
            continue;
        }
        views.push(view(one));
    }
    Ok(views)
}

fn view(kept: &Kept) -> DestinationView {
    let read = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
    DestinationView {
        destination: kept.id.to_string(),
        key: kept.key_id.to_string(),
        name: kept.name.clone(),
        spec: read(&kept.spec),
        reload: kept.hook.as_deref().map(read),
        checked_at: kept.checked_at,
        fault: kept.fault.clone(),
    }
}

/// Adds a destination to a key. `is_here` says whether it is asked for at this very machine: what runs programs
/// is not added from elsewhere.
///
/// # Errors
/// When no key is meant, a field is unknown or missing, or the key has a destination of this name.
pub async fn add(
    inventory: &Inventory,
    word: &str,
    new: &NewDestinationRequest,
    is_here: bool,
) -> Result<DestinationView, Error> {
    let held = keys::get(inventory, word).await?;
    if held.is_customers {
        return Err(Error::new("keys of your own APIs are used by your customers, not here"));
    }
    if new.name.trim().is_empty() || new.name.len() > 100 {
        return Err(Error::new("a destination needs a name of at most 100 bytes"));
    }
    let spec = read_spec(&new.spec)?;
    let hook = new.reload.as_ref().map(|hook| {
        serde_json::from_value::<Hook>(hook.clone())
            .map_err(|error| Error::new(format!("the reload is not understood: {error}")))
    });
    let hook = hook.transpose()?.map(|hook| hook.beside(&spec));
    let uses_server =
        spec.uses_this_machine() || hook.as_ref().is_some_and(Hook::uses_this_machine);
    if uses_server && !is_here {
        let hint = "add it on the server itself: keytender destinations add …";
        let why = "what runs programs of the server, or signs in by what it keeps, is not added from \
                   elsewhere";
        return Err(Error::new(why).kind(Kind::Forbidden).hint(hint));
    }
    let text = |value: Result<String, serde_json::Error>| {
        value.map_err(|error| Error::new("it cannot be kept").source(error).kind(Kind::Internal))
    };
    let kept = Kept {
        id: DestinationId::from_random(store::random().map_err(cannot_write)?),
        key_id: held.record.id,
        name: new.name.trim().to_owned(),
        spec: text(serde_json::to_string(&spec))?,
        hook: hook.as_ref().map(|hook| text(serde_json::to_string(hook))).transpose()?,
        created_at: inventory.now,
        checked_at: None,
        fault: None,
    };
    let mut tx = inventory.begin().await?;
    tx.insert_destination(&kept).await.map_err(|failure| match failure {
        Failure::Exists => {
            Error::new(format!("{} has a destination `{}` already", kept.key_id, kept.name))
                .kind(Kind::Conflict)
                .hint("remove that one first")
        }
        failure => cannot_write(failure),
    })?;
    log(inventory, &mut tx, "destination.add", &kept).await?;
    commit(tx).await?;
    Ok(view(&kept))
}

/// A destination of what was given as `kind` and fields.
fn read_spec(spec: &Value) -> Result<Destination, Error> {
    serde_json::from_value(spec.clone()).map_err(|error| {
        Error::new(format!("the destination is not understood: {error}"))
            .hint("the guide's page on destinations lists each kind with its fields")
    })
}

/// The JSON of a destination that was written as words: `kind`, and then `field=value`; a value that is JSON is
/// taken as such.
///
/// # Errors
/// When a word has no `=`.
pub fn of_words(kind: &str, words: &[String]) -> Result<Value, Error> {
    let mut fields = Map::new();
    fields.insert("kind".to_owned(), Value::String(kind.to_owned()));
    for word in words {
        let (name, text) = word
            .split_once('=')
            .ok_or_else(|| Error::new(format!("`{word}` is no field")).hint("write FIELD=VALUE"))?;
        let is_json = text.starts_with(['[', '{', '"']) || matches!(text, "true" | "false");
        let value = match is_json {
            true => serde_json::from_str(text).map_err(|error| {
                Error::new(format!("what is given for `{name}` is no JSON: {error}"))
            })?,
            false => Value::String(text.to_owned()),
        };
        fields.insert(name.to_owned(), value);
    }
    Ok(Value::Object(fields))
}

/// The JSON of a reload that was written as `systemd:UNIT`, `command:PROGRAM ARG…`, `rollout:…` or a URL.
///
/// # Errors
/// When it is none of these.
pub fn reload_of_words(word: &str) -> Result<Value, Error> {
    let hook: Hook = word.parse()?;
    serde_json::to_value(&hook)
        .map_err(|error| Error::new("it cannot be kept").source(error).kind(Kind::Internal))
}

/// Takes a destination from a key.
///
/// # Errors
/// When there is none of this name.
pub async fn remove(inventory: &Inventory, word: &str, name: &str) -> Result<(), Error> {
    let key = keys::get(inventory, word).await?.record.id;
    let kept = inventory.store.list_destinations(Some(key)).await.map_err(cannot_read)?;
    let kept = kept.into_iter().find(|one| one.name == name || one.id.to_string() == name);
    let kept =
        kept.ok_or_else(|| Error::not_found(format!("{key} has no destination `{name}`")))?;
    let mut tx = inventory.begin().await?;
    tx.remove_destination(kept.id).await.map_err(cannot_write)?;
    log(inventory, &mut tx, "destination.remove", &kept).await?;
    commit(tx).await
}

async fn log(inventory: &Inventory, tx: &mut Tx, verb: &str, kept: &Kept) -> Result<(), Error> {
    let kind = serde_json::from_str::<Value>(&kept.spec).ok();
    let kind = kind.as_ref().and_then(|spec| spec.get("kind")).cloned();
    let done = Done {
        verb,
        target_kind: "key",
        target_id: kept.key_id.to_string(),
        why: None,
        details: json!({"destination": kept.name, "kind": kind}),
    };
    inventory.log(tx, done).await
}

/// Proves that destinations could be written, without changing them; how each stands then.
///
/// # Errors
/// When no key is meant, or the database does not do its part.
pub async fn check(
    inventory: &Inventory,
    word: Option<&str>,
) -> Result<Vec<DestinationView>, Error> {
    let views = list(inventory, word).await?;
    let mut checked = Vec::with_capacity(views.len());
    for mut view in views {
        let fault = match read_spec(&view.spec) {
            Ok(spec) => try_one(&spec).await.err().as_ref().map(words::on_a_line),
            Err(error) => Some(words::on_a_line(&error)),
        };
        let id = view.destination.parse::<DestinationId>();
        let id = id.map_err(|error| Error::new("no id").source(error).kind(Kind::Internal))?;
        let mut tx = inventory.begin().await?;
        tx.note_check(id, inventory.now, fault.as_deref()).await.map_err(cannot_write)?;
        commit(tx).await?;
        view.checked_at = Some(inventory.now);
        view.fault = fault;
        checked.push(view);
    }
    Ok(checked)
}

/// Proves that a destination could be written, and that something stands there.
pub(super) async fn try_one(spec: &Destination) -> Result<(), Error> {
    spec.check().await?;
    if !spec.can_read() {
        return Ok(());
    }
    match spec.read().await? {
        Some(_) => Ok(()),
        None => Err(Error::new("nothing stands there")
            .hint("put the present secret there first: a rotation replaces what it finds")),
    }
}
