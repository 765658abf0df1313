//! Leases: who may do a thing that only one may do at a time.
//!
//! A lease is taken, renewed and given back by comparing and setting one row. Its end is a moment of
//! the database's clock, so that nodes with other clocks agree on it. Each new holder gets a larger
//! epoch: who was away for too long and comes back shows an old one, and [`Tx::holds`] refuses it
//! in the very transaction that would have written. The end of a lease only says when somebody else
//! may take it: until somebody did, it is still its holder's.

use keytender_core::time::Span;

use super::Result;
use super::db::Tx;

/// A lease that somebody holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// For what.
    pub name: String,
    /// Who: a name that no other process has, now or later.
    pub holder: String,
    /// How many holders there were, up to this one.
    pub epoch: i64,
}

impl Lease {
    /// The values `$2`, `$3` and `$4` of the statements below.
    fn values(&self, tenant: i64) -> Vec<super::db::Value> {
        vec![
            tenant.into(),
            self.name.as_str().into(),
            self.holder.as_str().into(),
            self.epoch.into(),
        ]
    }
}

impl Tx {
    /// Takes the lease `name` for `length`: if nobody has it, if it has ended, or if it is the
    /// holder's already. `None` if it is somebody else's.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn acquire_lease(
        &mut self,
        name: &str,
        holder: &str,
        length: Span,
    ) -> Result<Option<Lease>> {
        let now = self.now_sql();
        let sql = format!(
            "INSERT INTO leases (tenant_id, name, holder, epoch, until) \
             VALUES ($1, $2, $3, 1, {now} + $4) \
             ON CONFLICT (tenant_id, name) DO UPDATE SET holder = excluded.holder, \
             until = excluded.until, epoch = leases.epoch + \
             CASE WHEN leases.holder = excluded.holder THEN 0 ELSE 1 END \
             WHERE leases.holder = excluded.holder OR leases.until <= {now} RETURNING epoch"
        );
        let values =
            vec![self.tenant().into(), name.into(), holder.into(), length.as_micros().into()];
        let rows = self.fetch(&sql, values).await?;
        let epoch = rows.first().map(|row| row.cells().int()).transpose()?;
        let lease = |epoch| Lease { name: name.to_owned(), holder: holder.to_owned(), epoch };
        Ok(epoch.map(lease))
    }

    /// Whether the lease is still its holder's. Nobody else takes it before this transaction ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn holds(&mut self, lease: &Lease) -> Result<bool> {
        let sql = format!(
            "SELECT epoch FROM leases WHERE tenant_id = $1 AND name = $2 AND holder = $3 \
             AND epoch = $4 {}",
            self.lock_rows("leases")
        );
        Ok(!self.fetch(&sql, lease.values(self.tenant())).await?.is_empty())
    }

    /// Gives the lease back, if it is still its holder's: anybody may take it at once.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn release_lease(&mut self, lease: &Lease) -> Result<bool> {
        let sql = "UPDATE leases SET holder = '', until = 0 WHERE tenant_id = $1 AND name = $2 \
                   AND holder = $3 AND epoch = $4";
        Ok(self.execute(sql, lease.values(self.tenant())).await? > 0)
    }

    /// Lets the lease last for `length` from now on, and commits; false if it is somebody else's.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn renew_lease(mut self, lease: &Lease, length: Span) -> Result<bool> {
        let sql = format!(
            "UPDATE leases SET until = {} + $5 WHERE tenant_id = $1 AND name = $2 \
             AND holder = $3 AND epoch = $4",
            self.now_sql()
        );
        let mut values = lease.values(self.tenant());
        values.push(length.as_micros().into());
        let is_renewed = self.execute(&sql, values).await? > 0;
        self.commit().await?;
        Ok(is_renewed)
    }
}
