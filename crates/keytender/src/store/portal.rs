//! The key page of customers: the links that open it once, and where it is open.

use keytender_core::id::{AccountId, SessionId};
use keytender_core::time::Time;
use serde::{Deserialize, Serialize};

use super::bulk::{json, parsed};
use super::db::{Cells, Tx};
use super::{Result, Store};

/// What was asked for with a link, and holds for what it opens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Who of the customer it is for, in the provider's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// Which user asked for it to look at the page as the customer; nobody, if it is for the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff: Option<String>,
    /// Where whoever is done goes back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
    /// Whether nothing can be changed.
    #[serde(default)]
    pub is_read_only: bool,
}

/// A link that opens the key page once.
#[derive(Clone, Debug)]
pub struct PortalLink {
    /// The SHA-256 of what stands in it, in hexadecimal.
    pub digest: String,
    /// Whose inventory it is in.
    pub tenant: i64,
    /// The customer.
    pub account_id: AccountId,
    /// What was asked for.
    pub asked: Asked,
    /// Whether it was used.
    pub is_used: bool,
    /// Until when it can be.
    pub ends_at: Time,
}

/// A browser in which the key page is open.
#[derive(Clone, Debug)]
pub struct PortalSession {
    /// The id.
    pub id: SessionId,
    /// The SHA-256 of what the cookie holds, in hexadecimal.
    pub digest: String,
    /// Whose inventory it is in.
    pub tenant: i64,
    /// The customer.
    pub account_id: AccountId,
    /// What was asked for with the link.
    pub asked: Asked,
    /// When it was last used, as far as it is written.
    pub used_at: Time,
    /// When it ends at the latest.
    pub ends_at: Time,
}

fn asked(cells: &mut Cells<'_>) -> Result<Asked> {
    parsed(&cells.text()?, "what was asked for with a link to a key page")
}

impl Tx {
    /// Keeps a link.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_portal_link(&mut self, link: &PortalLink) -> Result<()> {
        let sql = "INSERT INTO portal_links (digest, tenant_id, account_id, asked, used, ends_at) \
                   VALUES ($1, $2, $3, $4, 0, $5)";
        let values = vec![
            link.digest.as_str().into(),
            self.tenant().into(),
            link.account_id.as_i64().into(),
            json(&link.asked)?.into(),
            link.ends_at.into(),
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Uses a link up; whether it was there, not used and not too old.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn use_portal_link(&mut self, digest: &str, now: Time) -> Result<bool> {
        let sql = "UPDATE portal_links SET used = 1 \
                   WHERE tenant_id = $1 AND digest = $2 AND used = 0 AND ends_at > $3";
        Ok(self.execute(sql, vec![self.tenant().into(), digest.into(), now.into()]).await? == 1)
    }

    /// Adds a session.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_portal_session(&mut self, one: &PortalSession) -> Result<()> {
        let sql = "INSERT INTO portal_sessions (id, digest, tenant_id, account_id, asked, used_at, \
                   ends_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let values = vec![
            one.id.as_i64().into(),
            one.digest.as_str().into(),
            self.tenant().into(),
            one.account_id.as_i64().into(),
            json(&one.asked)?.into(),
            one.used_at.into(),
            one.ends_at.into(),
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Notes that a session was used.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn use_portal_session(&mut self, id: SessionId, now: Time) -> Result<()> {
        let sql = "UPDATE portal_sessions SET used_at = $3 WHERE tenant_id = $1 AND id = $2";
        self.execute(sql, vec![self.tenant().into(), id.as_i64().into(), now.into()]).await?;
        Ok(())
    }

    /// Ends a session; it is kept, so that its browser is told.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn end_portal_session(&mut self, id: SessionId, now: Time) -> Result<()> {
        let sql = "UPDATE portal_sessions SET ends_at = $3 \
                   WHERE tenant_id = $1 AND id = $2 AND ends_at > $3";
        self.execute(sql, vec![self.tenant().into(), id.as_i64().into(), now.into()]).await?;
        Ok(())
    }
}

impl Store {
    /// The link in which stands what has this digest; of whichever tenant, used or too old.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_portal_link(&self, digest: &str) -> Result<Option<PortalLink>> {
        let sql = "SELECT tenant_id, account_id, asked, used, ends_at FROM portal_links \
                   WHERE digest = $1";
        let rows = self.db.fetch(sql, vec![digest.into()]).await?;
        let link = |mut cells: Cells<'_>| {
            Ok(PortalLink {
                digest: digest.to_owned(),
                tenant: cells.int()?,
                account_id: AccountId::from_i64(cells.int()?),
                asked: asked(&mut cells)?,
                is_used: cells.int()? != 0,
                ends_at: cells.time()?,
            })
        };
        rows.first().map(|row| link(row.cells())).transpose()
    }

    /// The session whose cookie holds what has this digest; of whichever tenant, also one that ended.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_portal_session(&self, digest: &str) -> Result<Option<PortalSession>> {
        let sql = "SELECT id, tenant_id, account_id, asked, used_at, ends_at FROM portal_sessions \
                   WHERE digest = $1";
        let rows = self.db.fetch(sql, vec![digest.into()]).await?;
        let session = |mut cells: Cells<'_>| {
            Ok(PortalSession {
                id: SessionId::from_i64(cells.int()?),
                digest: digest.to_owned(),
                tenant: cells.int()?,
                account_id: AccountId::from_i64(cells.int()?),
                asked: asked(&mut cells)?,
                used_at: cells.time()?,
                ends_at: cells.time()?,
            })
        };
        rows.first().map(|row| session(row.cells())).transpose()
    }

    /// Forgets links and sessions of key pages that ended before `before`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn sweep_portal(&self, before: Time) -> Result<u64> {
        let mut tx = self.db.begin().await?;
        let mut count = 0;
        for sql in [
            "DELETE FROM portal_links WHERE tenant_id = $1 AND ends_at < $2",
            "DELETE FROM portal_sessions WHERE tenant_id = $1 AND ends_at < $2",
        ] {
            count += tx.execute(sql, vec![self.tenant().into(), before.into()]).await?;
        }
        tx.commit().await?;
        Ok(count)
    }
}
