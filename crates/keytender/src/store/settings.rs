//! Small facts about the installation, by name.

use super::db::Tx;
use super::{Result, Store};

impl Store {
    /// The value of `name`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_setting(&self, name: &str) -> Result<Option<String>> {
        let sql = "SELECT value FROM settings WHERE tenant_id = $1 AND name = $2";
        let rows = self.db.fetch(sql, vec![self.tenant().into(), name.into()]).await?;
        Ok(rows.first().map(|row| row.cells().text()).transpose()?)
    }

    /// Sets `name` to `value`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_setting(&self, name: &str, value: &str) -> Result<()> {
        let mut tx = self.db.begin().await?;
        tx.put_setting(name, value).await?;
        Ok(tx.commit().await?)
    }
}

impl Tx {
    /// Sets `name` to `value`; nobody else sets it before this transaction ends.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_setting(&mut self, name: &str, value: &str) -> Result<()> {
        let sql = "INSERT INTO settings (tenant_id, name, value) VALUES ($1, $2, $3) \
                   ON CONFLICT (tenant_id, name) DO UPDATE SET value = excluded.value";
        self.execute(sql, vec![self.tenant().into(), name.into(), value.into()]).await?;
        Ok(())
    }

    /// The value of `name` within this transaction, which nobody else sets before it ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lock_setting(&mut self, name: &str) -> Result<Option<String>> {
        let sql = format!(
            "SELECT value FROM settings WHERE tenant_id = $1 AND name = $2 {}",
            self.lock_rows("settings")
        );
        let rows = self.fetch(&sql, vec![self.tenant().into(), name.into()]).await?;
        Ok(rows.first().map(|row| row.cells().text()).transpose()?)
    }
}
