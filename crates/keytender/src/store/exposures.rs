//! Who said of a key that it is exposed, and why, as the log of acts has it; and where keys were found.

use std::collections::HashMap;

use keytender_core::id::KeyId;
use keytender_core::time::Time;

use super::bulk::json;
use super::db::Tx;
use super::{Result, Store};

/// How it came to be known that a key is exposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// Since when that is known.
    pub at: Time,
    /// Who said so; nobody, if its provider's listing did.
    pub by: Option<String>,
    /// Why, in their words.
    pub why: Option<String>,
}

impl Store {
    /// Of those of these keys that are exposed, how that came to be known: what was said last.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn exposures(&self, keys: &[KeyId]) -> Result<HashMap<KeyId, Exposure>> {
        let line = |id: &KeyId| serde_json::json!({"id": id.as_i64(), "name": id.to_string()});
        let lines: Vec<_> = keys.iter().map(line).collect();
        let given = self.db.json_rows(&[("id", "BIGINT"), ("name", "TEXT")]);
        let sql = format!(
            "SELECT k.id, k.exposed_at, l.at, l.actor, l.why FROM {given} \
             JOIN keys k ON k.id = given.id AND k.tenant_id = $2 AND k.exposed_at IS NOT NULL \
             LEFT JOIN acts l ON l.tenant_id = $2 AND l.target_id = given.name AND l.stage = 'done' \
             AND (l.details LIKE '%\"exposed_at\":%' OR l.details LIKE '%\"compromised\":true%') \
             ORDER BY k.id, l.at"
        );
        let values = vec![json(&lines)?.into(), self.tenant().into()];
        let mut found = HashMap::new();
        for row in self.db.fetch(&sql, values).await? {
            let mut cells = row.cells();
            let key = KeyId::from_i64(cells.int()?);
            let exposed_at = cells.maybe_time()?;
            let (at, by, why) = (cells.maybe_time()?, cells.maybe_text()?, cells.maybe_text()?);
            if let Some(at) = at.or(exposed_at) {
                found.insert(key, Exposure { at, by, why });
            }
        }
        Ok(found)
    }
}

/// A place where a key was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What kind of place, such as `commit`; empty if that was not told.
    pub source: String,
    /// Where; empty if that was not told.
    pub url: String,
    /// Who told of it.
    pub told_by: String,
    /// When.
    pub found_at: Time,
    /// What was done about the key then.
    pub done: String,
}

/// A key of ours, by what stands in it in clear.
#[derive(Clone, Debug)]
pub struct Leaked {
    /// Whose inventory it stands in.
    pub tenant: i64,
    /// The key.
    pub key_id: KeyId,
    /// What stands in it in clear.
    pub token_id: String,
    /// The SHA-256 of its secret, in hexadecimal.
    pub digest: String,
    /// What keys of its API begin with; `None` for a token of this program.
    pub brand: Option<String>,
}

const LEAKED_KEYS: &str = "SELECT i.tenant_id, i.key_id, i.token_id, i.digest, a.brand \
                           FROM issued_keys i JOIN apis a ON a.id = i.api_id WHERE i.token_id";
const LEAKED_TOKENS: &str = "SELECT t.tenant_id, t.key_id, t.token_id, t.digest, CAST(NULL AS TEXT) \
                             FROM tokens t WHERE t.token_id";

impl Tx {
    /// Keeps a place in which a key was found, but for one that is known, or when `most` are; whether it was kept.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_place(&mut self, key: KeyId, place: &Place, most: u32) -> Result<bool> {
        let sql = "INSERT INTO exposures (tenant_id, key_id, source, url, told_by, found_at, done) \
                   SELECT $1, $2, $3, $4, $5, $6, $7 \
                   WHERE (SELECT COUNT(*) FROM exposures WHERE tenant_id = $1 AND key_id = $2) < $8 \
                   ON CONFLICT DO NOTHING";
        let values = vec![
            self.tenant().into(),
            key.as_i64().into(),
            place.source.as_str().into(),
            place.url.as_str().into(),
            place.told_by.as_str().into(),
            place.found_at.into(),
            place.done.as_str().into(),
            i64::from(most).into(),
        ];
        Ok(self.execute(sql, values).await? > 0)
    }
}

impl Store {
    /// Where these keys were found, the last first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn places_of_exposure(&self, keys: &[KeyId]) -> Result<HashMap<KeyId, Vec<Place>>> {
        let lines: Vec<_> = keys.iter().map(|id| serde_json::json!({"id": id.as_i64()})).collect();
        let given = self.db.json_rows(&[("id", "BIGINT")]);
        let sql = format!(
            "SELECT e.key_id, e.source, e.url, e.told_by, e.found_at, e.done FROM {given} \
             JOIN exposures e ON e.key_id = given.id AND e.tenant_id = $2 \
             ORDER BY e.key_id, e.found_at DESC, e.source, e.url"
        );
        let values = vec![json(&lines)?.into(), self.tenant().into()];
        let mut places: HashMap<KeyId, Vec<Place>> = HashMap::new();
        for row in self.db.fetch(&sql, values).await? {
            let mut cells = row.cells();
            let key = KeyId::from_i64(cells.int()?);
            let place = Place {
                source: cells.text()?,
                url: cells.text()?,
                told_by: cells.text()?,
                found_at: cells.time()?,
                done: cells.text()?,
            };
            places.entry(key).or_default().push(place);
        }
        Ok(places)
    }

    /// The keys of our APIs and the tokens of this program that have one of these ids in clear, of whichever tenant.
    /// Whoever knows an id knows no secret: the digest tells.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_leaked(&self, token_ids: &[&str]) -> Result<Vec<Leaked>> {
        let lines: Vec<_> = token_ids.iter().map(|id| serde_json::json!({"id": id})).collect();
        let (given, lines) = (self.db.json_rows(&[("id", "TEXT")]), json(&lines)?);
        let mut found = Vec::new();
        for select in [LEAKED_KEYS, LEAKED_TOKENS] {
            let sql = format!("{select} IN (SELECT given.id FROM {given})");
            for row in self.db.fetch(&sql, vec![lines.as_str().into()]).await? {
                let mut cells = row.cells();
                found.push(Leaked {
                    tenant: cells.int()?,
                    key_id: KeyId::from_i64(cells.int()?),
                    token_id: cells.text()?,
                    digest: cells.text()?,
                    brand: cells.maybe_text()?,
                });
            }
        }
        Ok(found)
    }
}
