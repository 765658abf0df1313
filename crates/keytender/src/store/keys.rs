//! Keys: what is remembered of them, and what the policy says of them.

use keytender_core::id::{AccountId, KeyId, OwnerId};
use keytender_core::inventory::KeyRecord;
use keytender_core::key::{State, Use};
use keytender_core::policy::{Action, Severity};
use keytender_core::report::aws;
use keytender_core::time::Time;
use serde::Serialize;

use super::bulk::{Conflict, Table};
use super::db::Tx;
use super::{Result, Store};

pub use filter::{Filter, Order, Page};

mod filter;
mod line;

/// A key of the inventory.
#[derive(Clone, Debug)]
pub struct HeldKey {
    /// What is known of it.
    pub record: KeyRecord,
    /// Where it is held.
    pub account_id: AccountId,
    /// What people call that account here.
    pub account_name: String,
    /// Where it is used, in people's words.
    pub where_used: Option<String>,
    /// Its secret, where we were asked to keep it, sealed to its id.
    pub sealed: Option<String>,
    /// Whose it is, as somebody said of this key.
    pub owner_by_hand: Option<OwnerId>,
    /// Whose it is.
    pub owner_id: Option<OwnerId>,
    /// Until when it is kept as it is, and why.
    pub keep: Option<Keep>,
    /// What the policy says.
    pub standing: Standing,
}

impl HeldKey {
    /// Whether somebody said that it stays as it is, and the day has not come.
    pub fn is_kept(&self, now: Time) -> bool {
        self.keep.as_ref().is_some_and(|keep| now < keep.until)
    }
}

/// A key stays as it is until a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// From this moment on it is due again.
    pub until: Time,
    /// Why.
    pub reason: String,
    /// Who said so.
    pub by: String,
}

/// What the policy says of a key, and until when that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether something must be done.
    pub is_due: bool,
    /// What to do.
    pub action: Option<Action>,
    /// How serious it is.
    pub severity: Option<Severity>,
    /// The broken rules, the most serious first.
    pub rules: Vec<String>,
    /// When the policy must be asked again.
    pub evaluate_at: Time,
}

/// A new standing of a key.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The key.
    pub key_id: KeyId,
    /// Whose it is.
    pub owner_id: Option<OwnerId>,
    /// What the policy says.
    pub standing: Standing,
    /// Rules that it did not break before.
    pub opened: Vec<Opened>,
    /// Rules that it does not break any more.
    pub resolved: Vec<String>,
}

/// A finding that is new.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The rule.
    pub rule: String,
    /// How serious it is.
    pub severity: Severity,
    /// What to do.
    pub action: Action,
    /// From when on, if that is known.
    pub since: Option<Time>,
}

/// A fact about a key that people tell.
#[derive(Clone, Debug)]
pub enum Told {
    /// Whose it is; `None` takes it back.
    Owner(Option<OwnerId>),
    /// Where it is used.
    WhereUsed(Option<String>),
    /// It stays as it is; `None` takes it back.
    Keep(Option<Keep>),
    /// What it is called.
    Label(Option<String>),
    /// When it ends.
    Expires(Option<Time>),
    /// When its secret came to be.
    Created(Option<Time>),
    /// Its secret, sealed to its id.
    Sealed(String),
    /// When it was last used.
    Used(Time),
    /// Whether it works, as somebody saw at its provider.
    State(State),
    /// When it was found where a secret must not be.
    Exposed(Option<Time>),
}

const TABLE: Table =
    Table { name: "keys", columns: line::COLUMNS, conflict: Conflict::Update(line::UPDATED) };

const USES: Table = Table {
    name: "key_uses",
    columns: &[
        ("key_id", "BIGINT"),
        ("at", "BIGINT"),
        ("region", "TEXT"),
        ("service", "TEXT"),
        ("seen_at", "BIGINT"),
    ],
    conflict: Conflict::Keep,
};

const FINDINGS: Table = Table {
    name: "findings",
    columns: &[
        ("key_id", "BIGINT"),
        ("rule", "TEXT"),
        ("severity", "BIGINT"),
        ("action", "TEXT"),
        ("since", "BIGINT"),
        ("found_at", "BIGINT"),
    ],
    conflict: Conflict::Keep,
};

#[derive(Serialize)]
struct UseLine<'u> {
    key_id: i64,
    at: i64,
    region: Option<&'u str>,
    service: Option<&'u str>,
    seen_at: i64,
}

#[derive(Serialize)]
struct FindingLine<'f> {
    key_id: i64,
    rule: &'f str,
    severity: i64,
    action: &'f str,
    since: Option<i64>,
    found_at: i64,
}

#[derive(Serialize)]
struct StandingLine<'s> {
    id: i64,
    owner_id: Option<i64>,
    due: i64,
    action: Option<&'s str>,
    severity: i64,
    rules: String,
    evaluate_at: i64,
}

impl Tx {
    /// The keys of an account.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn keys_of(&mut self, account: AccountId) -> Result<Vec<HeldKey>> {
        let sql =
            format!("{} WHERE k.tenant_id = $1 AND k.account_id = $2 ORDER BY k.id", line::SELECT);
        let rows = self.fetch(&sql, vec![self.tenant().into(), account.as_i64().into()]).await?;
        rows.iter().map(|row| line::held(row.cells())).collect()
    }

    /// Writes new and changed keys of an account; they are asked of the policy again.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn write_keys(&mut self, account: AccountId, records: &[KeyRecord]) -> Result<()> {
        let lines: Vec<_> = records.iter().map(|record| line::Line::of(record, account)).collect();
        self.write_all(&TABLE, &lines).await
    }

    /// Keeps uses that were seen at `seen_at`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn write_uses(
        &mut self,
        uses: &[(KeyId, Use<'static>)],
        seen_at: Time,
    ) -> Result<()> {
        let line = |(id, used): &'_ (KeyId, Use<'static>)| {
            let (region, service) = (used.region.clone(), used.service.clone());
            (id.as_i64(), used.at.as_micros(), region, service)
        };
        let owned: Vec<_> = uses.iter().map(line).collect();
        let lines: Vec<UseLine<'_>> = owned
            .iter()
            .map(|(key_id, at, region, service)| UseLine {
                key_id: *key_id,
                at: *at,
                region: region.as_deref(),
                service: service.as_deref(),
                seen_at: seen_at.as_micros(),
            })
            .collect();
        self.write_all(&USES, &lines).await
    }

    /// Some keys after `after` in the order of their ids, which nobody else changes before this
    /// transaction ends; with `due_by` only those that the policy must be asked of by then.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lock_keys_after(
        &mut self,
        after: Option<KeyId>,
        due_by: Option<Time>,
        limit: i64,
    ) -> Result<Vec<HeldKey>> {
        let after = after.map_or(-1, KeyId::as_i64);
        let mut values = vec![self.tenant().into(), after.into(), limit.into()];
        let condition = match due_by {
            Some(at) => {
                values.push(at.into());
                "AND k.evaluate_at <= $4"
            }
            None => "",
        };
        let sql = format!(
            "{} WHERE k.tenant_id = $1 AND k.id > $2 {condition} ORDER BY k.id LIMIT $3 {}",
            line::SELECT,
            self.lock_rows("k")
        );
        let rows = self.fetch(&sql, values).await?;
        rows.iter().map(|row| line::held(row.cells())).collect()
    }

    /// Writes new standings, and opens and resolves their findings.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn write_verdicts(&mut self, verdicts: &[Verdict], now: Time) -> Result<()> {
        let lines: Vec<_> = verdicts.iter().map(standing_line).collect();
        let columns = [
            ("id", "BIGINT"),
            ("owner_id", "BIGINT"),
            ("due", "BIGINT"),
            ("action", "TEXT"),
            ("severity", "BIGINT"),
            ("rules", "TEXT"),
            ("evaluate_at", "BIGINT"),
        ];
        let sql = "UPDATE keys SET owner_id = given.owner_id, due = given.due, \
                   action = given.action, severity = given.severity, rules = given.rules, \
                   evaluate_at = given.evaluate_at FROM {given} WHERE keys.id = given.id";
        self.each(sql, &columns, &lines).await?;
        let findings: Vec<_> = verdicts
            .iter()
            .flat_map(|verdict| verdict.opened.iter().map(move |one| (verdict.key_id, one)))
            .map(|(key, one)| finding_line(key, one, now))
            .collect();
        self.write_all(&FINDINGS, &findings).await?;
        let resolved: Vec<_> = verdicts
            .iter()
            .flat_map(|verdict| verdict.resolved.iter().map(move |rule| (verdict.key_id, rule)))
            .map(|(key, rule)| serde_json::json!({"key_id": key.as_i64(), "rule": rule}))
            .collect();
        let sql = format!(
            "UPDATE findings SET resolved_at = {} FROM {{given}} \
             WHERE findings.tenant_id = {} AND findings.key_id = given.key_id \
             AND findings.rule = given.rule AND findings.resolved_at IS NULL",
            now.as_micros(),
            self.tenant()
        );
        self.each(&sql, &[("key_id", "BIGINT"), ("rule", "TEXT")], &resolved).await
    }

    /// Writes what somebody said of a key; the policy is asked again.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn tell_key(&mut self, id: KeyId, told: Told) -> Result<()> {
        let (columns, mut values) = match told {
            Told::Owner(owner) => ("owner_by_hand = $3", vec![owner.map(OwnerId::as_i64).into()]),
            Told::WhereUsed(text) => ("where_used = $3", vec![text.into()]),
            Told::Sealed(text) => ("sealed = $3", vec![text.into()]),
            Told::Label(text) => ("label = $3", vec![text.into()]),
            Told::Expires(at) => ("expires_at = $3", vec![at.into()]),
            Told::Created(at) => ("created_at = $3", vec![at.into()]),
            Told::Used(at) => ("use_status = 'used', use_at = $3", vec![at.into()]),
            Told::Exposed(at) => ("exposed_at = $3", vec![at.into()]),
            Told::State(state) => ("state = $3", vec![state.as_str().into()]),
            Told::Keep(keep) => {
                let (until, reason, by) = match keep {
                    Some(keep) => (Some(keep.until), Some(keep.reason), Some(keep.by)),
                    None => (None, None, None),
                };
                let set = "keep_until = $3, keep_reason = $4, keep_by = $5";
                (set, vec![until.into(), reason.into(), by.into()])
            }
        };
        let sql =
            format!("UPDATE keys SET {columns}, evaluate_at = 0 WHERE tenant_id = $1 AND id = $2");
        let mut all = vec![self.tenant().into(), id.as_i64().into()];
        all.append(&mut values);
        self.execute(&sql, all).await?;
        Ok(())
    }
}

fn standing_line(verdict: &Verdict) -> StandingLine<'_> {
    let standing = &verdict.standing;
    StandingLine {
        id: verdict.key_id.as_i64(),
        owner_id: verdict.owner_id.map(OwnerId::as_i64),
        due: standing.is_due.into(),
        action: standing.action.map(Action::as_str),
        severity: line::severity_number(standing.severity),
        rules: standing.rules.join(" "),
        evaluate_at: standing.evaluate_at.as_micros(),
    }
}

fn finding_line(key: KeyId, opened: &Opened, now: Time) -> FindingLine<'_> {
    FindingLine {
        key_id: key.as_i64(),
        rule: &opened.rule,
        severity: line::severity_number(Some(opened.severity)),
        action: opened.action.as_str(),
        since: opened.since.map(Time::as_micros),
        found_at: now.as_micros(),
    }
}

/// Something in a key's past.
#[derive(Clone, Debug)]
pub struct Past {
    /// When.
    pub at: Time,
    /// What: words of `keytender_core::inventory::Event`, `used`, `finding RULE`, `resolved RULE`.
    pub what: String,
    /// Where, of a use: region and service.
    pub place: Option<(Option<String>, Option<String>)>,
}

impl Store {
    /// From when on a key must be held against the policy again; `None` if there is no key.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn next_evaluation(&self) -> Result<Option<Time>> {
        let sql = "SELECT MIN(evaluate_at) FROM keys WHERE tenant_id = $1";
        let rows = self.db.fetch(sql, vec![self.tenant().into()]).await?;
        Ok(rows.first().map(|row| row.cells().maybe_time()).transpose()?.flatten())
    }

    /// The keys that a word means: our id, the provider's id, a label, or a principal and the
    /// key's place, as in `deploy/1`. Of an id there is one; of the others, those that exist.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_keys(&self, word: &str) -> Result<Vec<HeldKey>> {
        let id = word.parse::<KeyId>().map_or(-1, KeyId::as_i64);
        let (name, slot) = match word.rsplit_once('/') {
            Some((name, slot)) => (name, slot.parse::<i64>().unwrap_or(-1)),
            None => (word, -1),
        };
        let name = if name == "root" { aws::ROOT } else { name };
        let sql = format!(
            "{} WHERE k.tenant_id = $1 AND (k.id = $2 OR k.provider_id = $3 \
             OR (k.state <> 'destroyed' AND (k.label = $3 OR p.name = $4 AND k.slot = $5))) \
             ORDER BY k.id LIMIT 10",
            line::SELECT
        );
        let values = vec![self.tenant().into(), id.into(), word.into(), name.into(), slot.into()];
        let rows = self.db.fetch(&sql, values).await?;
        rows.iter().map(|row| line::held(row.cells())).collect()
    }

    /// One page of the keys that `filter` lets through, and how many there are in all.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_keys(&self, filter: &Filter, page: &Page) -> Result<(Vec<HeldKey>, u64)> {
        let (condition, values) = filter.sql(self.tenant());
        // Without the join where no condition needs it: a count of a million rows is then one walk
        // over an index.
        let count =
            format!("SELECT CAST(COUNT(*) AS BIGINT) FROM {} WHERE {condition}", filter.tables());
        let total = self.db.fetch(&count, values.clone()).await?;
        let total = total.first().map(|row| row.cells().int()).transpose()?.unwrap_or(0);
        let sql = format!(
            "{} WHERE {condition} ORDER BY {} LIMIT {} OFFSET {}",
            line::SELECT,
            page.order.sql(),
            page.limit,
            page.offset
        );
        let rows = self.db.fetch(&sql, values).await?;
        let keys: Result<Vec<_>> = rows.iter().map(|row| line::held(row.cells())).collect();
        Ok((keys?, u64::try_from(total).unwrap_or(0)))
    }

    /// A key's past: what happened to it, its uses, its findings, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn past(&self, id: KeyId, limit: i64) -> Result<Vec<Past>> {
        let sql = "SELECT at, what, region, service FROM ( \
             SELECT at, what, NULL AS region, NULL AS service, 1 AS place FROM versions \
             WHERE tenant_id = $1 AND subject_id = $2 AND what <> '' \
             UNION ALL SELECT at, 'used', region, service, 0 FROM key_uses \
             WHERE tenant_id = $1 AND key_id = $2 \
             UNION ALL SELECT found_at, 'finding ' || rule, NULL, NULL, 2 FROM findings \
             WHERE tenant_id = $1 AND key_id = $2 \
             UNION ALL SELECT resolved_at, 'resolved ' || rule, NULL, NULL, 3 FROM findings \
             WHERE tenant_id = $1 AND key_id = $2 AND resolved_at IS NOT NULL) AS past \
             ORDER BY at DESC, place DESC, what DESC LIMIT $3";
        let values = vec![self.tenant().into(), id.as_i64().into(), limit.into()];
        let rows = self.db.fetch(sql, values).await?;
        let past: Result<Vec<Past>> = rows
            .iter()
            .rev()
            .map(|row| {
                let mut cells = row.cells();
                let (at, what) = (cells.time()?, cells.text()?);
                let place = (cells.maybe_text()?, cells.maybe_text()?);
                let place = (what == "used").then_some(place);
                Ok(Past { at, what, place })
            })
            .collect();
        past
    }
}
