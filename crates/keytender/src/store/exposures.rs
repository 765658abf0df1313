//! Who said of a key that it is exposed, and why: as the log of acts has it.

use std::collections::HashMap;

use keytender_core::id::KeyId;
use keytender_core::time::Time;

use super::bulk::json;
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
