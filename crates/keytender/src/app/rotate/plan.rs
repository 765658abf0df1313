//! What is settled before a rotation begins.

use keytender_core::policy::Rotating;
use keytender_core::rotation::plan::{BLIND_HOLD, HOLD, QUIET_FOR};
use keytender_core::rotation::{Gate, OldKey, Plan, Window};
use keytender_core::time::Span;

use super::places::{self, Place};
use super::provider::{Principal, Terms};
use crate::app::inventory::{Inventory, cannot_read};
use crate::app::view::NewRotationRequest;
use crate::app::{accounts, evaluate, keys};
use crate::error::{Error, Kind};
use crate::store::accounts::Account;
use crate::store::keys::HeldKey;
use crate::store::rotations::Which;

/// How long between two looks while both keys work.
const POLL: Span = Span::from_micros(3_600_000_000);
/// The longest quiet and the longest hold that somebody may ask for.
const LONGEST: u32 = 730;

/// A rotation that could begin.
pub(super) struct Planned {
    pub(super) held: HeldKey,
    pub(super) plan: Plan,
    pub(super) places: Vec<Place>,
    pub(super) target: Option<String>,
    /// What only one rotation at a time may be of.
    pub(super) subject: i64,
}

/// Takes the provider of a key in hand: of its own principal, or of the one that gets the new key.
pub(super) async fn open(
    account: &Account,
    held: &HeldKey,
    target: Option<&str>,
) -> Result<Principal, Error> {
    match target {
        Some(user) => Principal::open_to(account, held, user).await,
        None => Principal::open(account, held).await,
    }
}

/// Plans a rotation.
///
/// # Errors
/// When no key is meant, or it cannot be rotated.
pub(super) async fn make(
    inventory: &Inventory,
    asked: &NewRotationRequest,
) -> Result<Planned, Error> {
    let held = keys::get(inventory, &asked.key).await?;
    let key_id = held.record.id;
    if held.is_customers {
        let hint = format!("keytender keys rotate {key_id}");
        return Err(Error::new(format!("{key_id} is a key of an API of yours")).hint(hint));
    }
    let which = Which { key: Some(key_id), live: Some(true), ..Which::default() };
    if !inventory.store.list_rotations(&which, 1).await.map_err(cannot_read)?.is_empty() {
        return Err(super::under_way(&held));
    }
    let mut account = [accounts::get(inventory, &held.account_name).await?];
    accounts::unlock(inventory, &mut account).await?;
    let [account] = account;
    let target = asked.to.as_deref().map(target).transpose()?;
    let provider = open(&account, &held, target.as_deref()).await?;
    let terms = provider.terms();
    let mut places = places::of_key(inventory, key_id).await?;
    if asked.by_hand.unwrap_or_default() {
        places.push(Place::by_hand());
    }
    let is_emergency = asked.emergency.unwrap_or_default();
    if places.is_empty() {
        return Err(Error::new(format!("nobody has told where {key_id} is used"))
            .kind(Kind::Conflict)
            .hint(format!(
                "keytender destinations add {key_id} NAME KIND FIELD=VALUE…; or --by-hand, where a person puts \
                 it there"
            )));
    }
    let Terms { way, able, timeout } = terms;
    let hold = match able.last_use {
        Some(_) => HOLD,
        None => BLIND_HOLD,
    };
    let (_, policy) = evaluate::policy(&inventory.store).await?;
    let usual = policy.rotation();
    let deadline = usual.deadline_days.filter(|_| !is_emergency);
    let deadline = deadline.map(|days| inventory.now.plus(Span::days(days)));
    let plan = Plan {
        way,
        old: OldKey { id: provider.old_id().to_owned() },
        able,
        destinations: places.iter().map(Place::planned).collect(),
        gates: gates(asked, usual),
        window: match &asked.window {
            Some(text) => Some(window(text)?),
            None => usual.window.clone(),
        },
        quiet_for: quiet(asked.quiet_days.or(usual.quiet_days))?,
        hold: hold_for(asked.hold_days.or(usual.hold_days), hold)?,
        poll: POLL,
        deadline: asked.deadline.or(deadline),
        is_emergency,
        timeout,
    };
    let subject = held.record.principal_id.map_or(key_id.as_i64(), |id| id.as_i64());
    Ok(Planned { held, plan, places, target, subject })
}

/// What is asked for, and what the policy asks for: nobody leaves that out.
fn gates(asked: &NewRotationRequest, usual: &Rotating) -> Vec<Gate> {
    let mut gates = asked.approve.clone().unwrap_or_default();
    gates.extend(&usual.approve);
    gates.sort_unstable();
    gates.dedup();
    gates
}

fn window(text: &str) -> Result<Window, Error> {
    Window::parse(text).map_err(|why| Error::new(format!("this is no window: {why}")))
}

/// How long the old key must not be used: shorter than a monthly job shows itself only by an approval.
fn quiet(asked: Option<u32>) -> Result<Span, Error> {
    let least = QUIET_FOR.whole_days();
    match asked.map(|days| (days, i64::from(days) >= least && days <= LONGEST)) {
        None => Ok(QUIET_FOR),
        Some((days, true)) => Ok(Span::days(days)),
        Some((_, false)) => {
            Err(Error::new(format!("a key is watched for {least} to {LONGEST} days"))
                .hint("whoever approves `disable` cuts the wait short"))
        }
    }
}

fn hold_for(asked: Option<u32>, usual: Span) -> Result<Span, Error> {
    match asked {
        None => Ok(usual),
        Some(days) if (1..=LONGEST).contains(&days) => Ok(Span::days(days)),
        Some(_) => Err(Error::new(format!("a key is held disabled for 1 to {LONGEST} days"))),
    }
}

/// The user that `user:NAME` names.
fn target(text: &str) -> Result<String, Error> {
    let name = text.strip_prefix("user:").map(str::trim).filter(|name| !name.is_empty());
    name.map(str::to_owned)
        .ok_or_else(|| Error::new(format!("`{text}` is nobody")).hint("write user:NAME"))
}
