//! Authenticators: what users prove themselves by when they sign in.

use keytender_core::id::{AuthenticatorId, UserId};
use keytender_core::time::Time;

use super::db::{Cells, Tx};
use super::{Failure, Result, Store};

/// What kind of proof it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthenticatorKind {
    /// A password; one a user.
    Password,
    /// Codes that change with the time (RFC 6238); one a user.
    Totp,
    /// A passkey (WebAuthn).
    Passkey,
    /// An account at an OpenID provider.
    Openid,
}

impl AuthenticatorKind {
    const ALL: [Self; 4] = [Self::Password, Self::Totp, Self::Passkey, Self::Openid];

    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Totp => "totp",
            Self::Passkey => "passkey",
            Self::Openid => "openid",
        }
    }

    /// Whether it signs its user in by itself.
    pub const fn is_way_in(self) -> bool {
        !matches!(self, Self::Totp)
    }
}

/// Something by which a user proves who they are.
#[derive(Clone, Debug)]
pub struct Authenticator {
    /// The id.
    pub id: AuthenticatorId,
    /// Whose it is.
    pub user_id: UserId,
    /// What kind of proof it is.
    pub kind: AuthenticatorKind,
    /// What tells it apart from others of its kind.
    pub name: String,
    /// What its user calls it.
    pub label: String,
    /// What is needed to check it; never the secret in clear.
    pub data: String,
    /// A count that only grows, against being used twice.
    pub step: i64,
    /// Since when it is there, or its secret last changed.
    pub created_at: Time,
    /// When it was last used.
    pub used_at: Option<Time>,
}

impl Authenticator {
    /// The OpenID provider of which this is an account: the name is its issuer, and its word for the user.
    pub fn issuer(&self) -> Option<&str> {
        let is_elsewhere = self.kind == AuthenticatorKind::Openid;
        self.name.split_once(' ').filter(|_| is_elsewhere).map(|(issuer, _)| issuer)
    }
}

const COLUMNS: &str = "id, user_id, kind, name, label, data, step, created_at, used_at";

fn authenticator(mut cells: Cells<'_>) -> Result<Authenticator> {
    Ok(Authenticator {
        id: AuthenticatorId::from_i64(cells.int()?),
        user_id: UserId::from_i64(cells.int()?),
        kind: kind(&cells.text()?)?,
        name: cells.text()?,
        label: cells.text()?,
        data: cells.text()?,
        step: cells.int()?,
        created_at: cells.time()?,
        used_at: cells.maybe_time()?,
    })
}

fn kind(word: &str) -> Result<AuthenticatorKind> {
    let found = AuthenticatorKind::ALL.into_iter().find(|known| known.as_str() == word);
    found.ok_or_else(|| Failure::Corrupt(format!("authenticator `{word}`")))
}

impl Tx {
    /// Adds an authenticator; one of the same kind and name of the same user is replaced.
    ///
    /// # Errors
    /// [`Failure::Exists`] when it is somebody else's.
    pub async fn put_authenticator(&mut self, one: &Authenticator) -> Result<()> {
        let sql = "DELETE FROM authenticators \
                   WHERE tenant_id = $1 AND kind = $2 AND name = $3 AND user_id = $4";
        let values = vec![
            self.tenant().into(),
            one.kind.as_str().into(),
            one.name.as_str().into(),
            one.user_id.as_i64().into(),
        ];
        self.execute(sql, values).await?;
        let sql = format!(
            "INSERT INTO authenticators (tenant_id, {COLUMNS}) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        );
        let values = vec![
            self.tenant().into(),
            one.id.as_i64().into(),
            one.user_id.as_i64().into(),
            one.kind.as_str().into(),
            one.name.as_str().into(),
            one.label.as_str().into(),
            one.data.as_str().into(),
            one.step.into(),
            one.created_at.into(),
            one.used_at.into(),
        ];
        self.execute(&sql, values).await?;
        Ok(())
    }

    /// Notes that an authenticator was used at step `step`; whether it was not used there before.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn use_authenticator(
        &mut self,
        id: AuthenticatorId,
        step: i64,
        now: Time,
    ) -> Result<bool> {
        let sql = "UPDATE authenticators SET step = $3, used_at = $4 \
                   WHERE tenant_id = $1 AND id = $2 AND step < $3";
        let values = vec![self.tenant().into(), id.as_i64().into(), step.into(), now.into()];
        Ok(self.execute(sql, values).await? == 1)
    }

    /// Notes that an authenticator was used that is still as it was read: what it counts, and what is
    /// needed to check it, from now on. False if another use was quicker.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn advance_authenticator(
        &mut self,
        read: &Authenticator,
        step: i64,
        data: &str,
        now: Time,
    ) -> Result<bool> {
        let sql = "UPDATE authenticators SET step = $5, data = $6, used_at = $7 \
                   WHERE tenant_id = $1 AND id = $2 AND step = $3 AND data = $4";
        let values = vec![
            self.tenant().into(),
            read.id.as_i64().into(),
            read.step.into(),
            read.data.as_str().into(),
            step.into(),
            data.into(),
            now.into(),
        ];
        Ok(self.execute(sql, values).await? == 1)
    }

    /// Takes an authenticator of a user away; whether it was there.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remove_authenticator(
        &mut self,
        user: UserId,
        id: AuthenticatorId,
    ) -> Result<bool> {
        let sql = "DELETE FROM authenticators WHERE tenant_id = $1 AND user_id = $2 AND id = $3";
        let values = vec![self.tenant().into(), user.as_i64().into(), id.as_i64().into()];
        Ok(self.execute(sql, values).await? == 1)
    }

    /// What a user proves themselves by, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_authenticators(&mut self, user: UserId) -> Result<Vec<Authenticator>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM authenticators WHERE tenant_id = $1 AND user_id = $2 ORDER BY created_at"
        );
        let rows = self.fetch(&sql, vec![self.tenant().into(), user.as_i64().into()]).await?;
        rows.iter().map(|row| authenticator(row.cells())).collect()
    }
}

impl Store {
    /// What everybody proves themselves by, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_authenticators(&self) -> Result<Vec<Authenticator>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM authenticators WHERE tenant_id = $1 ORDER BY created_at"
        );
        let rows = self.db.fetch(&sql, vec![self.tenant().into()]).await?;
        rows.iter().map(|row| authenticator(row.cells())).collect()
    }

    /// The authenticator of a kind with a name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_authenticator(
        &self,
        kind: AuthenticatorKind,
        name: &str,
    ) -> Result<Option<Authenticator>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM authenticators WHERE tenant_id = $1 AND kind = $2 AND name = $3"
        );
        let values = vec![self.tenant().into(), kind.as_str().into(), name.into()];
        let rows = self.db.fetch(&sql, values).await?;
        rows.first().map(|row| authenticator(row.cells())).transpose()
    }
}
