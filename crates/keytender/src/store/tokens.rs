//! Tokens: what programs show to use the API. A token is a key of our own account; here is what it
//! is beside that.

use std::collections::HashMap;

use keytender_core::access::{Role, Scopes, Side};
use keytender_core::id::{AccountId, KeyId, OwnerId, UserId};
use keytender_core::key::State;
use keytender_core::time::Time;

use super::db::{Cells, Tx};
use super::keys::state;
use super::{Failure, Result, Store, users};

/// What a token is beside a key.
#[derive(Clone, Debug)]
pub struct Token {
    /// The key.
    pub key_id: KeyId,
    /// Whose it is.
    pub user_id: UserId,
    /// What stands in it in clear.
    pub token_id: String,
    /// The SHA-256 of its secret, in hexadecimal.
    pub digest: String,
    /// What it may do, of what its user may.
    pub scopes: Scopes,
    /// To keys of which side it is limited.
    pub side: Option<Side>,
    /// To which customer's account it is limited: it is that customer's own.
    pub account_id: Option<AccountId>,
}

/// A token that somebody shows: whose it is, and whether it works.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Whose inventory it opens.
    pub tenant: i64,
    /// The token.
    pub token: Token,
    /// Whether it works.
    pub state: State,
    /// When it ends.
    pub expires_at: Option<Time>,
    /// When it was last used, as far as it is written.
    pub used_at: Option<Time>,
    /// The user's name.
    pub user: String,
    /// What the user may do.
    pub role: Role,
    /// Whose keys the user sees, if not all.
    pub owner_id: Option<OwnerId>,
    /// Since when no token of the user works.
    pub suspended_at: Option<Time>,
    /// What the account is called to which it is limited.
    pub account: Option<String>,
}

const COLUMNS: &str = "t.key_id, t.user_id, t.token_id, t.digest, t.scopes, t.side, t.account_id";

fn token(cells: &mut Cells<'_>) -> Result<Token> {
    Ok(Token {
        key_id: KeyId::from_i64(cells.int()?),
        user_id: UserId::from_i64(cells.int()?),
        token_id: cells.text()?,
        digest: cells.text()?,
        scopes: scopes(&cells.text()?)?,
        side: cells.maybe_text()?.map(|word| side(&word)).transpose()?,
        account_id: cells.maybe_int()?.map(AccountId::from_i64),
    })
}

fn scopes(words: &str) -> Result<Scopes> {
    Scopes::parse(words).map_err(|error| Failure::Corrupt(format!("scopes: {error}")))
}

fn side(word: &str) -> Result<Side> {
    Side::parse(word).ok_or_else(|| Failure::Corrupt(format!("side `{word}`")))
}

impl Tx {
    /// Adds what a token is beside its key, which is there.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_token(&mut self, token: &Token) -> Result<()> {
        let sql = "INSERT INTO tokens (tenant_id, key_id, user_id, token_id, digest, scopes, side, \
                   account_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let values = vec![
            self.tenant().into(),
            token.key_id.as_i64().into(),
            token.user_id.as_i64().into(),
            token.token_id.as_str().into(),
            token.digest.as_str().into(),
            token.scopes.to_string().into(),
            token.side.map(Side::as_str).into(),
            token.account_id.map(AccountId::as_i64).into(),
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// The keys of a customer's own tokens.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn token_keys_in(&mut self, account: AccountId) -> Result<Vec<KeyId>> {
        let sql = "SELECT key_id FROM tokens WHERE tenant_id = $1 AND account_id = $2";
        let rows = self.fetch(sql, vec![self.tenant().into(), account.as_i64().into()]).await?;
        rows.iter().map(|row| Ok(KeyId::from_i64(row.cells().int()?))).collect()
    }

    /// The keys of a user's tokens.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn token_keys(&mut self, user: UserId) -> Result<Vec<KeyId>> {
        let sql = "SELECT key_id FROM tokens WHERE tenant_id = $1 AND user_id = $2";
        let rows = self.fetch(sql, vec![self.tenant().into(), user.as_i64().into()]).await?;
        rows.iter().map(|row| Ok(KeyId::from_i64(row.cells().int()?))).collect()
    }
}

impl Store {
    /// The token with this text in clear, of whichever tenant.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_token(&self, token_id: &str) -> Result<Option<Shown>> {
        let sql = format!(
            "SELECT t.tenant_id, {COLUMNS}, k.state, k.expires_at, \
             CASE WHEN k.use_status = 'used' THEN k.use_at END, u.name, u.role, u.owner_id, \
             u.suspended_at, a.name FROM tokens t JOIN keys k ON k.id = t.key_id \
             JOIN users u ON u.id = t.user_id \
             LEFT JOIN accounts a ON a.id = t.account_id WHERE t.token_id = $1"
        );
        let rows = self.db.fetch(&sql, vec![token_id.into()]).await?;
        rows.first()
            .map(|row| {
                let mut cells = row.cells();
                Ok(Shown {
                    tenant: cells.int()?,
                    token: token(&mut cells)?,
                    state: state(&cells.text()?)?,
                    expires_at: cells.maybe_time()?,
                    used_at: cells.maybe_time()?,
                    user: cells.text()?,
                    role: users::role(&cells.text()?)?,
                    owner_id: cells.maybe_int()?.map(OwnerId::from_i64),
                    suspended_at: cells.maybe_time()?,
                    account: cells.maybe_text()?,
                })
            })
            .transpose()
    }

    /// What the accounts are called to which tokens are limited.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn token_accounts(&self) -> Result<HashMap<AccountId, String>> {
        let sql = "SELECT id, name FROM accounts WHERE tenant_id = $1 \
                   AND id IN (SELECT account_id FROM tokens WHERE tenant_id = $1)";
        let rows = self.db.fetch(sql, vec![self.tenant().into()]).await?;
        let account = |row: &super::db::Row| {
            let mut cells = row.cells();
            Ok((AccountId::from_i64(cells.int()?), cells.text()?))
        };
        rows.iter().map(account).collect()
    }

    /// Every token.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_tokens(&self) -> Result<Vec<Token>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM tokens t WHERE t.tenant_id = $1 ORDER BY t.user_id, t.key_id"
        );
        let rows = self.db.fetch(&sql, vec![self.tenant().into()]).await?;
        rows.iter().map(|row| token(&mut row.cells())).collect()
    }
}
