//! Rotations: held keys that are replaced by others, step by step, as `keytender_core::rotation` says.
//!
//! - `plan`: what is settled before, from the key, its provider, its destinations and the policy
//! - `run`: each step written before its call, under the lease of the rotation's task
//! - `call`: the calls; `provider` has those to providers, `places` the destinations
//! - `sealed`: the secrets, until it has ended; `spool`: when the database does not take one
//! - `automatic`: what the policy begins by itself
//! - `mirror`: the inventory follows; `told`: who is told; `words`: what happened, for people

use keytender_core::id::RotationId;
use keytender_core::rotation::{Fault, Gate, Rotation, Stage, Word};
use keytender_core::time::Time;
use serde_json::json;

use super::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use super::view::{HeldRotationView, NewRotationRequest, NewSecretView, OutlineView};
use super::{accounts, keys, secrets};
use crate::clock;
use crate::error::{Error, Kind};
use crate::store::accounts::Account;
use crate::store::keys::HeldKey;
use crate::store::rotations::{Happened, Kept, Waits, Which};
use crate::store::{self, Failure};

pub mod automatic;
mod call;
mod mirror;
pub mod places;
mod plan;
pub mod provider;
mod run;
mod sealed;
mod spool;
mod told;
pub(super) mod words;

use call::Hands;
use provider::{Failed, Principal};
pub use run::run;

/// What a rotation would do, before it is begun; nothing is changed, and the provider is not asked.
///
/// # Errors
/// When no key is meant, or it cannot be rotated, and what a person can do.
pub async fn preview(
    inventory: &Inventory,
    asked: &NewRotationRequest,
) -> Result<OutlineView, Error> {
    let planned = plan::make(inventory, asked).await?;
    Ok(OutlineView::new(&planned.held, &planned.plan, planned.target.as_deref(), inventory.now))
}

/// Begins a rotation; its first steps are those of its task.
///
/// # Errors
/// When no key is meant, it cannot be rotated, or one of the same principal is under way.
pub async fn start(
    inventory: &Inventory,
    asked: &NewRotationRequest,
) -> Result<HeldRotationView, Error> {
    keys::check_text("a reason", asked.because.as_deref())?;
    let planned = plan::make(inventory, asked).await?;
    let now = clock::now();
    let id = RotationId::from_random(store::random().map_err(cannot_write)?);
    let key_id = planned.held.record.id;
    let places = serde_json::to_string(&planned.places)
        .map_err(|error| Error::new("it cannot be kept").source(error).kind(Kind::Internal))?;
    let row = Kept {
        id,
        key_id,
        new_key_id: None,
        subject: planned.subject,
        version: 1,
        waits: Waits::Time,
        next_at: Some(now),
        started_at: now,
        started_by: inventory.actor.name.clone(),
        reason: asked.because.clone(),
        changed_at: now,
        warned_at: None,
        state: Rotation::new(planned.plan, now),
        places,
        target: planned.target,
        sealed_new: None,
        sealed_old: None,
    };
    let mut tx = inventory.begin().await?;
    tx.insert_rotation(&row).await.map_err(|failure| match failure {
        Failure::Exists => under_way(&planned.held),
        failure => cannot_write(failure),
    })?;
    tx.note_rotating(&row).await.map_err(cannot_write)?;
    let line = |kind: &str, words: String| Happened { at: now, kind: kind.to_owned(), words };
    let said = words::said_line(&row.started_by, "rotate", row.reason.as_deref());
    tx.add_rotation_events(id, &[line("said", said)]).await.map_err(cannot_write)?;
    let done = Done {
        verb: "rotation.start",
        target_kind: "key",
        target_id: key_id.to_string(),
        why: asked.because.as_deref(),
        details: json!({"rotation": id.to_string(), "plan": row.state.plan}),
    };
    inventory.log(&mut tx, done).await?;
    tx.wake_rotation(id).await.map_err(cannot_write)?;
    commit(tx).await?;
    view(inventory, &id.to_string()).await
}

fn under_way(held: &HeldKey) -> Error {
    let id = held.record.id;
    Error::new(format!("a rotation of {id}, or of another key of the same principal, is under way"))
        .kind(Kind::Conflict)
        .hint(format!("keytender rotations list --key {id}"))
}

/// Takes in hand what a rotation works with.
async fn hands(inventory: &Inventory, row: &Kept) -> Result<Hands, Error> {
    let held = mirror::get(inventory, row.key_id).await?;
    let held = held.ok_or_else(|| mirror::missing(row))?;
    let account = accounts::get(inventory, &held.account_name).await?;
    let provider = reach(inventory, account, &held, row).await.map_err(|error| {
        // A credential may come back; who is told by hand was made so by somebody.
        let fault = if error.of_kind() == Kind::Conflict { Fault::Refused } else { Fault::Later };
        Failed(fault, words::on_a_line(&error))
    });
    let id = held.record.id.to_string();
    let secret = secrets::find(inventory, &id, held.sealed.as_deref(), None).await?;
    let places = serde_json::from_str(&row.places).map_err(|error| {
        Error::new("the destinations of the rotation are not understood").source(error)
    })?;
    let safe = sealed::Safe::open(inventory, row.id).await?;
    Ok(Hands { provider, places, safe, held, secret })
}

async fn reach(
    inventory: &Inventory,
    account: Account,
    held: &HeldKey,
    row: &Kept,
) -> Result<Principal, Error> {
    let mut account = [account];
    accounts::unlock(inventory, &mut account).await?;
    let [account] = account;
    plan::open(&account, held, row.target.as_deref()).await
}

/// The rotation that a word means: its id, or a key that has one under way.
///
/// # Errors
/// When there is none that whoever asks may see.
async fn get(inventory: &Inventory, word: &str) -> Result<(Kept, HeldKey), Error> {
    let missing = || Error::not_found(format!("there is no rotation `{word}`"));
    let row = match word.parse::<RotationId>() {
        Ok(id) => inventory.store.find_rotation(id).await.map_err(cannot_read)?,
        Err(_) => {
            let key = keys::get(inventory, word).await?.record.id;
            let which = Which { key: Some(key), ..Which::default() };
            let found = inventory.store.list_rotations(&which, 1).await.map_err(cannot_read)?;
            found.into_iter().next()
        }
    };
    let row = row.ok_or_else(missing)?;
    let held = mirror::check_sight(inventory, &row).await?;
    Ok((row, held))
}

/// A rotation, with all that happened in it.
///
/// # Errors
/// When there is none that whoever asks may see.
pub async fn view(inventory: &Inventory, word: &str) -> Result<HeldRotationView, Error> {
    let (row, held) = get(inventory, word).await?;
    let events = inventory.store.rotation_events(row.id).await.map_err(cannot_read)?;
    let new = match row.new_key_id {
        Some(id) => mirror::get(inventory, id).await?,
        None => None,
    };
    Ok(HeldRotationView::new(&row, &held, new.as_ref(), events))
}

/// Rotations that whoever asks may see, the newest first, without what happened in each; at most `limit`.
///
/// # Errors
/// When no key is meant, or the database does not answer.
pub async fn list(
    inventory: &Inventory,
    key: Option<&str>,
    live: Option<bool>,
    waiting: bool,
    limit: u32,
) -> Result<Vec<HeldRotationView>, Error> {
    let key = match key {
        Some(word) => Some(keys::get(inventory, word).await?.record.id),
        None => None,
    };
    let which = Which { key, live, waiting };
    let rows = inventory.store.list_rotations(&which, limit.into()).await.map_err(cannot_read)?;
    let mut views = Vec::with_capacity(rows.len());
    for row in &rows {
        if let Ok(held) = mirror::check_sight(inventory, row).await {
            let new = match row.new_key_id {
                Some(id) => mirror::get(inventory, id).await?,
                None => None,
            };
            views.push(HeldRotationView::new(row, &held, new.as_ref(), Vec::new()));
        }
    }
    Ok(views)
}

/// What people say to a rotation.
#[derive(Clone, Debug)]
pub enum Say {
    /// A gate may be passed.
    Approve(Gate),
    /// What blocked it is mended.
    Resume,
    /// The old key is to come back.
    RollBack,
    /// It is not to go on, and nothing was changed yet.
    Abort,
    /// The new key stands at this destination, and whoever uses it uses that one.
    Acknowledge(String),
}

impl Say {
    fn words(&self) -> String {
        match self {
            Self::Approve(gate) => format!("approve {}", gate.as_str()),
            Self::Resume => "resume".to_owned(),
            Self::RollBack => "rollback".to_owned(),
            Self::Abort => "abort".to_owned(),
            Self::Acknowledge(name) => format!("acknowledge {name}"),
        }
    }
}

/// Tells a rotation what somebody says; as it stands then.
///
/// # Errors
/// When there is no such rotation, or it does not hear that now.
pub async fn say(
    inventory: &Inventory,
    word: &str,
    say: &Say,
    why: Option<&str>,
) -> Result<HeldRotationView, Error> {
    keys::check_text("a reason", why)?;
    let (row, _) = get(inventory, word).await?;
    let heard = match say {
        Say::Approve(gate) => {
            // Whoever approves has seen the last use that people were told of.
            Word::Approve { gate: *gate, despite: last_seen(&row) }
        }
        Say::Resume => Word::Resume,
        Say::RollBack => Word::RollBack,
        Say::Abort => Word::Abort,
        Say::Acknowledge(name) => {
            let names = row.state.plan.destinations.iter();
            let at = names.map(|place| place.name.as_str()).position(|known| known == name);
            let at = at.ok_or_else(|| {
                Error::not_found(format!("{} has no destination `{name}`", row.id))
            })?;
            Word::Acknowledge { at }
        }
    };
    run::hear(inventory, row.id, heard, say.words(), why).await?;
    view(inventory, &row.id.to_string()).await
}

/// The new key of a rotation, for whoever puts it where it is used by hand; that it was shown stands in the log.
///
/// # Errors
/// When there is no such rotation, no person fills a destination of it, or the new key is not there yet or not kept
/// any more.
pub async fn reveal(inventory: &Inventory, word: &str) -> Result<NewSecretView, Error> {
    let (row, _) = get(inventory, word).await?;
    let id = row.id;
    let refuse = |why: &str| Err(Error::new(format!("{id}: {why}")).kind(Kind::Conflict));
    if !row.state.plan.destinations.iter().any(|place| place.by_hand) {
        return refuse("nobody puts the new key anywhere by hand");
    }
    if matches!(
        row.state.stage,
        Stage::Planned | Stage::Preflight | Stage::CreateIntent | Stage::Created
    ) {
        return refuse("there is no new key yet that works");
    }
    let safe = sealed::Safe::open(inventory, id).await?;
    let Some(new) = safe.new_key(&row)? else { return refuse("the new key is not kept any more") };
    let mut tx = inventory.begin().await?;
    let done = Done {
        verb: "rotation.reveal",
        target_kind: "key",
        target_id: row.key_id.to_string(),
        why: None,
        details: json!({"rotation": id.to_string()}),
    };
    inventory.log(&mut tx, done).await?;
    commit(tx).await?;
    Ok(NewSecretView { id: new.id, secret: new.secret.expose().to_owned() })
}

/// Has the task of a rotation run as soon as can be.
///
/// # Errors
/// When the database refuses.
pub async fn wake(inventory: &Inventory, id: RotationId) -> Result<(), Error> {
    let mut tx = inventory.begin().await?;
    tx.wake_rotation(id).await.map_err(cannot_write)?;
    commit(tx).await
}

/// The last use of the leaving key that people were told of.
fn last_seen(row: &Kept) -> Option<Time> {
    row.state.told_use
}
