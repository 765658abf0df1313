//! Apps: who the keys of an API's customer act for. An app is a principal; here is what it is beside that.

use std::collections::BTreeMap;

use keytender_core::id::{AccountId, ApiId, AppId};
use keytender_core::time::Time;
use serde::{Deserialize, Serialize};

use super::bulk::{json, parsed};
use super::db::{Cells, Tx};
use super::principals::tags;
use super::{Result, Store};

/// An app.
#[derive(Clone, Debug)]
pub struct App {
    /// The id; the principal's id is the same number.
    pub id: AppId,
    /// For which API its keys are.
    pub api_id: ApiId,
    /// The customer whose it is.
    pub account_id: AccountId,
    /// What it is called among the customer's.
    pub name: String,
    /// What its keys may do at most; empty: whatever each key says.
    pub scopes: Vec<String>,
    /// How much its keys may do together.
    pub limits: Limits,
    /// What is said of it, by name: the tags of its principal.
    pub labels: BTreeMap<String, String>,
    /// Since when none of its keys works.
    pub suspended_at: Option<Time>,
    /// Since when it is known.
    pub created_at: Time,
    /// When it ended, and all its keys with it.
    pub ended_at: Option<Time>,
}

/// How much the keys of an app may do together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// How fast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// How much in a day or a month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
}

/// How fast: a token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// How many requests.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub requests: u32,
    /// In how many seconds.
    #[schema(minimum = 1, maximum = 86_400)]
    pub seconds: u32,
    /// How many at once; as many as `requests` if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub burst: Option<u32>,
}

/// How much in a period, which begins at midnight UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// How many requests.
    #[schema(minimum = 1)]
    pub requests: u32,
    /// In which period.
    pub per: Period,
}

/// A period of the calendar, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// A day.
    Day,
    /// A month.
    Month,
}

/// What an app is read of.
pub(super) const COLUMNS: &str = "a.id, a.api_id, a.account_id, p.name, a.scopes, a.limits, p.tags, \
    a.suspended_at, a.created_at, p.gone_at";
/// Where these stand.
pub(super) const TABLES: &str = "apps a JOIN principals p ON p.id = a.id";

/// Reads [`COLUMNS`].
pub(super) fn app(cells: &mut Cells<'_>) -> Result<App> {
    Ok(App {
        id: AppId::from_i64(cells.int()?),
        api_id: ApiId::from_i64(cells.int()?),
        account_id: AccountId::from_i64(cells.int()?),
        name: cells.text()?,
        scopes: words(&cells.text()?),
        limits: parsed(&cells.text()?, "limits of an app")?,
        labels: tags(cells.maybe_text()?)?.unwrap_or_default(),
        suspended_at: cells.maybe_time()?,
        created_at: cells.time()?,
        ended_at: cells.maybe_time()?,
    })
}

/// The words of a text, a space between two.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

impl Tx {
    /// Adds what an app is beside its principal, which is there.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_app(&mut self, app: &App) -> Result<()> {
        let sql = "INSERT INTO apps (tenant_id, id, api_id, account_id, scopes, limits, suspended_at, \
                   created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let values = vec![
            self.tenant().into(),
            app.id.as_i64().into(),
            app.api_id.as_i64().into(),
            app.account_id.as_i64().into(),
            app.scopes.join(" ").into(),
            json(&app.limits)?.into(),
            app.suspended_at.into(),
            app.created_at.into(),
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Writes what an app's keys may do, and whether they work.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn update_app(&mut self, app: &App) -> Result<()> {
        let sql = "UPDATE apps SET scopes = $3, limits = $4, suspended_at = $5 \
                   WHERE tenant_id = $1 AND id = $2";
        let values = vec![
            self.tenant().into(),
            app.id.as_i64().into(),
            app.scopes.join(" ").into(),
            json(&app.limits)?.into(),
            app.suspended_at.into(),
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Writes what is said of an app from `at` on, and has its keys judged and claimed anew.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn label_app(&mut self, app: &App, at: Time) -> Result<()> {
        let sql = "UPDATE principals SET tags = $3, tags_at = $4 WHERE tenant_id = $1 AND id = $2";
        let (tenant, id) = (self.tenant(), app.id.as_i64());
        let values = vec![tenant.into(), id.into(), json(&app.labels)?.into(), at.into()];
        self.execute(sql, values).await?;
        let sql = "UPDATE keys SET evaluate_at = 0 WHERE tenant_id = $1 AND principal_id = $2";
        self.execute(sql, vec![tenant.into(), id.into()]).await?;
        Ok(())
    }

    /// Writes that an app has ended: its principal is gone.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn end_app(&mut self, id: AppId, at: Time) -> Result<()> {
        let sql = "UPDATE principals SET gone_at = $3 WHERE tenant_id = $1 AND id = $2";
        self.execute(sql, vec![self.tenant().into(), id.as_i64().into(), at.into()]).await?;
        Ok(())
    }

    /// How many apps a customer has, with those that ended after `since`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_apps(&mut self, account: AccountId, since: Time) -> Result<i64> {
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM apps a JOIN principals p ON p.id = a.id \
                   WHERE a.tenant_id = $1 AND a.account_id = $2 AND (p.gone_at IS NULL OR p.gone_at > $3)";
        let values = vec![self.tenant().into(), account.as_i64().into(), since.into()];
        let rows = self.fetch(sql, values).await?;
        Ok(rows.first().map(|row| row.cells().int()).transpose()?.unwrap_or(0))
    }

    /// The app of this id, which nobody else changes before this transaction ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lock_app(&mut self, id: AppId) -> Result<Option<App>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM {TABLES} WHERE a.tenant_id = $1 AND a.id = $2 {}",
            self.lock_rows("a")
        );
        let rows = self.fetch(&sql, vec![self.tenant().into(), id.as_i64().into()]).await?;
        rows.first().map(|row| app(&mut row.cells())).transpose()
    }
}

impl Store {
    /// The app of this id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_app(&self, id: AppId) -> Result<Option<App>> {
        let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE a.tenant_id = $1 AND a.id = $2");
        let rows = self.db.fetch(&sql, vec![self.tenant().into(), id.as_i64().into()]).await?;
        rows.first().map(|row| app(&mut row.cells())).transpose()
    }

    /// Some apps after `after`, in the order of their ids: of a customer, or of a whole API.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_apps(
        &self,
        api: ApiId,
        account: Option<AccountId>,
        after: Option<AppId>,
        limit: i64,
    ) -> Result<Vec<App>> {
        let of = match account {
            Some(_) => "a.account_id = $4",
            None => "a.api_id = $4",
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM {TABLES} WHERE a.tenant_id = $1 AND {of} AND a.id > $2 \
             AND p.gone_at IS NULL ORDER BY a.id LIMIT $3"
        );
        let values = vec![
            self.tenant().into(),
            after.map_or(-1, AppId::as_i64).into(),
            limit.into(),
            account.map_or(api.as_i64(), AccountId::as_i64).into(),
        ];
        let rows = self.db.fetch(&sql, values).await?;
        rows.iter().map(|row| app(&mut row.cells())).collect()
    }
}
