//! What verifiers have counted: how often keys were used, when, where and by what.
//!
//! Each verifier tells sums that only grow, so a batch may be written again, and late. What is new in it is
//! added to the day, for quotas and for pictures.

use std::borrow::Cow;
use std::collections::HashMap;

use keytender_core::id::{AppId, KeyId};
use keytender_core::key::Use;
use keytender_core::time::Span;
use serde::Serialize;

use super::bulk::{ROWS_AT_ONCE, ids, json};
use super::db::Tx;
use super::{Result, Store};

/// What one verifier has counted of a key since it began a file.
#[derive(Clone, Debug, Serialize)]
pub struct Usage {
    /// The key.
    pub key_id: i64,
    /// How often it was used.
    pub uses: i64,
    /// When it was last used, in microseconds.
    pub last_at: i64,
    /// From where, if that is known.
    pub address: Option<String>,
    /// By what kind of program, if that is known.
    pub agent: Option<String>,
}

/// When a key was last used in one region and service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlaceUse {
    /// The key.
    pub key_id: i64,
    /// The region; empty if it is not known.
    pub region: String,
    /// The service; empty if it is not known.
    pub service: String,
    /// When, in microseconds.
    pub last_at: i64,
}

/// The last use of a key that verifiers have counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastSeen {
    /// When, and in which region and service.
    pub used: Use<'static>,
    /// From where, if that is known.
    pub address: Option<String>,
    /// By what kind of program, if that is known.
    pub agent: Option<String>,
}

/// A day, in microseconds.
pub const MICROS_PER_DAY: i64 = 86_400_000_000;
/// A use is shown by the key itself when the one that is shown is older than this: a million keys in use do
/// not make the database busy. What is asked of one key is exact.
pub const SHOWN_GRAIN: Span = Span::from_micros(60_000_000);

impl Store {
    /// How often a key was used in all, and from where and by what the last time.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn usage_of(&self, key: KeyId) -> Result<Option<Usage>> {
        let sql = "SELECT CAST(SUM(uses) OVER () AS BIGINT), last_at, address, agent FROM key_usage \
                   WHERE tenant_id = $1 AND key_id = $2 ORDER BY last_at DESC LIMIT 1";
        let rows = self.db.fetch(sql, vec![self.tenant().into(), key.as_i64().into()]).await?;
        rows.first()
            .map(|row| {
                let mut cells = row.cells();
                Ok(Usage {
                    key_id: key.as_i64(),
                    uses: cells.int()?,
                    last_at: cells.int()?,
                    address: cells.maybe_text()?,
                    agent: cells.maybe_text()?,
                })
            })
            .transpose()
    }

    /// How often the keys of these apps were used together since a day, counted from 1970 in UTC.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn uses_of_apps(&self, apps: &[AppId], since: i64) -> Result<HashMap<AppId, u64>> {
        let lines: Vec<_> = apps.iter().map(|id| serde_json::json!({"id": id.as_i64()})).collect();
        let given = self.db.json_rows(&[("id", "BIGINT")]);
        let sql = format!(
            "SELECT i.app_id, CAST(SUM(d.uses) AS BIGINT) FROM issued_keys i \
             JOIN key_days d ON d.tenant_id = $2 AND d.key_id = i.key_id AND d.day >= $3 \
             WHERE i.tenant_id = $2 AND i.app_id IN (SELECT given.id FROM {given}) GROUP BY i.app_id"
        );
        let values = vec![json(&lines)?.into(), self.tenant().into(), since.into()];
        let rows = self.db.fetch(&sql, values).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                let app = AppId::from_i64(cells.int()?);
                Ok((app, u64::try_from(cells.int()?).unwrap_or(0)))
            })
            .collect()
    }

    /// How often a key was used on which day, counted from 1970 in UTC, the first first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn days_of(&self, key: KeyId, since: i64) -> Result<Vec<(i64, u64)>> {
        let sql = "SELECT day, uses FROM key_days WHERE tenant_id = $1 AND key_id = $2 AND day >= $3 \
                   ORDER BY day";
        let values = vec![self.tenant().into(), key.as_i64().into(), since.into()];
        let rows = self.db.fetch(sql, values).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                Ok((cells.int()?, u64::try_from(cells.int()?).unwrap_or(0)))
            })
            .collect()
    }

    /// The last uses of these keys that verifiers have counted.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn last_uses(&self, keys: &[KeyId]) -> Result<HashMap<KeyId, LastSeen>> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let lines: Vec<_> = keys.iter().map(|id| serde_json::json!({"id": id.as_i64()})).collect();
        let given = self.db.json_rows(&[("id", "BIGINT")]);
        let latest = |table: &str, column: &str, then: &str| {
            format!(
                "(SELECT l.{column} FROM {table} l WHERE l.tenant_id = $2 AND l.key_id = u.key_id \
                 ORDER BY l.last_at DESC, {then} LIMIT 1)"
            )
        };
        let place = |column| latest("key_places", column, "l.region, l.service");
        // Of several verifiers, that which was asked last.
        let usage = |column| latest("key_usage", column, "l.node, l.epoch");
        let sql = format!(
            "SELECT u.key_id, CAST(MAX(u.last_at) AS BIGINT), {}, {}, {}, {} FROM key_usage u \
             WHERE u.tenant_id = $2 AND u.key_id IN (SELECT given.id FROM {given}) GROUP BY u.key_id",
            place("region"),
            place("service"),
            usage("address"),
            usage("agent")
        );
        let rows = self.db.fetch(&sql, vec![json(&lines)?.into(), self.tenant().into()]).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                let (key, at) = (KeyId::from_i64(cells.int()?), cells.time()?);
                let text = |text: Option<String>| {
                    text.filter(|text| !text.is_empty()).map(Cow::<'static, str>::Owned)
                };
                let (region, service) = (text(cells.maybe_text()?), text(cells.maybe_text()?));
                let used = Use { at, region, service };
                Ok((
                    key,
                    LastSeen { used, address: cells.maybe_text()?, agent: cells.maybe_text()? },
                ))
            })
            .collect()
    }

    /// Where a key was used, the latest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn places_of(&self, key: KeyId) -> Result<Vec<PlaceUse>> {
        let sql = "SELECT region, service, last_at FROM key_places \
                   WHERE tenant_id = $1 AND key_id = $2 ORDER BY last_at DESC, region, service";
        let rows = self.db.fetch(sql, vec![self.tenant().into(), key.as_i64().into()]).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                let (region, service) = (cells.text()?, cells.text()?);
                Ok(PlaceUse { key_id: key.as_i64(), region, service, last_at: cells.int()? })
            })
            .collect()
    }
}

impl Store {
    /// Where each of these keys was used, the latest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn places_of_keys(&self, keys: &[KeyId]) -> Result<HashMap<KeyId, Vec<PlaceUse>>> {
        let sql = format!(
            "SELECT key_id, region, service, last_at FROM key_places WHERE tenant_id = $2 \
             AND key_id IN (SELECT given.id FROM {}) ORDER BY last_at DESC, region, service",
            self.db.json_rows(&[("id", "BIGINT")])
        );
        let mut places: HashMap<KeyId, Vec<PlaceUse>> = HashMap::new();
        for row in self
            .db
            .fetch(&sql, vec![ids(keys.iter().copied().map(KeyId::as_i64))?, self.tenant().into()])
            .await?
        {
            let mut cells = row.cells();
            let (key_id, region, service) = (cells.int()?, cells.text()?, cells.text()?);
            let place = PlaceUse { key_id, region, service, last_at: cells.int()? };
            places.entry(KeyId::from_i64(key_id)).or_default().push(place);
        }
        Ok(places)
    }
}

impl Tx {
    /// Writes what a verifier has counted. Sums only grow, so the same may be written again, and late. The keys that
    /// `is_news` lets through show it themselves; those of them that nobody had used before are given back.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn write_usage(
        &mut self,
        node: &str,
        epoch: i64,
        used: &[Usage],
        places: &[PlaceUse],
        is_news: impl FnMut(&Usage, Option<&PlaceUse>) -> bool,
    ) -> Result<Vec<KeyId>> {
        self.write_days(node, epoch, used).await?;
        self.write_counts(node, epoch, used).await?;
        self.write_places(places).await?;
        self.show_uses(used, places, is_news).await
    }

    /// Adds what is new in the sums to the day of the last use.
    async fn write_days(&mut self, node: &str, epoch: i64, used: &[Usage]) -> Result<()> {
        let columns = [("key_id", "BIGINT"), ("uses", "BIGINT"), ("last_at", "BIGINT")];
        let sql = format!(
            "INSERT INTO key_days (tenant_id, key_id, day, uses) \
             SELECT {tenant}, given.key_id, given.last_at / {MICROS_PER_DAY}, \
             given.uses - COALESCE(u.uses, 0) FROM {given} LEFT JOIN key_usage u \
             ON u.tenant_id = {tenant} AND u.key_id = given.key_id AND u.node = $2 AND u.epoch = $3 \
             WHERE given.key_id IN (SELECT key_id FROM issued_keys) \
             AND given.uses > COALESCE(u.uses, 0) \
             ON CONFLICT (tenant_id, key_id, day) DO UPDATE SET uses = key_days.uses + excluded.uses",
            tenant = self.tenant(),
            given = self.json_rows(&columns),
        );
        self.execute(&sql, vec![json(used)?.into(), node.into(), epoch.into()]).await?;
        Ok(())
    }

    async fn write_counts(&mut self, node: &str, epoch: i64, used: &[Usage]) -> Result<()> {
        let columns = [
            ("key_id", "BIGINT"),
            ("uses", "BIGINT"),
            ("last_at", "BIGINT"),
            ("address", "TEXT"),
            ("agent", "TEXT"),
        ];
        let greater = |column: &str| {
            format!(
                "CASE WHEN excluded.{column} > key_usage.{column} THEN excluded.{column} \
                 ELSE key_usage.{column} END"
            )
        };
        let later = |column: &str| {
            format!(
                "CASE WHEN excluded.last_at >= key_usage.last_at THEN excluded.{column} \
                 ELSE key_usage.{column} END"
            )
        };
        let given = self.json_rows(&columns);
        // A key that was forgotten meanwhile is not counted.
        let sql = format!(
            "INSERT INTO key_usage (tenant_id, key_id, node, epoch, uses, last_at, address, agent) \
             SELECT {}, given.key_id, $2, $3, given.uses, given.last_at, given.address, given.agent \
             FROM {given} WHERE given.key_id IN (SELECT key_id FROM issued_keys) \
             ON CONFLICT (tenant_id, key_id, node, epoch) DO UPDATE SET uses = {}, last_at = {}, \
             address = {}, agent = {}",
            self.tenant(),
            greater("uses"),
            greater("last_at"),
            later("address"),
            later("agent")
        );
        self.execute(&sql, vec![json(used)?.into(), node.into(), epoch.into()]).await?;
        Ok(())
    }

    async fn write_places(&mut self, places: &[PlaceUse]) -> Result<()> {
        if places.is_empty() {
            return Ok(());
        }
        let columns =
            [("key_id", "BIGINT"), ("region", "TEXT"), ("service", "TEXT"), ("last_at", "BIGINT")];
        let sql = format!(
            "INSERT INTO key_places (tenant_id, key_id, region, service, last_at, first_at) \
             SELECT {}, given.key_id, given.region, given.service, given.last_at, given.last_at \
             FROM {} WHERE given.key_id IN (SELECT key_id FROM issued_keys) \
             ON CONFLICT (tenant_id, key_id, region, service) DO UPDATE SET last_at = \
             CASE WHEN excluded.last_at > key_places.last_at THEN excluded.last_at \
             ELSE key_places.last_at END",
            self.tenant(),
            self.json_rows(&columns)
        );
        self.execute(&sql, vec![json(places)?.into()]).await?;
        Ok(())
    }

    /// Lets the keys themselves show their last use, by which lists are sorted and rules judge: where it is
    /// the first, elsewhere than the one before, or later by a minute. Those that nobody had used before.
    async fn show_uses(
        &mut self,
        used: &[Usage],
        places: &[PlaceUse],
        mut is_news: impl FnMut(&Usage, Option<&PlaceUse>) -> bool,
    ) -> Result<Vec<KeyId>> {
        let mut latest: HashMap<i64, &PlaceUse> = HashMap::new();
        for place in places {
            let known = latest.entry(place.key_id).or_insert(place);
            if known.last_at < place.last_at {
                *known = place;
            }
        }
        let with_places = used.iter().map(|one| (one, latest.get(&one.key_id).copied()));
        let news = with_places.filter(|(one, place)| is_news(one, *place));
        let lines: Vec<_> = news.map(|(one, place)| Shown::of(one, place)).collect();
        let columns =
            [("key_id", "BIGINT"), ("last_at", "BIGINT"), ("region", "TEXT"), ("service", "TEXT")];
        let set = "use_at = given.last_at, use_region = given.region, use_service = given.service";
        let first = format!(
            "UPDATE keys SET use_status = 'used', evaluate_at = 0, {set} FROM {} \
             WHERE keys.id = given.key_id AND keys.use_status <> 'used' RETURNING id",
            self.json_rows(&columns)
        );
        let mut first_used = Vec::new();
        for lines in lines.chunks(ROWS_AT_ONCE) {
            let rows = self.fetch(&first, vec![json(lines)?.into()]).await?;
            for row in &rows {
                first_used.push(KeyId::from_i64(row.cells().int()?));
            }
        }
        let sql = format!(
            "UPDATE keys SET {set} FROM {{given}} WHERE keys.id = given.key_id \
             AND (keys.use_at < given.last_at - {} OR keys.use_at < given.last_at \
             AND (COALESCE(keys.use_region, '') <> COALESCE(given.region, '') \
             OR COALESCE(keys.use_service, '') <> COALESCE(given.service, '')))",
            SHOWN_GRAIN.as_micros()
        );
        self.each(&sql, &columns, &lines).await?;
        Ok(first_used)
    }
}

/// The last use of a key, as the key shows it.
#[derive(Serialize)]
struct Shown<'u> {
    key_id: i64,
    last_at: i64,
    region: Option<&'u str>,
    service: Option<&'u str>,
}

impl<'u> Shown<'u> {
    fn of(used: &Usage, last: Option<&'u PlaceUse>) -> Self {
        let text = |text: &'u String| Some(text.as_str()).filter(|text| !text.is_empty());
        Self {
            key_id: used.key_id,
            last_at: used.last_at,
            region: last.and_then(|place| text(&place.region)),
            service: last.and_then(|place| text(&place.service)),
        }
    }
}
