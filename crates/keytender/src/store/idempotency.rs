//! Requests that may come twice and are done once: what each was answered, sealed.

use keytender_core::id::KeyId;
use keytender_core::time::Time;

use super::db::Tx;
use super::{Failure, Result};

/// A request as it is recognised: who asked, the digest of the Idempotency-Key, and the digest of
/// what was asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The caller's token.
    pub key_id: KeyId,
    /// The digest of the Idempotency-Key.
    pub digest: String,
    /// The digest of method, path and body.
    pub request: String,
}

/// A request that came before.
#[derive(Clone, Debug)]
pub struct Earlier {
    /// The digest of what was asked for then.
    pub request: String,
    /// Status and sealed answer; `None` if there is none yet.
    pub answer: Option<(u16, String)>,
}

impl Tx {
    /// Notes that a request begins; or gives what is known of the one before.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn begin_request(&mut self, request: &Request, at: Time) -> Result<Option<Earlier>> {
        let sql = "INSERT INTO idempotency_keys (tenant_id, key_id, digest, request, created_at) \
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
        let values = vec![
            self.tenant().into(),
            request.key_id.as_i64().into(),
            request.digest.as_str().into(),
            request.request.as_str().into(),
            at.into(),
        ];
        if self.execute(sql, values).await? > 0 {
            return Ok(None);
        }
        let sql = "SELECT request, status, answer FROM idempotency_keys \
                   WHERE tenant_id = $1 AND key_id = $2 AND digest = $3";
        let values = vec![
            self.tenant().into(),
            request.key_id.as_i64().into(),
            request.digest.as_str().into(),
        ];
        let rows = self.fetch(sql, values).await?;
        let row = rows.first().ok_or_else(|| Failure::Corrupt("a request vanished".to_owned()))?;
        let mut cells = row.cells();
        let request = cells.text()?;
        let (status, answer) = (cells.maybe_int()?, cells.maybe_text()?);
        let status = status.and_then(|number| u16::try_from(number).ok());
        Ok(Some(Earlier { request, answer: status.zip(answer) }))
    }

    /// Writes how a request was answered; without an answer it may come again.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn end_request(
        &mut self,
        request: &Request,
        answer: Option<(u16, String)>,
    ) -> Result<()> {
        let mut values = vec![
            self.tenant().into(),
            request.key_id.as_i64().into(),
            request.digest.as_str().into(),
        ];
        let sql = match answer {
            None => {
                "DELETE FROM idempotency_keys \
                 WHERE tenant_id = $1 AND key_id = $2 AND digest = $3 AND status IS NULL"
            }
            Some((status, answer)) => {
                values.extend([i64::from(status).into(), answer.into()]);
                "UPDATE idempotency_keys SET status = $4, answer = $5 \
                 WHERE tenant_id = $1 AND key_id = $2 AND digest = $3"
            }
        };
        self.execute(sql, values).await?;
        Ok(())
    }
}
