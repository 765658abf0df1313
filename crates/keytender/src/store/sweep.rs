//! What is forgotten when it is old and says nothing any more.

use keytender_core::id::AccountId;
use keytender_core::time::Time;

use super::syncs::SIGHTINGS;
use super::{Result, Store};

impl Store {
    /// Forgets changes of keys that are older, and verifiers whose leases ended before. How many changes.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn sweep_changes(&self, before: Time) -> Result<u64> {
        let mut tx = self.db.begin().await?;
        let values = || vec![self.tenant().into(), before.into()];
        let sql = "DELETE FROM verifiers WHERE tenant_id = $1 AND valid_until < $2";
        tx.execute(sql, values()).await?;
        let sql = "DELETE FROM change_log WHERE tenant_id = $1 AND at < $2";
        let count = tx.execute(sql, values()).await?;
        tx.commit().await?;
        Ok(count)
    }

    /// Forgets the answers to requests from before `before`; how many.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn sweep_answers(&self, before: Time) -> Result<u64> {
        let mut tx = self.db.begin().await?;
        let sql = "DELETE FROM idempotency_keys WHERE tenant_id = $1 AND created_at < $2";
        let count = tx.execute(sql, vec![self.tenant().into(), before.into()]).await?;
        tx.commit().await?;
        Ok(count)
    }

    /// Forgets the looks at an account from before `before` that changed nothing; how many.
    ///
    /// Those stay of which a sync asks when a key was last seen, the latest ones; so does the last
    /// look of all.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn sweep_syncs(&self, account: AccountId, before: Time) -> Result<u64> {
        let mut tx = self.db.begin().await?;
        let sql = "DELETE FROM syncs WHERE tenant_id = $1 AND account_id = $2 AND changes = 0 \
                   AND started_at < $3 AND started_at < (SELECT seen.started_at FROM syncs seen \
                   WHERE seen.tenant_id = $1 AND seen.account_id = $2 \
                   AND seen.observed_at IS NOT NULL \
                   ORDER BY seen.started_at DESC LIMIT 1 OFFSET $4)";
        let values = vec![
            self.tenant().into(),
            account.as_i64().into(),
            before.into(),
            (SIGHTINGS - 1).into(),
        ];
        let count = tx.execute(sql, values).await?;
        tx.commit().await?;
        Ok(count)
    }
}
