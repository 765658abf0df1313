//! What people say of a key that is there.

use keytender_core::id::KeyId;
use keytender_core::time::Time;

use super::{check_label, check_text, check_times, get, tell};
use crate::app::inventory::{Inventory, cannot_read, cannot_write, commit};
use crate::app::view::{KeepRequest, KeyChange, KeyView};
use crate::app::{evaluate, owners};
use crate::error::{Error, Kind};
use crate::store::changes::Subject;
use crate::store::db::Tx;
use crate::store::keys::{HeldKey, Keep, Told};

/// Writes what somebody says of a key; the key as it is then. `allows` gets it as it was, and may
/// refuse.
///
/// # Errors
/// When no key is meant, nothing is said, its provider tells the same itself, or whoever asks may not
/// say it.
pub async fn set(
    inventory: &Inventory,
    word: &str,
    change: &KeyChange,
    allows: impl FnOnce(&KeyView) -> Result<(), Error>,
) -> Result<KeyView, Error> {
    if change.is_empty() {
        return Err(Error::new("there is nothing to say of the key"));
    }
    if change.owner.is_some() && inventory.sight.owner.is_some() {
        let why = "whoever sees only an owner's keys cannot give them another";
        return Err(Error::new(why).kind(Kind::Forbidden));
    }
    if inventory.sight.is_customer() && !change.is_a_customers() {
        let why = "a customer's own token changes a key's name and where it is used, and says that it leaked";
        return Err(Error::new(why).kind(Kind::Forbidden));
    }
    evaluate::run(&inventory.store, inventory.now).await?;
    let id = get(inventory, word).await?.record.id;
    let owner = match &change.owner {
        Some(Some(name)) => Some(Told::Owner(Some(owners::get(inventory, name).await?.id))),
        Some(None) => Some(Told::Owner(None)),
        None => None,
    };
    let viewer = super::Viewer::new(inventory).await?;
    let mut tx = inventory.begin().await?;
    let held = tx.lock_key(id).await.map_err(cannot_read)?;
    let held = held.filter(|held| inventory.sight.covers(held));
    let held = held.ok_or_else(|| Error::not_found(format!("there is no key `{word}`")))?;
    allows(&viewer.view(&held))?;
    let mut told: Vec<Told> = owner.into_iter().collect();
    told.extend(facts(inventory, &held, change)?);
    let reason = change.keep.iter().flatten().map(|keep| keep.reason.as_str()).next();
    let why = change.because.as_deref().or(reason);
    check_text("a reason", why)?;
    tell(inventory, &mut tx, id, told, why).await?;
    if held.is_customers {
        note(&mut tx, id, inventory.now).await?;
    }
    commit(tx).await?;
    super::view(inventory, &id.to_string()).await
}

/// Lets verifiers know that something of a key of ours has changed.
async fn note(tx: &mut Tx, id: KeyId, now: Time) -> Result<(), Error> {
    if let Some(issued) = tx.lock_issued(id).await.map_err(cannot_read)? {
        let noted = tx.note_change(issued.api_id, Subject::Key(id), now).await;
        noted.map_err(cannot_write)?;
    }
    Ok(())
}

/// Whoever sees only the keys that they answer for says that one of them is not theirs. It is nobody's
/// then, whoever claims it, until somebody says whose it is.
///
/// # Errors
/// When no key is meant, or whoever asks answers for no keys.
pub async fn disown(inventory: &Inventory, word: &str, why: Option<&str>) -> Result<(), Error> {
    if inventory.sight.owner.is_none() {
        let error = Error::new("only whoever answers for a key says that it is not theirs");
        return Err(error.kind(Kind::Forbidden).hint("take the owner from it instead"));
    }
    check_text("a reason", why)?;
    evaluate::run(&inventory.store, inventory.now).await?;
    let id = get(inventory, word).await?.record.id;
    let mut tx = inventory.begin().await?;
    let held = tx.lock_key(id).await.map_err(cannot_read)?;
    if !held.is_some_and(|held| inventory.sight.covers(&held)) {
        return Err(Error::not_found(format!("there is no key `{word}`")));
    }
    tell(inventory, &mut tx, id, vec![Told::Disowned], why).await?;
    commit(tx).await?;
    evaluate::run(&inventory.store, inventory.now).await.map(|_| ())
}

fn facts(inventory: &Inventory, held: &HeldKey, change: &KeyChange) -> Result<Vec<Told>, Error> {
    let mut told = Vec::new();
    if let Some(place) = &change.where_used {
        check_text("a place of use", place.as_deref())?;
        told.push(Told::WhereUsed(place.clone().filter(|place| !place.is_empty())));
    }
    let provided = provided(inventory.now, held, change)?;
    let is_told_elsewhere = held.record.principal_id.is_some() && !held.is_customers;
    let is_seen_here =
        held.is_customers && (change.created_at.is_some() || change.last_used_at.is_some());
    if is_seen_here {
        return Err(Error::new("this key was made and is verified here: nobody tells when"));
    }
    if !provided.is_empty() && is_told_elsewhere {
        let error = Error::new(format!(
            "`{}` tells name, creation, end and use of this key itself",
            held.account_name
        ));
        return Err(error.hint("what it says at the next sync would win anyway"));
    }
    told.extend(provided);
    if let Some(is_exposed) = change.exposed {
        // Whoever kept it did not know that.
        if is_exposed && held.is_kept(inventory.now) {
            told.push(Told::Keep(None));
        }
        told.push(Told::Exposed(is_exposed.then_some(inventory.now)));
    }
    match &change.keep {
        Some(Some(asked)) => told.push(Told::Keep(Some(keep(inventory, asked)?))),
        Some(None) => told.push(Told::Keep(None)),
        None => {}
    }
    Ok(told)
}

/// What the provider says itself, where it is asked.
fn provided(now: Time, held: &HeldKey, change: &KeyChange) -> Result<Vec<Told>, Error> {
    let key = &held.record.key;
    let label = change.label.as_deref().or(key.label.as_deref()).unwrap_or_default();
    if change.label.is_some() {
        check_label(label)?;
    }
    let created = change.created_at.map(|at| at.map(|at| at.min(now)));
    check_times(
        label,
        created.unwrap_or(key.created_at),
        change.expires_at.unwrap_or(key.expires_at),
    )?;
    let told = [
        change.label.clone().map(|label| Told::Label(Some(label))),
        created.map(Told::Created),
        change.expires_at.map(Told::Expires),
        change.last_used_at.map(|at| Told::Used(at.min(now))),
    ];
    Ok(told.into_iter().flatten().collect())
}

fn keep(inventory: &Inventory, asked: &KeepRequest) -> Result<Keep, Error> {
    if asked.until <= inventory.now {
        return Err(Error::new(format!("{} is past", asked.until)));
    }
    if asked.reason.trim().is_empty() {
        return Err(Error::new("say why: an auditor will ask"));
    }
    check_text("a reason", Some(&asked.reason))?;
    Ok(Keep { until: asked.until, reason: asked.reason.clone(), by: inventory.actor.name.clone() })
}
