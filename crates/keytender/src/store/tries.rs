//! How often somebody tried what they should know: a row each, on which all nodes agree.
//!
//! Each try costs a span of time, and `until` is the moment at which all of them are paid off, by the
//! database's clock: one number says how many there were lately (the generic cell rate algorithm).

use keytender_core::time::Span;

use super::db::Value;
use super::{Result, Store};

/// How many tries there may be.
#[derive(Clone, Copy, Debug)]
pub struct Allowed {
    /// How many at once after a pause, at least one.
    pub at_once: u32,
    /// How long until there may be another.
    pub each: Span,
}

impl Allowed {
    /// How far ahead the last try may be paid off before another one.
    const fn credit(self) -> i64 {
        self.each.as_micros().saturating_mul((self.at_once as i64).saturating_sub(1))
    }
}

impl Store {
    /// Counts a try of `who`. If it is one too many it is not counted: how long to wait.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn count_try(&self, who: &str, allowed: Allowed) -> Result<Option<Span>> {
        let mut tx = self.db.begin().await?;
        let sql = upsert(tx.now_sql(), &format!("WHERE tries.until <= {} + $4", tx.now_sql()));
        let mut values = self.values(who, allowed);
        values.push(allowed.credit().into());
        let is_counted = tx.execute(&sql, values).await? == 1;
        tx.commit().await?;
        match is_counted {
            true => Ok(None),
            // Between the two a moment passed: then the wait is over.
            false => Ok(Some(self.try_wait(who, allowed).await?.unwrap_or(Span::from_micros(0)))),
        }
    }

    /// Counts a try of `who` that was made, however many there were.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn note_try(&self, who: &str, allowed: Allowed) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let sql = upsert(tx.now_sql(), "");
        tx.execute(&sql, self.values(who, allowed)).await?;
        Ok(tx.commit().await?)
    }

    /// How long `who` must wait until another try; `None` if they need not.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn try_wait(&self, who: &str, allowed: Allowed) -> Result<Option<Span>> {
        let now = self.db.now_sql();
        let sql = format!("SELECT until - $3 - {now} FROM tries WHERE tenant_id = $1 AND who = $2");
        let values = vec![self.tenant().into(), who.into(), allowed.credit().into()];
        let rows = self.db.fetch(&sql, values).await?;
        let micros = rows.first().map(|row| row.cells().int()).transpose()?;
        Ok(micros.filter(|micros| *micros > 0).map(Span::from_micros))
    }

    fn values(&self, who: &str, allowed: Allowed) -> Vec<Value> {
        vec![self.tenant().into(), who.into(), allowed.each.as_micros().into()]
    }
}

fn upsert(now: &str, unless: &str) -> String {
    format!(
        "INSERT INTO tries (tenant_id, who, until) VALUES ($1, $2, {now} + $3) \
         ON CONFLICT (tenant_id, who) DO UPDATE SET until = $3 + \
         CASE WHEN tries.until > {now} THEN tries.until ELSE {now} END {unless}"
    )
}
