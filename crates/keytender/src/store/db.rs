//! The one place that knows which database it is: SQLite or PostgreSQL.
//!
//! Both get the same SQL with `$1`, `$2` …, and know two types: text and 64-bit integers (times are
//! microseconds, truths 0 or 1). What differs is here and nowhere else: how a connection is opened,
//! how a write transaction begins, how the database tells the time, and how a JSON array becomes
//! rows.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, ConnectOptions};

pub use value::{Cells, Row, Value, Values};

mod value;

/// How long a connection waits for another that writes. SQLite has one writer at a time.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a caller waits for a free connection, or for PostgreSQL to answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Connections of one process; SQLite's readers do not wait for its writer.
const MAX_CONNECTIONS: u32 = 8;
/// Rows that SQLite's thread may read ahead: each time that one side waits for the other costs more
/// than a row.
const ROWS_AHEAD: usize = 2_000;
/// The page cache of a SQLite connection that reads, in KiB: an inventory of a million keys has hot
/// indexes of this size.
const READ_CACHE_KIB: u32 = 65_536;
/// And of the one that writes: what a large transaction changes has room beside them, or it would be
/// written twice.
const WRITE_CACHE_KIB: u32 = 131_072;

/// The one tenant of an installation. It leads every unique constraint so that there can be more.
const FIRST_TENANT: i64 = 1;

/// Where an inventory is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A SQLite file.
    File(PathBuf),
    /// A PostgreSQL database, by its URL, which may hold a password.
    Postgres(String),
}

impl Location {
    /// A URL that begins with `postgres://` or `postgresql://`; anything else is a file.
    pub fn parse(text: &str) -> Self {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Self::Postgres(text.to_owned())
        } else {
            Self::File(PathBuf::from(text.strip_prefix("sqlite:").unwrap_or(text)))
        }
    }
}

/// What people are told of a location: never the password in a URL.
impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Postgres(url) => match PgConnectOptions::from_str(url) {
                Ok(options) => {
                    let name = options.get_database().unwrap_or_default();
                    write!(f, "postgres://{}:{}/{name}", options.get_host(), options.get_port())
                }
                Err(_) => f.write_str("postgres"),
            },
        }
    }
}

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// A database that answers, as one tenant sees it.
#[derive(Clone, Debug)]
pub struct Db {
    pool: Pool,
    tenant: i64,
}

/// Its connections.
#[derive(Clone, Debug)]
enum Pool {
    /// Readers beside each other, and the one connection that writes.
    Sqlite { read: SqlitePool, write: SqlitePool },
    /// Connections to the server.
    Postgres(PgPool),
}

impl Db {
    /// Opens the database; a SQLite file is made where there is none.
    ///
    /// # Errors
    /// When it cannot be opened or does not answer in time.
    pub async fn open(location: &Location) -> sqlx::Result<Self> {
        let pool = match location {
            Location::File(path) => open_sqlite(path).await?,
            Location::Postgres(url) => {
                let options = PgConnectOptions::from_str(url)?
                    .application_name("keytender")
                    .disable_statement_logging();
                let pool = PgPoolOptions::new()
                    .max_connections(MAX_CONNECTIONS)
                    .acquire_timeout(CONNECT_TIMEOUT);
                Pool::Postgres(pool.connect_with(options).await?)
            }
        };
        Ok(Self { pool, tenant: FIRST_TENANT })
    }

    /// The same database as `tenant` sees it.
    #[must_use]
    pub fn of_tenant(&self, tenant: i64) -> Self {
        Self { pool: self.pool.clone(), tenant }
    }

    /// Whose rows are read and written.
    pub const fn tenant(&self) -> i64 {
        self.tenant
    }

    /// Which one it is.
    pub const fn kind(&self) -> Kind {
        match self.pool {
            Pool::Sqlite { .. } => Kind::Sqlite,
            Pool::Postgres(_) => Kind::Postgres,
        }
    }

    /// The rows that `sql` gives.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn fetch(&self, sql: &str, values: Values) -> sqlx::Result<Vec<Row>> {
        match &self.pool {
            Pool::Sqlite { read, .. } => value::fetch_sqlite(read, sql, values).await,
            Pool::Postgres(pool) => value::fetch_postgres(pool, sql, values).await,
        }
    }

    /// Begins a transaction that will write.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn begin(&self) -> sqlx::Result<Tx> {
        let held = match &self.pool {
            Pool::Sqlite { write, .. } => Held::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Pool::Postgres(pool) => Held::Postgres(pool.begin().await?),
        };
        Ok(Tx { held, db: self.clone() })
    }

    /// What [`Tx::notify`] tells on a channel, from now on; `None` where the database tells nothing.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn listen(&self, channel: &str) -> sqlx::Result<Option<Listener>> {
        let Pool::Postgres(pool) = &self.pool else { return Ok(None) };
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(channel).await?;
        Ok(Some(Listener(listener)))
    }

    /// Closes every connection, so that a SQLite file is whole without its log.
    pub async fn close(&self) {
        match &self.pool {
            Pool::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Pool::Postgres(pool) => pool.close().await,
        }
    }

    /// Whether it knows about how many rows a condition lets through, and goes the way that is short
    /// for so many.
    pub const fn has_statistics(&self) -> bool {
        matches!(self.kind(), Kind::Postgres)
    }

    /// A table in a SELECT that looks at every row of it. SQLite, which does not know how many rows
    /// an index leads to, would take one and fetch each row from another page of the file.
    pub fn searched(&self, table: &str) -> String {
        match self.has_statistics() {
            true => table.to_owned(),
            false => format!("{table} NOT INDEXED"),
        }
    }

    /// A text whose case a LIKE with a pattern of small letters does not mind: SQLite's never does.
    pub fn caseless(&self, text: &str) -> String {
        match self.kind() {
            Kind::Sqlite => text.to_owned(),
            Kind::Postgres => format!("LOWER({text})"),
        }
    }

    /// The values of `fields` as one JSON array, in a cell.
    pub fn json_array(&self, fields: &str) -> String {
        match self.kind() {
            Kind::Sqlite => format!("json_array({fields})"),
            Kind::Postgres => format!("CAST(json_build_array({fields}) AS TEXT)"),
        }
    }

    /// A table of the rows of the JSON array `$1`, with these columns of type `TEXT` or `BIGINT`:
    /// a bulk write is one statement.
    pub fn json_rows(&self, columns: &[(&str, &str)]) -> String {
        json_rows(self.kind(), columns)
    }

    /// What stands in a statement for the present moment of the database's own clock, on which all
    /// nodes agree.
    pub const fn now_sql(&self) -> &'static str {
        now_sql(self.kind())
    }
}

/// Hears what is told on a channel, over a connection of its own.
#[derive(Debug)]
pub struct Listener(PgListener);

impl Listener {
    /// Waits until something was told, or may have been while the database was not reached.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn heard(&mut self) -> sqlx::Result<()> {
        self.0.try_recv().await.map(drop)
    }
}

async fn open_sqlite(path: &Path) -> sqlx::Result<Pool> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        // With WAL this loses nothing that was committed when the program is killed; FULL keeps
        // what was committed when the power goes.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .row_buffer_size(ROWS_AHEAD)
        .pragma("temp_store", "memory")
        .disable_statement_logging();
    let write = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(BUSY_TIMEOUT)
        .connect_with(options.clone().pragma("cache_size", format!("-{WRITE_CACHE_KIB}")))
        .await?;
    let options = options.pragma("cache_size", format!("-{READ_CACHE_KIB}"));
    let read = SqlitePoolOptions::new()
        .max_connections(MAX_CONNECTIONS)
        .acquire_timeout(CONNECT_TIMEOUT)
        .connect_with(options.pragma("query_only", "1"))
        .await?;
    Ok(Pool::Sqlite { read, write })
}

/// A transaction that writes; without [`Tx::commit`] nothing of it stays.
#[derive(Debug)]
pub struct Tx {
    held: Held,
    db: Db,
}

/// The connection that it holds.
#[derive(Debug)]
enum Held {
    Sqlite(sqlx::Transaction<'static, sqlx::Sqlite>),
    Postgres(sqlx::Transaction<'static, sqlx::Postgres>),
}

impl Tx {
    /// Whose rows it reads and writes.
    pub const fn tenant(&self) -> i64 {
        self.db.tenant()
    }

    /// The same database to read beside this transaction what it has not changed, if nobody else can
    /// change it before this transaction ends.
    pub fn beside(&self) -> Option<Db> {
        (self.db.kind() == Kind::Sqlite).then(|| self.db.clone())
    }

    /// Does `sql` and says how many rows it touched.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn execute(&mut self, sql: &str, values: Values) -> sqlx::Result<u64> {
        match &mut self.held {
            Held::Sqlite(tx) => value::execute_sqlite(tx, sql, values).await,
            Held::Postgres(tx) => value::execute_postgres(tx, sql, values).await,
        }
    }

    /// The rows that `sql` gives within the transaction.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn fetch(&mut self, sql: &str, values: Values) -> sqlx::Result<Vec<Row>> {
        match &mut self.held {
            Held::Sqlite(tx) => value::fetch_sqlite(&mut **tx, sql, values).await,
            Held::Postgres(tx) => value::fetch_postgres(&mut **tx, sql, values).await,
        }
    }

    /// Does several statements without values, as a migration has them.
    ///
    /// # Errors
    /// When the database refuses one.
    pub async fn script(&mut self, sql: &'static str) -> sqlx::Result<()> {
        match &mut self.held {
            Held::Sqlite(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(drop),
            Held::Postgres(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(drop),
        }
    }

    /// Waits until no other transaction holds the lock `number`; this one holds it to its end.
    /// SQLite's write transactions exclude each other anyway.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lock(&mut self, number: i64) -> sqlx::Result<()> {
        if let Held::Postgres(tx) = &mut self.held {
            sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(number).execute(&mut **tx).await?;
        }
        Ok(())
    }

    /// Wakes whoever listens on a channel, once this transaction is committed. Nothing where the database cannot: what
    /// is told so must be found without it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn notify(&mut self, channel: &str) -> sqlx::Result<()> {
        if let Held::Postgres(tx) = &mut self.held {
            sqlx::query("SELECT pg_notify($1, '')").bind(channel).execute(&mut **tx).await?;
        }
        Ok(())
    }

    /// Lets nobody wait for this transaction for long: it gives up first, when somebody else holds what it needs,
    /// and fails as [`super::Failure::is_contended`]. Only one at a time writes SQLite, so there it holds anyway.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn give_way(&mut self) -> sqlx::Result<()> {
        if matches!(self.held, Held::Postgres(_)) {
            // Half of PostgreSQL's `deadlock_timeout`, after which it chooses a victim.
            self.execute("SET LOCAL lock_timeout = '500ms'", Vec::new()).await?;
        }
        Ok(())
    }

    /// What a SELECT ends with, so that nobody else changes its rows of `table` before this
    /// transaction ends.
    pub fn lock_rows(&self, table: &str) -> String {
        match self.held {
            Held::Sqlite(_) => String::new(),
            Held::Postgres(_) => format!("FOR UPDATE OF {table}"),
        }
    }

    /// As [`Db::json_array`].
    pub fn json_array(&self, fields: &str) -> String {
        self.db.json_array(fields)
    }

    /// As [`Db::json_rows`].
    pub fn json_rows(&self, columns: &[(&str, &str)]) -> String {
        self.db.json_rows(columns)
    }

    /// As [`Db::now_sql`].
    pub const fn now_sql(&self) -> &'static str {
        self.db.now_sql()
    }

    /// Makes everything that it did stay.
    ///
    /// # Errors
    /// When the database cannot; then nothing stays.
    pub async fn commit(self) -> sqlx::Result<()> {
        match self.held {
            Held::Sqlite(tx) => tx.commit().await,
            Held::Postgres(tx) => tx.commit().await,
        }
    }
}

/// Our own text with values apart: no value is ever part of it.
fn sql_text(sql: &str) -> AssertSqlSafe<&str> {
    AssertSqlSafe(sql)
}

/// In microseconds. PostgreSQL's `now()` would be the moment at which the transaction began, which may
/// have waited since. SQLite's nodes share a machine and its clock, in milliseconds.
const fn now_sql(kind: Kind) -> &'static str {
    match kind {
        Kind::Sqlite => "CAST(unixepoch('subsec') * 1000000 AS BIGINT)",
        Kind::Postgres => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)",
    }
}

fn json_rows(kind: Kind, columns: &[(&str, &str)]) -> String {
    match kind {
        Kind::Sqlite => {
            let cells = columns
                .iter()
                .map(|(name, _)| format!("json_extract(value, '$.{name}') AS {name}"));
            format!("(SELECT {} FROM json_each($1)) AS given", cells.collect::<Vec<_>>().join(", "))
        }
        Kind::Postgres => {
            let cells = columns.iter().map(|(name, kind)| format!("{name} {kind}"));
            format!(
                "json_to_recordset(CAST($1 AS JSON)) AS given({})",
                cells.collect::<Vec<_>>().join(", ")
            )
        }
    }
}
