//! What a verifier knows of keys, apps and APIs; who verifies; and what verifiers have counted.

use std::borrow::Cow;
use std::collections::HashMap;

use keytender_core::id::{AccountId, ApiId, AppId, KeyId};
use keytender_core::key::{State, Use};
use keytender_core::time::{Span, Time};
use serde::Serialize;

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
    /// The SHA-256 of its secret, in hexadecimal.
    pub digest: String,
    /// Where it stands.
    pub state: State,
    /// Whether another key took its place.
    pub is_replaced: bool,
    /// When it ends by itself.
    pub expires_at: Option<Time>,
    /// When it ends because another key took its place.
    pub retires_at: Option<Time>,
    /// What it may do.
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
    /// Until when it goes on without hearing more, by the database's clock.
    pub valid_until: Time,
}

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

/// A use is shown by the key itself when the one that is shown is older than this: a million keys in use do
/// not make the database busy. What is asked of one key is exact.
const SHOWN_GRAIN: Span = Span::from_micros(60_000_000);

const KEY_COLUMNS: &str = "i.key_id, i.api_id, i.app_id, i.environment, i.token_id, i.digest, k.state, \
    k.expires_at, i.retires_at, i.scopes, i.networks, k.label, i.replaced_by";
const KEY_TABLES: &str = "issued_keys i JOIN keys k ON k.id = i.key_id";

fn known_key(mut cells: Cells<'_>) -> Result<KnownKey> {
    let (key_id, api_id) = (KeyId::from_i64(cells.int()?), ApiId::from_i64(cells.int()?));
    let app_id = AppId::from_i64(cells.int()?);
    let (environment, token_id, digest) = (cells.text()?, cells.text()?, cells.text()?);
    let state = state(&cells.text()?)?;
    let (expires_at, retires_at) = (cells.maybe_time()?, cells.maybe_time()?);
    let (scopes, networks) = (words(&cells.text()?), words(&cells.text()?));
    let label = cells.maybe_text()?;
    let replaced_by = cells.maybe_int()?.map(KeyId::from_i64);
    Ok(KnownKey {
        key_id,
        api_id,
        app_id,
        environment,
        token_id,
        digest,
        state,
        is_replaced: retires_at.is_some(),
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

    /// The ids of a customer's apps.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn apps_of(&self, account: AccountId) -> Result<Vec<AppId>> {
        let sql = "SELECT id FROM apps WHERE tenant_id = $1 AND account_id = $2";
        let values = vec![self.tenant().into(), account.as_i64().into()];
        let rows = self.db.fetch(sql, values).await?;
        rows.iter().map(|row| Ok(AppId::from_i64(row.cells().int()?))).collect()
    }

    /// Those who verify keys of an API and whose leases have not ended.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn live_verifiers(&self, api: ApiId) -> Result<Vec<Verifier>> {
        let sql = format!(
            "SELECT node, api_id, applied_seq, valid_until FROM verifiers WHERE tenant_id = $1 \
             AND (api_id IS NULL OR api_id = $2) AND valid_until > {} ORDER BY node",
            self.db.now_sql()
        );
        let values = vec![self.tenant().into(), api.as_i64().into()];
        let rows = self.db.fetch(&sql, values).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                Ok(Verifier {
                    node: cells.text()?,
                    api_id: cells.maybe_int()?.map(ApiId::from_i64),
                    applied_seq: cells.int()?,
                    valid_until: cells.time()?,
                })
            })
            .collect()
    }

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

    /// The last uses of these keys that verifiers have counted.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn last_uses(&self, keys: &[KeyId]) -> Result<HashMap<KeyId, Use<'static>>> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let lines: Vec<_> = keys.iter().map(|id| serde_json::json!({"id": id.as_i64()})).collect();
        let given = self.db.json_rows(&[("id", "BIGINT")]);
        let sql = format!(
            "SELECT u.key_id, CAST(MAX(u.last_at) AS BIGINT), \
             (SELECT p.region FROM key_places p WHERE p.tenant_id = $2 AND p.key_id = u.key_id \
             ORDER BY p.last_at DESC, p.region, p.service LIMIT 1), \
             (SELECT p.service FROM key_places p WHERE p.tenant_id = $2 AND p.key_id = u.key_id \
             ORDER BY p.last_at DESC, p.region, p.service LIMIT 1) \
             FROM key_usage u WHERE u.tenant_id = $2 \
             AND u.key_id IN (SELECT given.id FROM {given}) GROUP BY u.key_id"
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
                Ok((key, Use { at, region, service }))
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

impl Tx {
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

    /// Writes what a verifier has counted. Sums only grow, so the same may be written again, and late.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn write_usage(
        &mut self,
        node: &str,
        epoch: i64,
        used: &[Usage],
        places: &[PlaceUse],
    ) -> Result<()> {
        self.write_counts(node, epoch, used).await?;
        self.write_places(places).await?;
        self.show_uses(used, places).await
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
            "INSERT INTO key_places (tenant_id, key_id, region, service, last_at) \
             SELECT {}, given.key_id, given.region, given.service, given.last_at \
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
    /// the first, elsewhere than the one before, or later by a minute.
    async fn show_uses(&mut self, used: &[Usage], places: &[PlaceUse]) -> Result<()> {
        let mut latest: HashMap<i64, &PlaceUse> = HashMap::new();
        for place in places {
            let known = latest.entry(place.key_id).or_insert(place);
            if known.last_at < place.last_at {
                *known = place;
            }
        }
        let lines: Vec<_> =
            used.iter().map(|one| Shown::of(one, latest.get(&one.key_id).copied())).collect();
        let columns =
            [("key_id", "BIGINT"), ("last_at", "BIGINT"), ("region", "TEXT"), ("service", "TEXT")];
        let sql = format!(
            "UPDATE keys SET use_status = 'used', use_at = given.last_at, \
             use_region = given.region, use_service = given.service, \
             evaluate_at = CASE WHEN use_status = 'used' THEN evaluate_at ELSE 0 END \
             FROM {{given}} WHERE keys.id = given.key_id AND (keys.use_status <> 'used' \
             OR keys.use_at < given.last_at - {} OR keys.use_at < given.last_at \
             AND (COALESCE(keys.use_region, '') <> COALESCE(given.region, '') \
             OR COALESCE(keys.use_service, '') <> COALESCE(given.service, '')))",
            SHOWN_GRAIN.as_micros()
        );
        self.each(&sql, &columns, &lines).await
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
