//! How verifiers divide limits among them: a book for each app of which one is short, and none for the others.

use keytender_core::id::{ApiId, AppId};
use keytender_verify::share::Book;
use serde_json::json as object;

use super::bulk::json;
use super::db::{Row, Tx, Values};
use super::{Failure, Result, Store};

/// The advisory lock of whoever settles books; any number, but always this one.
const LOCK: i64 = 0x6b65_7974_5348;

/// The book of an app's limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitBook {
    /// The app.
    pub app_id: AppId,
    /// Of which API.
    pub api_id: ApiId,
    /// What is in it.
    pub book: Book,
}

const BOOKS: &str = "SELECT app_id, api_id, book FROM limit_books WHERE tenant_id = $1 \
    AND api_id = COALESCE($2, api_id) ORDER BY app_id";

fn books(rows: &[Row]) -> Result<Vec<LimitBook>> {
    rows.iter()
        .map(|row| {
            let mut cells = row.cells();
            let (app_id, api_id) = (AppId::from_i64(cells.int()?), ApiId::from_i64(cells.int()?));
            let book = serde_json::from_str(&cells.text()?)
                .map_err(|_| Failure::Corrupt("the book of a limit".to_owned()))?;
            Ok(LimitBook { app_id, api_id, book })
        })
        .collect()
}

impl Store {
    /// The books of an API's apps; of all, if there is none.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn limit_books(&self, api: Option<ApiId>) -> Result<Vec<LimitBook>> {
        let values: Values = vec![self.tenant().into(), api.map(ApiId::as_i64).into()];
        books(&self.db.fetch(BOOKS, values).await?)
    }
}

impl Tx {
    /// As [`Store::limit_books`]; nobody else changes one before this transaction ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lock_limit_books(&mut self, api: Option<ApiId>) -> Result<Vec<LimitBook>> {
        self.lock(LOCK ^ self.tenant()).await?;
        let values: Values = vec![self.tenant().into(), api.map(ApiId::as_i64).into()];
        books(&self.fetch(BOOKS, values).await?)
    }

    /// Writes books; one in which nothing stands is taken away.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_limit_books(&mut self, books: &[LimitBook]) -> Result<()> {
        let (empty, full): (Vec<_>, Vec<_>) =
            books.iter().partition(|one| one.book == Book::default());
        if !full.is_empty() {
            let line = |one: &&LimitBook| {
                let (app, api) = (one.app_id.as_i64(), one.api_id.as_i64());
                Ok(object!({"app_id": app, "api_id": api, "book": json(&one.book)?}))
            };
            let lines = full.iter().map(line).collect::<Result<Vec<_>>>()?;
            let given =
                self.json_rows(&[("app_id", "BIGINT"), ("api_id", "BIGINT"), ("book", "TEXT")]);
            let sql = format!(
                "INSERT INTO limit_books (tenant_id, app_id, api_id, book) \
                 SELECT $2, given.app_id, given.api_id, given.book FROM {given} WHERE true \
                 ON CONFLICT (tenant_id, app_id) DO UPDATE SET book = excluded.book"
            );
            self.execute(&sql, vec![json(&lines)?.into(), self.tenant().into()]).await?;
        }
        if !empty.is_empty() {
            let lines: Vec<_> =
                empty.iter().map(|one| object!({"id": one.app_id.as_i64()})).collect();
            let given = self.json_rows(&[("id", "BIGINT")]);
            let sql = format!(
                "DELETE FROM limit_books WHERE app_id IN (SELECT given.id FROM {given}) \
                 AND tenant_id = $2"
            );
            self.execute(&sql, vec![json(&lines)?.into(), self.tenant().into()]).await?;
        }
        Ok(())
    }
}
