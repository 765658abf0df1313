//! What the tasks of servers do: one row each, with its last run, its next one and its errors.
//!
//! Whoever runs a task holds the lease of the same name. A run begins in the transaction that takes
//! the lease and ends in the one that gives it back, so that nobody runs what somebody else has just
//! run, and whoever lost the lease says nothing of the run. All moments are the database's.

use keytender_core::id::AccountId;
use keytender_core::time::{Span, Time};
use serde::Serialize;

use super::bulk::{Conflict, Table};
use super::db::Tx;
use super::leases::Lease;
use super::{Result, Store};

/// How a task stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its name, which is its lease's too.
    pub name: String,
    /// When its last run began.
    pub started_at: Option<Time>,
    /// When its last run ended.
    pub finished_at: Option<Time>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Why it failed.
    pub error: Option<String>,
    /// How many runs have failed since the last that did not.
    pub failures: u32,
    /// When it is to run next.
    pub next_at: Time,
    /// Whether somebody asked for a run that was not made yet.
    pub is_asked: bool,
    /// Who runs it now.
    pub holder: Option<String>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did all that was to be done.
    Done,
    /// It could not.
    Failed,
    /// Its node was told to stop, and the rest is for the next run.
    Stopped,
}

impl Outcome {
    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }

    fn parse(word: &str) -> Result<Self> {
        [Self::Done, Self::Failed, Self::Stopped]
            .into_iter()
            .find(|outcome| outcome.as_str() == word)
            .ok_or_else(|| super::Failure::Corrupt(format!("outcome `{word}`")))
    }
}

/// A task that is to run now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Its name.
    pub name: String,
    /// Whether somebody asked for it.
    pub is_asked: bool,
}

/// A run that has begun.
#[derive(Clone, Debug)]
pub struct Run {
    /// The right to it.
    pub lease: Lease,
    /// How many runs had failed before it.
    pub failures: u32,
    /// Whether somebody asked for it.
    pub is_asked: bool,
    /// How many times runs were asked for, all told: it answers those.
    asked: i64,
}

/// How a run ended, and when the next one is.
#[derive(Clone, Debug)]
pub struct End {
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed.
    pub error: Option<String>,
    /// How long the task rests.
    pub rest: Span,
}

/// The name of the task that asks an account for its keys.
pub fn sync_of(account: AccountId) -> String {
    format!("sync:{account}")
}

const TASKS: Table = Table {
    name: "tasks",
    columns: &[
        ("name", "TEXT"),
        ("failures", "BIGINT"),
        ("next_at", "BIGINT"),
        ("asked", "BIGINT"),
        ("heard", "BIGINT"),
    ],
    conflict: Conflict::Keep,
};

#[derive(Serialize)]
struct Line<'t> {
    name: &'t str,
    failures: i64,
    next_at: i64,
    asked: i64,
    heard: i64,
}

impl Tx {
    /// Adds tasks that are to run at once; those that are known stay as they are.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn add_tasks(&mut self, names: &[String]) -> Result<()> {
        let line = |name| Line { name, failures: 0, next_at: 0, asked: 0, heard: 0 };
        let lines: Vec<_> = names.iter().map(|name| line(name.as_str())).collect();
        self.write_all(&TASKS, &lines).await
    }

    /// Lets a task that rests after a run without a failure do so for `rest` at the longest.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn shorten_rest(&mut self, pattern: &str, rest: Span) -> Result<()> {
        let sql = format!(
            "UPDATE tasks SET next_at = {now} + $3 WHERE tenant_id = $1 AND name LIKE $2 \
             AND failures = 0 AND next_at > {now} + $3",
            now = self.now_sql()
        );
        let values = vec![self.tenant().into(), pattern.into(), rest.as_micros().into()];
        self.execute(&sql, values).await?;
        Ok(())
    }

    /// Takes a task away, whoever runs it: that run cannot write any more.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remove_task(&mut self, name: &str) -> Result<()> {
        for sql in [
            "DELETE FROM leases WHERE tenant_id = $1 AND name = $2",
            "DELETE FROM tasks WHERE tenant_id = $1 AND name = $2",
        ] {
            self.execute(sql, vec![self.tenant().into(), name.into()]).await?;
        }
        Ok(())
    }

    /// Begins a run of the task `name` under a lease of `length`, and commits. `None` if somebody
    /// else runs it, or has just done so, or nobody knows it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn begin_run(
        mut self,
        name: &str,
        holder: &str,
        length: Span,
    ) -> Result<Option<Run>> {
        let Some(lease) = self.acquire_lease(name, holder, length).await? else { return Ok(None) };
        let sql = format!(
            "UPDATE tasks SET started_at = {now} WHERE tenant_id = $1 AND name = $2 \
             AND (next_at <= {now} OR asked > heard) \
             RETURNING failures, asked, asked - heard",
            now = self.now_sql()
        );
        let rows = self.fetch(&sql, vec![self.tenant().into(), name.into()]).await?;
        // Without the commit the lease is not taken either.
        let Some(row) = rows.first() else { return Ok(None) };
        let mut cells = row.cells();
        let run = Run {
            lease,
            failures: u32::try_from(cells.int()?).unwrap_or(u32::MAX),
            asked: cells.int()?,
            is_asked: cells.int()? > 0,
        };
        self.commit().await?;
        Ok(Some(run))
    }
}

impl Store {
    /// How every task stands, by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_tasks(&self) -> Result<Vec<Task>> {
        let sql = format!(
            "SELECT t.name, t.started_at, t.finished_at, t.outcome, t.error, t.failures, t.next_at, \
             t.asked - t.heard, l.holder \
             FROM tasks t LEFT JOIN leases l ON l.tenant_id = t.tenant_id AND l.name = t.name \
             AND l.until > {} WHERE t.tenant_id = $1 ORDER BY t.name",
            self.db.now_sql()
        );
        let rows = self.db.fetch(&sql, vec![self.tenant().into()]).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                Ok(Task {
                    name: cells.text()?,
                    started_at: cells.maybe_time()?,
                    finished_at: cells.maybe_time()?,
                    outcome: cells.maybe_text()?.as_deref().map(Outcome::parse).transpose()?,
                    error: cells.maybe_text()?,
                    failures: u32::try_from(cells.int()?).unwrap_or(u32::MAX),
                    next_at: cells.time()?,
                    is_asked: cells.int()? > 0,
                    holder: cells.maybe_text()?,
                })
            })
            .collect()
    }

    /// The tasks that are to run now and that nobody runs; those that wait longest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn due_tasks(&self) -> Result<Vec<Due>> {
        let sql = format!(
            "SELECT t.name, t.asked - t.heard \
             FROM tasks t WHERE t.tenant_id = $1 \
             AND (t.next_at <= {now} OR t.asked > t.heard) AND NOT EXISTS \
             (SELECT 1 FROM leases l WHERE l.tenant_id = t.tenant_id AND l.name = t.name \
             AND l.until > {now}) ORDER BY t.next_at, t.name",
            now = self.db.now_sql()
        );
        let rows = self.db.fetch(&sql, vec![self.tenant().into()]).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                Ok(Due { name: cells.text()?, is_asked: cells.int()? > 0 })
            })
            .collect()
    }

    /// Asks for a run of the tasks whose names are like `pattern`, on whichever node.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn ask_for_runs(&self, pattern: &str) -> Result<u64> {
        let mut tx = self.db.begin().await?;
        let sql = "UPDATE tasks SET asked = asked + 1 WHERE tenant_id = $1 AND name LIKE $2";
        let count = tx.execute(sql, vec![self.tenant().into(), pattern.into()]).await?;
        tx.commit().await?;
        Ok(count)
    }

    /// Ends a run and gives its lease back. False, and nothing is written, if the lease is somebody
    /// else's by now.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn end_run(&self, run: &Run, end: &End) -> Result<bool> {
        let mut tx = self.db.begin().await?;
        if !tx.release_lease(&run.lease).await? {
            return Ok(false);
        }
        let (failures, heard) = match end.outcome {
            Outcome::Done => (0, Some(run.asked)),
            Outcome::Failed => (i64::from(run.failures).saturating_add(1), Some(run.asked)),
            // What was asked for is still to be done.
            Outcome::Stopped => (i64::from(run.failures), None),
        };
        let sql = format!(
            "UPDATE tasks SET finished_at = {now}, outcome = $3, error = $4, failures = $5, \
             next_at = {now} + $6, heard = COALESCE($7, heard) \
             WHERE tenant_id = $1 AND name = $2",
            now = tx.now_sql()
        );
        let values = vec![
            self.tenant().into(),
            run.lease.name.as_str().into(),
            end.outcome.as_str().into(),
            end.error.as_deref().into(),
            failures.into(),
            end.rest.as_micros().into(),
            heard.into(),
        ];
        tx.execute(&sql, values).await?;
        tx.commit().await?;
        Ok(true)
    }
}
