//! Keys as they are read: one by a word, all of them, and a key's past.

use keytender_core::id::{AccountId, KeyId, PrincipalId};
use keytender_core::key::State;
use keytender_core::time::Time;

use super::{Filter, HeldKey, line};
use crate::store::bulk::{self, json};
use crate::store::db::Tx;
use crate::store::{Result, Store};

/// How many keys are read at once.
const KEYS_AT_ONCE: u32 = 10_000;
/// How many principals one statement names.
const PRINCIPALS_AT_ONCE: usize = 2_000;

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

/// A key beside others of its principal, as far as it is told of in the steps about those.
#[derive(Clone, Debug)]
pub struct Sibling {
    /// Whose it is.
    pub principal_id: PrincipalId,
    /// Our id.
    pub id: KeyId,
    /// The provider's id.
    pub provider_id: Option<String>,
    /// Its place in the credential report.
    pub slot: Option<u8>,
    /// What it is called.
    pub label: Option<String>,
    /// Whether it works.
    pub state: State,
}

/// A notice in which somebody was told of a key.
#[derive(Clone, Debug)]
pub struct Telling {
    /// When the channel took it, or when it was written if none did.
    pub at: Time,
    /// Whom: an address, or the channel's name.
    pub recipient: String,
    /// What it was about.
    pub subject: String,
    /// Whether a channel took it.
    pub is_sent: bool,
}

/// Those of some ids, which are rows of `given`, account by account.
fn among(given: &str) -> String {
    format!(
        "SELECT {} FROM {} WHERE k.tenant_id = $2 AND k.id IN (SELECT given.id FROM {given}) \
         ORDER BY k.account_id, k.id",
        line::FIELDS,
        line::TABLES
    )
}

impl Tx {
    /// As [`Store::keys_of_ids`], within the transaction.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn keys_of_ids(&mut self, ids: &[KeyId]) -> Result<Vec<HeldKey>> {
        let sql = among(&self.json_rows(&[("id", "BIGINT")]));
        let rows = self
            .fetch(
                &sql,
                vec![bulk::ids(ids.iter().copied().map(KeyId::as_i64))?, self.tenant().into()],
            )
            .await?;
        rows.iter().map(|row| line::held(row.cells())).collect()
    }
}

impl Store {
    /// The keys of these principals that are not destroyed.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn keys_of_principals(&self, principals: &[PrincipalId]) -> Result<Vec<Sibling>> {
        // The tenant comes with each row, so that each is looked up in the index.
        let tenant = self.tenant();
        let line = |id: &PrincipalId| serde_json::json!({"tenant_id": tenant, "id": id.as_i64()});
        let given = self.db.json_rows(&[("tenant_id", "BIGINT"), ("id", "BIGINT")]);
        let sql = format!(
            "SELECT k.principal_id, k.id, k.provider_id, k.slot, k.label, k.state FROM {given} CROSS JOIN keys k \
             WHERE k.tenant_id = given.tenant_id AND k.principal_id = given.id \
             AND k.state <> 'destroyed' ORDER BY k.id"
        );
        let mut keys = Vec::new();
        for some in principals.chunks(PRINCIPALS_AT_ONCE) {
            let lines: Vec<_> = some.iter().map(line).collect();
            let rows = self.db.fetch(&sql, vec![json(&lines)?.into()]).await?;
            for row in &rows {
                let mut cells = row.cells();
                keys.push(Sibling {
                    principal_id: PrincipalId::from_i64(cells.int()?),
                    id: KeyId::from_i64(cells.int()?),
                    provider_id: cells.maybe_text()?,
                    slot: cells.maybe_int()?.and_then(|slot| u8::try_from(slot).ok()),
                    label: cells.maybe_text()?,
                    state: line::state(&cells.text()?)?,
                });
            }
        }
        Ok(keys)
    }

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
        self.find_keys_among(word, Filter::default()).await
    }

    /// As [`Store::find_keys`], of those that `filter` lets through.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_keys_among(&self, word: &str, filter: Filter) -> Result<Vec<HeldKey>> {
        let filter = Filter { named: Some(word.to_owned()), ..filter };
        let (condition, values) = filter.sql(&self.db);
        let sql = format!(
            "SELECT {} FROM {} WHERE {condition} ORDER BY k.id LIMIT 10",
            line::FIELDS,
            line::TABLES
        );
        let rows = self.db.fetch(&sql, values).await?;
        rows.iter().map(|row| line::held(row.cells())).collect()
    }

    /// These keys.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn keys_of_ids(&self, ids: &[KeyId]) -> Result<Vec<HeldKey>> {
        let sql = among(&self.db.json_rows(&[("id", "BIGINT")]));
        let rows = self
            .db
            .fetch(
                &sql,
                vec![bulk::ids(ids.iter().copied().map(KeyId::as_i64))?, self.tenant().into()],
            )
            .await?;
        rows.iter().map(|row| line::held(row.cells())).collect()
    }

    /// Every key that `filter` lets through, account by account.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn every_key(&self, filter: &Filter) -> Result<Vec<HeldKey>> {
        let mut keys: Vec<HeldKey> = Vec::new();
        loop {
            let after = keys.last().map(HeldKey::place);
            let mut more = self.keys_after(filter, after, KEYS_AT_ONCE).await?;
            if more.is_empty() {
                return Ok(keys);
            }
            keys.append(&mut more);
        }
    }

    /// Some keys after `after` that `filter` lets through, account by account.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn keys_after(
        &self,
        filter: &Filter,
        after: Option<(AccountId, KeyId)>,
        limit: u32,
    ) -> Result<Vec<HeldKey>> {
        let (condition, mut values) = filter.sql(&self.db);
        let place = values.len() + 1;
        let (account, key) =
            after.map_or((-1, -1), |(account, key)| (account.as_i64(), key.as_i64()));
        values.extend([account.into(), key.into()]);
        let sql = format!(
            "SELECT {} FROM {} WHERE {condition} AND (k.account_id, k.id) > (${place}, ${}) \
             ORDER BY k.account_id, k.id LIMIT {limit}",
            line::FIELDS,
            line::TABLES,
            place + 1
        );
        let rows = self.db.fetch(&sql, values).await?;
        rows.iter().map(|row| line::held(row.cells())).collect()
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

    /// The latest notices that told of a key: those that were taken, and those that could not be
    /// delivered.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tellings(&self, id: KeyId, limit: i64) -> Result<Vec<Telling>> {
        let sql = "SELECT DISTINCT COALESCE(n.sent_at, n.created_at) AS at, n.recipient, n.subject, \
                   CAST(CASE WHEN n.state = 'sent' THEN 1 ELSE 0 END AS BIGINT) AS taken, n.id \
                   FROM notice_items i JOIN notices n ON n.id = i.notice_id \
                   WHERE i.tenant_id = $1 AND i.key_id = $2 AND n.state <> 'waiting' \
                   ORDER BY at DESC, n.id LIMIT $3";
        let values = vec![self.tenant().into(), id.as_i64().into(), limit.into()];
        let rows = self.db.fetch(sql, values).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                Ok(Telling {
                    at: cells.time()?,
                    recipient: cells.text()?,
                    subject: cells.text()?,
                    is_sent: cells.truth()?,
                })
            })
            .collect()
    }
}
