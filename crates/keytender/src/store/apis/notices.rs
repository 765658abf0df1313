//! Whether the customers of an API are told of their keys, in whose name, and who wants no hints.

use std::collections::HashSet;

use keytender_core::id::{ApiId, KeyId};
use keytender_core::time::{Span, Time};
use serde::{Deserialize, Serialize};

use crate::store::bulk::{json, parsed};
use crate::store::db::{Cells, Tx};
use crate::store::{Result, Store};

/// In whose name the customers of an API are written to, and where they are sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Voice {
    /// The address that mail comes from; the mail server's own if it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The address that answers go to; the one that mail comes from if it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// The page on which customers see to their keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys_page: Option<String>,
}

/// A key that was replaced, still works and is still used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverlapInUse {
    /// The key before.
    pub key_id: KeyId,
    /// When it stops.
    pub ends_at: Time,
    /// Since when the key after works.
    pub began_at: Time,
}

/// A key that was used in another region than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRegion {
    /// The key.
    pub key_id: KeyId,
    /// The region.
    pub region: String,
    /// When it was first used there.
    pub at: Time,
    /// The service; empty if it is not known.
    pub service: String,
}

/// How the notices of an API stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Since when they go out.
    pub started_at: Option<Time>,
    /// When somebody last saw what would go out.
    pub previewed_at: Option<Time>,
    /// In whose name.
    pub voice: Voice,
}

/// While a key is so young, where it is used is news to nobody.
const QUIET_WEEK: Span = Span::days(7);

const COLUMNS: &str = "notices_started_at, notices_previewed_at, notices";

fn standing(mut cells: Cells<'_>) -> Result<Standing> {
    Ok(Standing {
        started_at: cells.maybe_time()?,
        previewed_at: cells.maybe_time()?,
        voice: match cells.maybe_text()? {
            Some(text) => parsed(&text, "the voice of an API")?,
            None => Voice::default(),
        },
    })
}

impl Tx {
    /// Writes how the notices of an API stand.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_api_notices(&mut self, api: ApiId, standing: &Standing) -> Result<()> {
        let sql = "UPDATE apis SET notices_started_at = $3, notices_previewed_at = $4, notices = $5 \
                   WHERE tenant_id = $1 AND id = $2";
        let values = vec![
            self.tenant().into(),
            api.as_i64().into(),
            standing.started_at.into(),
            standing.previewed_at.into(),
            json(&standing.voice)?.into(),
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Notes since when whoever has this address wants no hints of an API; `None`: they are welcome again.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn refuse_hints(
        &mut self,
        api: ApiId,
        address: &str,
        since: Option<Time>,
    ) -> Result<()> {
        let mut values = vec![self.tenant().into(), api.as_i64().into(), address.into()];
        let sql = match since {
            Some(at) => {
                values.push(at.into());
                "INSERT INTO hint_refusals (tenant_id, api_id, address, at) \
                 VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
            }
            None => {
                "DELETE FROM hint_refusals WHERE tenant_id = $1 AND api_id = $2 AND address = $3"
            }
        };
        self.execute(sql, values).await?;
        Ok(())
    }
}

impl Store {
    /// How the notices of an API stand.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn api_notices(&self, api: ApiId) -> Result<Standing> {
        let sql = format!("SELECT {COLUMNS} FROM apis WHERE tenant_id = $1 AND id = $2");
        let rows = self.db.fetch(&sql, vec![self.tenant().into(), api.as_i64().into()]).await?;
        Ok(rows.first().map(|row| standing(row.cells())).transpose()?.unwrap_or_default())
    }

    /// The APIs whose notices were started.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn telling_apis(&self) -> Result<Vec<ApiId>> {
        let sql = "SELECT id FROM apis WHERE tenant_id = $1 AND notices_started_at IS NOT NULL \
                   ORDER BY name";
        let rows = self.db.fetch(sql, vec![self.tenant().into()]).await?;
        rows.iter().map(|row| Ok(ApiId::from_i64(row.cells().int()?))).collect()
    }

    /// The addresses that want no hints of an API.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn hint_refusals(&self, api: ApiId) -> Result<HashSet<String>> {
        let sql = "SELECT address FROM hint_refusals WHERE tenant_id = $1 AND api_id = $2";
        let rows = self.db.fetch(sql, vec![self.tenant().into(), api.as_i64().into()]).await?;
        rows.iter().map(|row| Ok(row.cells().text()?)).collect()
    }

    /// The keys of an API that were ended and are exposed since `since` or later, and since when.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn exposed_and_ended(&self, api: ApiId, since: Time) -> Result<Vec<(KeyId, Time)>> {
        let sql = "SELECT k.id, k.exposed_at FROM keys k JOIN issued_keys i ON i.key_id = k.id \
                   WHERE k.tenant_id = $1 AND i.api_id = $2 AND k.exposed_at >= $3 \
                   AND k.state IN ('deactivated', 'compromised') ORDER BY k.id";
        let values = vec![self.tenant().into(), api.as_i64().into(), since.into()];
        let rows = self.db.fetch(sql, values).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                Ok((KeyId::from_i64(cells.int()?), cells.time()?))
            })
            .collect()
    }

    /// The keys of an API that stop between `now` and `until` because another has taken their place, and were
    /// used although an eighth of the overlap is over: their customer has not come to change them by then.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn overlaps_in_use(
        &self,
        api: ApiId,
        now: Time,
        until: Time,
    ) -> Result<Vec<OverlapInUse>> {
        let sql = "SELECT o.key_id, o.retires_at, n.activated_at FROM issued_keys o \
                   JOIN issued_keys n ON n.key_id = o.replaced_by \
                   WHERE o.tenant_id = $1 AND o.api_id = $2 AND o.revoked_at IS NULL \
                   AND o.retires_at IS NOT NULL AND o.retires_at > $3 AND o.retires_at <= $4 \
                   AND n.activated_at IS NOT NULL AND EXISTS (SELECT 1 FROM key_usage u \
                   WHERE u.tenant_id = $1 AND u.key_id = o.key_id \
                   AND u.last_at >= n.activated_at + (o.retires_at - n.activated_at) / 8) \
                   ORDER BY o.key_id";
        let values = vec![self.tenant().into(), api.as_i64().into(), now.into(), until.into()];
        let rows = self.db.fetch(sql, values).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                let key_id = KeyId::from_i64(cells.int()?);
                Ok(OverlapInUse { key_id, ends_at: cells.time()?, began_at: cells.time()? })
            })
            .collect()
    }

    /// The keys of an API that were used in another region than before for the first time since `since`: each
    /// key and region once, and none in its first week, nor the first region that is known of a key.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn new_regions(&self, api: ApiId, since: Time) -> Result<Vec<NewRegion>> {
        let before = "SELECT 1 FROM key_places q WHERE q.tenant_id = $1 AND q.key_id = p.key_id \
                      AND q.region <> '' AND (q.first_at IS NULL OR q.first_at < p.first_at)";
        let sql = format!(
            "SELECT p.key_id, p.region, p.first_at, MIN(p.service) FROM key_places p \
             JOIN issued_keys i ON i.key_id = p.key_id JOIN keys k ON k.id = p.key_id \
             WHERE p.tenant_id = $1 AND i.api_id = $2 AND p.first_at >= $3 AND p.region <> '' \
             AND p.first_at >= k.created_at + {} \
             AND NOT EXISTS ({before} AND q.region = p.region) \
             AND EXISTS ({before} AND q.region <> p.region) \
             GROUP BY p.key_id, p.region, p.first_at ORDER BY p.key_id, p.region",
            QUIET_WEEK.as_micros()
        );
        let values = vec![self.tenant().into(), api.as_i64().into(), since.into()];
        let rows = self.db.fetch(&sql, values).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                Ok(NewRegion {
                    key_id: KeyId::from_i64(cells.int()?),
                    region: cells.text()?,
                    at: cells.time()?,
                    service: cells.text()?,
                })
            })
            .collect()
    }
}
