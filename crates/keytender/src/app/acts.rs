//! Acts on keys at their providers: disable, enable, delete.
//!
//! An act is planned from what the provider shows right now, shown to somebody, and done only when
//! they agree. The log of acts says so before and after. A key is deleted only after it was seen
//! disabled for as long as the hold lasts, whoever disabled it.

use keytender_core::id::KeyId;
use keytender_core::inventory::{Event, KeyRecord};
use keytender_core::key::{LastUse, State};
use keytender_core::time::{Span, Time};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::inventory::{Inventory, cannot_write, commit};
use super::view::PlanView;
use super::{evaluate, keys, notify};
use crate::error::{Error, Kind};
use crate::store::accounts::{Account, AccountKind};
use crate::store::acts::{NewAct, Stage};
use crate::store::changes::Subject;
use crate::store::db::Tx;
use crate::store::keys::{HeldKey, Told};

#[cfg(feature = "aws")]
mod aws;
mod described;
mod several;

pub use several::preview_each;

/// How long a key is held disabled before it may be deleted: a monthly job shows within it that it
/// needs the key.
pub const HOLD: Span = Span::days(30);
/// A key used so recently is likely to be missed.
pub const RECENT: Span = Span::days(30);
/// How the note begins that says that nobody can be asked to do it.
pub const BY_HAND: &str = "Keytender cannot reach ";
/// How the note begins that names the command which undoes an act.
pub const UNDO: &str = "undo: ";

/// What is done to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    /// It stops working; this can be undone.
    Disable,
    /// It works again.
    Enable,
    /// It is gone for good.
    Delete,
}

impl Act {
    /// The word on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Delete => "delete",
        }
    }

    /// The verb in the log.
    const fn verb(self) -> &'static str {
        match self {
            Self::Disable => "key.disable",
            Self::Enable => "key.enable",
            Self::Delete => "key.delete",
        }
    }

    const fn state(self) -> State {
        match self {
            Self::Disable => State::Suspended,
            Self::Enable => State::Active,
            Self::Delete => State::Destroyed,
        }
    }
}

/// How an act was asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What is done.
    pub act: Act,
    /// Why.
    pub why: Option<String>,
    /// Whether a key may be deleted before its hold is over.
    pub really: bool,
}

/// What will be done to one key, and what it may break.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The key.
    pub key: HeldKey,
    /// Its account.
    pub account: Account,
    /// What is done.
    pub act: Act,
    /// What is there to know before.
    pub notes: Vec<String>,
    /// Whether the provider shows the key so already.
    pub is_done: bool,
}

/// Plans an act on a key from what its provider shows now; with `asks_use` also from when it was last
/// used, which an act without a look does not need.
///
/// # Errors
/// When the act is not allowed, or the provider does not show the key.
async fn plan(
    inventory: &Inventory,
    key: HeldKey,
    asked: &Asked,
    asks_use: bool,
) -> Result<Plan, Error> {
    let account = account(inventory, &key).await?;
    let mut plan = Plan { key, account, act: asked.act, notes: Vec::new(), is_done: false };
    if plan.key.record.key.state == State::Destroyed {
        return Err(Error::new(format!("{} is gone", plan.key.record.id)).kind(Kind::Conflict));
    }
    check_end(asked.act, &plan.key)?;
    check_customer(inventory, asked.act, &plan.key)?;
    match plan.account.kind {
        AccountKind::Manual => {
            let name = &plan.account.provider;
            plan.notes.push(format!(
                "{BY_HAND}{name}: do it on its key page; this records that it was done"
            ));
            plan.is_done = plan.key.record.key.state == asked.act.state();
        }
        AccountKind::Own | AccountKind::Customer => {
            plan.is_done = plan.key.record.key.state == asked.act.state()
        }
        _ if is_described(&plan) => described::look(&mut plan, inventory.now).await?,
        AccountKind::Live | AccountKind::Organization => {
            look(&mut plan, inventory.now, asks_use).await?;
        }
    }
    if asked.act == Act::Delete {
        check_hold(&plan, asked, inventory.now)?;
    }
    if asked.act != Act::Enable {
        notes(&mut plan, inventory.now);
    }
    Ok(plan)
}

/// What an act on a key would do, as people see it; nothing is changed.
///
/// # Errors
/// When no key is meant, the act is not allowed, or the provider does not show the key.
pub async fn preview(inventory: &Inventory, word: &str, asked: &Asked) -> Result<PlanView, Error> {
    check_why(asked)?;
    let key = keys::get(inventory, word).await?;
    let plan = plan(inventory, key, asked, true).await?;
    Ok(PlanView {
        as_of: inventory.now,
        provider_asked: plan.account.kind != AccountKind::Manual,
        act: plan.act,
        notes: plan.notes,
        is_done: plan.is_done,
        key: keys::Viewer::new(inventory).await?.view(&plan.key),
    })
}

/// Plans an act anew, and does it; a key that is so already stays. Its id.
///
/// # Errors
/// When the act is not allowed, or the provider does not do it.
pub async fn run(inventory: &Inventory, word: &str, asked: &Asked) -> Result<KeyId, Error> {
    check_why(asked)?;
    let key = keys::get(inventory, word).await?;
    let plan = plan(inventory, key, asked, false).await?;
    if !plan.is_done || asked.act == Act::Delete {
        execute(inventory, &plan, asked.why.as_deref()).await?;
        evaluate::run(&inventory.store, inventory.now).await?;
    }
    Ok(plan.key.record.id)
}

fn check_why(asked: &Asked) -> Result<(), Error> {
    keys::check_text("a reason", asked.why.as_deref())
}

fn is_described(plan: &Plan) -> bool {
    super::accounts::is_described(&plan.account.provider, plan.account.kind)
}

async fn account(inventory: &Inventory, key: &HeldKey) -> Result<Account, Error> {
    let mut account = [super::accounts::get(inventory, &key.account_name).await?];
    super::accounts::unlock(inventory, &mut account).await?;
    let [account] = account;
    Ok(account)
}

/// A key of ours that was ended has ended for good: it can only be forgotten. One that waits for its first
/// use works no sooner by another way.
fn check_end(act: Act, key: &HeldKey) -> Result<(), Error> {
    let (id, state) = (key.record.id, key.record.key.state);
    if act == Act::Delete || !key.is_customers {
        return Ok(());
    }
    match state {
        State::Active | State::Suspended => Ok(()),
        State::PreActivation => {
            Err(Error::new(format!("{id} waits for its first use, which activates it"))
                .kind(Kind::Conflict)
                .hint(format!("cancel its rotation: keytender keys rotation cancel {id}")))
        }
        State::Deactivated | State::Compromised | State::Destroyed => {
            Err(Error::new(format!("{id} was revoked: that is for good"))
                .kind(Kind::Conflict)
                .hint("make a new one: keytender keys create"))
        }
    }
}

/// A customer ends a key by revoking it, and does not let one work again that somebody else may know.
fn check_customer(inventory: &Inventory, act: Act, key: &HeldKey) -> Result<(), Error> {
    match act {
        Act::Delete => inventory.sight.refuse_customer(),
        Act::Enable if key.record.key.exposed == Some(true) && inventory.sight.is_customer() => {
            let why = "somebody else may know this key: it does not work again";
            Err(Error::new(why).kind(Kind::Conflict).hint("make another key, and revoke this one"))
        }
        Act::Enable | Act::Disable => Ok(()),
    }
}

/// Asks the provider how the key stands, and whether Keytender can act on it at all.
#[cfg(feature = "aws")]
async fn look(plan: &mut Plan, now: Time, asks_use: bool) -> Result<(), Error> {
    aws::look(plan, now, asks_use).await
}

#[cfg(not(feature = "aws"))]
async fn look(plan: &mut Plan, _now: Time, _asks_use: bool) -> Result<(), Error> {
    Err(cannot_reach(plan))
}

#[cfg(not(feature = "aws"))]
fn cannot_reach(plan: &Plan) -> Error {
    Error::new(format!("no connector for `{}`", plan.account.provider))
}

/// A key is deleted only after it was seen disabled through the hold.
fn check_hold(plan: &Plan, asked: &Asked, now: Time) -> Result<(), Error> {
    let id = plan.key.record.id;
    // Whoever revoked it has found out who needs it.
    if matches!(plan.key.record.key.state, State::Deactivated | State::Compromised) {
        return Ok(());
    }
    let has_reason = asked.why.as_ref().is_some_and(|why| !why.trim().is_empty());
    if asked.really {
        return match has_reason {
            true => Ok(()),
            false => Err(Error::new("to delete before the hold is over needs a reason")
                .hint("--really --because TEXT")),
        };
    }
    let is_suspended = plan.key.record.key.state == State::Suspended;
    let hint = format!(
        "disable it and wait {} days; before that only with --really --because TEXT",
        HOLD.whole_days()
    );
    match plan.key.record.suspended_seen_at.filter(|_| is_suspended) {
        None => {
            Err(Error::new(format!("{id} is not disabled, so nobody knows who needs it"))
                .hint(hint))
        }
        Some(since) if now.since(since) < HOLD => {
            let until = since.plus(HOLD).date();
            let seen = since.date();
            Err(Error::new(format!(
                "{id} was first seen disabled on {seen}: its hold ends on {until}"
            ))
            .hint(hint))
        }
        Some(_) => Ok(()),
    }
}

/// What may break, and how it is undone.
fn notes(plan: &mut Plan, now: Time) {
    let key = &plan.key.record.key;
    if key.state == State::Active {
        match &key.last_used {
            LastUse::Used(used) if now.since(used.at) < RECENT => plan.notes.push(format!(
                "it is in use: whatever used it {} will fail",
                keytender_core::steps::ago(used.at, now)
            )),
            LastUse::Unknown { why } => {
                plan.notes.push(format!("its last use is unknown ({why}): something may need it"));
            }
            LastUse::Used(_) | LastUse::Never { .. } => {}
        }
    }
    plan.notes.push(match plan.act {
        Act::Disable => format!("{UNDO}keytender keys enable {}", plan.key.record.id),
        Act::Delete => "this cannot be undone".to_owned(),
        Act::Enable => return,
    });
}

/// Does what was planned: writes that it will be tried, does it at the provider, looks whether it
/// came to be, and writes that it did.
///
/// # Errors
/// When the provider does not do it; the log says so.
async fn execute(inventory: &Inventory, plan: &Plan, why: Option<&str>) -> Result<(), Error> {
    write(inventory, plan, Stage::Intent, why, None).await?;
    let done = match plan.account.kind {
        AccountKind::Manual | AccountKind::Own | AccountKind::Customer => Ok(()),
        _ if is_described(plan) => described::act(plan).await,
        AccountKind::Live | AccountKind::Organization => act(plan).await,
    };
    let is_failed = done.is_err() || plan.account.kind == AccountKind::Customer;
    let done = match done {
        Ok(()) => write(inventory, plan, Stage::Done, why, None).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => Ok(()),
        // What was done at a provider was done, whether or not it could be written.
        Err(error) if !is_failed => Err(error),
        Err(error) => {
            let report = error.report();
            write(inventory, plan, Stage::Failed, why, Some(&report)).await?;
            Err(error)
        }
    }
}

#[cfg(feature = "aws")]
async fn act(plan: &Plan) -> Result<(), Error> {
    aws::act(plan).await
}

#[cfg(not(feature = "aws"))]
async fn act(plan: &Plan) -> Result<(), Error> {
    Err(cannot_reach(plan))
}

async fn write(
    inventory: &Inventory,
    plan: &Plan,
    stage: Stage,
    why: Option<&str>,
    error: Option<&str>,
) -> Result<(), Error> {
    let record = &plan.key.record;
    let now = crate::clock::now();
    let mut tx = inventory.begin().await?;
    tx.log(NewAct {
        at: now,
        actor: &inventory.actor,
        verb: plan.act.verb(),
        stage,
        target_kind: "key",
        target_id: record.id.to_string(),
        why,
        details: json!({"account": plan.account.name, "id": record.key.id, "error": error}),
    })
    .await
    .map_err(cannot_write)?;
    if stage == Stage::Done {
        note(&mut tx, &plan.account, record, plan.act, now).await?;
    }
    commit(tx).await
}

/// Writes that an act was done to a key, and tells whoever listens.
///
/// # Errors
/// When the database refuses, or the key is one of ours that has ended otherwise.
pub(super) async fn note(
    tx: &mut Tx,
    account: &Account,
    record: &KeyRecord,
    act: Act,
    now: Time,
) -> Result<(), Error> {
    let before = tx.lock_key(record.id).await.map_err(cannot_write)?;
    let is_new = before.as_ref().is_none_or(|held| held.record.key.state != act.state());
    // Whoever revoked one of ours, or gave it another end meanwhile, is not overruled.
    let ours = before.as_ref().filter(|held| held.is_customers);
    if let Some(held) = ours {
        check_end(act, held)?;
    }
    let changed = changed(ours.map_or(record, |held| &held.record), act, now);
    tx.write_keys(account.id, std::slice::from_ref(&changed)).await.map_err(cannot_write)?;
    // `state` is told apart: a listing that is written later says what it saw.
    tx.tell_key(record.id, Told::State(act.state())).await.map_err(cannot_write)?;
    let event = match act {
        Act::Disable => Event::Suspended,
        Act::Enable => Event::Resumed,
        Act::Delete => Event::Destroyed,
    };
    let versions = [(&changed, vec![event])];
    tx.write_key_versions(&versions, now).await.map_err(cannot_write)?;
    // Of two who do the same at once, the later one changes nothing.
    if is_new {
        let told = notify::tell(tx, account, false, &versions, now).await;
        told.map_err(cannot_write)?;
    }
    if let Some(api) = account.api_id {
        let noted = tx.note_change(api, Subject::Key(record.id), now).await;
        noted.map_err(cannot_write)?;
    }
    Ok(())
}

fn changed(record: &KeyRecord, act: Act, now: Time) -> KeyRecord {
    let mut changed = record.clone();
    changed.key.state = act.state();
    changed.key.provider_state = None;
    changed.suspended_seen_at = match act {
        Act::Disable => Some(record.suspended_seen_at.unwrap_or(now)),
        Act::Enable | Act::Delete => None,
    };
    if act == Act::Delete {
        changed.missing_since = Some(now);
        changed.last_seen_at = Some(now);
    }
    changed
}
