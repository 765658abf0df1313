//! Rotations: a key gets a successor, and both work for a while.
//!
//! | | the key before | the key after |
//! |---|---|---|
//! | asked for, to be activated on first use | works, without an end | pre-activation: its first use activates it |
//! | activated, by its first use or at once | works until the overlap is over | works |
//! | over, or finished early | deactivated | works |
//! | cancelled | works as before | deactivated |
//!
//! The end of the overlap stands in the key itself, so that no verifier has to be told when it comes. A
//! second rotation of a key cancels one that was not activated; once it was, it is the successor that is
//! rotated.

use keytender_core::id::KeyId;
use keytender_core::inventory::Event;
use keytender_core::key::State;
use keytender_core::time::{Span, Time};
use keytender_core::token::Environment;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::revoke::end;
use super::{Both, Created, Draft, Place, changed, insert, lock, lock_one, log, wait_for_app};
use crate::app::inventory::{Inventory, cannot_read, cannot_write, commit};
use crate::app::notify;
use crate::error::{Error, Kind};
use crate::notify::webhook::EventKind;
use crate::store::accounts::Account;
use crate::store::db::Tx;
use crate::store::issued::Issued;
use crate::store::keys::Told;

/// How long both keys work of which nobody says how long: a weekly job shows within it that it still has
/// the old one.
pub const DEFAULT_OVERLAP: Span = Span::days(8);
/// The longest overlap.
pub const MAX_OVERLAP: Span = Span::days(366);
/// How many keys are retired in one transaction.
const RETIRED_AT_ONCE: i64 = 500;

/// What activates the new key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// Its first use: the overlap begins then.
    #[default]
    OnFirstUse,
    /// Nothing: it works from the start, and the overlap begins at once.
    Immediately,
}

/// A rotation that somebody asks for.
#[derive(Clone, Debug, Default)]
pub struct NewRotation {
    /// How long both keys work; as the API says if it is absent.
    pub overlap: Option<Span>,
    /// What activates the new key.
    pub activation: Activation,
    /// When the new key ends: `None` as its API says, `Some(None)` never.
    pub expires_at: Option<Option<Time>>,
    /// Why.
    pub why: Option<String>,
}

/// The two keys of a rotation.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// The key before.
    pub before: Issued,
    /// The key after.
    pub after: Issued,
}

/// Makes a successor of a key, with the same rights.
///
/// # Errors
/// When no key of ours is meant, it does not work, or it has a successor that works already.
pub async fn rotate(inventory: &Inventory, word: &str, new: NewRotation) -> Result<Created, Error> {
    crate::app::keys::check_text("a reason", new.why.as_deref())?;
    let mut tx = inventory.begin().await?;
    let (mut old, account) = lock(inventory, &mut tx, word).await?;
    check_works(&old, inventory.now)?;
    let cancelled = cancel_pending(inventory, &mut tx, &account, &old).await?;
    let app = tx.lock_app(old.issued.app_id).await.map_err(cannot_write)?;
    let app = app.ok_or_else(|| Error::not_found("the app is gone"))?;
    let place = Place::of(inventory, &app).await?;
    let overlap = new.overlap.or(place.api.settings.overlap).unwrap_or(DEFAULT_OVERLAP);
    check_overlap(overlap)?;
    let label = old.held.record.key.label.as_deref().unwrap_or_default().to_owned();
    let is_at_once = new.activation == Activation::Immediately;
    let draft = Draft {
        environment: environment(&old.issued)?,
        scopes: old.issued.scopes.clone(),
        networks: old.issued.networks.clone(),
        expires_at: place.end(inventory, &label, new.expires_at)?,
        state: if is_at_once { State::Active } else { State::PreActivation },
        replaces: Some(old.issued.key_id),
        label,
    };
    let (mut made, text) = insert(inventory, &mut tx, &place, &app, draft).await?;
    made.overlap = Some(overlap);
    tx.update_issued(&made).await.map_err(cannot_write)?;
    old.issued.replaced_by = Some(made.key_id);
    old.issued.retires_at = is_at_once.then(|| inventory.now.plus(overlap));
    tx.update_issued(&old.issued).await.map_err(cannot_write)?;
    let details = json!({"new": made.key_id.to_string(), "id": made.token_id,
                         "overlap_seconds": overlap.as_micros() / 1_000_000, "activation": new.activation});
    if is_at_once {
        tell_rotated(&mut tx, &account, &old, inventory.now).await?;
    }
    log(inventory, &mut tx, "key.rotate", old.issued.key_id, new.why.as_deref(), details).await?;
    let keys: Vec<&Issued> = [&made, &old.issued].into_iter().chain(&cancelled).collect();
    changed(&mut tx, &keys, inventory.now).await?;
    commit(tx).await?;
    Ok(Created { key_id: made.key_id, text })
}

/// Refuses an overlap that is too long.
pub(in crate::app) fn check_overlap(overlap: Span) -> Result<(), Error> {
    match overlap <= MAX_OVERLAP {
        true => Ok(()),
        false => {
            Err(Error::new(format!("an overlap is at most {} days", MAX_OVERLAP.whole_days())))
        }
    }
}

fn environment(issued: &Issued) -> Result<Environment, Error> {
    let found = Environment::ALL.into_iter().find(|one| one.as_str() == issued.environment);
    found.ok_or_else(|| Error::new("a key of no environment").kind(Kind::Internal))
}

fn check_works(both: &Both, now: Time) -> Result<(), Error> {
    let key = &both.held.record.key;
    let id = both.issued.key_id;
    let is_over = key.expires_at.is_some_and(|at| at <= now);
    match key.state {
        State::Active if !is_over => Ok(()),
        State::Active => Err(Error::new(format!("{id} has expired: nothing is left to replace"))
            .kind(Kind::Conflict)
            .hint("make a new key: keytender keys create")),
        state => {
            Err(Error::new(format!("{id} is {}: only a key that works is rotated", state.as_str()))
                .kind(Kind::Conflict))
        }
    }
}

/// Ends a successor that was never activated.
async fn cancel_pending(
    inventory: &Inventory,
    tx: &mut Tx,
    account: &Account,
    old: &Both,
) -> Result<Option<Issued>, Error> {
    let Some(next) = old.issued.replaced_by else { return Ok(None) };
    let Some(mut next) = lock_one(tx, next).await? else { return Ok(None) };
    if next.issued.activated_at.is_some() {
        let (id, next) = (old.issued.key_id, next.issued.key_id);
        return Err(Error::new(format!("{id} has been replaced by {next} already"))
            .kind(Kind::Conflict)
            .hint(format!("rotate that one, or cancel: keytender keys rotation cancel {id}")));
    }
    let why = Some("another rotation took its place");
    end(inventory, tx, account, &mut next, false, why).await?;
    Ok(Some(next.issued))
}

/// Activates a key on its first use, at `at`; whether it had to be. The overlap begins then.
///
/// # Errors
/// When the database refuses.
pub async fn activate(inventory: &Inventory, id: KeyId, at: Time) -> Result<bool, Error> {
    let mut tx = inventory.begin().await?;
    wait_for_app(inventory, &mut tx, id).await?;
    let Some(mut new) = lock_one(&mut tx, id).await? else { return Ok(false) };
    if new.held.record.key.state != State::PreActivation {
        return Ok(false);
    }
    let account = new.held.account_id.to_string();
    let account = crate::app::accounts::get(inventory, &account).await?;
    // That it was used is told by whoever writes its first use.
    tx.tell_key(id, Told::State(State::Active)).await.map_err(cannot_write)?;
    new.held.record.key.state = State::Active;
    let versions = [(&new.held.record, vec![Event::FirstUsed])];
    tx.write_key_versions(&versions, at).await.map_err(cannot_write)?;
    new.issued.activated_at = Some(at);
    tx.update_issued(&new.issued).await.map_err(cannot_write)?;
    let mut keys = vec![new.issued];
    let before = match keys.first().and_then(|new| new.replaces) {
        Some(before) => lock_one(&mut tx, before).await?,
        None => None,
    };
    if let Some(mut old) = before.filter(|old| old.issued.revoked_at.is_none()) {
        let overlap = keys.first().and_then(|new| new.overlap).unwrap_or(DEFAULT_OVERLAP);
        old.issued.retires_at = Some(at.plus(overlap));
        tx.update_issued(&old.issued).await.map_err(cannot_write)?;
        tell_rotated(&mut tx, &account, &old, at).await?;
        keys.push(old.issued);
    }
    changed(&mut tx, &keys.iter().collect::<Vec<_>>(), inventory.now).await?;
    commit(tx).await?;
    Ok(true)
}

/// Tells webhooks that another key works in the place of this one.
async fn tell_rotated(tx: &mut Tx, account: &Account, old: &Both, at: Time) -> Result<(), Error> {
    let happened = [(&old.held.record, EventKind::Rotated)];
    notify::tell_events(tx, account, &happened, at).await.map_err(cannot_write)
}

/// The rotation that a key is in or was in, as the one before or the one after.
///
/// # Errors
/// When no key of ours is meant, or it is in none.
pub async fn rotation(inventory: &Inventory, word: &str) -> Result<Rotation, Error> {
    let id = crate::app::keys::get(inventory, word).await?.record.id;
    let find = async |id: KeyId| {
        inventory.store.find_issued(&[id]).await.map(|mut found| found.pop()).map_err(cannot_read)
    };
    let one = find(id).await?.ok_or_else(|| super::not_ours(word))?;
    // Of a key between two others, the rotation that is not over yet is meant.
    let (before, after) = match (one.replaced_by, one.replaces) {
        (Some(next), _) => (Some(one), find(next).await?),
        // One that was cancelled is in none.
        (None, Some(before)) => {
            let before = find(before).await?;
            (before.filter(|before| before.replaced_by == Some(one.key_id)), Some(one))
        }
        (None, None) => (None, None),
    };
    let both = before.zip(after).map(|(before, after)| Rotation { before, after });
    both.ok_or_else(|| none(word))
}

fn none(word: &str) -> Error {
    Error::not_found(format!("`{word}` is in no rotation"))
        .hint(format!("begin one: keytender keys rotate {word}"))
}

/// The keys of a rotation, locked.
async fn lock_both(
    inventory: &Inventory,
    tx: &mut Tx,
    word: &str,
) -> Result<(Both, Both, Account), Error> {
    let found = rotation(inventory, word).await?;
    let (old, account) = lock(inventory, tx, &found.before.key_id.to_string()).await?;
    let new = lock_one(tx, found.after.key_id).await?.ok_or_else(|| none(word))?;
    match old.issued.replaced_by == Some(new.issued.key_id) {
        true => Ok((old, new, account)),
        false => Err(none(word)),
    }
}

/// Takes a rotation back: the key before works on as it did, the one after ends.
///
/// # Errors
/// When no rotation is meant, or the key before has ended.
pub async fn cancel(inventory: &Inventory, word: &str, why: Option<&str>) -> Result<(), Error> {
    crate::app::keys::check_text("a reason", why)?;
    let mut tx = inventory.begin().await?;
    let (mut old, mut new, account) = lock_both(inventory, &mut tx, word).await?;
    let is_retired = old.issued.retires_at.is_some_and(|at| at <= inventory.now);
    if old.held.record.key.state != State::Active || is_retired {
        let id = old.issued.key_id;
        let why = format!("{id} does not work any more: the rotation cannot be taken back");
        return Err(Error::new(why).kind(Kind::Conflict));
    }
    let reason = why.unwrap_or("the rotation was cancelled");
    end(inventory, &mut tx, &account, &mut new, false, Some(reason)).await?;
    old.issued.replaced_by = None;
    old.issued.retires_at = None;
    tx.update_issued(&old.issued).await.map_err(cannot_write)?;
    let details = json!({"new": new.issued.key_id.to_string()});
    log(inventory, &mut tx, "key.rotation.cancel", old.issued.key_id, why, details).await?;
    changed(&mut tx, &[&old.issued, &new.issued], inventory.now).await?;
    commit(tx).await
}

/// Ends the overlap now: only the key after works from here on.
///
/// # Errors
/// When no rotation is meant, or the key after does not work.
pub async fn finish(inventory: &Inventory, word: &str, why: Option<&str>) -> Result<(), Error> {
    crate::app::keys::check_text("a reason", why)?;
    let mut tx = inventory.begin().await?;
    let (mut old, new, account) = lock_both(inventory, &mut tx, word).await?;
    if new.held.record.key.state != State::Active {
        let (id, state) = (new.issued.key_id, new.held.record.key.state.as_str());
        return Err(Error::new(format!("{id}, the key after, is {state}: nothing would work"))
            .kind(Kind::Conflict)
            .hint("use it once, or cancel the rotation"));
    }
    let reason = format!("replaced by {}", new.issued.key_id);
    old.issued.retires_at = old.issued.retires_at.map(|end| end.min(inventory.now));
    end(inventory, &mut tx, &account, &mut old, false, Some(&reason)).await?;
    let details = json!({"new": new.issued.key_id.to_string()});
    log(inventory, &mut tx, "key.rotation.finish", old.issued.key_id, why, details).await?;
    changed(&mut tx, &[&old.issued], inventory.now).await?;
    commit(tx).await
}

/// Deactivates keys whose overlap is over: verifiers refuse them already. How many they were.
///
/// # Errors
/// When the database refuses.
pub async fn retire(inventory: &Inventory) -> Result<u64, Error> {
    let mut count = 0;
    loop {
        let mut tx = inventory.begin().await?;
        let due = tx.keys_to_retire(inventory.now, RETIRED_AT_ONCE).await.map_err(cannot_read)?;
        let mut ended = Vec::with_capacity(due.len());
        for id in due {
            wait_for_app(inventory, &mut tx, id).await?;
            let Some(mut old) = lock_one(&mut tx, id).await? else { continue };
            let account = old.held.account_id.to_string();
            let account = crate::app::accounts::get(inventory, &account).await?;
            let why = old.issued.replaced_by.map(|next| format!("replaced by {next}"));
            if end(inventory, &mut tx, &account, &mut old, false, why.as_deref()).await? {
                ended.push(old.issued);
            }
        }
        if ended.is_empty() {
            return Ok(count);
        }
        count += u64::try_from(ended.len()).unwrap_or(0);
        changed(&mut tx, &ended.iter().collect::<Vec<_>>(), inventory.now).await?;
        commit(tx).await?;
    }
}
