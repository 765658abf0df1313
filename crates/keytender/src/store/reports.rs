//! Credential reports that are kept. They hold no secret.

use keytender_core::id::ReportId;
use keytender_core::time::Time;

use super::db::{Row, Tx};
use super::{Result, Store};

/// A credential report that is kept, without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptReport {
    /// Its id.
    pub id: ReportId,
    /// When it was made.
    pub made_at: Time,
    /// By whom.
    pub made_by: String,
    /// Whether it was made by the schedule.
    pub is_scheduled: bool,
    /// How long it is, in bytes.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub digest: String,
}

fn kept(row: &Row) -> Result<KeptReport> {
    let mut cells = row.cells();
    Ok(KeptReport {
        id: ReportId::from_i64(cells.int()?),
        made_at: cells.time()?,
        made_by: cells.text()?,
        is_scheduled: cells.int()? != 0,
        bytes: u64::try_from(cells.int()?).unwrap_or(0),
        digest: cells.text()?,
    })
}

impl Store {
    /// Those that are kept, the newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_reports(&self) -> Result<Vec<KeptReport>> {
        let sql = "SELECT id, made_at, made_by, scheduled, bytes, digest FROM credential_reports \
                   WHERE tenant_id = $1 ORDER BY made_at DESC, id DESC";
        let rows = self.db.fetch(sql, vec![self.tenant().into()]).await?;
        rows.iter().map(kept).collect()
    }

    /// The text of one; empty if it is gone.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn report_text(&self, id: ReportId) -> Result<String> {
        let sql = "SELECT p.text FROM credential_report_pieces p \
                   JOIN credential_reports r ON r.id = p.report_id \
                   WHERE r.tenant_id = $1 AND r.id = $2 ORDER BY p.number";
        let rows = self.db.fetch(sql, vec![self.tenant().into(), id.as_i64().into()]).await?;
        let mut text = String::new();
        for row in &rows {
            text.push_str(&row.cells().text()?);
        }
        Ok(text)
    }
}

impl Tx {
    /// Keeps a report, in pieces.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_report(&mut self, report: &KeptReport, pieces: &[&str]) -> Result<()> {
        let sql = "INSERT INTO credential_reports \
                   (id, tenant_id, made_at, made_by, scheduled, bytes, digest) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let values = vec![
            report.id.as_i64().into(),
            self.tenant().into(),
            report.made_at.into(),
            report.made_by.as_str().into(),
            i64::from(report.is_scheduled).into(),
            i64::try_from(report.bytes).unwrap_or(i64::MAX).into(),
            report.digest.as_str().into(),
        ];
        self.execute(sql, values).await?;
        let sql =
            "INSERT INTO credential_report_pieces (report_id, number, text) VALUES ($1, $2, $3)";
        for (number, piece) in (0_i64..).zip(pieces) {
            let values = vec![report.id.as_i64().into(), number.into(), (*piece).into()];
            self.execute(sql, values).await?;
        }
        Ok(())
    }

    /// Forgets reports that are older, and all but the newest `most`; how many.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn forget_reports(&mut self, before: Time, most: i64) -> Result<u64> {
        let sql = "DELETE FROM credential_reports WHERE tenant_id = $1 AND (made_at < $2 OR id IN \
                   (SELECT id FROM credential_reports WHERE tenant_id = $1 \
                   ORDER BY made_at DESC, id DESC LIMIT 1000000 OFFSET $3))";
        let values = vec![self.tenant().into(), before.into(), most.into()];
        Ok(self.execute(sql, values).await?)
    }
}
