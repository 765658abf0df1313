//! Sums over all keys, for pictures: each in one pass, whatever the number of keys.

use keytender_core::access::Side;
use keytender_core::id::{AccountId, OwnerId};
use keytender_core::key::State;
use keytender_core::policy::Action;
use keytender_core::time::{Span, Time};

use super::db::Value;
use super::keys::{Conditions, action};
use super::{Result, Store};

/// Which keys are counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Only this owner's; `None` within: nobody's.
    pub owner: Option<Option<OwnerId>>,
    /// Only those on this side.
    pub side: Option<Side>,
}

/// Keys that are alike.
#[derive(Clone, Debug)]
pub struct Group {
    /// The account that holds them.
    pub account_id: AccountId,
    /// Whether something must be done about them.
    pub is_due: bool,
    /// What to do about them.
    pub action: Option<Action>,
    /// The rules that they break.
    pub rules: Vec<String>,
    /// How many of the given ages they have passed; `None`: nobody knows their age.
    pub age: Option<usize>,
    /// How long they are idle.
    pub idle: Idle,
    /// How many they are.
    pub count: u64,
}

/// How long a key is idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// It was used; how many of the given spans have passed since.
    Passed(usize),
    /// It was never used.
    Never,
    /// Nobody can say.
    Unknown,
}

impl Store {
    /// The keys that are not destroyed, counted by what they have in common; `ages` and `idles` are the
    /// limits between which they are told apart, the shortest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn group_keys(
        &self,
        seen: Seen,
        now: Time,
        ages: &[Span],
        idles: &[Span],
    ) -> Result<Vec<Group>> {
        let mut sql = keys_seen(self.tenant(), seen);
        let age = passed(&mut sql, "k.created_at", now, ages);
        let idle = passed(&mut sql, "k.use_at", now, idles);
        let text = format!(
            "SELECT k.account_id, k.due, k.action, k.rules, {age} AS age, k.use_status, \
             {idle} AS idle, CAST(COUNT(*) AS BIGINT) FROM {} WHERE {} \
             GROUP BY k.account_id, k.due, k.action, k.rules, age, k.use_status, idle",
            self.db.searched("keys k"),
            sql.text
        );
        let rows = self.db.fetch(&text, sql.values).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                let place = |number: i64| usize::try_from(number).ok();
                let account_id = AccountId::from_i64(cells.int()?);
                let is_due = cells.truth()?;
                let action = cells.maybe_text()?.map(|word| action(&word)).transpose()?;
                let rules = cells.text()?.split_whitespace().map(str::to_owned).collect();
                let age = cells.maybe_int()?.and_then(place);
                let (status, idle) = (cells.text()?, cells.maybe_int()?.and_then(place));
                let idle = match (status.as_str(), idle) {
                    ("used", Some(passed)) => Idle::Passed(passed),
                    ("never", _) => Idle::Never,
                    _ => Idle::Unknown,
                };
                let count = u64::try_from(cells.int()?).unwrap_or(0);
                Ok(Group { account_id, is_due, action, rules, age, idle, count })
            })
            .collect()
    }

    /// How many keys broke a rule about which something must be done, in which of the steps after
    /// `start`: the first and the last step of each, and how many they are. A key that breaks one still
    /// has no last step. What was so before `start` counts from the first step on.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn due_steps(
        &self,
        seen: Seen,
        start: Time,
        step: Span,
    ) -> Result<Vec<(usize, Option<usize>, u64)>> {
        let mut sql = seen_by(self.tenant(), seen);
        sql.and("f.action <>", Action::Review.as_str());
        let start = sql.place(start);
        let step = sql.place(step.as_micros());
        let place = |time: &str| {
            format!("CASE WHEN {time} < {start} THEN 0 ELSE ({time} - {start}) / {step} END")
        };
        let text = format!(
            "SELECT first, last, CAST(COUNT(*) AS BIGINT) FROM (\
             SELECT MIN({}) AS first, \
             CASE WHEN MAX(CASE WHEN f.resolved_at IS NULL THEN 1 ELSE 0 END) = 1 THEN NULL \
             ELSE MAX({}) END AS last \
             FROM findings f JOIN keys k ON k.id = f.key_id WHERE f.tenant_id = $1 AND {} \
             GROUP BY f.key_id) AS spans GROUP BY first, last",
            place("COALESCE(f.since, f.found_at)"),
            place("f.resolved_at"),
            sql.text
        );
        let rows = self.db.fetch(&text, sql.values).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                let place = |number: i64| usize::try_from(number).unwrap_or(0);
                let first = place(cells.int()?);
                let last = cells.maybe_int()?.map(place);
                Ok((first, last, u64::try_from(cells.int()?).unwrap_or(0)))
            })
            .collect()
    }

    /// How many keys end in each step after `start`, of `steps`: those steps in which any does.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn expiry_steps(
        &self,
        seen: Seen,
        start: Time,
        step: Span,
        steps: u32,
    ) -> Result<Vec<(usize, u64)>> {
        let mut sql = keys_seen(self.tenant(), seen);
        let end = start.as_micros().saturating_add(step.as_micros().saturating_mul(steps.into()));
        // As the index of the order by ends has it.
        let ends = "COALESCE(k.expires_at, 9223372036854775807)";
        sql.and(&format!("{ends} >="), start);
        sql.and(&format!("{ends} <"), end);
        let (start, step) = (sql.place(start), sql.place(step.as_micros()));
        let text = format!(
            "SELECT (k.expires_at - {start}) / {step} AS place, CAST(COUNT(*) AS BIGINT) \
             FROM keys k WHERE {} GROUP BY place",
            sql.text
        );
        let rows = self.db.fetch(&text, sql.values).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                let place = usize::try_from(cells.int()?).unwrap_or(0);
                Ok((place, u64::try_from(cells.int()?).unwrap_or(0)))
            })
            .collect()
    }
}

/// Those of the keys that are seen which are not destroyed.
fn keys_seen(tenant: i64, seen: Seen) -> Conditions {
    let mut sql = seen_by(tenant, seen);
    sql.plain(&format!("k.state <> '{}'", State::Destroyed.as_str()));
    sql
}

/// The keys that are seen, also those that are gone.
fn seen_by(tenant: i64, seen: Seen) -> Conditions {
    let mut sql = Conditions::of_tenant("k", tenant);
    sql.seen_by(seen.owner);
    if let Some(side) = seen.side {
        let accounts = "SELECT a.id FROM accounts a WHERE a.tenant_id = $1";
        let place = sql.place(side.as_str());
        sql.plain(&format!("k.account_id IN ({accounts} AND a.side = {place})"));
    }
    sql
}

/// How many of `limits` have passed since `time`.
fn passed(sql: &mut Conditions, time: &str, now: Time, limits: &[Span]) -> String {
    let mut cases = format!("CAST(CASE WHEN {time} IS NULL THEN NULL");
    for (place, limit) in limits.iter().enumerate() {
        let from: Value = now.minus(*limit).into();
        let from = sql.place(from);
        cases.push_str(&format!(" WHEN {time} > {from} THEN {place}"));
    }
    format!("{cases} ELSE {} END AS BIGINT)", limits.len())
}
