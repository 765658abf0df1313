//! Sessions: browsers in which somebody is signed in.

use keytender_core::access::Role;
use keytender_core::id::{OwnerId, SessionId, UserId};
use keytender_core::time::Time;

use super::db::{Cells, Tx};
use super::{Result, Store, users};

/// A browser in which somebody is signed in.
#[derive(Clone, Debug)]
pub struct Session {
    /// The id.
    pub id: SessionId,
    /// The SHA-256 of what the cookie holds, in hexadecimal.
    pub digest: String,
    /// Of what it held before.
    pub previous: Option<String>,
    /// Since when it holds what it holds.
    pub turned_at: Time,
    /// Who it is, if a user.
    pub user_id: Option<UserId>,
    /// Who it is, if an owner who followed a mailed link.
    pub owner_id: Option<OwnerId>,
    /// How they signed in.
    pub how: String,
    /// From where.
    pub address: String,
    /// With which browser.
    pub agent: String,
    /// When.
    pub created_at: Time,
    /// When it was last used, as far as it is written.
    pub used_at: Time,
    /// When it ends at the latest.
    pub ends_at: Time,
}

/// A session that somebody shows, and who it is.
#[derive(Clone, Debug)]
pub struct ShownSession {
    /// Whose inventory it opens.
    pub tenant: i64,
    /// The session.
    pub session: Session,
    /// The user's name, role, the owner whose keys they see, and since when they are suspended.
    pub user: Option<(String, Role, Option<OwnerId>, Option<Time>)>,
    /// The owner's name.
    pub owner: Option<String>,
}

const COLUMNS: &str = "s.id, s.digest, s.previous, s.turned_at, s.user_id, s.owner_id, s.how, \
                       s.address, s.agent, s.created_at, s.used_at, s.ends_at";

fn session(cells: &mut Cells<'_>) -> Result<Session> {
    Ok(Session {
        id: SessionId::from_i64(cells.int()?),
        digest: cells.text()?,
        previous: cells.maybe_text()?,
        turned_at: cells.time()?,
        user_id: cells.maybe_int()?.map(UserId::from_i64),
        owner_id: cells.maybe_int()?.map(OwnerId::from_i64),
        how: cells.text()?,
        address: cells.text()?,
        agent: cells.text()?,
        created_at: cells.time()?,
        used_at: cells.time()?,
        ends_at: cells.time()?,
    })
}

impl Tx {
    /// Adds a session.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_session(&mut self, one: &Session) -> Result<()> {
        let sql = "INSERT INTO sessions (tenant_id, id, digest, previous, turned_at, user_id, \
                   owner_id, how, address, agent, created_at, used_at, ends_at) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
        let values = vec![
            self.tenant().into(),
            one.id.as_i64().into(),
            one.digest.as_str().into(),
            one.previous.as_deref().into(),
            one.turned_at.into(),
            one.user_id.map(UserId::as_i64).into(),
            one.owner_id.map(OwnerId::as_i64).into(),
            one.how.as_str().into(),
            one.address.as_str().into(),
            one.agent.as_str().into(),
            one.created_at.into(),
            one.used_at.into(),
            one.ends_at.into(),
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Gives a session something else to hold; whether it still held what it did.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn turn_session(
        &mut self,
        id: SessionId,
        held: &str,
        digest: &str,
        now: Time,
    ) -> Result<bool> {
        let sql = "UPDATE sessions SET previous = digest, digest = $4, turned_at = $5 \
                   WHERE tenant_id = $1 AND id = $2 AND digest = $3";
        let values =
            vec![self.tenant().into(), id.as_i64().into(), held.into(), digest.into(), now.into()];
        Ok(self.execute(sql, values).await? == 1)
    }

    /// Notes that a session was used.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn use_session(&mut self, id: SessionId, now: Time) -> Result<()> {
        let sql = "UPDATE sessions SET used_at = $3 WHERE tenant_id = $1 AND id = $2";
        self.execute(sql, vec![self.tenant().into(), id.as_i64().into(), now.into()]).await?;
        Ok(())
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remove_session(&mut self, id: SessionId) -> Result<()> {
        let sql = "DELETE FROM sessions WHERE tenant_id = $1 AND id = $2";
        self.execute(sql, vec![self.tenant().into(), id.as_i64().into()]).await?;
        Ok(())
    }

    /// Ends every session of a user, but not `kept`; how many.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remove_sessions(&mut self, user: UserId, kept: Option<SessionId>) -> Result<u64> {
        let sql = "DELETE FROM sessions WHERE tenant_id = $1 AND user_id = $2 AND id <> $3";
        let kept = kept.map_or(-1, SessionId::as_i64);
        Ok(self.execute(sql, vec![self.tenant().into(), user.as_i64().into(), kept.into()]).await?)
    }
}

impl Store {
    /// The session whose cookie holds, or held before, what has this digest; of whichever tenant.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_session(&self, digest: &str) -> Result<Option<ShownSession>> {
        let sql = format!(
            "SELECT s.tenant_id, {COLUMNS}, u.name, u.role, u.owner_id, u.suspended_at, o.name \
             FROM sessions s LEFT JOIN users u ON u.id = s.user_id \
             LEFT JOIN owners o ON o.id = s.owner_id WHERE s.digest = $1 OR s.previous = $1"
        );
        let rows = self.db.fetch(&sql, vec![digest.into()]).await?;
        rows.first().map(|row| shown(row.cells())).transpose()
    }

    /// The sessions of a user, the newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_sessions(&self, user: UserId) -> Result<Vec<Session>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM sessions s WHERE s.tenant_id = $1 AND s.user_id = $2 \
             ORDER BY s.created_at DESC"
        );
        let rows = self.db.fetch(&sql, vec![self.tenant().into(), user.as_i64().into()]).await?;
        rows.iter().map(|row| session(&mut row.cells())).collect()
    }

    /// Forgets sessions, and what works once, that ended before `now`; how many.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn sweep_sessions(&self, now: Time) -> Result<u64> {
        let mut tx = self.db.begin().await?;
        let mut count = 0;
        for sql in [
            "DELETE FROM sessions WHERE tenant_id = $1 AND ends_at < $2",
            "DELETE FROM one_time WHERE tenant_id = $1 AND ends_at < $2",
            "DELETE FROM tries WHERE tenant_id = $1 AND until < $2",
        ] {
            count += tx.execute(sql, vec![self.tenant().into(), now.into()]).await?;
        }
        tx.commit().await?;
        Ok(count)
    }
}

fn shown(mut cells: Cells<'_>) -> Result<ShownSession> {
    let tenant = cells.int()?;
    let session = session(&mut cells)?;
    let (name, role) = (cells.maybe_text()?, cells.maybe_text()?);
    let (owner_id, suspended_at) = (cells.maybe_int()?, cells.maybe_time()?);
    let user = match (name, role) {
        (Some(name), Some(role)) => {
            Some((name, users::role(&role)?, owner_id.map(OwnerId::from_i64), suspended_at))
        }
        _ => None,
    };
    Ok(ShownSession { tenant, session, user, owner: cells.maybe_text()? })
}
