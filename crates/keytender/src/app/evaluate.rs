//! Holds the inventory against the policy, and gives keys their owners.
//!
//! Only those keys are asked of which time, a sync or a person may have changed the answer; all of
//! them when the policy or the owners' claims are others than last time.

use std::hash::{DefaultHasher, Hash, Hasher};

use keytender_core::key::State;
use keytender_core::owner::Claims;
use keytender_core::policy::{Assessment, DEFAULT, Policy};
use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::inventory::{Done, Inventory, cannot_write, commit};
use super::turn::Turn;
use super::view::PolicyView;
use crate::error::{Error, Kind};
use crate::store::db::Tx;
use crate::store::keys::{HeldKey, Opened, Standing, Verdict};
use crate::store::{Failure, Store};

/// How many keys are read and written in one transaction.
const KEYS_AT_ONCE: i64 = 10_000;
/// The setting that holds the policy of the inventory, where it is not the default one.
const POLICY: &str = "policy";
/// The setting that says which policy and claims every key was held against.
const EVALUATED_WITH: &str = "evaluated_with";
/// The longest policy, in bytes.
const MAX_TEXT: usize = 1_000_000;
/// A key that will never be asked again by time alone.
const NEVER: Time = Time::from_micros(i64::MAX);

/// What an evaluation came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Evaluated {
    /// How many keys were held against the policy.
    pub asked: u64,
    /// How many of them stand differently now.
    pub changed: u64,
}

/// The policy of the inventory: its text, and what it means.
///
/// # Errors
/// When the database does not answer, or holds a policy that this program does not understand.
pub async fn policy(store: &Store) -> Result<(String, Policy), Error> {
    let text = store
        .find_setting(POLICY)
        .await
        .map_err(|failure| failure.refuse("cannot read the policy of the inventory"))?;
    let text = text.unwrap_or_else(|| DEFAULT.to_owned());
    let policy = Policy::parse(&text).map_err(|error| {
        Error::new(format!("the policy of the inventory is not understood: {error}"))
            .hint("set another: keytender policy use FILE")
    })?;
    Ok((text, policy))
}

/// The policy of the inventory, in JSON.
///
/// # Errors
/// As [`policy`].
pub async fn policy_view(inventory: &Inventory) -> Result<PolicyView, Error> {
    view_of(policy(&inventory.store).await?.0)
}

fn view_of(text: String) -> Result<PolicyView, Error> {
    let policy = Policy::parse(&text).map_err(|error| {
        Error::new(format!("the policy of the inventory is not understood: {error}"))
            .kind(Kind::Internal)
    })?;
    Ok(PolicyView::of(text == DEFAULT, &policy, text))
}

/// Holds the inventory against another policy from now on; against the default one if none is given.
/// `allows` gets the present one, and may refuse.
///
/// # Errors
/// When the text is no policy, or the database does not do its part.
pub async fn use_policy(
    inventory: &Inventory,
    text: Option<&str>,
    allows: impl FnOnce(&PolicyView) -> Result<(), Error>,
) -> Result<Evaluated, Error> {
    if let Some(text) = text {
        if text.len() > MAX_TEXT {
            return Err(Error::new(format!("a policy has at most {MAX_TEXT} letters")));
        }
        Policy::parse(text).map_err(|error| {
            Error::new(format!("this is no policy: {error}"))
                .hint("keytender policy show prints one that is right")
        })?;
    }
    let mut tx = inventory.begin().await?;
    let now = tx.lock_setting(POLICY).await.map_err(cannot_write)?;
    allows(&view_of(now.unwrap_or_else(|| DEFAULT.to_owned()))?)?;
    tx.put_setting(POLICY, text.unwrap_or(DEFAULT)).await.map_err(cannot_write)?;
    let act = Done {
        verb: "policy.use",
        target_kind: "policy",
        target_id: if text.is_some() { "own" } else { "default" }.to_owned(),
        why: None,
        details: json!({"policy": text}),
    };
    inventory.log(&mut tx, act).await?;
    commit(tx).await?;
    run(&inventory.store, inventory.now).await
}

/// Holds keys against the policy.
///
/// # Errors
/// When the database does not do its part.
pub async fn run(store: &Store, now: Time) -> Result<Evaluated, Error> {
    run_in(store, now, &Turn::free()).await
}

/// As [`run`], as long as it is our turn; the rest is for the next one.
///
/// # Errors
/// When the database does not do its part, or the turn went to somebody else.
pub async fn run_in(store: &Store, now: Time, turn: &Turn) -> Result<Evaluated, Error> {
    let (text, policy) = policy(store).await?;
    evaluate(store, &text, &policy, now, turn)
        .await
        .map_err(|failure| failure.refuse("cannot hold the inventory against the policy"))
}

async fn evaluate(
    store: &Store,
    text: &str,
    policy: &Policy,
    now: Time,
    turn: &Turn,
) -> Result<Evaluated, Failure> {
    let claims = store.list_claims().await?;
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    for claim in &claims {
        (claim.owner_id, claim.kind, &claim.name, &claim.pattern).hash(&mut hasher);
    }
    let stamp = format!("{:016x}", hasher.finish());
    let is_other = store.find_setting(EVALUATED_WITH).await?.as_ref() != Some(&stamp);
    let claims = Claims::new(claims.iter().map(|claim| claim.compiled()).collect());
    let judge = Judge { store, policy, claims: &claims, now, turn };
    let mut done = Evaluated::default();
    let is_whole = match is_other {
        true => judge.every_key(&mut done).await?,
        false => judge.those_to_ask(&mut done).await?,
    };
    if is_other && is_whole {
        store.put_setting(EVALUATED_WITH, &stamp).await?;
    }
    Ok(done)
}

/// What keys are held against.
struct Judge<'j> {
    store: &'j Store,
    policy: &'j Policy,
    claims: &'j Claims,
    now: Time,
    turn: &'j Turn,
}

impl Judge<'_> {
    /// Whether it came to the end: a turn may be over before.
    async fn every_key(&self, done: &mut Evaluated) -> Result<bool, Failure> {
        let mut after = None;
        while !self.turn.is_over() {
            let mut tx = self.store.db().begin().await?;
            let keys = tx.lock_keys_after(after, KEYS_AT_ONCE).await?;
            let Some(last) = keys.last() else { return Ok(true) };
            after = Some(last.place());
            self.page(tx, keys, done).await?;
        }
        Ok(false)
    }

    /// Those of which time, a sync or a person may have changed the answer. A key that was asked
    /// is not to be asked again before some later moment, and so is not among the next ones.
    async fn those_to_ask(&self, done: &mut Evaluated) -> Result<bool, Failure> {
        while !self.turn.is_over() {
            let mut tx = self.store.db().begin().await?;
            let keys = tx.lock_keys_to_ask(self.now, KEYS_AT_ONCE).await?;
            if self.page(tx, keys, done).await? == 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Holds keys against the policy in the transaction that read them; how many stand differently.
    async fn page(
        &self,
        mut tx: Tx,
        keys: Vec<HeldKey>,
        done: &mut Evaluated,
    ) -> Result<usize, Failure> {
        done.asked += u64::try_from(keys.len()).unwrap_or(0);
        let mut assessment = Assessment::default();
        let verdicts: Vec<Verdict> =
            keys.into_iter().filter_map(|held| self.judge(held, &mut assessment)).collect();
        if !verdicts.is_empty() {
            done.changed += u64::try_from(verdicts.len()).unwrap_or(0);
            tx.write_verdicts(&verdicts, self.now).await?;
            self.turn.commit(tx).await?;
        }
        Ok(verdicts.len())
    }

    /// What is to be said of a key, if it is something new.
    fn judge(&self, mut held: HeldKey, assessment: &mut Assessment) -> Option<Verdict> {
        let policy = self.policy;
        let key = &mut held.record.key;
        let claimed = || match held.is_disowned {
            true => None,
            false => self.claims.owner(key, &held.account_name),
        };
        let owner_id = held.owner_by_hand.or_else(claimed);
        key.has_owner = Some(owner_id.is_some());
        let standing = standing(&held, policy, self.now, assessment);
        if standing == held.standing && owner_id == held.owner_id {
            return None;
        }
        let before = &held.standing.rules;
        let is_new = |id: &String| standing.rules.contains(id) && !before.contains(id);
        let opened = policy.findings(assessment).filter(|finding| is_new(&finding.rule.id));
        let opened = opened.map(|finding| Opened {
            rule: finding.rule.id.clone(),
            severity: finding.rule.severity,
            action: finding.rule.action,
            since: finding.since,
        });
        let opened = opened.collect();
        let resolved =
            before.iter().filter(|rule| !standing.rules.contains(rule)).cloned().collect();
        Some(Verdict {
            key_id: held.record.id,
            owner_id,
            has_other_owner: owner_id != held.owner_id,
            standing,
            opened,
            resolved,
        })
    }
}

/// What the policy says of a key at a moment.
pub(super) fn standing(
    held: &HeldKey,
    policy: &Policy,
    now: Time,
    assessment: &mut Assessment,
) -> Standing {
    let key = &held.record.key;
    policy.assess(key, now, assessment);
    if key.state == State::Destroyed {
        let rules = Vec::new();
        return Standing { is_due: false, action: None, severity: None, rules, evaluate_at: NEVER };
    }
    let is_kept = held.is_kept(now);
    let mut evaluate_at = policy.next_change(key, now).unwrap_or(NEVER);
    if let Some(keep) = held.keep.as_ref().filter(|_| is_kept) {
        evaluate_at = evaluate_at.min(keep.until);
    }
    Standing {
        is_due: !is_kept && assessment.is_due(),
        action: assessment.action().filter(|_| !is_kept),
        severity: assessment.severity().filter(|_| !is_kept),
        rules: policy.findings(assessment).map(|finding| finding.rule.id.clone()).collect(),
        evaluate_at,
    }
}
