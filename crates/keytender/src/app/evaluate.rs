//! Holds the inventory against the policy, and gives keys their owners.
//!
//! Only those keys are asked of which time, a sync or a person may have changed the answer; all of
//! them when the policy or the owners' claims are others than last time.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use keytender_core::id::{AccountId, KeyId, OwnerId};
use keytender_core::key::{Key, State};
use keytender_core::owner::Claims;
use keytender_core::policy::{Assessment, DEFAULT, ISSUED, Policy};
use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::try_join;
use utoipa::ToSchema;

use super::inventory::{Done, Inventory, cannot_write, commit};
use super::turn::Turn;
use super::view::PolicyView;
use crate::error::{Error, Kind};
use crate::store::db::Tx;
use crate::store::keys::{Case, Cases, News, Opened, Standing, Verdict};
use crate::store::{Failure, Store};

/// How many keys are judged at once.
const KEYS_AT_ONCE: i64 = 10_000;
/// How many pages of so many keys are read and written in one transaction: a second on SQLite, for
/// which others who write wait. The parts of an index that a page changes, changes the next page too.
const PAGES_AT_ONCE: usize = 10;
/// How often it is begun anew where others hold keys, each time after half a second.
const MAX_TRIES: u32 = 30;
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

/// The policy that each key is held against.
#[derive(Clone, Debug)]
pub struct Policies {
    held: Policy,
    issued: Policy,
}

impl Policies {
    /// The one for a key that a customer of an API of ours holds, or for any other.
    pub const fn of(&self, is_customers: bool) -> &Policy {
        if is_customers { &self.issued } else { &self.held }
    }
}

/// The policy of the inventory, and the one for keys of our own APIs.
///
/// # Errors
/// As [`policy`].
pub async fn policies(store: &Store) -> Result<Policies, Error> {
    with_issued(policy(store).await?.1)
}

fn with_issued(held: Policy) -> Result<Policies, Error> {
    let issued = Policy::parse(ISSUED).map_err(|error| {
        Error::new(format!("the policy for keys that are issued is not understood: {error}"))
            .kind(Kind::Internal)
    })?;
    Ok(Policies { held, issued })
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
    let (text, held) = policy(store).await?;
    let policies = with_issued(held)?;
    let mut tries = 1;
    loop {
        match evaluate(store, &text, policies.clone(), now, turn).await {
            // What was judged before stays written.
            Err(failure) if failure.is_contended() && tries < MAX_TRIES => tries += 1,
            Err(failure) => {
                return Err(failure.refuse("cannot hold the inventory against the policy"));
            }
            Ok(evaluated) => return Ok(evaluated),
        }
    }
}

async fn evaluate(
    store: &Store,
    text: &str,
    policies: Policies,
    now: Time,
    turn: &Turn,
) -> Result<Evaluated, Failure> {
    let claims = store.list_claims().await?;
    let mut hasher = DefaultHasher::new();
    (text, ISSUED).hash(&mut hasher);
    for claim in &claims {
        (claim.owner_id, claim.kind, &claim.name, &claim.pattern).hash(&mut hasher);
    }
    let stamp = format!("{:016x}", hasher.finish());
    let is_other = store.find_setting(EVALUATED_WITH).await?.as_ref() != Some(&stamp);
    let claims = Claims::new(claims.iter().map(|claim| claim.compiled()).collect());
    let judge = Arc::new(Judge { policies, claims, now });
    let pass = Pass { store, judge, now, turn };
    let mut done = Evaluated::default();
    let is_whole = match is_other {
        true => pass.every_key(&mut done).await?,
        false => pass.those_to_ask(&mut done).await?,
    };
    if is_other && is_whole {
        store.put_setting(EVALUATED_WITH, &stamp).await?;
    }
    Ok(done)
}

/// One pass over keys.
struct Pass<'p> {
    store: &'p Store,
    judge: Arc<Judge>,
    now: Time,
    turn: &'p Turn,
}

impl Pass<'_> {
    /// Whether it came to the end: a turn may be over before.
    async fn every_key(&self, done: &mut Evaluated) -> Result<bool, Failure> {
        let mut after = None;
        while !self.turn.is_over() {
            let mut tx = self.store.db().begin().await?;
            let changed_before = done.changed;
            let is_end = self.pages(&mut tx, &mut after, done).await?;
            if done.changed > changed_before {
                self.turn.commit(tx).await?;
            }
            if is_end {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Some pages after `after`: while the database reads one, the one before is judged and, where
    /// it can, written. Whether these were the last.
    async fn pages(
        &self,
        tx: &mut Tx,
        after: &mut Option<(AccountId, KeyId)>,
        done: &mut Evaluated,
    ) -> Result<bool, Failure> {
        let beside = tx.beside();
        let mut judging = None;
        for _ in 0..PAGES_AT_ONCE {
            if self.turn.is_over() {
                break;
            }
            let cases = match &beside {
                // The page that is read and the one that is written have no key in common.
                Some(db) => {
                    let read = db.cases_after(*after, KEYS_AT_ONCE);
                    try_join!(read, self.write(tx, judging.take(), done))?.0
                }
                None => {
                    let cases = tx.lock_cases_after(*after, KEYS_AT_ONCE).await?;
                    self.write(tx, judging.take(), done).await?;
                    cases
                }
            };
            let last = cases.last_place()?;
            if last.is_none() {
                return Ok(true);
            }
            *after = last;
            judging = Some(self.judge(cases, done));
        }
        self.write(tx, judging, done).await?;
        Ok(false)
    }

    /// Those of which time, a sync or a person may have changed the answer. A key that was asked
    /// is not to be asked again before some later moment, and so is not among the next ones.
    async fn those_to_ask(&self, done: &mut Evaluated) -> Result<bool, Failure> {
        while !self.turn.is_over() {
            let mut tx = self.store.db().begin().await?;
            // Who changes keys meets them in another order; they must not be the ones who are undone.
            tx.give_way().await?;
            let cases = tx.lock_cases_to_ask(self.now, KEYS_AT_ONCE).await?;
            let judging = self.judge(cases, done);
            if self.write(&mut tx, Some(judging), done).await? == 0 {
                return Ok(true);
            }
            self.turn.commit(tx).await?;
        }
        Ok(false)
    }

    /// Begins to hold keys against the policy.
    fn judge(&self, cases: Cases, done: &mut Evaluated) -> Judging {
        done.asked += u64::try_from(cases.count()).unwrap_or(0);
        let judge = Arc::clone(&self.judge);
        tokio::task::spawn_blocking(move || judge.verdicts(&cases))
    }

    /// Writes what was judged in the transaction that read it; how many keys stand differently.
    async fn write(
        &self,
        tx: &mut Tx,
        judging: Option<Judging>,
        done: &mut Evaluated,
    ) -> Result<usize, Failure> {
        let Some(judging) = judging else { return Ok(0) };
        let verdicts = judging.await.map_err(|error| Failure::Corrupt(error.to_string()))??;
        if !verdicts.is_empty() {
            done.changed += u64::try_from(verdicts.len()).unwrap_or(0);
            tx.write_verdicts(&verdicts, self.now).await?;
        }
        Ok(verdicts.len())
    }
}

/// A page of keys that is being held against the policy.
type Judging = JoinHandle<Result<Vec<Verdict>, Failure>>;

/// What keys are held against.
struct Judge {
    policies: Policies,
    claims: Claims,
    now: Time,
}

impl Judge {
    /// What is to be said of keys, of those of which it is something new.
    fn verdicts(&self, cases: &Cases) -> Result<Vec<Verdict>, Failure> {
        let mut assessment = Assessment::default();
        let verdicts = cases.each().map(|case| Ok(self.judge(case?, &mut assessment)));
        verdicts.filter_map(Result::transpose).collect()
    }

    /// What is to be said of a key, if it is something new.
    fn judge(&self, mut case: Case<'_>, assessment: &mut Assessment) -> Option<Verdict> {
        let policy = self.policies.of(case.is_customers);
        let key = &mut case.key;
        let claimed = || match case.is_disowned {
            true => None,
            false => self.claims.owner(key, &case.account_name),
        };
        let owner_id = case.owner_by_hand.or_else(claimed);
        key.has_owner = Some(owner_id.is_some());
        let standing = standing(key, case.keep_until, policy, self.now, assessment);
        let news = self.news(&case, &standing, owner_id)?;
        let before = &case.standing.rules;
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
        Some(Verdict { key_id: case.id, owner_id, news, standing, opened, resolved })
    }

    /// What is new about a key that stands so now.
    fn news(&self, case: &Case<'_>, now: &Standing, owner_id: Option<OwnerId>) -> Option<News> {
        let before = &case.standing;
        if owner_id != case.owner_id {
            return Some(News::Owner);
        }
        let says = |standing: &Standing| (standing.is_due, standing.action, standing.severity);
        if says(now) != says(before) || now.rules != before.rules {
            return Some(News::Standing);
        }
        // Who asks too early asks once more: a later moment is written only when it has to be.
        let is_early = before.evaluate_at > self.now && before.evaluate_at <= now.evaluate_at;
        (!is_early).then_some(News::Moment)
    }
}

/// What the policy says of a key at a moment, which somebody keeps as it is until `keep_until`.
pub(super) fn standing(
    key: &Key<'_>,
    keep_until: Option<Time>,
    policy: &Policy,
    now: Time,
    assessment: &mut Assessment,
) -> Standing {
    policy.assess(key, now, assessment);
    if key.state == State::Destroyed {
        let rules = Vec::new();
        return Standing { is_due: false, action: None, severity: None, rules, evaluate_at: NEVER };
    }
    let keep_until = keep_until.filter(|until| now < *until);
    let is_kept = keep_until.is_some();
    let mut evaluate_at = policy.next_change(key, now).unwrap_or(NEVER);
    if let Some(until) = keep_until {
        evaluate_at = evaluate_at.min(until);
    }
    Standing {
        is_due: !is_kept && assessment.is_due(),
        action: assessment.action().filter(|_| !is_kept),
        severity: assessment.severity().filter(|_| !is_kept),
        rules: policy.findings(assessment).map(|finding| finding.rule.id.clone()).collect(),
        evaluate_at,
    }
}
