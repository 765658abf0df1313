//! Values that go into a database, and the cells that come out.

use keytender_core::time::Time;
use sqlx::postgres::{PgArguments, PgRow, Postgres};
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteRow};
use sqlx::{Arguments, Executor, Row as _};

use super::sql_text;

/// One value of a statement.
#[derive(Clone, Debug)]
pub enum Value {
    /// An integer, or none.
    Int(Option<i64>),
    /// A text, or none.
    Text(Option<String>),
}

/// The values `$1`, `$2` … of a statement.
pub type Values = Vec<Value>;

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(Some(i64::from(value)))
    }
}

impl From<Time> for Value {
    fn from(value: Time) -> Self {
        Self::Int(Some(value.as_micros()))
    }
}

impl From<Option<Time>> for Value {
    fn from(value: Option<Time>) -> Self {
        Self::Int(value.map(Time::as_micros))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}

impl From<Option<&str>> for Value {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(str::to_owned))
    }
}

impl From<Option<String>> for Value {
    fn from(value: Option<String>) -> Self {
        Self::Text(value)
    }
}

/// One row of an answer.
#[derive(Debug)]
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(PgRow),
}

impl Row {
    /// Its cells, to be taken from left to right.
    pub const fn cells(&self) -> Cells<'_> {
        Cells { row: self, next: 0 }
    }

    fn int(&self, place: usize) -> sqlx::Result<Option<i64>> {
        match self {
            Self::Sqlite(row) => row.try_get_unchecked(place),
            Self::Postgres(row) => row.try_get(place),
        }
    }

    fn text(&self, place: usize) -> sqlx::Result<Option<String>> {
        match self {
            Self::Sqlite(row) => row.try_get_unchecked(place),
            Self::Postgres(row) => row.try_get(place),
        }
    }
}

/// The cells of a row, taken from left to right in the order of the statement's columns.
#[derive(Debug)]
pub struct Cells<'r> {
    row: &'r Row,
    next: usize,
}

impl Cells<'_> {
    fn place(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    /// An integer that must be there.
    ///
    /// # Errors
    /// When it is not, or is no integer.
    pub fn int(&mut self) -> sqlx::Result<i64> {
        let place = self.place();
        self.row.int(place)?.ok_or_else(|| missing(place))
    }

    /// An integer that may be absent.
    ///
    /// # Errors
    /// When it is no integer.
    pub fn maybe_int(&mut self) -> sqlx::Result<Option<i64>> {
        let place = self.place();
        self.row.int(place)
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// When it is not, or is no text.
    pub fn text(&mut self) -> sqlx::Result<String> {
        let place = self.place();
        self.row.text(place)?.ok_or_else(|| missing(place))
    }

    /// A text that may be absent.
    ///
    /// # Errors
    /// When it is no text.
    pub fn maybe_text(&mut self) -> sqlx::Result<Option<String>> {
        let place = self.place();
        self.row.text(place)
    }

    /// A truth that must be there.
    ///
    /// # Errors
    /// When it is not, or is no integer.
    pub fn truth(&mut self) -> sqlx::Result<bool> {
        Ok(self.int()? != 0)
    }

    /// A truth that may be absent.
    ///
    /// # Errors
    /// When it is no integer.
    pub fn maybe_truth(&mut self) -> sqlx::Result<Option<bool>> {
        Ok(self.maybe_int()?.map(|value| value != 0))
    }

    /// A moment that must be there.
    ///
    /// # Errors
    /// When it is not, or is no integer.
    pub fn time(&mut self) -> sqlx::Result<Time> {
        self.int().map(Time::from_micros)
    }

    /// A moment that may be absent.
    ///
    /// # Errors
    /// When it is no integer.
    pub fn maybe_time(&mut self) -> sqlx::Result<Option<Time>> {
        Ok(self.maybe_int()?.map(Time::from_micros))
    }
}

/// A cell that the schema says is there.
fn missing(place: usize) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: place.to_string(), source: "there is no value".into() }
}

fn add<A: Arguments>(arguments: &mut A, value: Value) -> sqlx::Result<()>
where
    for<'t> Option<i64>: sqlx::Encode<'t, A::Database> + sqlx::Type<A::Database>,
    for<'t> Option<String>: sqlx::Encode<'t, A::Database> + sqlx::Type<A::Database>,
{
    match value {
        Value::Int(value) => arguments.add(value),
        Value::Text(value) => arguments.add(value),
    }
    .map_err(sqlx::Error::Encode)
}

fn sqlite(values: Values) -> sqlx::Result<SqliteArguments> {
    let mut arguments = SqliteArguments::default();
    values.into_iter().try_for_each(|value| add(&mut arguments, value))?;
    Ok(arguments)
}

fn postgres(values: Values) -> sqlx::Result<PgArguments> {
    let mut arguments = PgArguments::default();
    values.into_iter().try_for_each(|value| add(&mut arguments, value))?;
    Ok(arguments)
}

pub(super) async fn fetch_sqlite<'e>(
    executor: impl Executor<'e, Database = Sqlite>,
    sql: &str,
    values: Values,
) -> sqlx::Result<Vec<Row>> {
    let query = sqlx::query_with(sql_text(sql), sqlite(values)?);
    Ok(query.fetch_all(executor).await?.into_iter().map(Row::Sqlite).collect())
}

pub(super) async fn fetch_postgres<'e>(
    executor: impl Executor<'e, Database = Postgres>,
    sql: &str,
    values: Values,
) -> sqlx::Result<Vec<Row>> {
    let query = sqlx::query_with(sql_text(sql), postgres(values)?);
    Ok(query.fetch_all(executor).await?.into_iter().map(Row::Postgres).collect())
}

pub(super) async fn execute_sqlite(
    tx: &mut sqlx::Transaction<'static, Sqlite>,
    sql: &str,
    values: Values,
) -> sqlx::Result<u64> {
    let query = sqlx::query_with(sql_text(sql), sqlite(values)?);
    Ok(query.execute(&mut **tx).await?.rows_affected())
}

pub(super) async fn execute_postgres(
    tx: &mut sqlx::Transaction<'static, Postgres>,
    sql: &str,
    values: Values,
) -> sqlx::Result<u64> {
    let query = sqlx::query_with(sql_text(sql), postgres(values)?);
    Ok(query.execute(&mut **tx).await?.rows_affected())
}
