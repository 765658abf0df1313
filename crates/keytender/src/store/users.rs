//! Users: who may use Keytender, and what they may do.

use keytender_core::access::Role;
use keytender_core::id::{OwnerId, PrincipalId, UserId};
use keytender_core::time::Time;

use super::db::{Cells, Tx};
use super::{Failure, Result, Store};

/// A user.
#[derive(Clone, Debug)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// The name.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// The mail address, if one is known.
    pub address: Option<String>,
    /// Whose keys a user of the role `owner` sees.
    pub owner_id: Option<OwnerId>,
    /// The principal of our own account for whom the tokens are.
    pub principal_id: PrincipalId,
    /// Since when no token of the user works.
    pub suspended_at: Option<Time>,
    /// Since when the user is known.
    pub created_at: Time,
}

const COLUMNS: &str = "id, name, role, address, owner_id, principal_id, suspended_at, created_at";

fn user(mut cells: Cells<'_>) -> Result<User> {
    Ok(User {
        id: UserId::from_i64(cells.int()?),
        name: cells.text()?,
        role: role(&cells.text()?)?,
        address: cells.maybe_text()?,
        owner_id: cells.maybe_int()?.map(OwnerId::from_i64),
        principal_id: PrincipalId::from_i64(cells.int()?),
        suspended_at: cells.maybe_time()?,
        created_at: cells.time()?,
    })
}

/// The role that a word in the database means.
pub(super) fn role(word: &str) -> Result<Role> {
    Role::parse(word).ok_or_else(|| Failure::Corrupt(format!("role `{word}`")))
}

impl Tx {
    /// Adds a user.
    ///
    /// # Errors
    /// [`Failure::Exists`] if there is one of this name.
    pub async fn insert_user(&mut self, user: &User) -> Result<()> {
        let sql = format!(
            "INSERT INTO users (tenant_id, {COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        );
        let values = vec![
            self.tenant().into(),
            user.id.as_i64().into(),
            user.name.as_str().into(),
            user.role.as_str().into(),
            user.address.as_deref().into(),
            user.owner_id.map(OwnerId::as_i64).into(),
            user.principal_id.as_i64().into(),
            user.suspended_at.into(),
            user.created_at.into(),
        ];
        self.execute(&sql, values).await?;
        Ok(())
    }

    /// Writes a user's role, address, owner and suspension.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn update_user(&mut self, user: &User) -> Result<()> {
        let sql = "UPDATE users SET role = $3, address = $4, owner_id = $5, suspended_at = $6 \
                   WHERE tenant_id = $1 AND id = $2";
        let values = vec![
            self.tenant().into(),
            user.id.as_i64().into(),
            user.role.as_str().into(),
            user.address.as_deref().into(),
            user.owner_id.map(OwnerId::as_i64).into(),
            user.suspended_at.into(),
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Takes a user away, whose tokens were ended before.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remove_user(&mut self, id: UserId) -> Result<()> {
        for sql in [
            "DELETE FROM tokens WHERE tenant_id = $1 AND user_id = $2",
            "DELETE FROM sessions WHERE tenant_id = $1 AND user_id = $2",
            "DELETE FROM authenticators WHERE tenant_id = $1 AND user_id = $2",
            "DELETE FROM users WHERE tenant_id = $1 AND id = $2",
        ] {
            self.execute(sql, vec![self.tenant().into(), id.as_i64().into()]).await?;
        }
        Ok(())
    }

    /// The user of this name or id, whom nobody else changes before this transaction ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lock_user(&mut self, name: &str) -> Result<Option<User>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM users WHERE tenant_id = $1 AND (name = $2 OR id = $3) {}",
            self.lock_rows("users")
        );
        let id = name.parse::<UserId>().map_or(-1, UserId::as_i64);
        let rows = self.fetch(&sql, vec![self.tenant().into(), name.into(), id.into()]).await?;
        rows.first().map(|row| user(row.cells())).transpose()
    }

    /// How many users are administrators whose tokens work.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_administrators(&mut self) -> Result<i64> {
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM users \
                   WHERE tenant_id = $1 AND role = $2 AND suspended_at IS NULL";
        let values = vec![self.tenant().into(), Role::Administrator.as_str().into()];
        let rows = self.fetch(sql, values).await?;
        Ok(rows.first().map(|row| row.cells().int()).transpose()?.unwrap_or(0))
    }
}

impl Store {
    /// The user of this name or id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_user(&self, name: &str) -> Result<Option<User>> {
        let sql =
            format!("SELECT {COLUMNS} FROM users WHERE tenant_id = $1 AND (name = $2 OR id = $3)");
        let id = name.parse::<UserId>().map_or(-1, UserId::as_i64);
        let values = vec![self.tenant().into(), name.into(), id.into()];
        let rows = self.db.fetch(&sql, values).await?;
        rows.first().map(|row| user(row.cells())).transpose()
    }

    /// Every user, by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_users(&self) -> Result<Vec<User>> {
        let sql = format!("SELECT {COLUMNS} FROM users WHERE tenant_id = $1 ORDER BY name");
        let rows = self.db.fetch(&sql, vec![self.tenant().into()]).await?;
        rows.iter().map(|row| user(row.cells())).collect()
    }
}
