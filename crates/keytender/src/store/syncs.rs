//! Each look at an account: when, what it came to, and whose keys it did not see.

use std::collections::{BTreeSet, HashMap};

use keytender_core::id::{AccountId, SyncId};
use keytender_core::inventory::Sighting;
use keytender_core::time::Time;

use super::bulk::{json, parsed};
use super::db::{Cells, Tx};
use super::{Result, Store};

/// How many earlier looks are asked for a key's last sighting; before that it was seen "at the
/// latest then".
pub(super) const SIGHTINGS: i64 = 100;

/// A look at an account that has ended.
#[derive(Clone, Debug)]
pub struct Sync {
    /// Its id.
    pub id: SyncId,
    /// Which account.
    pub account_id: AccountId,
    /// When it began.
    pub started_at: Time,
    /// When it ended.
    pub finished_at: Time,
    /// When what it saw was so; `None` if it saw nothing.
    pub observed_at: Option<Time>,
    /// When the credential report was made that it used.
    pub reported_at: Option<Time>,
    /// Whose keys it could not list.
    pub unseen: BTreeSet<String>,
    /// How many keys it saw.
    pub keys: u64,
    /// How many records it changed.
    pub changes: u64,
    /// Why it saw nothing.
    pub error: Option<String>,
    /// What was odd.
    pub warnings: Vec<String>,
}

const COLUMNS: &str = "id, account_id, started_at, finished_at, observed_at, reported_at, unseen, \
                       keys, changes, error, warnings";

impl Tx {
    /// The latest looks at an account that saw something, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sightings(&mut self, account: AccountId) -> Result<Vec<Sighting>> {
        let sql = "SELECT observed_at, reported_at, unseen FROM syncs \
                   WHERE tenant_id = $1 AND account_id = $2 AND observed_at IS NOT NULL \
                   ORDER BY started_at DESC LIMIT $3";
        let values = vec![self.tenant().into(), account.as_i64().into(), SIGHTINGS.into()];
        let rows = self.fetch(sql, values).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                Ok(Sighting {
                    observed_at: cells.time()?,
                    reported_at: cells.maybe_time()?,
                    unseen: unseen(cells.maybe_text()?)?,
                })
            })
            .collect()
    }

    /// Adds a look that has ended.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_sync(&mut self, sync: &Sync) -> Result<()> {
        let sql = format!(
            "INSERT INTO syncs (tenant_id, {COLUMNS}) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        );
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let values = vec![
            self.tenant().into(),
            sync.id.as_i64().into(),
            sync.account_id.as_i64().into(),
            sync.started_at.into(),
            sync.finished_at.into(),
            sync.observed_at.into(),
            sync.reported_at.into(),
            json(&sync.unseen)?.into(),
            count(sync.keys).into(),
            count(sync.changes).into(),
            sync.error.as_deref().into(),
            json(&sync.warnings)?.into(),
        ];
        self.execute(&sql, values).await?;
        Ok(())
    }
}

impl Store {
    /// When the last look at an account that saw something began.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn last_seen(&self, account: AccountId) -> Result<Option<Time>> {
        let sql = "SELECT MAX(started_at) FROM syncs \
                   WHERE tenant_id = $1 AND account_id = $2 AND error IS NULL";
        let values = vec![self.tenant().into(), account.as_i64().into()];
        let rows = self.db.fetch(sql, values).await?;
        Ok(rows.first().map(|row| row.cells().maybe_time()).transpose()?.flatten())
    }

    /// The last look at each account.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn last_syncs(&self) -> Result<Vec<Sync>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM syncs s WHERE tenant_id = $1 AND started_at = \
             (SELECT MAX(started_at) FROM syncs WHERE tenant_id = $1 AND account_id = s.account_id)"
        );
        let rows = self.db.fetch(&sql, vec![self.tenant().into()]).await?;
        rows.iter().map(|row| sync(row.cells())).collect()
    }

    /// The looks at an account, newest first, from behind `after` on.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_syncs(
        &self,
        account: AccountId,
        limit: u32,
        after: Option<(Time, SyncId)>,
    ) -> Result<Vec<Sync>> {
        let mut values =
            vec![self.tenant().into(), account.as_i64().into(), i64::from(limit).into()];
        let condition = match after {
            Some((at, id)) => {
                values.extend([at.into(), id.as_i64().into()]);
                "AND (started_at < $4 OR started_at = $4 AND id > $5)"
            }
            None => "",
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM syncs WHERE tenant_id = $1 AND account_id = $2 {condition} \
             ORDER BY started_at DESC, id LIMIT $3"
        );
        let rows = self.db.fetch(&sql, values).await?;
        rows.iter().map(|row| sync(row.cells())).collect()
    }
}

fn sync(mut cells: Cells<'_>) -> Result<Sync> {
    Ok(Sync {
        id: SyncId::from_i64(cells.int()?),
        account_id: AccountId::from_i64(cells.int()?),
        started_at: cells.time()?,
        finished_at: cells.time()?,
        observed_at: cells.maybe_time()?,
        reported_at: cells.maybe_time()?,
        unseen: unseen(cells.maybe_text()?)?,
        keys: u64::try_from(cells.int()?).unwrap_or(0),
        changes: u64::try_from(cells.int()?).unwrap_or(0),
        error: cells.maybe_text()?,
        warnings: match cells.maybe_text()? {
            Some(text) => parsed(&text, "warnings")?,
            None => Vec::new(),
        },
    })
}

impl Store {
    /// When each account was last seen; those that never were are not among them.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn last_sightings(&self) -> Result<HashMap<AccountId, Time>> {
        let sql = "SELECT account_id, MAX(observed_at) FROM syncs \
                   WHERE tenant_id = $1 AND observed_at IS NOT NULL GROUP BY account_id";
        let rows = self.db.fetch(sql, vec![self.tenant().into()]).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                Ok((AccountId::from_i64(cells.int()?), cells.time()?))
            })
            .collect()
    }
}

fn unseen(text: Option<String>) -> Result<BTreeSet<String>> {
    text.map_or(Ok(BTreeSet::new()), |text| parsed(&text, "unseen principals"))
}
