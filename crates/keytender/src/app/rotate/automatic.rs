//! Rotations that a policy begins by itself: first for a week only said, then a few at a time.

use std::collections::BTreeMap;

use keytender_core::access::Side;
use keytender_core::id::KeyId;
use keytender_core::key::State;
use keytender_core::policy::Rotating;
use keytender_core::time::{Span, Time};
use serde::{Deserialize, Serialize};

use super::{plan, start, words};
use crate::app::evaluate;
use crate::app::inventory::{Inventory, cannot_read, cannot_write};
use crate::app::turn::Turn;
use crate::app::view::{NewRotationRequest, TrialView, WouldView};
use crate::error::Error;
use crate::store::Store;
use crate::store::acts::Actor;
use crate::store::keys::{Filter, HeldKey, Order, Page};
use crate::store::rotations::Which;

/// Who begins them, in the log.
pub const POLICY: &str = "policy";
/// The setting that holds what would be done.
const TRIAL: &str = "rotation_trial";
/// For how long it is only said what would be done, whatever the policy says.
const TRIAL_FOR: Span = Span::days(7);
/// How long a key is left alone whose rotation was taken back.
const LEFT_ALONE: Span = Span::days(30);
/// How many keys are looked at in one run.
const MAX_KEYS: u32 = 1_000;

/// What would be done, as it is kept: since when, by which rules, and of which keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Trial {
    rules: Vec<String>,
    since: Time,
    would: BTreeMap<KeyId, Would>,
}

/// What would be done to one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Would {
    id: Option<String>,
    account: String,
    rule: String,
    at: Time,
    fault: Option<String>,
}

/// Whether the policy lets any key rotate by itself.
///
/// # Errors
/// When the database does not answer, or holds a policy that is not understood.
pub async fn is_wanted(store: &Store) -> Result<bool, Error> {
    let (_, policy) = evaluate::policy(store).await?;
    Ok(!policy.rotation().automatic.is_empty())
}

/// Begins what is to be begun now, or says what would be; how many were begun.
///
/// # Errors
/// When the database does not do its part; what a key's rotation is refused for is kept beside it.
pub async fn run(inventory: &Inventory, turn: &Turn) -> Result<u64, Error> {
    let (_, policy) = evaluate::policy(&inventory.store).await?;
    let rules = policy.rotation();
    let trial = read(inventory, rules).await?;
    let mut begun = 0;
    let mut would = BTreeMap::new();
    let is_trial = is_trial(rules, trial.since, inventory.now);
    for (held, rule) in due(inventory, rules).await? {
        if turn.is_over() {
            return Ok(begun);
        }
        let id = held.record.id;
        let asked = request(&held, &rule);
        let mut fault = plan::make(inventory, &asked).await.err();
        if fault.is_none() && !is_trial && under_way(inventory).await? < rules.at_most {
            let policy = as_policy(inventory);
            match Box::pin(start(&policy, &asked)).await {
                Ok(_) => {
                    begun += 1;
                    continue;
                }
                Err(error) => fault = Some(error),
            }
        }
        let before = trial.would.get(&id).map(|known| known.at);
        would.insert(
            id,
            Would {
                id: held.record.key.id.as_deref().map(str::to_owned),
                account: held.account_name.clone(),
                rule,
                at: before.unwrap_or(inventory.now),
                fault: fault.as_ref().map(words::on_a_line),
            },
        );
    }
    let now = Trial { would, ..trial.clone() };
    // The first time also says since when.
    if now != trial || trial.since == inventory.now {
        write(inventory, &now).await?;
    }
    Ok(begun)
}

fn is_trial(rules: &Rotating, since: Time, now: Time) -> bool {
    rules.dry_run || now.since(since) < TRIAL_FOR
}

fn request(held: &HeldKey, rule: &str) -> NewRotationRequest {
    NewRotationRequest {
        key: held.record.id.to_string(),
        emergency: held.record.key.exposed.filter(|is_exposed| *is_exposed),
        because: Some(format!("the policy's rule {rule}")),
        ..NewRotationRequest::default()
    }
}

/// The inventory as the policy acts on it.
fn as_policy(inventory: &Inventory) -> Inventory {
    let origin = inventory.actor.origin.clone();
    Inventory {
        store: inventory.store.clone(),
        location: inventory.location.clone(),
        actor: Actor { name: POLICY.to_owned(), origin },
        now: inventory.now,
        sight: inventory.sight,
    }
}

/// How many rotations are under way that the policy began.
async fn under_way(inventory: &Inventory) -> Result<u32, Error> {
    let live = Which { live: Some(true), ..Which::default() };
    let live = inventory.store.list_rotations(&live, i64::MAX).await.map_err(cannot_read)?;
    let count = live.iter().filter(|row| row.started_by == POLICY).count();
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// The keys that are to rotate by themselves and do not yet, each with the rule: the most serious first.
async fn due(inventory: &Inventory, rules: &Rotating) -> Result<Vec<(HeldKey, String)>, Error> {
    let mut found: Vec<(HeldKey, String)> = Vec::new();
    for rule in &rules.automatic {
        let filter = Filter {
            rule: Some(rule.clone()),
            side: Some(Side::Held),
            customers: Some(false),
            state: Some(State::Active),
            ..Filter::default()
        };
        let page = Page { order: Order::Severity, limit: MAX_KEYS, offset: 0, after: None };
        let keys = inventory.store.page_of_keys(&filter, &page).await.map_err(cannot_read)?;
        for held in keys {
            let is_known = found.iter().any(|(known, _)| known.record.id == held.record.id);
            if !is_known && !held.is_kept(inventory.now) && !is_left_alone(inventory, &held).await?
            {
                found.push((held, rule.clone()));
            }
        }
    }
    let urgency = |held: &HeldKey| (held.record.key.exposed, held.standing.severity);
    found.sort_by_key(|(held, _)| std::cmp::Reverse(urgency(held)));
    Ok(found)
}

/// Whether a rotation of the key is under way, or one was taken back lately.
async fn is_left_alone(inventory: &Inventory, held: &HeldKey) -> Result<bool, Error> {
    let which = Which { key: Some(held.record.id), ..Which::default() };
    let last = inventory.store.list_rotations(&which, 1).await.map_err(cannot_read)?;
    Ok(last.first().is_some_and(|row| {
        !row.state.stage.is_ended() || inventory.now.since(row.state.since) < LEFT_ALONE
    }))
}

/// What is kept; other rules are tried anew.
async fn read(inventory: &Inventory, rules: &Rotating) -> Result<Trial, Error> {
    let text = inventory.store.find_setting(TRIAL).await.map_err(cannot_read)?;
    let kept: Option<Trial> = text.and_then(|text| serde_json::from_str(&text).ok());
    Ok(kept.filter(|kept| kept.rules == rules.automatic).unwrap_or_else(|| Trial {
        rules: rules.automatic.clone(),
        since: inventory.now,
        would: BTreeMap::new(),
    }))
}

async fn write(inventory: &Inventory, trial: &Trial) -> Result<(), Error> {
    let text = serde_json::to_string(trial).unwrap_or_default();
    inventory.store.put_setting(TRIAL, &text).await.map_err(cannot_write)
}

/// What the policy would rotate by itself, and since when it is only said.
///
/// # Errors
/// When the database does not answer.
pub async fn trial(inventory: &Inventory) -> Result<TrialView, Error> {
    let (_, policy) = evaluate::policy(&inventory.store).await?;
    let rules = policy.rotation();
    let trial = read(inventory, rules).await?;
    let sight = inventory.sight;
    let sees = sight.owner.is_none() && sight.side != Some(Side::Issued) && !sight.is_customer();
    let would = trial.would.into_iter().filter(|_| sees).map(|(key, one)| WouldView {
        key: key.to_string(),
        id: one.id,
        account: one.account,
        rule: one.rule,
        since: one.at,
        fault: one.fault,
    });
    Ok(TrialView {
        rules: rules.automatic.clone(),
        is_dry: is_trial(rules, trial.since, inventory.now),
        begins_at: (!rules.dry_run).then(|| trial.since.plus(TRIAL_FOR)),
        at_most: rules.at_most,
        would: would.collect(),
    })
}
