//! Findings: the rules that keys break or broke. They are written with the verdicts of `keys`.

use keytender_core::access::Side;
use keytender_core::id::{AccountId, KeyId, OwnerId};
use keytender_core::policy::{Action, Severity};
use keytender_core::time::Time;

use super::db::Cells;
use super::keys::{Conditions, action, severity};
use super::{Failure, Result, Store};

/// A rule that a key breaks or broke.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The key.
    pub key_id: KeyId,
    /// The rule.
    pub rule: String,
    /// How serious it is.
    pub severity: Severity,
    /// What to do.
    pub action: Action,
    /// From when on the key breaks it, if that is known.
    pub since: Option<Time>,
    /// When that was found.
    pub found_at: Time,
    /// When it was found to be over.
    pub resolved_at: Option<Time>,
}

/// Which findings; every part that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this key.
    pub key: Option<KeyId>,
    /// Of this rule.
    pub rule: Option<String>,
    /// Whether the key still breaks the rule.
    pub is_open: Option<bool>,
    /// Found at this moment or after it.
    pub since: Option<Time>,
    /// Of keys on this side.
    pub side: Option<Side>,
    /// Only of this owner's keys; `None` within: nobody's.
    pub seen_by: Option<Option<OwnerId>>,
    /// Only of keys in this account.
    pub account: Option<AccountId>,
}

impl Store {
    /// The first `limit` of the findings that `filter` lets through, the newest first; after this place
    /// if it is given: when it was found, its key and its rule.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn page_findings(
        &self,
        filter: &Filter,
        after: Option<(Time, KeyId, &str)>,
        limit: u32,
    ) -> Result<Vec<Finding>> {
        let mut sql = Conditions::of_tenant("f", self.tenant());
        sql.seen_by(filter.seen_by);
        if let Some(account) = filter.account {
            sql.and("k.account_id =", account.as_i64());
        }
        if let Some(key) = filter.key {
            sql.and("f.key_id =", key.as_i64());
        }
        if let Some(rule) = &filter.rule {
            sql.and("f.rule =", rule.as_str());
        }
        match filter.is_open {
            Some(true) => sql.plain("f.resolved_at IS NULL"),
            Some(false) => sql.plain("f.resolved_at IS NOT NULL"),
            None => {}
        }
        if let Some(since) = filter.since {
            sql.and("f.found_at >=", since);
        }
        if let Some(side) = filter.side {
            sql.and("a.side =", side.as_str());
        }
        if let Some((at, key, rule)) = after {
            let (at, key, rule) = (sql.place(at), sql.place(key.as_i64()), sql.place(rule));
            // The first part alone lets an index begin at the place.
            sql.plain(&format!(
                "f.found_at <= {at} AND (f.found_at < {at} OR (f.key_id >= {key} \
                 AND (f.key_id > {key} OR f.rule > {rule})))"
            ));
        }
        let text = format!(
            "SELECT f.key_id, f.rule, f.severity, f.action, f.since, f.found_at, f.resolved_at \
             FROM findings f JOIN keys k ON k.id = f.key_id \
             JOIN accounts a ON a.id = k.account_id WHERE {} \
             ORDER BY f.tenant_id, f.found_at DESC, f.key_id, f.rule LIMIT {limit}",
            sql.text
        );
        let rows = self.db.fetch(&text, sql.values).await?;
        rows.iter().map(|row| finding(row.cells())).collect()
    }
}

fn finding(mut cells: Cells<'_>) -> Result<Finding> {
    let key_id = KeyId::from_i64(cells.int()?);
    let rule = cells.text()?;
    let number = cells.int()?;
    Ok(Finding {
        key_id,
        rule,
        severity: severity(number)
            .ok_or_else(|| Failure::Corrupt(format!("severity `{number}`")))?,
        action: action(&cells.text()?)?,
        since: cells.maybe_time()?,
        found_at: cells.time()?,
        resolved_at: cells.maybe_time()?,
    })
}
