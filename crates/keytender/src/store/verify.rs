//! What a verifier knows of keys, apps and APIs, and who verifies.

use std::collections::HashSet;

use keytender_core::id::{AccountId, ApiId, AppId, KeyId};
use keytender_core::key::State;
use keytender_core::time::{Span, Time};

use super::apps::{App, words};
use super::bulk::json;
use super::db::{Cells, Tx, Value, Values};
use super::keys::state;
use super::{Result, Store};

/// A key, as a verifier knows it.
#[derive(Clone, Debug)]
pub struct KnownKey {
    /// The key.
    pub key_id: KeyId,
    /// For which API.
    pub api_id: ApiId,
    /// For which app.
    pub app_id: AppId,
    /// `live` or `test`.
    pub environment: String,
    /// What stands in it in clear.
    pub token_id: String,
    /// The SHA-256 of its secret, or what is kept of one that others issued, in hexadecimal.
    pub digest: String,
    /// Whether others issued it.
    pub is_imported: bool,
    /// Where it stands.
    pub state: State,
    /// Whether it ended because another key took its place, rather than because somebody ended it before.
    pub is_replaced: bool,
    /// When it ends by itself.
    pub expires_at: Option<Time>,
    /// When it ends because another key took its place.
    pub retires_at: Option<Time>,
    /// What it may do, of what its app may by now.
    pub scopes: Vec<String>,
    /// From where it may be used.
    pub networks: Vec<String>,
    /// What people call it.
    pub label: Option<String>,
    /// The key that took its place.
    pub replaced_by: Option<KeyId>,
}

/// An app, as a verifier knows it.
#[derive(Clone, Debug)]
pub struct KnownApp {
    /// The app.
    pub app: App,
    /// Since when no key of its account works.
    pub account_suspended_at: Option<Time>,
}

/// Which things a verifier asks for.
#[derive(Clone, Debug)]
pub enum Which<T> {
    /// Some of an API, or of all, after one, in the order of their ids.
    After(Option<ApiId>, Option<T>, i64),
    /// These.
    These(Vec<T>),
}

/// Somebody who verifies keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    /// Its name.
    pub node: String,
    /// Of which API; of all if there is none.
    pub api_id: Option<ApiId>,
    /// Every change up to this number is enforced there.
    pub applied_seq: i64,
    /// How long it goes on without hearing more.
    pub left: Span,
}

const APPS_OF: &str = "SELECT id FROM apps WHERE tenant_id = $1 AND account_id = $2 ORDER BY id";
const KEY_COLUMNS: &str = "i.key_id, i.api_id, i.app_id, i.environment, i.token_id, i.digest, i.kept, k.state, \
    k.expires_at, i.retires_at, i.scopes, i.networks, k.label, i.replaced_by, \
    i.revoked_at, p.scopes";
const KEY_TABLES: &str =
    "issued_keys i JOIN keys k ON k.id = i.key_id JOIN apps p ON p.id = i.app_id";

fn known_key(mut cells: Cells<'_>) -> Result<KnownKey> {
    let (key_id, api_id) = (KeyId::from_i64(cells.int()?), ApiId::from_i64(cells.int()?));
    let app_id = AppId::from_i64(cells.int()?);
    let (environment, token_id, digest) = (cells.text()?, cells.text()?, cells.text()?);
    let is_imported = cells.maybe_text()?.is_some();
    let state = state(&cells.text()?)?;
    let (expires_at, retires_at) = (cells.maybe_time()?, cells.maybe_time()?);
    let (mut scopes, networks) = (words(&cells.text()?), words(&cells.text()?));
    let label = cells.maybe_text()?;
    let replaced_by = cells.maybe_int()?.map(KeyId::from_i64);
    let revoked_at = cells.maybe_time()?;
    let at_most = words(&cells.text()?);
    scopes.retain(|scope| at_most.is_empty() || at_most.contains(scope));
    Ok(KnownKey {
        key_id,
        api_id,
        app_id,
        environment,
        token_id,
        digest,
        is_imported,
        state,
        is_replaced: retires_at.is_some_and(|end| revoked_at.is_none_or(|at| at >= end)),
        expires_at,
        retires_at,
        scopes,
        networks,
        label,
        replaced_by,
    })
}

/// `SELECT … WHERE …` for things whose id is `id`, of table `of`.
fn select<T: Copy>(
    store: &Store,
    (columns, tables, of, id): (&str, &str, &str, &str),
    which: &Which<T>,
    number: impl Fn(T) -> i64,
) -> Result<(String, Values)> {
    let tenant = Value::from(store.tenant());
    let (condition, values): (String, Values) = match which {
        Which::After(api, after, limit) => {
            let after = after.map_or(-1, &number);
            let mut values = vec![tenant, after.into(), (*limit).into()];
            let mut condition = format!("{of}.tenant_id = $1 AND {id} > $2");
            if let Some(api) = api {
                condition.push_str(&format!(" AND {of}.api_id = $4"));
                values.push(api.as_i64().into());
            }
            (format!("{condition} ORDER BY {id} LIMIT $3"), values)
        }
        Which::These(ids) => {
            let lines: Vec<_> =
                ids.iter().map(|one| serde_json::json!({"id": number(*one)})).collect();
            let given = store.db.json_rows(&[("id", "BIGINT")]);
            let condition =
                format!("{id} IN (SELECT given.id FROM {given}) AND {of}.tenant_id = $2");
            (condition, vec![json(&lines)?.into(), tenant])
        }
    };
    Ok((format!("SELECT {columns} FROM {tables} WHERE {condition}"), values))
}

impl Store {
    /// Keys, as a verifier knows them; also those that work no more.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn known_keys(&self, which: &Which<KeyId>) -> Result<Vec<KnownKey>> {
        let from = (KEY_COLUMNS, KEY_TABLES, "i", "i.key_id");
        let (sql, values) = select(self, from, which, KeyId::as_i64)?;
        let rows = self.db.fetch(&sql, values).await?;
        rows.iter().map(|row| known_key(row.cells())).collect()
    }

    /// Apps, as a verifier knows them.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn known_apps(&self, which: &Which<AppId>) -> Result<Vec<KnownApp>> {
        let columns = format!("{}, c.suspended_at", super::apps::COLUMNS);
        let tables = format!("{} JOIN accounts c ON c.id = a.account_id", super::apps::TABLES);
        let (sql, values) = select(self, (&columns, &tables, "a", "a.id"), which, AppId::as_i64)?;
        let rows = self.db.fetch(&sql, values).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                let app = super::apps::app(&mut cells)?;
                Ok(KnownApp { app, account_suspended_at: cells.maybe_time()? })
            })
            .collect()
    }

    /// Those of these keys that wait for their first use.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn pending_of(&self, keys: &[KeyId]) -> Result<HashSet<KeyId>> {
        let lines: Vec<_> = keys.iter().map(|id| serde_json::json!({"id": id.as_i64()})).collect();
        let given = self.db.json_rows(&[("id", "BIGINT")]);
        let sql = format!(
            "SELECT id FROM keys WHERE state = $2 AND id IN (SELECT given.id FROM {given})"
        );
        let values = vec![json(&lines)?.into(), State::PreActivation.as_str().into()];
        let rows = self.db.fetch(&sql, values).await?;
        rows.iter().map(|row| Ok(KeyId::from_i64(row.cells().int()?))).collect()
    }

    /// The ids of a customer's apps.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn apps_of(&self, account: AccountId) -> Result<Vec<AppId>> {
        let values = vec![self.tenant().into(), account.as_i64().into()];
        let rows = self.db.fetch(APPS_OF, values).await?;
        rows.iter().map(|row| Ok(AppId::from_i64(row.cells().int()?))).collect()
    }

    /// Those who verify keys of an API, or of any, and go on, whatever they hear.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn live_verifiers(&self, api: Option<ApiId>) -> Result<Vec<Verifier>> {
        let sql = format!(
            "SELECT node, api_id, applied_seq, valid_until - {now} FROM verifiers \
             WHERE tenant_id = $1 AND COALESCE(api_id, $2, 0) = COALESCE($2, api_id, 0) AND valid_until > {now} \
             ORDER BY node",
            now = self.db.now_sql()
        );
        let values = vec![self.tenant().into(), api.map(ApiId::as_i64).into()];
        let rows = self.db.fetch(&sql, values).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                Ok(Verifier {
                    node: cells.text()?,
                    api_id: cells.maybe_int()?.map(ApiId::from_i64),
                    applied_seq: cells.int()?,
                    left: Span::from_micros(cells.int()?),
                })
            })
            .collect()
    }
}

impl Tx {
    /// As [`Store::apps_of`], within the transaction.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn apps_of(&mut self, account: AccountId) -> Result<Vec<AppId>> {
        let values = vec![self.tenant().into(), account.as_i64().into()];
        let rows = self.fetch(APPS_OF, values).await?;
        rows.iter().map(|row| Ok(AppId::from_i64(row.cells().int()?))).collect()
    }

    /// Writes how far a verifier has come, and that it goes on for `valid_for`; `api`: of which API alone.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn note_verifier(
        &mut self,
        node: &str,
        api: Option<ApiId>,
        applied_seq: i64,
        valid_for: Span,
    ) -> Result<()> {
        let now = self.now_sql();
        let sql = format!(
            "INSERT INTO verifiers (tenant_id, node, api_id, applied_seq, valid_until, started_at) \
             VALUES ($1, $2, $3, $4, {now} + $5, {now}) ON CONFLICT (tenant_id, node) \
             DO UPDATE SET api_id = excluded.api_id, applied_seq = excluded.applied_seq, \
             valid_until = excluded.valid_until"
        );
        let values = vec![
            self.tenant().into(),
            node.into(),
            api.map(ApiId::as_i64).into(),
            applied_seq.into(),
            valid_for.as_micros().into(),
        ];
        self.execute(&sql, values).await?;
        Ok(())
    }

    /// Takes away a verifier that has ended in order: nobody waits for it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn forget_verifier(&mut self, node: &str) -> Result<()> {
        let sql = "DELETE FROM verifiers WHERE tenant_id = $1 AND node = $2";
        self.execute(sql, vec![self.tenant().into(), node.into()]).await?;
        Ok(())
    }
}
