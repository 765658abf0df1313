//! What works once and not for long: links to enter by, challenges, sign-ins half done. It is found by
//! the digest of what whoever comes must show.

use keytender_core::time::Time;

use super::db::Tx;
use super::{Result, Store};

impl Tx {
    /// Keeps what works once: `digest` is of what must be shown.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_one_time(
        &mut self,
        kind: &str,
        digest: &str,
        data: &str,
        ends_at: Time,
    ) -> Result<()> {
        let sql = "INSERT INTO one_time (tenant_id, kind, digest, data, ends_at) \
                   VALUES ($1, $2, $3, $4, $5)";
        let values =
            vec![self.tenant().into(), kind.into(), digest.into(), data.into(), ends_at.into()];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Takes what works once; `None` if it is not there, was used, or ended.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn take_one_time(
        &mut self,
        kind: &str,
        digest: &str,
        now: Time,
    ) -> Result<Option<String>> {
        let sql = "DELETE FROM one_time WHERE tenant_id = $1 AND kind = $2 AND digest = $3 \
                   AND ends_at > $4 RETURNING data";
        let values = vec![self.tenant().into(), kind.into(), digest.into(), now.into()];
        let rows = self.fetch(sql, values).await?;
        Ok(rows.first().map(|row| row.cells().text()).transpose()?)
    }
}

impl Store {
    /// What works once, without taking it; `None` if it is not there, was used, or ended.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_one_time(
        &self,
        kind: &str,
        digest: &str,
        now: Time,
    ) -> Result<Option<String>> {
        let sql = "SELECT data FROM one_time WHERE tenant_id = $1 AND kind = $2 AND digest = $3 \
                   AND ends_at > $4";
        let values = vec![self.tenant().into(), kind.into(), digest.into(), now.into()];
        let rows = self.db.fetch(sql, values).await?;
        Ok(rows.first().map(|row| row.cells().text()).transpose()?)
    }
}
