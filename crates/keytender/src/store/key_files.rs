//! Where keys stand in files, as scans found them; and which keys these are.

use std::collections::HashMap;

use keytender_core::id::KeyId;
use keytender_core::time::Time;

use super::bulk::json;
use super::db::{Cells, Tx};
use super::keys::HeldKey;
use super::{Result, Store};

/// A file in which a key stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFile {
    /// The key.
    pub key_id: KeyId,
    /// The machine that the file is on.
    pub host: String,
    /// The file, from its root on.
    pub path: String,
    /// The first line in which it stands, from 1 on.
    pub line: u64,
    /// What stands for its secret.
    pub fingerprint: String,
    /// When it was found there first.
    pub first_found_at: Time,
    /// When it was found there last.
    pub found_at: Time,
}

const FIELDS: &str =
    "f.key_id, f.host, f.path, f.line, f.fingerprint, f.first_found_at, f.found_at";
const COLUMNS: [(&str, &str); 5] = [
    ("key_id", "BIGINT"),
    ("host", "TEXT"),
    ("path", "TEXT"),
    ("line", "BIGINT"),
    ("fingerprint", "TEXT"),
];

fn place(mut cells: Cells<'_>) -> Result<KeyFile> {
    Ok(KeyFile {
        key_id: KeyId::from_i64(cells.int()?),
        host: cells.text()?,
        path: cells.text()?,
        line: u64::try_from(cells.int()?).unwrap_or(1),
        fingerprint: cells.text()?,
        first_found_at: cells.time()?,
        found_at: cells.time()?,
    })
}

impl Tx {
    /// Keeps where keys stand now; the times of those that are given do not count, for they were found at `now`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_key_files(&mut self, places: &[KeyFile], now: Time) -> Result<()> {
        let line = |place: &KeyFile| {
            serde_json::json!({
                "key_id": place.key_id.as_i64(), "host": place.host, "path": place.path,
                "line": i64::try_from(place.line).unwrap_or(i64::MAX), "fingerprint": place.fingerprint,
            })
        };
        let lines: Vec<_> = places.iter().map(line).collect();
        let (tenant, now) = (self.tenant(), now.as_micros());
        let sql = format!(
            "INSERT INTO key_files \
             (tenant_id, key_id, host, path, line, fingerprint, first_found_at, found_at) \
             SELECT {tenant}, key_id, host, path, line, fingerprint, {now}, {now} FROM {{given}} \
             WHERE true ON CONFLICT (tenant_id, key_id, host, path) DO UPDATE SET \
             line = excluded.line, fingerprint = excluded.fingerprint, found_at = excluded.found_at"
        );
        self.each(&sql, &COLUMNS, &lines).await
    }

    /// Forgets a place in which a key stands no more: how many that are.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remove_key_file(&mut self, key: KeyId, host: &str, path: &str) -> Result<u64> {
        let sql = "DELETE FROM key_files WHERE tenant_id = $1 AND key_id = $2 AND host = $3 AND path = $4";
        let values = vec![self.tenant().into(), key.as_i64().into(), host.into(), path.into()];
        Ok(self.execute(sql, values).await?)
    }
}

impl Store {
    /// Where these keys stand, by machine and path.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn files_with_keys(&self, keys: &[KeyId]) -> Result<HashMap<KeyId, Vec<KeyFile>>> {
        let lines: Vec<_> = keys.iter().map(|id| serde_json::json!({"id": id.as_i64()})).collect();
        let given = self.db.json_rows(&[("id", "BIGINT")]);
        let sql = format!(
            "SELECT {FIELDS} FROM {given} JOIN key_files f ON f.key_id = given.id AND f.tenant_id = $2 \
             ORDER BY f.key_id, f.host, f.path"
        );
        let values = vec![json(&lines)?.into(), self.tenant().into()];
        let mut places: HashMap<KeyId, Vec<KeyFile>> = HashMap::new();
        for row in self.db.fetch(&sql, values).await? {
            let place = place(row.cells())?;
            places.entry(place.key_id).or_default().push(place);
        }
        Ok(places)
    }

    /// Places on a machine that are a file, or in a folder.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn files_with_keys_in(&self, host: &str, path: &str) -> Result<Vec<KeyFile>> {
        let within = if path.ends_with('/') { path.to_owned() } else { format!("{path}/") };
        let sql = format!(
            "SELECT {FIELDS} FROM key_files f WHERE f.tenant_id = $1 AND f.host = $2 \
             AND (f.path = $3 OR SUBSTR(f.path, 1, LENGTH($4)) = $4) ORDER BY f.path, f.key_id"
        );
        let values = vec![self.tenant().into(), host.into(), path.into(), within.as_str().into()];
        let rows = self.db.fetch(&sql, values).await?;
        rows.iter().map(|row| place(row.cells())).collect()
    }

    /// The keys that were found under these fingerprints before, and may have other ids at their providers.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn keys_of_fingerprints(&self, prints: &[&str]) -> Result<Vec<(String, KeyId)>> {
        let lines: Vec<_> =
            prints.iter().map(|print| serde_json::json!({"print": print})).collect();
        let given = self.db.json_rows(&[("print", "TEXT")]);
        let sql = format!(
            "SELECT DISTINCT f.fingerprint, f.key_id FROM {given} \
             JOIN key_files f ON f.fingerprint = given.print AND f.tenant_id = $2"
        );
        let values = vec![json(&lines)?.into(), self.tenant().into()];
        let rows = self.db.fetch(&sql, values).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                Ok((cells.text()?, KeyId::from_i64(cells.int()?)))
            })
            .collect()
    }

    /// The keys that have one of these ids at their provider, also those that are gone.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn keys_of_provider_ids(&self, ids: &[&str]) -> Result<Vec<HeldKey>> {
        let lines: Vec<_> = ids.iter().map(|id| serde_json::json!({"name": id})).collect();
        let given = self.db.json_rows(&[("name", "TEXT")]);
        let sql = format!(
            "SELECT DISTINCT k.id FROM {given} JOIN keys k ON k.provider_id = given.name AND k.tenant_id = $2"
        );
        let values = vec![json(&lines)?.into(), self.tenant().into()];
        let mut found = Vec::new();
        for row in self.db.fetch(&sql, values).await? {
            found.push(KeyId::from_i64(row.cells().int()?));
        }
        self.keys_of_ids(&found).await
    }

    /// At most `most` of the keys whose secrets are kept here, sealed.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sealed_keys(&self, most: u32) -> Result<Vec<HeldKey>> {
        let sql = "SELECT k.id FROM keys k WHERE k.tenant_id = $1 AND k.sealed IS NOT NULL \
                   ORDER BY k.id LIMIT $2";
        let values = vec![self.tenant().into(), i64::from(most).into()];
        let mut found = Vec::new();
        for row in self.db.fetch(sql, values).await? {
            found.push(KeyId::from_i64(row.cells().int()?));
        }
        self.keys_of_ids(&found).await
    }
}
