//! Accounts: where keys are held, and how they are reached.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use keytender_core::access::Side;
use keytender_core::id::{AccountId, ApiId};
use keytender_core::secret::Secret;
use keytender_core::time::Time;
use serde::{Deserialize, Serialize};

use super::bulk::{self, json, parsed};
use super::db::{Cells, Row, Tx};
use super::tasks::sync_of;
use super::{Failure, Result, Store};

/// How an account is reached: references only, never a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Access {
    /// A profile of AWS's configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Where the credential is, such as `env:NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// A role to assume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// What the role's owner asks for beside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// What its descriptor asks for beside the credential, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// What takes the place of scheme, host and port of each of the descriptor's URLs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Whether addresses that are not public may be reached.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_private: bool,
    /// The descriptor that was given with it, where it is none of the shelf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub descriptor: Option<String>,
    /// Where the descriptor was found, where that is an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Box<Found>>,
    /// Whether a descriptor that was given may change something at the provider.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_writes: bool,
    /// The hosts that whoever added it agreed to; a descriptor that comes to name others reaches none.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub hosts: BTreeSet<String>,
}

/// A descriptor that was found at an address, as somebody approved it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Found {
    /// The URL at which it was found.
    pub at: String,
    /// The SHA-256 of its text, in hexadecimal.
    pub digest: String,
    /// Hosts of other sites that may be reached, because somebody said so.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub pinned: BTreeSet<String>,
}

/// What kind of account it is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AccountKind {
    /// It is asked for its keys.
    Live,
    /// Its keys are told by hand or from a file.
    Manual,
    /// It is asked for its member accounts as well.
    Organization,
    /// It is this installation's own: its keys are the tokens of its API.
    Own,
    /// It is a customer of an API of ours: we issue its keys.
    Customer,
}

impl AccountKind {
    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Manual => "manual",
            Self::Organization => "organization",
            Self::Own => "own",
            Self::Customer => "customer",
        }
    }

    /// On which side its keys are.
    pub const fn side(self) -> Side {
        match self {
            Self::Own | Self::Customer => Side::Issued,
            _ => Side::Held,
        }
    }

    /// Whether somebody else is asked for its keys.
    pub const fn is_asked(self) -> bool {
        matches!(self, Self::Live | Self::Organization)
    }

    fn parse(word: &str) -> Result<Self> {
        [Self::Live, Self::Manual, Self::Organization, Self::Own, Self::Customer]
            .into_iter()
            .find(|kind| kind.as_str() == word)
            .ok_or_else(|| Failure::Corrupt(format!("account kind `{word}`")))
    }
}

/// An account.
#[derive(Clone, Debug)]
pub struct Account {
    /// Our id.
    pub id: AccountId,
    /// The provider's id: `aws`, `github` …
    pub provider: String,
    /// What people call it here.
    pub name: String,
    /// What it is to us.
    pub kind: AccountKind,
    /// The organization through which it was found.
    pub parent_id: Option<AccountId>,
    /// The provider's id of it, once known.
    pub external_id: Option<String>,
    /// The provider's name for it.
    pub alias: Option<String>,
    /// An address for its keys without an owner, as somebody told it here.
    pub contact: Option<String>,
    /// The address that the provider itself writes to about its security.
    pub security_contact: Option<String>,
    /// How it is reached.
    pub access: Access,
    /// A secret that we were asked to keep.
    pub sealed: Option<String>,
    /// That secret in clear, once somebody has opened it; the database never sees it.
    pub secret: Option<Secret>,
    /// The columns of its credential report, as it was last seen.
    pub report_header: Option<Vec<String>>,
    /// Since when it is known.
    pub created_at: Time,
    /// Of a customer: of which API of ours.
    pub api_id: Option<ApiId>,
    /// Of a customer: since when none of its keys works.
    pub suspended_at: Option<Time>,
}

impl Account {
    /// Who hears of its keys without an owner: whom we were told, else whom the provider names.
    pub fn hears(&self) -> Option<&str> {
        self.contact.as_deref().or(self.security_contact.as_deref())
    }
}

/// What was learned of an account by looking at it.
#[derive(Clone, Debug, Default)]
pub struct Learned {
    /// The provider's id of it.
    pub external_id: Option<String>,
    /// The provider's name for it.
    pub alias: Option<String>,
    /// Whom the provider writes to about its security; the outer `None` if that is not known.
    pub security_contact: Option<Option<String>>,
    /// The columns of its credential report.
    pub report_header: Option<Vec<String>>,
}

const COLUMNS: &str = "id, provider, name, kind, parent_id, external_id, alias, contact, \
                       security_contact, access, sealed, report_header, created_at, api_id, \
                       suspended_at";

fn account(mut cells: Cells<'_>) -> Result<Account> {
    Ok(Account {
        id: AccountId::from_i64(cells.int()?),
        provider: cells.text()?,
        name: cells.text()?,
        kind: AccountKind::parse(&cells.text()?)?,
        parent_id: cells.maybe_int()?.map(AccountId::from_i64),
        external_id: cells.maybe_text()?,
        alias: cells.maybe_text()?,
        contact: cells.maybe_text()?,
        security_contact: cells.maybe_text()?,
        access: match cells.maybe_text()? {
            Some(text) => parsed(&text, "access of an account")?,
            None => Access::default(),
        },
        sealed: cells.maybe_text()?,
        secret: None,
        report_header: match cells.maybe_text()? {
            Some(text) => Some(parsed(&text, "columns of a report")?),
            None => None,
        },
        created_at: cells.time()?,
        api_id: cells.maybe_int()?.map(ApiId::from_i64),
        suspended_at: cells.maybe_time()?,
    })
}

fn all() -> String {
    format!("SELECT {COLUMNS} FROM accounts WHERE tenant_id = $1 AND api_id IS NULL ORDER BY name")
}

fn one() -> String {
    format!("SELECT {COLUMNS} FROM accounts WHERE tenant_id = $1 AND (name = $2 OR id = $3)")
}

/// Those of some ids, which are rows of `given`.
fn among(given: &str) -> String {
    format!(
        "SELECT {COLUMNS} FROM accounts WHERE id IN (SELECT given.id FROM {given}) AND tenant_id = $2"
    )
}

fn by_id(rows: &[Row]) -> Result<HashMap<AccountId, Account>> {
    rows.iter().map(|row| account(row.cells()).map(|one| (one.id, one))).collect()
}

impl Tx {
    /// As [`Store::accounts_of`], within the transaction.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn accounts_of(&mut self, ids: &[AccountId]) -> Result<HashMap<AccountId, Account>> {
        let sql = among(&self.json_rows(&[("id", "BIGINT")]));
        let rows = self
            .fetch(
                &sql,
                vec![bulk::ids(ids.iter().copied().map(AccountId::as_i64))?, self.tenant().into()],
            )
            .await?;
        by_id(&rows)
    }

    /// Adds an account, and the task that asks it.
    ///
    /// # Errors
    /// [`Failure::Exists`] if there is one of its name, or with its provider's id.
    pub async fn insert_account(&mut self, account: &Account) -> Result<()> {
        let sql = format!(
            "INSERT INTO accounts (tenant_id, side, {COLUMNS}) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
        );
        let access = json(&account.access)?;
        let values = vec![
            self.tenant().into(),
            account.kind.side().as_str().into(),
            account.id.as_i64().into(),
            account.provider.as_str().into(),
            account.name.as_str().into(),
            account.kind.as_str().into(),
            account.parent_id.map(AccountId::as_i64).into(),
            account.external_id.as_deref().into(),
            account.alias.as_deref().into(),
            account.contact.as_deref().into(),
            account.security_contact.as_deref().into(),
            access.into(),
            account.sealed.as_deref().into(),
            account.report_header.as_ref().map(json).transpose()?.into(),
            account.created_at.into(),
            account.api_id.map(ApiId::as_i64).into(),
            account.suspended_at.into(),
        ];
        self.execute(&sql, values).await?;
        match account.kind.is_asked() {
            true => self.add_tasks(&[sync_of(account.id)]).await,
            false => Ok(()),
        }
    }

    /// As [`Store::list_accounts`], within the transaction.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_accounts(&mut self) -> Result<Vec<Account>> {
        let rows = self.fetch(&all(), vec![self.tenant().into()]).await?;
        rows.iter().map(|row| account(row.cells())).collect()
    }

    /// Writes what was learned of an account, if it is new.
    ///
    /// # Errors
    /// [`Failure::Exists`] if another account has the id.
    pub async fn learn_account(&mut self, account: &Account, learned: &Learned) -> Result<()> {
        let alias = learned.alias.as_deref().or(account.alias.as_deref());
        let contact = learned.security_contact.as_ref().unwrap_or(&account.security_contact);
        let header = learned.report_header.as_ref().or(account.report_header.as_ref());
        let sql = "UPDATE accounts SET external_id = COALESCE(external_id, $3), \
                   report_header = $4, alias = $5, security_contact = $6 \
                   WHERE tenant_id = $1 AND id = $2 \
                   AND (external_id IS NULL AND $3 IS NOT NULL \
                   OR COALESCE(report_header, '') <> COALESCE($4, '') \
                   OR COALESCE(alias, '') <> COALESCE($5, '') \
                   OR COALESCE(security_contact, '') <> COALESCE($6, ''))";
        let values = vec![
            self.tenant().into(),
            account.id.as_i64().into(),
            learned.external_id.as_deref().into(),
            header.map(json).transpose()?.into(),
            alias.into(),
            contact.as_deref().into(),
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// The account of this name or id, which nobody else changes before this transaction ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lock_account(&mut self, word: &str) -> Result<Option<Account>> {
        let sql = format!("{} {}", one(), self.lock_rows("accounts"));
        let id = word.parse::<AccountId>().map_or(-1, AccountId::as_i64);
        let rows = self.fetch(&sql, vec![self.tenant().into(), word.into(), id.into()]).await?;
        rows.first().map(|row| account(row.cells())).transpose()
    }

    /// Writes since when no key of a customer works.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn suspend_account(&mut self, id: AccountId, since: Option<Time>) -> Result<()> {
        let sql = "UPDATE accounts SET suspended_at = $3 WHERE tenant_id = $1 AND id = $2";
        let values = vec![self.tenant().into(), id.as_i64().into(), since.into()];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Writes who hears of an account's keys without an owner.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn set_account_contact(
        &mut self,
        id: AccountId,
        contact: Option<&str>,
    ) -> Result<()> {
        let sql = "UPDATE accounts SET contact = $3 WHERE tenant_id = $1 AND id = $2";
        let values = vec![self.tenant().into(), id.as_i64().into(), contact.into()];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Sets how an account is reached: what is told of that, and the secret that we are asked to keep, sealed.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn set_account_access(
        &mut self,
        id: AccountId,
        access: &Access,
        sealed: Option<&str>,
    ) -> Result<()> {
        let sql = "UPDATE accounts SET access = $3, sealed = $4 WHERE tenant_id = $1 AND id = $2";
        let access = json(access)?;
        let values = vec![self.tenant().into(), id.as_i64().into(), access.into(), sealed.into()];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Takes an account and everything that is known of its keys out of the inventory.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remove_account(&mut self, id: AccountId) -> Result<()> {
        self.remove_task(&sync_of(id)).await?;
        for sql in [
            "DELETE FROM notice_items WHERE tenant_id = $1 AND key_id IN \
             (SELECT id FROM keys WHERE account_id = $2)",
            "DELETE FROM notices WHERE tenant_id = $1 AND account_id = $2",
            "DELETE FROM channels WHERE tenant_id = $1 AND account_id = $2",
            "DELETE FROM findings WHERE tenant_id = $1 AND key_id IN \
             (SELECT id FROM keys WHERE account_id = $2)",
            "DELETE FROM key_uses WHERE tenant_id = $1 AND key_id IN \
             (SELECT id FROM keys WHERE account_id = $2)",
            "DELETE FROM key_usage WHERE tenant_id = $1 AND key_id IN \
             (SELECT id FROM keys WHERE account_id = $2)",
            "DELETE FROM key_days WHERE tenant_id = $1 AND key_id IN \
             (SELECT id FROM keys WHERE account_id = $2)",
            "DELETE FROM key_places WHERE tenant_id = $1 AND key_id IN \
             (SELECT id FROM keys WHERE account_id = $2)",
            "DELETE FROM issued_keys WHERE tenant_id = $1 AND key_id IN \
             (SELECT id FROM keys WHERE account_id = $2)",
            "DELETE FROM apps WHERE tenant_id = $1 AND account_id = $2",
            "DELETE FROM versions WHERE tenant_id = $1 AND subject_id IN \
             (SELECT id FROM keys WHERE account_id = $2 \
             UNION ALL SELECT id FROM principals WHERE account_id = $2)",
            "DELETE FROM keys WHERE tenant_id = $1 AND account_id = $2",
            "DELETE FROM principals WHERE tenant_id = $1 AND account_id = $2",
            "DELETE FROM syncs WHERE tenant_id = $1 AND account_id = $2",
            "DELETE FROM accounts WHERE tenant_id = $1 AND id = $2",
        ] {
            self.execute(sql, vec![self.tenant().into(), id.as_i64().into()]).await?;
        }
        Ok(())
    }
}

impl Store {
    /// Every account that was not removed, by name, but for the customers of our APIs.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_accounts(&self) -> Result<Vec<Account>> {
        let rows = self.db.fetch(&all(), vec![self.tenant().into()]).await?;
        rows.iter().map(|row| account(row.cells())).collect()
    }

    /// Of each customer of our APIs its id and the name of the API.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn apis_of_customers(&self) -> Result<Vec<(AccountId, String)>> {
        let sql = "SELECT id, provider FROM accounts WHERE tenant_id = $1 AND api_id IS NOT NULL";
        let rows = self.db.fetch(sql, vec![self.tenant().into()]).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                Ok((AccountId::from_i64(cells.int()?), cells.text()?))
            })
            .collect()
    }

    /// The account of this name or id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_account(&self, word: &str) -> Result<Option<Account>> {
        let id = word.parse::<AccountId>().map_or(-1, AccountId::as_i64);
        let values = vec![self.tenant().into(), word.into(), id.into()];
        let rows = self.db.fetch(&one(), values).await?;
        rows.first().map(|row| account(row.cells())).transpose()
    }

    /// These accounts.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn accounts_of(&self, ids: &[AccountId]) -> Result<HashMap<AccountId, Account>> {
        let sql = among(&self.db.json_rows(&[("id", "BIGINT")]));
        let rows = self
            .db
            .fetch(
                &sql,
                vec![bulk::ids(ids.iter().copied().map(AccountId::as_i64))?, self.tenant().into()],
            )
            .await?;
        by_id(&rows)
    }

    /// Some customers of an API after the one of the name `after`, by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_customers(
        &self,
        api: ApiId,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Account>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM accounts WHERE tenant_id = $1 AND api_id = $2 AND name > $3 \
             ORDER BY name LIMIT $4"
        );
        let values = vec![
            self.tenant().into(),
            api.as_i64().into(),
            after.unwrap_or_default().into(),
            limit.into(),
        ];
        let rows = self.db.fetch(&sql, values).await?;
        rows.iter().map(|row| account(row.cells())).collect()
    }

    /// How many keys each account has that are not destroyed, and how many of them are due.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_by_account(&self) -> Result<HashMap<AccountId, (u64, u64)>> {
        let sql = "SELECT account_id, CAST(COUNT(*) AS BIGINT), CAST(SUM(due) AS BIGINT) \
                   FROM keys WHERE tenant_id = $1 AND state <> 'destroyed' GROUP BY account_id";
        let rows = self.db.fetch(sql, vec![self.tenant().into()]).await?;
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                let account = AccountId::from_i64(cells.int()?);
                Ok((account, (count(cells.int()?), count(cells.int()?))))
            })
            .collect()
    }
}
