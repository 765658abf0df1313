//! How users have signed in: what they have for it, and when they last did.

use keytender_core::id::{PrincipalId, UserId};
use keytender_core::time::Time;

use super::db::Cells;
use super::{Result, Store};

/// What is known of how a user signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignIns {
    /// Whose it is.
    pub user_id: UserId,
    /// The principal of our own account that stands for the user.
    pub principal_id: PrincipalId,
    /// Since when there is a password.
    pub password_at: Option<Time>,
    /// When it was last used.
    pub password_used_at: Option<Time>,
    /// Whether there is more than a password to sign in by: codes, or a passkey.
    pub has_second_factor: bool,
    /// When the user last signed in, in whichever way.
    pub last_at: Option<Time>,
}

const OF_EVERYBODY: &str = "SELECT u.id, u.principal_id, \
    (SELECT MAX(a.created_at) FROM authenticators a \
     WHERE a.tenant_id = u.tenant_id AND a.user_id = u.id AND a.kind = 'password'), \
    (SELECT MAX(a.used_at) FROM authenticators a \
     WHERE a.tenant_id = u.tenant_id AND a.user_id = u.id AND a.kind = 'password'), \
    (SELECT CAST(COUNT(*) AS BIGINT) FROM authenticators a \
     WHERE a.tenant_id = u.tenant_id AND a.user_id = u.id AND a.kind IN ('totp', 'passkey')), \
    (SELECT MAX(a.used_at) FROM authenticators a \
     WHERE a.tenant_id = u.tenant_id AND a.user_id = u.id), \
    (SELECT MAX(s.created_at) FROM sessions s \
     WHERE s.tenant_id = u.tenant_id AND s.user_id = u.id) \
    FROM users u WHERE u.tenant_id = $1 ORDER BY u.id";

fn sign_ins(mut cells: Cells<'_>) -> Result<SignIns> {
    let user_id = UserId::from_i64(cells.int()?);
    let principal_id = PrincipalId::from_i64(cells.int()?);
    let (password_at, password_used_at) = (cells.maybe_time()?, cells.maybe_time()?);
    let has_second_factor = cells.int()? > 0;
    let (used_at, signed_at) = (cells.maybe_time()?, cells.maybe_time()?);
    let last_at = used_at.max(signed_at);
    Ok(SignIns { user_id, principal_id, password_at, password_used_at, has_second_factor, last_at })
}

impl Store {
    /// How each user signs in, by their ids.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_sign_ins(&self) -> Result<Vec<SignIns>> {
        let rows = self.db.fetch(OF_EVERYBODY, vec![self.tenant().into()]).await?;
        rows.iter().map(|row| sign_ins(row.cells())).collect()
    }
}
