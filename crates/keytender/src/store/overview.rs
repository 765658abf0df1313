//! Sums over all keys, for pictures: each in one pass, whatever the number of keys.

use keytender_core::access::Side;
use keytender_core::id::{AccountId, OwnerId};
use keytender_core::key::State;
use keytender_core::policy::Action;
use keytender_core::time::{Span, Time};

use super::db::Value;
use super::keys::{Conditions, action};
use super::{Result, Store};

/// What stands in the indexes of orders for a moment that nobody knows.
const UNKNOWN: &str = "9223372036854775807";

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
    /// Whether they were never used.
    pub is_unused: bool,
    /// How many they are.
    pub count: u64,
}

impl Store {
    /// The keys that are not destroyed, counted by what they have in common: in the order of an index that
    /// holds all of it, so that nothing is sorted and no key is fetched.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn group_keys(&self, seen: Seen) -> Result<Vec<Group>> {
        let sql = keys_seen(self.tenant(), seen);
        let text = format!(
            "SELECT k.account_id, k.due, k.action, k.rules, k.use_status, CAST(COUNT(*) AS BIGINT) \
             FROM keys k WHERE {} \
             GROUP BY k.account_id, k.due, k.action, k.rules, k.use_status",
            sql.text
        );
        let rows = self.db.fetch(&text, sql.values).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                let account_id = AccountId::from_i64(cells.int()?);
                let is_due = cells.truth()?;
                let action = cells.maybe_text()?.map(|word| action(&word)).transpose()?;
                let rules = cells.text()?.split_whitespace().map(str::to_owned).collect();
                let is_unused = cells.text()? == "never";
                let count = u64::try_from(cells.int()?).unwrap_or(0);
                Ok(Group { account_id, is_due, action, rules, is_unused, count })
            })
            .collect()
    }

    /// How many keys that are not destroyed have passed how many of these ages, the shortest first. Those
    /// whose age nobody knows are in no count.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_ages(&self, seen: Seen, now: Time, ages: &[Span]) -> Result<Vec<u64>> {
        self.count_passed(seen, "created_at", now, ages).await
    }

    /// How many keys that are not destroyed are idle for how many of these spans, the shortest first.
    /// Those of which no use is known are in no count.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_idles(&self, seen: Seen, now: Time, idles: &[Span]) -> Result<Vec<u64>> {
        self.count_passed(seen, "use_at", now, idles).await
    }

    /// Counts a range of the index of an order for each span between two of `limits`.
    async fn count_passed(
        &self,
        seen: Seen,
        column: &str,
        now: Time,
        limits: &[Span],
    ) -> Result<Vec<u64>> {
        let mut sql = keys_seen(self.tenant(), seen);
        let filter = sql.text.clone();
        // As the index has it.
        let at = format!("COALESCE(k.{column}, {UNKNOWN})");
        let mut before = format!("{at} < {UNKNOWN}");
        let mut parts = Vec::with_capacity(limits.len() + 1);
        for (place, limit) in limits.iter().map(Some).chain([None]).enumerate() {
            let mut part = format!(
                "SELECT CAST({place} AS BIGINT), CAST(COUNT(*) AS BIGINT) FROM keys k \
                 WHERE {filter} AND {before}"
            );
            if let Some(limit) = limit {
                let from: Value = now.minus(*limit).into();
                let from = sql.place(from);
                part.push_str(&format!(" AND {at} > {from}"));
                before = format!("{at} <= {from}");
            }
            parts.push(part);
        }
        let rows = self.db.fetch(&parts.join(" UNION ALL "), sql.values).await?;
        let mut counts = vec![0; parts.len()];
        for row in &rows {
            let mut cells = row.cells();
            let place = usize::try_from(cells.int()?).unwrap_or(usize::MAX);
            if let Some(count) = counts.get_mut(place) {
                *count = u64::try_from(cells.int()?).unwrap_or(0);
            }
        }
        Ok(counts)
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
        let mut findings = "findings f JOIN keys k ON k.id = f.key_id".to_owned();
        match seen {
            // Who sees everything need not look at whose key it is.
            Seen { owner: None, side: None } => {
                sql = Conditions::of_tenant("f", self.tenant());
                findings = self.db.searched("findings f");
            }
            _ => sql.plain("f.tenant_id = $1"),
        }
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
             FROM {} WHERE {} GROUP BY f.key_id) AS spans GROUP BY first, last",
            place("COALESCE(f.since, f.found_at)"),
            place("f.resolved_at"),
            findings,
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
        let ends = format!("COALESCE(k.expires_at, {UNKNOWN})");
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
