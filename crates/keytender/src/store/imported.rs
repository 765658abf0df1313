//! Keys that others issued: how they are recognised, and what is kept of them until they are used.

use std::collections::HashSet;

use keytender_core::id::{ApiId, KeyId};
use keytender_core::time::Time;
use serde::Serialize;

use super::bulk::{Conflict, Table, json};
use super::db::{Cells, Tx, Value};
use super::issued::NATIVE;
use super::verify::Which;
use super::{Result, Store};

/// A pepper, sealed.
#[derive(Clone, Debug)]
pub struct KeptPepper {
    /// From 1; the highest is the present one.
    pub version: i64,
    /// Sealed to the version.
    pub sealed: String,
}

/// How keys of an API are recognised.
#[derive(Clone, Debug)]
pub struct Recogniser {
    /// Of which API.
    pub api_id: ApiId,
    /// The rule.
    pub rule: String,
    /// The secret of an HMAC, sealed to API and rule.
    pub secret: Option<String>,
}

/// What is kept of a new key beside what every key of an API has.
#[derive(Clone, Debug)]
pub struct NewImported {
    /// The key.
    pub key_id: KeyId,
    /// By what the same import knows it again.
    pub origin: String,
    /// Under which pepper its digest is.
    pub pepper: i64,
    /// What of it leads to its salted hash.
    pub locator: Option<String>,
    /// The salted hash, sealed to the key.
    pub salted: Option<String>,
}

/// A key whose salted hash is kept, because it was not used yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The key.
    pub key_id: KeyId,
    /// Of which API.
    pub api_id: ApiId,
    /// By which rule it is recognised.
    pub rule: String,
    /// What of it leads to the hash.
    pub locator: String,
}

/// The hash itself.
#[derive(Clone, Debug)]
pub struct KeptHash {
    /// Whose.
    pub key_id: KeyId,
    /// Sealed to the key.
    pub sealed: String,
    /// What a verifier knows it by, in hexadecimal.
    pub digest: String,
}

/// What is kept of a key from its first use on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Native {
    /// The key.
    pub key_id: KeyId,
    /// Of which API.
    pub api_id: ApiId,
    /// In hexadecimal.
    pub digest: String,
    /// Under which pepper.
    pub pepper: i64,
}

const TABLE: Table = Table {
    name: "imported_keys",
    columns: &[
        ("key_id", "BIGINT"),
        ("api_id", "BIGINT"),
        ("origin", "TEXT"),
        ("pepper", "BIGINT"),
        ("locator", "TEXT"),
        ("salted", "TEXT"),
    ],
    conflict: Conflict::Keep,
};

#[derive(Serialize)]
struct Line {
    key_id: i64,
    api_id: i64,
    origin: String,
    pepper: i64,
    locator: Option<String>,
    salted: Option<String>,
}

/// Keys that are kept by another rule, or under another pepper, than the ones that are given.
const OLDER: &str = "imported_keys.key_id = given.key_id AND imported_keys.tenant_id = given.tenant_id \
                     AND imported_keys.pepper <= given.pepper";

fn located(mut cells: Cells<'_>) -> Result<Located> {
    Ok(Located {
        key_id: KeyId::from_i64(cells.int()?),
        api_id: ApiId::from_i64(cells.int()?),
        rule: cells.text()?,
        locator: cells.text()?,
    })
}

fn ids(keys: &[KeyId]) -> Result<String> {
    json(&keys.iter().map(|id| serde_json::json!({"id": id.as_i64()})).collect::<Vec<_>>())
}

impl Tx {
    /// Adds a pepper; one of its version that is there already stays.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_pepper(&mut self, pepper: &KeptPepper, at: Time) -> Result<()> {
        let sql = "INSERT INTO peppers (tenant_id, version, sealed, created_at) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT DO NOTHING";
        let values = vec![
            self.tenant().into(),
            pepper.version.into(),
            pepper.sealed.as_str().into(),
            at.into(),
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Adds a way in which keys of an API are recognised; one of its rule that is there already stays.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_recogniser(&mut self, one: &Recogniser, at: Time) -> Result<()> {
        let sql = "INSERT INTO recognisers (tenant_id, api_id, rule, secret, created_at) \
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
        let values = vec![
            self.tenant().into(),
            one.api_id.as_i64().into(),
            one.rule.as_str().into(),
            one.secret.as_deref().into(),
            at.into(),
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Adds what is kept of new keys of an API that others issued.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_imported(&mut self, api: ApiId, keys: &[NewImported]) -> Result<()> {
        let line = |key: &NewImported| Line {
            key_id: key.key_id.as_i64(),
            api_id: api.as_i64(),
            origin: key.origin.clone(),
            pepper: key.pepper,
            locator: key.locator.clone(),
            salted: key.salted.clone(),
        };
        self.write_all(&TABLE, &keys.iter().map(line).collect::<Vec<_>>()).await
    }

    /// Writes what is kept of keys that were used, and drops what was kept before.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn make_native(&mut self, keys: &[Native]) -> Result<()> {
        let tenant = self.tenant();
        let lines: Vec<_> = keys
            .iter()
            .map(|one| {
                serde_json::json!({"tenant_id": tenant, "key_id": one.key_id.as_i64(),
                                   "digest": one.digest, "pepper": one.pepper})
            })
            .collect();
        let columns = [
            ("tenant_id", "BIGINT"),
            ("key_id", "BIGINT"),
            ("digest", "TEXT"),
            ("pepper", "BIGINT"),
        ];
        let digests = format!(
            "UPDATE issued_keys SET digest = given.digest, kept = '{NATIVE}' FROM {{given}}, imported_keys \
             WHERE issued_keys.key_id = given.key_id AND {OLDER}"
        );
        self.each(&digests, &columns, &lines).await?;
        let hashes = format!(
            "UPDATE imported_keys SET pepper = given.pepper, salted = NULL FROM {{given}} WHERE {OLDER}"
        );
        self.each(&hashes, &columns, &lines).await
    }
}

impl Store {
    /// Every pepper, the present one first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_peppers(&self) -> Result<Vec<KeptPepper>> {
        let sql = "SELECT version, sealed FROM peppers WHERE tenant_id = $1 ORDER BY version DESC";
        let rows = self.db.fetch(sql, vec![self.tenant().into()]).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                Ok(KeptPepper { version: cells.int()?, sealed: cells.text()? })
            })
            .collect()
    }

    /// How keys of an API, or of all, are recognised.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_recognisers(&self, api: Option<ApiId>) -> Result<Vec<Recogniser>> {
        let sql = "SELECT api_id, rule, secret FROM recognisers \
                   WHERE tenant_id = $1 AND api_id = COALESCE($2, api_id) ORDER BY api_id, rule";
        let values = vec![self.tenant().into(), api.map(ApiId::as_i64).into()];
        let rows = self.db.fetch(sql, values).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                let api_id = ApiId::from_i64(cells.int()?);
                Ok(Recogniser { api_id, rule: cells.text()?, secret: cells.maybe_text()? })
            })
            .collect()
    }

    /// How many keys of an API that others issued are kept in which way: a rule, or [`NATIVE`].
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_kept(&self, api: ApiId) -> Result<Vec<(String, u64)>> {
        let sql = "SELECT kept, CAST(COUNT(*) AS BIGINT) FROM issued_keys \
                   WHERE tenant_id = $1 AND api_id = $2 AND kept IS NOT NULL GROUP BY kept ORDER BY kept";
        let rows = self.db.fetch(sql, vec![self.tenant().into(), api.as_i64().into()]).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                Ok((cells.text()?, u64::try_from(cells.int()?).unwrap_or(0)))
            })
            .collect()
    }

    /// Those of `origins` that keys of an API have.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn known_origins(&self, api: ApiId, origins: &[String]) -> Result<HashSet<String>> {
        let given = self.db.json_rows(&[("origin", "TEXT")]);
        let sql = format!(
            "SELECT origin FROM imported_keys WHERE tenant_id = $2 AND api_id = $3 \
             AND origin IN (SELECT given.origin FROM {given})"
        );
        let mut known = HashSet::new();
        for some in origins.chunks(ORIGINS_AT_ONCE) {
            let lines: Vec<_> =
                some.iter().map(|origin| serde_json::json!({"origin": origin})).collect();
            let values = vec![json(&lines)?.into(), self.tenant().into(), api.as_i64().into()];
            for row in self.db.fetch(&sql, values).await? {
                known.insert(row.cells().text()?);
            }
        }
        Ok(known)
    }

    /// Keys whose salted hash is kept: some after one, or those of these that have one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn located_keys(&self, which: &Which<KeyId>) -> Result<Vec<Located>> {
        let select = "SELECT m.key_id, m.api_id, i.kept, m.locator FROM imported_keys m \
                      JOIN issued_keys i ON i.key_id = m.key_id WHERE m.salted IS NOT NULL";
        let tenant = Value::from(self.tenant());
        let (sql, values) = match which {
            Which::After(_, after, limit) => (
                format!(
                    "{select} AND m.tenant_id = $1 AND m.key_id > $2 ORDER BY m.key_id LIMIT $3"
                ),
                vec![tenant, after.map_or(-1, KeyId::as_i64).into(), (*limit).into()],
            ),
            Which::These(keys) => {
                let given = self.db.json_rows(&[("id", "BIGINT")]);
                let these = format!("m.key_id IN (SELECT given.id FROM {given})");
                (
                    format!("{select} AND m.tenant_id = $2 AND {these}"),
                    vec![ids(keys)?.into(), tenant],
                )
            }
        };
        let rows = self.db.fetch(&sql, values).await?;
        rows.iter().map(|row| located(row.cells())).collect()
    }

    /// The salted hashes of these keys, of those that have one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn kept_hashes(&self, keys: &[KeyId]) -> Result<Vec<KeptHash>> {
        let given = self.db.json_rows(&[("id", "BIGINT")]);
        let sql = format!(
            "SELECT m.key_id, m.salted, i.digest FROM imported_keys m \
             JOIN issued_keys i ON i.key_id = m.key_id WHERE m.salted IS NOT NULL \
             AND m.tenant_id = $2 AND m.key_id IN (SELECT given.id FROM {given}) ORDER BY m.key_id"
        );
        let rows = self.db.fetch(&sql, vec![ids(keys)?.into(), self.tenant().into()]).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                let key_id = KeyId::from_i64(cells.int()?);
                Ok(KeptHash { key_id, sealed: cells.text()?, digest: cells.text()? })
            })
            .collect()
    }
}

/// How many origins are asked for at once: the text stays below a megabyte.
const ORIGINS_AT_ONCE: usize = 5_000;
