//! What verifiers of keys must hear of, in the order in which it was committed.
//!
//! Each transaction that changes what a verifier knows ends by advancing one row, which is locked until it
//! commits: so the order of the numbers is the order of the commits, and whoever has read up to a number
//! has missed nothing below it. What changed is only named; what it is now is read when it is asked for.

use keytender_core::id::{AccountId, ApiId, AppId, KeyId};
use keytender_core::time::Time;
use serde::Serialize;

use super::bulk::{Conflict, Table};
use super::db::{Listener, Tx};
use super::{Failure, Result, Store};

/// On which PostgreSQL tells that something changed: nothing but that, and once a transaction.
const CHANNEL: &str = "keytender_changes";

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A key: its state, its end, what it may do.
    Key(KeyId),
    /// An app, and so perhaps whether its keys work.
    App(AppId),
    /// A customer, and so perhaps whether the keys of all its apps work.
    Account(AccountId),
}

impl Subject {
    const fn parts(self) -> (&'static str, i64) {
        match self {
            Self::Key(id) => ("key", id.as_i64()),
            Self::App(id) => ("app", id.as_i64()),
            Self::Account(id) => ("account", id.as_i64()),
        }
    }

    fn of(kind: &str, id: i64) -> Result<Self> {
        match kind {
            "key" => Ok(Self::Key(KeyId::from_i64(id))),
            "app" => Ok(Self::App(AppId::from_i64(id))),
            "account" => Ok(Self::Account(AccountId::from_i64(id))),
            _ => Err(Failure::Corrupt(format!("change of a `{kind}`"))),
        }
    }
}

/// The log of changes.
const TABLE: Table = Table {
    name: "change_log",
    columns: &[
        ("seq", "BIGINT"),
        ("api_id", "BIGINT"),
        ("kind", "TEXT"),
        ("subject_id", "BIGINT"),
        ("at", "BIGINT"),
    ],
    conflict: Conflict::Keep,
};

#[derive(Serialize)]
struct Line {
    seq: i64,
    api_id: i64,
    kind: &'static str,
    subject_id: i64,
    at: i64,
}

/// One change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its number.
    pub seq: i64,
    /// Of which API.
    pub api_id: ApiId,
    /// What changed.
    pub subject: Subject,
}

impl Tx {
    /// Writes that something changed, and its number. To be done last in a transaction: whoever else writes
    /// a change waits for its end.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn note_change(&mut self, api: ApiId, subject: Subject, at: Time) -> Result<i64> {
        self.note_changes(&[(api, subject)], at).await
    }

    /// As [`note_change`](Self::note_change), of several things; the last number.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn note_changes(&mut self, changes: &[(ApiId, Subject)], at: Time) -> Result<i64> {
        let count = i64::try_from(changes.len()).unwrap_or(i64::MAX);
        let sql = "INSERT INTO change_head (tenant_id, seq) VALUES ($1, $2) \
                   ON CONFLICT (tenant_id) DO UPDATE SET seq = change_head.seq + $2 RETURNING seq";
        let rows = self.fetch(sql, vec![self.tenant().into(), count.into()]).await?;
        let row = rows.first().ok_or_else(|| Failure::Corrupt("no head of changes".to_owned()))?;
        let last = row.cells().int()?;
        let line = |(seq, (api, subject)): (i64, &(ApiId, Subject))| {
            let (kind, subject_id) = subject.parts();
            Line { seq, api_id: api.as_i64(), kind, subject_id, at: at.as_micros() }
        };
        let lines: Vec<_> = (last - count + 1..).zip(changes).map(line).collect();
        self.write_all(&TABLE, &lines).await?;
        if count > 0 {
            self.notify(CHANNEL).await?;
        }
        Ok(last)
    }
}

impl Store {
    /// Hears of changes as they are committed, where the database tells them.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn listen_to_changes(&self) -> Result<Option<Listener>> {
        Ok(self.db.listen(CHANNEL).await?)
    }

    /// The number of the last change; 0 before the first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn change_head(&self) -> Result<i64> {
        let sql = "SELECT seq FROM change_head WHERE tenant_id = $1";
        let rows = self.db.fetch(sql, vec![self.tenant().into()]).await?;
        Ok(rows.first().map(|row| row.cells().int()).transpose()?.unwrap_or(0))
    }

    /// Some changes after number `after`, in their order.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn changes_after(&self, after: i64, limit: i64) -> Result<Vec<Change>> {
        let sql = "SELECT seq, api_id, kind, subject_id FROM change_log \
                   WHERE tenant_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";
        let values = vec![self.tenant().into(), after.into(), limit.into()];
        let rows = self.db.fetch(sql, values).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                let (seq, api_id) = (cells.int()?, ApiId::from_i64(cells.int()?));
                let kind = cells.text()?;
                Ok(Change { seq, api_id, subject: Subject::of(&kind, cells.int()?)? })
            })
            .collect()
    }
}
