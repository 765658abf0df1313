//! Keys of our own APIs. Each is a key of the inventory; here is what it is beside that.

use keytender_core::id::{ApiId, AppId, KeyId};
use keytender_core::time::{Span, Time};
use serde::Serialize;

use super::apps::words;
use super::bulk::{self, Conflict, Table};
use super::db::{Cells, Tx, Value};
use super::{Result, Store};

/// What a key of an API is beside a key.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The key.
    pub key_id: KeyId,
    /// For which API.
    pub api_id: ApiId,
    /// For which app.
    pub app_id: AppId,
    /// `live` or `test`.
    pub environment: String,
    /// What stands in it in clear; to one that others issued it was given.
    pub token_id: String,
    /// The SHA-256 of its secret, or what is kept of one that others issued, in hexadecimal.
    pub digest: String,
    /// How one is recognised that others issued.
    pub elsewhere: Option<Elsewhere>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// From where it may be used, in CIDR notation; empty: from everywhere.
    pub networks: Vec<String>,
    /// The key whose place it takes.
    pub replaces: Option<KeyId>,
    /// The key that takes its place.
    pub replaced_by: Option<KeyId>,
    /// For how long the key whose place it takes works on, once this one is used.
    pub overlap: Option<Span>,
    /// When it stops because another has taken its place.
    pub retires_at: Option<Time>,
    /// Since when it works.
    pub activated_at: Option<Time>,
    /// When it was ended.
    pub revoked_at: Option<Time>,
    /// Why it was ended.
    pub revoked_why: Option<String>,
}

/// How a key is recognised that others issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// [`NATIVE`], or by which rule until it is used.
    pub kept: String,
    /// How it begins, if that is known.
    pub begins: Option<String>,
}

/// What is kept of a key under a pepper, so that no rule is needed.
pub const NATIVE: &str = "native";

/// A new key of an API that others issued.
#[derive(Serialize)]
struct NewLine {
    key_id: i64,
    api_id: i64,
    app_id: i64,
    environment: String,
    token_id: String,
    digest: String,
    kept: Option<String>,
    begins: Option<String>,
    scopes: String,
    networks: String,
    activated_at: Option<i64>,
}

const NEW: Table = Table {
    name: "issued_keys",
    columns: &[
        ("key_id", "BIGINT"),
        ("api_id", "BIGINT"),
        ("app_id", "BIGINT"),
        ("environment", "TEXT"),
        ("token_id", "TEXT"),
        ("digest", "TEXT"),
        ("kept", "TEXT"),
        ("begins", "TEXT"),
        ("scopes", "TEXT"),
        ("networks", "TEXT"),
        ("activated_at", "BIGINT"),
    ],
    conflict: Conflict::Keep,
};

impl Issued {
    /// What changes of it, in the order of the columns from `scopes` on.
    fn changing(&self) -> [Value; 9] {
        [
            self.scopes.join(" ").into(),
            self.networks.join(" ").into(),
            self.replaces.map(KeyId::as_i64).into(),
            self.replaced_by.map(KeyId::as_i64).into(),
            self.overlap.map(Span::as_micros).into(),
            self.retires_at.into(),
            self.activated_at.into(),
            self.revoked_at.into(),
            self.revoked_why.as_deref().into(),
        ]
    }
}

const COLUMNS: &str = "key_id, api_id, app_id, environment, token_id, digest, kept, begins, scopes, networks, \
                       replaces, replaced_by, overlap, retires_at, activated_at, revoked_at, revoked_why";

/// Which keys of the API `$2` have an overlap that is not over at `$3`.
const OVERLAPS: &str = "tenant_id = $1 AND api_id = $2 AND revoked_at IS NULL \
                        AND retires_at IS NOT NULL AND retires_at > $3";

fn issued(mut cells: Cells<'_>) -> Result<Issued> {
    Ok(Issued {
        key_id: KeyId::from_i64(cells.int()?),
        api_id: ApiId::from_i64(cells.int()?),
        app_id: AppId::from_i64(cells.int()?),
        environment: cells.text()?,
        token_id: cells.text()?,
        digest: cells.text()?,
        elsewhere: {
            let (kept, begins) = (cells.maybe_text()?, cells.maybe_text()?);
            kept.map(|kept| Elsewhere { kept, begins })
        },
        scopes: words(&cells.text()?),
        networks: words(&cells.text()?),
        replaces: cells.maybe_int()?.map(KeyId::from_i64),
        replaced_by: cells.maybe_int()?.map(KeyId::from_i64),
        overlap: cells.maybe_int()?.map(Span::from_micros),
        retires_at: cells.maybe_time()?,
        activated_at: cells.maybe_time()?,
        revoked_at: cells.maybe_time()?,
        revoked_why: cells.maybe_text()?,
    })
}

impl Tx {
    /// Adds what a key of an API is beside its key, which is there.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_issued(&mut self, key: &Issued) -> Result<()> {
        let sql = format!(
            "INSERT INTO issued_keys (tenant_id, {COLUMNS}) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)"
        );
        let mut values = vec![
            self.tenant().into(),
            key.key_id.as_i64().into(),
            key.api_id.as_i64().into(),
            key.app_id.as_i64().into(),
            key.environment.as_str().into(),
            key.token_id.as_str().into(),
            key.digest.as_str().into(),
            key.elsewhere.as_ref().map(|one| one.kept.as_str()).into(),
            key.elsewhere.as_ref().and_then(|one| one.begins.as_deref()).into(),
        ];
        values.extend(key.changing());
        self.execute(&sql, values).await?;
        Ok(())
    }

    /// Adds what many new keys that are in no rotation are beside their keys, which are there.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_all_issued(&mut self, keys: &[Issued]) -> Result<()> {
        let line = |key: &'_ Issued| NewLine {
            key_id: key.key_id.as_i64(),
            api_id: key.api_id.as_i64(),
            app_id: key.app_id.as_i64(),
            environment: key.environment.clone(),
            token_id: key.token_id.clone(),
            digest: key.digest.clone(),
            kept: key.elsewhere.as_ref().map(|one| one.kept.clone()),
            begins: key.elsewhere.as_ref().and_then(|one| one.begins.clone()),
            scopes: key.scopes.join(" "),
            networks: key.networks.join(" "),
            activated_at: key.activated_at.map(Time::as_micros),
        };
        self.write_all(&NEW, &keys.iter().map(line).collect::<Vec<_>>()).await
    }

    /// Writes what changes of a key: what it may do, the rotation it is in, and its end.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn update_issued(&mut self, key: &Issued) -> Result<()> {
        let sql = "UPDATE issued_keys SET scopes = $3, networks = $4, replaces = $5, replaced_by = $6, \
                   overlap = $7, retires_at = $8, activated_at = $9, revoked_at = $10, revoked_why = $11 \
                   WHERE tenant_id = $1 AND key_id = $2";
        let mut values = vec![self.tenant().into(), key.key_id.as_i64().into()];
        values.extend(key.changing());
        self.execute(sql, values).await?;
        Ok(())
    }

    /// The key of an API, which nobody else changes before this transaction ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lock_issued(&mut self, id: KeyId) -> Result<Option<Issued>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM issued_keys WHERE tenant_id = $1 AND key_id = $2 {}",
            self.lock_rows("issued_keys")
        );
        let rows = self.fetch(&sql, vec![self.tenant().into(), id.as_i64().into()]).await?;
        rows.first().map(|row| issued(row.cells())).transpose()
    }

    /// Some keys whose overlap was over by `at`, and which nobody has ended.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn keys_to_retire(&mut self, at: Time, limit: i64) -> Result<Vec<KeyId>> {
        let sql = "SELECT key_id FROM issued_keys WHERE tenant_id = $1 AND revoked_at IS NULL \
                   AND retires_at IS NOT NULL AND retires_at <= $2 ORDER BY retires_at LIMIT $3";
        let rows = self.fetch(sql, vec![self.tenant().into(), at.into(), limit.into()]).await?;
        rows.iter().map(|row| Ok(KeyId::from_i64(row.cells().int()?))).collect()
    }

    /// The keys of an app.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn keys_of_app(&mut self, app: AppId) -> Result<Vec<KeyId>> {
        let sql =
            "SELECT key_id FROM issued_keys WHERE tenant_id = $1 AND app_id = $2 ORDER BY key_id";
        let rows = self.fetch(sql, vec![self.tenant().into(), app.as_i64().into()]).await?;
        rows.iter().map(|row| Ok(KeyId::from_i64(row.cells().int()?))).collect()
    }
}

/// Those of some ids, which are rows of `given`.
fn among(given: &str) -> String {
    format!(
        "SELECT {COLUMNS} FROM issued_keys WHERE key_id IN (SELECT given.id FROM {given}) \
         AND tenant_id = $2"
    )
}

impl Tx {
    /// As [`Store::find_issued`], within the transaction.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_issued(&mut self, ids: &[KeyId]) -> Result<Vec<Issued>> {
        let sql = among(&self.json_rows(&[("id", "BIGINT")]));
        let rows = self
            .fetch(
                &sql,
                vec![bulk::ids(ids.iter().copied().map(KeyId::as_i64))?, self.tenant().into()],
            )
            .await?;
        rows.iter().map(|row| issued(row.cells())).collect()
    }
}

impl Store {
    /// What these keys are beside keys; of those that are keys of an API.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_issued(&self, ids: &[KeyId]) -> Result<Vec<Issued>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let sql = among(&self.db.json_rows(&[("id", "BIGINT")]));
        let rows = self
            .db
            .fetch(
                &sql,
                vec![bulk::ids(ids.iter().copied().map(KeyId::as_i64))?, self.tenant().into()],
            )
            .await?;
        rows.iter().map(|row| issued(row.cells())).collect()
    }

    /// How many customers and apps an API has, and how many of its keys work beside the one that takes their
    /// place, at `now`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_of_api(&self, api: ApiId, now: Time) -> Result<[u64; 3]> {
        let sql = format!(
            "SELECT (SELECT CAST(COUNT(*) AS BIGINT) FROM accounts WHERE tenant_id = $1 AND api_id = $2), \
             (SELECT CAST(COUNT(*) AS BIGINT) FROM apps WHERE tenant_id = $1 AND api_id = $2), \
             (SELECT CAST(COUNT(*) AS BIGINT) FROM issued_keys WHERE {OVERLAPS})"
        );
        let values = vec![self.tenant().into(), api.as_i64().into(), now.into()];
        let rows = self.db.fetch(&sql, values).await?;
        let mut counts = [0; 3];
        if let Some(row) = rows.first() {
            let mut cells = row.cells();
            for count in &mut counts {
                *count = u64::try_from(cells.int()?).unwrap_or(0);
            }
        }
        Ok(counts)
    }

    /// The keys of an API that work beside the one that takes their place, at `now`: those that stop first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_overlaps(&self, api: ApiId, now: Time, limit: i64) -> Result<Vec<KeyId>> {
        let sql = format!(
            "SELECT key_id FROM issued_keys WHERE {OVERLAPS} ORDER BY retires_at, key_id LIMIT $4"
        );
        let values = vec![self.tenant().into(), api.as_i64().into(), now.into(), limit.into()];
        let rows = self.db.fetch(&sql, values).await?;
        rows.iter().map(|row| Ok(KeyId::from_i64(row.cells().int()?))).collect()
    }
}
